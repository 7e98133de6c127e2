"""Jazz Jackrabbit 2 by rules through the real command: a game server and its list servers."""

from __future__ import annotations

import socket
import struct
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.replay.standin.rabbit import (
    CHAT,
    DISCONNECT,
    DOWNLOAD,
    FUR,
    JOINED,
    SERVER,
    Rabbit,
    Udp,
    datagram,
    packet,
)
from tests.replay.standin.test_serve_ea import unanswered
from tests.running import Command, connect, read_all, rows

FILE = "evening.understudy.db"
LISTS = ("binary list", "registration", "statistics", "text list", "message of the day")


class Warren:
    """`understudy serve jazz-jackrabbit-2`, and the rabbits that come."""

    def __init__(self, folder: Path, *arguments: str, source: str = "jazz-jackrabbit-2") -> None:
        self.folder = folder
        self.command = Command(
            folder,
            *("serve", source, "--relay", "jazz2:0", "--relay", "jazz2-list:0"),
            *("-w", FILE, *arguments),
        )
        ports = self.command.ready()
        assert ports["jazz2", "tcp"] == ports["jazz2", "udp"]
        self.port = ports["jazz2", "tcp"]
        lines = [line for line in self.command.lines if "jazz2-list tcp" in line]
        self.lists = {
            name: int(line.rpartition(":")[2]) for name, line in zip(LISTS, lines, strict=True)
        }
        self.rabbits: list[Rabbit] = []

    def rabbit(self, name: str) -> Rabbit:
        self.rabbits.append(Rabbit(self.port, name))
        return self.rabbits[-1]

    def told(self, name: str) -> bytes:
        """All that a list service says."""
        with connect(self.lists[name]) as sock:
            return read_all(sock)

    def end(self) -> None:
        for one in self.rabbits:
            one.close()
        assert self.command.stop() == 0, self.command.said()
        assert unanswered(self.folder) == []


@pytest.fixture
def warren(tmp_path: Path) -> Iterator[Warren]:
    warren = Warren(tmp_path, "--rule", "jazz2.name=Loop Stand")
    with warren.command:
        yield warren
        for one in warren.rabbits:
            one.close()


@pytest.fixture
def asker(warren: Warren) -> Iterator[Udp]:
    udp = Udp(warren.port)
    yield udp
    udp.close()


def test_ping_query_and_password(warren: Warren, asker: Udp) -> None:
    assert asker.ask(b"\x03\x07\xdd\x17\x04\x0024  ") == b"\x04\x07\xdd\x17\x04\x00\x02"
    assert asker.ask(b"\x03\x53GIP2") == b"\x04\x53GIP2\x02", "without a version, as list servers"
    reply = asker.ask(b"\x05\x09")
    assert reply[:2] == b"\x06\x09"
    assert reply[6:] == b"24  \x01\0\x02\x20\x0aLoop Stand\0"
    for index in range(256):  # whatever the sums look like
        assert asker.ask(bytes([5, index]))[:2] == bytes([6, index])
    plus = asker.ask(b"\x05\x09\x01")
    assert plus[6:25] == b"24  \x01\x01\x02\x20\x0aLoop Stand"
    assert plus[25:] == b"\0\0\x0a\0\0\0\0Host\0\0\0battle1.j2l\0"
    assert asker.ask(b"\x0a\x03sex") == b"\x0b\x01"
    warren.end()


def test_one_joins_chats_and_leaves_while_another_watches(warren: Warren, asker: Udp) -> None:
    alice, bob = warren.rabbit("alice"), warren.rabbit("bob")
    assert [one[2] for one in alice.join()] == ["Host", "alice"]
    assert [one[2] for one in bob.join()] == ["Host", "alice", "bob"]
    assert alice.socket != bob.socket
    came = alice.next(JOINED)
    assert (came[0], came[1], came[2]) == (bob.socket, 1, bob.player)
    assert came[8:] == b"bob\0"
    assert asker.ask(b"\x05\x01")[10] == 3
    bob.chat("hello")
    assert alice.next(CHAT) == bytes([bob.socket, 0x20]) + b"hello"
    bob.chat("in the long form", long=True)
    assert alice.next(CHAT)[2:] == b"in the long form"
    alice.send(CHAT, bytes([0x10 | 7, 0]) + b"not seven")
    assert bob.next(CHAT) == bytes([0x10 | alice.socket, 0]) + b"not seven"
    bob.close()
    left = alice.next(DISCONNECT)
    assert left == bytes([7, bob.socket]) + b"24  "
    assert asker.ask(b"\x05\x01")[10] == 2
    warren.end()


