"""Recorded Kaillera players play with live ones: the clients know the reference alone."""

from __future__ import annotations

import random
import select
import struct
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.replay.standin.emulator import (
    CHAT,
    CREATE,
    DATA,
    DROP,
    GAME,
    GAME_CHAT,
    INFO,
    JOIN,
    JOINED,
    QUIT,
    QUIT_GAME,
    START,
    STATUS,
    Emulator,
    Player,
    messages_of,
    z,
)
from tests.replay.standin.test_serve_kaillera import FILE, Server
from tests.running import rows

TAPE = "tape.understudy.db"
ROM = "a game"
LENGTH = 200
LAG = 0.05
"""Seconds of a round trip."""


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
    """Of an equal connection type or another one; then also with a tenth of the inputs lost."""
    draw = random.Random(5)
    with haunted(tmp_path, "--ghosts", str(tape)) as server:
        carol = server.player("carol", connection=connection, inputs=live, frames=260)
        server.room(carol)
        server.until(lambda: len(carol.emulator.all(JOIN)) == 2)
        assert b"bob\0" in carol.emulator.last(JOIN)
        if connection > 1:
            carol.lose = lambda data: data[5] in (DATA, DATA + 1) and draw.random() < 0.1
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
    assert length >= LENGTH - 5, "what was recorded ends with the last packet of all"
    assert ghost[:length] == [recorded(frame) for frame in range(length)]
    assert not any(map(any, ghost[length:])), "then it has dropped out"


def test_a_ghost_owns_a_room_and_comes_over_when_it_is_alone(tape: Path, tmp_path: Path) -> None:
    """Alice's room can be joined; bob is thrown out of a live one's, so that alice comes there."""
    with haunted(tmp_path, "--ghosts", str(tape)) as server:
        carol = server.player("carol", connection=2, inputs=live, frames=230)
        (status,) = carol.emulator.all(STATUS)
        assert status[1:9] == struct.pack("<II", 2, 1), "alice, bob, and alice's room"
        room = status.index(z(ROM) + struct.pack("<I", 1))
        assert status[room:].endswith(z("understudy test") + z("alice") + z("1/8") + b"\0")
        carol.emulator.join(1)
        server.until(lambda: carol.emulator.all(START))  # alice starts it
        server.until(lambda: len(carol.emulator.played) == 230)
        assert carol.emulator.seat[1:] == (2, 2)
        check(carol, 1, live, 0, left)
        assert carol.emulator.last(DROP) == z("alice") + b"\1"
        carol.emulator.quit_game()
        server.room(carol)
        server.until(lambda: b"bob\0" in carol.emulator.last(JOIN))
        joined = carol.emulator.last(JOIN)
        carol.emulator.kick(struct.unpack("<H", joined[-3:-1])[0])
        server.until(lambda: b"alice\0" in carol.emulator.last(JOIN))
        server.until(lambda: carol.emulator.last(GAME)[6] == 2)
        assert b"bob" not in carol.emulator.last(JOIN), "who was thrown out does not come back"
        server.end()


def test_another_size_of_input_is_told_and_played_without(tape: Path, tmp_path: Path) -> None:
    with haunted(tmp_path, "--ghosts", str(tape)) as server:
        carol = server.player("carol", inputs=lambda frame: bytes([frame & 255] * 5), frames=50)
        server.room(carol)
        server.until(lambda: len(carol.emulator.all(JOIN)) == 2)
        carol.emulator.start()
        server.until(lambda: len(carol.emulator.played) == 50)
        assert carol.emulator.last(GAME_CHAT) == z("bob") + z("I play 2 bytes a frame, you 5")
        assert carol.emulator.last(DROP) == z("bob") + b"\2"
        seen = played(carol, 0, 10)
        assert seen[3] == bytes([4] * 5 + [0] * 5), "zeros of the live player's size"
        server.end()


def said_by(path: Path, name: str) -> dict[int, tuple[int, bytes]]:
    """What a recorded server said in the session of a player: type and body by number."""
    sql = (
        "SELECT raw FROM frames WHERE direction = 's>c' AND flow_id IN (SELECT flow_id FROM frames"
        " WHERE kind = 'UserInfo' AND fields LIKE ?) ORDER BY number"
    )
    found: dict[int, tuple[int, bytes]] = {}
    for row in rows(path, sql, f'%"{name}"%'):
        for number, tag, body in messages_of(row["raw"]):
            found.setdefault(number, (tag, body))
    return found


