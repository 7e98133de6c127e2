"""Matching a live message against recorded ones, and explaining what differs.

Of the recorded messages of its kind the nearest one wins, volatile fields masked; of several that
are equally near, the one that comes next in order. A field weighs more the better it tells recorded
messages of its kind apart.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from recordings.model import Json
from replay.adaptive.fields import Masks
from replay.adaptive.lines import Line
from replay.adaptive.memory import Memory

FITS = 0.5
"""A message that is at least so much like a recorded one answers as that one does."""
CONSTANT, SELECTING, TEXT = 1.0, 3.0, 0.5
"""Weights: a field that is always the same, one that tells messages apart, free text."""
_TEXT_LENGTH = 24
_SHOWN = 48
_FEW = 4096
"""Candidates of one kind that are compared at most."""


@dataclass(frozen=True, slots=True)
class Absent:
    """In the place of a value: the message has no such field."""

    def __repr__(self) -> str:
        return "absent"


ABSENT = Absent()


@dataclass(frozen=True, slots=True)
class Difference:
    """One field in which a live message differs from a recorded one."""

    path: str
    weight: float
    live: Json | Absent
    recorded: Json | Absent
    """As it would be said in this session: learned values are replaced."""

    def __str__(self) -> str:
        if isinstance(self.live, Absent):
            return f"{self.path} is missing (recorded: {_show(self.recorded)})"
        if isinstance(self.recorded, Absent):
            return f"{self.path} is new: {_show(self.live)}"
        return f"{self.path} is {_show(self.live)}, recorded: {_show(self.recorded)}"


def _show(value: Json | Absent) -> str:
    text = ascii(value)
    return text if len(text) <= _SHOWN else f"{text[: _SHOWN - 3]}..."


@dataclass(frozen=True, slots=True)
class Match:
    """A live message beside the recorded one that is nearest to it."""

    live: Line
    recorded: Line | None
    score: float = 0.0
    """1: the same but for volatile fields; 0: nothing in common."""
    differences: tuple[Difference, ...] = ()
    """In order of weight."""
    form: float = 0.0
    """The share of the fields, by weight, that both have, whatever they say."""

    @property
    def fits(self) -> bool:
        """Near enough to be taken for the recorded message."""
        return self.recorded is not None and self.score >= FITS

    @property
    def formed(self) -> bool:
        """A message of the same form, if with other values: in its place it means the same."""
        return self.recorded is not None and self.form >= FITS

    @property
    def same(self) -> bool:
        """Nothing differs but volatile fields."""
        return self.recorded is not None and not self.differences

    def sentence(self, most: int = 4) -> str:
        """What was said, the nearest recorded message, and what differs, for a person."""
        live, recorded = self.live.kind, self.recorded
        if recorded is None:
            return f"{live} {self.live.direction} was never recorded"
        if recorded.kind != live:
            return f"{live} came where {recorded} was recorded"
        if not self.differences:
            return f"{live} is as recorded in {_place(recorded)}"
        shown = "; ".join(str(one) for one in self.differences[:most])
        more = len(self.differences) - most
        return (
            f"{live} differs from {_place(recorded)} ({self.score:.0%} alike): {shown}"
            f"{f'; and {more} more fields' if more > 0 else ''}"
        )


def _place(line: Line) -> str:
    return f"frame {line.frame.id}" if line.frame.id else "the recording"


@dataclass
class _Kind:
    """All recorded messages of one kind and direction."""

    lines: list[Line] = field(default_factory=list)
    weights: dict[str, float] | None = None


class Matcher:
    """Recorded messages, by kind, of one flow or of many: a pool of answers."""

    def __init__(self, lines: Iterable[Line], masks: Masks) -> None:
        self._masks = masks
        self._kinds: dict[tuple[str, str], _Kind] = {}
        self._order: dict[int, int] = {}  # id of a line -> place in the pool
        for line in lines:
            self.add(line)

    def add(self, line: Line) -> None:
        """Put one more recorded message into the pool."""
        kind = self._kinds.setdefault((line.direction.value, line.kind), _Kind())
        kind.lines.append(line)
        kind.weights = None
        self._order[id(line)] = len(self._order)

    def of_kind(self, line: Line) -> Sequence[Line]:
        """The recorded messages of the same kind and direction, in order."""
        kind = self._kinds.get((line.direction.value, line.kind))
        return kind.lines if kind else ()

    def order(self, line: Line) -> int:
        """Place of a recorded message in the pool."""
        return self._order[id(line)]

    def find(
        self,
        live: Line,
        memory: Memory,
        *,
        after: Line | None = None,
        among: Sequence[Line] | None = None,
    ) -> Match:
        """The nearest recorded message, and of equals the first one behind `after`.

        `among` are the only candidates, in order of preference; None: all of the kind.
        """
        start = self._order.get(id(after), -1) if after is not None else -1
        lines = self.of_kind(live) if among is None else among
        if not lines:
            return Match(live, None)
        clear = live.frame.clear
        best: Match | None = None
        ordered = self._next_first(lines, start) if among is None else lines
        for line in ordered[:_FEW]:
            if line.number is None and line.frame.clear == clear:
                return Match(live, line, 1.0, form=1.0)
            match = self.compare(live, line, memory)
            if best is None or match.score > best.score:
                best = match
                if best.same:
                    break
        return best or Match(live, None)

    def _next_first(self, lines: Sequence[Line], start: int) -> Sequence[Line]:
        """The lines behind a place, then those before it from the first."""
        if start < 0:
            return lines
        low, high = 0, len(lines)
        while low < high:  # the first line behind `start`
            middle = (low + high) // 2
            if self._order[id(lines[middle])] <= start:
                low = middle + 1
            else:
                high = middle
        return [*lines[low:], *lines[:low]] if low else lines

    def compare(self, live: Line, recorded: Line, memory: Memory) -> Match:
        """How near two messages are, volatile fields masked."""
        if live.kind != recorded.kind:
            return Match(live, recorded)
        if live.opaque:
            same = live.frame.clear == recorded.frame.clear
            return Match(live, recorded, 1.0 if same else 0.25, form=1.0)
        weights = self._weights(recorded)
        now, total, alike, both = dict(live.leaves), 0.0, 0.0, 0.0
        found: list[Difference] = []
        for path, value in recorded.leaves:
            said = now.pop(path, ABSENT)
            if self._masks.rule(recorded.kind, path) is not None:
                continue
            weight = weights.get(path, CONSTANT)
            total += weight
            both += 0.0 if said is ABSENT else weight
            if said == value or said == (needs := memory.expect(path, value)):
                alike += weight
            else:
                found.append(Difference(path, weight, said, needs))
        for path, said in now.items():
            if self._masks.rule(recorded.kind, path) is None:
                weight = weights.get(path, CONSTANT)
                total += weight
                found.append(Difference(path, weight, said, ABSENT))
        found.sort(key=lambda one: -one.weight)
        if not total:
            return Match(live, recorded, 1.0, form=1.0)
        return Match(live, recorded, alike / total, tuple(found), both / total)

    def _weights(self, line: Line) -> dict[str, float]:
        """Path -> weight, of the kind of a line."""
        kind = self._kinds.get((line.direction.value, line.kind))
        if kind is None:
            return {}
        if kind.weights is None:
            values: dict[str, set[str]] = {}
            count: dict[str, int] = {}
            for one in kind.lines[:_FEW]:
                for path, value in one.leaves:
                    values.setdefault(path, set()).add(repr(value))
                    count[path] = count.get(path, 0) + 1
            some = len(kind.lines[:_FEW])
            kind.weights = {
                path: _weight(seen, count[path] == some) for path, seen in values.items()
            }
        return kind.weights


def _weight(values: set[str], always: bool) -> float:
    if any(len(one) > _TEXT_LENGTH and " " in one for one in values):
        return TEXT
    return SELECTING if len(values) > 1 or not always else CONSTANT


def explain(live: Line, recorded: Line | None, matcher: Matcher, memory: Memory) -> Match:
    """The nearest recorded message of a live one that did not fit, and what differs.

    `recorded` is the one that was awaited in its place, for when none of the kind is recorded.
    """
    nearest = matcher.find(live, memory)
    if nearest.recorded is None and recorded is not None:
        return Match(live, recorded)
    return nearest
