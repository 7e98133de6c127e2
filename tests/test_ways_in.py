"""The ways by which a game's traffic comes in, each with real hosts: client, proxy and server in
network namespaces, joined by cables of their own.
"""

from __future__ import annotations

import os
import socket
import struct
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.netns import CLIENT, PROXY, SERVER, Net, echo, needs_netns, three_hosts
from tests.running import ROOT, Command, rows
from tests.wireguard import Client, keys


@pytest.fixture
def net() -> Iterator[Net]:
    with three_hosts() as net:
        yield net


def _servers(net: Net, port: int = 27888) -> tuple[socket.socket, socket.socket]:
    tcp, udp = net.server.listen(SERVER, port), net.server.udp(SERVER, port)
    echo(tcp)
    echo(udp)
    return tcp, udp


def _talk_tcp(net: Net, host: str, port: int) -> None:
    with net.client.connect(host, port) as sock:
        for data in (b"hello", b"x" * 100_000):
            sock.sendall(data)
            answer = b""
            while len(answer) < len(data):
                chunk = sock.recv(65536)
                assert chunk, "the connection ended"
                answer += chunk
            assert answer == data.upper()


def _talk_udp(net: Net, host: str, port: int, sizes: tuple[int, ...] = (5, 1200)) -> None:
    with net.client.udp() as sock:
        for size in sizes:
            sock.sendto(b"y" * size, (host, port))
            assert sock.recvfrom(65536) == (b"Y" * size, (host, port))


def _flows(file: Path) -> set[tuple[str, str, str, str]]:
    """Protocol, transport, client's host, server."""
    sql = "SELECT protocol, transport, client, server FROM flows"
    return {
        (row["protocol"], row["transport"], row["client"].rpartition(":")[0], row["server"])
        for row in rows(file, sql)
    }


def _raw(file: Path, transport: str, direction: str) -> bytes:
    sql = (
        "SELECT raw FROM frames JOIN flows ON flows.id = flow_id WHERE transport = ?"
        " AND direction = ? ORDER BY frames.id"
    )
    return b"".join(row["raw"] for row in rows(file, sql, transport, direction))


@needs_netns("nft")
def test_transparent_tcp_and_udp(net: Net, tmp_path: Path) -> None:
    """A router in between, led by what scripts/redirect runs; told by the server's port."""
    kept = _servers(net), _servers(net, 9999)
    redirect = (sys.executable, str(ROOT / "scripts/redirect"))
    net.proxy.run(*redirect, "on", "--interface", "inside", "--yes")
    arguments = ["record", "-w", "f.understudy.db", "--mode", "transparent"]
    arguments += ["--listen-host", "0.0.0.0", "--relay", f"kaillera:0={SERVER}:27888"]
    with Command(tmp_path, *arguments, under=net.proxy.under) as command:
        command.ready()
        _talk_udp(net, SERVER, 27888)
        _talk_udp(net, SERVER, 9999, (0, 1, 65_507))
        _talk_tcp(net, SERVER, 9999)
        _talk_tcp(net, SERVER, 27888)
        with net.client.udp() as sock:  # nobody listens there
            sock.sendto(b"refused", (SERVER, 4))
            sock.sendto(b"refused again", (SERVER, 4))
        assert command.stop() == 0, command.said()
    assert "nothing was done" in net.proxy.run(*redirect, "off", input="n\n", check=False)
    assert "tproxy" in net.proxy.run("nft", "list", "ruleset")
    net.proxy.run(*redirect, "off", input="y\n")
    assert net.proxy.run("nft", "list", "ruleset") == ""
    assert "0x75" not in net.proxy.run("ip", "rule")
    file = tmp_path / "f.understudy.db"
    assert {
        ("kaillera", "udp", CLIENT, f"{SERVER}:27888"),
        ("raw-udp", "udp", CLIENT, f"{SERVER}:9999"),
        ("raw-tcp", "tcp", CLIENT, f"{SERVER}:9999"),
        ("raw-tcp", "tcp", CLIENT, f"{SERVER}:27888"),
    } <= _flows(file)
    assert _raw(file, "tcp", "c>s") == (b"hello" + b"x" * 100_000) * 2
    udp = _raw(file, "udp", "s>c")
    assert udp == b"Y" * (5 + 1200 + 1 + 65_507)
    assert "unreachable" in [row["kind"] for row in rows(file, "SELECT kind FROM events")]
    assert kept


