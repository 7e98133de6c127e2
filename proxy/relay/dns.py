"""Our DNS server: the names of a game lead to us, the others to the real name server or nowhere.

It answers with the address on which the asking client reaches us, so that one server serves several
networks.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any

from proxy.relay import dns_codec
from proxy.relay.api import Address, Listen
from proxy.relay.datagrams import DatagramSocket, Peer
from proxy.relay.dns_codec import NOTIMP, REFUSED, SERVFAIL, BadQuery, Query
from proxy.relay.dns_names import Names, pick
from proxy.relay.flow import report
from proxy.relay.sockets import (
    WILDCARDS,
    Outward,
    bind_both,
    plain_address,
    route_to,
)
from recordings.errors import UserError
from recordings.model import Transport

PORT = 53
FORWARD_TIMEOUT = 3.0
MAX_FORWARDED = 200
"""Queries that wait for the real name server at a time."""
MAX_CONNECTIONS = 100
CONNECTION_TIME = 20.0
"""Seconds that a TCP connection may stay."""


@dataclass(frozen=True, slots=True)
class Answered:
    """One query and what became of it, for the live view."""

    client: Address
    name: str
    type: str
    outcome: str
    """An address, `no such record`, `forwarded`, or the code of a refusal."""


class DnsServer:
    """Name server on UDP and TCP; stands among the engine's listeners.

    Without a `host` it listens nowhere: who has a query calls `asked`.
    """

    def __init__(
        self,
        names: Names,
        host: str | None,
        port: int = PORT,
        *,
        upstream: Address | None = None,
        outward: Outward | None = None,
        on_query: Callable[[Answered], None] | None = None,
    ) -> None:
        self._names = names
        self._upstream = upstream
        self._outward = outward or Outward()
        self._on_query = on_query
        self._tasks: set[asyncio.Task[None]] = set()
        self._connections: set[_Connection] = set()
        self._server: asyncio.Server | None = None
        self._stream: socket.socket | None = None
        self._faces: list[_Face] = []
        self.address: Address = ("", 0)
        if host is not None:
            datagrams, self._stream = bind_both(host, port)
            self._faces = [_Face(self, sock) for sock in datagrams]
            self.address = self._faces[0].address
        self.listen = Listen("dns", Transport.UDP, host or "", self.address[1], upstream)
        self.closed = False

    # life, as the engine wants it

    @property
    def busy(self) -> bool:
        """Whether a TCP connection is open."""
        return bool(self._connections)

    def open_flows(self) -> list[tuple[Address, Address | None]]:
        """None: queries are not recorded."""
        return []

    def serve(self) -> None:
        """Answer from now on."""
        for face in self._faces:
            face.socket.start()
        if self._server is None and self._stream is not None and not self.closed:
            self.spawn(self._serve_streams(self._stream))

    async def _serve_streams(self, sock: socket.socket) -> None:
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(lambda: _Connection(self), sock=sock)

    def shut(self) -> None:
        """Answer no more."""
        self.stop("stopped")

    def stop(self, reason: str) -> None:
        """Close every socket."""
        self.closed = True
        for face in self._faces:
            face.socket.close()
        if self._server is not None:
            self._server.close()
        if self._stream is not None:
            self._stream.close()
        self.abort()

    def abort(self) -> None:
        """Drop what is open."""
        for task in list(self._tasks):
            task.cancel()
        for connection in list(self._connections):
            connection.abort()

    def spawn(self, work: Coroutine[Any, Any, None]) -> None:
        """Run a task that ends with the server."""
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def join(self, connection: _Connection) -> bool:
        """Whether there is room for one more TCP connection."""
        if self.closed or len(self._connections) >= MAX_CONNECTIONS:
            return False
        self._connections.add(connection)
        return True

    def leave(self, connection: _Connection) -> None:
        """The connection is closed."""
        self._connections.discard(connection)

    # queries

    def asked(
        self,
        data: bytes,
        client: Address,
        local: Callable[[], str],
        reply: Callable[[bytes], None],
        transport: Transport,
    ) -> None:
        """A message of a client; the answer goes to `reply`, at once or later."""
        try:
            query = dns_codec.read(data)
        except BadQuery as error:
            if error.code is not None:
                reply(dns_codec.fail(data, error.code))
            return
        ours, fixed = self._names.find(query.name)
        if ours and query.internet:
            address = pick(query.type, fixed, fixed or local())
            try:
                answer = dns_codec.succeed(query, address)
            except (ValueError, struct.error):  # a name that cannot be written back
                answer = dns_codec.fail(data, NOTIMP)
            self._tell(client, query, address or "no such record")
            reply(answer)
        elif self._upstream is None or len(self._tasks) >= MAX_FORWARDED:
            self._tell(client, query, "REFUSED")
            reply(dns_codec.fail(data, REFUSED))
        else:
            self._tell(client, query, "forwarded")
            self.spawn(self._forward(self._upstream, data, reply, transport))

    def _tell(self, client: Address, query: Query, outcome: str) -> None:
        if self._on_query is not None:
            try:
                self._on_query(Answered(client, query.name, query.type, outcome))
            except Exception:
                report("a DNS query could not be told")

    async def _forward(
        self, upstream: Address, data: bytes, reply: Callable[[bytes], None], transport: Transport
    ) -> None:
        ask = self._ask_stream if transport is Transport.TCP else self._ask_datagram
        try:
            async with asyncio.timeout(FORWARD_TIMEOUT):
                answer = await ask(upstream, data)
        except (OSError, TimeoutError, EOFError, UserError):
            answer = dns_codec.fail(data, SERVFAIL)
        reply(dns_codec.fitting(data, answer) if transport is Transport.UDP else answer)

    async def _ask_datagram(self, upstream: Address, data: bytes) -> bytes:
        loop = asyncio.get_running_loop()
        with self._outward.datagrams(upstream) as sock:
            sock.send(data)
            while True:
                answer = await loop.sock_recv(sock, 65535)
                if answer[:2] == data[:2]:
                    return answer

    async def _ask_stream(self, upstream: Address, data: bytes) -> bytes:
        reader, writer = await self._outward.streams(upstream)
        try:
            writer.write(struct.pack("!H", len(data)) + data)
            (size,) = struct.unpack("!H", await reader.readexactly(2))
            return await reader.readexactly(size)
        finally:
            writer.close()


class _Face:
    """One UDP socket of the server."""

    def __init__(self, server: DnsServer, sock: socket.socket) -> None:
        self._server = server
        self._send = sock.sendto
        self.address = plain_address(sock.getsockname())
        self.socket = DatagramSocket(sock, self._came, lambda error: None)

    def _came(self, data: bytes, peer: Peer) -> None:
        client = plain_address(peer)

        def local() -> str:
            host = self.address[0]
            return (route_to(client[0]) or host) if host in WILDCARDS else host

        def reply(answer: bytes) -> None:
            if not self._server.closed:
                with contextlib.suppress(OSError):
                    self._send(answer, peer)

        self._server.asked(data, client, local, reply, Transport.UDP)


class _Connection(asyncio.Protocol):
    """One TCP client: messages with two bytes of length before each."""

    def __init__(self, server: DnsServer) -> None:
        self._server = server
        self._waiting = bytearray()
        self._transport: asyncio.Transport | None = None
        self._timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        if not self._server.join(self):
            transport.abort()
            return
        self._timer = asyncio.get_running_loop().call_later(CONNECTION_TIME, self.abort)

    def data_received(self, data: bytes) -> None:
        assert self._transport is not None
        self._waiting += data
        client = plain_address(self._transport.get_extra_info("peername"))
        here = str(self._transport.get_extra_info("sockname")[0])
        while len(self._waiting) >= 2:
            end = 2 + int.from_bytes(self._waiting[:2], "big")
            if len(self._waiting) < end:
                return
            message = bytes(self._waiting[2:end])
            del self._waiting[:end]
            self._server.asked(message, client, lambda: here, self._reply, Transport.TCP)

    def _reply(self, answer: bytes) -> None:
        if self._transport is not None and not self._transport.is_closing():
            self._transport.write(struct.pack("!H", len(answer)) + answer)

    def pause_writing(self) -> None:
        self.abort()  # asks, and does not read the answers

    def connection_lost(self, exc: Exception | None) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._server.leave(self)

    def abort(self) -> None:
        """Close now."""
        if self._transport is not None:
            self._transport.abort()
