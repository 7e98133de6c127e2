"""NatNeg and the CD-key server of GameSpy by rules, over real sockets (gamespy 10, 11)."""

from __future__ import annotations

import socket
import struct
from collections.abc import Iterator
from hashlib import md5
from pathlib import Path

import pytest

from tests.replay.standin.gamespy_lists import datagrams
from tests.replay.standin.test_serve_gamespy import Services

MAGIC = b"\xfd\xfc\x1e\x66\x6a\xb2"
INITACK, CONNECT, ADDRESS_REPLY, ERTTEST, REPORT_ACK, PREINIT_ACK = 1, 5, 0x0B, 2, 0x0E, 0x10


class Datagrams(Services):
    """The services, with sockets of their clients."""

    def socket(self) -> socket.socket:
        one = datagrams()
        self.games.append(one)  # type: ignore[arg-type]
        return one


@pytest.fixture
def services(tmp_path: Path) -> Iterator[Datagrams]:
    services = Datagrams(tmp_path)
    yield services
    services.close()


class Player:
    """One side of a pair."""

    def __init__(self, services: Datagrams, cookie: int, index: int, version: int = 3) -> None:
        self.server = "127.0.0.1", services.ports["natneg"]
        self.cookie, self.index, self.version = cookie, index, version
        self.game, self.other = services.socket(), services.socket()
        self.got: list[bytes] = []

    def packet(self, kind: int, body: bytes) -> bytes:
        return MAGIC + bytes((self.version, kind)) + struct.pack(">I", self.cookie) + body

    def init(self, *, ports: int = 2) -> None:
        name = b"gmtest\0" if self.version > 1 else b""
        for port_type, one in enumerate((self.game, self.other)[:ports]):
            local = socket.inet_aton("192.168.0.9") + struct.pack(">H", 6500)
            body = bytes((port_type, self.index, 1)) + local + name
            one.sendto(self.packet(0, body), self.server)
            ack = self.hears(one, INITACK)
            assert ack == bytes((port_type, self.index)) + bytes.fromhex("ffff6d16b57dea")

    def hears(self, one: socket.socket, kind: int) -> bytes:
        while True:
            data = one.recv(256)
            assert data[:7] == MAGIC + bytes((self.version,))
            assert data[8:12] == struct.pack(">I", self.cookie)
            if data[7] == kind:
                return data[12:]

    def connected(self) -> tuple[str, int]:
        body = self.hears(self.other, CONNECT)
        assert len(body) == 8, "20 bytes with the header"
        ip, port, got, finished = struct.unpack(">4sHBB", body)
        assert (got, finished) == (0x42, 0)
        self.other.sendto(self.packet(6, bytes((1, self.index)) + bytes(7)), self.server)
        return socket.inet_ntoa(ip), port

    def at(self) -> tuple[str, int]:
        return "127.0.0.1", self.game.getsockname()[1]

    def report(self) -> None:
        body = bytes((1, self.index, 1)) + struct.pack("<II", 1, 1) + b"gmtest".ljust(50, b"\0")
        packet = self.packet(0x0D, body)
        assert len(packet) == 73
        self.other.sendto(packet, self.server)
        assert self.hears(self.other, REPORT_ACK) == packet[12:21]


@pytest.mark.parametrize("version", [2, 3, 4])
def test_a_pair_meets_and_the_cookie_can_come_again(services: Datagrams, version: int) -> None:
    for time in range(2):  # the same cookie, from other players
        one, two = Player(services, 666, 0, version), Player(services, 666, 1, version)
        if version == 4:
            for player, state in ((one, 0), (two, 2), (one, 2)):
                body = bytes((player.index, 0)) + struct.pack(">I", 77 + player.index + time)
                player.other.sendto(player.packet(0x0F, body), player.server)
                said = player.hears(player.other, PREINIT_ACK)
                assert said[0] == player.index
                assert said[2:] == body[2:]
                assert said[1] == state
        one.init()
        two.init()
        assert one.connected() == two.at()
        assert two.connected() == one.at()
        one.report()
        two.report()
    # the same two games play again, each from its port, which is named before the others
    before = one, two
    one, two = Player(services, 666, 0, version), Player(services, 666, 1, version)
    one.game, two.game = (player.game for player in before)
    one.init()
    two.init()
    assert one.connected() == two.at()
    assert two.connected() == one.at()
    services.end()


def test_address_checks_and_the_test_of_the_router(services: Datagrams) -> None:
    for cookie in (0, 1, 2, 3):
        player = Player(services, cookie, 0)
        body = bytes((1, 0, 0)) + bytes(6) + b"gmtest\0"
        packet = player.packet(0x0A, body).ljust(73, b"\0")
        player.game.sendto(packet, player.server)
        reply = player.hears(player.game, ADDRESS_REPLY)
        assert reply[3:9] == socket.inet_aton("127.0.0.1") + struct.pack(">H", player.at()[1])
    player = Player(services, 777, 0)
    player.game.sendto(player.packet(0x0C, bytes((1, 0, 0)) + bytes(6)), player.server)
    test = player.hears(player.game, ERTTEST)
    player.game.sendto(player.packet(3, test), player.server)
    services.end()


def test_many_pairs_at_once(services: Datagrams) -> None:
    pairs = [(Player(services, 5000 + n, 0), Player(services, 5000 + n, 1)) for n in range(40)]
    for one, two in pairs:
        one.init()
        two.init()
    for one, two in pairs:
        assert one.connected() == two.at()
        assert two.connected() == one.at()
    services.end()


def xored(data: bytes) -> bytes:
    """`gamespy`, from byte 0 on (gamespy 11)."""
    return bytes(byte ^ b"gamespy"[at % 7] for at, byte in enumerate(data))


def response(key: bytes, challenge: bytes, chance: int) -> bytes:
    """72 characters: the key's MD5, a random number, the proof."""
    proof = md5(key + b"%d" % (chance % 65535) + challenge, usedforsecurity=False).hexdigest()
    return f"{md5(key, usedforsecurity=False).hexdigest()}{chance:08x}{proof}".encode()


def test_a_cd_key_is_good_or_refused(tmp_path: Path) -> None:
    bad = md5(b"BANNED", usedforsecurity=False).hexdigest()
    services = Datagrams(tmp_path, "--rule", f"gamespy-cdkey.banned={bad}")
    try:
        one = services.socket()
        where = "127.0.0.1", services.ports["cdkey"]
        for key, kind in ((b"AAAA-BBBB-CCCC", b"uok"), (b"BANNED", b"unok")):
            resp = response(key, b"abcdefgh", 0x89ABCDEF)
            asked = b"\\auth\\\\pid\\10469\\ch\\abcdefgh\\resp\\" + resp
            asked += b"\\ip\\16777343\\skey\\4711\\reqproof\\1\\"
            one.sendto(xored(asked), where)
            said = xored(one.recv(512))
            hashed = md5(key, usedforsecurity=False).hexdigest().encode()
            assert said.startswith(b"\\%b\\\\cd\\%b\\skey\\4711" % (kind, hashed))
            assert b"\\final\\" not in said
        one.sendto(xored(b"\\auth\\\\pid\\1\\ch\\x\\resp\\short\\skey\\5"), where)
        assert xored(one.recv(512)).startswith(b"\\unok\\")
        for rest in (b"\\uon\\\\skey\\4711\\seed\\abcdefghij\\proof\\0", b"\\ka\\\0"):
            one.sendto(xored(rest), where)
        services.end()
    finally:
        services.close()
