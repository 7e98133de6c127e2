"""Flows that come by mitmproxy's own modes, here SOCKS5 (RFC 1928), reach the same sinks."""

from __future__ import annotations

import asyncio
import socket
import struct

import pytest
from mitmproxy.connection import Client, ConnectionState
from mitmproxy.options import Options
from mitmproxy.proxy import commands, events
from mitmproxy.proxy.context import Context

from proxy.relay import layers
from proxy.relay.api import Address, Listen
from proxy.relay.engine import Engine
from proxy.relay.layers import Nudge, RelayLayer
from recordings.model import Direction, Transport
from tests.relay.harness import (
    DOWN,
    LOOPBACK,
    UP,
    Holder,
    Memories,
    StandIn,
    Streams,
    client_of,
    on_loop,
    running,
    tcp_server,
)


def free_port() -> int:
    with socket.socket() as sock:
        sock.bind((LOOPBACK, 0))
        port: int = sock.getsockname()[1]
        return port


async def through_socks(streams: Streams, to: Address) -> int:
    """Ask a SOCKS5 server to connect; its reply code, 0 for success."""
    reader, writer = streams
    writer.write(b"\x05\x01\x00")
    assert await reader.readexactly(2) == b"\x05\x00"
    host = to[0].encode()
    writer.write(b"\x05\x01\x00\x03" + bytes([len(host)]) + host + struct.pack("!H", to[1]))
    reply = await reader.readexactly(10)
    return reply[1]


@on_loop
async def test_a_socks_client_is_relayed_and_seen() -> None:
    sinks = Memories()
    port = free_port()
    async with (
        tcp_server() as server,
        running(sinks, modes=[f"socks5@{LOOPBACK}:{port}"]),
        client_of((LOOPBACK, port)) as streams,
    ):
        reader, writer = streams
        assert await through_socks(streams, ("localhost", server[1])) == 0
        for data in (b"one", b"two" * 1000):
            writer.write(data)
            assert await reader.readexactly(len(data)) == data
        writer.write_eof()
        assert await asyncio.wait_for(reader.read(), 2) == b""
        await asyncio.wait_for(sinks.only.over.wait(), 2)
    assert sinks.only.bytes(UP) == sinks.only.bytes(DOWN) == b"one" + b"two" * 1000
    assert sinks.only.server is not None
    assert sinks.only.server[1] == server[1]
    assert len(sinks.only.reasons) == 1


@on_loop
async def test_held_bytes_go_as_the_sink_says_and_after_a_while() -> None:
    port = free_port()
    async with (
        tcp_server() as server,
        running(Memories(Holder), modes=[f"socks5@{LOOPBACK}:{port}"]),
        client_of((LOOPBACK, port)) as streams,
    ):
        reader, writer = streams
        assert await through_socks(streams, server) == 0
        writer.write(b"a line\nrest")
        assert await reader.readexactly(7) == b"A LINE\n"
        assert await asyncio.wait_for(reader.readexactly(4), 2) == b"rest"


@on_loop
async def test_a_broken_holder_gives_back_what_it_kept_and_what_never_ends_goes_on(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Also when there is no standard error that the failure could be written to."""

    class Broken(Holder):
        def through(self, direction: Direction, data: bytes) -> list[bytes]:
            if b"!" in data:
                raise ZeroDivisionError("a defect")
            return super().through(direction, data)

    monkeypatch.setattr(layers, "HOLD_MOST", 0.3)
    monkeypatch.setattr("sys.stderr", None)
    port = free_port()
    async with (
        tcp_server() as server,
        running(Memories(Broken), modes=[f"socks5@{LOOPBACK}:{port}"]),
        client_of((LOOPBACK, port)) as streams,
    ):
        reader, writer = streams
        assert await through_socks(streams, server) == 0
        answer = asyncio.ensure_future(reader.readexactly(5))
        while not answer.done():
            writer.write(b"x")
            await asyncio.sleep(0.02)
        assert answer.result() == b"xxxxx"
        writer.write(b"kept")
        await asyncio.sleep(0.05)
        writer.write(b"!and more")
        answer = asyncio.ensure_future(reader.readuntil(b"more"))
        assert (await asyncio.wait_for(answer, 2)).lstrip(b"x") == b"kept!and more"


@on_loop
async def test_offline_a_stand_in_answers_what_would_have_gone_out() -> None:
    sinks = Memories(StandIn)
    port = free_port()
    called = asyncio.Event()

    async def note(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        called.set()

    async with (
        tcp_server(note) as server,
        running(sinks, modes=[f"socks5@{LOOPBACK}:{port}"], offline=True),
        client_of((LOOPBACK, port)) as streams,
    ):
        reader, writer = streams
        assert await through_socks(streams, server) == 0
        writer.write(b"q")
        assert await asyncio.wait_for(reader.readexactly(16), 2) == b"helloanswer to q"
        assert not called.is_set()
    assert sinks.only.kinds() == ["refused"]
    assert "--offline" in sinks.only.events[0][1]


@on_loop
async def test_nobody_connects_through_us_to_ourselves() -> None:
    port = free_port()
    async with running(Memories(), modes=[f"socks5@{LOOPBACK}:{port}"]) as engine:
        ours = engine.open(Listen("raw-tcp", Transport.TCP, LOOPBACK, 0))
        async with client_of((LOOPBACK, port)) as streams:
            assert await through_socks(streams, ours) != 0


def udp_layer(sinks: Memories, nudged: list[RelayLayer]) -> RelayLayer:
    client = Client(
        peername=("192.0.2.1", 4000), sockname=("192.0.2.2", 6500), transport_protocol="udp"
    )
    client.state = ConnectionState.OPEN
    context = Context(client, Options())
    context.server.address = ("198.51.100.1", 6500)
    context.server.transport_protocol = "udp"
    return RelayLayer(context, Engine(sinks), nudged.append)


def sent(layer: RelayLayer, event: events.Event) -> list[tuple[bool, bytes]]:
    """What the layer sends at an event: to the client or not, and which bytes."""
    return [
        (command.connection == layer.context.client, command.data)
        for command in layer.handle_event(event)
        if isinstance(command, commands.SendData)
    ]


def test_datagrams_of_another_mode(capsys: pytest.CaptureFixture[str]) -> None:
    async def play() -> None:
        sinks = Memories()
        nudged: list[RelayLayer] = []
        layer = udp_layer(sinks, nudged)
        (opening,) = layer.handle_event(events.Start())
        assert isinstance(opening, commands.OpenConnection)
        layer.context.server.state = ConnectionState.OPEN
        assert list(layer.handle_event(events.OpenConnectionCompleted(opening, None))) == []
        client, server = layer.context.client, layer.context.server
        assert sent(layer, events.DataReceived(client, b"up")) == [(False, b"up")]
        assert sent(layer, events.DataReceived(server, b"down")) == [(True, b"down")]
        layer.send(DOWN, b"by itself")
        assert nudged == [layer]
        assert sent(layer, Nudge()) == [(True, b"by itself")]
        client.state = ConnectionState.CLOSED
        list(layer.handle_event(events.ConnectionClosed(client)))
        assert sinks.only.chunks == [(UP, b"up"), (DOWN, b"down")]
        assert sinks.only.reasons == ["client closed"]
        assert (sinks.only.client, sinks.only.server) == (
            ("192.0.2.1", 4000),
            ("198.51.100.1", 6500),
        )

    asyncio.run(play())
    assert capsys.readouterr().err == ""
