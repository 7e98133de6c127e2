"""A game server of Jazz Jackrabbit 2 with JJ2+ (jazz2 2, 3): one number for TCP and UDP.

It talks to the client's own UDP port, which the join request names, and takes datagrams from there
alone. Sockets, player ids, challenges and cookies are other ones in every `World`.
"""

from __future__ import annotations

import random
import struct
from collections.abc import Callable, Iterator

HOST = "127.0.0.1"


def datagram(body: bytes) -> bytes:
    one = two = 1
    for byte in body:
        one = (one + byte) % 251
        two = (two + one) % 251
    return bytes([one, two]) + body


def packet(tag: int, payload: bytes) -> bytes:
    return bytes([len(payload) + 2, tag]) + payload


def player(number: int, name: str) -> bytes:
    return bytes([number, 1]) + b"\x10\x20\x30\x40" + name.encode() + b"\0"


class World:
    def __init__(self, seed: int, host: str = HOST) -> None:
        draw = random.Random(seed)
        self.host = host
        """Where the client is."""
        self.socket = draw.randrange(1, 15)
        self.player = draw.randrange(1, 30)
        self.challenge, self.cookie = draw.randbytes(4), draw.randbytes(4)
        self.client_port = 0
        """What the join request named."""
        self.problems: list[str] = []
        self.said: list[str] = []
        self.states = self.beats = 0
        self.outbox: list[bytes] = []
        """Datagrams for the client, while there is nobody to send them."""
        self.send: Callable[[bytes, tuple[str, int]], object] | None = None

    def tell(self, data: bytes) -> None:
        if self.send is None:
            self.outbox.append(data)
        else:
            self.send(data, (self.host, self.client_port))


class Game:
    """One client's connection."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.closing = False
        self._buffer = b""

    def opened(self) -> Iterator[bytes]:
        return iter(())

    def received(self, data: bytes) -> Iterator[bytes]:
        self._buffer += data
        while self._buffer and len(self._buffer) >= self._buffer[0] and not self.closing:
            length = self._buffer[0]
            tag, payload = self._buffer[1], self._buffer[2:length]
            self._buffer = self._buffer[length:]
            handler = {0x0F: self._join, 0x0E: self._details, 0x1A: self._loaded, 0x1B: self._chat}
            yield from handler[tag](payload)

    def _wrong(self, why: str) -> Iterator[bytes]:
        self.world.problems.append(why)
        self.closing = True
        yield packet(0x0D, bytes([4, self.world.socket]) + b"24  ")

    def _join(self, payload: bytes) -> Iterator[bytes]:
        world = self.world
        world.client_port = struct.unpack_from("<H", payload)[0]
        level = b"oval.j2l"
        body = bytes([world.socket, world.player, len(level)]) + level
        body += struct.pack("<II", 0x11223344, 0x55667788) + bytes([1, 10])
        yield packet(0x10, body + world.challenge + world.cookie + b"\x05\x00\x09\x00")

    def _details(self, payload: bytes) -> Iterator[bytes]:
        world = self.world
        if payload[1] != world.player:
            return (yield from self._wrong(f"player {payload[1]} is somebody else"))
        listed = bytes([2, 0]) + player(0, "host") + bytes([world.socket])
        yield packet(0x12, listed + player(world.player, "racer"))
        yield packet(0x13, b"")
        world.tell(datagram(b"\x09\x00\x00" + world.cookie))

    def _loaded(self, payload: bytes) -> Iterator[bytes]:
        if payload != self.world.challenge:
            return (yield from self._wrong("a level loaded for another challenge"))

    def _chat(self, payload: bytes) -> Iterator[bytes]:
        if payload[0] != self.world.socket:
            return (yield from self._wrong(f"socket {payload[0]} is somebody else"))
        self.world.said.append(payload[2:].decode())
        yield packet(0x1B, payload)


class Datagrams:
    """The same number over UDP."""

    def __init__(self, world: World) -> None:
        self.world = world

    def received(self, data: bytes, peer: tuple[str, int]) -> Iterator[bytes]:
        world, body = self.world, data[2:]
        if data != datagram(body):
            world.problems.append("wrong sums")
        elif peer[1] != world.client_port:
            world.problems.append(f"from port {peer[1]}, which nobody named")
        elif body[0] == 9:
            world.beats += 1
            if body[-4:] != world.cookie:
                world.problems.append("another cookie")
        elif body[0] == 1:
            world.states += 1
            yield datagram(b"\x02" + body[1:])
