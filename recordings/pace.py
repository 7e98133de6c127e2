"""How much of the processor the scribe takes: the game waits for its frames, nobody for this.

It steps back behind the recorder, and forward again while much waits, lest what it is given be more
than it writes.
"""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

NICENESS = 5
AUTOGROUP = Path("/proc/self/autogroup")
"""How nice a session is, where there is such a thing: Linux shares processors among sessions first,
and nice counts within one. The scribe is a session of its own."""
LATE = 10_000
"""Rows that wait when it is time to step forward; it steps back when a quarter of them do."""


class Pace:
    """Of this process."""

    def __init__(self) -> None:
        """Step back."""
        self.late = False
        with suppress(AttributeError, OSError):
            os.nice(NICENESS)
        self._step(NICENESS)

    def keep(self, waiting: int) -> None:
        """To be told often how many rows wait."""
        late = waiting > (LATE // 4 if self.late else LATE)
        if late is not self.late and self._step(0 if late else NICENESS):
            self.late = late

    def _step(self, nice: int) -> bool:
        """Whether it could be done: the system refuses two within a tenth of a second."""
        try:
            AUTOGROUP.write_text(str(nice), "ascii")
        except FileNotFoundError:
            return True
        except OSError:
            return False
        return True
