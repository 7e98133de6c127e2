"""What of one direction of a flow waits for its time, in order where it is a stream."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

BEHIND_SECONDS = 1.0
"""How long a datagram waits for later ones to go on before it."""
FULL = 256 << 10
"""Bytes that wait before a stream is no longer read, and a datagram is lost."""


@dataclass(slots=True, eq=False)
class _Waiting:
    data: bytes
    due: float
    behind: int = 0


class Line:
    """One direction. `send` is called for what is due later; `later` calls back after seconds."""

    def __init__(
        self,
        stream: bool,
        now: Callable[[], float],
        later: Callable[[float, Callable[[], None]], None],
        send: Callable[[bytes], None],
    ) -> None:
        self._stream = stream
        self._now = now
        self._later = later
        self._send = send
        self._queue: deque[_Waiting] = deque()
        self._behind: list[_Waiting] = []
        self._last = 0.0
        self._armed = False
        self.waiting = 0
        """Bytes that wait."""
        self.on_empty: Callable[[], None] | None = None
        self.on_drained: Callable[[], None] | None = None

    @property
    def busy(self) -> bool:
        """Whether anything waits."""
        return bool(self._queue or self._behind)

    def put(self, data: bytes, delay: float = 0.0, behind: int = 0) -> list[bytes]:
        """What goes on now: the bytes, nothing when they wait, and what waited for them."""
        if behind and not self._stream:
            one = _Waiting(data, 0.0, behind)
            self._behind.append(one)
            self.waiting += len(data)
            self._later(delay + BEHIND_SECONDS, lambda: self._give_up(one))
            return []
        if delay <= 0 and not (self._stream and self._queue):
            return [data, *self._overtaken()]
        due = self._now() + delay
        if self._stream:
            due = self._last = max(due, self._last if self._queue else 0.0)
        one = _Waiting(data, due)
        self._queue.append(one)
        self.waiting += len(data)
        if self._stream:
            self._arm()
        else:
            self._later(delay, lambda: self._is_due(one))
        return []

    def _overtaken(self) -> list[bytes]:
        """One more has gone on: those whose turn it is."""
        if not self._behind:
            return []
        for one in self._behind:
            one.behind -= 1
        turn = [one for one in self._behind if one.behind <= 0]
        self._behind = [one for one in self._behind if one.behind > 0]
        self.waiting -= sum(len(one.data) for one in turn)
        return [one.data for one in turn]

    def _give_up(self, one: _Waiting) -> None:
        if one in self._behind:
            self._behind.remove(one)
            self._leave(one)

    def _is_due(self, one: _Waiting) -> None:
        if one in self._queue:
            self._queue.remove(one)
            self._leave(one)

    def _leave(self, one: _Waiting) -> None:
        self.waiting -= len(one.data)
        self._send(one.data)
        if not self._stream:
            for data in self._overtaken():
                self._send(data)
        if self.on_drained is not None and self.waiting < FULL // 2:
            self.on_drained()
        if not self.busy and self.on_empty is not None:
            self.on_empty()

    def _arm(self) -> None:
        if not self._armed and self._queue:
            self._armed = True
            self._later(max(self._queue[0].due - self._now(), 0.0), self._tick)

    def _tick(self) -> None:
        self._armed = False
        now = self._now() + 0.0005  # a timer may be early by its resolution
        while self._queue and self._queue[0].due <= now:
            self._leave(self._queue.popleft())
        self._arm()
