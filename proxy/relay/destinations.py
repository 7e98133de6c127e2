"""UDP that comes by a transparent way, where the datagram says whom it is for: a listener for each
destination, made when it is first asked for, with the same sessions as everywhere.
"""

from __future__ import annotations

import errno
from collections.abc import Callable

from proxy.relay.api import Address, Listen
from proxy.relay.datagrams import Peer
from proxy.relay.flow import Host, Often
from proxy.relay.sockets import plain_address
from proxy.relay.udp import UdpListener
from proxy.relay.udp_endpoint import Endpoint
from proxy.relay.udp_face import Face
from recordings.model import Transport

MAX_DESTINATIONS = 1000
"""The one that has been silent longest makes room."""
Route = Callable[[Transport, Address], Listen]
Back = Callable[[bytes], None]
"""Sends a datagram to a client, from the destination that it had asked."""


class WayFace(Face):
    """A destination whose clients are reached by whoever brought their datagrams."""

    def __init__(self, listener: UdpListener, address: Address) -> None:
        super().__init__(listener, address)
        self.backs: dict[Peer, Back] = {}
        self.send = self._send

    def _send(self, data: bytes, peer: Peer) -> int:
        back = self.backs.get(peer)
        if back is None:
            raise OSError(errno.ENOTCONN, "the client was silent and its way here is closed")
        back(data)
        return len(data)

    def leave(self, peer: Peer, back: Back) -> None:
        """That way is closed; the client's session goes on when it comes again."""
        if self.backs.get(peer) == back:
            del self.backs[peer]


MakeFace = Callable[[UdpListener, Address], Face]


class Destinations:
    """The destinations of one way in; stands among the engine's listeners."""

    def __init__(
        self,
        host: Host,
        route: Route,
        check_server: Callable[[Address], None],
        make_face: MakeFace = WayFace,
    ) -> None:
        self.host = host
        self.listen = Listen("raw-udp", Transport.UDP, "", 0)
        self.address: Address = ("", 0)
        self.closed = False
        self.busy = False
        self._route = route
        self._check_server = check_server
        self._make_face = make_face
        self._room = Often("too-many-destinations", host)
        self._listeners: dict[Address, UdpListener] = {}

    def face(self, destination: Address) -> Face:
        """The face of a destination."""
        listener = self._listeners.get(destination)
        if listener is None:
            if len(self._listeners) >= MAX_DESTINATIONS:
                self._make_room()
            listen = self._route(Transport.UDP, destination)

            def make(listener: UdpListener) -> Face:
                return self._make_face(listener, destination)

            listener = UdpListener(self.host, listen, self._check_server, make)
            self._listeners[destination] = listener
            listener.serve()
        return listener.faces[0]

    def enter(self, destination: Address, peer: Peer, back: Back) -> WayFace:
        """A client's datagrams for a destination come from now on; `back` leads to it."""
        face = self.face(destination)
        assert isinstance(face, WayFace)
        face.backs[peer] = back
        return face

    def _make_room(self) -> None:
        def latest(listener: UdpListener) -> float:
            return max((one.last for one in listener.endpoints()), default=0.0)

        destination = min(self._listeners, key=lambda one: latest(self._listeners[one]))
        self._listeners.pop(destination).stop("too many destinations")
        self._room.happened(
            1, f"clients ask more than {MAX_DESTINATIONS} destinations, those silent make room"
        )

    # among the engine's listeners

    def endpoints(self) -> list[Endpoint]:
        """Every endpoint."""
        return [one for listener in self._listeners.values() for one in listener.endpoints()]

    def open_flows(self) -> list[tuple[Address, Address | None]]:
        """Client and server of every open flow."""
        return [
            (plain_address(one.peer), one.server)
            for one in self.endpoints()
            if one.flow is not None
        ]

    def serve(self) -> None:
        """Take datagrams from now on."""

    def shut(self) -> None:
        """Welcome nobody new."""
        self.closed = True

    def stop(self, reason: str) -> None:
        """End every flow."""
        self.closed = True
        for listener in self._listeners.values():
            listener.stop(reason)
        self._listeners.clear()

    def abort(self) -> None:
        """Close the sockets."""
        self.stop("stopped")
