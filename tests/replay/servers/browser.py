"""GameSpy's server browser, version 2 (gamespy 6): the list is enciphered, keyed anew every time.

The game servers that it lists have other addresses in every `World`; who asks about one that is
not listed gets no answer.
"""

from __future__ import annotations

import random
import struct
from collections.abc import Iterator


def mixed_key(secret: bytes, challenge: bytes, server_key: bytes) -> bytes:
    mixed = bytearray(challenge)
    for i, byte in enumerate(server_key):
        mixed[(i * secret[i % len(secret)]) % 8] ^= mixed[i % 8] ^ byte
    return bytes(mixed)


class Cards:
    """The cipher of the list, enciphering (gamespy 6.4)."""

    def __init__(self, key: bytes) -> None:
        cards, total, place, mask = list(range(256)), 0, 0, 255
        for i in range(255, 0, -1):
            tries = 0
            while True:
                total = (cards[total] + key[place]) % 256
                place += 1
                if place == len(key):
                    place, total = 0, (total + len(key)) % 256
                u = mask & total
                tries += 1
                if tries > 11:
                    u %= i
                if u <= i:
                    break
            cards[i], cards[u] = cards[u], cards[i]
            if i & (i - 1) == 0:
                mask >>= 1
        self.cards = cards
        self.rotor, self.ratchet, self.avalanche = cards[1], cards[3], cards[5]
        self.plain, self.cipher = cards[7], cards[total]

    def encipher(self, data: bytes) -> bytes:
        cards, out = self.cards, bytearray()
        for byte in data:
            self.ratchet = (self.ratchet + cards[self.rotor]) % 256
            self.rotor = (self.rotor + 1) % 256
            t = cards[self.cipher]
            cards[self.cipher] = cards[self.ratchet]
            cards[self.ratchet] = cards[self.plain]
            cards[self.plain] = cards[self.rotor]
            cards[self.rotor] = t
            self.avalanche = (self.avalanche + cards[t]) % 256
            deep = (cards[self.plain] + cards[self.cipher] + cards[self.ratchet]) % 256
            k = cards[(cards[self.avalanche] + cards[self.rotor]) % 256] ^ cards[cards[deep]]
            self.plain, self.cipher = byte, byte ^ k
            out.append(self.cipher)
        return bytes(out)


class World:
    def __init__(self, seed: int) -> None:
        self.draw = random.Random(seed)
        self.servers = [
            (bytes((203, 0, 113, self.draw.randrange(1, 255))), self.draw.randrange(2000, 60000))
            for _ in range(3)
        ]
        self.names = ["First oval", "Second oval", "Dirt track"]
        self.problems: list[str] = []
        self.challenges: list[bytes] = []
        self.asked: list[int] = []
        """Which servers were asked about."""


def request(game: str, challenge: bytes, fields: str) -> bytes:
    """A list request as a client writes it."""
    body = b"\x00\x01\x03" + struct.pack("<I", 1) + game.encode() + b"\0" + game.encode() + b"\0"
    body += challenge + b"\0" + fields.encode() + b"\0" + struct.pack(">I", 4)
    return struct.pack(">H", len(body) + 2) + body


def ask(address: bytes, port: int) -> bytes:
    """A server-info request."""
    return struct.pack(">HB", 9, 1) + address + struct.pack(">H", port)


class Browser:
    secret = b"HA6zkS"

    def __init__(self, world: World) -> None:
        self.world = world
        self.closing = False
        self._buffer = b""
        self._cards: Cards | None = None

    def opened(self) -> Iterator[bytes]:
        return iter(())

    def received(self, data: bytes) -> Iterator[bytes]:
        self._buffer += data
        while len(self._buffer) >= 3:
            length, tag = struct.unpack(">HB", self._buffer[:3])
            if length > len(self._buffer):
                return
            body, self._buffer = self._buffer[3:length], self._buffer[length:]
            if tag == 0:
                yield from self._list(body)
            elif tag == 1:
                yield from self._info(body)

    def _list(self, body: bytes) -> Iterator[bytes]:
        rest = body[6:]
        _, rest = rest.split(b"\0", 1)
        _, rest = rest.split(b"\0", 1)
        challenge = rest[:8]
        self.world.challenges.append(challenge)
        key = self.world.draw.randbytes(13)
        self._cards = Cards(mixed_key(self.secret, challenge, key))
        flags = self.world.draw.randbytes(3)
        clear = bytes((127, 0, 0, 1)) + struct.pack(">H", 6500)
        clear += b"\x02\x00hostname\0\x01numplayers\0" + b"\0"
        for (address, port), name in zip(self.world.servers, self.world.names, strict=True):
            clear += b"\x51" + address + struct.pack(">H", port)
            clear += b"\xff" + name.encode() + b"\0" + b"\x04"
        clear += b"\0\xff\xff\xff\xff"
        head = bytes((5 ^ 0xEC,)) + b"\0\0" + flags + bytes((len(key) ^ 0xEA,)) + key
        yield head + self._cards.encipher(clear)

    def _info(self, body: bytes) -> Iterator[bytes]:
        address, port = body[:4], struct.unpack(">H", body[4:6])[0]
        if (address, port) not in self.world.servers or self._cards is None:
            self.world.problems.append(f"no server is at {address.hex()}:{port}")
            return
        number = self.world.servers.index((address, port))
        self.world.asked.append(number)
        rules = b"\xd1" + address + struct.pack(">H", port)
        rules += b"\xff" + self.world.names[number].encode() + b"\0\x04"
        rules += b"mapname\0dm1\0\0"
        yield self._cards.encipher(struct.pack(">HB", len(rules) + 3, 2) + rules)
