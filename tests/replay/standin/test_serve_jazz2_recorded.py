"""Recorded rabbits: as ghosts beside live ones, and as the recording that is the server."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from recordings.model import Direction, Transport
from tests.replay.servers import jazz2
from tests.replay.standin.rabbit import (
    CHAT,
    DISCONNECT,
    JOINED,
    LIST,
    LOADED,
    SERVER,
    START,
    Udp,
    entries,
)
from tests.replay.standin.test_serve_jazz2 import FILE, Warren
from tests.replay.taping import CLIENT, Taping
from tests.running import rows

TAPE = "tape.understudy.db"


@pytest.fixture(scope="module")
def tape(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Alice comes, bob comes, they talk, bob leaves, alice leaves."""
    folder = tmp_path_factory.mktemp("tape")
    rules = ("jazz2.name=Old Loop", "jazz2.level=castle1.j2l", "jazz2.level_crc=99")
    warren = Warren(folder, *(word for rule in rules for word in ("--rule", rule)))
    with warren.command:
        asker = Udp(warren.port)
        asker.ask(b"\x05\x01")
        asker.close()
        alice, bob = warren.rabbit("alice"), warren.rabbit("bob")
        alice.join()
        bob.join()
        alice.next(JOINED)
        bob.chat("hello there")
        alice.next(CHAT)
        alice.chat("hello bob")
        bob.next(CHAT)
        bob.close()
        alice.next(DISCONNECT)
        warren.end()
    return (folder / FILE).rename(folder / TAPE)


@contextmanager
def warren_of(folder: Path, *arguments: str, source: str = "jazz-jackrabbit-2") -> Iterator[Warren]:
    warren = Warren(folder, *arguments, source=source)
    with warren.command:
        yield warren
        for one in warren.rabbits:
            one.close()


def test_ghosts_join_chat_and_leave(tape: Path, tmp_path: Path) -> None:
    with warren_of(tmp_path, "--ghosts", str(tape)) as warren:
        carol = warren.rabbit("carol")
        assert [one[2] for one in carol.join()] == ["Host", "carol"]
        sockets = {}
        for name in ("alice", "bob"):
            came = carol.next(JOINED)
            assert came[8:] == name.encode() + b"\0"
            sockets[name] = came[0]
        assert len({carol.socket, *sockets.values()}) == 3
        assert carol.next(CHAT) == bytes([sockets["bob"], 0x20]) + b"hello there"
        assert carol.next(CHAT) == bytes([sockets["alice"], 0x20]) + b"hello bob"
        assert carol.next(DISCONNECT)[:2] == bytes([7, sockets["bob"]])
        assert carol.next(DISCONNECT)[:2] == bytes([7, sockets["alice"]])
        dave = warren.rabbit("dave")
        assert [one[2] for one in dave.join()] == ["Host", "carol", "dave"]
        assert dave.next(JOINED)[8:] == b"alice\0", "they come again for who comes next"
        warren.end()


def said_by(path: Path, kind: str) -> list[bytes]:
    """The raw frames of a kind that a recorded server said."""
    sql = "SELECT raw FROM frames WHERE direction = 's>c' AND kind = ? ORDER BY id"
    return [bytes(row["raw"]) for row in rows(path, sql, kind)]


