"""What came of a playback: for a person one sentence and the details, for a script an exit code."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from recordings.model import Json
from replay.adaptive.matching import Match

KEPT = 1000
"""Differences that are kept; all are counted."""


@dataclass(slots=True)
class Verdict:
    """One live session."""

    says: int = 0
    """Frames that the script says."""
    said: int = 0
    answers: int = 0
    """Answers that the script awaits."""
    same: int = 0
    """Messages heard that were as recorded but for volatile fields."""
    different: int = 0
    """Messages heard that differed, yet near enough to go on."""
    otherwise: list[Match] = field(default_factory=list)
    """Answers by which the server went another way."""
    differences: list[Match] = field(default_factory=list)
    """Of `different`, the first."""
    missing: Counter[str] = field(default_factory=Counter)
    """Kinds of answers that never came."""
    unheard: Counter[str] = field(default_factory=Counter)
    """Kinds of pushes that did not come."""
    extra: Counter[str] = field(default_factory=Counter)
    """Kinds that came and were not recorded there."""
    problems: list[str] = field(default_factory=list)
    """What could not be adapted, or was wrong in what we said."""
    broke_off: str | None = None
    """Why it did not go on."""
    learned: int = 0
    session: int = 0
    """The session under which it was recorded, 0: it was not."""
    seconds: float = 0.0
    late: list[int] = field(default_factory=list)
    """How late each frame of original timing was said, microseconds."""

    @property
    def passed(self) -> bool:
        """Played to its end, and every answer was one that the recording had."""
        return not self.broke_off and not self.otherwise and not self.missing

    @property
    def silent(self) -> bool:
        """Nothing was said and nothing heard: there is nothing to compare."""
        return not (self.said or self.same or self.different or self.otherwise or self.extra)

    def sentence(self) -> str:
        """What came of it."""
        said = f"{self.said:,} of {self.says:,} frames"
        if self.passed:
            heard = f"{self.same:,} messages as recorded, {self.different:,} with other values"
            return f"played to its end: said {said}, every answer came, {heard}"
        reason = self.broke_off or ""
        if not reason and self.otherwise:
            reason = f"the server went another way: {self.otherwise[0].sentence()}"
        if not reason:
            reason = "answers never came: " + _counts(self.missing)
        return f"failed after {said}: {reason}"

    def details(self) -> list[str]:
        """What else there is to say, a line each."""
        lines = [f"another way: {one.sentence()}" for one in self.otherwise[:10]]
        lines += [f"differs: {one.sentence()}" for one in self.differences[:10]]
        if self.different > 10:
            lines.append(f"... {self.different - 10:,} more differ")
        for title, counts in (
            ("never came", self.missing),
            ("did not come", self.unheard),
            ("not recorded there", self.extra),
        ):
            if counts:
                lines.append(f"{title}: {_counts(counts)}")
        lines += [f"problem: {one}" for one in dict.fromkeys(self.problems[:10])]
        return lines

    def to_json(self) -> dict[str, Json]:
        """The same for a program."""
        return {
            "passed": self.passed,
            "verdict": self.sentence(),
            "said": self.said,
            "says": self.says,
            "same": self.same,
            "different": self.different,
            "otherwise": [one.sentence() for one in self.otherwise],
            "missing": dict(self.missing),
            "unheard": dict(self.unheard),
            "extra": dict(self.extra),
            "problems": self.problems[:KEPT],
            "broke_off": self.broke_off,
            "session": self.session,
            "seconds": round(self.seconds, 3),
        }


def _counts(counts: Counter[str]) -> str:
    shown = [f"{kind} x{count}" if count > 1 else kind for kind, count in counts.most_common(12)]
    return ", ".join(shown) + (", ..." if len(counts) > 12 else "")
