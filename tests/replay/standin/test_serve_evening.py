"""One command for an evening: our DNS leads to every leg, and nothing else is answered."""

from __future__ import annotations

from pathlib import Path

from tests.replay.standin.console import Console
from tests.replay.standin.test_serve_ea import FILE
from tests.running import Command, rows
from tests.test_record_evening import ask_dns


def test_the_dns_leads_to_the_lobby(tmp_path: Path) -> None:
    words = ("--relay", "ea-lobby:0", "--dns-port", "0", "-q")
    with Command(tmp_path, "serve", "nascar-thunder-2004", "-w", FILE, *words) as command:
        ports = command.ready()
        assert ask_dns(ports["dns", "udp"], "ps2nascar04.ea.com") == ["127.0.0.1"]
        assert ask_dns(ports["dns", "udp"], "www.example.com") == []
        console = Console("alice", ports["ea-lobby", "tcp"])
        console.enter()
        console.close()
        assert command.stop() == 0, command.said()
        assert command.lines[-1].endswith("everything answered")
        assert not [line for line in command.lines if "flow" in line and "c>s" in line], "quiet"
    legs = rows(tmp_path / FILE, "SELECT parent_frame_id AS parent FROM flows ORDER BY id")
    assert [leg["parent"] is None for leg in legs] == [True, False, False]
