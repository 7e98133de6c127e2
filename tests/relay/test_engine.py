"""The engine's life: modes of mitmproxy, signals, threads, limits."""

from __future__ import annotations

import asyncio
import signal
import socket
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from proxy.relay import compat
from proxy.relay.engine import Engine
from proxy.relay.process import more_files
from proxy.relay.resolver import Resolver
from recordings.errors import UserError
from tests.relay.harness import (
    LOOPBACK,
    Datagrams,
    Memories,
    client_of,
    on_loop,
    running,
    tcp,
    tcp_server,
    udp,
)

HOME = Path(__file__).resolve().parent.parent.parent

RELAY = """
import asyncio, sys
from proxy.relay.engine import Engine
from tests.relay.harness import Memories, tcp, udp
server = ("127.0.0.1", int(sys.argv[1]))
sinks = Memories()
engine = Engine(sinks, on_ready=lambda: print("ready", flush=True))
print(engine.open(udp(server))[1], engine.open(tcp(None))[1], flush=True)
asyncio.run(engine.run())
print(len(sinks.flows), sorted({flow.reasons[0] for flow in sinks.flows}), flush=True)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no signals to send")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_it_cleanly_with_flows_alive(number: signal.Signals) -> None:
    with Datagrams() as server, socket.socket() as open_connection:
        server.sock.settimeout(5)
        child = subprocess.Popen(
            [sys.executable, "-X", "dev", "-W", "ignore", "-c", RELAY, str(server.address[1])],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            cwd=HOME,
        )
        try:
            assert child.stdout is not None
            ports = [int(port) for port in child.stdout.readline().split()]
            assert child.stdout.readline() == "ready\n"
            clients = [Datagrams(to=(LOOPBACK, ports[0])) for _ in range(5)]
            for client in clients:
                client.send(b"alive")
                assert server.sock.recvfrom(100)[0] == b"alive"
            open_connection.settimeout(5)
            open_connection.connect((LOOPBACK, ports[1]))
            open_connection.sendall(b"alive")
            child.send_signal(number)
            out, err = child.communicate(timeout=10)
        finally:
            child.kill()
            child.wait()
        for client in clients:
            client.sock.close()
    assert child.returncode == 0, err
    assert out in ("6 ['stopped']\n", "5 ['stopped']\n")  # the connection may not be accepted yet
    assert err == ""


@on_loop
async def test_it_can_be_stopped_from_another_thread_and_twice() -> None:
    ready = asyncio.Event()
    engine = Engine(Memories(), on_ready=ready.set)
    task = asyncio.create_task(engine.run())
    await ready.wait()
    for _ in range(2):
        thread = threading.Thread(target=engine.stop)
        thread.start()
        await asyncio.to_thread(thread.join)
    await task
    engine.stop()
    engine.relieve()


@on_loop
async def test_it_can_be_stopped_before_it_runs() -> None:
    engine = Engine(Memories())
    engine.open(tcp(None))
    engine.stop()
    await engine.run()
    assert engine.listeners() == []


@on_loop
async def test_cancelling_it_closes_everything() -> None:
    sinks = Memories()
    with Datagrams() as server:
        ready = asyncio.Event()
        engine = Engine(sinks, on_ready=ready.set)
        address = engine.open(udp(server.address))
        task = asyncio.create_task(engine.run())
        await ready.wait()
        with Datagrams(to=address) as client:
            client.send(b"x")
            await server.receive()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
    assert sinks.only.reasons == ["stopped"]


@on_loop
async def test_it_runs_again_after_another() -> None:
    for _ in range(3):
        async with (
            tcp_server() as server,
            running(Memories()) as engine,
            client_of(engine.open(tcp(server))) as (reader, writer),
        ):
            writer.write(b"again")
            assert await reader.readexactly(5) == b"again"


@on_loop
async def test_other_modes_of_mitmproxy_run_beside() -> None:
    async with running(Memories(), modes=["socks5@127.0.0.1:0"]) as engine:
        assert len(engine.listeners()) == 0


@on_loop
async def test_a_mode_that_cannot_start_is_said() -> None:
    with socket.socket() as taken:
        taken.bind((LOOPBACK, 0))
        taken.listen()
        port = taken.getsockname()[1]
        engine = Engine(Memories(), modes=[f"socks5@127.0.0.1:{port}"])
        with pytest.raises(UserError, match=r"socks5@127\.0\.0\.1"):
            await engine.run()
        engine = Engine(Memories(), modes=["no-such-mode"])
        with pytest.raises(UserError, match="no-such-mode"):
            await engine.run()


@on_loop
async def test_listings() -> None:
    sinks = Memories()
    with Datagrams() as server:
        async with running(sinks, resolver=Resolver()) as engine:
            listen = udp(server.address)
            address = engine.open(listen)
            with Datagrams(to=address) as client:
                client.send(b"x")
                await server.receive()
                assert engine.listeners() == [(listen, address)]
                (flow,) = engine.flows()
                assert (flow.listen, flow.client) == (listen, client.address)
                assert flow.server == server.address
    assert engine.listeners() == []
    assert engine.flows() == []


def test_mitmproxy_has_what_we_touch(monkeypatch: pytest.MonkeyPatch) -> None:
    compat.self_check()
    monkeypatch.delattr("mitmproxy.master.Master.shutdown")
    with pytest.raises(UserError, match=r"Master\.shutdown"):
        compat.self_check()


def test_the_limit_of_files_is_raised_as_far_as_allowed() -> None:
    resource = pytest.importorskip("resource", reason="this system has no such limit")
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(256, soft), hard))
        more_files()
        after = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
        assert after > 256 or after == hard
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
