"""`understudy record --rules`: frames changed on their way, over real sockets."""

from __future__ import annotations

import socket
from pathlib import Path

from tests.recordings.sample import ea
from tests.running import (
    PATIENCE,
    Command,
    connect,
    echoing_datagrams,
    read_all,
    read_exactly,
    rows,
    serving,
)

FILE = "r.understudy.db"


def record(folder: Path, relay: str, rules: str, *more: str) -> Command:
    (folder / "rules.toml").write_text(rules)
    return Command(folder, "record", "-w", FILE, "--relay", relay, "--rules", "rules.toml", *more)


def answer(connection: socket.socket) -> None:
    """A server that says who logged in, as it understood it."""
    login = read_exactly(connection, 12)
    body = read_exactly(connection, int.from_bytes(login[8:12], "big") - 12)
    connection.sendall(ea("auth", body.decode().rstrip("\0")))
    read_all(connection)


def test_a_field_is_set_on_its_way_and_both_are_recorded(tmp_path: Path) -> None:
    rules = '[[rule]]\nfilter = "~d up"\nset = { "auth.NAME" = "somebody" }\n'
    with serving(answer) as server:
        relay = f"ea-lobby:0=127.0.0.1:{server.port}"
        with record(tmp_path, relay, rules) as run, connect(run.ready()["ea-lobby", "tcp"]) as c:
            c.sendall(ea("auth", "NAME=alice\n"))
            wanted = ea("auth", "NAME=somebody\n")
            assert read_exactly(c, len(wanted)) == wanted
            c.close()
            assert run.stop() == 0
    up, down = rows(tmp_path / FILE, "SELECT raw, sent, action FROM frames ORDER BY id")
    assert tuple(up) == (ea("auth", "NAME=alice\n"), wanted, "changed")
    assert tuple(down) == (wanted, None, None)
    (event,) = rows(tmp_path / FILE, "SELECT frame_id, detail FROM events WHERE kind = 'mutation'")
    assert tuple(event) == (1, "rule 1: set NAME: 'alice' -> 'somebody'")


def test_datagrams_are_delayed_and_doubled(tmp_path: Path) -> None:
    rules = """
[[rule]]
filter = "~d up ~b first"
delay = 0.2
[[rule]]
filter = "~d up ~b second"
duplicate = 1
"""
    with echoing_datagrams() as port:
        relay = f"raw-udp:0=127.0.0.1:{port}"
        with record(tmp_path, relay, rules) as run:
            ours = run.ready()["raw-udp", "udp"]
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
                client.settimeout(PATIENCE)
                for data in (b"first", b"second"):
                    client.sendto(data, ("127.0.0.1", ours))
                got = [client.recv(100) for _ in range(3)]
            assert got == [b"SECOND", b"SECOND", b"FIRST"]
            assert run.stop() == 0
    found = rows(tmp_path / FILE, "SELECT raw, action FROM frames WHERE direction = 'c>s'")
    assert [tuple(row) for row in found] == [
        (b"first", "delayed"),
        (b"second", None),
        (None, "duplicated"),
    ]


def test_a_wrong_rule_is_said_before_anything_listens(tmp_path: Path) -> None:
    rules = '[[rule]]\nset = { "auth.NAM" = "x" }\n'
    with record(tmp_path, "ea-lobby:0=127.0.0.1:9", rules) as run:
        assert run.process.wait(PATIENCE) == 1
    assert "rules.toml, rule 1: auth has no field NAM; did you mean NAME?" in run.errors
    assert not (tmp_path / FILE).exists()
