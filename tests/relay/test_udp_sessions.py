"""UDP as sessions: silences, crowds behind one address, floods, and a store that cannot keep up."""

from __future__ import annotations

import contextlib
import socket
import sys

import pytest

from proxy.relay import udp as udp_module
from proxy.relay.api import Address
from proxy.relay.udp_face import SocketFace
from tests.relay import harness
from tests.relay.harness import Datagrams, Memories, on_loop, running, until
from tests.relay.test_udp import Clock, listener_of


@pytest.mark.parametrize("silence", [5, 25, 600])
@on_loop
async def test_after_a_silence_nothing_is_lost_and_the_port_is_the_same(silence: int) -> None:
    sinks = Memories()
    clock = Clock()
    with Datagrams() as server:
        async with running(sinks, clock=clock, idle=lambda protocol: 300.0) as engine:
            with Datagrams(to=engine.open(harness.udp(server.address))) as client:
                listener = listener_of(engine)
                ports = set()
                for first in (b"from the client", b"again", b"from the server"):
                    clock.now += silence
                    listener.sweep()
                    for number in range(3):
                        data = first + b" %d" % number
                        if first != b"from the server":
                            client.send(data)
                            got, port = await server.receive()
                        else:
                            server.send(data, port)
                            got, _ = await client.receive()
                        assert got == data
                        ports.add(port)
    assert len(ports) == 1
    assert len(sinks.flows) == (3 if silence == 600 else 1)
    chunks = [data for flow in sinks.flows for _, data in flow.chunks]
    assert len(chunks) == len(set(chunks)) == 9


@on_loop
async def test_a_crowd_behind_one_address_is_told_apart() -> None:
    sinks = Memories()
    with Datagrams() as server, contextlib.ExitStack() as stack:
        async with running(sinks) as engine:
            address = engine.open(harness.udp(server.address))
            crowd = [stack.enter_context(Datagrams(to=address)) for _ in range(100)]
            seen: dict[bytes, Address] = {}
            for number, client in enumerate(crowd):
                client.send(b"%d" % number)
                data, port = await server.receive()
                while data != b"%d" % number:  # of a stranger that another test left behind
                    data, port = await server.receive()
                seen[data] = port
            assert len(set(seen.values())) == 100
            for data, port in seen.items():
                server.send(b"for " + data, port)
            for number, client in enumerate(crowd):
                assert (await client.receive())[0] == b"for %d" % number


def _flood(address: Address, host: str, count: int) -> None:
    """Many datagrams, each from a port of its own; all ports are held until the end."""
    with contextlib.ExitStack() as stack:
        for _ in range(count):
            sock = stack.enter_context(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
            sock.bind((host, 0))
            sock.sendto(b"flood", address)


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux has 127.0.0.2 without being told")
@on_loop
async def test_a_flood_from_many_ports_makes_room_among_itself(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(udp_module, "MAX_ENDPOINTS", 50)
    monkeypatch.setattr(udp_module, "ROOM", 10)
    sinks = Memories()
    said: list[tuple[str, str]] = []
    with Datagrams() as server:
        async with running(sinks, on_notice=lambda *what: said.append(what)) as engine:
            address = engine.open(harness.udp(server.address))
            with Datagrams(to=address) as player:
                player.send(b"player")
                _, port = await server.receive()
                server.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
                _flood(address, "127.0.0.2", 200)
                await until(lambda: len(sinks.flows) == 201)
                listener = listener_of(engine)
                assert len(listener.endpoints()) <= 50
                player.send(b"still here")
                heard = [await server.receive() for _ in range(201)]
                assert (b"still here", port) in heard
                assert sinks.flows[0].reasons == []
                gone = [flow for flow in sinks.flows if flow.reasons == ["too many clients"]]
                assert len(gone) >= 150
                assert gone == sinks.flows[1 : len(gone) + 1]  # the oldest ones
                listener.sweep()
    assert [kind for kind, _ in said] == ["too-many-clients"] * 2
    assert "those silent longest make room" in said[0][1]
    assert said[1][1].endswith(f"{len(gone) - 10} more")


@on_loop
async def test_a_store_that_cannot_keep_up_is_said_with_what_was_lost() -> None:
    sinks = Memories()
    said: list[str] = []
    with Datagrams() as server:
        async with running(sinks, on_notice=lambda _, detail: said.append(detail)) as engine:
            with Datagrams(to=engine.open(harness.udp(server.address))) as client:
                listener = listener_of(engine)
                face = listener.faces[0]
                assert isinstance(face, SocketFace)
                sock = face.socket.sock
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
                sinks.congested = True
                client.send(b"the last one that is read")
                await server.receive()
                assert said == [
                    "the recording cannot keep up: UDP is not read for a while, "
                    "datagrams may be lost"
                ]
                for _ in range(200):
                    client.send(bytes(1000))
                sinks.congested = False
                engine.relieve()
                await until(lambda: len(said) == 2)
                arrived = 0
                with contextlib.suppress(TimeoutError):
                    while True:
                        await server.receive(0.3)
                        arrived += 1
    assert "UDP is read again after" in said[1]
    if sys.platform == "linux":
        assert f"{200 - arrived} datagrams were lost" in said[1]
        assert arrived < 200
