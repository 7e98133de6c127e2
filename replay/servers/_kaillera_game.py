"""The exchange of inputs in a Kaillera game: frames of each player in, frames of all players out.

A client plays its own input only after `lag` frames: those of its delay and of its own packet. So a
frame of input belongs to the same moment for all when everybody has waited for as long as the one
who waits longest; the others get frames of zeros first, as many as they are early. No input is
lost by that, and everybody plays the same frames at the same moment (kaillera 5).

Sans-io, and without a word of the messages around it.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field

SLOTS = 256
"""Inputs that a list remembers (kaillera 5)."""
MOST_INPUT = 32_000
"""Bytes of one packet of input; no emulator has that many buttons."""
MOST_OUT = 65_000
"""Bytes of one packet of all players' input: what a datagram holds."""
MOST_WAITING = 1200
"""Frames that one player may be ahead of the others: 20 seconds."""
MOST_REMEMBERED = 8 << 20
"""Bytes that the lists of one player may hold."""


class Unplayable(Exception):
    """A player sends what cannot be played; says why."""


class Inputs:
    """A list of the last inputs of one direction: when it is full the oldest goes."""

    def __init__(self) -> None:
        self._items: list[bytes] = []
        self.size = 0
        """Bytes."""

    def find(self, data: bytes) -> int | None:
        """The slot of an input."""
        try:
            return self._items.index(data)
        except ValueError:
            return None

    def get(self, slot: int) -> bytes | None:
        """The input in a slot; None: it is empty."""
        return self._items[slot] if slot < len(self._items) else None

    def add(self, data: bytes) -> None:
        """Remember an input; all others move down by one when there is no room."""
        if len(self._items) == SLOTS:
            self.size -= len(self._items.pop(0))
        self._items.append(data)
        self.size += len(data)


def delay_of(ping: int, connection: int) -> int:
    """Packets of lag for a round trip in milliseconds (kaillera 5)."""
    return ping * 60 // 1000 // connection + 1


@dataclass(eq=False, slots=True)
class Seat:
    """One player of a game that is on."""

    number: int
    connection: int
    """Frames of a packet."""
    delay: int
    """Packets of lag."""
    ready: bool = False
    dropped: bool = False
    size: int | None = None
    """Bytes of a frame, once that is known."""
    frames: deque[bytes] = field(default_factory=deque)
    """Input that is not part of a row yet."""
    rows: deque[bytes] = field(default_factory=deque)
    """Frames of all players that the client has not been told yet."""
    came: int = 0
    """Packets that have come; so many may be told."""
    told: int = 0
    heard: Inputs = field(default_factory=Inputs)
    said: Inputs = field(default_factory=Inputs)

    @property
    def lag(self) -> int:
        """Frames that the client plays before it needs the first one of ours (kaillera 5)."""
        return (self.delay + 1) * self.connection - 1

    def take(self, data: bytes) -> None:
        """A packet of input; raises Unplayable."""
        size, rest = divmod(len(data), self.connection)
        if rest:
            raise Unplayable(f"{len(data)} bytes of input are not {self.connection} frames")
        if len(self.frames) + self.connection > MOST_WAITING:
            raise Unplayable(f"more than {MOST_WAITING} frames ahead of the others")
        self.size = size
        self.came += 1
        self.frames += [data[at * size : (at + 1) * size] for at in range(self.connection)]


def exchange(seats: Iterable[Seat]) -> list[tuple[Seat, bytes]]:
    """Make rows of what has come; the packets that are due, each with its player."""
    everybody = list(seats)
    playing = [seat for seat in everybody if not seat.dropped]
    while playing and all(seat.frames for seat in playing):
        row = b"".join(
            bytes(_size(seat, everybody)) if seat.dropped else seat.frames.popleft()
            for seat in everybody
        )
        for seat in playing:
            seat.rows.append(row)
    due = []
    for seat in playing:
        while seat.told < seat.came and len(seat.rows) >= seat.connection:
            seat.told += 1
            due.append((seat, b"".join(seat.rows.popleft() for _ in range(seat.connection))))
    return due


def fits(seat: Seat, size: int, everybody: Iterable[Seat]) -> bool:
    """Whether frames of that size leave every packet short enough for a datagram."""
    seats = list(everybody)
    total = sum(size if one is seat else one.size or 0 for one in seats)
    return total * max(one.connection for one in seats) <= MOST_OUT


def _size(seat: Seat, everybody: list[Seat]) -> int:
    """Bytes of a frame of a player; of any other one while he has not sent any."""
    if seat.size is not None:
        return seat.size
    return next((one.size for one in everybody if one.size is not None), 0)


def fill_up(seat: Seat, everybody: Iterable[Seat]) -> None:
    """Before a player's first frame: frames of zeros, as many as he is early."""
    others = list(everybody)
    row = bytes(sum(_size(one, [seat]) for one in others))
    early = max(one.lag for one in others) - seat.lag
    seat.rows.extend([row] * early)