def test_heartbeats_in_both_forms(warren: Warren) -> None:
    alice = warren.rabbit("alice")
    alice.join()
    beat = alice.udp.next(9)  # to the port of the join request, before we said anything from it
    assert len(beat) == 7
    assert beat[2] == 0
    alice.udp.send(b"\x09\x01\0" + beat[3:])
    alice.udp.send(b"\x01\0\x01\xb6\0\0\0\x80\0\0\x1e\x01\0\0")
    alice.udp.send(b"\x09\x6c")
    while len(beat := alice.udp.next(9)) != 2:
        pass
    assert alice.udp.next(9)[3:] != b""
    warren.end()


@pytest.mark.parametrize(
    ("sent", "reason"),
    [
        (packet(0x0F, b"\x01\x0020  \x01"), 2),
        (packet(0x0E, b"\x00"), 4),
        (b"\x01\x01", 4),
        (packet(DOWNLOAD, b"castle1.j2l"), 6),
        (packet(0x0F, b"\x01\x0024  \xff"), 1),
    ],
    ids=["version", "details first", "impossible length", "level", "too many"],
)
def test_refusals(warren: Warren, sent: bytes, reason: int) -> None:
    watcher, rude = warren.rabbit("watcher"), warren.rabbit("rude")
    watcher.join()
    rude.tcp.sendall(sent)
    assert rude.next(DISCONNECT) == bytes([reason, 0xFF]) + b"24  "
    assert rude.ended()
    other = warren.rabbit("other")
    other.join()
    other.chat("still here")
    assert watcher.next(CHAT)[2:] == b"still here"
    warren.end()


DATAGRAMS = {
    "nothing": b"",
    "too short": b"\0",
    "a wrong first sum": b"\x00\x0e\x05\x01",
    "a wrong second sum": b"\x07\xff\x05\x01",
    "sums the other way round": b"\x0f\x08\x05\x01",
    "half a ping": datagram(b"\x03\x01"),
    "an unknown id": datagram(b"\x63" * 900),
    "a password longer than it is": datagram(b"\x0a\xffabc"),
    "half a heartbeat": datagram(b"\x09"),
    "a state of 60,000 bytes": datagram(b"\x01" + bytes(60_000)),
    "what a server says": datagram(b"\x06\x01" + bytes(20)),
}
PACKETS = {
    "a length of one": b"\x01\x01",
    "more details than there are": packet(0x0E, b"\xff\0\1"),
    "names that do not end": packet(0x0E, b"\1\0\1" + FUR + b"x" * 200),
    "half a request": packet(0x0F, b"\1"),
    "what a server says": packet(0x10, b"\0" * 20),
    "letters": b"GET / HTTP/1.0\r\n\r\n",
    "a long line": packet(CHAT, b"\0\0" + b"x" * 60_000, long=True),
}


def test_whatever_one_sends_nobody_else_is_disturbed(warren: Warren, asker: Udp) -> None:
    """Wrong sums are dropped, a stream that cannot be cut ends; all of it is recorded."""
    alice, bob = warren.rabbit("alice"), warren.rabbit("bob")
    alice.join()
    bob.join()
    for junk in DATAGRAMS.values():
        asker.socket.sendto(junk, asker.server)
        bob.udp.socket.sendto(junk, asker.server)  # from somebody who plays
    for sent in PACKETS.values():
        rude = warren.rabbit("rude")
        rude.tcp.sendall(sent)
        rude.tcp.shutdown(socket.SHUT_WR)
        rude.ended()
    half = warren.rabbit("half")  # a length that never comes
    half.tcp.sendall(b"\0\xff\xff\x1b\0\0")
    loud = warren.rabbit("loud")
    loud.join()
    loud.chat("x" * 60_000, long=True)
    line = alice.next(CHAT)
    assert line == bytes([loud.socket, 0x20]) + b"x" * 240
    bob.chat("still here")
    assert alice.next(CHAT) == bytes([bob.socket, 0x20]) + b"still here"
    asker.send(b"\x05\x07")
    assert asker.next(6)[:2] == b"\x06\x07"
    half.tcp.close()
    warren.end()
    recorded = rows(warren.folder / FILE, "SELECT raw FROM frames WHERE direction = 'c>s'")
    seen = {bytes(row["raw"]) for row in recorded}
    stream = b"".join(bytes(row["raw"]) for row in recorded)
    assert not [name for name, junk in DATAGRAMS.items() if junk not in seen]
    assert not [name for name, sent in PACKETS.items() if sent not in stream]
    assert not rows(warren.folder / FILE, "SELECT 1 FROM events WHERE kind = 'defect'")


