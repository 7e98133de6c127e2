"""Recorded rabbits: as ghosts beside live ones, and as the recording that is the server."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.replay.standin.rabbit import (
    CHAT,
    DISCONNECT,
    JOINED,
    Udp,
)
from tests.replay.standin.test_serve_jazz2 import FILE, Warren

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
