"""Where the servers stand: an event loop in a thread, TCP and UDP on free ports of loopback.

A service is sans-io: `opened()` and `received(data)` give what to send. A TCP service is made for
each connection, a UDP service for each port; it is told who sent.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import threading
from collections.abc import Callable, Coroutine, Iterable
from typing import Any, Protocol, Self

HOST = "127.0.0.1"


class Service(Protocol):
    """One connection's worth of a server."""

    closing: bool
    """Close once everything is sent."""

    def opened(self) -> Iterable[bytes]:
        """What to say first."""
        ...

    def received(self, data: bytes) -> Iterable[bytes]:
        """What to answer."""
        ...


class Datagrams(Protocol):
    """A server on one UDP port."""

    def received(self, data: bytes, peer: tuple[str, int]) -> Iterable[bytes]:
        """What to answer the sender."""
        ...


class _Tcp(asyncio.Protocol):
    def __init__(self, make: Callable[[], Service]) -> None:
        self._make = make

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._service = self._make()
        self._send(self._service.opened())

    def data_received(self, data: bytes) -> None:
        if not self._transport.is_closing():
            self._send(self._service.received(data))

    def _send(self, said: Iterable[bytes]) -> None:
        for data in said:
            if not self._transport.is_closing():
                self._transport.write(data)
        if self._service.closing:
            self._transport.close()


class Stage:
    """Runs services until the block is left; every call may come from another thread."""

    def __enter__(self) -> Self:
        self._loop = asyncio.new_event_loop()
        self._closes: list[Callable[[], None]] = []
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._run(self._shut())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()

    def _run(self, work: Coroutine[Any, Any, Any]) -> Any:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(10)

    async def _shut(self) -> None:
        for close in self._closes:
            close()
        await asyncio.sleep(0)
        others = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
        for task in others:
            task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.gather(*others, return_exceptions=True)

    def tcp(self, make: Callable[[], Service], port: int = 0) -> int:
        """Serve TCP; the port."""

        async def serve() -> int:
            server = await self._loop.create_server(lambda: _Tcp(make), HOST, port)
            self._closes.append(server.close)
            number: int = server.sockets[0].getsockname()[1]
            return number

        found: int = self._run(serve())
        return found

    def udp_now(self, service: Datagrams, port: int = 0) -> int:
        """The same from within the loop, where nothing may wait."""
        sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        sock.bind((HOST, port))
        sock.setblocking(False)

        def readable() -> None:
            with contextlib.suppress(BlockingIOError):
                while True:
                    data, peer = sock.recvfrom(65535)
                    for answer in service.received(data, peer[:2]):
                        sock.sendto(answer, peer)

        world = getattr(service, "world", None)
        if world is not None and hasattr(world, "send"):  # it says something by itself
            world.send = sock.sendto
        self._loop.add_reader(sock.fileno(), readable)

        def close() -> None:
            self._loop.remove_reader(sock.fileno())
            sock.close()

        self._closes.append(close)
        number: int = sock.getsockname()[1]
        return number

    def udp(self, service: Datagrams, port: int = 0) -> int:
        """Serve UDP; the port."""

        async def serve() -> int:
            return self.udp_now(service, port)

        found: int = self._run(serve())
        return found
