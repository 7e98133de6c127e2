"""Captures of games, and what becomes of them."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path as File
from typing import Any

from click.testing import CliRunner, Result

import understudy
from recordings.captures.synthetic import Connection, Path
from tests.recordings.captures.making import AT, ea, pcap
from tests.recordings.making import rows

HOST = "192.0.2.2"
DIRECTORY, LOBBY = ("203.0.113.9", 10_600), ("203.0.113.9", 10_601)
SECOND = 1_000_000


def run(*words: object) -> Result:
    """The command, in this process."""
    return CliRunner().invoke(understudy.cli, [str(word) for word in words])


class Tape:
    """Packets, a second apart."""

    def __init__(self) -> None:
        self.packets: list[tuple[int, bytes]] = []
        self.at = AT

    def add(self, packets: Iterable[bytes]) -> None:
        for packet in packets:
            self.at += SECOND
            self.packets.append((self.at, packet))

    def write(self, folder: File, name: str = "tape.pcap") -> File:
        path = folder / name
        path.write_bytes(pcap(self.packets))
        return path


def directory_and_lobby(tape: Tape, client: str = HOST, lobby_port: int = 10_999) -> None:
    """An EA client asks the directory, is sent to a lobby and greets it."""
    first = Connection((client, 4000), DIRECTORY, 7)
    tape.add(first.greeting())
    tape.add(first.data(0, ea("@dir", "PROD=NASCAR-PS2-2004\n")))
    text = f"ADDR={LOBBY[0]}\nPORT={lobby_port}\nSESS=7\nMASK=33\n"
    tape.add(first.data(1, ea("@dir", text)))
    tape.add(first.ending("closed"))
    second = Connection((client, 4001), (LOBBY[0], lobby_port), 9)
    tape.add(second.greeting())
    tape.add(second.data(0, ea("addr", "ADDR=192.0.2.2\nPORT=4001\n")))
    tape.add(second.data(1, ea("~png", "REF=1\n")))
    tape.add(second.ending("closed"))


def dns_answer(name: str, host: str) -> bytes:
    """An answer of a name server to who asked for an address."""
    labels = b"".join(bytes([len(one)]) + one.encode() for one in name.split(".")) + b"\0"
    address = bytes(map(int, host.split(".")))
    head = bytes.fromhex("1234 8180 0001 0001 0000 0000")
    record = b"\xc0\x0c" + bytes.fromhex("0001 0001 0000003c 0004") + address
    payload = head + labels + bytes.fromhex("0001 0001") + record
    return Path(("192.0.2.1", 53), (HOST, 5353)).datagram(payload)


def imported(tape: Tape | File, folder: File, *words: object, out: str = "out") -> File:
    """The recording of a capture."""
    path = tape.write(folder) if isinstance(tape, Tape) else tape
    recording = folder / f"{out}.understudy.db"
    done = run("import", path, "-w", recording, *words)
    assert done.exit_code == 0, (done.output, done.exception)
    return recording


def flows(path: File) -> list[tuple[Any, ...]]:
    """Protocol, client, server, session of each flow."""
    return rows(path, "SELECT protocol, client, server, session_id FROM flows ORDER BY id")
