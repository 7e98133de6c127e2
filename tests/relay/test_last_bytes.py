"""The last bytes of a TCP connection reach the other side as they would without us."""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, closing, contextmanager

import pytest

from proxy.relay import tcp, tcp_side
from proxy.relay.stream import Stream
from proxy.relay.tcp import TcpFlow
from proxy.relay.tcp_listener import TcpListener
from tests.relay.harness import (
    DOWN,
    LOOPBACK,
    Holder,
    Memories,
    client_of,
    on_loop,
    running,
    tcp_server,
    until,
)
from tests.relay.harness import tcp as tcp_to

RESET = struct.pack("ii", 1, 0)


class Ear(asyncio.Protocol):
    """Notes what it hears, and how it ends."""

    def __init__(self) -> None:
        self.heard = b""
        self.lost: list[Exception | None] = []

    def data_received(self, data: bytes) -> None:
        self.heard += data

    def connection_lost(self, exc: Exception | None) -> None:
        self.lost.append(exc)


@contextmanager
def connected() -> Iterator[tuple[socket.socket, socket.socket]]:
    with socket.create_server((LOOPBACK, 0)) as listening:
        near = socket.create_connection(listening.getsockname())
        far, _ = listening.accept()
    with closing(near), closing(far):
        near.setblocking(False)
        yield near, far


@on_loop
async def test_what_a_server_said_before_it_hung_up_is_heard_after_a_write_has_failed() -> None:
    """The kernel keeps it; a game that is told why it was thrown out was just sending something."""
    with connected() as (near, far):
        ear = Ear()
        stream = Stream(asyncio.get_running_loop(), near, ear)
        far.sendall(b"you are banned")
        far.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
        far.close()
        for _ in range(3):
            stream.write(b"where I am")
        await until(lambda: bool(ear.lost))
        assert ear.heard == b"you are banned"
        assert isinstance(ear.lost[0], ConnectionError)
        assert len(ear.lost) == 1


@on_loop
async def test_a_failed_write_behind_the_last_byte_ends_it() -> None:
    with connected() as (near, far):
        ear = Ear()
        ear.eof_received = lambda: True  # type: ignore[method-assign]
        stream = Stream(asyncio.get_running_loop(), near, ear)
        far.close()
        await until(lambda: not stream._reading)
        while not stream.is_closing():
            stream.write(b"is anybody there?")
            await asyncio.sleep(0)
        await until(lambda: bool(ear.lost))
        assert isinstance(ear.lost[0], ConnectionError)


@asynccontextmanager
async def ended_before_it_was_read(size: int) -> AsyncIterator[tuple[TcpFlow, socket.socket]]:
    """A flow that is over, and its client, for whom `size` bytes still wait or are on the way."""

    async def pour(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1)
        writer.write(bytes(size))
        await writer.drain()

    sinks = Memories()
    async with tcp_server(pour) as server, running(sinks) as engine:
        with socket.socket() as client:
            client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1024)
            client.connect(engine.open(tcp_to(server)))
            client.setblocking(False)
            await until(lambda: bool(sinks.flows))
            (listener,) = engine._listeners
            assert isinstance(listener, TcpListener)
            (flow,) = listener.flows
            assert flow.client.transport is not None
            sock = flow.client.transport.get_extra_info("socket")
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
            client.send(b"?")
            await until(lambda: len(sinks.only.bytes(DOWN)) == size)
            flow.close("the test")
            assert flow.waiting(DOWN)
            yield flow, client
            await until(lambda: not listener.busy)


@on_loop
async def test_a_slow_reader_gets_all_that_it_takes(monkeypatch: pytest.MonkeyPatch) -> None:
    """However long that takes: without us the kernel of the server would wait as well."""
    monkeypatch.setattr(tcp, "LINGER_TIME", 0.1)
    size, got, loop = 40_000, 0, asyncio.get_running_loop()
    async with ended_before_it_was_read(size) as (_, client):
        while data := await loop.sock_recv(client, 20_000):
            got += len(data)
            await asyncio.sleep(0.01)
    assert got == size


@on_loop
async def test_a_reader_that_takes_nothing_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tcp, "LINGER_TIME", 0.05)
    async with ended_before_it_was_read(200_000) as (flow, _):
        await until(lambda: flow.client.lost)


@on_loop
async def test_what_never_becomes_a_frame_goes_on_though_there_is_always_more(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(tcp_side, "HOLD_MOST", 0.5)
    async with (
        tcp_server() as server,
        running(Memories(Holder)) as engine,
        client_of(engine.open(tcp_to(server))) as (reader, writer),
    ):
        answer = asyncio.ensure_future(reader.readexactly(5))
        sent = 0
        while not answer.done():
            writer.write(b"x")  # more often than what is kept is looked at
            sent += 1
            await asyncio.sleep(0.01)
        assert answer.result() == b"xxxxx"
        assert sent < 200
