"""What a comparison found, as values; and as JSON."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from enum import StrEnum

from recordings.model import Direction, Json
from recordings.text import crop, dump, safe, summary
from replay.diff.said import Said

SHOWN = 200
"""Characters of one value in a report."""


class State(StrEnum):
    """How a message of the one session stands beside the other session."""

    SAME = "same"
    DIFFERENT = "different"
    MISSING = "missing"
    """Only the first session has it."""
    EXTRA = "extra"
    """Only the second session has it."""
    MOVED = "moved"
    """Both have it, in another order, and the order is part of an answer."""
    TOLERATED = "tolerated"
    """Another number of keepalives, or a push that came earlier or later."""

    @property
    def differs(self) -> bool:
        """Whether the sessions differ by it."""
        return self not in (State.SAME, State.TOLERATED)


@dataclass(frozen=True, slots=True)
class Absent:
    """In the place of a value: there is no such field."""

    def __str__(self) -> str:
        return "(no such field)"


ABSENT = Absent()


@dataclass(frozen=True, slots=True)
class FieldChange:
    """One field that differs."""

    path: str
    a: Json | Absent
    b: Json | Absent

    def to_json(self) -> dict[str, Json]:
        """For a program; a side that has no such field is left out."""
        sides = {"a": self.a, "b": self.b}
        return {"field": self.path} | {k: v for k, v in sides.items() if v is not ABSENT}


@dataclass(slots=True, eq=False)
class Entry:
    """A message of one session, of the other, or of both, side by side."""

    a: Said | None
    b: Said | None
    state: State
    leg: str
    changes: tuple[FieldChange, ...] = ()

    @property
    def said(self) -> Said:
        """The message of the first session, else of the second."""
        one = self.a or self.b
        assert one is not None
        return one

    @property
    def kind(self) -> str:
        """Its kind."""
        return self.said.kind

    def sentence(self) -> str:
        """What is different, in a line."""
        said = self.said
        what = f"{said.kind} {'to the server' if _up(said) else 'from the server'}"
        if self.state is State.DIFFERENT:
            fields = ", ".join(one.path for one in self.changes[:6])
            rest = f" and {len(self.changes) - 6} more" if self.changes[6:] else ""
            return f"{what}: {fields}{rest} {'differ' if self.changes[1:] else 'differs'}"
        unsaid = self.state is State.MISSING and _up(said)
        return f"{what} {'was never said' if unsaid else _WORDS[self.state]}"

    def to_json(self) -> dict[str, Json]:
        """For a program."""
        said = self.said
        return {
            "state": self.state.value,
            "leg": self.leg,
            "protocol": said.protocol,
            "direction": said.direction.value,
            "kind": said.kind,
            "frame_a": self.a.frame if self.a else None,
            "frame_b": self.b.frame if self.b else None,
            "changes": [one.to_json() for one in self.changes],
        }


_WORDS = {
    State.SAME: "is the same",
    State.MISSING: "never came",
    State.EXTRA: "is extra",
    State.MOVED: "came in another order",
    State.TOLERATED: "came at another time",
}


def _up(said: Said) -> bool:
    return said.direction is Direction.TO_SERVER


@dataclass(slots=True)
class KindRow:
    """All messages of one kind and direction."""

    protocol: str
    kind: str
    direction: Direction
    counts: Counter[State] = field(default_factory=Counter)

    @property
    def differs(self) -> bool:
        """Whether any of them differs."""
        return any(state.differs for state in self.counts)

    def to_json(self) -> dict[str, Json]:
        """For a program."""
        counts = {state.value: self.counts[state] for state in State}
        return {
            "protocol": self.protocol,
            "kind": self.kind,
            "direction": self.direction.value,
            **counts,
        }


@dataclass(slots=True)
class AnswerRow:
    """How the requests of one kind were answered in the second session."""

    protocol: str
    kind: str
    asked: int = 0
    """Requests that both sessions have, and that the first one answered."""
    answered: int = 0
    differently: int = 0
    never: int = 0
    extra: int = 0
    """Answers that only the second session has."""
    not_asked: int = 0
    """Requests that the second session lacks."""

    @property
    def differs(self) -> bool:
        """Whether any answer is not as it was."""
        return bool(self.differently or self.never or self.extra or self.not_asked)

    def to_json(self) -> dict[str, Json]:
        """For a program."""
        return {name: getattr(self, name) for name in self.__slots__}


@dataclass(slots=True)
class LegReport:
    """One flow of each session."""

    label: str
    frame_a: str
    """`client > server` of the first session's flow; empty: it has none."""
    frame_b: str
    counts: Counter[State]
    entries: list[Entry]
    """Every entry that differs, in order, up to a limit."""

    def to_json(self) -> dict[str, Json]:
        """For a program."""
        counts = {state.value: self.counts[state] for state in State}
        return {"leg": self.label, "a": self.frame_a, "b": self.frame_b, **counts}


