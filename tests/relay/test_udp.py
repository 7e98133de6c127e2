"""UDP through the engine, on real sockets."""

from __future__ import annotations

import asyncio
import socket

import pytest

from proxy.relay import datagrams, udp
from proxy.relay.api import Address
from proxy.relay.engine import Engine
from proxy.relay.sockets import local_addresses
from proxy.relay.udp import KEEP, UdpListener
from proxy.relay.udp_endpoint import RETRY
from recordings.errors import UserError
from recordings.model import Direction
from tests.relay import harness
from tests.relay.harness import (
    DOWN,
    LOOPBACK,
    UP,
    Datagrams,
    Holder,
    Memories,
    Memory,
    StandIn,
    needs_ipv6,
    on_loop,
    running,
    until,
)

LARGEST = 65_507


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def listener_of(engine: Engine) -> UdpListener:
    (listener,) = engine._listeners
    assert isinstance(listener, UdpListener)
    return listener


@pytest.mark.parametrize("size", [0, 1, 64, 1472, 1473, 9000, LARGEST])
@on_loop
async def test_datagrams_of_every_size_go_both_ways(size: int) -> None:
    sinks = Memories()
    data = bytes(i * 7 & 0xFF for i in range(size))
    with Datagrams() as server:
        async with running(sinks) as engine:
            address = engine.open(harness.udp(server.address))
            with Datagrams(to=address) as client:
                client.send(data)
                got, ours = await server.receive()
                assert got == data
                server.send(data, ours)
                assert (await client.receive())[0] == data
                assert sinks.only.client == client.address
    assert sinks.only.chunks == [(UP, data), (DOWN, data)]
    assert sinks.only.server == server_address(sinks)
    assert sinks.only.local == address
    assert sinks.only.reasons == ["stopped"]


def server_address(sinks: Memories) -> Address:
    assert sinks.only.server is not None
    return sinks.only.server


