"""`record --rotate` while a game goes on: every datagram and byte is in one of the files, once."""

from __future__ import annotations

import socket
import time
from pathlib import Path

from tests.running import PATIENCE, Command, echoing_datagrams, rows


def test_nothing_is_lost_and_the_session_goes_on(tmp_path: Path) -> None:
    with echoing_datagrams() as server:
        arguments = ["record", "-q", "-w", "f.understudy.db", "--rotate", "0.6s"]
        arguments += ["--relay", f"raw-udp:0=127.0.0.1:{server}"]
        with Command(tmp_path, *arguments) as command:
            port = command.ready()["raw-udp", "udp"]
            sent: list[bytes] = []
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
                sock.connect(("127.0.0.1", port))
                sock.settimeout(PATIENCE)
                end = time.monotonic() + 3.5
                while time.monotonic() < end:
                    sent.append(b"%d" % len(sent))
                    sock.send(sent[-1])
                    assert sock.recv(100) == sent[-1]
            assert command.stop() == 0, command.said()
    files = sorted(tmp_path.glob("f*.understudy.db"), key=lambda path: (len(path.name), path.name))
    assert len(files) >= 2
    up = "SELECT raw FROM frames WHERE direction = 'c>s' ORDER BY number"
    assert [row["raw"] for file in files for row in rows(file, up)] == sent
    numbers = [row["number"] for file in files for row in rows(file, "SELECT number FROM frames")]
    assert numbers == list(range(1, 2 * len(sent) + 1))
    assert (
        len({row["uid"] for file in files for row in rows(file, "SELECT uid FROM sessions")}) == 1
    )
    assert not list(tmp_path.glob("*-wal"))