def test_a_private_server_wants_the_password(tmp_path: Path) -> None:
    warren = Warren(tmp_path, "--rule", "jazz2.password=sex")
    with warren.command:
        alice = warren.rabbit("alice")
        assert alice.udp.ask(b"\x03\x01abcd")[-1] == 0x22
        assert alice.udp.ask(b"\x05\x01\x01")[-2:] == b"\0\x01", "it does not say more"
        assert alice.udp.ask(b"\x0a\x02no") == b"\x0b\0"
        refused = warren.rabbit("early")
        refused.request()
        assert refused.next(DISCONNECT)[0] == 4
        assert alice.udp.ask(bytes.fromhex("0a03736578")) == b"\x0b\x01"
        alice.join()
        warren.end()


def test_the_fifteenth_socket_is_the_last(warren: Warren) -> None:
    for number in range(15):
        warren.rabbit(f"rabbit {number}").join()
    late = warren.rabbit("late")
    late.request()
    assert late.next(DISCONNECT)[:2] == b"\x01\xff"
    warren.rabbits[3].close()
    warren.rabbits[0].next(DISCONNECT)
    again = warren.rabbit("again")
    again.join()
    assert again.socket == 4
    warren.end()


def binary(told: bytes) -> list[tuple[str, int, str]]:
    """Host, port and name of each entry."""
    assert told[:7] == b"\x07LIST\x01\x01"
    found, at = [], 7
    while at < len(told):
        entry = told[at : at + told[at]]
        host = ".".join(str(one) for one in reversed(entry[1:5]))
        found.append((host, struct.unpack("<H", entry[5:7])[0], entry[7:].decode()))
        at += told[at]
    return found


def test_who_registers_is_in_both_lists(warren: Warren) -> None:
    own = ("127.0.0.1", warren.port, "Loop Stand")
    assert binary(warren.told("binary list")) == [own]
    record = struct.pack("<H33sBBB4s", 10052, b"test", 1, 12, 4, b"24  ")
    with connect(warren.lists["registration"]) as server:
        server.sendall(record + b"\0\3" + b"\4\1")
        for _ in range(200):
            told = warren.told("text list").decode()
            if "[3/12]" in told and " private " in told:
                break
        mine, other, end = told.split("\r\n")
        assert end == ""
        assert mine.startswith(f"127.0.0.1:{warren.port} local public battle 1.24   ")
        assert mine.endswith("[1/32] Loop Stand")
        assert other.startswith("127.0.0.1:10052 local private treasure 1.24   ")
        assert other.endswith(" [3/12] test")
        assert binary(warren.told("binary list")) == [own, ("127.0.0.1", 10052, "test")]
        assert warren.told("statistics") == b"2 servers, 4 players\r\n"
    for _ in range(200):
        if binary(warren.told("binary list")) == [own]:
            break
    assert binary(warren.told("binary list")) == [own], "who goes is not listed"
    assert warren.told("message of the day").endswith(b"\r\n")
    with connect(warren.lists["registration"]) as rude:
        rude.sendall(b"\x01" * 42 + b"\x77")
        assert read_all(rude).endswith(b"that is no registration /!\\\r\n")
    warren.end()


def test_a_join_is_answered_with_a_socket(warren: Warren) -> None:
    alice = warren.rabbit("alice")
    alice.request(b"21  ")
    told = alice.next(SERVER)
    assert told[:3] == bytes([1, 1, 11])
    assert told[3:14] == b"battle1.j2l"
    warren.end()
