"""A Kaillera server (kaillera 1 to 5): a private port and other ids in every `World`.

It takes what the original server takes: number 0 first, no gaps, the login's rounds in order, and
nothing for users and games that do not exist. Its second player is a ghost, whose input it makes.
"""

from __future__ import annotations

import random
import struct
from collections.abc import Callable, Iterator

QUIT, JOINED, LOGIN, STATUS, ACK, CLIENT_ACK = 1, 2, 3, 4, 5, 6
CHAT, GAME_CHAT, ALIVE, CREATE, QUIT_GAME, JOIN = 7, 8, 9, 10, 11, 12
START, DATA, CACHED, DROP, READY, INFO = 0x11, 0x12, 0x13, 0x14, 0x15, 0x17


def z(text: str) -> bytes:
    return text.encode("latin-1") + b"\0"


class World:
    def __init__(self, seed: int, rounds: int = 4) -> None:
        self.draw = random.Random(seed)
        self.rounds = rounds
        """Round trips of the login."""
        self.user_id = self.draw.randrange(100, 60000)
        self.game_id = self.draw.randrange(100, 60000)
        self.delay = self.draw.randrange(1, 4)
        self.problems: list[str] = []
        self.frames = 0
        """Inputs of the player that were taken."""
        self.said: list[str] = []
        self.privates = 0
        self.lose = 0
        """Every so many-th datagram to the client is lost, 0: none."""


class Main:
    """The main port; `private` opens the port of a session."""

    def __init__(self, world: World, private: Callable[[Session], int]) -> None:
        self.world, self._private = world, private

    def received(self, data: bytes, peer: tuple[str, int]) -> Iterator[bytes]:
        if data == b"PING\0":
            yield b"PONG\0"
        elif data in (b"HELLO0.83\0", b"HELLO0.83"):
            self.world.privates += 1
            yield f"HELLOD00D{self._private(Session(self.world))}\0".encode()