@needs_netns()
@pytest.mark.skipif(not os.path.exists("/dev/net/tun"), reason="there is no /dev/net/tun")
def test_wireguard_tcp_udp_and_names(net: Net, tmp_path: Path) -> None:
    """A phone's tunnel, by a client of our own: real TCP and UDP of the kernel through it."""
    kept = _servers(net)
    config = tmp_path / "keys.conf"
    arguments = ["record", "-w", "f.understudy.db", "--mode", f"wireguard:{config}@51820"]
    arguments += ["--listen-host", "0.0.0.0", "--relay", f"kaillera:0={SERVER}:27888"]
    arguments += ["--dns", "game.example", "--dns-port", "0"]
    with Command(tmp_path, *arguments, under=net.proxy.under) as command:
        command.ready()
        told = (tmp_path / "wireguard-client.conf").read_text("utf-8")
        assert "Endpoint = 10.77.2.1:51820" in told
        with Client(net.client, (PROXY, 51820), *keys(config)):
            _talk_udp(net, SERVER, 27888)
            _talk_tcp(net, SERVER, 27888)
            with net.client.udp() as sock:
                name = b"\x04game\x07example\0"
                query = struct.pack("!6H", 7, 0x0100, 1, 0, 0, 0) + name + b"\0\1\0\1"
                sock.sendto(query, ("10.0.0.53", 53))
                assert sock.recv(512).endswith(socket.inet_aton(SERVER))
        assert command.stop() == 0, command.said()
    file = tmp_path / "f.understudy.db"
    assert _flows(file) == {
        ("kaillera", "udp", "10.0.0.1", f"{SERVER}:27888"),
        ("raw-tcp", "tcp", "10.0.0.1", f"{SERVER}:27888"),
    }
    assert _raw(file, "tcp", "s>c") == b"HELLO" + b"X" * 100_000
    assert _raw(file, "udp", "c>s") == b"y" * 1205
    assert kept


@needs_netns()
def test_names_are_told_apart_by_addresses_of_their_own(net: Net, tmp_path: Path) -> None:
    """Two services on one port: each has an address of ours, and our DNS tells which."""
    first, second = net.server.listen(SERVER, 7001), net.server.listen(SERVER, 7002)
    echo(first)
    echo(second)
    net.proxy.run("ip", "addr", "add", "10.77.1.11/24", "dev", "inside")
    arguments = ["record", "-w", "f.understudy.db", "--dns-port", "0", "--listen-host", "0.0.0.0"]
    arguments += ["--relay", f"raw-tcp:{PROXY}:7000={SERVER}:7001"]
    arguments += ["--relay", f"raw-tcp:10.77.1.11:7000={SERVER}:7002"]
    arguments += ["--dns", f"one.example={PROXY}", "--dns", "two.example=10.77.1.11"]
    with Command(tmp_path, *arguments, under=net.proxy.under) as command:
        dns = command.ready()["dns", "udp"]
        for label in (b"\x03one", b"\x03two"):
            with net.client.udp() as sock:
                query = struct.pack("!6H", 7, 0x0100, 1, 0, 0, 0) + label + b"\x07example\0"
                sock.sendto(query + b"\0\1\0\1", (PROXY, dns))
                address = socket.inet_ntoa(sock.recv(512)[-4:])
            _talk_tcp(net, address, 7000)
        assert command.stop() == 0, command.said()
    assert {server for *_, server in _flows(tmp_path / "f.understudy.db")} == {
        f"{SERVER}:7001",
        f"{SERVER}:7002",
    }
    first.close()
    second.close()
