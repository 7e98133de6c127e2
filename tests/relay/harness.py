"""A sink that remembers, an engine that runs for a test, and small servers on loopback."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from typing import Any

import pytest

from proxy.relay.api import Address, Listen, Pipe
from proxy.relay.engine import Engine
from proxy.relay.loop import new_loop
from recordings.model import Direction, Transport

UP, DOWN = Direction.TO_SERVER, Direction.TO_CLIENT
LOOPBACK = "127.0.0.1"
TIMEOUT = 8.0


def has_ipv6() -> bool:
    try:
        with socket.socket(socket.AF_INET6, socket.SOCK_STREAM) as sock:
            sock.bind(("::1", 0))
    except OSError:
        return False
    return True


needs_ipv6 = pytest.mark.skipif(not has_ipv6(), reason="this machine has no ::1")


def on_loop(test: Callable[..., Coroutine[Any, Any, None]]) -> Callable[..., None]:
    """Run an async test on a loop of its own, in bounded time."""

    @functools.wraps(test)
    def run(*args: Any, **kwargs: Any) -> None:
        with asyncio.Runner(loop_factory=new_loop) as runner:
            runner.run(asyncio.wait_for(test(*args, **kwargs), TIMEOUT))

    return run


class Memory:
    """A sink that passes everything and remembers it."""

    def __init__(self, client: Address, server: Address | None, local: Address | None) -> None:
        self.client, self.server, self.local = client, server, local
        self.chunks: list[tuple[Direction, bytes]] = []
        self.events: list[tuple[str, str]] = []
        self.ends: list[Direction] = []
        self.reasons: list[str] = []
        self.over = asyncio.Event()

    def held(self, direction: Direction) -> bool:
        return False

    def seen(self, direction: Direction, data: bytes) -> None:
        self.chunks.append((direction, data))

    def through(self, direction: Direction, data: bytes) -> list[bytes]:
        return [data]

    def pending(self, direction: Direction) -> int:
        return 0

    def flush(self, direction: Direction) -> list[bytes]:
        return []

    def ended(self, direction: Direction) -> list[bytes]:
        self.ends.append(direction)
        return []

    def event(self, kind: str, detail: str) -> None:
        self.events.append((kind, detail))

    def closed(self, reason: str) -> None:
        self.reasons.append(reason)
        self.over.set()

    def bytes(self, direction: Direction) -> bytes:
        return b"".join(data for way, data in self.chunks if way is direction)

    def kinds(self) -> list[str]:
        return [kind for kind, _ in self.events]


class Holder(Memory):
    """Holds both directions and forwards whole lines, in capitals."""

    def __init__(self, client: Address, server: Address | None, local: Address | None) -> None:
        super().__init__(client, server, local)
        self.kept = {UP: b"", DOWN: b""}

    def held(self, direction: Direction) -> bool:
        return True

    def through(self, direction: Direction, data: bytes) -> list[bytes]:
        *lines, self.kept[direction] = (self.kept[direction] + data).split(b"\n")
        return [line.upper() + b"\n" for line in lines]

    def pending(self, direction: Direction) -> int:
        return len(self.kept[direction])

    def flush(self, direction: Direction) -> list[bytes]:
        kept, self.kept[direction] = self.kept[direction], b""
        return [kept] if kept else []

    def ended(self, direction: Direction) -> list[bytes]:
        super().ended(direction)
        return self.flush(direction)


class StandIn(Memory):
    """Answers by itself where there is no server."""

    pipe: Pipe | None = None

    def started(self, pipe: Pipe) -> None:
        self.pipe = pipe
        pipe.send(DOWN, b"hello")

    def takes_over(self, reason: str) -> bool:
        return True

    def seen(self, direction: Direction, data: bytes) -> None:
        super().seen(direction, data)
        assert self.pipe is not None
        self.pipe.send(DOWN, b"answer to " + data)


class Memories:
    """Makes a sink for each flow and keeps them."""

    def __init__(self, make: Callable[..., Memory] = Memory) -> None:
        self.make = make
        self.flows: list[Memory] = []
        self.congested = False
        self.came = asyncio.Event()

    def opened(
        self,
        listen: Listen,
        client: Address,
        server: Address | None,
        local: Address | None = None,
    ) -> Memory:
        self.flows.append(self.make(client, server, local))
        self.came.set()
        return self.flows[-1]

    @property
    def only(self) -> Memory:
        (flow,) = self.flows
        return flow


@contextlib.asynccontextmanager
async def running(sinks: Any, **settings: Any) -> AsyncIterator[Engine]:
    """An engine that runs until the block ends."""
    ready = asyncio.Event()
    engine = Engine(sinks, on_ready=ready.set, **settings)
    task = asyncio.create_task(engine.run())
    waiting = asyncio.create_task(ready.wait())
    await asyncio.wait([task, waiting], return_when=asyncio.FIRST_COMPLETED)
    waiting.cancel()
    try:
        yield engine
    finally:
        engine.stop()
        await task


def tcp(upstream: Address | None, host: str = LOOPBACK, **more: Any) -> Listen:
    return Listen("raw-tcp", Transport.TCP, host, 0, upstream, **more)


def udp(upstream: Address | None, host: str = LOOPBACK, **more: Any) -> Listen:
    return Listen("raw-udp", Transport.UDP, host, 0, upstream, **more)


Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(65536):
        writer.write(data)
        await writer.drain()


@contextlib.asynccontextmanager
async def tcp_server(serve: Serve = echo, host: str = LOOPBACK) -> AsyncIterator[Address]:
    """A server whose handler's end closes the connection."""

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError):
            await serve(reader, writer)
        writer.close()

    server = await asyncio.start_server(handle, host, 0)
    try:
        yield server.sockets[0].getsockname()[:2]
    finally:
        server.close()


@contextlib.asynccontextmanager
async def client_of(address: Address) -> AsyncIterator[Streams]:
    reader, writer = await asyncio.open_connection(*address)
    try:
        yield reader, writer
    finally:
        writer.close()
        with contextlib.suppress(OSError):
            await writer.wait_closed()


Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]


class Datagrams:
    """A UDP socket with a deadline on every receive."""

    def __init__(self, host: str = LOOPBACK, to: Address | None = None) -> None:
        family = socket.AF_INET6 if ":" in (to[0] if to else host) else socket.AF_INET
        self.sock = socket.socket(family, socket.SOCK_DGRAM)
        self.sock.setblocking(False)
        if to is None:
            self.sock.bind((host, 0))
        else:
            self.sock.connect(to)

    @property
    def address(self) -> Address:
        host, port = self.sock.getsockname()[:2]
        return host, port

    def send(self, data: bytes, to: Any = None) -> None:
        if to is None:
            self.sock.send(data)
        else:
            self.sock.sendto(data, to)

    async def receive(self, timeout: float = 2.0) -> tuple[bytes, Any]:
        loop = asyncio.get_running_loop()
        return await asyncio.wait_for(loop.sock_recvfrom(self.sock, 70000), timeout)

    async def silent(self, timeout: float = 0.1) -> bool:
        try:
            await self.receive(timeout)
        except TimeoutError:
            return True
        return False

    def __enter__(self) -> Datagrams:
        return self

    def __exit__(self, *_: object) -> None:
        self.sock.close()


async def until(condition: Callable[[], bool], timeout: float = 3.0) -> None:
    """Give the loop turns until the condition holds."""
    async with asyncio.timeout(timeout):
        while not condition():
            await asyncio.sleep(0.002)
