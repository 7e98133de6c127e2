"""One client's UDP endpoint: its socket to the server, and the flow that is open on it, if any."""

from __future__ import annotations

import errno
import socket
from collections.abc import Callable
from typing import TYPE_CHECKING

from proxy.relay.api import Address, Sink
from proxy.relay.datagrams import DatagramSocket, Peer
from proxy.relay.flow import (
    Mute,
    defect,
    open_sink,
    start_sink,
    takes_over,
    tell,
    tell_closed,
)
from proxy.relay.sockets import plain_address
from proxy.relay.udp_flow import UdpFlow
from proxy.relay.why import why
from recordings.model import Direction

if TYPE_CHECKING:
    from proxy.relay.udp_face import Face

UP, DOWN = Direction.TO_SERVER, Direction.TO_CLIENT
_REFUSALS = {errno.ECONNREFUSED, errno.ECONNRESET, errno.EHOSTUNREACH, errno.ENETUNREACH, 10054}
_TOO_LONG = {errno.EMSGSIZE, 10040}
RETRY = 2.0
"""Seconds between two looks for a server that was not to be had."""


class Endpoint:
    """A client's address and port, with a socket of its own to the server.

    The flow opens with a datagram of either side and closes after the protocol's idle time; the
    endpoint, and so the port that the server sees, stays an hour longer.
    """

    __slots__ = (
        "_dropped",
        "_refused",
        "_send_up",
        "_sinks",
        "_time",
        "_tried",
        "face",
        "flow",
        "last",
        "local",
        "peer",
        "server",
        "sink",
        "tap",
        "upstream",
    )

    def __init__(self, face: Face, peer: Peer, server: Address | None) -> None:
        self.face = face
        self.peer = peer
        self.server = server
        self.local = face.local_for(peer)
        self.upstream: DatagramSocket | None = None
        self._send_up: Callable[[bytes], int] = _nowhere
        self._sinks = face.listener.host.sinks
        self._time = face.listener.host.time
        self.flow: UdpFlow | None = None
        self.sink: Sink = Mute()
        """The flow's sink."""
        self.tap: Sink | None = None
        """The sink while there is a flow; a mute one after a failure."""
        self.last = self._time()
        self._tried = self.last
        self._refused = False
        self._dropped = 0

    def connect(self, sock: socket.socket) -> None:
        """Use this connected socket for the server."""
        self.upstream = DatagramSocket(sock, self.from_server, self._failed, connected=True)
        self._send_up = sock.send
        self.upstream.start()

    def connect_open(
        self,
        sock: socket.socket,
        server: Address,
        stranger: Callable[[Peer, bytes], None],
        send_up: Callable[[bytes], int] | None = None,
    ) -> None:
        """Use a socket that hears everybody; what is not the server's goes to `stranger`."""

        def came(data: bytes, peer: Peer) -> None:
            if plain_address(peer) == server:
                self.from_server(data, peer)
            else:
                stranger(peer, data)

        self.upstream = DatagramSocket(sock, came, self._failed)
        self._send_up = send_up or (lambda data: sock.sendto(data, server))
        self.upstream.start()

    def borrow(self, send_up: Callable[[bytes], int]) -> None:
        """Send by somebody else's socket, who hands over what comes for us."""
        self._send_up = send_up

    # datagrams

    def from_client(self, data: bytes) -> None:
        """A datagram of the client."""
        tap = self.tap
        if tap is None:
            tap = self._open_flow()
        self.last = self._time()
        try:
            if tap.held(UP):
                for one in tap.through(UP, data):
                    self._to_server(one)
                return
        except Exception as error:
            tap = self._sink_failed(error)
        try:
            self._send_up(data)
        except OSError as error:
            self._retry(data, error)
        try:
            tap.seen(UP, data)
        except Exception as error:
            self._sink_failed(error)

    def from_server(self, data: bytes, peer: Peer) -> None:
        """A datagram of the server."""
        tap = self.tap
        if tap is None:
            tap = self._open_flow()
        self.last = self._time()
        self._refused = False
        try:
            if tap.held(DOWN):
                for one in tap.through(DOWN, data):
                    self._to_client(one)
                if self._sinks.congested and self.upstream is not None:
                    self.face.rest(self.upstream)
                return
        except Exception as error:
            tap = self._sink_failed(error)
        try:
            self.face.send(data, self.peer)
        except OSError as error:
            self._lost(data, error)
        try:
            tap.seen(DOWN, data)
        except Exception as error:
            self._sink_failed(error)
        if self._sinks.congested and self.upstream is not None:
            self.face.rest(self.upstream)

    def send(self, direction: Direction, data: bytes) -> None:
        """Send without telling the sink."""
        self.last = self._time()
        (self._to_server if direction is UP else self._to_client)(data)

    def _to_server(self, data: bytes) -> None:
        try:
            self._send_up(data)
        except OSError as error:
            self._retry(data, error)

    def _to_client(self, data: bytes) -> None:
        try:
            self.face.send(data, self.peer)
        except OSError as error:
            self._lost(data, error)

    # what goes wrong

    def _retry(self, data: bytes, error: OSError) -> None:
        """A refusal of an earlier datagram is reported at the next one, which was not sent."""
        if error.errno in _REFUSALS:
            self._failed(error)
            try:
                self._send_up(data)
            except OSError as again:
                error = again
            else:
                return
        self._lost(data, error)

    def _lost(self, data: bytes, error: OSError) -> None:
        """A datagram that could not be sent; said the first time, counted then."""
        if error.errno in _TOO_LONG:
            tell(self.sink, "oversized", f"a datagram of {len(data)} bytes cannot be sent on")
            return
        self._dropped += 1
        if self._dropped == 1:
            tell(self.sink, "dropped", f"a datagram of {len(data)} bytes was not sent: {error}")

    def _failed(self, error: OSError) -> None:
        """The server's machine refuses, or cannot be reached; said once until it answers."""
        if error.errno in _TOO_LONG:
            tell(self.sink, "truncated", "a datagram longer than 65,535 bytes arrived in part")
            return
        if self._refused:
            return
        self._refused = True
        self.face.listener.whereabouts.doubt()
        sentence = f"the server refuses datagrams: {why(error)}"
        tell(self.sink, "unreachable", sentence)
        if self.flow is not None and takes_over(self.sink, sentence):
            self.cut()

    def _sink_failed(self, error: Exception) -> Sink:
        defect(self.sink, error)
        self.tap = Mute()
        return self.tap

    # beginning and end

    def open_flow(self) -> None:
        """Open a flow before the client has sent anything."""
        if self.flow is None:
            self.last = self._time()
            self._open_flow()

    def _open_flow(self) -> Sink:
        listener = self.face.listener
        client = plain_address(self.peer)
        self.sink = open_sink(listener.host.sinks, listener.listen, client, self.server, self.local)
        self.tap = self.sink
        self.flow = UdpFlow(self)
        self._dropped = 0
        self._refused = False
        start_sink(self.sink, self.flow)
        return self.sink

    def refuse(self, sentence: str) -> None:
        """There is no server to be had: the flow opens all the same and says why."""
        if self.flow is None:
            self._open_flow()
        tell(self.sink, "refused", sentence)
        if not takes_over(self.sink, sentence):
            self._send_up = self._try_again

    def _try_again(self, data: bytes) -> int:
        """There was no server to be had; now and then it is looked for once more."""
        now = self._time()
        if now - self._tried >= RETRY:
            self._tried = now
            self.face.listener.seek_server(self)
            if self.upstream is not None:
                return self._send_up(data)
        return len(data)

    def close_flow(self, reason: str) -> None:
        """The stretch of talk is over; the next datagram opens another."""
        if self.flow is None:
            return
        for direction, send in ((UP, self._to_server), (DOWN, self._to_client)):
            try:
                for one in self.sink.flush(direction):
                    send(one)
            except Exception as error:
                self._sink_failed(error)
        self.flow = None
        self.tap = None
        if self._dropped > 1:
            tell(self.sink, "dropped", f"{self._dropped} datagrams were not sent")
        tell_closed(self.sink, reason)
        self.sink = Mute()

    def cut(self) -> None:
        """Give up the socket to the server."""
        if self.upstream is not None:
            self.upstream.close()
            self.face.listener.host.congested.discard(self.upstream)
        self.upstream = None
        self._send_up = _nowhere


def _nowhere(data: bytes) -> int:
    """Where datagrams go when there is no server."""
    return len(data)
