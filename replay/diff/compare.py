"""The comparison of two sessions: pairs of flows, pairs of messages, fields that differ.

Volatile fields are masked as the protocols declare it. What the client says otherwise, and what a
volatile field says otherwise, is learned: a value that the second session has in place of the first
one's is no difference where it comes again. A difference of the server's is reported wherever it
comes, but the client may repeat it.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from recordings.model import Direction, Json
from replay.adaptive.fields import Masks
from replay.diff.align import align
from replay.diff.answers import answer_rows
from replay.diff.learned import Learned
from replay.diff.legs import LegPair, pair_legs
from replay.diff.renaming import forgive_renamed
from replay.diff.report import (
    ABSENT,
    Absent,
    AnswerRow,
    Entry,
    FieldChange,
    KindRow,
    LegReport,
    Masked,
    Report,
    State,
)
from replay.diff.said import Leg, Marks, Said, Sitting

KEPT = 2_000
"""Differences of one flow that are kept in full; all are counted."""
LIKENESSES = 200_000
"""Pairs of messages of one direction of a flow that are compared to find which belong together."""
CONTEXT = (4, 3)
"""Messages that are shown before and behind the first difference."""


def compare(one: Sitting, other: Sitting, marks: Marks) -> Report:
    """Compare two sessions whose messages were marked by the same marks."""
    work = _Comparison(one, other, marks)
    return work.report()


@dataclass(slots=True)
class _Place:
    """An entry with its place in the order of the first session."""

    key: tuple[int, int, int]
    entry: Entry


class _Comparison:
    def __init__(self, one: Sitting, other: Sitting, marks: Marks) -> None:
        self._one, self._other, self._marks = one, other, marks
        self._memory = Learned()
        self._echo = Learned()  # what the server said otherwise: the client may repeat it
        self._learned = 0
        self._kinds: dict[tuple[str, str, Direction], KindRow] = {}

    def report(self) -> Report:
        pairs = pair_legs(self._one, self._other)
        entries = [self._pair(pair) for pair in pairs]
        self._judge_all(entries)
        self._learned += forgive_renamed(entry for found in entries for entry in found)
        report = Report(self._one.name, self._other.name)
        report.notices = [*self._one.notices, *self._other.notices]
        for pair, found in zip(pairs, entries, strict=True):
            self._count(found)
            report.legs.append(_leg_report(pair, found))
            report.answers += answer_rows(pair.leg.protocol, found)
        report.kinds = sorted(
            self._kinds.values(), key=lambda row: (row.protocol, row.direction, row.kind)
        )
        report.answers = _merged(report.answers)
        report.masked = Masked(self._marks.fields, self._marks.masked, self._learned)
        self._find_first(report, pairs, entries)
        return report

    # -- pairs -------------------------------------------------------------------------------------

    def _pair(self, pair: LegPair) -> list[Entry]:
        """Every message of two flows, in the order of the first, the second's own in between."""
        places: list[_Place] = []
        for direction in Direction:
            ours = [said for said in pair.a.said if said.direction is direction] if pair.a else []
            theirs = [said for said in pair.b.said if said.direction is direction] if pair.b else []
            places += self._side(pair, ours, theirs)
        places.sort(key=lambda one: one.key)
        return [one.entry for one in places]

    def _side(self, pair: LegPair, ours: list[Said], theirs: list[Said]) -> list[_Place]:
        alike = _Likeness(ours, theirs)
        found = align(
            [one.mark for one in ours],
            [one.mark for one in theirs],
            [one.kind for one in ours],
            [one.kind for one in theirs],
            alike,
        )
        places = [
            _Place((ours[a].place, 0, 0), Entry(ours[a], theirs[b], State.SAME, pair.label))
            for a, b in found
        ]
        paired_a, paired_b = {a for a, _ in found}, {b for _, b in found}
        before = {b: ours[a].place for a, b in found}
        left = [said for place, said in enumerate(ours) if place not in paired_a]
        extra: list[tuple[int, Said]] = []
        last = -1
        for place, said in enumerate(theirs):
            last = before.get(place, last)
            if place not in paired_b:
                extra.append((last, said))
        return places + _strays(pair, left, extra)

    # -- fields ------------------------------------------------------------------------------------

    def _judge_all(self, entries: Sequence[Sequence[Entry]]) -> None:
        """Compare every pair, in the order of the first session: what is learned holds later."""
        both = [
            one for found in entries for one in found if one.a is not None and one.b is not None
        ]
        if len(entries) > 1:
            both.sort(key=lambda one: one.said.frame)
        for entry in both:
            a, b = entry.a, entry.b
            if a is None or b is None or (a.mark == b.mark and a.text == b.text):
                continue
            changes = self._changes(a, b)
            if changes:
                entry.state, entry.changes = State.DIFFERENT, tuple(changes)

    def _changes(self, a: Said, b: Said) -> list[FieldChange]:
        masks = self._marks.of(a.protocol)
        theirs = dict(b.leaves())
        up = a.direction is Direction.TO_SERVER
        changes: list[FieldChange] = []
        for path, value in a.leaves():
            there = theirs.pop(path, ABSENT)
            if there == value and type(there) is type(value):
                continue
            if masks.rule(a.kind, path) is not None:
                if not isinstance(there, Absent):
                    self._memory.learn(path, value, there, volatile=True)
                continue
            if not isinstance(there, Absent) and self._is_known(path, value, there, up):
                self._learned += 1
                continue
            changes.append(FieldChange(path, value, there))
            if not isinstance(there, Absent):
                (self._memory if up else self._echo).learn(path, value, there)
        changes += _added(a, theirs, masks)
        return changes

    def _is_known(self, path: str, value: Json, there: Json, up: bool) -> bool:
        return self._memory.same(path, value, there) or (up and self._echo.same(path, value, there))

    # -- sums --------------------------------------------------------------------------------------

    def _count(self, entries: Sequence[Entry]) -> None:
        for entry in entries:
            said = entry.said
            key = said.protocol, said.kind, said.direction
            row = self._kinds.get(key)
            if row is None:
                row = self._kinds[key] = KindRow(*key)
            row.counts[entry.state] += 1

    def _find_first(
        self, report: Report, pairs: Sequence[LegPair], entries: Sequence[list[Entry]]
    ) -> None:
        """The first difference in the order of the first session, with what was around it."""
        best: tuple[tuple[int, int], int, int] | None = None
        for leg, found in enumerate(entries):
            last = 0
            for place, entry in enumerate(found):
                last = entry.a.frame if entry.a else last
                if entry.state.differs:
                    key = (last, 0 if entry.a else 1)
                    if best is None or key < best[0]:
                        best = key, leg, place
                    break
        if best is not None:
            _, leg, place = best
            found = entries[leg]
            report.first = found[place]
            before, behind = CONTEXT
            report.context = found[max(0, place - before) : place + behind + 1]