def test_sockets_ids_counts_and_heartbeats_are_those_of_this_run(
    tape: Path, tmp_path: Path
) -> None:
    """What jazz2 6 lists, of a server of the original game: two live rabbits in a recording."""
    old = [(one[2], one[3]) for one in said_by(tape, "ServerDetails")]
    assert old == [(1, 1), (2, 2)]
    with warren_of(tmp_path, source=str(tape)) as warren:
        asker = Udp(warren.port)
        # index and cookie of the ping, index of the query are echoed; checksums are looked at by
        # Udp; uptime and counts are ours
        assert asker.ask(b"\x03\x07\xdd\x17\x04\x0124  ") == b"\x04\x07\xdd\x17\x04\x01\x02"
        first = asker.ask(b"\x05\x99")
        assert first[:2] == b"\x06\x99"
        assert first[10:12] == b"\x01\0", "the host alone"
        assert first[14:23] == b"\x08Old Loop"
        carol = warren.rabbit("carol")
        carol.request()
        told = carol.next(SERVER)
        # socket and player id are none of the recording; the level and its sums are those of it
        carol.socket, carol.player = told[0], told[1]
        assert (carol.socket, carol.player) == (3, 3)
        assert told[3:22] == b"castle1.j2l" + struct.pack("<II", 99, 0)
        carol.details()
        listed = entries(carol.next(LIST))
        assert (0, 0, "Host") in listed
        assert (3, 3, "carol") in listed
        assert carol.next(START) == b""
        carol.send(LOADED)
        # another one: unique numbers, who is here is told to both
        dave = warren.rabbit("dave")
        there = dave.join()
        assert (dave.socket, dave.player) == (4, 4)
        assert {(3, 3, "carol"), (4, 4, "dave")} <= set(there)
        assert len({one[0] for one in there}) == len(there)
        came = carol.next(JOINED)
        while came[8:] != b"dave\0":
            came = carol.next(JOINED)
        assert (came[0], came[2]) == (4, 4)
        # talk between the living goes under the live socket
        dave.chat("good evening")
        line = carol.next(CHAT)
        while line[2:] != b"good evening":
            line = carol.next(CHAT)
        assert line[0] == 4
        # heartbeats to the port that the live request named, cookies of this run, counted
        beat, after = carol.udp.next(9), carol.udp.next(9)
        assert len(beat) == len(after) == 7
        assert after[1] == beat[1] + 1 & 0xFF
        assert after[3:] != beat[3:]
        carol.udp.send(b"\x09\x05\0abcd")
        while carol.udp.next(9)[3:] != b"abcd":
            pass
        later = asker.ask(b"\x05\x9a")
        assert struct.unpack("<I", later[2:6]) > struct.unpack("<I", first[2:6])
        assert later[10] == 3
        assert asker.ask(b"\x05\x9b\x01")[10:12] == b"\x03\x03", "clients and players"
        # who leaves, leaves under the live socket
        dave.close()
        left = carol.next(DISCONNECT)
        while left[1] != 4:
            left = carol.next(DISCONNECT)
        # the lists show the recorded server with live numbers
        text = warren.told("text list").decode()
        assert text.endswith(" [2/32] Old Loop\r\n")
        asker.close()
        warren.end()


def tape_events(path: Path) -> None:
    """A client of JJ2+ joins; behind its first state come four datagrams of events."""
    world = jazz2.World(1, CLIENT)
    with Taping(path, game="jazz-jackrabbit-2") as tape:
        flow = tape.tcp("jazz2", 10052, jazz2.Game(world))
        answer = flow.say(jazz2.packet(0x0F, struct.pack("<H", 40_123) + b"24  \x01"))
        side = tape.flow(
            "jazz2", Transport.UDP, 10052, parent=flow.flow.last - 1, client_port=40_123
        )
        flow.say(jazz2.packet(0x0E, b"\x01" + jazz2.player(answer[3], "racer")))
        flow.say(jazz2.packet(0x1A, answer[-12:-8]))
        side.passes(Direction.TO_SERVER, jazz2.datagram(b"\x01\0\7\7\0"))
        for count in (254, 255, 0, 1):
            side.passes(Direction.TO_CLIENT, jazz2.datagram(bytes([7, count, 1, 0, 0, 0])))
        flow.say(jazz2.packet(0x1B, bytes([answer[2], 0x20]) + b"evening all"))


def test_challenges_and_cookies_of_a_plus_server_are_made_anew(tmp_path: Path) -> None:
    """The recording is of a JJ2+ server: its long details, other secrets."""
    tape_events(tmp_path / TAPE)
    (old,) = said_by(tmp_path / TAPE, "ServerDetails")
    with warren_of(tmp_path, source=str(tmp_path / TAPE)) as warren:
        carol = warren.rabbit("carol")
        carol.request()
        told = carol.next(SERVER)
        carol.socket, carol.player = told[0], told[1]
        assert told[2:19] == old[4:21], "the level, its sums, mode and score"
        challenge, cookie = told[21:25], told[25:29]
        assert challenge != old[23:27]
        assert told[29:] == old[31:], "the version of JJ2+"
        assert (carol.socket, carol.player) != (old[2], old[3])
        assert cookie != old[27:31]
        carol.details()
        listed = entries(carol.next(LIST))
        assert listed == [(0, 0, "host"), (carol.socket, carol.player, "carol")]
        assert carol.next(START) == b""
        carol.send(LOADED, challenge)
        carol.udp.send(b"\x01\0\7\7\0")
        counts = [carol.udp.next(7)[1] for _ in range(4)]
        assert counts == [254, 255, 0, 1], "events are counted on, also where the count wraps"
        assert carol.udp.next(9)[3:] == cookie, "the heartbeats have the cookie of the details"
        carol.chat("evening all")
        warren.end()
