"""Recorded Kaillera players play with live ones: the clients know the reference alone."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.replay.standin.emulator import (
    CHAT,
    DROP,
    GAME,
    JOIN,
    Player,
    z,
)
from tests.replay.standin.test_serve_kaillera import FILE, Server

TAPE = "tape.understudy.db"
ROM = "a game"
LENGTH = 200


Inputs = Callable[[int], bytes]


def left(frame: int) -> bytes:
    return bytes([frame // 3 & 255, 1])


def right(frame: int) -> bytes:
    return bytes([frame // 2 * 7 & 255, 2])


def live(frame: int) -> bytes:
    return bytes([frame & 255, 3])


@pytest.fixture(scope="module")
def tape(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Alice (LAN) makes a room, bob (Good) comes in; they talk and play, with slots."""
    folder = tmp_path_factory.mktemp("tape")
    rules = ("--rule", "kaillera.motd=Hello|Be nice", "--rule", "kaillera.max_players=4")
    server = Server(folder, *rules)
    with server.command:
        alice = server.player("alice", connection=1, inputs=left, frames=LENGTH)
        bob = server.player("bob", connection=3, inputs=right, frames=LENGTH)
        server.room(alice, bob)
        bob.emulator.chat("nice to be here")
        server.until(lambda: alice.emulator.all(CHAT))
        alice.emulator.start()
        server.until(lambda: all(len(one.emulator.played) == LENGTH for one in (alice, bob)))
        assert alice.emulator.slots_said
        for one in (bob, alice):
            one.emulator.drop()
            server.until(lambda one=one: len(one.emulator.all(DROP)))  # type: ignore[misc]
        server.end()
    return (folder / FILE).rename(folder / TAPE)


@contextmanager
def haunted(folder: Path, *arguments: str, source: str = "kaillera") -> Iterator[Server]:
    server = Server(folder, *arguments, source=source)
    with server.command:
        yield server
        for one in server.players:
            one.close()


def played(player: Player, part: int, size: int = 2) -> list[bytes]:
    """The frames of one player that somebody has seen, from everybody's first one on."""
    seen = [row[part * size : (part + 1) * size] for row in player.emulator.played]
    begin = next(at for at, row in enumerate(player.emulator.played) if any(row))
    return seen[begin:]


@pytest.mark.parametrize("connection", [1, 3])
def test_a_ghost_comes_to_the_room_and_plays_from_the_first_frame(
    tape: Path, tmp_path: Path, connection: int
) -> None:
    with haunted(tmp_path, "--ghosts", str(tape)) as server:
        carol = server.player("carol", connection=connection, inputs=live, frames=260)
        server.room(carol)
        server.until(lambda: len(carol.emulator.all(JOIN)) == 2)
        assert b"bob\0" in carol.emulator.last(JOIN)
        for _ in range(2):  # a ghost does not tire
            carol.emulator.start()
            server.until(lambda: len(carol.emulator.played) == 260)
            assert carol.emulator.seat[1:] == (1, 2)
            check(carol, 0, live, 1, right)
            assert carol.emulator.last(DROP) == z("bob") + b"\2"
            carol.emulator.drop()
            server.until(lambda: carol.emulator.last(GAME)[5] == 0)
            carol.emulator.played.clear()
        server.end()


def check(player: Player, mine: int, inputs: Inputs, other: int, recorded: Inputs) -> None:
    """All the frames of a live player and of a ghost, from the first to the last."""
    ours, ghost = played(player, mine), played(player, other)
    assert ours == [inputs(frame) for frame in range(len(ours))]
    length = next(at for at, row in enumerate(ghost) if not any(row))
    assert length >= LENGTH - 2, "what was recorded ends with the packet that was not full"
    assert ghost[:length] == [recorded(frame) for frame in range(length)]
    assert not any(map(any, ghost[length:])), "then it has dropped out"
