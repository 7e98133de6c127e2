"""Kaillera by rules through the real command: emulators of the reference over real sockets."""

from __future__ import annotations

import random
import struct
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import quote

import pytest

from tests.replay.standin.emulator import (
    CHAT,
    CLOSE,
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
    REJECTED,
    START,
    Emulator,
    Player,
    new_socket,
    until,
    z,
)
from tests.replay.standin.test_serve_ea import unanswered
from tests.running import Command, connect, read_all

FILE = "evening.understudy.db"
FRAMES = 600


class Server:
    """`understudy serve kaillera`, and who comes."""

    def __init__(
        self, folder: Path, *arguments: str, source: str = "kaillera", quiet: bool = True
    ) -> None:
        self.folder = folder
        self.command = Command(
            folder,
            *("serve", source, "--relay", "kaillera:0", "--relay", "kaillera-list:0"),
            *(*(("-q",) if quiet else ()), "-w", FILE, *arguments),
        )
        ports = self.command.ready()
        self.port, self.list = ports["kaillera", "udp"], ports["kaillera-list", "tcp"]
        self.players: list[Player] = []

    def player(self, name: str, *, single: bool = False, **emulator: object) -> Player:
        """Somebody who is logged in."""
        player = Player(Emulator(name, **emulator), self.port, single=single)  # type: ignore[arg-type]
        self.players.append(player)
        until(lambda: bool(player.emulator.all(INFO)), *self.players)
        return player

    def until(self, done: Callable[[], object]) -> None:
        until(lambda: bool(done()), *self.players)

    def room(self, *players: Player) -> int:
        """The first one makes a game, the others join it; its id."""
        owner = players[0].emulator
        before = len(owner.all(JOIN))
        owner.create()
        self.until(lambda: len(owner.all(JOIN)) > before)
        game: int = struct.unpack("<I", owner.last(CREATE)[-4:])[0]
        for count, one in enumerate(players[1:], before + 2):
            one.emulator.join(game)
            self.until(lambda count=count: len(owner.all(JOIN)) == count)  # type: ignore[misc]
        return game

    def play(self, *players: Player) -> None:
        """A whole game."""
        players[0].emulator.start()
        self.until(lambda: all(len(one.emulator.played) == FRAMES for one in players))

    def page(self, path: str, *headers: str) -> str:
        with connect(self.list) as sock:
            lines = [f"GET {path} HTTP/1.0", "Host: www.kaillera.com", *headers]
            sock.sendall("".join(f"{line}\r\n" for line in (*lines, "")).encode())
            return read_all(sock).decode("latin-1").partition("\r\n\r\n")[2]

    def end(self) -> None:
        for one in self.players:
            one.close()
        assert self.command.stop() == 0, self.command.said()
        assert unanswered(self.folder) == []


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    server = Server(tmp_path)
    with server.command:
        yield server
        for one in server.players:
            one.close()


def same_game(*players: Player) -> list[bytes]:
    """What all have played, from the frame on at which all have the network."""
    begin = max(one.emulator.lag for one in players)
    first, *others = (one.emulator.played[begin:] for one in players)
    for other in others:
        assert other == first
    for one in players:
        early = one.emulator.played[:begin]
        assert not any(any(row) for row in early), "before that nobody has pressed anything"
    return first


def check_inputs(rows: list[bytes], *inputs: Callable[[int], bytes]) -> None:
    """Nothing is lost, nothing is out of its order."""
    for frame, row in enumerate(rows):
        assert row == b"".join(one(frame) for one in inputs)


@pytest.mark.parametrize(("one", "two"), [(1, 1), (3, 3), (1, 3), (2, 6), (6, 5)])
def test_two_play_600_frames_and_see_the_same(server: Server, one: int, two: int) -> None:
    left = lambda frame: bytes([frame & 255, 1])  # noqa: E731
    right = lambda frame: bytes([frame * 7 & 255, 2])  # noqa: E731
    alice = server.player("alice", connection=one, inputs=left, frames=FRAMES)
    bob = server.player("bob", connection=two, inputs=right, frames=FRAMES, single=True)
    assert alice.private not in (bob.private, server.port)
    server.room(alice, bob)
    server.play(alice, bob)
    assert alice.emulator.seat[1:] == (1, 2)
    assert bob.emulator.seat[1:] == (2, 2)
    check_inputs(same_game(alice, bob), left, right)
    server.end()


