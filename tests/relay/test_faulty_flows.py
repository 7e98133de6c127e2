"""Faults on real flows: our own TCP and UDP, and one of mitmproxy's modes."""

from __future__ import annotations

import asyncio
import time
from typing import Any

import pytest

from proxy.faults.sink import Faults
from proxy.faults.spec import read_fault
from tests.relay import harness
from tests.relay.harness import (
    LOOPBACK,
    UP,
    Datagrams,
    Memories,
    Streams,
    client_of,
    on_loop,
    running,
    tcp_server,
    until,
)
from tests.relay.test_layers import free_port, through_socks


def faulty(*texts: str) -> tuple[Memories, Faults]:
    inner = Memories()
    return inner, Faults(inner, time.monotonic, [read_fault(text) for text in texts])


async def _said_and_ended(streams: Streams, data: bytes) -> float:
    """Say something and end; the seconds until all of it came back and the other side ended."""
    reader, writer = streams
    begun = time.monotonic()
    writer.write(data)
    writer.write_eof()
    assert await asyncio.wait_for(reader.read(), 5) == data
    return time.monotonic() - begun


@on_loop
async def test_late_bytes_come_before_the_end_of_a_stream() -> None:
    inner, faults = faulty("latency:100ms")
    async with tcp_server() as server, running(faults) as engine:
        async with client_of(engine.open(harness.tcp(server))) as streams:
            assert await _said_and_ended(streams, b"x" * 100_000) >= 0.19
        await asyncio.wait_for(inner.only.over.wait(), 2)
    assert inner.only.bytes(UP) == b"x" * 100_000
    assert len(inner.only.reasons) == 1


@on_loop
async def test_faults_of_a_flow_that_comes_by_socks() -> None:
    inner, faults = faulty("latency:100ms", "slow_close:100ms@c>s")
    port = free_port()
    async with (
        tcp_server() as server,
        running(faults, modes=[f"socks5@{LOOPBACK}:{port}"]),
        client_of((LOOPBACK, port)) as streams,
    ):
        assert await through_socks(streams, server) == 0
        assert await _said_and_ended(streams, b"hello") >= 0.19
        await asyncio.wait_for(inner.only.over.wait(), 2)
    assert ("fault", "slow_close: 100 ms") in inner.only.events
    assert len(inner.only.reasons) == 1


@on_loop
async def test_a_reset_reaches_both_sides() -> None:
    inner, faults = faulty("reset_peer@c>s")
    ends: list[Any] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            ends.append(await reader.read())
        except ConnectionResetError as error:
            ends.append(error)

    async with tcp_server(serve) as server, running(faults) as engine:
        async with client_of(engine.open(harness.tcp(server))) as (reader, writer):
            writer.write(b"gone")
            with pytest.raises(ConnectionResetError):
                await asyncio.wait_for(reader.read(), 2)
        await until(lambda: len(ends) == 1)
    assert isinstance(ends[0], ConnectionResetError)
    assert inner.only.reasons == ["reset_peer: closed"]


@on_loop
async def test_a_narrow_line_brakes_the_sender_and_loses_nothing() -> None:
    _, faults = faulty("bandwidth:2MB/s@c>s")
    async with (
        tcp_server() as server,
        running(faults) as engine,
        client_of(engine.open(harness.tcp(server))) as streams,
    ):
        assert await _said_and_ended(streams, bytes(1_000_000)) >= 0.45


@on_loop
async def test_datagrams_are_lost_and_delayed_and_faults_change_meanwhile() -> None:
    inner, faults = faulty("loss:100%@c>s")
    with Datagrams() as server:
        async with running(faults) as engine:
            with Datagrams(to=engine.open(harness.udp(server.address))) as client:
                client.send(b"lost")
                assert await server.silent()
                faults.set([read_fault("latency:80ms")])
                begun = time.monotonic()
                client.send(b"late")
                data, port = await server.receive()
                assert (data, time.monotonic() - begun >= 0.075) == (b"late", True)
                faults.set([])
                server.send(b"at once", port)
                assert (await client.receive())[0] == b"at once"
    assert inner.only.bytes(UP) == b"lostlate"
    assert ("fault", "loss: dropped") in inner.only.events
