"""Lines for the person and for scripts, printed in a thread of their own.

A terminal can be held (Ctrl-S, a selection in the console of Windows), and a pipe may have a reader
that sleeps: whoever prints waits then, and that must not be the relay.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable
from types import TracebackType
from typing import Self

import click

MOST = 1000
"""Lines that wait to be printed; what is more is counted."""


def _echo(line: str, *, err: bool) -> None:
    click.echo(line, err=err)  # flushes


class Printer:
    """Takes lines at once, from any thread, and prints them in order. Leaving the block waits."""

    def __init__(self, echo: Callable[..., None] = _echo) -> None:
        self._echo = echo
        self._lines: queue.Queue[tuple[str, bool] | None] = queue.Queue(MOST)
        self._skipped = 0
        self._thread = threading.Thread(target=self._print, name="printer", daemon=True)
        self._thread.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._lines.put(None)
        self._thread.join()

    def say(self, line: str) -> None:
        """Print on standard output, soon."""
        self._put(line, err=False)

    def warn(self, line: str) -> None:
        """Print on standard error, soon, and say who speaks."""
        self._put(f"understudy: {line}", err=True)

    def _put(self, line: str, *, err: bool) -> None:
        try:
            self._lines.put_nowait((line, err))
        except queue.Full:
            self._skipped += 1

    def _print(self) -> None:
        while (one := self._lines.get()) is not None:
            try:
                self._echo(one[0], err=one[1])
                if self._skipped and self._lines.empty():
                    skipped, self._skipped = self._skipped, 0
                    self._echo(f"  ... {skipped:,} more lines were not printed", err=False)
            except (OSError, ValueError):
                pass  # nobody reads it any more; the game goes on
