"""Ghosts: recorded players who are present in a stand-in and answer as they did.

A ghost is a client of the rules without a socket. It says what the recorded client said until it
had settled (entered its room), and from then on goes by its cues: when somebody speaks to it as
somebody did in the recording, it says what the recorded client said behind that, to whoever it is
now, in the time that it took then. Rules that know better make their own (`Rules.ghosts`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from functools import partial

from proxy.keys import SessionKeys
from proxy.message import Message
from proxy.options import read_endpoint
from proxy.relay.api import Address
from recordings.model import Direction, Frame, Transport
from replay.adaptive.chance import Chance
from replay.adaptive.conversation import Conversation
from replay.adaptive.lines import Line
from replay.adaptive.memory import Memory
from replay.standin.pool import Pool, Take
from replay.standin.rules import Rules
from replay.standin.stage import Stage
from replay.standin.world import Client, Sitting

UP, DOWN = Direction.TO_SERVER, Direction.TO_CLIENT
SLOWEST = 3.0
"""Seconds that a ghost takes at most for an answer, however long the recorded player thought."""


@dataclass(eq=False, slots=True)
class Scene:
    """What somebody said to the recorded player, and what that one said behind it."""

    cue: Line
    answers: list[tuple[float, Line]] = field(default_factory=list)
    """Seconds behind the cue, and what was said."""


class Presence:
    """A client of the rules that has no socket (see `replay.standin.world.Port`)."""

    def __init__(self, stage: Stage, take: Take) -> None:
        self.stage = stage
        self._sitting = Sitting(-take.row.id, SessionKeys())
        self._take = take
        self.client = self.arrive()

    def arrive(self) -> Client:
        """A new client: one that has left does not come again."""
        take = self._take
        address: Address = "127.0.0.1", 0
        found = read_endpoint(take.row.client)
        if found is not None:
            address = found[0], found[1] or 0
        client = Client(
            self,
            take.protocol,
            address,
            ("127.0.0.1", 0),
            transport=Transport(take.row.transport),
            role=take.role,
        )
        client.ghost = True
        return client

    @property
    def sitting(self) -> Sitting:
        """See `Port.sitting`."""
        return self._sitting

    def enter(self) -> None:
        """Come in, or wait for the right moment."""
        self.stage.opened(self.client)

    def say(self, message: Message, cipher: str | None, digest: bool) -> None:
        """See `Port.say`: the ghost hears. It must not answer before this returns."""

    def close(self, reason: str, reset: bool) -> None:
        """See `Port.close`."""
        self.stage.closed(self.client)

    def note(self, kind: str, detail: str) -> None:
        """See `Port.note`."""
        self.stage.on_note(None, kind, f"ghost: {detail}")

    def speak(self, message: Message) -> None:
        """Say something to the rules."""
        self.client.frame = Frame(UP, self.stage.world.now(), message.encode())
        self.client.said = message.kind
        self.stage.heard(self.client, message)


class Ghost(Presence):
    """One recorded player who goes by his cues."""

    def __init__(self, stage: Stage, rules: Rules, take: Take, lines: list[Line]) -> None:
        super().__init__(stage, take)
        self._rules = rules
        self._number = 0  # of the scene that is played; a later one ends it
        settled = [
            place
            for place, line in enumerate(lines)
            if line.direction is UP and rules.settles(line.message)
        ]
        self.end = settled[0] + 1 if settled else 0
        """Lines until it has settled; 0: it never did."""
        self._entering = [line for line in lines[: self.end] if line.direction is UP]
        self._scenes = scenes_of(rules, lines[self.end :])
        self._conversation = Conversation(
            take.protocol, UP, Memory(self.sitting.keys), Chance(take.row.id, stage.world.now)
        )

    def enter(self) -> None:
        """Come in, as the recorded player did."""
        super().enter()
        for line in self._entering:
            self.speak(line.message)

    def say(self, message: Message, cipher: str | None, digest: bool) -> None:
        """See `Port.say`: the ghost hears."""
        frame = Frame(DOWN, self.stage.world.now(), message.encode())
        self.client.frame = frame  # it is not silent
        if message.kind in self._rules.cues:
            heard = Line(message, frame)
            self.stage.later(0.0, lambda: self._play(heard))

    def _play(self, heard: Line) -> None:
        """Somebody speaks to it."""
        scene = self._nearest(heard)
        self._number += 1
        if scene is None or not self.client.open:
            self.note("ghost", f"{self.client.name} was never spoken to like that")
            return
        self._conversation.use(Memory(self.sitting.keys))  # whoever it was before
        self._conversation.pair(heard, scene.cue)
        number = self._number
        for seconds, line in scene.answers:
            message = self._conversation.adapt(line)
            self.stage.later(min(seconds, SLOWEST), self._in_turn(number, message))

    def _in_turn(self, number: int, message: Message) -> Callable[[], None]:
        def say() -> None:
            if number == self._number and self.client.open:
                self.speak(message)

        return say

    def _nearest(self, heard: Line) -> Scene | None:
        """The scene that begins like this; of several the first one that goes on."""
        fitting = [one for one in self._scenes if self._rules.alike(one.cue.message, heard.message)]
        return next((one for one in fitting if one.answers), None)


class Timed(Presence):
    """A recorded player who says all he said in the time that it took, once somebody has come.

    `since` is when the scene begins in which he was there, in microseconds of the recording.
    """

    def __init__(self, stage: Stage, take: Take, lines: list[Line], since: int) -> None:
        super().__init__(stage, take)
        self._said = [
            ((line.frame.at - since) / 1e6, line.message) for line in lines if line.direction is UP
        ]
        ended = take.row.closed_at or lines[-1].frame.at
        self._leaves = (ended - since) / 1e6
        self._plays = False

    def enter(self) -> None:
        """Wait until somebody comes."""

    def begin(self) -> None:
        """Somebody has come; one who is here already goes on."""
        if self._plays or not self._said:
            return
        self._plays = True
        self.client = client = self.arrive()
        self.stage.later(max(self._said[0][0], 0.0), lambda: self.stage.opened(client))
        for seconds, message in self._said:
            self.stage.later(max(seconds, 0.0), partial(self._in_time, message))
        self.stage.later(max(self._leaves, 0.0), self._leave)

    def _in_time(self, message: Message) -> None:
        if self.client.open:
            self.speak(message)

    def _leave(self) -> None:
        self._plays = False
        self.stage.closed(self.client)


def scenes_of(rules: Rules, lines: list[Line]) -> list[Scene]:
    """What was said to a recorded player, and what it answered."""
    scenes: list[Scene] = []
    for line in lines:
        if line.direction is DOWN and line.kind in rules.cues:
            scenes.append(Scene(line))
        elif line.direction is UP and scenes:
            since = (line.frame.at - scenes[-1].cue.frame.at) / 1e6
            scenes[-1].answers.append((max(since, 0.0), line))
    return scenes


def ghosts_of(stage: Stage, pool: Pool) -> list[Presence]:
    """Every recorded player of a pool that the rules can have present."""
    found: list[Presence] = []
    for rules, takes in _by_rules(stage, pool):
        found += cued(stage, rules, takes) if rules.cues else rules.ghosts(stage, takes)
    return found


def recast(stage: Stage, pool: Pool) -> list[Presence]:
    """Have the rules know a recording that is served; who else was there."""
    found: list[Presence] = []
    for rules, takes in _by_rules(stage, pool):
        found += rules.recast(stage, takes)
    return found


def _by_rules(stage: Stage, pool: Pool) -> Iterator[tuple[Rules, list[tuple[Take, list[Line]]]]]:
    for name in dict.fromkeys(take.protocol.name for take in pool.takes):
        rules = stage.rules(name)
        if rules is not None:
            mine = [one for one in pool.takes if one.protocol.name == name]
            yield rules, [(one, pool.lines[one.row.id]) for one in mine]


def cued(stage: Stage, rules: Rules, takes: Iterable[tuple[Take, list[Line]]]) -> list[Presence]:
    """Ghosts who go by their cues."""
    ghosts = [Ghost(stage, rules, take, lines) for take, lines in takes]
    return [ghost for ghost in ghosts if ghost.end]
