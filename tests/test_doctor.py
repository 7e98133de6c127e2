"""`understudy doctor`: each line says ok or what to do; the rules are printed, not run."""

from __future__ import annotations

import os
import socket
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

import understudy
from proxy import nft
from proxy.commands import _machine as machine
from proxy.commands._network import card
from recordings.errors import UserError
from recordings.model import Transport
from tests.running import Command


def test_a_game_is_looked_at_and_the_addresses_are_told() -> None:
    result = CliRunner().invoke(
        understudy.cli, ["doctor", "kaillera", "--listen-host", "127.0.0.1"]
    )
    lines = result.output.splitlines()
    looked = [line for line in lines if line[:5] in ("ok   ", "todo ", "?    ")]
    assert len(looked) >= 8
    assert any(line.startswith("ok   python: 3.") for line in looked)
    assert any("27888/udp" in line for line in looked)
    cures = [line for line in lines if line.startswith("       -> ")]
    assert len(cures) == sum(line.startswith("todo") for line in looked)
    assert result.exit_code == (1 if cures else 0)
    assert "record kaillera --upstream SERVER" in result.output or "on no network" in result.output


def test_a_taken_port_names_who_has_it() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.bind(("127.0.0.1", 0))
        number = sock.getsockname()[1]
        finding = machine.port(Transport.UDP, "127.0.0.1", number, "kaillera")
    assert finding.todo
    if sys.platform == "linux":
        assert f"(process {os.getpid()})" in finding.text
    assert machine.port(Transport.UDP, "127.0.0.1", 0, "x").todo is None


def test_our_dns_is_asked_as_a_client_would(tmp_path: Path) -> None:
    arguments = ["record", "-w", "f.db", "--dns", "game.example", "--dns-port", "0"]
    with Command(tmp_path, *arguments, "--relay", "raw-udp:0=127.0.0.1:9") as command:
        port = command.ready()["dns", "udp"]
        assert machine.answer("game.example", "127.0.0.1", port) == "127.0.0.1"
        assert machine.answer("other.example", "127.0.0.1", port) == "no address"
        found = machine.dns("game.example", "127.0.0.1", port)
        assert (found.todo, "this machine" in found.text) == (None, True)
        assert machine.dns("other.example", "127.0.0.1", port).todo
        command.stop()
    assert machine.answer("game.example", "127.0.0.1", port) is None
    unknown = machine.dns("game.example", "127.0.0.1", port)
    assert (unknown.mark, unknown.todo) == ("?", None), "nobody knows whether it is well"
    assert (found.mark, machine.Finding("x", "y", "z").mark) == ("ok", "todo")


@pytest.mark.skipif(sys.platform != "linux", reason="nftables is Linux's")
def test_the_rules_are_printed_for_a_shell() -> None:
    arguments = ["doctor", "--fix-rules", "--interface", "lan0", "--client", "192.168.1.50"]
    output = CliRunner().invoke(understudy.cli, arguments).output
    assert 'iifname "lan0" ip saddr 192.168.1.50 fib daddr type !=' in output
    assert "tproxy to :8080 meta mark set 0x75 accept'" in output
    assert "ip route add local default dev lo table 117" in output
    assert "nft delete table ip understudy" in output


def test_rules_for_some_ports() -> None:
    text = nft.shown(nft.apply(nft.Way("lan0", 9000, ports=(27888, 53))))
    assert "tcp dport { 53, 27888 } redirect to :9000" in text
    assert "udp dport { 53, 27888 } tproxy to :9000" in text


def test_the_card_of_the_default_route(tmp_path: Path) -> None:
    table = tmp_path / "route"
    table.write_text("Iface Destination Gateway\nwg0 0001A8C0 0\nlan7 00000000 0101A8C0\n")
    assert card(table) == "lan7"
    table.write_text("Iface Destination Gateway\n")
    with pytest.raises(UserError, match="--interface"):
        card(table)


def test_what_is_wrong_is_said_with_the_cure(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(machine, "ROOM", 1 << 60)
    assert "free some space" in str(machine.disk(tmp_path).todo)
    monkeypatch.setattr(machine, "NOT_BEFORE", 9999)
    assert "set the clock" in str(machine.clock().todo)
    if sys.platform == "linux":
        ruleset = "chain input {\n type filter hook input priority filter; policy drop;\n}"
        monkeypatch.setattr(machine, "_said", lambda *words: ruleset)
        monkeypatch.setattr("shutil.which", lambda name: f"/sbin/{name}")
        assert "allow it" in str(machine.firewall().todo)
