"""`record --else serve`: the stand-in takes over when the server is absent or refuses."""

from __future__ import annotations

import socket
from pathlib import Path

from tests.replay.standin.console import Console
from tests.replay.standin.test_serve_ea import FILE
from tests.running import Command, rows


def closed_port() -> int:
    """A port where nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port: int = server.getsockname()[1]
        return port


def test_the_stand_in_takes_over_from_a_server_that_refuses(tmp_path: Path) -> None:
    with Command(
        tmp_path,
        *("record", "nascar-thunder-2004", "-w", FILE, "--else", "serve"),
        *("--upstream", f"127.0.0.1:{closed_port()}", "--relay", "ea-lobby:0", "--dns-port", "0"),
    ) as command:
        port = command.ready()["ea-lobby", "tcp"]
        alice, bob = Console("alice", port), Console("bobby", port)
        for one in (alice, bob):
            one.enter()
            one.move("East")
        alice.sees("bobby")
        alice.close()
        bob.close()
        assert command.stop() == 0, command.said()
        told = [line for line in command.lines if "the stand-in takes over" in line]
    assert len(told) == 1, "said once"
    sql = "SELECT count(*) AS n FROM events WHERE kind = 'stand-in'"
    assert rows(tmp_path / FILE, sql)[0]["n"] == 2, "recorded for each flow"


def test_a_name_that_is_gone_is_no_end(tmp_path: Path) -> None:
    (tmp_path / "hosts").write_text("127.0.0.1 ps2nascar04.ea.com\n", "utf-8")
    with Command(
        tmp_path,
        *("record", "nascar-thunder-2004", "-w", FILE, "--else", "serve"),
        *("--hosts-file", "hosts", "--relay", "ea-lobby:0", "--dns-port", "0", "-q"),
    ) as command:
        console = Console("alice", command.ready()["ea-lobby", "tcp"])
        console.enter()
        console.close()
        assert command.stop() == 0, command.said()


def test_a_silent_udp_server_is_taken_over_from(tmp_path: Path) -> None:
    silent = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    silent.bind(("127.0.0.1", 0))
    with (
        silent,
        Command(
            tmp_path,
            *("record", "--else", "serve", "-w", FILE),
            *("--relay", f"raw-udp:0=127.0.0.1:{silent.getsockname()[1]}"),
        ) as command,
    ):
        port = command.ready()["raw-udp", "udp"]
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
            client.sendto(b"anybody there", ("127.0.0.1", port))
            command.until(lambda line: "has not answered for 3 seconds" in line)
            assert "unanswered" in command.until(lambda line: "unanswered" in line)
        assert command.stop() == 0
