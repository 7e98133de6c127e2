"""What is wrong with a server after a run, the weightiest first."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class Sign(Enum):
    """How it shows."""

    GONE = "process gone"
    REFUSES = "refuses connections"
    SILENT = "does not answer any more"
    UNWELL = "health command failed"
    DROPPED = "connection dropped"

    @property
    def dead(self) -> bool:
        """Nobody can be played against it now."""
        return self in (Sign.GONE, Sign.REFUSES, Sign.SILENT)

    def like(self, other: Sign) -> bool:
        """Whether the same defect may show so: what is dead can be seen in several ways."""
        return self is other or (self.dead and other.dead)


@dataclass(frozen=True, slots=True)
class Symptom:
    """One sign and its words."""

    sign: Sign
    detail: str = ""

    def __str__(self) -> str:
        return f"{self.sign.value}: {self.detail}" if self.detail else self.sign.value
