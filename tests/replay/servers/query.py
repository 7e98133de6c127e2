"""GameSpy's master server for game servers: who proves the game's secret is listed (gamespy 5)."""

from __future__ import annotations

import base64
import random
import string
import struct
from collections.abc import Iterator


def proof(secret: bytes, challenge: bytes) -> bytes:
    """The answer to a challenge (gamespy 5.3)."""
    s, y = list(range(256)), 0
    for i in range(256):
        y = (y + s[i] + secret[i % len(secret)]) % 256
        s[i], s[y] = s[y], s[i]
    x = y = 0
    out = bytearray()
    for c in challenge:
        x = (x + c + 1) % 256
        y = (y + s[x]) % 256
        s[x], s[y] = s[y], s[x]
        out.append(c ^ s[(s[x] + s[y]) % 256])
    return base64.b64encode(bytes(out) + bytes(-len(out) % 3))


def heartbeat(key: bytes, port: int, state: int) -> bytes:
    """A heartbeat as a game server writes it."""
    pairs = [("localip0", "192.168.0.9"), ("localport", str(port)), ("natneg", "1")]
    pairs += [("statechanged", str(state)), ("gamename", "gmtest"), ("hostname", "An oval")]
    text = b"".join(f"{name}\0{value}\0".encode() for name, value in pairs)
    return (
        b"\x03" + key + text + b"\0" + struct.pack(">H", 0) + b"\0" + struct.pack(">H", 0) + b"\0"
    )


class World:
    def __init__(self, seed: int) -> None:
        self.draw = random.Random(seed)
        self.problems: list[str] = []
        self.listed: set[bytes] = set()
        self.challenges: dict[bytes, bytes] = {}
        self.messages: dict[bytes, bytes] = {}
        """Instance key -> id of the message that waits for its acknowledgement."""
        self.acknowledged = 0
        self.keys: list[bytes] = []


class Master:
    secret = b"HA6zkS"

    def __init__(self, world: World) -> None:
        self.world = world

    def received(self, data: bytes, peer: tuple[str, int]) -> Iterator[bytes]:
        tag, key, body = data[0], data[1:5], data[5:]
        answer = {3: self._heartbeat, 1: self._response, 7: self._acknowledged, 8: self._alive}
        if tag in answer and len(key) == 4:
            yield from answer[tag](key, body, peer)

    def _heartbeat(self, key: bytes, body: bytes, peer: tuple[str, int]) -> Iterator[bytes]:
        self.world.keys.append(key)
        if key in self.world.listed:
            number = self.world.draw.randbytes(4)
            self.world.messages[key] = number
            yield b"\xfe\xfd\x06" + key + number + b"hello"
            return
        letters = string.ascii_letters + string.digits
        text = "".join(self.world.draw.choice(letters) for _ in range(6))
        host = "".join(f"{int(part):02X}" for part in peer[0].split("."))
        challenge = f"{text}00{host}{peer[1]:04X}".encode()
        self.world.challenges[key] = challenge
        yield b"\xfe\xfd\x01" + key + challenge + b"\0"

    def _response(self, key: bytes, body: bytes, peer: tuple[str, int]) -> Iterator[bytes]:
        challenge = self.world.challenges.get(key)
        if challenge is None or body.rstrip(b"\0") != proof(self.secret, challenge):
            self.world.problems.append("a wrong proof")
            yield b"\xfe\xfd\x04" + key + b"\x01" + b"wrong proof\0"
            return
        self.world.listed.add(key)
        yield b"\xfe\xfd\x0a" + key

    def _acknowledged(self, key: bytes, body: bytes, peer: tuple[str, int]) -> Iterator[bytes]:
        if self.world.messages.get(key) != body:
            self.world.problems.append("acknowledges a message that was never sent")
        else:
            self.world.acknowledged += 1
        yield from ()

    def _alive(self, key: bytes, body: bytes, peer: tuple[str, int]) -> Iterator[bytes]:
        if key not in self.world.listed:
            self.world.problems.append("a keepalive of nobody")
            return
        yield b"\xfe\xfd\x08" + key