@on_loop
async def test_order_and_duplicates_are_kept() -> None:
    sinks = Memories()
    with Datagrams() as server:
        async with running(sinks) as engine:
            with Datagrams(to=engine.open(harness.udp(server.address))) as client:
                sent = [b"%d" % (i // 2) for i in range(200)]
                for data in sent:
                    client.send(data)
                got = [(await server.receive())[0] for _ in sent]
    assert got == sent
    assert [data for _, data in sinks.only.chunks] == sent


@on_loop
async def test_each_client_has_one_port_upstream_of_its_own() -> None:
    sinks = Memories()
    with Datagrams() as server:
        async with running(sinks) as engine:
            address = engine.open(harness.udp(server.address))
            with Datagrams(to=address) as one, Datagrams(to=address) as two:
                ports = []
                for client in (one, two, one, two):
                    client.send(b"x")
                    ports.append((await server.receive())[1])
                assert ports[0] == ports[2] != ports[1] == ports[3]
                server.send(b"to two", ports[1])
                assert (await two.receive())[0] == b"to two"
                assert await one.silent()
    assert len(sinks.flows) == 2


@on_loop
async def test_a_flow_ends_by_idleness_and_resumes_from_the_same_port() -> None:
    sinks = Memories()
    clock = Clock()
    with Datagrams() as server:
        async with running(sinks, clock=clock, idle=lambda protocol: 300.0) as engine:
            with Datagrams(to=engine.open(harness.udp(server.address))) as client:
                listener = listener_of(engine)
                client.send(b"first")
                _, port = await server.receive()
                clock.now += 299
                listener.sweep()
                assert sinks.only.reasons == []
                clock.now += 1
                listener.sweep()
                assert sinks.only.reasons == ["idle"]
                assert engine.flows() == []
                clock.now += KEEP - 301  # nearly an hour after the last datagram
                listener.sweep()
                client.send(b"second")
                assert await server.receive() == (b"second", port)
                assert len(sinks.flows) == 2
                # the server may be the one that comes back
                clock.now += 400
                listener.sweep()
                server.send(b"third", port)
                assert (await client.receive())[0] == b"third"
                # after an hour of silence the port is given up
                clock.now += KEEP
                listener.sweep()
                assert listener.endpoints() == []
                client.send(b"fourth")
                await server.receive()
    assert [flow.chunks[0] for flow in sinks.flows] == [
        (UP, b"first"),
        (UP, b"second"),
        (DOWN, b"third"),
        (UP, b"fourth"),
    ]
    assert [flow.reasons for flow in sinks.flows] == [["idle"], ["idle"], ["idle"], ["stopped"]]


@on_loop
async def test_the_sweep_runs_by_itself() -> None:
    sinks = Memories()
    with Datagrams() as server:
        async with running(sinks, idle=lambda protocol: 0.2) as engine:
            with Datagrams(to=engine.open(harness.udp(server.address))) as client:
                client.send(b"x")
                await until(lambda: bool(sinks.flows) and sinks.only.reasons == ["idle"])


@on_loop
async def test_a_refusal_is_told_once_and_ends_nothing() -> None:
    sinks = Memories()
    with Datagrams() as gone:
        nobody = gone.address
    async with running(sinks) as engine:
        with Datagrams(to=engine.open(harness.udp(nobody))) as client:
            for _ in range(5):
                client.send(b"anybody?")
                await asyncio.sleep(0.01)
            await until(lambda: len(sinks.only.chunks) == 5)
            await until(lambda: sinks.only.kinds() == ["unreachable"])
            # the server comes up: the very next datagram reaches it
            server = Datagrams()
            server.sock.close()
            server.sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            server.sock.setblocking(False)
            server.sock.bind(nobody)
            with server:
                client.send(b"now")
                got, ours = await server.receive()
                assert got == b"now"
                server.send(b"here", ours)
                assert (await client.receive())[0] == b"here"
    assert sinks.only.kinds() == ["unreachable"]


@on_loop
async def test_a_datagram_that_is_too_long_to_send_is_an_event() -> None:
    class Grower(Memory):
        def held(self, direction: Direction) -> bool:
            return True

        def through(self, direction: Direction, data: bytes) -> list[bytes]:
            return [data * 2, b"short"]

    sinks = Memories(Grower)
    with Datagrams() as server:
        async with running(sinks) as engine:
            with Datagrams(to=engine.open(harness.udp(server.address))) as client:
                client.send(bytes(40_000))
                assert (await server.receive())[0] == b"short"
    assert sinks.only.events == [("oversized", "a datagram of 80000 bytes cannot be sent on")]


@on_loop
async def test_a_held_direction_is_forwarded_as_the_sink_says() -> None:
    sinks = Memories(Holder)
    with Datagrams() as server:
        async with running(sinks) as engine:
            with Datagrams(to=engine.open(harness.udp(server.address))) as client:
                client.send(b"one\ntwo\nrest")
                assert (await server.receive())[0] == b"ONE\n"
                got, ours = await server.receive()
                assert got == b"TWO\n"
                server.send(b"back\n", ours)
                assert (await client.receive())[0] == b"BACK\n"
        assert (await server.receive())[0] == b"rest"  # given back at the end


@on_loop
async def test_a_stand_in_answers_without_a_server() -> None:
    sinks = Memories(StandIn)
    async with running(sinks) as engine:
        with Datagrams(to=engine.open(harness.udp(None))) as client:
            client.send(b"q")
            assert (await client.receive())[0] == b"hello"
            assert (await client.receive())[0] == b"answer to q"


@on_loop
async def test_offline_and_ourselves_are_refused() -> None:
    sinks = Memories()
    with Datagrams() as server:
        async with running(sinks, offline=True) as engine:
            with Datagrams(to=engine.open(harness.udp(server.address))) as client:
                client.send(b"x")
                await until(lambda: bool(sinks.flows) and sinks.only.chunks == [(UP, b"x")])
                assert await server.silent()
    assert sinks.only.kinds() == ["refused"]
    assert "--offline" in sinks.only.events[0][1]


@on_loop
async def test_a_name_is_looked_up_while_datagrams_wait() -> None:
    class Slow:
        async def lookup_ip(self, host: str) -> list[str]:
            await asyncio.sleep(0.05)
            assert host == "master.example.com"
            return ["::1", LOOPBACK]

    from proxy.relay.resolver import Resolver

    sinks = Memories()
    with Datagrams() as server:
        async with running(sinks, resolver=Resolver(lookup=Slow())) as engine:
            upstream = ("Master.Example.com.", server.address[1])
            with Datagrams(to=engine.open(harness.udp(upstream))) as client:
                client.send(b"1")
                client.send(b"2")
                assert [(await server.receive())[0] for _ in range(2)] == [b"1", b"2"]
    assert server_address(sinks) == (LOOPBACK, upstream[1])


@on_loop
async def test_a_name_that_does_not_resolve_is_said() -> None:
    class Empty:
        async def lookup_ip(self, host: str) -> list[str]:
            raise OSError("no such name")

    from proxy.relay.resolver import Resolver

    sinks = Memories()
    async with running(sinks, resolver=Resolver(lookup=Empty())) as engine:
        address = engine.open(harness.udp(("gone.example.com", 5)))
        for number in (1, 2):
            with Datagrams(to=address) as client:
                client.send(b"x")
                wanted = [[(UP, b"x")]] * number
                while [one.chunks for one in sinks.flows] != wanted:
                    await asyncio.sleep(0.002)
    for flow in sinks.flows:
        assert flow.kinds() == ["refused"]
        assert "gone.example.com" in flow.events[0][1]


@on_loop
async def test_a_server_that_was_not_to_be_had_is_looked_for_again() -> None:
    """A client that asks again and again gets through once the name server is there."""
    from proxy.relay.resolver import Resolver

    class Late:
        addresses: tuple[str, ...] = ()

        async def lookup_ip(self, host: str) -> list[str]:
            return list(self.addresses)

    book, sinks, clock = Late(), Memories(), Clock()
    with Datagrams() as server:
        async with running(sinks, resolver=Resolver(lookup=book), clock=clock) as engine:
            upstream = ("late.example.com", server.address[1])
            with Datagrams(to=engine.open(harness.udp(upstream))) as client:
                client.send(b"early")
                await until(lambda: bool(sinks.flows) and sinks.only.kinds() == ["refused"])
                book.addresses = (LOOPBACK,)
                clock.now += RETRY - 1
                client.send(b"too soon")
                assert await server.silent()
                for text in (b"looks it up", b"is there"):
                    clock.now += RETRY
                    client.send(text)
                    while (UP, text) not in sinks.only.chunks:
                        await asyncio.sleep(0.002)
                data, ours = await server.receive()
                assert data == b"is there"
                server.send(b"welcome", ours)
                assert (await client.receive())[0] == b"welcome"
    assert len(sinks.flows) == 1


@needs_ipv6
@on_loop
async def test_ipv6_client_to_ipv6_and_ipv4_servers() -> None:
    sinks = Memories()
    with Datagrams("::1") as six, Datagrams() as four:
        async with running(sinks) as engine:
            for server in (six, four):
                with Datagrams("::1", engine.open(harness.udp(server.address, "::1"))) as client:
                    client.send(b"q")
                    got, ours = await server.receive()
                    server.send(b"a", ours)
                    assert ((await client.receive())[0], got) == (b"a", b"q")
    assert [flow.client[0] for flow in sinks.flows] == ["::1", "::1"]


@on_loop
async def test_on_a_wildcard_the_answer_leaves_from_the_address_that_was_asked() -> None:
    sinks = Memories()
    with Datagrams() as server:
        async with running(sinks) as engine:
            _, port = engine.open(harness.udp(server.address, "0.0.0.0"))
            for address in {*local_addresses(False), LOOPBACK}:
                with Datagrams(to=(address, port)) as client:  # connected: hears nobody else
                    client.send(b"q")
                    got, ours = await server.receive()
                    server.send(got, ours)
                    assert (await client.receive())[0] == b"q"
                assert sinks.flows[-1].local == (address, port)


@on_loop
async def test_a_port_in_use_is_named_on_one_address_and_on_all() -> None:
    from proxy.relay.api import Listen
    from recordings.model import Transport

    with Datagrams() as other:
        async with running(Memories()) as engine:
            for host in (LOOPBACK, "0.0.0.0"):
                with pytest.raises(UserError, match=rf"udp {host}:\d+ is in use"):
                    engine.open(Listen("raw-udp", Transport.UDP, host, other.address[1]))


@on_loop
async def test_many_clients_and_the_oldest_makes_room(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(udp, "MAX_ENDPOINTS", 20)
    sinks = Memories()
    clock = Clock()
    with Datagrams() as server:
        async with running(sinks, clock=clock) as engine:
            address = engine.open(harness.udp(server.address))
            clients = [Datagrams(to=address) for _ in range(30)]
            for number, client in enumerate(clients):
                clock.now += 1
                client.send(b"%d" % number)
                assert (await server.receive())[0] == b"%d" % number
            assert len(listener_of(engine).endpoints()) == 20
            for client in clients:
                client.sock.close()
    closed = [flow.reasons[0] for flow in sinks.flows]
    assert closed == ["too many clients"] * 10 + ["stopped"] * 20


@on_loop
async def test_reading_rests_while_the_store_is_congested() -> None:
    sinks = Memories()
    with Datagrams() as server:
        async with running(sinks) as engine:
            with Datagrams(to=engine.open(harness.udp(server.address))) as client:
                sinks.congested = True
                client.send(b"one")
                client.send(b"two")
                assert (await server.receive())[0] == b"one"
                assert await server.silent()
                sinks.congested = False
                engine.relieve()
                assert (await server.receive())[0] == b"two"


@pytest.mark.parametrize("who", ["server", "held server", "another player"])
@on_loop
async def test_reading_rests_whoever_speaks_while_the_store_is_congested(who: str) -> None:
    sinks = Memories(Holder if who == "held server" else Memory)
    with Datagrams() as server, Datagrams() as player:
        async with running(sinks, peers=lambda protocol: who == "another player") as engine:
            with Datagrams() as client:
                client.send(b"a\n", engine.open(harness.udp(server.address)))
                _, ours = await server.receive()
                speaker = player if who == "another player" else server
                sinks.congested = True
                speaker.send(b"B\n", (LOOPBACK, ours[1]))
                speaker.send(b"C\n", (LOOPBACK, ours[1]))
                assert (await client.receive())[0] == b"B\n"
                assert await client.silent()
                sinks.congested = False
                engine.relieve()
                assert (await client.receive())[0] == b"C\n"


@on_loop
async def test_only_the_one_client_is_served() -> None:
    sinks = Memories()
    with Datagrams() as server:
        async with running(sinks) as engine:
            with Datagrams(
                to=engine.open(harness.udp(server.address, client="192.0.2.9"))
            ) as client:
                client.send(b"x")
                assert await server.silent()
    assert sinks.flows == []


@on_loop
async def test_a_shut_listener_finishes_its_flows() -> None:
    sinks = Memories()
    clock = Clock()
    with Datagrams() as server:
        async with running(sinks, clock=clock) as engine:
            listen = harness.udp(server.address)
            address = engine.open(listen)
            with Datagrams(to=address) as old, Datagrams(to=address) as new:
                old.send(b"x")
                await server.receive()
                engine.shut(listen)
                new.send(b"y")
                old.send(b"z")
                assert (await server.receive())[0] == b"z"
                assert await server.silent()
    assert len(sinks.flows) == 1


@on_loop
async def test_a_loop_without_readers_reads_by_a_task(monkeypatch: pytest.MonkeyPatch) -> None:
    loop = asyncio.get_running_loop()
    with Datagrams() as server:
        sinks = Memories()
        got: list[bytes] = []
        errors: list[OSError] = []

        def missing(*_: object) -> None:
            raise NotImplementedError

        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
            sock.setblocking(False)
            sock.bind((LOOPBACK, 0))
            one = datagrams.DatagramSocket(sock, lambda data, _: got.append(data), errors.append)
            with monkeypatch.context() as patch:
                for way in ("add_reader", "attach"):
                    patch.setattr(loop, way, missing, raising=False)
                # sock_recvfrom of this loop needs readers itself; it only uses the private way
                one.start()
            for data in (b"1", b"", b"3"):
                server.send(data, sock.getsockname())
            await until(lambda: len(got) == 3)
            turns = []
            ticking = loop.call_soon(lambda: None)

            def tick() -> None:
                nonlocal ticking
                turns.append(len(got))
                ticking = loop.call_soon(tick)

            for _ in range(3 * datagrams.MAX_BATCH):
                server.send(b"more", sock.getsockname())
            tick()
            await until(lambda: len(got) == 3 + 3 * datagrams.MAX_BATCH)
            ticking.cancel()
            assert len(set(turns)) > 2, "a flood leaves others their turn"
            one.pause()
            await asyncio.sleep(0)
            one.close()
        assert got[:3] == [b"1", b"", b"3"]
        assert errors == []
        assert sinks.flows == []


@on_loop
async def test_another_player_reaches_the_client_as_a_flow_of_its_own() -> None:
    sinks = Memories()
    with Datagrams() as server, Datagrams() as player:
        async with running(sinks, peers=lambda protocol: True) as engine:
            address = engine.open(harness.udp(server.address))
            with Datagrams() as client:
                client.send(b"to the server", address)
                _, ours = await server.receive()
                port = (LOOPBACK, ours[1])
                server.send(b"answer", port)
                assert await client.receive() == (b"answer", address)
                player.send(b"hello from afar", port)
                data, link = await client.receive()
                assert data == b"hello from afar"
                assert link != address
                client.send(b"hello back", link)
                assert await player.receive() == (b"hello back", port)
                player.send(b"again", port)
                assert await client.receive() == (b"again", link)
                client_address = client.address
    first, second = sinks.flows
    assert first.chunks == [(UP, b"to the server"), (DOWN, b"answer")]
    assert second.chunks == [(DOWN, b"hello from afar"), (UP, b"hello back"), (DOWN, b"again")]
    assert first.server != second.server
    assert first.client == second.client == client_address
    assert [flow.reasons for flow in sinks.flows] == [["stopped"], ["stopped"]]