@dataclass(slots=True)
class Masked:
    """How much of what was said was compared."""

    fields: int = 0
    """Values in all messages of both sessions."""
    declared: int = 0
    """Of these, masked since the protocol or the user says so."""
    learned: int = 0
    """Differences masked since the sessions differ by that value from earlier on."""

    @property
    def share(self) -> float:
        """Which part was not compared, 0 to 1."""
        return self.declared / self.fields if self.fields else 0.0

    def __str__(self) -> str:
        return (
            f"{self.fields:,} values, {self.declared:,} of them masked ({self.share:.1%}), "
            f"{self.learned:,} differences learned from earlier ones"
        )


@dataclass(slots=True)
class Report:
    """The whole comparison."""

    a: str
    b: str
    legs: list[LegReport] = field(default_factory=list)
    kinds: list[KindRow] = field(default_factory=list)
    answers: list[AnswerRow] = field(default_factory=list)
    first: Entry | None = None
    """The first difference, in the order of the first session."""
    context: list[Entry] = field(default_factory=list)
    """What was said around it in that flow."""
    masked: Masked = field(default_factory=Masked)
    notices: list[str] = field(default_factory=list)

    @property
    def counts(self) -> Counter[State]:
        """Messages by how they stand."""
        total: Counter[State] = Counter()
        for leg in self.legs:
            total += leg.counts
        return total

    @property
    def same(self) -> bool:
        """Nothing differs but what is masked or tolerated."""
        return self.first is None

    @property
    def exit_code(self) -> int:
        """As diff(1): 0 the same, 1 not."""
        return 0 if self.same else 1

    @property
    def differences(self) -> list[Entry]:
        """Every entry that differs and was kept, flow by flow."""
        return [entry for leg in self.legs for entry in leg.entries]

    def sentence(self) -> str:
        """What came of it, in a line."""
        counts = self.counts
        total = sum(counts.values())
        if self.same:
            return f"no difference in {total:,} messages ({self.masked})"
        parts = [f"{counts[one]:,} {one.value}" for one in State if one.differs and counts[one]]
        return f"{', '.join(parts)} of {total:,} messages ({self.masked})"

    def to_json(self) -> dict[str, Json]:
        """For a program."""
        counts = self.counts
        return {
            "a": self.a,
            "b": self.b,
            "same": self.same,
            "verdict": self.sentence(),
            "counts": {state.value: counts[state] for state in State},
            "first": self.first.to_json() if self.first else None,
            "legs": [one.to_json() for one in self.legs],
            "answers": [one.to_json() for one in self.answers],
            "kinds": [one.to_json() for one in self.kinds],
            "differences": [one.to_json() for one in self.differences],
            "masked": {
                "fields": self.masked.fields,
                "declared": self.masked.declared,
                "learned": self.masked.learned,
                "share": round(self.masked.share, 4),
            },
            "notices": self.notices,
        }


def show_value(value: Json | Absent) -> str:
    """A value for a person, safe on a terminal."""
    if isinstance(value, Absent):
        return str(value)
    return crop(safe(value) if isinstance(value, str) and value else dump(value), SHOWN)


def show_said(said: Said | None) -> str:
    """A message in a line: its kind and fields."""
    if said is None:
        return ""
    if said.text is None:
        return f"{said.kind} {said.size} bytes {crop(said.data.hex(), 40)}"
    return f"{safe(said.kind)} {summary(dict(said.fields()))}".rstrip()
