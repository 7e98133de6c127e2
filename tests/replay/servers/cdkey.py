r"""GameSpy's CD-key server: asks a game server again for proofs of its players (gamespy 11).

Its challenges are others in every run. Datagrams are XORed with `gamespy`.
"""

from __future__ import annotations

import random
import string
from collections.abc import Iterator
from hashlib import md5

KEY = b"1234-5678-9012-3456"


def masked(data: bytes) -> bytes:
    return bytes(byte ^ b"gamespy"[place % 7] for place, byte in enumerate(data))


def hexed(data: bytes) -> str:
    return md5(data, usedforsecurity=False).hexdigest()


def answer(challenge: str, number: int, *, again: bool = False, key: bytes = KEY) -> str:
    """72 characters: hash, random number, hash of key, number and challenge."""
    parts = [key, str(number % 65535).encode(), challenge.encode()]
    mixed = b"".join(reversed(parts) if again else parts)
    return hexed(key) + f"{number:08x}" + hexed(mixed)


class World:
    def __init__(self, seed: int) -> None:
        self.draw = random.Random(seed)
        self.problems: list[str] = []
        self.proved = 0
        self.left = 0


class KeyServer:
    def __init__(self, world: World) -> None:
        self.world = world
        self._asked: dict[str, str] = {}
        self._players: dict[str, str] = {}

    def received(self, data: bytes, peer: tuple[str, int]) -> Iterator[bytes]:
        words = masked(data).rstrip(b"\0").decode("latin-1").split("\\")[1:]
        said = dict(zip(words[::2], words[1::2], strict=False))
        handler = getattr(self, f"_{words[0]}", None)
        if handler is None:
            self.world.problems.append(f"unknown command {words[0]!r}")
            return
        for text in handler(said):
            yield masked(text.encode())

    def _auth(self, said: dict[str, str]) -> Iterator[str]:
        resp, player = said["resp"], said["skey"]
        if resp != answer(said["ch"], int(resp[32:40], 16)):
            self.world.problems.append("a wrong response to the game server's challenge")
            yield f"\\unok\\\\cd\\{resp[:32]}\\skey\\{player}\\errmsg\\wrong"
            return
        self._players[player] = resp[:32]
        yield f"\\uok\\\\cd\\{resp[:32]}\\skey\\{player}"

    def _ka(self, said: dict[str, str]) -> Iterator[str]:
        letters = string.ascii_letters + string.digits
        for player, hashed in self._players.items():
            challenge = "".join(self.world.draw.choice(letters) for _ in range(32))
            self._asked[player] = challenge
            yield f"\\ison\\\\cd\\{hashed}\\skey\\{player}\\pch\\{challenge}"

    def _uon(self, said: dict[str, str]) -> Iterator[str]:
        proof, challenge = said["proof"], self._asked.get(said["skey"])
        if challenge is None:
            self.world.problems.append(f"nobody asked for player {said['skey']}")
        elif proof != "0" and proof != answer(challenge, int(proof[32:40], 16), again=True):
            self.world.problems.append("a wrong proof of the CD key")
        elif proof != "0":
            self.world.proved += 1
        yield from ()

    def _disc(self, said: dict[str, str]) -> Iterator[str]:
        if said["cd"] not in self._players.values():
            self.world.problems.append("a player left who was never there")
        self.world.left += 1
        yield from ()
