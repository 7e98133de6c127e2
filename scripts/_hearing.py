"""How clients of a measurement hear: when the kernel had a datagram for them, how late they are.

What a client is late itself is kept apart from what the server takes: the server's time ends when
the kernel has the answer for the client (SO_TIMESTAMPNS; Linux), not when Python gets to read it.
"""

from __future__ import annotations

import selectors
import socket
import struct
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

TIMESTAMPS = 35 if sys.platform == "linux" else None
_STAMP = struct.Struct("=qq")
_ROOM = socket.CMSG_SPACE(_STAMP.size) if TIMESTAMPS else 0


class Times:
    """How long something took, many times, without keeping every one of them."""

    STEP = 10_000

    def __init__(self) -> None:
        self._found: Counter[int] = Counter()
        self.worst = 0

    def add(self, nanoseconds: int) -> None:
        """Once more."""
        self._found[nanoseconds // self.STEP] += 1
        self.worst = max(self.worst, nanoseconds)

    def at(self, share: float) -> float:
        """Milliseconds that so many of them took at most."""
        left = sum(self._found.values()) * share
        for step in sorted(self._found):
            left -= self._found[step]
            if left <= 0:
                return round((step + 1) * self.STEP / 1e6, 2)
        return 0.0

    def over(self, milliseconds: float) -> int:
        """How many took longer."""
        return sum(n for step, n in self._found.items() if step * self.STEP > milliseconds * 1e6)

    def shown(self, name: str) -> dict[str, Any]:
        """For the report, in milliseconds."""
        return {
            f"{name} p50": self.at(0.5),
            f"{name} p99": self.at(0.99),
            f"{name} worst": round(self.worst / 1e6, 2),
        }


def stamp(sock: socket.socket) -> None:
    """Have the kernel note when datagrams come."""
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
    if TIMESTAMPS:
        sock.setsockopt(socket.SOL_SOCKET, TIMESTAMPS, 1)


def read(sock: socket.socket) -> tuple[bytes, int, int]:
    """A datagram; when it came, and when we have it: nanoseconds of the wall clock."""
    if TIMESTAMPS is None:
        return sock.recv(2048), time.time_ns(), time.time_ns()
    data, notes, _, _ = sock.recvmsg(2048, _ROOM)
    now = time.time_ns()
    came = now
    for _, kind, note in notes:
        if kind == TIMESTAMPS:
            seconds, rest = _STAMP.unpack(note)
            came = seconds * 1_000_000_000 + rest
    return data, came, now


def beats(count: int, rate: float, seconds: float) -> Iterator[tuple[int, float]]:
    """Who is to speak next and when, so that each does `rate` times a second, all spread evenly."""
    begun = time.perf_counter() + 0.05
    for number in range(int(count * rate * seconds)):
        yield number % count, begun + number / count / rate


class Ears:
    """All sockets, read while somebody waits for his turn; how late turns and reads are."""

    def __init__(self) -> None:
        self._selector = selectors.DefaultSelector()
        self.turns, self.reads = Times(), Times()

    def add(self, sock: socket.socket, hear: Callable[[bytes, int], None]) -> None:
        """`hear` is given a datagram and when it came."""
        stamp(sock)
        self._selector.register(sock, selectors.EVENT_READ, hear)

    def until(self, due: float) -> None:
        """Hear until it is time."""
        while (wait := due - time.perf_counter()) > 0:
            self._listen(wait)
        self.turns.add(int(-wait * 1e9))
        self._listen(0)

    def rest(self, quiet: float = 1.0, most: float = 30.0) -> None:
        """What still comes, until nothing has come for so many seconds."""
        end = time.perf_counter() + most
        while time.perf_counter() < end and self._listen(quiet):
            pass

    def _listen(self, wait: float) -> bool:
        found = self._selector.select(wait)
        for key, _ in found:
            data, came, now = read(key.fileobj)  # type: ignore[arg-type]
            self.reads.add(now - came)
            key.data(data, came)
        return bool(found)

    def shown(self) -> dict[str, float]:
        """How late the clients are themselves."""
        return {
            "clients send late, p99": self.turns.at(0.99),
            "clients read late, p99": self.reads.at(0.99),
        }
