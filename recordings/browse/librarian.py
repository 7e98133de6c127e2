"""A thread that reads a recording, so that the screen never waits for the disk.

Work is asked for on a channel; what is asked later on the same channel calls off what was asked
before. The outcome is handed back by `deliver`, which brings a call into the screen's own thread.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from recordings.browse.pages import Called, Ticket
from recordings.errors import UserError
from recordings.reader import Reader

REST_AFTER = 0.3
"""Seconds without work after which the file is let go of; at once while it is being written."""

T = TypeVar("T")
Call = Callable[[], None]


class Librarian(threading.Thread):
    """Start it, ask it, `stop` it."""

    def __init__(self, path: Path, deliver: Callable[[Call], object]) -> None:
        super().__init__(daemon=True, name="librarian")
        self._path = path
        self._deliver = deliver
        self._orders: queue.Queue[Callable[[Reader], Call | None] | None] = queue.Queue()
        self._tickets: dict[str, Ticket] = {}
        self._open = 0
        self._lock = threading.Lock()

    @property
    def busy(self) -> bool:
        """Whether something that was asked has not come back yet."""
        return self._open > 0

    def cancel(self, channel: str) -> bool:
        """Call off what is under way on a channel; whether there was something."""
        ticket = self._tickets.pop(channel, None)
        if ticket is None:
            return False
        ticket.cancelled = True
        return True

    def ask(
        self,
        channel: str,
        work: Callable[[Reader, Ticket], T],
        done: Callable[[T], None],
        failed: Callable[[str], None],
        progress: Callable[[float], None] | None = None,
    ) -> None:
        """Do some work in the thread, then `done` or `failed` (with a sentence) in the screen's."""
        self.cancel(channel)
        ticket = Ticket(progress=self._teller(progress) if progress else None)
        self._tickets[channel] = ticket

        def finish(call: Call) -> Call:
            def finished() -> None:
                if self._tickets.get(channel) is ticket:
                    del self._tickets[channel]
                if not ticket.cancelled:
                    call()

            return finished

        def order(reader: Reader) -> Call | None:
            if ticket.cancelled:
                return None
            try:
                outcome = work(reader, ticket)
            except Called:
                return None
            except UserError as error:
                said = str(error)
                return finish(lambda: failed(said))
            return finish(lambda: done(outcome))

        with self._lock:
            self._open += 1
        self._orders.put(order)

    def _teller(self, progress: Callable[[float], None]) -> Callable[[float], None]:
        def tell(share: float) -> None:
            self._deliver(lambda: progress(share))

        return tell

    def stop(self) -> None:
        """End the thread."""
        for channel in list(self._tickets):
            self.cancel(channel)
        self._orders.put(None)
        self.join(10)

    def run(self) -> None:
        """The thread: open, work, let go."""
        reader: Reader | None = None
        while True:
            try:
                rest = 0 if reader and reader.notice else REST_AFTER
                order = self._orders.get(timeout=rest if reader else None)
            except queue.Empty:
                if reader is not None:
                    reader.rest()  # its writer can end the recording now
                order = self._orders.get()
            if order is None:
                break
            if reader is None:
                reader = self._opened(order)
                if reader is None:
                    continue
            self._back(order(reader))
        if reader is not None:
            reader.close()

    def _opened(self, order: Callable[[Reader], Call | None]) -> Reader | None:
        try:
            return Reader.open(self._path)
        except UserError as error:
            said = UserError(str(error))
            self._back(order(_Refusing(said)))  # type: ignore[arg-type]
            return None

    def _back(self, call: Call | None) -> None:
        def delivered() -> None:
            try:
                if call is not None:
                    call()
            finally:
                with self._lock:
                    self._open -= 1

        self._deliver(delivered)


class _Refusing:
    """Stands for a reader that could not be opened."""

    def __init__(self, error: UserError) -> None:
        self._error = error

    def __getattr__(self, name: str) -> object:
        raise self._error
