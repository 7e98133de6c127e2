"""What of one direction goes on later than it came: delayed frames, and frames put behind others.

Sans-io: who owns the sockets gives `send` for bytes that are due later, and `later` for a call
after some seconds. A stream keeps its order: what follows a delayed frame waits behind it. Of
datagrams each goes on by itself.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

BEHIND_SECONDS = 1.0
"""A frame that waits for others to go on before it waits so long at most."""

Later = Callable[[float, Callable[[], None]], None]
"""Calls back after so many seconds."""


@dataclass(slots=True, eq=False)
class _Slot:
    """Bytes that wait for their time."""

    data: bytes
    due: bool


@dataclass(slots=True, eq=False)
class _Kept:
    """A frame that waits for others; `seal` gives its bytes when its turn comes."""

    frames: int
    seal: Callable[[], bytes]


class Outbox:
    """One direction of a flow."""

    def __init__(self, stream: bool, send: Callable[[bytes], None], later: Later) -> None:
        self._stream = stream
        self._send = send
        self._later = later
        self._line: list[_Slot] = []
        self._kept: list[_Kept] = []

    @property
    def idle(self) -> bool:
        """Whether nothing waits."""
        return not (self._line or self._kept)

    def put(self, data: bytes) -> list[bytes]:
        """Bytes that go on now; nothing when they must wait behind others."""
        if self._stream and self._line:
            self._line.append(_Slot(data, due=True))
            return []
        return [data]

    def delay(self, data: bytes, seconds: float) -> None:
        """Bytes that go on after so many seconds."""
        slot = _Slot(data, due=False)
        self._line.append(slot)
        self._later(seconds, lambda: self._is_due(slot))

    def keep(self, frames: int, seal: Callable[[], bytes]) -> None:
        """A frame that goes on when so many others have."""
        kept = _Kept(frames, seal)
        self._kept.append(kept)
        self._later(BEHIND_SECONDS, lambda: self._waited(kept))

    def passed(self) -> list[bytes]:
        """One more frame went on: the bytes of those whose turn it is."""
        if not self._kept:
            return []
        for kept in self._kept:
            kept.frames -= 1
        turn = [kept for kept in self._kept if kept.frames <= 0]
        self._kept = [kept for kept in self._kept if kept.frames > 0]
        return [data for kept in turn for data in self.put(kept.seal())]

    def flush(self) -> list[bytes]:
        """Everything at once, in order."""
        line, kept = self._line, self._kept
        self._line, self._kept = [], []
        return [slot.data for slot in line] + [one.seal() for one in kept]

    def _waited(self, kept: _Kept) -> None:
        if kept in self._kept:
            self._kept.remove(kept)
            for data in self.put(kept.seal()):
                self._send(data)

    def _is_due(self, slot: _Slot) -> None:
        slot.due = True
        if not self._stream:
            if slot in self._line:
                self._line.remove(slot)
                self._send(slot.data)
            return
        while self._line and self._line[0].due:
            self._send(self._line.pop(0).data)
