"""The faults of a run: those of the command line, those of a file that may be edited meanwhile,
and those that are typed at the terminal.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
import threading
from collections.abc import Callable, Sequence
from pathlib import Path

from proxy.faults.sink import Faults
from proxy.faults.spec import Spec, read_fault, read_file
from recordings.errors import UserError

LOOK = 0.5
"""Seconds between two looks at the file."""
PROMPT = "faults (like loss:5%@c>s latency:100ms; empty: none): "


class FaultDesk:
    """Says which faults are in force; `tell` is given the kind and detail of an event."""

    def __init__(
        self,
        given: Sequence[Spec],
        file: Path | None,
        tell: Callable[[str, str], None],
    ) -> None:
        self._given = list(given)
        self._file = file
        self._tell = tell
        self._board: Faults | None = None
        self._seen = self._stamp()
        self._filed = read_file(file) if file else []

    @property
    def specs(self) -> list[Spec]:
        """What is in force."""
        return [*self._given, *self._filed]

    def use(self, board: Faults) -> None:
        """Put them in force there."""
        self._board = board
        board.set(self.specs)
        if self.specs:
            self._say()

    def type(self, line: str) -> None:
        """What the user typed replaces what the command line said."""
        try:
            self._given = [read_fault(text) for text in line.split()]
        except UserError as error:
            self._tell("faults", f"nothing is changed: {error}")
            return
        self._changed()

    def look(self) -> None:
        """Read the file again if it was edited; one that cannot be read changes nothing."""
        stamp = self._stamp()
        if self._file is None or stamp == self._seen:
            return
        self._seen = stamp
        try:
            self._filed = read_file(self._file) if stamp else []
        except UserError as error:
            self._tell("faults", f"nothing is changed: {error}")
            return
        self._changed()

    async def watch(self) -> None:
        """Look at the file again and again."""
        while self._file is not None:
            await asyncio.sleep(LOOK)
            self.look()

    def _changed(self) -> None:
        if self._board is not None:
            self._board.set(self.specs)
        self._say()

    def _say(self) -> None:
        texts = ", ".join(f"{one.text!r}" for one in self.specs)
        self._tell("faults", f"in force: {texts}" if texts else "none are in force any more")

    def _stamp(self) -> tuple[int, int] | None:
        try:
            found = os.stat(self._file) if self._file else None
        except OSError:
            return None
        return (found.st_mtime_ns, found.st_size) if found else None


class Keys(threading.Thread):
    """Reads keys at a terminal: `f` asks for faults."""

    def __init__(self, typed: Callable[[str], None], hold: Callable[[bool], None]) -> None:
        """`typed` is given the line, `hold` keeps the live view still meanwhile."""
        super().__init__(name="keys", daemon=True)
        self._typed = typed
        self._hold = hold
        self._undo: Callable[[], None] = lambda: None

    @staticmethod
    def possible() -> bool:
        """Whether somebody sits at a terminal, and we are in its foreground."""
        if not (sys.stdin and sys.stdin.isatty() and sys.stdout.isatty()):
            return False
        if sys.platform == "win32":
            return True
        try:
            return os.tcgetpgrp(sys.stdin.fileno()) == os.getpgrp()
        except OSError:
            return False

    def run(self) -> None:
        """Until the program ends."""
        try:
            read = self._windows() if sys.platform == "win32" else self._unix()
            while True:
                key = read()
                if not key:
                    return
                if key in "fF":
                    self._ask()
        except (OSError, ValueError, ImportError):
            return  # the terminal is gone

    def _ask(self) -> None:
        self._hold(True)
        self._undo()
        try:
            print(PROMPT, end="", flush=True)
            line = sys.stdin.readline()
        finally:
            if sys.platform != "win32":
                self._unix()
            self._hold(False)
        self._typed(line)

    def _windows(self) -> Callable[[], str]:
        import msvcrt

        read: Callable[[], str] = getattr(msvcrt, "getwch")  # noqa: B009  unknown on Linux
        return read

    def _unix(self) -> Callable[[], str]:
        import termios

        file = sys.stdin.fileno()
        before = termios.tcgetattr(file)
        now = termios.tcgetattr(file)
        now[3] &= ~(termios.ICANON | termios.ECHO)  # Ctrl-C still ends the program
        termios.tcsetattr(file, termios.TCSANOW, now)
        self._undo = lambda: termios.tcsetattr(file, termios.TCSANOW, before)
        return lambda: os.read(file, 1).decode("latin-1")

    def __enter__(self) -> None:
        for name in ("SIGTTIN", "SIGTTOU"):  # put into the background later, it is not to stop
            if hasattr(signal, name):
                signal.signal(getattr(signal, name), signal.SIG_IGN)
        self.start()

    def __exit__(self, *_: object) -> None:
        """Leave the terminal as it was; the thread ends with the program."""
        with contextlib.suppress(Exception):
            self._undo()
