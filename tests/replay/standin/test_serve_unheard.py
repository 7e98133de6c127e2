"""One datagram from an address that may be a lie does not call down a whole recording on it."""

from __future__ import annotations

import socket
from pathlib import Path

from recordings.model import Direction, Frame, Origin, Transport
from recordings.writer import Recording
from replay.standin.speech import UNHEARD_LIMIT
from tests.running import PATIENCE, Command, rows

AT = 1_795_000_000_000_000
SIZE, COUNT = 1000, 200


def long_speech(path: Path) -> Path:
    """A client that asked once, and a server that spoke for long."""
    with Recording.open(path) as recording:
        session = recording.add_session(
            game=None, client="192.0.2.1", origin=Origin.RECORD, note=None, at=AT
        )
        flow = recording.add_flow(
            session_id=session,
            protocol="raw-udp",
            transport=Transport.UDP,
            client="192.0.2.1:5000",
            server="203.0.113.9:4000",
            opened_at=AT,
        )
        recording.append(flow, Frame(Direction.TO_SERVER, AT, b"hello"))
        for number in range(COUNT):
            answer = number.to_bytes(2, "big") * (SIZE // 2)
            recording.append(flow, Frame(Direction.TO_CLIENT, AT + 1 + number, answer))
    return path


def test_a_client_that_is_silent_hears_so_much(tmp_path: Path) -> None:
    assert SIZE * COUNT > UNHEARD_LIMIT
    file = long_speech(tmp_path / "long.understudy.db")
    with Command(tmp_path, "serve", str(file), "--relay", "raw-udp:0", "-w", "out.db") as serving:
        port = serving.ready()["raw-udp", "udp"]
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
            client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
            client.settimeout(PATIENCE)
            client.connect(("127.0.0.1", port))
            client.send(b"hello")
            heard = [client.recv(65536)]
            while len(heard) < UNHEARD_LIMIT // SIZE:
                heard.append(client.recv(65536))
            client.send(b"hello")  # who speaks is there
            again = client.recv(65536)
        serving.stop()
    assert sum(map(len, heard)) <= UNHEARD_LIMIT
    assert again == heard[0]
    said = rows(tmp_path / "out.db", "SELECT detail FROM events WHERE kind = 'unheard'")
    assert said
    assert f"{UNHEARD_LIMIT} bytes" in said[0]["detail"]
