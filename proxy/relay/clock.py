"""The clock of everything that is recorded: wall time at the start plus monotonic time since.

It never jumps when the machine's clock is set, so that times of one recording can be subtracted.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final


def _started(wall: int, monotonic: int) -> Callable[[], int]:
    offset = wall - monotonic
    monotonic_ns = time.monotonic_ns

    def now() -> int:
        """Unix time in microseconds."""
        return (monotonic_ns() + offset) // 1000

    return now


now: Final[Callable[[], int]] = _started(time.time_ns(), time.monotonic_ns())
"""Unix time in microseconds; never goes back."""
