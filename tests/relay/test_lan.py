"""LAN broadcasts between two networks, real ones; and what keeps them from going in circles."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from proxy.relay.lan import ANYWHERE, Echoes, networks, targets
from tests.netns import CLIENT, PROXY, SERVER, Net, echo, needs_netns, three_hosts
from tests.relay.test_udp import Clock
from tests.running import Command, rows


@pytest.fixture
def net() -> Iterator[Net]:
    with three_hosts() as net:
        yield net


@needs_netns()
def test_a_broadcast_reaches_the_other_network_and_who_answers_is_relayed(
    net: Net, tmp_path: Path
) -> None:
    games = [net.server.udp("0.0.0.0", 7777), net.server.udp(SERVER, 9999)]
    for sock in games:
        echo(sock)
    arguments = ["record", "-w", "f.understudy.db", "--listen-host", "0.0.0.0", "--lan"]
    arguments += ["--relay", f"raw-udp:7777={SERVER}:9999"]
    with Command(tmp_path, *arguments, under=net.proxy.under) as command:
        command.until(lambda line: line == "ready")
        with net.client.udp() as player:
            player.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
            before = net.proxy.packets("outside")
            player.sendto(b"who is there?", (ANYWHERE, 7777))
            answers = [player.recvfrom(100) for _ in range(2)]
            assert {data for data, _ in answers} == {b"WHO IS THERE?"}
            ports = {host_port for _, host_port in answers}
            assert {host for host, _ in ports} == {PROXY}
            ((_, other),) = [one for one in ports if one[1] != 7777]
            player.sendto(b"may i join?", (PROXY, other))
            assert player.recvfrom(100) == (b"MAY I JOIN?", (PROXY, other))
            assert net.proxy.packets("outside") - before < 12
        assert command.stop() == 0, command.said()
    flows = rows(tmp_path / "f.understudy.db", "SELECT client, server, frames FROM flows")
    assert {row["client"].rpartition(":")[0] for row in flows} == {CLIENT}
    assert {row["server"] for row in flows} == {f"{SERVER}:9999", f"{SERVER}:7777"}
    assert sum(row["frames"] for row in flows) == 5


def test_it_needs_a_listener_on_all_addresses(tmp_path: Path) -> None:
    with Command(tmp_path, "record", "--lan", "--relay", "raw-udp:0=127.0.0.1:9") as command:
        assert command.wait() == 1
        assert "add --listen-host 0.0.0.0" in command.said()


@needs_netns()
def test_only_networks_that_the_client_is_not_on_are_told(net: Net) -> None:
    assert {str(network) for network, _ in net.proxy.inside(networks)} == {
        "10.77.1.0/24",
        "10.77.2.0/24",
    }
    server = ("203.0.113.5", 7)
    assert net.proxy.inside(targets, CLIENT, 7, server) == [("10.77.2.255", 7), server]
    assert net.proxy.inside(targets, SERVER, 7, None) == [("10.77.1.255", 7)]


def test_the_same_bytes_from_another_sender_at_once_are_an_echo() -> None:
    clock = Clock()
    echoes = Echoes(clock)
    assert not echoes.is_one(b"query", "192.0.2.1")
    assert not echoes.is_one(b"query", "192.0.2.1")
    assert echoes.is_one(b"query", "192.0.2.2")
    assert not echoes.is_one(b"other", "192.0.2.2")
    clock.now += 0.2
    assert not echoes.is_one(b"query", "192.0.2.2")
    for number in range(1000):
        echoes.is_one(b"%d" % number, "192.0.2.3")
    assert not echoes.is_one(b"query", "192.0.2.4")
