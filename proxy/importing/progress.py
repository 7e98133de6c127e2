"""A progress bar on standard error, for what takes more than two seconds at a terminal."""

from __future__ import annotations

import sys
import time
from types import TracebackType
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from rich.progress import Progress as Bar

QUIET = 2.0
"""Seconds without a bar."""


class Progress:
    """Counts bytes, or whatever else, up to `total`."""

    def __init__(self, title: str, total: int) -> None:
        self._title, self._total = title, total
        self._done = 0
        self._begun = time.monotonic()
        self._bar: Bar | None = None
        self._task = 0
        self._watched = sys.stderr.isatty()

    def advance(self, count: int) -> None:
        """So many more."""
        self._done += count
        if not self._watched:
            return
        if self._bar is not None:
            self._bar.update(self._task, completed=self._done)  # type: ignore[arg-type]
        elif time.monotonic() - self._begun > QUIET:
            self._show()

    def _show(self) -> None:
        from rich.console import Console
        from rich.markup import escape
        from rich.progress import Progress as Bar

        self._bar = Bar(console=Console(stderr=True), transient=True)
        self._bar.start()
        self._task = self._bar.add_task(escape(self._title), total=self._total or None)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._bar is not None:
            self._bar.stop()
