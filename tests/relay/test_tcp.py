"""TCP through the engine, on real sockets."""

from __future__ import annotations

import asyncio
import socket
import struct
import threading

import pytest

from proxy.relay import stream
from proxy.relay.api import Address, Listen
from proxy.relay.tcp_side import HIGH_WATER, HOLD_LIMIT
from recordings.errors import UserError
from recordings.model import Direction, Transport
from tests.relay.harness import (
    DOWN,
    LOOPBACK,
    UP,
    Holder,
    Memories,
    Memory,
    StandIn,
    client_of,
    needs_ipv6,
    on_loop,
    running,
    tcp,
    tcp_server,
    until,
)


@pytest.fixture(autouse=True, params=["our transport", "asyncio's transport"])
def transport(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every test runs over both; Windows has only asyncio's."""
    if request.param == "asyncio's transport":
        monkeypatch.setattr(stream, "watches_sockets", lambda loop: False)


RESET = struct.pack("ii", 1, 0)


def closed_port() -> Address:
    with socket.socket() as sock:
        sock.bind((LOOPBACK, 0))
        host, port = sock.getsockname()
    return host, port


@on_loop
async def test_bytes_go_both_ways_and_the_sink_sees_them_all() -> None:
    sinks = Memories()
    async with tcp_server() as server, running(sinks) as engine:
        address = engine.open(tcp(server))
        async with client_of(address) as (reader, writer):
            for size in (1, 64, 1000, 300_000):
                data = bytes(i & 0xFF for i in range(size))
                writer.write(data)
                assert await reader.readexactly(size) == data
            client = writer.get_extra_info("sockname")
        await asyncio.wait_for(sinks.only.over.wait(), 2)
    flow = sinks.only
    assert len(flow.bytes(UP)) == len(flow.bytes(DOWN)) == 301_065
    assert flow.bytes(UP) == flow.bytes(DOWN)
    assert (flow.client, flow.server, flow.local) == (client, server, address)
    assert flow.reasons == ["client closed"]


@on_loop
async def test_what_the_client_says_before_the_server_is_there_arrives() -> None:
    sinks = Memories()
    async with tcp_server() as server:
        ready = asyncio.Event()
        async with running(sinks) as engine:
            # bound and backlogged before it is served
            address = engine.open(tcp(server))
            with socket.create_connection(address) as sock:
                sock.sendall(b"early")
                sock.setblocking(False)
                loop = asyncio.get_running_loop()
                assert await asyncio.wait_for(loop.sock_recv(sock, 100), 2) == b"early"
            ready.set()
            await asyncio.wait_for(sinks.only.over.wait(), 2)
    assert sinks.only.chunks == [(UP, b"early"), (DOWN, b"early")]


@on_loop
async def test_a_server_that_greets_first_is_heard_without_a_word() -> None:
    async def greet(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 welcome\r\n")
        await reader.read()

    async with (
        tcp_server(greet) as server,
        running(Memories()) as engine,
        client_of(engine.open(tcp(server))) as (reader, _),
    ):
        assert await asyncio.wait_for(reader.readline(), 2) == b"220 welcome\r\n"


@on_loop
async def test_half_close_of_the_client_leaves_the_answer_open() -> None:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        request = await reader.read()  # to its end
        writer.write(b"you said " + request)

    sinks = Memories()
    async with tcp_server(answer) as server, running(sinks) as engine:
        async with client_of(engine.open(tcp(server))) as (reader, writer):
            writer.write(b"all of it")
            writer.write_eof()
            assert await asyncio.wait_for(reader.read(), 2) == b"you said all of it"
        await asyncio.wait_for(sinks.only.over.wait(), 2)
    assert sinks.only.ends == [UP, DOWN]


@on_loop
async def test_half_close_of_the_server_leaves_the_client_talking() -> None:
    heard = asyncio.get_running_loop().create_future()

    async def finish_first(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"that is all")
        writer.write_eof()
        heard.set_result(await reader.read())

    sinks = Memories()
    async with tcp_server(finish_first) as server, running(sinks) as engine:
        async with client_of(engine.open(tcp(server))) as (reader, writer):
            assert await asyncio.wait_for(reader.read(), 2) == b"that is all"
            writer.write(b"but I am not done")
            writer.write_eof()
            assert await asyncio.wait_for(heard, 2) == b"but I am not done"
        await asyncio.wait_for(sinks.only.over.wait(), 2)
    assert sinks.only.ends == [DOWN, UP]
    assert sinks.only.reasons == ["server closed"]


@on_loop
async def test_a_reset_of_the_client_reaches_the_server_as_one() -> None:
    seen = asyncio.get_running_loop().create_future()

    async def watch(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while await reader.read(100):
                pass
            seen.set_result("end")
        except ConnectionResetError:
            seen.set_result("reset")

    sinks = Memories()
    async with tcp_server(watch) as server, running(sinks) as engine:
        address = engine.open(tcp(server))
        sock = socket.create_connection(address)
        sock.sendall(b"x")
        await until(lambda: bool(sinks.flows) and bool(sinks.only.chunks))
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
        sock.close()
        assert await asyncio.wait_for(seen, 2) == "reset"
        await asyncio.wait_for(sinks.only.over.wait(), 2)
    assert sinks.only.reasons == ["client reset"]
    assert sinks.only.kinds() == ["reset"]


@on_loop
async def test_a_reset_of_the_server_reaches_the_client_as_one() -> None:
    async def slam(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1)
        sock = writer.get_extra_info("socket")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)

    sinks = Memories()
    async with tcp_server(slam) as server, running(sinks) as engine:
        async with client_of(engine.open(tcp(server))) as (reader, writer):
            writer.write(b"x")
            with pytest.raises(ConnectionResetError):
                await asyncio.wait_for(reader.read(), 2)
        await asyncio.wait_for(sinks.only.over.wait(), 2)
    assert sinks.only.reasons == ["server reset"]


@on_loop
async def test_a_slow_reader_slows_the_writer_and_memory_stays_small() -> None:
    total = 64 << 20
    written = 0

    async def pour(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal written
        block = bytes(64 << 10)
        while written < total:
            writer.write(block)
            written += len(block)
            await writer.drain()

    sinks = Memories()
    async with tcp_server(pour) as server, running(sinks) as engine:
        address = engine.open(tcp(server))
        with socket.create_connection(address) as sock:
            sock.settimeout(2)
            before = -1
            while before != written:  # until nothing moves any more
                before = written
                await asyncio.sleep(0.1)
            stuck = written
            (flow,) = next(iter(engine._listeners)).flows  # type: ignore[union-attr]
            assert flow.client.transport is not None
            waiting = flow.client.transport.get_write_buffer_size()
            got = await asyncio.to_thread(drain, sock, total)
    assert stuck < total, "the writer was never slowed"
    assert waiting <= HIGH_WATER + (1 << 20)
    assert got == total


def drain(sock: socket.socket, total: int) -> int:
    got = 0
    while got < total and (data := sock.recv(1 << 20)):
        got += len(data)
    return got


@on_loop
async def test_a_refused_upstream_is_an_event_and_the_client_is_closed() -> None:
    sinks = Memories()
    nobody = closed_port()
    async with running(sinks) as engine, client_of(engine.open(tcp(nobody))) as (reader, _):
        assert await asyncio.wait_for(reader.read(), 2) == b""
    assert sinks.only.server == nobody
    ((kind, sentence),) = sinks.only.events
    assert kind == "refused"
    assert f"{nobody[0]}:{nobody[1]}" in sentence
    assert sinks.only.reasons == ["refused"]


@on_loop
async def test_offline_nothing_is_dialled() -> None:
    sinks = Memories()
    called = asyncio.Event()

    async def note(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        called.set()

    async with (
        tcp_server(note) as server,
        running(sinks, offline=True) as engine,
        client_of(engine.open(tcp(server))) as (reader, _),
    ):
        assert await asyncio.wait_for(reader.read(), 2) == b""
    assert not called.is_set()
    assert sinks.only.kinds() == ["refused"]
    assert "--offline" in sinks.only.events[0][1]


@on_loop
async def test_the_upstream_may_not_be_ourselves() -> None:
    sinks = Memories()
    port = closed_port()[1]
    async with running(sinks) as engine:
        address = engine.open(Listen("raw-tcp", Transport.TCP, LOOPBACK, port, (LOOPBACK, port)))
        async with client_of(address) as (reader, _):
            assert await asyncio.wait_for(reader.read(), 2) == b""
    assert "this proxy itself" in sinks.only.events[0][1]


@needs_ipv6
@on_loop
async def test_ipv6_client_to_ipv6_server_and_to_ipv4() -> None:
    sinks = Memories()
    async with tcp_server(host="::1") as six, tcp_server() as four, running(sinks) as engine:
        for server in (six, four):
            address = engine.open(tcp(server, "::1"))
            assert address[0] == "::1"
            async with client_of(address) as (reader, writer):
                writer.write(b"over six")
                assert await reader.readexactly(8) == b"over six"
    assert [flow.server for flow in sinks.flows] == [six, four]
    assert all(flow.client[0] == "::1" for flow in sinks.flows)


@on_loop
async def test_several_listeners_and_one_added_by_a_flow() -> None:
    sinks = Memories()
    async with tcp_server() as first, tcp_server() as second, running(sinks) as engine:
        one = engine.open(tcp(first))
        async with client_of(one) as (reader, writer):
            writer.write(b"a")
            await reader.readexactly(1)
            two = engine.open(tcp(second, client=LOOPBACK, parent_frame=7))
            assert [address for _, address in engine.listeners()] == [one, two]
            async with client_of(two) as (reader2, writer2):
                writer2.write(b"b")
                assert await reader2.readexactly(1) == b"b"
                assert len(engine.flows()) == 2
    assert [flow.server for flow in sinks.flows] == [first, second]


@on_loop
async def test_a_listener_of_one_client_turns_others_away() -> None:
    sinks = Memories()
    async with tcp_server() as server, running(sinks) as engine:
        address = engine.open(tcp(server, client="192.0.2.7"))
        async with client_of(address) as (reader, _):
            with pytest.raises(ConnectionResetError):
                await asyncio.wait_for(reader.read(), 2)
    assert sinks.flows == []


@on_loop
async def test_a_shut_listener_keeps_its_flows_and_takes_no_more() -> None:
    sinks = Memories()
    async with tcp_server() as server, running(sinks) as engine:
        listen = tcp(server)
        address = engine.open(listen)
        async with client_of(address) as (reader, writer):
            writer.write(b"a")
            await reader.readexactly(1)
            engine.shut(listen)
            assert engine.listeners() == []
            writer.write(b"b")
            assert await reader.readexactly(1) == b"b"
            with pytest.raises(ConnectionRefusedError):
                await asyncio.open_connection(*address)
        await asyncio.wait_for(sinks.only.over.wait(), 2)
        await until(lambda: not engine._listeners[0].busy)
        engine.open(tcp(server))
        assert len(engine._listeners) == 1  # the finished one is forgotten


@on_loop
async def test_a_held_direction_is_forwarded_as_the_sink_says() -> None:
    async with (
        tcp_server() as server,
        running(Memories(Holder)) as engine,
        client_of(engine.open(tcp(server))) as (reader, writer),
    ):
        for part in (b"hel", b"lo\nwor", b"ld\n"):
            writer.write(part)
            await writer.drain()
        assert await reader.readline() == b"HELLO\n"
        assert await reader.readline() == b"WORLD\n"


@on_loop
async def test_what_is_kept_back_goes_on_after_a_quarter_of_a_second() -> None:
    async with (
        tcp_server() as server,
        running(Memories(Holder)) as engine,
        client_of(engine.open(tcp(server))) as (reader, writer),
    ):
        loop = asyncio.get_running_loop()
        start = loop.time()
        writer.write(b"no line")
        assert await asyncio.wait_for(reader.readexactly(7), 2) == b"no line"
        assert 0.45 <= loop.time() - start < 1.5  # held on the way there and back


@on_loop
async def test_what_is_kept_back_goes_on_at_a_mebibyte_and_at_the_end() -> None:
    sinks = Memories(Holder)
    heard = asyncio.get_running_loop().create_future()

    async def read_all(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        first = await reader.readexactly(HOLD_LIMIT)
        heard.set_result((first, await reader.read()))

    async with (
        tcp_server(read_all) as server,
        running(sinks) as engine,
        client_of(engine.open(tcp(server))) as (_, writer),
    ):
        writer.write(b"x" * HOLD_LIMIT)
        await writer.drain()
        await until(lambda: bool(sinks.flows) and not sinks.only.pending(UP))
        writer.write(b"tail")
        writer.write_eof()
        first, rest = await asyncio.wait_for(heard, 3)
    assert first == b"x" * HOLD_LIMIT
    assert rest.endswith(b"tail")
    assert sinks.only.ends[0] is UP


@on_loop
async def test_a_sink_that_fails_does_not_end_the_flow(capsys: pytest.CaptureFixture[str]) -> None:
    class Broken(Memory):
        def seen(self, direction: Direction, data: bytes) -> None:
            raise ZeroDivisionError("a defect")

    sinks = Memories(Broken)
    async with tcp_server() as server, running(sinks) as engine:
        async with client_of(engine.open(tcp(server))) as (reader, writer):
            for _ in range(3):
                writer.write(b"abc")
                assert await reader.readexactly(3) == b"abc"
        await asyncio.wait_for(sinks.only.over.wait(), 2)
    assert sinks.only.kinds() == ["defect"]
    assert "ZeroDivisionError" in capsys.readouterr().err


@on_loop
async def test_a_broken_holder_gives_back_what_it_kept(capsys: pytest.CaptureFixture[str]) -> None:
    class Broken(Holder):
        def through(self, direction: Direction, data: bytes) -> list[bytes]:
            if data.startswith(b"!"):
                raise ZeroDivisionError("a defect")
            return super().through(direction, data)

    async with (
        tcp_server() as server,
        running(Memories(Broken)) as engine,
        client_of(engine.open(tcp(server))) as (reader, writer),
    ):
        writer.write(b"kept")
        await asyncio.sleep(0.05)
        writer.write(b"!and more")
        assert await asyncio.wait_for(reader.readexactly(13), 2) == b"kept!and more"
    assert "a sink failed" in capsys.readouterr().err


@on_loop
async def test_reading_pauses_while_the_store_is_congested() -> None:
    sinks = Memories()
    async with (
        tcp_server() as server,
        running(sinks) as engine,
        client_of(engine.open(tcp(server))) as (reader, writer),
    ):
        sinks.congested = True
        writer.write(b"one")
        await until(lambda: bool(sinks.flows) and sinks.only.bytes(UP) == b"one")
        writer.write(b"two")
        await asyncio.sleep(0.05)
        assert sinks.only.bytes(UP) == b"one"
        sinks.congested = False
        thread = threading.Thread(target=engine.relieve)
        thread.start()
        assert await asyncio.wait_for(reader.readexactly(6), 2) == b"onetwo"
        thread.join()


@on_loop
async def test_a_stand_in_greets_and_answers_without_a_server() -> None:
    sinks = Memories(StandIn)
    async with running(sinks) as engine:
        async with client_of(engine.open(tcp(None))) as (reader, writer):
            assert await reader.readexactly(5) == b"hello"
            writer.write(b"a question")
            assert await reader.readexactly(20) == b"answer to a question"
        await asyncio.wait_for(sinks.only.over.wait(), 2)
    assert sinks.only.server is None


@on_loop
async def test_a_stand_in_takes_over_when_the_server_refuses() -> None:
    sinks = Memories(StandIn)
    async with (
        running(sinks) as engine,
        client_of(engine.open(tcp(closed_port()))) as (reader, writer),
    ):
        assert await reader.readexactly(5) == b"hello"
        writer.write(b"q")
        assert await reader.readexactly(11) == b"answer to q"
    assert sinks.only.kinds() == ["refused"]
    assert sinks.only.reasons == ["client closed"]


@on_loop
async def test_a_pipe_can_send_both_ways_and_close() -> None:
    sinks = Memories(StandIn)
    async with (
        tcp_server() as server,
        running(sinks) as engine,
        client_of(engine.open(tcp(server))) as (reader, _),
    ):
        assert await reader.readexactly(5) == b"hello"
        flow = sinks.only
        assert isinstance(flow, StandIn)
        assert flow.pipe is not None
        flow.pipe.send(UP, b"inserted")
        # the echo of what was inserted, and what the sink says to it
        assert len(await reader.readexactly(8 + len(b"answer to inserted"))) == 26
        flow.pipe.close("told to")
        assert await asyncio.wait_for(reader.read(), 2) == b""
        flow.pipe.send(DOWN, b"too late")
        flow.pipe.close("twice")
    assert sinks.only.reasons == ["told to"]
    assert sinks.only.bytes(UP) == b""


@on_loop
async def test_many_clients_at_once() -> None:
    sinks = Memories()
    async with tcp_server() as server, running(sinks) as engine:
        address = engine.open(tcp(server))

        async def talk(number: int) -> None:
            async with client_of(address) as (reader, writer):
                for turn in range(5):
                    line = b"%d.%d\n" % (number, turn)
                    writer.write(line)
                    assert await reader.readline() == line

        await asyncio.gather(*(talk(number) for number in range(100)))
        await until(lambda: all(flow.reasons for flow in sinks.flows))
        assert engine.flows() == []
    assert len(sinks.flows) == 100
    assert all(flow.reasons == ["client closed"] for flow in sinks.flows)


@on_loop
async def test_stopping_tells_the_sinks_and_delivers_what_was_kept() -> None:
    sinks = Memories(Holder)
    got = asyncio.get_running_loop().create_future()

    async def read_all(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        got.set_result(await reader.read())

    async with tcp_server(read_all) as server:
        async with running(sinks) as engine:
            reader, writer = await asyncio.open_connection(*engine.open(tcp(server)))
            writer.write(b"part")
            await until(lambda: bool(sinks.flows) and sinks.only.pending(UP) == 4)
        assert await asyncio.wait_for(got, 2) == b"part"
        assert await reader.read() == b""
        writer.close()
    assert sinks.only.reasons == ["stopped"]


@pytest.mark.parametrize(
    ("host", "port", "words"),
    [
        ("192.0.2.1", 0, "is no address of this machine"),
        ("nowhere.example", 0, "is no address to listen on"),
        (LOOPBACK, 70000, "is no port"),
    ],
)
@on_loop
async def test_what_cannot_be_bound_is_said_with_its_cure(host: str, port: int, words: str) -> None:
    async with running(Memories()) as engine:
        with pytest.raises(UserError, match=words):
            engine.open(Listen("raw-tcp", Transport.TCP, host, port))


@on_loop
async def test_a_port_in_use_is_named() -> None:
    async with tcp_server() as server, running(Memories()) as engine:
        with pytest.raises(UserError, match=rf"tcp 127.0.0.1:{server[1]} is in use"):
            engine.open(Listen("raw-tcp", Transport.TCP, *server))
