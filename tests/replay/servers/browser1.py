r"""A list server of the older engine: another challenge and list key in every run (gamespy 7).

The list goes out under enctype 2, for clients that ask for that.
"""

from __future__ import annotations

import random
import string
import struct
from collections.abc import Iterator

from tests.replay.standin.test_serve_gamespy_browser1 import tree, validate, xor

SECRET = b"HA6zkS"
FINAL = b"\\final\\"
SERVERS = (("203.0.113.7", 7778), ("203.0.113.8", 7787), ("203.0.113.9", 7778))


class World:
    def __init__(self, seed: int) -> None:
        self.draw = random.Random(seed)
        self.problems: list[str] = []
        self.lists = 0


class Browser:
    closing = False

    def __init__(self, world: World) -> None:
        self.world = world
        self.secure = "".join(world.draw.choice(string.ascii_uppercase) for _ in range(6))
        self._buffer = b""
        self._proved = False

    def opened(self) -> Iterator[bytes]:
        yield f"\\basic\\\\secure\\{self.secure}".encode()

    def received(self, data: bytes) -> Iterator[bytes]:
        self._buffer += data
        while FINAL in self._buffer and not self.closing:
            text, _, self._buffer = self._buffer.partition(FINAL)
            words = text.removeprefix(b"\\queryid\\1.1\\").split(b"\\")[1:]
            said = dict(zip(words[::2], words[1::2], strict=False))
            if b"validate" in said:
                yield from self._login(said)
            elif b"list" in said:
                yield from self._list()

    def _login(self, said: dict[bytes, bytes]) -> Iterator[bytes]:
        needs = validate(2, self.secure.encode(), SECRET)
        self._proved = said[b"validate"] == needs and said[b"enctype"] == b"2"
        if not self._proved:
            self.world.problems.append("a wrong proof of the secret")
            self.closing = True
            yield b"\\fatal\\1\\error\\wrong validate" + FINAL

    def _list(self) -> Iterator[bytes]:
        if not self._proved:
            self.world.problems.append("a list for nobody")
            return
        self.world.lists += 1
        clear = b"".join(
            bytes(int(part) for part in host.split(".")) + struct.pack(">H", port)
            for host, port in SERVERS
        )
        key = self.world.draw.randbytes(13)
        sent = xor(key[: len(SECRET)], SECRET) + key[len(SECRET) :]
        body = clear + FINAL
        yield bytes([len(key) ^ 0xEC]) + sent + xor(body, tree(key, len(body)))
        self.closing = True