class Session:
    """One private port."""

    def __init__(self, world: World) -> None:
        self.world = world
        self._next_in = 0
        self._next_out = 0
        self._sent: list[bytes] = []
        self._cache_in: list[bytes] = []
        self._cache_out: list[bytes] = []
        self._acks = 0
        self._lost = 0
        self.name = ""

    def received(self, data: bytes, peer: tuple[str, int]) -> Iterator[bytes]:
        fresh: list[tuple[int, int, bytes]] = []
        offset = 1
        for _ in range(data[0]):
            number, length, tag = struct.unpack_from("<HHB", data, offset)
            body = data[offset + 5 : offset + 4 + length]
            offset += 4 + length
            if number >= self._next_in:
                fresh.append((number, tag, body))
        fresh.sort()
        if fresh and fresh[0][0] != self._next_in:
            self.world.problems.append(f"number {fresh[0][0]}, needs {self._next_in}")
            return
        if not fresh and self._sent:
            yield self._bundle([])  # a repetition: ours may have been lost
        for number, tag, body in fresh:
            self._next_in = number + 1
            said = list(self._take(tag, body))
            if said:
                bundle = self._bundle(said)
                self._lost += 1
                if not self.world.lose or self._lost % self.world.lose:
                    yield bundle

    def _bundle(self, messages: list[tuple[int, bytes]]) -> bytes:
        for tag, body in messages:
            head = struct.pack("<HHB", self._next_out, len(body) + 1, tag)
            self._sent.insert(0, head + body)
            self._next_out += 1
        count = min(len(self._sent), max(3, len(messages)))
        return bytes([count]) + b"".join(self._sent[:count])

    def _take(self, tag: int, body: bytes) -> Iterator[tuple[int, bytes]]:
        if tag == LOGIN:
            self.name = body.split(b"\0")[0].decode("latin-1")
            self._acks = 0
            yield ACK, z("") + struct.pack("<4I", 0, 1, 2, 3)
        elif tag == CLIENT_ACK:
            self._acks += 1
            if self._acks < self.world.rounds:
                yield ACK, z("") + struct.pack("<4I", 0, 1, 2, 3)
            elif self._acks == self.world.rounds:
                yield STATUS, z("") + struct.pack("<II", 0, 0)
                mine = struct.pack("<HIB", self.world.user_id, self.world.draw.randrange(90), 1)
                yield JOINED, z(self.name) + mine
                yield INFO, z("Server") + z("Welcome to our own server!")
            else:
                self.world.problems.append("one acknowledgement too many")
        else:
            handler = self._HANDLERS.get(tag)
            if handler is None or self._acks < self.world.rounds:
                self.world.problems.append(f"message {tag} is not taken now")
            else:
                yield from handler(self, body)

    def _chat(self, body: bytes) -> Iterator[tuple[int, bytes]]:
        text = body.split(b"\0")[1].decode("latin-1")
        self.world.said.append(text)
        yield CHAT, z(self.name) + z(text)

    def _create(self, body: bytes) -> Iterator[tuple[int, bytes]]:
        rom = body.split(b"\0")[1].decode("latin-1")
        game = struct.pack("<I", self.world.game_id)
        yield CREATE, z(self.name) + z(rom) + z("understudy 1") + game
        mine = struct.pack("<IHB", 5, self.world.user_id, 1)
        yield JOIN, z("") + game + z(self.name) + mine
        ghost = struct.pack("<IHB", 9, self.world.user_id + 1, 1)
        yield JOIN, z("") + game + z("ghost") + ghost

    def _kick(self, body: bytes) -> Iterator[tuple[int, bytes]]:
        number = struct.unpack("<H", body[1:3])[0]
        if number != self.world.user_id + 1:
            self.world.problems.append(f"nobody is {number}")
            return
        yield QUIT_GAME, z("ghost") + struct.pack("<H", number)

    def _start(self, body: bytes) -> Iterator[tuple[int, bytes]]:
        self._cache_in, self._cache_out = [], []
        yield START, z("") + struct.pack("<HBB", self.world.delay, 1, 2)

    def _ready(self, body: bytes) -> Iterator[tuple[int, bytes]]:
        yield READY, z("")

    def _data(self, body: bytes) -> Iterator[tuple[int, bytes]]:
        size = struct.unpack("<H", body[1:3])[0]
        data = body[3 : 3 + size]
        self._cache_in = [*self._cache_in[-255:], data]
        yield self._input(data)

    def _cached(self, body: bytes) -> Iterator[tuple[int, bytes]]:
        if body[1] >= len(self._cache_in):
            self.world.problems.append(f"slot {body[1]} is empty")
            return
        yield self._input(self._cache_in[body[1]])

    def _input(self, data: bytes) -> tuple[int, bytes]:
        self.world.frames += 1
        both = data + bytes(byte ^ 0xFF for byte in data)
        if both in self._cache_out:
            return CACHED, z("") + bytes([self._cache_out.index(both)])
        self._cache_out = [*self._cache_out[-255:], both]
        return DATA, z("") + struct.pack("<H", len(both)) + both

    def _drop(self, body: bytes) -> Iterator[tuple[int, bytes]]:
        yield DROP, z(self.name) + bytes([1])

    def _quit_game(self, body: bytes) -> Iterator[tuple[int, bytes]]:
        yield QUIT_GAME, z(self.name) + struct.pack("<H", self.world.user_id)

    def _quit(self, body: bytes) -> Iterator[tuple[int, bytes]]:
        words = body[3:]
        yield QUIT, z(self.name) + struct.pack("<H", self.world.user_id) + words

    def _alive(self, body: bytes) -> Iterator[tuple[int, bytes]]:
        return iter(())

    _HANDLERS = {
        CHAT: _chat,
        CREATE: _create,
        0x0F: _kick,
        START: _start,
        READY: _ready,
        DATA: _data,
        CACHED: _cached,
        DROP: _drop,
        QUIT_GAME: _quit_game,
        QUIT: _quit,
        ALIVE: _alive,
    }
