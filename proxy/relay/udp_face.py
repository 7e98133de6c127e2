"""Where UDP clients are met: an address of ours, and the endpoints of those who contacted it."""

from __future__ import annotations

import socket
from collections import Counter
from collections.abc import Callable, Mapping
from heapq import nsmallest
from typing import TYPE_CHECKING

from proxy.relay.api import Address
from proxy.relay.datagrams import DatagramSocket, Peer
from proxy.relay.sockets import WILDCARDS, plain_address, route_to

if TYPE_CHECKING:
    from proxy.relay.udp import UdpListener
    from proxy.relay.udp_endpoint import Endpoint


class Face:
    """One address and its endpoints, by the address of the client."""

    send: Callable[[bytes, Peer], int]
    """Sends a datagram to a client; OSError."""

    def __init__(self, listener: UdpListener, address: Address) -> None:
        self.listener = listener
        self.address = address
        self.endpoints: dict[Peer, Endpoint] = {}
        self._only = listener.listen.client
        self._host = listener.host
        self._sinks = listener.host.sinks

    def start(self) -> None:
        """Take datagrams from now on."""

    def close(self) -> None:
        """Take no more."""

    def local_for(self, peer: Peer) -> Address:
        """The address of ours that this client contacted."""
        host, port = self.address
        if host in WILDCARDS:
            return route_to(plain_address(peer)[0]) or host, port
        return self.address

    def endpoint_of(self, peer: Peer, data: bytes) -> Endpoint | None:
        """Whom a datagram is from; None when nobody is served, or not yet."""
        endpoint = self.endpoints.get(peer)
        if endpoint is None:
            if self._only is not None and peer[0] != self._only:
                return None
            endpoint = self.listener.welcome(self, peer, data)
        return endpoint

    def rest(self, sock: DatagramSocket) -> None:
        """The store cannot keep up: leave datagrams to the kernel, which drops what is too much."""
        sock.pause()
        self._host.rests(sock)


class SocketFace(Face):
    """A face that reads a listening socket."""

    def __init__(self, listener: UdpListener, sock: socket.socket) -> None:
        super().__init__(listener, plain_address(sock.getsockname()))
        self.socket = DatagramSocket(sock, self._came, self._failed)
        self.send = sock.sendto

    def start(self) -> None:
        self.socket.start()

    def close(self) -> None:
        self.socket.close()
        self._host.congested.discard(self.socket)

    def _came(self, data: bytes, peer: Peer) -> None:
        endpoint = self.endpoints.get(peer) or self.endpoint_of(peer, data)
        if endpoint is None:
            return
        endpoint.from_client(data)
        if self._sinks.congested:
            self.rest(self.socket)

    def _failed(self, error: OSError) -> None:
        """Windows tells here that a client's port is closed; nobody's flow ends by that."""


def oldest(endpoints: Mapping[Peer, Endpoint], count: int) -> list[Peer]:
    """Those silent longest, of the address that has the most; never more than half of them."""
    hosts = Counter(peer[0] for peer in endpoints)
    if not hosts:
        return []
    host, most = hosts.most_common(1)[0]
    chosen = [peer for peer in endpoints if most == 1 or peer[0] == host]
    return nsmallest(
        max(1, min(count, len(chosen) // 2)),
        chosen,
        key=lambda peer: (endpoints[peer].flow is not None, endpoints[peer].last),
    )
