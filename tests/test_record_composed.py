"""Redirects, mutation rules and faults on one flow: each does its part, in that order."""

from __future__ import annotations

import socket
import threading
import time
from pathlib import Path

from tests.running import PATIENCE, Command, rows

RULES = """
[[rule]]
filter = "~k HELLOD00D"
duplicate = 1
"""


def test_a_redirected_and_mutated_datagram_is_late_as_well(tmp_path: Path) -> None:
    """The announced port is ours, the rule's copy comes too, and both a tenth of a second later."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
        server.bind(("127.0.0.1", 0))
        server.settimeout(PATIENCE)

        def answer() -> None:
            asked, peer = server.recvfrom(100)
            assert asked == b"HELLO0.83\0"
            server.sendto(b"HELLOD00D4567\0", peer)

        thread = threading.Thread(target=answer)
        thread.start()
        (tmp_path / "rules.toml").write_text(RULES, "utf-8")
        port = server.getsockname()[1]
        arguments = ["record", "-q", "-w", "f.understudy.db", "--rules", "rules.toml"]
        arguments += ["--relay", f"kaillera:0=127.0.0.1:{port}", "--fault", "latency:100ms@s>c"]
        with (
            Command(tmp_path, *arguments) as command,
            socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client,
        ):
            client.settimeout(PATIENCE)
            client.connect(("127.0.0.1", command.ready()["kaillera", "udp"]))
            begun = time.monotonic()
            client.send(b"HELLO0.83\0")
            answers = [client.recv(100) for _ in range(2)]
            assert time.monotonic() - begun >= 0.095
            assert answers[0] == answers[1]
            told = int(answers[0].removeprefix(b"HELLOD00D").rstrip(b"\0"))
            assert told not in (0, 4567)
            assert command.stop() == 0, command.said()
        thread.join(PATIENCE)
    file = tmp_path / "f.understudy.db"
    sql = "SELECT raw, sent, action FROM frames WHERE direction = 's>c' ORDER BY id"
    assert [tuple(row) for row in rows(file, sql)] == [
        (b"HELLOD00D4567\0", answers[0], "changed"),
        (None, answers[0], "duplicated"),
    ]
    said = [row["detail"] for row in rows(file, "SELECT detail FROM events WHERE kind = 'fault'")]
    assert said == ["latency: 100.0 ms"] * 2
