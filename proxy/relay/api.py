"""Between the transports and the rest: what the relay tells about a flow, and what it is told.

The relay moves bytes. It knows no protocol: it asks a `Sink` per flow whether a direction is held,
and passes on what it gets. All calls happen on the event loop's thread; none may block.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol, TypeAlias, runtime_checkable

from recordings.model import Direction, Transport

Address: TypeAlias = tuple[str, int]
"""A numeric host and a port."""


def show_address(address: Address) -> str:
    """`host:port`, IPv6 in brackets: the form of the database and of every printed line."""
    host, port = address
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


@dataclass(frozen=True, slots=True)
class Listen:
    """One listener to open: where, and where its flows go."""

    protocol: str
    transport: Transport
    host: str
    """Address to bind."""
    port: int
    """Port to bind, 0 for any free one."""
    upstream: Address | None = None
    """Server to connect to; the host may be a name. None: there is none (a stand-in)."""
    client: str | None = None
    """Only this client address is served (a listener that a redirect opened for it)."""
    parent_frame: int | None = None
    """The frame that announced this endpoint."""
    session: int | None = None
    """The session to which flows of this listener belong."""
    role: str = ""
    hostname: str | None = None
    """The name by which the client looks for this server."""
    lan: bool = False
    """UDP: what clients broadcast is broadcast on our other networks too."""


class Sink(Protocol):
    """What one flow's bytes go to."""

    def held(self, direction: Direction) -> bool:
        """Whether this direction is framed before it is forwarded (it may change on the way)."""
        ...

    def seen(self, direction: Direction, data: bytes) -> None:
        """Bytes or a datagram that has been forwarded already: pass first, look afterwards."""
        ...

    def through(self, direction: Direction, data: bytes) -> list[bytes]:
        """Held: what to forward now instead; a part-frame stays here until more comes."""
        ...

    def pending(self, direction: Direction) -> int:
        """Bytes that `through` keeps back."""
        ...

    def flush(self, direction: Direction) -> list[bytes]:
        """Give up waiting: what is kept back, to be forwarded as it came."""
        ...

    def ended(self, direction: Direction) -> list[bytes]:
        """That side sent its last byte; what is kept back, to be forwarded before the close."""
        ...

    def event(self, kind: str, detail: str) -> None:
        """Something happened to the flow: `refused`, `reset`, `unreachable`, `truncated`."""
        ...

    def closed(self, reason: str) -> None:
        """The flow is over; called exactly once."""
        ...


class Sinks(Protocol):
    """Makes the sink of each new flow."""

    def opened(
        self,
        listen: Listen,
        client: Address,
        server: Address | None,
        local: Address | None = None,
    ) -> Sink:
        """A client came; `server` is the upstream address, resolved.

        `local` is the address of ours that the client contacted: what a redirect announces to it.
        None: not known, then that of the listener.
        """
        ...

    @property
    def congested(self) -> bool:
        """The store cannot keep up: TCP reading pauses until the relay's `relieve` is called."""
        ...


class Opener(Protocol):
    """What a redirect or a stand-in asks of the relay: `proxy.relay.engine.Engine`."""

    def open(self, listen: Listen) -> Address:
        """Open a listener at once; the address that it got. Raises UserError or OSError."""
        ...

    def shut(self, listen: Listen) -> None:
        """Accept no more clients on that listener; its flows go on."""
        ...

    def invite(self, listen: Listen, client: Address, local: str) -> Address | None:
        """Where the server reaches a client's UDP endpoint that has not sent anything yet.

        `local` is our address as the client knows it. None: that listener cannot lead there.
        """
        ...

    def call(self, listen: Listen, client: Address) -> bool:
        """Open a flow to a UDP client that has not sent anything to this listener; False: cannot.

        Nothing is sent by that: the flow's sink says what it has to say.
        """
        ...


class Pipe(Protocol):
    """The sender's end of one flow, for a sink that says something by itself.

    A stand-in answers with it, a fault delays with it, a mutation inserts with it. All methods may
    be called after the flow is over; they do nothing then. One whose attribute `direct` is true
    has nothing between itself and the socket.
    """

    @property
    def listen(self) -> Listen:
        """The listener that the flow came by."""
        ...

    @property
    def local(self) -> Address:
        """Our address as this client sees it."""
        ...

    def send(self, direction: Direction, data: bytes) -> None:
        """Send bytes or one datagram now; the sink is not told of them."""
        ...

    def end(self, direction: Direction) -> None:
        """Say after the last `send` that this direction is finished (TCP: half-close)."""
        ...

    def close(self, reason: str, *, reset: bool = False) -> None:
        """End the flow on both sides, at once with `reset`."""
        ...

    def later(self, seconds: float, call: Callable[[], None]) -> None:
        """Call back after some seconds, also when the flow is over by then."""
        ...


@runtime_checkable
class Actor(Protocol):
    """What a sink may have besides: it is looked for once, when the flow opens."""

    def started(self, pipe: Pipe) -> None:
        """Both sides are ready (without an upstream: the client is); called before any bytes."""
        ...

    def takes_over(self, reason: str) -> bool:
        """The server cannot be reached. True: keep the client, the sink answers it."""
        ...


@runtime_checkable
class Lingers(Protocol):
    """What a sink may have besides, when it forwards some bytes later than they came."""

    def lingers(self, direction: Direction) -> bool:
        """Asked after `ended`. True: the sink ends that direction by itself with `Pipe.end`."""
        ...


@runtime_checkable
class Brake(Protocol):
    """What a stream's pipe may have besides: the one who sends can be made to wait."""

    def pause(self, direction: Direction) -> None:
        """Read no more of that direction."""
        ...

    def go_on(self, direction: Direction) -> None:
        """Read again."""
        ...
