"""Which recorded session a live client plays, and what is called differently now.

What was learned for one recorded session means nothing in another: each has a memory of its own,
and all share the live keys. What another live client is called in place of its recorded one is
looked up in that client's memory, so that those who play together know each other's names.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from proxy.keys import SessionKeys
from recordings.model import Json, Key
from replay.adaptive.chance import Chance
from replay.adaptive.conversation import NOT_LEARNED
from replay.adaptive.fields import Masks, last_name
from replay.adaptive.lines import Line
from replay.adaptive.memory import Memory, text_of
from replay.standin.pool import Pool

KINDS = 64
"""Kinds of messages that are remembered for another recorded session."""


class SharedMemory(Memory):
    """A memory that asks the other live clients when it knows nothing itself."""

    def __init__(
        self, keys: SessionKeys, recorded: Iterable[Key], others: Callable[[], Iterable[Memory]]
    ) -> None:
        super().__init__(keys, recorded)
        self._others = others

    def expect(self, path: str, recorded: Json, *, volatile: bool = False, of: str = "") -> Json:
        """See `Memory.expect`."""
        mine = super().expect(path, recorded, volatile=volatile, of=of)
        if mine != recorded or not isinstance(recorded, str) or len(recorded) < 3:
            return mine
        for other in self._others():
            theirs = Memory.expect(other, path, recorded)
            if theirs != recorded:
                return theirs
        return mine

    def unlearn(self, path: str, recorded: Json) -> None:
        """The peer says what was recorded: it is called so again, whoever came before."""
        was = text_of(recorded)
        if was is None or self._sources.get(was) != last_name(path):
            return
        self._anywhere.pop(was, None)
        self._sources.pop(was, None)
        for table in self._named.values():
            table.pop(was, None)


class Part:
    """The part of one live session."""

    def __init__(
        self,
        plays: int,
        keys: SessionKeys,
        pool: Pool,
        chance: Chance,
        others: Callable[[Part], Iterable[Memory]],
    ) -> None:
        self.plays = plays
        """The recorded session that this client plays."""
        self.chance = chance
        self._keys = keys
        self._pool = pool
        self._others = others
        self._memories: dict[int, SharedMemory] = {}
        self._heard: dict[str, tuple[Line, Masks]] = {}
        self.last: dict[tuple[str, str], Line] = {}
        """Protocol and transport -> what was heard last, on any flow: another one goes on there."""
        self.greeted: dict[tuple[str, str], int] = {}
        """How many flows were greeted."""

    @property
    def own(self) -> Memory:
        """The memory of the session that it plays."""
        return self.memory(self.plays)

    def memory(self, session: int) -> SharedMemory:
        """What is called differently from that recorded session."""
        found = self._memories.get(session)
        if found is None:
            found = self._memories[session] = SharedMemory(
                self._keys, self._pool.keys.get(session, ()), lambda: self._others(self)
            )
            for live, masks in self._heard.values():
                recorded = self._pool.first(session, live.kind)
                if recorded is not None:
                    learn(found, masks, live, recorded)
        return found

    def heard(self, live: Line, recorded: Line, masks: Masks, session: int) -> None:
        """A live message was taken for one of a recorded session."""
        memory = self.memory(session)
        said = dict(live.leaves)
        for path, was in recorded.leaves:
            if said.get(path) == was:
                memory.unlearn(path, was)
        if len(self._heard) < KINDS:
            self._heard[live.kind] = live, masks


def learn(memory: Memory, masks: Masks, live: Line, recorded: Line) -> None:
    """Take over what a live message says where the recorded one says something else."""
    said = dict(live.leaves)
    for path, was in recorded.leaves:
        now = said.get(path)
        rule = masks.rule(recorded.kind, path)
        if now is not None and (rule is None or rule.how not in NOT_LEARNED):
            memory.learn(path, was, now, volatile=rule is not None)
