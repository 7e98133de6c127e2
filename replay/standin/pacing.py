"""How much a client may say: so many messages a second, the rest waits, and the client with it.

One who floods is read no faster than it is answered, so that a lobby full of others is not made to
wait for it. All that came is recorded at once, whether it is answered now or later.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

from proxy.message import Message
from proxy.relay.api import Brake, Pipe
from recordings.model import Direction, Frame

UP = Direction.TO_SERVER
RATE, BURST = 1000.0, 1000.0
"""Messages a second, and at once."""
TICK = 0.05
"""Seconds between two helpings of what waits."""
MOST_WAITING = 20_000
"""Messages of one flow that wait; datagrams beyond are not answered."""


def _nobody(frame: Frame, message: Message) -> None:
    """Who hears what is said on a flow that is over."""


class Pace:
    """The pace of one flow. `now` gives microseconds."""

    def __init__(self, now: Callable[[], int], hear: Callable[[Frame, Message], None]) -> None:
        self._now = now
        self._hear = hear
        self._budget = BURST
        self._since = now()
        self._waiting: deque[tuple[Frame, Message]] = deque(maxlen=MOST_WAITING)
        self._over = False

    def came(self, pipe: Pipe | None, frame: Frame, message: Message) -> None:
        """The client said something."""
        if not self._waiting and (pipe is None or self._spend()):
            self._hear(frame, message)
            return
        first = not self._waiting
        self._waiting.append((frame, message))
        if first and pipe is not None:
            if isinstance(pipe, Brake):
                pipe.pause(UP)
            pipe.later(TICK, lambda: self._go_on(pipe))

    def stop(self) -> None:
        """The flow is over."""
        self._over = True
        self._waiting.clear()
        self._hear = _nobody

    def _spend(self) -> bool:
        at = self._now()
        self._budget = min(self._budget + (at - self._since) / 1e6 * RATE, BURST)
        self._since = at
        if self._budget < 1:
            return False
        self._budget -= 1
        return True

    def _go_on(self, pipe: Pipe) -> None:
        while self._waiting and not self._over and self._spend():
            self._hear(*self._waiting.popleft())
        if self._over:
            return
        if self._waiting:
            pipe.later(TICK, lambda: self._go_on(pipe))
        elif isinstance(pipe, Brake):
            pipe.go_on(UP)
