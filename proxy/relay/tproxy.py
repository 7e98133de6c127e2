"""Transparent UDP on Linux: nftables' TPROXY brings every datagram, with whom it was for.

Answers leave from a socket that is bound to the client's destination, though it is not ours; both
need CAP_NET_ADMIN (Documentation/networking/tproxy.rst of the kernel). IPv4 only.
"""

from __future__ import annotations

import asyncio
import errno
import socket
import struct
import sys
from collections.abc import Callable

from proxy.relay.api import Address, Listen, show_address
from proxy.relay.datagrams import LARGEST, MAX_BATCH
from proxy.relay.destinations import Destinations, Route
from proxy.relay.flow import Host
from proxy.relay.sockets import RECEIVE_BUFFER, plain_address
from proxy.relay.udp import UdpListener
from proxy.relay.udp_face import Face
from recordings.errors import UserError
from recordings.model import Transport

IP_TRANSPARENT, IP_RECVORIGDSTADDR = 19, 20
_SOCKADDR = struct.Struct("=HH4s")
_ANCILLARY = socket.CMSG_SPACE(64) if hasattr(socket, "CMSG_SPACE") else 0


def _transparent(address: Address) -> socket.socket:
    """A UDP socket that may have anybody's address; OSError."""
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    try:
        sock.setsockopt(socket.SOL_IP, IP_TRANSPARENT, 1)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.setblocking(False)
        sock.bind(address)
    except OSError:
        sock.close()
        raise
    return sock


class TransparentFace(Face):
    """A destination that we speak for."""

    def __init__(self, listener: UdpListener, address: Address) -> None:
        super().__init__(listener, address)
        self._sock = _transparent(address)
        self.send = self._sock.sendto

    def close(self) -> None:
        self._sock.close()


class TransparentListener(Destinations):
    """The socket to which TPROXY leads, and the destinations of what comes there."""

    def __init__(
        self,
        host: Host,
        at: Address,
        route: Route,
        check_server: Callable[[Address], None],
    ) -> None:
        super().__init__(host, route, check_server, TransparentFace)
        if sys.platform != "linux":
            raise UserError("transparent UDP needs Linux: take --mode wireguard instead")
        try:
            self._sock = _transparent(at)
            self._sock.setsockopt(socket.SOL_IP, IP_RECVORIGDSTADDR, 1)
            self._sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BUFFER)
        except PermissionError as error:
            raise UserError(
                "transparent UDP needs the right CAP_NET_ADMIN: run it as root"
            ) from error
        except OSError as error:
            why = "is in use" if error.errno == errno.EADDRINUSE else str(error)
            raise UserError(f"udp {show_address(at)} cannot be opened: {why}") from error
        self.address = plain_address(self._sock.getsockname())
        self.listen = Listen("raw-udp", Transport.UDP, *self.address)
        self._loop: asyncio.AbstractEventLoop | None = None

    def serve(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._loop.add_reader(self._sock.fileno(), self._readable)

    def _readable(self) -> None:
        for _ in range(MAX_BATCH):
            try:
                data, ancillary, _, peer = self._sock.recvmsg(LARGEST, _ANCILLARY)
            except OSError:
                return
            destination = _destination(ancillary)
            if destination is None or self.closed or destination == self.address:
                continue
            try:
                face = self.face(destination)
            except OSError:
                continue  # nobody's address: a broadcast
            endpoint = face.endpoint_of(peer, data)
            if endpoint is not None:
                endpoint.from_client(data)

    def stop(self, reason: str) -> None:
        if self._loop is not None and self._sock.fileno() >= 0:
            self._loop.remove_reader(self._sock.fileno())
        self._sock.close()
        super().stop(reason)


def _destination(ancillary: list[tuple[int, int, bytes]]) -> Address | None:
    """Whom a datagram was for: the sockaddr_in that came with it."""
    for level, kind, data in ancillary:
        if (level, kind) == (socket.SOL_IP, IP_RECVORIGDSTADDR) and len(data) >= _SOCKADDR.size:
            _, port, host = _SOCKADDR.unpack_from(data)
            return socket.inet_ntoa(host), socket.ntohs(port)
    return None
