"""UDP: listening sockets, and an endpoint with a stable port upstream for every client."""

from __future__ import annotations

import asyncio
import errno
import socket
from collections.abc import Callable
from dataclasses import replace

from proxy.relay.api import Address, Listen, show_address
from proxy.relay.datagrams import Peer
from proxy.relay.flow import Host, Often
from proxy.relay.lan import Echoes, broadcaster, targets
from proxy.relay.sockets import WILDCARDS, bind_datagrams, is_ours, plain_address
from proxy.relay.udp_endpoint import Endpoint
from proxy.relay.udp_face import Face, SocketFace, oldest
from proxy.relay.udp_server import Whereabouts
from proxy.relay.why import why
from recordings.errors import UserError

MAX_ENDPOINTS = 5000
"""Clients of one listening address. When there are more, those make room that have been silent
longest, of the address that has the most: a flood does not push out who plays elsewhere."""
MAX_ALONE = 10_000
"""The same where no server is behind us, so that a client costs no socket."""
ROOM = 40
"""How many make room at a time, so that a flood is not slow."""
KEEP = 3600.0
"""Seconds without a datagram after which the port to the server is given up."""
MAX_LINKS = 256
"""Pairs of a client and another player, of one listener."""
SWEEPS_PER_IDLE = 4


class UdpListener:
    """One port, on one address or on all, and its endpoints."""

    def __init__(
        self,
        host: Host,
        listen: Listen,
        check_server: Callable[[Address], None],
        face: Callable[[UdpListener], Face] | None = None,
    ) -> None:
        """`face` makes the one face of a listener that has no socket of its own to read."""
        self.host = host
        self.listen = listen
        self.check_server = check_server
        if face is not None:
            self.faces = [face(self)]
        else:
            sockets = bind_datagrams(listen.host, listen.port)
            self.faces = [SocketFace(self, sock) for sock in sockets]
        self.address = self.faces[0].address
        self.idle = host.idle(listen.protocol)
        self._open_to_peers = host.peers(listen.protocol) and listen.role != "peer"
        self._links: dict[tuple[Peer, Peer], Endpoint] = {}
        self._children: list[UdpListener] = []
        self.whereabouts = Whereabouts(host.resolver, listen.upstream, self._found)
        self._sweeper: asyncio.TimerHandle | None = None
        self._echoes = Echoes(host.time)
        self._own_ports: set[int] = set()
        self._room = Often("too-many-clients", host)
        self.closed = False

    # life

    @property
    def busy(self) -> bool:
        """Nothing has to be waited for: datagrams leave at once or never."""
        return False

    def open_flows(self) -> list[tuple[Address, Address | None]]:
        """Client and server of every open flow."""
        return [
            (plain_address(one.peer), one.server)
            for one in self.endpoints()
            if one.flow is not None
        ]

    def serve(self) -> None:
        """Read from now on."""
        for face in self.faces:
            face.start()
        if self._sweeper is None and not self.closed:
            self._rearm()

    def _rearm(self) -> None:
        every = min(max(self.idle / SWEEPS_PER_IDLE, 0.05), 15.0)
        self._sweeper = asyncio.get_running_loop().call_later(every, self._tick)

    def _tick(self) -> None:
        self.sweep()
        if self.closed and not self.endpoints():
            self.abort()
        else:
            self._rearm()

    def sweep(self) -> None:
        """Close the flows that have been silent for too long, and the endpoints much later."""
        self._room.rest()
        now = self.host.time()
        for face in self.faces:
            for peer, endpoint in list(face.endpoints.items()):
                silent = now - endpoint.last
                if endpoint.flow is not None and silent >= self.idle:
                    endpoint.close_flow("idle")
                if endpoint.flow is None and silent >= (self.idle if self.closed else KEEP):
                    endpoint.cut()
                    del face.endpoints[peer]
        for child in [one for one in self._children if not one.endpoints()]:
            child.abort()
            self._children.remove(child)
        if len(self._links) > 0:
            alive = set(map(id, self.endpoints()))
            self._links = {pair: o for pair, o in self._links.items() if id(o) in alive}

    def shut(self) -> None:
        """Welcome no new clients; the flows that are open go on."""
        self.closed = True

    def stop(self, reason: str) -> None:
        """End every flow and close every socket."""
        self.closed = True
        for endpoint in self.endpoints():
            endpoint.close_flow(reason)
        self.abort()

    def abort(self) -> None:
        """Close the sockets."""
        if self._sweeper is not None:
            self._sweeper.cancel()
        self.whereabouts.close()
        for child in self._children:
            child.abort()
        for face in self.faces:
            for endpoint in face.endpoints.values():
                endpoint.cut()
            face.endpoints.clear()
            face.close()

    def endpoints(self) -> list[Endpoint]:
        """Every endpoint, also those without an open flow, and those of other players."""
        own = [one for face in self.faces for one in face.endpoints.values()]
        return own + [one for child in self._children for one in child.endpoints()]

    # clients

    def welcome(self, face: Face, peer: Peer, data: bytes) -> Endpoint | None:
        """The endpoint of a new client; None while the server's name is being looked up."""
        if self.closed or (self.listen.lan and self._is_ours(peer)):
            return None
        server = self.whereabouts.now()
        if server is not None or self.listen.upstream is None:
            return self._endpoint(face, peer, server)
        self.whereabouts.wait(face, peer, data)
        return None

    def _found(
        self, face: Face, peer: Peer, data: bytes, server: Address | None, refusal: str | None
    ) -> None:
        endpoint = face.endpoints.get(peer) or self._endpoint(face, peer, server, refusal)
        endpoint.from_client(data)

    def seek_server(self, endpoint: Endpoint) -> None:
        """Give an endpoint without a server one, if there is one by now."""
        server = None if self.closed else self.whereabouts.now()
        if server is not None:
            self._reach(endpoint, server)
        elif not self.closed:
            self.whereabouts.look_up()  # the next datagram finds it

    def _is_ours(self, peer: Peer) -> bool:
        """Whether a broadcast is one of our own that came back."""
        return peer[1] in self._own_ports and is_ours(peer[0])

    def invite(self, client: Address, local: str) -> Address | None:
        """Where the server reaches a client that has not sent anything yet; None: not at all.

        `local` is the address of ours that the client knows.
        """
        face = next((one for one in self.faces if one.address[0] in (local, *WILDCARDS)), None)
        server = self.whereabouts.last()
        if face is None or server is None or self.closed:
            return None
        peer = (*client, 0, 0) if ":" in client[0] else client
        endpoint = face.endpoints.get(peer) or self._endpoint(face, peer, server)
        if endpoint.upstream is None:
            return None
        return plain_address(endpoint.upstream.sock.getsockname())

    def call(self, client: Address) -> bool:
        """Open the flow of a client that has not sent anything here yet; False: not by this one."""
        if self.closed or self.listen.upstream is not None:
            return False
        peer = (*client, 0, 0) if ":" in client[0] else client
        for face in self.faces:
            local = face.local_for(peer)[0]
            if face.address[0] in (local, *WILDCARDS):
                endpoint = face.endpoints.get(peer) or self.welcome(face, peer, b"")
                if endpoint is not None:
                    endpoint.open_flow()
                    return True
        return False

    def _endpoint(
        self, face: Face, peer: Peer, server: Address | None, refusal: str | None = None
    ) -> Endpoint:
        if len(face.endpoints) >= (MAX_ENDPOINTS if server else MAX_ALONE):
            self._make_room(face, ROOM)
        endpoint = Endpoint(face, peer, server)
        if server is not None:
            refusal = self._reach(endpoint, server)
        face.endpoints[peer] = endpoint  # not before: it would be the first to make room
        if refusal is not None:
            endpoint.refuse(refusal)
        return endpoint

    def _reach(self, endpoint: Endpoint, server: Address) -> str | None:
        """Give an endpoint a socket to its server; why there is none."""
        try:
            self.check_server(server)
            self._connect(endpoint, server)
        except UserError as error:
            return str(error)
        except OSError as error:
            return f"the server cannot be reached: {why(error)}"
        endpoint.server = server
        return None

    def _connect(self, endpoint: Endpoint, server: Address) -> None:
        to_all = self.listen.lan and endpoint.face.address[0] in WILDCARDS
        if not (self._open_to_peers or to_all):
            endpoint.connect(self._socket_to(endpoint.face, server))
            return
        sock = self._socket_to(endpoint.face, server, connected=False)
        send_up = None
        if to_all:  # what unicast sockets do not get was broadcast
            client = endpoint.peer[0]
            to = targets(client, endpoint.face.address[1], server)
            send_up = broadcaster(sock, to, lambda data: self._echoes.is_one(data, client))
            self._own_ports.add(sock.getsockname()[1])

        def stranger(peer: Peer, data: bytes) -> None:
            link = self._links.get((endpoint.peer, peer)) or self._link(endpoint, peer, sock)
            if link is not None:
                link.from_server(data, peer)
                if self.host.sinks.congested and endpoint.upstream is not None:
                    endpoint.face.rest(endpoint.upstream)

        endpoint.connect_open(sock, server, stranger, send_up)

    def _link(self, endpoint: Endpoint, peer: Peer, sock: socket.socket) -> Endpoint | None:
        """Another player speaks to a client: a flow of its own, by a port of ours of its own."""
        if len(self._links) >= MAX_LINKS:
            return None
        server = plain_address(peer)
        client = plain_address(endpoint.peer)[0]
        host = endpoint.local[0]
        listen = replace(
            self.listen, host=host, port=0, upstream=server, client=client, role="peer"
        )
        try:
            listener = UdpListener(self.host, listen, self.check_server)
        except UserError:
            return None
        listener.serve()
        self._children.append(listener)
        link = Endpoint(listener.faces[0], endpoint.peer, server)
        listener.faces[0].endpoints[endpoint.peer] = link
        link.borrow(lambda data: sock.sendto(data, peer))
        self._links[endpoint.peer, peer] = link
        return link

    def _socket_to(self, face: Face, server: Address, *, connected: bool = True) -> socket.socket:
        try:
            return self.host.outward.datagrams(server, connected=connected)
        except OSError as error:
            if error.errno not in (errno.EMFILE, errno.ENFILE):
                raise
            self._make_room(face)
            return self.host.outward.datagrams(server, connected=connected)

    def _make_room(self, face: Face, count: int = 1) -> None:
        """Give up the endpoints that have been silent longest, and say so."""
        gone = oldest(face.endpoints, count)
        for peer in gone:
            endpoint = face.endpoints.pop(peer)
            endpoint.close_flow("too many clients")
            endpoint.cut()
        if gone:
            where = f"{self.listen.protocol} udp {show_address(face.address)}"
            self._room.happened(
                len(gone), f"{where} has too many clients, those silent longest make room"
            )