class _Likeness:
    """How much of two messages of a kind is the same, 0 to below 1."""

    def __init__(self, ours: Sequence[Said], theirs: Sequence[Said]) -> None:
        self._sides = ours, theirs
        self._leaves: tuple[dict[int, dict[str, Json]], dict[int, dict[str, Json]]] = {}, {}
        self._left = LIKENESSES

    def __call__(self, a: int, b: int) -> float:
        if self._sides[0][a].mark == self._sides[1][b].mark:
            return 0.99
        self._left -= 1
        if self._left < 0:
            return 0.0  # the order of kinds must do
        ours, theirs = self._of(0, a), self._of(1, b)
        both = sum(1 for path, value in ours.items() if theirs.get(path, ABSENT) == value)
        return 0.9 * both / max(1, len(ours), len(theirs))

    def _of(self, side: int, place: int) -> dict[str, Json]:
        known = self._leaves[side]
        if place not in known:
            if len(known) > KEPT:
                known.clear()
            known[place] = dict(self._sides[side][place].leaves())
        return known[place]


def _added(a: Said, theirs: dict[str, Json], masks: Masks) -> list[FieldChange]:
    return [
        FieldChange(path, ABSENT, value)
        for path, value in theirs.items()
        if masks.rule(a.kind, path) is None
    ]


def _strays(pair: LegPair, left: list[Said], extra: list[tuple[int, Said]]) -> list[_Place]:
    """Messages that only one side has; the same ones on both sides only came in another order."""
    protocol = pair.leg.protocol
    beats = {one.kind for one in protocol.rhythm}
    answers = {kind for kinds in protocol.answers.values() for kind in kinds}
    waiting: dict[tuple[str, int], list[Said]] = defaultdict(list)
    for _, said in reversed(extra):
        waiting[said.kind, said.mark].append(said)
    places: list[_Place] = []
    moved: set[int] = set()
    for said in left:
        twins = waiting.get((said.kind, said.mark))
        twin = twins.pop() if twins else None
        if twin is not None:
            moved.add(id(twin))
        state = State.MOVED if twin else State.MISSING
        if said.kind in beats or (twin and said.kind not in answers):
            state = State.TOLERATED
        places.append(_Place((said.place, 0, 0), Entry(said, twin, state, pair.label)))
    for after, said in extra:
        if id(said) not in moved:
            state = State.TOLERATED if said.kind in beats else State.EXTRA
            places.append(_Place((after, 1, said.place), Entry(None, said, state, pair.label)))
    return places


def _leg_report(pair: LegPair, entries: Sequence[Entry]) -> LegReport:
    counts = Counter(entry.state for entry in entries)
    differing = [entry for entry in entries if entry.state.differs][:KEPT]
    return LegReport(pair.label, _ends(pair.a), _ends(pair.b), counts, differing)


def _ends(leg: Leg | None) -> str:
    return "" if leg is None else f"{leg.row.client} > {leg.row.server or 'nobody'}"


def _merged(rows: Sequence[AnswerRow]) -> list[AnswerRow]:
    """One row per kind, of all flows."""
    merged: dict[tuple[str, str], AnswerRow] = {}
    for row in rows:
        known = merged.setdefault((row.protocol, row.kind), AnswerRow(row.protocol, row.kind))
        for name in ("asked", "answered", "differently", "never", "extra", "not_asked"):
            setattr(known, name, getattr(known, name) + getattr(row, name))
    return sorted(merged.values(), key=lambda row: (row.protocol, row.kind))
