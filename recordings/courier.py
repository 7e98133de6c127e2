"""Writes a recording in a process of its own, the scribe: what is given is carried there by a pipe.

The interpreter of whoever stands between a game and its server has one lock: views, JSON and SQL
would keep every frame waiting. So this thread only sends rows on, and `recordings.scribe`, at the
other end, writes them. What has been carried there survives the end of this process, however that
comes about: the scribe then writes the rest and closes the recording.
"""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from recordings.committer import stopped
from recordings.errors import UserError
from recordings.ledger import json_text
from recordings.pipes import Mouth, bodies, packed, unpacked
from recordings.statements import DERIVED, Row
from recordings.taker import LOOK_SECONDS, Taker

CARRY_SECONDS = 0.02
"""A row waits that long for company, at most."""
CARRY_ROWS = 2000
"""So many go at once."""
SLOW_SECONDS = 5.0
"""When nothing has been written for so long, although something waits, that is said."""
MESSAGE_ROWS = 64
"""Rows of one message: few, so that nobody waits long for the interpreter lock."""
MESSAGE_BYTES = 256 << 10
"""Where they are more, each goes alone."""
PIPE_BYTES = 1 << 20
"""What a pipe is asked to hold, where the system can be asked."""
HOME = Path(__file__).resolve().parent.parent

Noticed = Callable[[int, int, str], None]
"""Takes a flow, a frame of it that could not be viewed, and why."""


class Courier(Taker):
    """Carries rows to a scribe; to a `Recording` it is what a `Committer` is."""

    def __init__(self, path: Path, queue_limit: int, process: subprocess.Popen[bytes]) -> None:
        super().__init__(path, queue_limit)
        assert process.stdin
        assert process.stdout
        self.process = process
        self.errors = 0
        """Frames that could not be viewed."""
        self.on_opaque: Noticed | None = None
        self._mouth = Mouth(process.stdin)
        self._heard = bodies(process.stdout)
        self._asked: dict[int, threading.Event] = {}
        self._ordered = 0
        self._closing = self._closed = False
        self._written = 0
        self._moved = time.monotonic()
        self._slow = False
        """Whether it has been said that nothing is written."""
        self._listener = threading.Thread(
            target=self._listen, name=f"scribe of {path.name}", daemon=True
        )

    def first(self, annotator: str | None) -> tuple[str | None, dict[str, int]]:
        """Have the recording opened: whether it had been cut off, and the last ids. UserError."""
        self._mouth.say(str(self._path), annotator)
        answer = next(self._heard, None)
        said: Any = ("refused", self._ended()) if answer is None else unpacked(answer)
        if said[0] == "opened":
            return said[1], said[2]
        self._dismiss()
        raise UserError(said[1])

    def run(self) -> None:
        """Carry until told to close, or until something fails."""
        self._listener.start()
        try:
            while not self._closing and self.failure is None:
                self._wait(CARRY_ROWS, CARRY_SECONDS)
                self._carry()
                self._look()
        except Exception as error:  # whatever it is: recording stops loudly
            self._has_failed(self._defect(error))
        finally:
            self._dismiss()
            self.ended.set()

    def _dismiss(self) -> None:
        """No more will come: the scribe ends when it has written everything."""
        with suppress(OSError):
            self._mouth.close()
        if self._listener.ident is not None:
            self._listener.join()
        self.process.wait()
        assert self.process.stdout
        self.process.stdout.close()
        self._drop_all()

    # there

    def _carry(self) -> None:
        messages: list[bytes] = []
        take, left = self.queue.popleft, min(len(self.queue), CARRY_ROWS)
        with suppress(IndexError):  # a failure has emptied it
            while left > 0:
                rows = [take() for _ in range(min(left, MESSAGE_ROWS))]
                left -= len(rows)
                if self.orders != self._ordered:
                    rows = [row if row[0].__class__ is int else self._order(row) for row in rows]
                big = rows[-1][-1] - rows[0][-1] > MESSAGE_BYTES
                messages += map(_message, ([row] for row in rows) if big else (rows,))
        if messages:
            self._mouth.give(b"".join(messages))

    def _look(self) -> None:
        """See whether the scribe gets on: a disk may hang for a long time without any error."""
        if self.taken != self._written or self.taken == self.given:
            self._written, self._moved, self._slow = self.taken, time.monotonic(), False
        elif not self._slow and time.monotonic() - self._moved > SLOW_SECONDS:
            self._has_warned(
                f"nothing could be written to {self._path} for {SLOW_SECONDS:.0f} s (does its disk "
                "hang?): what comes meanwhile waits in memory"
            )

    def _order(self, row: Row) -> Row:
        """An order as it can be sent: an event becomes a number that comes back."""
        self._ordered += 1
        if isinstance(row[0], threading.Event):
            number = row[-1]
            self._asked[number] = row[0]
            self.hurry = False
            if self.failure is not None:
                row[0].set()
            return True, (), number
        self._closing = self._closing or row[0] is None
        return row

    # and back

    def _listen(self) -> None:
        answers: dict[str, Callable[..., None]] = {
            "taken": self._is_taken,
            "flushed": self._is_flushed,
            "failed": self._has_failed,
            "warned": self._has_warned,
            "opaque": self._is_opaque,
            "closed": self._has_closed,
        }
        try:
            for body in self._heard:
                word, *said = unpacked(body)
                answers[word](*said)
        except Exception as error:  # see run
            self._has_failed(self._defect(error))
        if not self._closed:
            self._has_failed(stopped(self._path, self._ended()))

    def _is_taken(self, taken: int, errors: int) -> None:
        self.errors = errors
        if self.failure is None:
            self.taken = taken
            self._relieve()

    def _is_flushed(self, number: int) -> None:
        self._asked.pop(number).set()

    def _is_opaque(self, flow: int, frame: int, error: str) -> None:
        if self.on_opaque:
            self.on_opaque(flow, frame, error)

    def _has_failed(self, sentence: str) -> None:
        if self.failure is None:
            self._give_up(sentence)
        for event in list(self._asked.values()):
            event.set()
        self.wake()

    def _has_warned(self, sentence: str) -> None:
        self._slow = True
        if self.on_warned:
            self.on_warned(sentence)

    def _has_closed(self, errors: int) -> None:
        self._closed = True
        self.errors = errors

    def _defect(self, error: Exception) -> str:
        return stopped(self._path, f"{type(error).__name__}: {error}; start again with a new file")

    def _ended(self) -> str:
        code = self.process.poll()
        if code is None:
            with suppress(subprocess.TimeoutExpired):
                code = self.process.wait(LOOK_SECONDS)
        how = "" if code is None else f" ({code})"
        return f"the process that writes it has ended{how}: start again, what it got is in the file"


