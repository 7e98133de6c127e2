"""Clients that connect as fast as they can, peers that are dead, and what is left afterwards."""

from __future__ import annotations

import asyncio
import errno
import gc
import os
import socket
import sys
import warnings
from pathlib import Path
from typing import Any

import pytest

from proxy.relay import tcp as tcp_flows
from proxy.relay import tcp_listener
from proxy.relay.sockets import Outward
from proxy.relay.tcp import TcpFlow
from proxy.relay.udp_endpoint import Endpoint
from recordings.model import Transport
from tests.relay import harness
from tests.relay.harness import (
    Datagrams,
    Memories,
    client_of,
    on_loop,
    running,
    tcp_server,
    until,
)


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux has 127.0.0.2 without being told")
@on_loop
async def test_one_address_cannot_take_all_connections(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tcp_listener, "MAX_FLOWS_PER_CLIENT", 20)
    said: list[tuple[str, str]] = []
    sinks = Memories()
    loop = asyncio.get_running_loop()
    notices = {"on_notice": lambda *what: said.append(what)}
    async with tcp_server() as server, running(sinks, **notices) as engine:
        address = engine.open(harness.tcp(server))
        sockets = []
        for _ in range(60):
            sock = socket.socket()
            sock.setblocking(False)
            sock.bind(("127.0.0.2", 0))
            await loop.sock_connect(sock, address)
            sockets.append(sock)
        await until(lambda: len(sinks.flows) == 20)
        async with client_of(address) as (reader, writer):
            writer.write(b"another player")
            assert await reader.readexactly(14) == b"another player"
        for sock in sockets:
            sock.close()
        await until(lambda: len(engine.flows()) == 0)
        await until(lambda: len(said) == 2)
    assert "127.0.0.2 is turned away" in said[0][1]
    assert said[1][1].endswith(": 39 more")


@on_loop
async def test_dead_peers_do_not_hold_up_others() -> None:
    over, gone = asyncio.Event(), asyncio.Event()

    async def deaf(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await over.wait()
        writer.transport.abort()
        gone.set()

    async with tcp_server(deaf) as dead, tcp_server() as server, running(Memories()) as engine:
        to_dead, to_server = engine.open(harness.tcp(dead)), engine.open(harness.tcp(server))
        async with client_of(to_dead) as (_, stuck), client_of(to_server) as (reader, writer):
            stuck.write(bytes(32 << 20))
            await asyncio.sleep(0)
            for _ in range(50):
                writer.write(b"ping")
                assert await asyncio.wait_for(reader.readexactly(4), 1.0) == b"ping"
            stuck.transport.abort()
            over.set()
            await gone.wait()


def _files() -> int:
    return len(os.listdir("/proc/self/fd")) if Path("/proc/self/fd").is_dir() else 0


def _alive(*kinds: type) -> int:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)  # what tests before this one left open
        gc.collect()
    return sum(isinstance(one, kinds) for one in gc.get_objects())


@on_loop
async def test_short_connections_leave_nothing_behind() -> None:
    """The same for 10,000 of them is scripts/_soak.py."""
    sinks = Memories()
    async with tcp_server() as server, running(sinks) as engine:
        address = engine.open(harness.tcp(server))
        async with client_of(address) as (reader, writer):  # everything is loaded by now
            writer.write(b"x")
            await reader.readexactly(1)
        await until(lambda: not engine.flows())
        files, tasks = _files(), len(asyncio.all_tasks())
        for _ in range(300):
            async with client_of(address) as (reader, writer):
                writer.write(b"x")
                await reader.readexactly(1)
        await until(lambda: not engine._listeners[0].busy)
        await until(lambda: len(asyncio.all_tasks()) <= tasks)
        assert _files() <= files
        assert _alive(TcpFlow) == 0
        assert len(sinks.flows) == 301


@on_loop
async def test_short_udp_sessions_leave_nothing_behind() -> None:
    sinks = Memories()
    with Datagrams() as server:
        async with running(sinks, idle=lambda protocol: 0.05) as engine:
            address = engine.open(harness.udp(server.address))
            files = _files()
            for _ in range(50):
                with Datagrams(to=address) as client:
                    client.send(b"x")
                    await server.receive()
            listener = engine._listeners[0]
            engine.shut(listener.listen)
            await until(lambda: not engine.flows())
            await until(lambda: _alive(Endpoint) == 0)
            assert _files() <= files
    assert 40 <= len(sinks.flows) <= 50  # the system may give a port twice


@pytest.mark.parametrize("transport", list(Transport))
@on_loop
async def test_a_client_who_comes_when_files_have_run_out_is_served(
    transport: Transport, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Over UDP somebody silent makes room, and that is not the one who comes; over TCP it waits."""
    failures = [OSError(errno.EMFILE, "too many open files")] * 2
    connect, datagrams = Outward.connect, Outward.datagrams

    async def no_connection(*args: Any) -> None:
        if failures:
            raise failures.pop()
        await connect(*args)

    def no_socket(*args: Any, **named: Any) -> socket.socket:
        if len(failures) == 1:
            raise failures.pop()
        return datagrams(*args, **named)

    monkeypatch.setattr(tcp_flows, "FILES_CHECK", 0.01)
    monkeypatch.setattr(Outward, "connect", no_connection)
    monkeypatch.setattr(Outward, "datagrams", no_socket)
    sinks = Memories()
    if transport is Transport.TCP:
        async with (
            tcp_server() as server,
            running(sinks) as engine,
            client_of(engine.open(harness.tcp(server))) as (reader, writer),
        ):
            writer.write(b"x")
            assert await reader.readexactly(1) == b"x"
        assert not failures
        return
    with Datagrams() as server_socket:
        async with running(sinks) as engine:
            address = engine.open(harness.udp(server_socket.address))
            with Datagrams(to=address) as old, Datagrams(to=address) as new:
                old.send(b"old")
                assert (await server_socket.receive())[0] == b"old"
                failures.pop()  # the next one fails
                for _ in range(2):
                    new.send(b"new")
                    assert (await server_socket.receive())[0] == b"new"
    assert [flow.reasons for flow in sinks.flows] == [["too many clients"], ["stopped"]]
