"""One connection or UDP socket of a playback, between the event loop and a runner."""

from __future__ import annotations

import asyncio
import socket
from contextlib import suppress
from typing import Any, Protocol

from proxy.relay.api import Address
from proxy.relay.sockets import plain_address
from proxy.relay.why import why
from replay.playback.hearing import LiveFlow

HIGH_WATER = 256 << 10
"""Bytes that may wait to be sent before nothing more is said."""
DATAGRAM = 65535
READS = 64
"""Datagrams taken in one turn of the loop."""


class Hearer(Protocol):
    """Who is told what happens to a link."""

    def stands(self, flow: LiveFlow, link: Tcp | Udp, local: Address) -> None:
        """A flow can be spoken on."""
        ...

    def heard(self, flow: LiveFlow, data: bytes) -> None:
        """The server sent something."""
        ...

    def lost(self, flow: LiveFlow, reason: str) -> None:
        """The connection is gone."""
        ...

    def refused(self, flow: LiveFlow, reason: str) -> None:
        """Nobody listens at that UDP port."""
        ...

    def full(self, full: bool) -> None:
        """The peer does not take what is said, or takes it again."""
        ...


class Tcp(asyncio.Protocol):
    """One connection."""

    def __init__(self, runner: Hearer, flow: LiveFlow) -> None:
        self._runner, self._flow = runner, flow
        self.transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        transport.set_write_buffer_limits(high=HIGH_WATER)
        self._runner.stands(self._flow, self, plain_address(transport.get_extra_info("sockname")))

    def data_received(self, data: bytes) -> None:
        self._runner.heard(self._flow, bytes(data))

    def eof_received(self) -> bool:
        return False

    def connection_lost(self, error: Exception | None) -> None:
        reason = f"the connection broke: {error}" if error else "the server closed the connection"
        self._runner.lost(self._flow, reason)

    def pause_writing(self) -> None:
        self._runner.full(True)

    def resume_writing(self) -> None:
        self._runner.full(False)

    def send(self, data: bytes) -> None:
        """Send bytes."""
        assert self.transport is not None
        self.transport.write(data)

    def close(self) -> None:
        """Close once all is sent."""
        assert self.transport is not None
        self.transport.close()


class Udp:
    """One UDP socket; flows of one client endpoint share it and are told apart by the server."""

    def __init__(self, runner: Hearer, sock: socket.socket, connected: bool) -> None:
        self._runner, self.sock, self.connected = runner, sock, connected
        self.flows: dict[Address, LiveFlow] = {}
        self._reader: asyncio.Task[None] | None = None
        self._loop = asyncio.get_running_loop()
        self._watched = isinstance(self._loop, asyncio.SelectorEventLoop)
        if self._watched:
            self._loop.add_reader(sock.fileno(), self._readable)
        else:
            self._reader = self._loop.create_task(self._read())

    def _readable(self) -> None:
        for _ in range(READS):
            try:
                data, source = self.sock.recvfrom(DATAGRAM)
            except (BlockingIOError, InterruptedError):
                return
            except OSError as error:
                self._refused(error)
                return
            self._came(data, source)

    async def _read(self) -> None:
        while True:
            try:
                data, source = await self._loop.sock_recvfrom(self.sock, DATAGRAM)
            except OSError as error:
                self._refused(error)
                continue
            self._came(data, source)

    def _refused(self, error: OSError) -> None:
        for flow in list(self.flows.values()):
            self._runner.refused(flow, why(error))

    def _came(self, data: bytes, source: Any) -> None:
        flow = self.flows.get(plain_address(source))
        if flow is None and self.connected:
            flow = next(iter(self.flows.values()), None)
        if flow is not None:
            self._runner.heard(flow, data)

    def send(self, flow: LiveFlow, data: bytes) -> None:
        """Send one datagram."""
        with suppress(BlockingIOError, InterruptedError):  # lost, as datagrams are
            try:
                if self.connected:
                    self.sock.send(data)
                elif flow.server is not None:
                    self.sock.sendto(data, flow.server)
            except (BlockingIOError, InterruptedError):
                raise
            except OSError as error:
                self._runner.refused(flow, why(error))

    def leave(self, flow: LiveFlow) -> bool:
        """The flow is over; whether the socket is."""
        self.flows = {at: one for at, one in self.flows.items() if one is not flow}
        if self.flows:
            return False
        if self._watched:
            self._loop.remove_reader(self.sock.fileno())
        elif self._reader is not None:
            self._reader.cancel()
        self.sock.close()
        return True
