"""UDP of transparent ways: sessions that outlive the way by which their datagrams came."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from mitmproxy.connection import Client, ConnectionState
from mitmproxy.options import Options
from mitmproxy.proxy import commands, events
from mitmproxy.proxy.context import Context

from proxy.relay import destinations
from proxy.relay.api import Address
from proxy.relay.engine import Engine
from proxy.relay.layers import DatagramLayer
from tests.relay.harness import DOWN, UP, Datagrams, Memories, on_loop, running, until
from tests.relay.test_udp import Clock

CLIENT = ("10.0.0.1", 4000)


class Way:
    """A way by which a client's datagrams come, as mitmproxy treats its layer."""

    def __init__(self, engine: Engine, to: Address, client: Address = CLIENT) -> None:
        peer = Client(peername=client, sockname=to, timestamp_start=0, transport_protocol="udp")
        peer.state = ConnectionState.OPEN
        self.context = Context(peer, Options())
        self.context.server.address = to
        self.context.server.transport_protocol = "udp"
        self.sent: list[bytes] = []
        self.closed = False
        self.layer = DatagramLayer(self.context, engine, self.nudged)
        self.event(events.Start())

    def nudged(self, layer: Any) -> None:
        self.event(events.Wakeup(commands.RequestWakeup(0)))

    def event(self, event: events.Event) -> None:
        for command in self.layer.handle_event(event):
            if isinstance(command, commands.SendData):
                self.sent.append(command.data)
            self.closed |= isinstance(command, commands.CloseConnection)

    def came(self, data: bytes) -> None:
        self.event(events.DataReceived(self.context.client, data))

    def gone(self) -> None:
        self.event(events.ConnectionClosed(self.context.client))


@pytest.mark.parametrize("silence", [5, 25, 600])
@on_loop
async def test_a_session_outlives_its_way(silence: int) -> None:
    sinks = Memories()
    clock = Clock()
    with Datagrams() as server:
        async with running(sinks, clock=clock) as engine:
            first = Way(engine, server.address)
            first.came(b"one")
            data, port = await server.receive()
            assert data == b"one"
            clock.now += silence
            for listener in engine.destinations()._listeners.values():
                listener.sweep()
            if silence > 20:  # mitmproxy has given it up
                first.gone()
                assert first.closed
                server.send(b"into the silence", port)
                await until(
                    lambda: any(
                        data == b"into the silence" for one in sinks.flows for _, data in one.chunks
                    )
                )
                way = Way(engine, server.address)
            else:
                way = first
            way.came(b"two")
            assert await server.receive() == (b"two", port)
            server.send(b"answer", port)
            await until(lambda: way.sent == [b"answer"])
            stale = Way(engine, server.address)
            stale.gone()  # another way that never carried anything
            server.send(b"more", port)
            await until(lambda: way.sent == [b"answer", b"more"])
    went = [chunk for flow in sinks.flows for chunk in flow.chunks]
    assert (UP, b"one") in went
    assert (UP, b"two") in went
    assert (DOWN, b"answer") in went
    assert len(sinks.flows) == (2 if silence == 600 else 1)
    lost = [kind for flow in sinks.flows for kind in flow.kinds()]
    assert lost == (["dropped"] if silence > 20 else [])


@on_loop
async def test_destinations_are_bounded_and_the_silent_one_makes_room(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(destinations, "MAX_DESTINATIONS", 3)
    sinks = Memories()
    clock = Clock()
    said: list[str] = []
    async with running(sinks, clock=clock, on_notice=lambda kind, _: said.append(kind)) as engine:
        ways = [Way(engine, ("127.0.0.1", 1 + number)) for number in range(5)]
        for way in ways:
            clock.now += 1
            way.came(b"x")
        ways[0].came(b"back again")
        assert len(engine.flows()) == 3
    reasons = [flow.reasons for flow in sinks.flows]
    assert reasons[:2] == [["too many destinations"]] * 2
    assert said[0] == "too-many-destinations"


@on_loop
async def test_a_query_in_a_tunnel_is_answered_by_our_dns() -> None:
    async with running(Memories()) as engine:
        engine.open_dns({"game.example": "192.0.2.9"}, None)
        way = Way(engine, ("10.0.0.53", 53))
        query = b"\0\7\1\0\0\1\0\0\0\0\0\0\4game\7example\0\0\1\0\1"
        way.came(query)
        assert way.sent[0].endswith(bytes([192, 0, 2, 9]))
        way.came(b"garbage")
        assert len(way.sent) == 1
        assert engine.listeners() == []
        await asyncio.sleep(0)