def test_what_differs_at_every_run_is_made_anew(tape: Path, tmp_path: Path) -> None:
    """Each value of kaillera 7: carol plays alice's part from far away, dave comes later."""
    old = said_by(tape, "alice")

    def recorded(wanted: int) -> bytes:
        return next(body for tag, body in old.values() if tag == wanted)

    with haunted(tmp_path, source=str(tape)) as server:
        first = server.player("first")  # plays alice's part and goes: ids are not those of old
        first.emulator.quit()
        server.until(lambda: first.emulator.all(QUIT))
        carol = Player(Emulator("carol", connection=2, inputs=live, frames=230), server.port)
        server.players.append(carol)
        while not carol.emulator.all(INFO):
            select.select([], [], [], LAG)  # so long a datagram is on its way
            carol.step()
        # the private port: ours, another one than that of the recording
        assert carol.private not in (27888, server.port)
        # numbers: from 0, without a gap, and three messages a datagram
        assert carol.emulator.next_in == len(carol.emulator.heard)
        # the ping: mean of the four round trips; the id: one of this run
        name, ping, number = told_of(carol.emulator.last(JOINED))
        assert name == "carol"
        assert ping >= LAG * 1000 > told_of(recorded(JOINED))[1]
        assert number not in (told_of(recorded(JOINED))[2], 0xFFFF)
        # who is here: bob, who is a ghost; not alice, whose part carol plays, not carol
        (status,) = carol.emulator.all(STATUS)
        assert status[:9] == struct.pack("<BII", 0, 1, 0)
        assert status[9:].startswith(z("bob"))
        # the message of the day is that of the recorded server
        assert [body.split(b"\0")[1] for body in carol.emulator.all(INFO)] == [b"Hello"]
        server.until(lambda: len(carol.emulator.all(INFO)) == 2)
        # chat: the live words come back under the live name; bob says what he said
        carol.emulator.chat("good evening")
        server.until(lambda: len(carol.emulator.all(CHAT)) == 2)
        assert set(carol.emulator.all(CHAT)) == {
            z("carol") + z("good evening"),
            z("bob") + z("nice to be here"),
        }
        # the room: another id, everywhere the same; as many players as the recorded server took
        game = server.room(carol)
        assert game != struct.unpack("<I", recorded(CREATE)[-4:])[0]
        server.until(lambda: len(carol.emulator.all(JOIN)) == 2)
        server.until(lambda: carol.emulator.all(GAME))
        assert carol.emulator.last(GAME) == struct.pack("<BIBBB", 0, game, 0, 2, 4)
        # a stale bundle: the last messages are said again
        before = carol.emulator.next_in
        carol.emulator.next_in -= 2
        carol.emulator.heard = carol.emulator.heard[:-2]
        carol.emulator.repeat(3)
        server.until(lambda: carol.emulator.next_in == before)
        # delay and number follow from the live ping and connection, frames from live inputs
        carol.emulator.start()
        server.until(lambda: len(carol.emulator.played) == 230)
        assert carol.emulator.seat == (ping * 60 // 1000 // 2 + 1, 1, 2)
        assert recorded(START) == b"\0" + struct.pack("<HBB", 1, 1, 2)
        check(carol, 0, live, 1, right)
        assert carol.emulator.last(DROP) == z("bob") + b"\2"
        # two who are here play with each other: dave plays bob's part, who makes room
        carol.emulator.drop()
        carol.emulator.quit_game()
        server.until(lambda: carol.emulator.all(QUIT_GAME))
        dave = server.player("dave", connection=1, inputs=right, frames=230)
        server.until(lambda: b"bob\0" in carol.emulator.last(QUIT))
        server.room(carol, dave)
        carol.emulator.start()
        server.until(lambda: len(dave.emulator.played) == len(carol.emulator.played) == 230)
        assert dave.emulator.seat[1:] == (2, 2)
        same = max(carol.emulator.lag, dave.emulator.lag)
        assert dave.emulator.played[same:] == carol.emulator.played[same:]
        server.end()


def test_whoever_the_recorded_player_saw_is_there(tape: Path, tmp_path: Path) -> None:
    """Of alice's session alone: bob, whom she saw, and his frames, which the server told her."""
    (row,) = rows(
        tape,
        "SELECT session_id FROM flows JOIN frames ON flow_id = flows.id WHERE kind = 'UserInfo'"
        " AND fields LIKE '%\"alice\"%'",
    )
    words = ("--session", str(row["session_id"]), "--ghosts", str(tape))
    with haunted(tmp_path, *words, source=str(tape)) as server:
        carol = server.player("carol", inputs=live, frames=230)
        (status,) = carol.emulator.all(STATUS)
        assert status[1:5] == struct.pack("<I", 1), "nobody is there twice"
        server.room(carol)
        server.until(lambda: len(carol.emulator.all(JOIN)) == 2)
        carol.emulator.start()
        server.until(lambda: len(carol.emulator.played) == 230)
        check(carol, 0, live, 1, right)
        server.end()


def told_of(joined: bytes) -> tuple[str, int, int]:
    """Name, ping and id of UserJoined."""
    name, rest = joined.split(b"\0", 1)
    number, ping, _ = struct.unpack("<HIB", rest)
    return name.decode(), ping, number
