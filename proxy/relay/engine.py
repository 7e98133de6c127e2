"""The engine: owns the listeners and their flows, and runs them inside mitmproxy's life cycle."""

from __future__ import annotations

import asyncio
import contextlib
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from proxy.relay.api import Address, Listen, Sinks, show_address
from proxy.relay.datagrams import DatagramSocket, Rest
from proxy.relay.flow import Congested, default_idle, report
from proxy.relay.process import more_files, stop_on_signals
from proxy.relay.resolver import Resolver, refuse_ourselves
from proxy.relay.sockets import WILDCARDS, Outward
from proxy.relay.tcp import TcpListener
from proxy.relay.udp import UdpListener
from recordings.model import Transport

if TYPE_CHECKING:  # the codec behind it takes a third of a second to load
    from proxy.relay.dns import Answered, DnsServer

GRACE = 2.0
"""Seconds for the last bytes to leave when the engine stops."""

Listener: TypeAlias = "TcpListener | UdpListener | DnsServer"


@dataclass(frozen=True, slots=True)
class OpenFlow:
    """One flow that is open now."""

    listen: Listen
    client: Address
    server: Address | None


class Engine:
    """All listeners of one run. Everything happens on one event loop, unless said otherwise."""

    def __init__(
        self,
        sinks: Sinks,
        *,
        resolver: Resolver | None = None,
        offline: bool = False,
        idle: Callable[[str], float] = default_idle,
        peers: Callable[[str], bool] = lambda protocol: False,
        modes: Sequence[str] = (),
        route: Callable[[Transport, Address], Listen | None] = lambda transport, server: None,
        on_ready: Callable[[], None] | None = None,
        on_notice: Callable[[str, str], None] | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`idle` gives the seconds of silence after which a UDP flow of a protocol is closed;
        `peers` says of which protocols other players reach the client by its port upstream.

        `modes` are further modes of mitmproxy to run beside our listeners, and `route` says which
        protocol a destination of theirs speaks and whether it has an upstream (None: raw, itself).
        `on_ready` is called once everything accepts clients, `on_notice` with kind and detail of
        what is about no single flow; `clock` (seconds) is what idle time is measured by.
        """
        self.sinks = sinks
        self.resolver = resolver or Resolver(offline=offline)
        self.outward = Outward(offline=offline)
        self.idle = idle
        self.peers = peers
        self.time = clock
        self.congested: set[Congested] = set()
        self._modes = tuple(modes)
        self._route = route
        self._on_ready = on_ready
        self._on_notice = on_notice
        self._rest = Rest(clock, self.notice)
        self._listeners: list[Listener] = []
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stopping = threading.Event()
        self._wake: asyncio.Event | None = None
        self._serving = False

    # listeners

    def open(self, listen: Listen) -> Address:
        """Bind now and return the address; served from now on, or once `run` is. UserError."""
        make = TcpListener if listen.transport is Transport.TCP else UdpListener
        self._drop_finished()
        listener = make(self, listen, self._check_server(listen.transport))
        self._listeners.append(listener)
        if self._serving:
            listener.serve()
        return listener.address

    def open_dns(
        self,
        names: Mapping[str, str | None],
        host: str,
        port: int = 53,
        *,
        upstream: Address | None = None,
        on_query: Callable[[Answered], None] | None = None,
    ) -> Address:
        """A name server on UDP and TCP that leads `names` to us; the address that it got.

        `names` maps a name or `*.example.com` to a fixed address, or to None for the address on
        which the asking client reaches us. Other names go to `upstream`, or are refused. UserError.
        """
        from proxy.relay.dns import DnsServer
        from proxy.relay.dns_names import Names

        if upstream is not None and not self.outward.offline:
            refuse_ourselves(upstream, [(WILDCARDS.get(host, host), port)])
        server = DnsServer(
            Names(names),
            host,
            port,
            upstream=None if self.outward.offline else upstream,
            outward=self.outward,
            on_query=on_query,
        )
        self._listeners.append(server)
        if self._serving:
            server.serve()
        return server.address

    def _drop_finished(self) -> None:
        """Forget the listeners that were shut and whose last flow is over."""
        done = [o for o in self._listeners if o.closed and not o.busy and not o.open_flows()]
        for one in done:
            one.abort()
            self._listeners.remove(one)

    def shut(self, listen: Listen) -> None:
        """Accept no more clients on that listener; its flows go on."""
        for listener in self._listeners:
            if listener.listen is listen:
                listener.shut()

    def invite(self, listen: Listen, client: Address, local: str) -> Address | None:
        """Where the server reaches a client's UDP endpoint that has not sent anything yet.

        `local` is our address as the client knows it. None: that listener cannot lead there.
        """
        for listener in self._listeners:
            if listener.listen is listen and isinstance(listener, UdpListener):
                return listener.invite(client, local)
        return None

    def call(self, listen: Listen, client: Address) -> bool:
        """Open a flow to a UDP client that has not sent anything to this listener; False: cannot.

        Nothing is sent by that: the flow's sink says what it has to say.
        """
        for listener in self._listeners:
            if listener.listen is listen and isinstance(listener, UdpListener):
                return listener.call(client)
        return False

    def _check_server(self, transport: Transport) -> Callable[[Address], None]:
        return lambda server: self.refuse_ourselves(transport, server)

    def refuse_ourselves(self, transport: Transport, server: Address) -> None:
        """UserError when `server` is one of our own listeners."""
        refuse_ourselves(server, self._addresses(transport))

    def _addresses(self, transport: Transport | None = None) -> Iterator[Address]:
        for one in self._listeners:
            if transport in (None, one.listen.transport) and not one.closed:
                yield one.address

    def listeners(self) -> list[tuple[Listen, Address]]:
        """Every open listener and the address that it is bound to."""
        return [(one.listen, one.address) for one in self._listeners if not one.closed]

    def flows(self) -> list[OpenFlow]:
        """Every open flow."""
        return [
            OpenFlow(listener.listen, client, server)
            for listener in self._listeners
            for client, server in listener.open_flows()
        ]

    # what other threads may call

    def relieve(self) -> None:
        """The store has caught up: read again. May be called from any thread."""
        self.soon(self._relieve)

    def _relieve(self) -> None:
        waiting, self.congested = self.congested, set()
        for one in waiting:
            one.relieve()
        self._rest.over()

    def rests(self, sock: DatagramSocket) -> None:
        """A UDP socket is not read until the store has caught up; said, as some may be lost."""
        self.congested.add(sock)
        self._rest.begins(sock)

    def notice(self, kind: str, detail: str) -> None:
        """Something happened that is not about one flow."""
        if self._on_notice is not None:
            try:
                self._on_notice(kind, detail)
            except Exception:
                report(f"it could not be told: {kind}: {detail}")

    def stop(self) -> None:
        """End `run`. May be called from any thread, before it too, and twice."""
        self._stopping.set()
        self.soon(self._wake_up)

    def _wake_up(self) -> None:
        if self._wake is not None:
            self._wake.set()

    def soon(self, call: Callable[[], None]) -> None:
        """Call on the loop's thread; nothing happens when it does not run."""
        if self._loop is not None:
            with contextlib.suppress(RuntimeError):  # the loop is closed: nothing to do
                self._loop.call_soon_threadsafe(call)

    # running

    async def run(self) -> None:
        """Serve until `stop`, SIGINT or SIGTERM; then tell the sinks what is left and close."""
        from proxy.relay.compat import Stage  # takes a third of a second

        self._loop = asyncio.get_running_loop()
        self._wake = asyncio.Event()
        more_files()
        try:
            with stop_on_signals(self._loop, self.stop):
                stage = Stage(self, self._modes, lazy=self._lazy())
                wait = asyncio.ensure_future(self._wait_for_stop(stage.shutdown))
                try:
                    await stage.run(self._ready)
                finally:
                    wait.cancel()
                    await self.finish()
        finally:
            self._loop = None

    def _lazy(self) -> bool:
        """Whether modes connect only when our layer asks, so that a refusal is recorded.

        SOCKS tells its client whether the server was reached, so there it is connected at once.
        """
        return self.outward.offline or any(not m.startswith("socks5") for m in self._modes)

    async def _wait_for_stop(self, shutdown: Callable[[], None]) -> None:
        assert self._wake is not None
        if not self._stopping.is_set():
            await self._wake.wait()
        shutdown()

    def _ready(self) -> None:
        if self._on_ready is not None:
            self._on_ready()

    def serve(self) -> None:
        """Accept clients (mitmproxy starts us)."""
        self._serving = True
        for listener in self._listeners:
            listener.serve()

    async def finish(self) -> None:
        """Accept no more, end every flow, wait a moment for last bytes (mitmproxy stops us)."""
        self._serving = False
        for listener in self._listeners:
            listener.stop("stopped")
        deadline = time.monotonic() + GRACE
        while any(one.busy for one in self._listeners) and time.monotonic() < deadline:
            await asyncio.sleep(0.01)
        for listener in self._listeners:
            listener.abort()
        while any(one.busy for one in self._listeners):
            await asyncio.sleep(0)
        self._listeners.clear()
        self.congested.clear()

    def listen_for(self, transport: Transport, server: Address) -> Listen:
        """Which protocol speaks to a destination of another mode (mitmproxy's layer asks)."""
        raw = Listen(f"raw-{transport}", transport, server[0], server[1], server)
        return self._route(transport, server) or raw

    async def find_server(self, transport: Transport, server: Address) -> Address:
        """The numeric address for a destination of another mode; UserError if it may not be."""
        self.outward.check(show_address(server))
        found = (await self.resolver.resolve(server[0]), server[1])
        self.refuse_ourselves(transport, found)
        return found

    def addresses(self) -> list[Address]:
        """Where we listen (mitmproxy asks)."""
        return list(self._addresses())
