"""Two endpoints that speak to each other in a capture, and who wants to hear of it."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address
from typing import Any, Protocol, TypeAlias

from recordings.model import Transport

Endpoint: TypeAlias = tuple[str, int]
"""A numeric host and a port."""

IDLE = {Transport.TCP: 3600_000_000, Transport.UDP: 300_000_000}
"""Microseconds of capture time without a packet after which a conversation is over."""


class Side:
    """What one end sends; of TCP also what is known of its stream."""

    __slots__ = (
        "conversation",
        "fin",
        "first",
        "held",
        "index",
        "other",
        "pending",
        "pending_size",
        "place",
        "since",
    )

    conversation: Conversation
    other: Side

    def __init__(self, index: int) -> None:
        self.index = index
        self.place: int | None = None
        """Place in the stream up to which it was delivered; counts on where the wire wraps."""
        self.first: int | None = None
        """Sequence number of its SYN."""
        self.fin: int | None = None
        """Place where the stream ends."""
        self.pending: list[tuple[int, bytes]] = []
        """What is there behind a hole: place and bytes, in order, without overlap."""
        self.pending_size = 0
        self.since = 0
        """When the hole was seen first."""
        self.held: list[bytes] = []
        """Segments of the greatest size that go on with the next one."""


class Conversation:
    """One TCP connection, or one UDP pair of endpoints."""

    __slots__ = (
        "closed",
        "ends",
        "idle",
        "initiator",
        "last",
        "opened",
        "sides",
        "sink",
        "transport",
    )

    def __init__(self, transport: Transport, ends: tuple[Endpoint, Endpoint], at: int) -> None:
        self.transport = transport
        self.ends = ends
        """The two endpoints; the one that sent first is the first."""
        self.opened = self.last = at
        self.closed: str | None = None
        self.initiator: int | None = None
        """Which end opened it, where a SYN says so."""
        self.idle = IDLE[transport]
        self.sink: Any = None
        """Whatever the handler keeps."""
        self.sides = Side(0), Side(1)
        for side, other in (self.sides, self.sides[::-1]):
            side.conversation, side.other = self, other


def ends_of(key: bytes) -> tuple[Endpoint, Endpoint]:
    """Both endpoints of a `recordings.captures.ip.Carried.key`."""
    half = (len(key) - 4) // 2
    return (
        (_host(key[:half]), int.from_bytes(key[-4:-2], "big")),
        (_host(key[half:-4]), int.from_bytes(key[-2:], "big")),
    )


def mirrored(key: bytes) -> bytes:
    """The key of the other direction."""
    half = (len(key) - 4) // 2
    return key[half:-4] + key[:half] + key[-2:] + key[-4:-2]


def _host(packed: bytes) -> str:
    """A numeric host; an IPv4 address that is written as IPv6 comes out as itself."""
    if len(packed) == 4:
        return str(IPv4Address(packed))
    address = IPv6Address(packed)
    return str(address.ipv4_mapped or address)


class Handler(Protocol):
    """Who hears of conversations, in order of the capture. `at` is in microseconds."""

    def data(self, side: Side, data: bytes, at: int) -> None:
        """The next bytes of a stream, or one datagram."""
        ...

    def gap(self, side: Side, size: int, at: int) -> None:
        """That many bytes of a stream are not in the capture."""
        ...

    def ended(self, side: Side, at: int) -> None:
        """That side sent its last byte."""
        ...

    def closed(self, conversation: Conversation, reason: str, at: int) -> None:
        """It is over; called exactly once."""
        ...

    def trouble(self, fact: str, number: int, side: Side | None, at: int) -> None:
        """Something is wrong with a packet; `number` is the packet's."""
        ...
