"""The process of a client under test: started for one run, watched, ended with what it began."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import threading
from collections import deque
from typing import IO

from recordings.errors import UserError

LAST_BYTES = 1.0
"""Seconds in which the end of a process shows at its connections and its output."""
TAIL = 40
"""Lines of its output that are kept, of SHOWN characters at most."""
SHOWN = 200


class Process:
    """A client that was started."""

    def __init__(self, words: list[str], news: threading.Event) -> None:
        """Raises UserError."""
        own = {"start_new_session": True} if os.name == "posix" else {}
        try:
            self._process = subprocess.Popen(
                words,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                **own,  # type: ignore[call-overload]
            )
        except OSError as error:
            fact = error.strerror or str(error)
            raise UserError(f"--client {words[0]} cannot be run: {fact}") from error
        self._news = news
        self._tail: deque[bytes] = deque(maxlen=TAIL)
        assert self._process.stdout is not None
        self._reader = threading.Thread(
            target=self._read, args=(self._process.stdout,), daemon=True
        )
        self._waiter = threading.Thread(target=self._wait, daemon=True)
        self._reader.start()
        self._waiter.start()

    @property
    def code(self) -> int | None:
        """Its exit code, once it has ended."""
        code: int | None = self._process.returncode
        return code

    @property
    def last(self) -> str:
        """What it said last."""
        self._reader.join(LAST_BYTES)
        lines = [line.decode("utf-8", "replace").strip() for line in self._tail]
        return next((line[:SHOWN] for line in reversed(lines) if line), "")

    def kill(self) -> None:
        """End it, and what it has started."""
        if os.name == "posix":
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self._process.pid, signal.SIGKILL)
        else:
            tree = ["taskkill", "/T", "/F", "/PID", str(self._process.pid)]
            with contextlib.suppress(OSError, subprocess.TimeoutExpired):
                subprocess.run(tree, capture_output=True, timeout=LAST_BYTES * 5, check=False)
            self._process.kill()
        self._waiter.join(LAST_BYTES)
        self._reader.join(LAST_BYTES)

    def _read(self, said: IO[bytes]) -> None:
        with said:
            while line := said.readline(4096):
                self._tail.append(line)

    def _wait(self) -> None:
        self._process.wait()
        self._news.set()


def fate(code: int, last: str) -> str:
    """An exit code in words, and what was said last."""
    text = f"it ended with exit code {code}"
    if code < 0 and sys.platform != "win32":
        with contextlib.suppress(ValueError):
            text = f"it was ended by {signal.Signals(-code).name}"
    return f"{text}: {last}" if last else text
