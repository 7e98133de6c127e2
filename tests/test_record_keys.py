"""Keys that the user gives, frames that are swallowed, and protocols from a file of the user's."""

from __future__ import annotations

import socket
import struct
from pathlib import Path

import pytest

from tests.running import Command, connect, read_all, rows, serving

FILE = "r.understudy.db"
MASK = b"4294967295"
LOGIN = b"NAME=bob\nPASS=$3ec97dd5\n\0"  # ea-lobby 4.2: four letters under that mask

TELEGRAMS = '''
"""Telegrams: a length byte, then text."""

from proxy.dissector import StreamDissector
from proxy.message import Opaque
from proxy.protocol import Protocol
from recordings.model import Transport


class Telegram(Opaque):
    kind = "Telegram"

    def fields(self):
        return {"text": self.body[1:].decode("latin-1")}


class Telegrams(StreamDissector):
    def frame_length(self, direction, buffer, start):
        return 1 + buffer[start]


PROTOCOLS = (
    Protocol(
        name="telegrams",
        title="telegrams",
        transports=(Transport.TCP,),
        ports=(),
        make_dissector=Telegrams,
        view_frame=lambda frame: Telegram(frame.clear),
    ),
)
'''


def frame(kind: bytes, body: bytes) -> bytes:
    return kind + bytes(4) + struct.pack(">I", 12 + len(body)) + body


def echo(connection: socket.socket) -> None:
    connection.sendall(read_all(connection))


def recorded(folder: Path, protocol: str, data: bytes, *arguments: str) -> tuple[bytes, Command]:
    """Send data through the recorder to a server that sends all back; what came back."""
    with serving(echo) as server:
        relay = f"{protocol}:0=127.0.0.1:{server.port}"
        with Command(folder, "record", "-w", FILE, "--relay", relay, *arguments) as run:
            with connect(run.ready()[protocol, "tcp"]) as client:
                client.sendall(data)
                client.shutdown(socket.SHUT_WR)
                answer = read_all(client)
            assert run.stop() == 0
    return answer, run


@pytest.mark.parametrize("way", ["option", "file", "keys.toml"])
def test_a_password_is_clear_under_a_key_that_the_user_gives(tmp_path: Path, way: str) -> None:
    given = f"mask@up={MASK.hex()}"
    path = tmp_path / ("keys.toml" if way == "keys.toml" else "mine.toml")
    path.write_text(f'keys = ["{given}"]\n', "utf-8")
    arguments = {
        "option": ("--key", given),
        "file": ("--keys-file", str(path)),
        "keys.toml": (),
    }[way]
    recorded(tmp_path, "ea-lobby", frame(b"auth", LOGIN), *arguments)
    (login,) = rows(tmp_path / FILE, "SELECT * FROM frames WHERE direction = 'c>s'")
    assert login["cipher"] == "mask"
    assert b"PASS=$" in login["raw"]
    assert b"PASS=$" not in login["plain"]
    (key,) = rows(tmp_path / FILE, "SELECT * FROM keys")
    assert (key["cipher"], key["direction"], key["key"], key["source"]) == (
        "mask",
        "c>s",
        MASK,
        "given",
    )


def test_a_missing_key_is_said_once_and_nothing_is_lost(tmp_path: Path) -> None:
    data = frame(b"auth", LOGIN) * 2
    answer, run = recorded(tmp_path, "ea-lobby", data)
    assert answer == data
    events = rows(tmp_path / FILE, "SELECT * FROM events WHERE kind = 'key-missing'")
    assert len(events) == 1
    assert events[0]["detail"].startswith("auth.PASS: unknown: ")
    assert len([line for line in run.lines if "key-missing" in line]) == 1


def test_a_swallowed_tic_does_not_reach_the_server(tmp_path: Path) -> None:
    tic, directory = frame(b"@tic", b"RC4+MD5-V2\0"), frame(b"@dir", b"PROD=x\n\0")
    answer, _ = recorded(tmp_path, "ea-lobby", tic + directory, "--swallow-tic")
    assert answer == directory
    found = rows(tmp_path / FILE, "SELECT kind, raw, action FROM frames ORDER BY id LIMIT 2")
    assert [(row["kind"], row["raw"], row["action"]) for row in found] == [
        ("@tic", tic, "dropped"),
        ("@dir", directory, None),
    ]


def test_a_protocol_of_the_users_own(tmp_path: Path) -> None:
    path = tmp_path / "telegrams.py"
    path.write_text(TELEGRAMS, "utf-8")
    arguments = ("--protocol-file", str(path))
    answer, _ = recorded(tmp_path, "telegrams", b"\x05hello\x02yo", *arguments)
    assert answer == b"\x05hello\x02yo"
    found = rows(tmp_path / FILE, "SELECT kind, fields FROM frames WHERE direction = 'c>s'")
    assert [tuple(row) for row in found] == [
        ("Telegram", '{"text":"hello"}'),
        ("Telegram", '{"text":"yo"}'),
    ]


def test_a_protocol_file_with_a_defect_breaks_no_flow(tmp_path: Path) -> None:
    path = tmp_path / "telegrams.py"
    path.write_text(TELEGRAMS.replace("1 + buffer[start]", "buffer.nonsense"), "utf-8")
    answer, run = recorded(tmp_path, "telegrams", b"\x05hello", "--protocol-file", str(path))
    assert answer == b"\x05hello"
    (first, _) = rows(tmp_path / FILE, "SELECT raw, error FROM frames ORDER BY id")
    assert first["raw"] == b"\x05hello"
    assert "telegrams failed: AttributeError" in first["error"]
    assert "Traceback" not in run.errors


def test_a_protocol_file_that_is_none_is_said(tmp_path: Path) -> None:
    path = tmp_path / "broken.py"
    path.write_text("def broken(:\n", "utf-8")
    arguments = ("record", "--protocol-file", str(path), "--relay", "x:0=127.0.0.1:1")
    with Command(tmp_path, *arguments) as run:
        assert run.wait() == 1
    assert "cannot be used as a protocol file" in run.errors
    assert len(run.errors.strip().splitlines()) == 1
