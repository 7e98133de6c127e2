"""One listening TCP socket: who is let in, and the flows that are open."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

from proxy.relay.api import Address, Listen, show_address
from proxy.relay.flow import Host, Often
from proxy.relay.sockets import bind, plain_address
from proxy.relay.stream import Acceptor
from proxy.relay.tcp import TcpFlow
from recordings.model import Transport

MAX_FLOWS = 4000
"""Connections of one listener at a time."""
MAX_FLOWS_PER_CLIENT = 1000
"""Of them from one address: whoever connects as fast as he can leaves room for others."""


class TcpListener:
    """One listening socket and its flows."""

    def __init__(self, host: Host, listen: Listen, check_server: Callable[[Address], None]) -> None:
        self.host = host
        self.listen = listen
        self.check_server = check_server
        sock = bind(Transport.TCP, listen.host, listen.port)
        self.address = plain_address(sock.getsockname())
        self.flows: set[TcpFlow] = set()
        self._acceptor = Acceptor(sock, lambda: TcpFlow(self).client)
        self._clients: Counter[str] = Counter()
        self._full = Often("too-many-connections", host)
        self.closed = False

    @property
    def busy(self) -> bool:
        """Whether a socket of a flow is still open."""
        return bool(self.flows)

    def open_flows(self) -> list[tuple[Address, Address | None]]:
        """Client and server of every open flow."""
        return [(flow.address, flow.upstream) for flow in self.flows if not flow.over]

    def serve(self) -> None:
        """Accept from now on; what came before waits in the backlog."""
        self._acceptor.start()

    def admit(self, flow: TcpFlow) -> bool:
        """Whether this client is served."""
        only = self.listen.client
        if self.closed or (only is not None and only != flow.address[0]):
            return False
        host = flow.address[0]
        if len(self.flows) >= MAX_FLOWS or self._clients[host] >= MAX_FLOWS_PER_CLIENT:
            where = f"{self.listen.protocol} tcp {show_address(self.address)}"
            self._full.happened(1, f"{where} has too many connections, {host} is turned away")
            return False
        self._clients[host] += 1
        self.flows.add(flow)
        return True

    def forget(self, flow: TcpFlow) -> None:
        """Both sockets of the flow are closed."""
        if flow not in self.flows:
            return
        self.flows.discard(flow)
        host = flow.address[0]
        self._clients[host] -= 1
        if not self._clients[host]:
            del self._clients[host]
            self._full.rest()

    def shut(self) -> None:
        """Accept no more; the flows go on."""
        self.closed = True
        self._acceptor.close()

    def stop(self, reason: str) -> None:
        """Accept no more and end every flow."""
        self.shut()
        for flow in list(self.flows):
            flow.close(reason)

    def abort(self) -> None:
        """Close what is still writing."""
        for flow in list(self.flows):
            flow.abort()
