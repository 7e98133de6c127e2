"""Which recorded message a live one is taken for.

The session that a client plays comes first, and in it what comes next; another session's message is
taken when it is much nearer. What answers echo (a room's name) tells equals apart: a value that is
empty on one side alone (leaving a room, entering one) is another message.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from recordings.model import Transport
from replay.adaptive.lines import Line
from replay.adaptive.matching import Match
from replay.adaptive.memory import Memory
from replay.standin.pool import Pool

STREAM = 256
"""Messages of one kind in a recording beyond which they are taken in their order: inputs."""
CANDIDATES = 512
BETTER = 0.2
"""How much nearer another session's message must be to be taken instead."""


class Finder:
    """Finds in one protocol of a pool; `memory` knows what a session calls otherwise."""

    def __init__(
        self, pool: Pool, protocol: str, transport: Transport, memory: Callable[[int], Memory]
    ) -> None:
        self._pool = pool
        self.matcher = pool.matcher(protocol, transport)
        self._masks = pool.masks(protocol, transport)
        self._memory = memory

    def find(self, live: Line, session: int, after: Line | None) -> Match:
        """The recorded message that a live one is taken for."""
        lines = self._ordered(live, after)
        if not lines:
            return Match(live, None)
        if len(lines) > STREAM and live.number is not None:
            return Match(live, lines[0], 1.0)
        mine, others = self._split(lines, session)
        best = self._best(live, mine)
        if best.same:
            return best
        other = self._best(live, others)
        if other.recorded is None:
            return best
        worse = best.recorded is None or other.score >= best.score + BETTER
        return other if worse or (other.fits and not best.fits) else best

    def _ordered(self, live: Line, after: Line | None) -> Sequence[Line]:
        """The recorded messages of the kind, what comes next first, those without answer last."""
        lines = self.matcher.of_kind(live)
        start = self.matcher.order(after) if after is not None else -1
        if len(lines) > CANDIDATES:
            later = [one for one in lines if self.matcher.order(one) > start]
            return (later or lines)[:CANDIDATES]
        turns = self._pool.turns
        return sorted(
            lines,
            key=lambda one: (turns[id(one)].open, self.matcher.order(one) <= start),
        )

    def _split(self, lines: Sequence[Line], session: int) -> tuple[list[Line], list[Line]]:
        mine = [one for one in lines if self._pool.turns[id(one)].take.session == session]
        return mine, [one for one in lines if one not in mine] if len(mine) < len(lines) else []

    def _best(self, live: Line, lines: Sequence[Line]) -> Match:
        best, rank = Match(live, None), (-1.0, -1.0, 0.0)
        for recorded in lines:
            turn = self._pool.turns[id(recorded)]
            memory = self._memory(turn.take.session)
            match = self.matcher.compare(live, recorded, memory)
            agrees = self._agreement(live, recorded, memory)
            if agrees < 0:
                continue
            now = (0.0 if turn.open else 1.0, match.score, agrees)
            if now > rank:
                best, rank = match, now
                if match.same and agrees >= 1 and not turn.open:
                    break
        return best

    def _agreement(self, live: Line, recorded: Line, memory: Memory) -> float:
        """How many of the values that answers echo are the same; below 0: one is empty."""
        said = dict(live.leaves)
        alike = total = 0
        for path, value in recorded.leaves:
            rule = self._masks.rule(recorded.kind, path)
            if rule is None or rule.how != "echo":
                continue
            now = said.get(path)
            if bool(now) != bool(value):
                return -1.0
            total += 1
            alike += now in (value, memory.expect(path, value))
        return alike / total if total else 1.0
