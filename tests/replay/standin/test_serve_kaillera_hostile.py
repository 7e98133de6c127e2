"""Kaillera clients that lie, flood or stop, beside a game that must not notice (kaillera 2)."""

from __future__ import annotations

import struct
from pathlib import Path

from tests.replay.standin.emulator import (
    CHAT,
    DATA,
    DROP,
    GAME,
    GAME_CHAT,
    INFO,
    JOIN,
    READY,
    REJECTED,
    Emulator,
    Player,
    datagram,
    new_socket,
    until,
    z,
)
from tests.replay.standin.test_serve_kaillera import FILE, INPUT, Server, check_inputs, same_game
from tests.running import rows

BIG = struct.pack("<BH", 0, 65_000) + bytes(65_000)
LIES = {
    "a count of 32, one message": b"\x20" + datagram((0, 3, b"x\0y\0\1"))[1:],
    "a count of 255, none": b"\xff",
    "no message": b"\0",
    "a length beyond the datagram": b"\x01\x00\x00\xff\xff\x03a\0",
    "a length of nothing": b"\x01\x00\x00\x00\x00",
    "a length that cuts the name": b"\x01\x00\x00\x03\x00\x03abc\0d\0\1",
    "bytes behind the last message": datagram((0, 9, b"\0")) + b"more",
    "far ahead": datagram((40_000, 9, b"\0")),
    "not the first": datagram((5, 3, z("eve") + z("") + b"\1")),
    "an unknown type": datagram((0, 0x7F, b"\0")),
    "numbers in no order": datagram((7, 9, b"\0"), (60_000, 9, b"\0"), (3, 9, b"\0")),
    "input without a game": datagram((0, DATA, BIG)),
    "a slot without a game": datagram((0, DATA + 1, b"\0\xc8")),
    "letters": b"GET / HTTP/1.0\r\n\r\n",
    "nothing": b"",
}

HERS = ("not the first", "numbers in no order")
"""These would be taken for what somebody in the lobby says next."""


def log_in(server: Server, name: str, **emulator: object) -> Player:
    """Somebody whose login may be refused."""
    player = Player(Emulator(name, **emulator), server.port)  # type: ignore[arg-type]
    server.players.append(player)
    return player


def test_whatever_one_sends_another_game_goes_on(tmp_path: Path) -> None:
    server = Server(tmp_path, "--rule", "kaillera.netsync_seconds=1")
    with server.command:
        inputs = INPUT[3], INPUT[24]
        alice = server.player("alice", inputs=inputs[0], frames=600)
        bob = server.player("bob", inputs=inputs[1], frames=600, connection=2)
        server.room(alice, bob)
        eve = server.player("eve", frames=600)
        server.room(eve)
        alice.emulator.start()
        server.until(lambda: alice.emulator.all(READY) and bob.emulator.all(READY))
        strangers = [new_socket() for _ in range(20)]
        for number in range(1000):
            strangers[number % 20].sendto(b"HELLO0.83\0", ("127.0.0.1", server.port))
        for lie in LIES.values():
            for port in (server.port, alice.private, bob.private, eve.private):
                strangers[0].sendto(lie, ("127.0.0.1", port))  # from who has no session
            for one in server.players:
                one.step()
        for name, lie in LIES.items():
            if name not in HERS:
                eve.socket.sendto(lie, eve.server)  # from who has one
        # what is cut short: names of 100 bytes are refused, lines of 5,000 are shortened
        for long in (log_in(server, "n" * 100), log_in(server, "tab\tname")):
            until(lambda long=long: bool(long.emulator.all(REJECTED)), *server.players)  # type: ignore[misc]
            long.emulator.chat("not here")
        eve.emulator.chat("x" * 5000)
        server.until(lambda: eve.emulator.all(CHAT))
        assert eve.emulator.last(CHAT) == z("eve") + z("x" * 400)
        # one who is in a game: an empty slot is nothing, 65,000 bytes are too many
        eve.emulator.start()
        server.until(lambda: len(eve.emulator.played) > 10)
        eve.emulator.say(DATA + 1, b"\0\xc8")
        eve.emulator.say(DATA, BIG)
        server.until(lambda: eve.emulator.all(DROP))
        eve.emulator.quit_game()
        # one who stops in netsync is left behind
        mute = server.player("mute")
        game = server.room(eve, mute)
        mute.lose = lambda data: True
        eve.emulator.frames = 30
        eve.emulator.start()
        server.until(lambda: len(eve.emulator.played) == 30 and eve.emulator.all(READY))
        assert eve.emulator.last(DROP) == z("mute") + b"\2"
        assert eve.emulator.last(GAME_CHAT).startswith(z("Server") + b"mute dropped out")
        assert eve.emulator.last(GAME) == struct.pack("<BIBBB", 0, game, 2, 2, 8)
        # nobody else has noticed: not the game, not who comes
        server.until(lambda: len(alice.emulator.played) == len(bob.emulator.played) == 600)
        check_inputs(same_game(alice, bob), *inputs)
        assert not alice.emulator.all(DROP)
        assert len(alice.emulator.all(JOIN)) == 2
        late = server.player("late")
        assert late.emulator.all(INFO)
        for sock in strangers:
            sock.close()
        server.end()
    seen = {bytes(row["raw"]) for row in rows(tmp_path / FILE, "SELECT raw FROM frames")}
    assert not [name for name, lie in LIES.items() if lie not in seen], "all of it is recorded"
    sql = "SELECT count(*) AS n FROM frames WHERE kind = 'HELLO'"
    assert rows(tmp_path / FILE, sql)[0]["n"] > 1000
    assert not rows(tmp_path / FILE, "SELECT 1 FROM events WHERE kind = 'defect'")
