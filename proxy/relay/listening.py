"""The listeners of an engine: opened, looked up, and shut again."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from proxy.relay.api import Address, Listen, Sinks, show_address
from proxy.relay.datagrams import DatagramSocket
from proxy.relay.destinations import Destinations
from proxy.relay.flow import Congested
from proxy.relay.resolver import Resolver, refuse_ourselves
from proxy.relay.sockets import WILDCARDS, Outward
from proxy.relay.tcp_listener import TcpListener
from proxy.relay.udp import UdpListener
from recordings.model import Transport

if TYPE_CHECKING:  # the codec behind it takes a third of a second to load
    from proxy.relay.dns import Answered, DnsServer

Listener: TypeAlias = "TcpListener | UdpListener | DnsServer | Destinations"


@dataclass(frozen=True, slots=True)
class OpenFlow:
    """One flow that is open now."""

    listen: Listen
    client: Address
    server: Address | None


class Listening:
    """What an engine has listeners by; it is their host (see `proxy.relay.flow.Host`)."""

    sinks: Sinks
    resolver: Resolver
    outward: Outward
    idle: Callable[[str], float]
    peers: Callable[[str], bool]
    time: Callable[[], float]
    congested: set[Congested]
    route: Callable[[Transport, Address], Listen | None]

    def __init__(self) -> None:
        self._listeners: list[Listener] = []
        self._serving = False
        self._by_modes: Destinations | None = None
        self.tunnel_dns: DnsServer | None = None
        """Who answers the queries that come by WireGuard."""

    def rests(self, sock: DatagramSocket) -> None:
        """See `Host.rests`."""
        raise NotImplementedError

    def notice(self, kind: str, detail: str) -> None:
        """See `Host.notice`."""
        raise NotImplementedError

    def open(self, listen: Listen) -> Address:
        """Bind now and return the address; served from now on, or once `run` is. UserError."""
        make = TcpListener if listen.transport is Transport.TCP else UdpListener
        self._drop_finished()
        listener = make(self, listen, self._check_server(listen.transport))
        return self._add(listener)

    def open_dns(
        self,
        names: Mapping[str, str | None],
        host: str | None,
        port: int = 53,
        *,
        upstream: Address | None = None,
        on_query: Callable[[Answered], None] | None = None,
    ) -> Address:
        """A name server on UDP and TCP that leads `names` to us; the address that it got.

        `names` maps a name or `*.example.com` to a fixed address, or to None for the address on
        which the asking client reaches us. Other names go to `upstream`, or are refused. Without a
        `host` it answers only what comes by WireGuard. UserError.
        """
        from proxy.relay.dns import DnsServer
        from proxy.relay.dns_names import Names

        if upstream is not None and host is not None and not self.outward.offline:
            refuse_ourselves(upstream, [(WILDCARDS.get(host, host), port)])
        server = DnsServer(
            Names(names),
            host,
            port,
            upstream=None if self.outward.offline else upstream,
            outward=self.outward,
            on_query=on_query,
        )
        if host is None:
            self.tunnel_dns = server
        return self._add(server)

    def open_transparent(self, host: str, port: int) -> Address:
        """A socket to which TPROXY leads UDP, for whomever it is; its address. UserError."""
        from proxy.relay.tproxy import TransparentListener

        at = WILDCARDS.get(host, host), port
        return self._add(
            TransparentListener(self, at, self.listen_for, self._check_server(Transport.UDP))
        )

    def destinations(self) -> Destinations:
        """What becomes of UDP that comes by mitmproxy's modes."""
        if self._by_modes is None or self._by_modes.closed:
            self._by_modes = Destinations(self, self.listen_for, self._check_server(Transport.UDP))
            self._add(self._by_modes)
        return self._by_modes

    def _add(self, listener: Listener) -> Address:
        self._listeners.append(listener)
        if self._serving:
            listener.serve()
        return listener.address

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
        """See `Opener.call`."""
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
        return [
            (one.listen, one.address)
            for one in self._listeners
            if not one.closed and one.address[1]  # what has no port has no socket
        ]

    def flows(self) -> list[OpenFlow]:
        """Every open flow."""
        return [
            OpenFlow(listener.listen, client, server)
            for listener in self._listeners
            for client, server in listener.open_flows()
        ]

    def listen_for(self, transport: Transport, server: Address) -> Listen:
        """Which protocol speaks to a destination of another mode (mitmproxy's layer asks)."""
        raw = Listen(f"raw-{transport}", transport, server[0], server[1], server)
        return self.route(transport, server) or raw

    async def find_server(self, transport: Transport, server: Address) -> Address:
        """The numeric address for a destination of another mode; UserError if it may not be."""
        self.outward.check(show_address(server))
        found = (await self.resolver.resolve(server[0]), server[1])
        self.refuse_ourselves(transport, found)
        return found

    def addresses(self) -> list[Address]:
        """Where we listen (mitmproxy asks)."""
        return list(self._addresses())
