"""GameSpy's statistics server by rules, over real sockets, from the reference alone (gamespy 8)."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from hashlib import md5
from pathlib import Path

import pytest

from tests.replay.standin.gamespy import find
from tests.replay.standin.test_serve_gamespy import Services
from tests.running import connect

FINAL = b"\\final\\"
SECRET = b"HA6zkS"


def xored(data: bytes) -> bytes:
    return bytes(byte ^ b"GameSpy3D"[at % 9] for at, byte in enumerate(data))


def hexed(data: bytes) -> bytes:
    return md5(data, usedforsecurity=False).hexdigest().encode()


def auth_response(challenge: bytes, secret: bytes) -> bytes:
    """A game's proof: a multiplicative hash of 32 bits, as a signed number, and the secret."""
    value = 0
    for one in challenge:
        value = (value * 0x9CCF9319 + (one - 256 if one > 127 else one)) & 0xFFFFFFFF
    signed = value - (1 << 32) if value >> 31 else value
    return hexed(str(signed).encode() + secret)


def scrambled(connid: int) -> bytes:
    """What a player's proof is about."""
    digits = b"%08x" % (connid ^ 0x38F371E6)
    return bytes(digit + 17 + i for i, digit in enumerate(digits))


def player_response(password: bytes, challenge: bytes) -> bytes:
    """A player's proof."""
    return hexed(password + challenge)


class Game:
    """A game at the statistics server."""

    def __init__(self, services: Services, secret: bytes = SECRET) -> None:
        self.socket: socket.socket = connect(services.ports["stats"])
        services.games.append(self)  # type: ignore[arg-type]
        greeting = b""
        while len(greeting) < 38:
            greeting += self.socket.recv(128)
        assert len(greeting) == 38
        clear = xored(greeting)  # the client deciphers the clear end too
        challenge = str(find(clear, "challenge")).encode()
        assert len(challenge) == 10
        response = auth_response(challenge, secret)
        self.says(b"\\auth\\\\gamename\\gmtest\\response\\%b\\port\\0\\id\\1" % response)
        reply = self.socket.recv(128)
        assert reply.endswith(FINAL), "it must be complete in one read"
        self.reply = xored(reply[: -len(FINAL)])
        self.connid = int(find(self.reply, "sesskey") or 0)

    def says(self, text: bytes) -> None:
        self.socket.sendall(xored(text) + FINAL)

    def asks(self, text: bytes) -> bytes:
        self.says(text)
        data = b""
        while not data.endswith(FINAL):
            data += self.socket.recv(65536)
        return xored(data[: -len(FINAL)])

    def proof(self, password: bytes) -> bytes:
        return player_response(password, scrambled(self.connid))

    def close(self) -> None:
        self.socket.close()


@pytest.fixture
def services(tmp_path: Path) -> Iterator[Services]:
    services = Services(tmp_path)
    yield services
    services.close()


def test_games_players_and_all_types_of_data(services: Services) -> None:
    player = services.player("kate")
    pid = player.pid.encode()
    game = Game(services)
    assert game.reply.startswith(b"\\lc\\2\\sesskey\\")
    assert find(game.reply, "proof") == "0"
    game.says(b"\\newgame\\\\connid\\%d\\sesskey\\77" % game.connid)
    game.says(
        b"\\updgame\\\\sesskey\\77\\connid\\%d\\done\\1\\gamedata\\\1score\0015" % game.connid
    )
    wrong = game.asks(b"\\authp\\\\pid\\%b\\resp\\%b\\lid\\1" % (pid, game.proof(b"wrong")))
    assert (find(wrong, "pauthr"), find(wrong, "lid")) == ("-1", "1")
    setting = b"\\setpd\\\\pid\\%b\\ptype\\%d\\dindex\\0\\kv\\%d\\lid\\2\\length\\%d\\data\\%b"
    early = game.asks(setting % (pid, 1, 0, 1, b"x"))
    assert find(early, "setpdr") == "0", "the player has not proved anything yet"
    good = game.asks(b"\\authp\\\\pid\\%b\\resp\\%b\\lid\\3" % (pid, game.proof(b"passkate")))
    assert (find(good, "pauthr"), find(good, "lid")) == (player.pid, "3")
    binary = bytes(range(256)) + b"\\final\\" + xored(b"\\final\\") + b"\\x\\"
    for kind, allowed in ((0, "0"), (1, "1"), (2, "0"), (3, "1")):
        done = game.asks(setting % (pid, kind, 0, len(binary), binary))
        assert (find(done, "setpdr"), find(done, "lid")) == (allowed, "2"), kind
        got = game.asks(b"\\getpd\\\\pid\\%b\\ptype\\%d\\dindex\\0\\keys\\\\lid\\4" % (pid, kind))
        assert find(got, "getpdr") == "1"
        length = int(find(got, "length") or -1)
        assert got.endswith(b"\\data\\" + (binary if allowed == "1" else b""))
        assert length == (len(binary) if allowed == "1" else 0)
    for pairs in (b"\\wins\\1\\losses\\2\0", b"\\wins\\3\0"):
        game.asks(setting.replace(b"dindex\\0", b"dindex\\1") % (pid, 3, 1, len(pairs), pairs))
    other = Game(services)
    asked = b"\\getpd\\\\pid\\%b\\ptype\\%d\\dindex\\1\\keys\\%b\\lid\\5"
    assert other.asks(asked % (pid, 3, b"")).endswith(b"\\data\\\\wins\\3\\losses\\2\0")
    assert other.asks(asked % (pid, 3, b"losses\1wins")).endswith(b"\\losses\\2\\wins\\3\0")
    assert find(other.asks(asked % (pid, 1, b"")), "getpdr") == "0", "it is private"
    named = other.asks(b"\\getpid\\\\nick\\zed\\keyhash\\%b\\lid\\6" % (b"a" * 32))
    assert int(find(named, "getpidr") or 0) > 0
    by_key = b"\\authp\\\\nick\\zed\\keyhash\\%b\\resp\\%b\\lid\\7" % (b"a" * 32, b"0" * 32)
    assert find(other.asks(by_key), "pauthr") == find(named, "getpidr")
    other.says(b"\\ka\\")
    services.end()


def test_a_wrong_secret_is_refused(services: Services) -> None:
    game = Game(services, b"wrong!")
    assert game.reply.startswith(b"\\error\\")
    assert game.socket.recv(64) == b""
    services.end()
