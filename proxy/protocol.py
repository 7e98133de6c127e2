"""The contract between a protocol file and the rest of the house.

A protocol file holds message classes or tables, a dissector, and one `PROTOCOLS` tuple of
`Protocol` instances (one, or a family on one port). Everything but the dissector and the layouts is
declared: relay, redirect, replay, stand-in, docs and diff read the tables below.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Literal

from proxy.dissector import PEER_FAULTS, Dissector
from proxy.keys import SessionKeys
from proxy.message import Message, Opaque, WireError
from recordings.model import Direction, Frame, Span, Transport


@dataclass(frozen=True, slots=True)
class Field:
    """One line of a protocol's documentation: a field, its wire type, its meaning."""

    name: str
    type: str
    meaning: str = ""


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of message: who sends it, its fields, where the facts are from."""

    name: str
    directions: tuple[Direction, ...]
    meaning: str = ""
    fields: tuple[Field, ...] = ()
    source: str = ""
    tag: str = ""
    """The number by which it is known on the wire, as it is written: 0x07."""


@dataclass(frozen=True, slots=True)
class Announce:
    """Fields that announce an endpoint, where the other side will connect or send to next.

    A path in `host` or `port` is relative to each item of the list `each`, if that is given. A host
    path may hold `host:port`; then `port` is the same path.
    """

    kind: str
    direction: Direction
    protocol: str
    transport: Transport
    host: str | None = None
    """Path of the host; None: the host that announces."""
    port: str | None = None
    """Path of the port; None: the announcing flow's own server port."""
    each: str | None = None
    role: str = ""
    """`lobby`, `buddy`: names the leg in listings and in session grouping."""
    when: Callable[[Message], bool] | None = None
    drop: tuple[str, ...] = ()
    """Fields to delete in the rewritten message."""
    peer: bool = False
    """Another player: touched only with --relay-peers."""
    ports: tuple[int, ...] = ()
    """Where it is spoken to when the message names no port: numbers that are fixed in the game."""


Renewal = Literal["echo", "fresh", "clock", "counter", "ours", "digest", "learned", "key"]


@dataclass(frozen=True, slots=True)
class Volatile:
    """How a field that differs at every run is renewed.

    Key of the table: `KIND.PATH`, or `*.PATH` for every kind.
    """

    how: Renewal
    of: str = ""
    """echo: `KIND.PATH` of the request; ours: `host` or `port`; clock: the unit; else a hint."""


@dataclass(frozen=True, slots=True)
class Rhythm:
    """A keepalive that one side sends by itself."""

    kind: str
    direction: Direction
    every: float
    """Seconds."""


@dataclass(frozen=True, slots=True)
class Protocol:
    """Everything the house knows of one protocol."""

    name: str
    title: str
    transports: tuple[Transport, ...]
    ports: tuple[int, ...]
    """Usual server ports."""
    make_dissector: Callable[[SessionKeys], Dissector]
    """A dissector for one new flow of a session."""
    view_frame: Callable[[Frame], Message]
    """Reads `frame.clear`; raises WireError. Need not check that it encodes back."""
    kinds: tuple[Kind, ...] = ()
    announces: tuple[Announce, ...] = ()
    refers: tuple[Announce, ...] = ()
    """Fields by which a side names an endpoint that was announced to it: ours is put back."""
    volatile: Mapping[str, Volatile] = field(default_factory=dict)
    answers: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Kind of a request -> kinds that end its turn."""
    rhythm: tuple[Rhythm, ...] = ()
    keys: Mapping[str, str] = field(default_factory=dict)
    """`KIND.PATH` -> name of the key that the field yields."""
    session_keys: tuple[str, ...] = ()
    """Names of keys whose equality makes two flows one session."""
    personal: Mapping[str, str] = field(default_factory=dict)
    """Fields that tell who somebody is -> category, see `proxy.personal`."""
    swallow: tuple[tuple[str, Direction], ...] = ()
    """Kinds that a relay may drop on the user's wish, so that a cipher is never agreed on."""
    idle: float = 300.0
    """Seconds without a datagram after which a UDP flow is closed."""
    peers: bool = False
    """Several peers answer one client endpoint: the upstream socket stays unconnected."""
    source: str = ""
    """Where the facts are from."""
    begins: bytes = b""
    """A regular expression for the first bytes of a flow, of either side, that tells the protocol
    from others at a port where nobody expects it. Empty: it is known by its ports alone."""
    peek: Callable[[Direction, bytes], str] | None = None
    """A first look at a frame's clear bytes (of a datagram: as it came), much cheaper than a view:
    the kind, when it is one that `announces` or `swallow` name, else any other text."""
    make_for: Mapping[Transport, Callable[[SessionKeys], Dissector]] = field(default_factory=dict)
    """Dissectors of further transports, where one protocol speaks over two."""

    def dissector(self, keys: SessionKeys, transport: Transport | None = None) -> Dissector:
        """A dissector for one new flow of the session that owns `keys`.

        `transport` matters to a protocol that speaks over two; None is its first.
        """
        make = self.make_for.get(transport, self.make_dissector) if transport else None
        return (make or self.make_dissector)(keys)

    def view(self, frame: Frame) -> Message:
        """The message of a frame; Opaque, saying why, unless it encodes back to the same bytes."""
        clear = frame.clear
        if frame.error is not None:
            return Opaque(clear, frame.error)
        try:
            message = self.view_frame(frame)
            if message.encode() == clear:
                return message
        except WireError as error:
            return Opaque(clear, str(error))
        except (*PEER_FAULTS, RecursionError) as error:
            return Opaque(clear, f"{self.name}: {type(error).__name__}: {error}")
        return Opaque(clear, f"{message.kind} does not encode back to the same bytes")

    def spans(self, frame: Frame) -> list[Span]:
        """Which bytes of `frame.clear` hold which field; empty for an opaque frame."""
        return self.view(frame).spans()

    def held(self, direction: Direction) -> bool:
        """Whether a message of this direction may announce an endpoint of a server."""
        return any(a.direction is direction and not a.peer for a in self.announces)
