"""A thread that takes what a `Recording` gives: the queue between them, and who waits for what.

One thread gives, this one takes; what either counts, the other only reads, so that no lock is
needed: `given` and `wake_at` on one side, `taken` on the other. The queue is a deque, whose ends
are safe to use from two threads.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from recordings.statements import Row

LOOK_SECONDS = 0.5
"""A thread with nothing to do looks up that often."""
NEVER = 1 << 60


class Taker(threading.Thread):
    """Made and fed by `recordings.writer.Recording`."""

    def __init__(self, path: Path, queue_limit: int) -> None:
        super().__init__(name=f"writer of {path.name}", daemon=True)
        self.queue: deque[Row] = deque()
        self.given = 0
        self.taken = 0
        self.orders = 0
        """Entries given that are no frame rows."""
        self.wake_at = NEVER
        self.hurry = False
        self.waited_for = False
        """Somebody saw the queue over its limit and wants to hear when it no longer is."""
        self.failure: str | None = None
        self.on_relieved: Callable[[], None] | None = None
        self.on_failed: Callable[[str], None] | None = None
        self.on_warned: Callable[[str], None] | None = None
        self.queue_limit = queue_limit
        self.ended = threading.Event()
        """Set when the thread has nothing more to do; its `join` cannot be interrupted safely."""
        self._path = path
        self._signal = threading.Lock()
        self._signal.acquire()
        self._took = 0.0

    def wake(self) -> None:
        """Called by the giver: there is enough to do, or it is in a hurry."""
        self.wake_at = NEVER
        with suppress(RuntimeError):  # it was awake already
            self._signal.release()

    def finish(self) -> None:
        """Wait for the end of the thread; a first Ctrl-C breaks nothing off, and is raised then."""
        try:
            self.ended.wait()
        except KeyboardInterrupt:
            self.ended.wait()
            raise

    def _wait(self, rows: int, seconds: float) -> None:
        """Sleep until there is a group to take: so many rows, or seconds after the first."""
        since = self._took  # what waits now may have come right after the last group was taken
        if not self.queue:
            self._sleep(1, LOOK_SECONDS)
            since = time.monotonic()
        left = since + seconds - time.monotonic()
        if self.queue and left > 0 and not self.hurry:
            self._sleep(rows, left)

    def _sleep(self, wake_at: int, seconds: float) -> None:
        self.wake_at = wake_at
        if len(self.queue) < wake_at:
            self._signal.acquire(timeout=seconds)
        self.wake_at = NEVER

    def _relieve(self) -> None:
        """Tell who waits when half of what may wait is taken."""
        if self.waited_for and self.given - self.taken <= self.queue_limit // 2:
            self.waited_for = False
            if self.on_relieved:
                self.on_relieved()

    def _give_up(self, sentence: str) -> None:
        """Take nothing any more, and say so: called once."""
        self.failure = sentence
        if self.on_failed:  # first: who waits for a row that is dropped looks why
            self.on_failed(sentence)
        self._drop_all()
        self.taken = self.given
        if self.on_relieved:
            self.on_relieved()

    def _drop_all(self) -> None:
        """Let nobody wait for what will not be written."""
        while self.queue:
            row = self.queue.popleft()
            self.taken = row[-1]
            if isinstance(row[0], threading.Event):
                row[0].set()