@pytest.mark.parametrize("connections", [(1, 1), (1, 2)])
def test_one_datagram_in_ten_is_lost(server: Server, connections: tuple[int, int]) -> None:
    draw = random.Random(7)
    players = [
        server.player(f"player {n}", connection=n, frames=FRAMES, inputs=inputs)
        for n, inputs in zip(connections, (INPUT[3], INPUT[24]), strict=True)
    ]
    server.room(*players)
    for one in players:
        one.lose = lambda data: data[5] in (DATA, DATA + 1) and draw.random() < 0.1
    server.play(*players)
    check_inputs(same_game(*players), INPUT[3], INPUT[24])
    server.end()


def _input(size: int) -> Callable[[int], bytes]:
    return lambda frame: bytes((frame // 2 * step) & 255 for step in range(size))


INPUT = {size: _input(size) for size in (1, 3, 24, 300)}


def test_four_players_inputs_of_any_size_and_slots_both_ways(server: Server) -> None:
    players = [
        server.player(f"p{size}", inputs=inputs, frames=FRAMES) for size, inputs in INPUT.items()
    ]
    server.room(*players)
    server.play(*players)
    check_inputs(same_game(*players), *INPUT.values())
    assert all(one.emulator.slots_said > 100 for one in players)
    assert all(one.emulator.slots_told > 100 for one in players)
    server.end()


def test_300_distinct_values_twice(server: Server) -> None:
    """More than a list holds: all that comes again has gone out of it, or has moved."""
    inputs = lambda frame: struct.pack("<H", frame % 300 if frame < 450 else 449 - frame % 40)  # noqa: E731
    alice = server.player("alice", inputs=inputs, frames=FRAMES)
    server.room(alice)
    server.play(alice)
    check_inputs(same_game(alice), inputs)
    assert alice.emulator.slots_told > 100
    assert alice.emulator.slots_said > 100
    server.end()


def test_rooms_kicks_drops_and_owners_who_leave(server: Server) -> None:
    alice, bob, carol = (server.player(name) for name in ("alice", "bob", "carol"))
    carol.emulator.chat("hello all")
    server.until(lambda: alice.emulator.all(CHAT) and carol.emulator.all(CHAT))
    assert alice.emulator.last(CHAT) == z("carol") + z("hello all")
    game, other = server.room(alice, bob), server.room(carol)
    assert game != other
    bob.emulator.chat("here", GAME_CHAT)
    server.until(lambda: alice.emulator.all(GAME_CHAT))
    assert not carol.emulator.all(GAME_CHAT)
    user = next(body for body in alice.emulator.all(JOINED) if body.startswith(b"bob\0"))
    number = struct.unpack("<H", user[4:6])[0]
    alice.emulator.kick(number)
    server.until(lambda: bob.emulator.all(QUIT_GAME))
    assert bob.emulator.last(QUIT_GAME) == z("bob") + struct.pack("<H", number)
    bob.emulator.join(game)
    server.until(lambda: carol.emulator.last(GAME) == struct.pack("<BIBBB", 0, game, 0, 2, 8))
    alice.emulator.frames = bob.emulator.frames = 100
    alice.emulator.start()
    server.until(lambda: len(alice.emulator.played) == len(bob.emulator.played) == 100)
    assert carol.emulator.last(GAME) == struct.pack("<BIBBB", 0, game, 2, 2, 8)
    bob.emulator.drop()
    alice.emulator.frames = 200
    alice.emulator.play()
    server.until(lambda: len(alice.emulator.played) == 200)
    assert alice.emulator.last(DROP) == z("bob") + b"\2"
    assert all(row[1] == 0 for row in alice.emulator.played[105:])
    assert alice.emulator.played[-1][0], "the other one still plays"
    alice.emulator.drop()
    server.until(lambda: carol.emulator.last(GAME)[5] == 0)
    alice.emulator.quit_game()
    server.until(lambda: bob.emulator.all(CLOSE))
    assert carol.emulator.last(CLOSE) == struct.pack("<BI", 0, game)
    bob.emulator.quit("good night")
    server.until(lambda: carol.emulator.all(QUIT) and bob.emulator.all(QUIT))
    assert carol.emulator.last(QUIT) == z("bob") + struct.pack("<H", number) + z("good night")
    server.end()


def test_two_games_at_once_are_apart(server: Server) -> None:
    pairs = [
        [server.player(f"{n}{k}", inputs=inputs, frames=FRAMES) for k in range(2)]
        for n, inputs in enumerate((INPUT[1], INPUT[3]))
    ]
    for pair in pairs:
        server.room(*pair)
    for pair in pairs:
        pair[0].emulator.start()
    everybody = [one for pair in pairs for one in pair]
    server.until(lambda: all(len(one.emulator.played) == FRAMES for one in everybody))
    for pair, inputs in zip(pairs, (INPUT[1], INPUT[3]), strict=True):
        check_inputs(same_game(*pair), inputs, inputs)
    server.end()


def test_who_is_refused(tmp_path: Path) -> None:
    server = Server(tmp_path, "--rule", "kaillera.max_users=2")
    with server.command:
        stranger = new_socket()
        for version in (b"HELLO0.86\0", b"HELLO0.9\0"):
            stranger.sendto(version, ("127.0.0.1", server.port))
            assert stranger.recv(100) == b"VER\0"
        long = Player(Emulator("n" * 100), server.port)
        until(lambda: bool(long.emulator.all(REJECTED)), long)
        assert long.emulator.last(REJECTED).startswith(b"n" * 100 + b"\0")
        alice, _ = server.player("alice"), server.player("")
        stranger.sendto(b"HELLO0.83\0", ("127.0.0.1", server.port))
        assert stranger.recv(100) == b"TOO\0"
        alice.emulator.quit()
        server.until(lambda: alice.emulator.all(QUIT))
        stranger.sendto(b"HELLO0.83", ("127.0.0.1", server.port))
        assert stranger.recv(100).startswith(b"HELLOD00D"), "also without the NUL"
        stranger.close()
        long.close()
        server.end()


def test_the_list_shows_our_server_and_those_that_announced_themselves(server: Server) -> None:
    alice = server.player("alice")
    server.room(alice)
    name = quote("Ouest du Lyon")
    asked = f"/touch_server.php?servername={name}&port=27888&nbusers=3&maxconn=50&version=0.86"
    told = server.page(
        asked + "&nbgames=1&location=Europe&ip=203.0.113.7&url=",
        "Kaillera-wgames: 7|SF2|bob|MAME|1/2|",
    )
    assert told == "OK\n"
    own = f"127.0.0.1:{server.port};1/100;1"
    other = "203.0.113.7:27888;3/50;1"
    assert server.page("/raw_server_list2.php?version=0.9").splitlines() == [
        *("Understudy", f"{own};0.86;here"),
        *("Ouest du Lyon", f"{other};0.86;Europe"),
    ]
    assert server.page("/raw_server_list.php").splitlines() == [
        *("Understudy", f"{own};here"),
        *("Ouest du Lyon", f"{other};Europe"),
    ]
    first, second, *_ = server.page("/raw_server_list2.php?wg=1&version=0.9").splitlines()
    assert first.startswith("1|a game|alice|understudy test|1/8|127.0.0.1:")
    assert second.startswith("7|SF2|bob|MAME|1/2|203.0.113.7:27888")
    assert "no such page" in server.page("/nothing.php")
    server.end()


def test_the_delay_follows_from_the_round_trip(server: Server) -> None:
    alice = server.player("alice", connection=3)
    server.room(alice)
    alice.emulator.start()
    server.until(lambda: alice.emulator.all(START))
    ping = struct.unpack("<I", alice.emulator.last(JOINED)[-5:-1])[0]
    assert alice.emulator.seat == (ping * 60 // 1000 // 3 + 1, 1, 1)
    server.end()


JUMP = """
from replay.servers._kaillera import Channel

say = Channel.say


def jumps(self, *words):
    '''Behind the login both sides go on from 65,400.'''
    said = say(self, *words)
    if words[0].kind == "Info":
        self.__init__()
        self.next_in = self.next_out = 65_400
    return said


Channel.say = jumps
PROTOCOLS = ()
"""


@pytest.mark.parametrize("connections", [(1, 1), (3, 1)])
def test_a_game_goes_on_across_the_wrap_of_the_numbers(
    tmp_path: Path, connections: tuple[int, int]
) -> None:
    """Of both sides: they are near the end when the game begins, and datagrams are lost."""
    (tmp_path / "jump.py").write_text(JUMP)
    server = Server(tmp_path, "--protocol-file", "jump.py")
    draw = random.Random(3)
    with server.command:
        players = []
        for name, connection in zip("ab", connections, strict=True):
            one = server.player(name, connection=connection, frames=FRAMES, inputs=INPUT[3])
            one.emulator.__post_init__()  # nothing of before is repeated
            one.emulator.next_in = one.emulator.next_out = 65_400
            players.append(one)
        server.room(*players)
        for one in players:
            one.lose = lambda data: data[5] in (DATA, DATA + 1) and draw.random() < 0.05
        server.play(*players)
        check_inputs(same_game(*players), INPUT[3], INPUT[3])
        for one in players:
            assert one.emulator.next_in < 1000
            assert one.emulator.next_out < 1000
        server.end()