def _message(rows: list[Row]) -> bytes:
    try:
        return packed(rows)
    except ValueError:  # something derived that is no plain value
        return packed([_plain(row) for row in rows])


def _plain(row: Row) -> Row:
    if row[0].__class__ is not int:
        return row[0], tuple(map(_plain_value, row[1])), row[2]
    values = [_plain_value(value) for value in row]
    if len(row) > DERIVED and row[DERIVED] is not None:
        values[DERIVED] = json_text(row[DERIVED])
    return tuple(values)


def _plain_value(value: Any) -> Any:
    return str(value) if isinstance(value, str) else value  # a member of an enumeration


def hire() -> subprocess.Popen[bytes]:
    """Start a scribe. It hears nothing of the Ctrl-C that is meant for us. Raises UserError."""
    away: dict[str, Any] = {"start_new_session": True}
    if sys.platform == "win32":
        # nor of the end of a console whose window is closed
        apart = subprocess.CREATE_NEW_PROCESS_GROUP | subprocess.CREATE_NO_WINDOW
        away = {"creationflags": apart}
    known = os.environ.get("PYTHONPATH")
    path = os.pathsep.join([str(HOME), *([known] if known else [])])
    try:
        process = subprocess.Popen(
            [sys.executable, "-P", "-m", "recordings.scribe"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={**os.environ, "PYTHONPATH": path},
            **away,
        )
    except OSError as error:
        raise UserError(
            f"the process that writes the recording cannot be started ({error.strerror}): "
            f"see that {sys.executable} may be run, or end other programs"
        ) from error
    assert process.stdin
    _widen(process.stdin.fileno())
    return process


def _widen(pipe: int) -> None:
    with suppress(ImportError, AttributeError, OSError):
        import fcntl

        fcntl.fcntl(pipe, fcntl.F_SETPIPE_SZ, PIPE_BYTES)
