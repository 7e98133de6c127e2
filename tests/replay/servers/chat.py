"""GameSpy's chat (gamespy 9): both directions enciphered by keys that are drawn anew each time."""

from __future__ import annotations

import random
import string
from collections.abc import Iterator


class Stream:
    def __init__(self, secret: bytes, key: bytes) -> None:
        mixed = bytes(byte ^ secret[at % len(secret)] for at, byte in enumerate(key))
        self.s, y = list(range(255, -1, -1)), 0
        for i in range(256):
            y = (y + mixed[i % 16] + self.s[i]) % 256
            self.s[i], self.s[y] = self.s[y], self.s[i]
        self.x = self.y = 0

    def run(self, data: bytes) -> bytes:
        out, s = bytearray(), self.s
        for byte in data:
            self.x = (self.x + 1) % 256
            self.y = (self.y + s[self.x]) % 256
            s[self.x], s[self.y] = s[self.y], s[self.x]
            out.append(byte ^ s[(s[self.x] + s[self.y]) % 256])
        return bytes(out)


def spelled(address: str) -> str:
    """An address as the eight letters of a user name."""
    packed = bytes(int(part) for part in address.split("."))
    value = int.from_bytes(packed, "little") ^ 0xC3801DC7
    return "".join("aFl4uOD9sfWq1vGp"[int(digit, 16)] for digit in f"{value:08x}")


class World:
    def __init__(self, seed: int, address: str = "127.0.0.1") -> None:
        self.draw = random.Random(seed)
        self.address = address
        """What the server takes for the client's address."""
        self.problems: list[str] = []
        self.seen: list[str] = []
        self.said: list[str] = []


class Chat:
    secret = b"HA6zkS"

    def __init__(self, world: World) -> None:
        self.world = world
        self.closing = False
        self._buffer = b""
        self._down: Stream | None = None
        self._up: Stream | None = None
        self._token = ""
        self.nick = "*"

    def opened(self) -> Iterator[bytes]:
        return iter(())

    def received(self, data: bytes) -> Iterator[bytes]:
        self._buffer += self._up.run(data) if self._up else data
        if not self._buffer.isascii():
            self.world.problems.append(f"not understood: {self._buffer!r}")
            self.closing = True
            return
        while b"\n" in self._buffer and not self.closing:
            line, _, self._buffer = self._buffer.partition(b"\n")
            words = line.rstrip(b"\r").decode("latin-1").split(" ")
            self.world.seen.append(words[0])
            answer = getattr(self, f"on_{words[0].lower()}", None)
            if answer is None:
                self.world.problems.append(f"not understood: {line!r}")
                self.closing = True
                return
            for text in answer(words):
                yield self.line(text)

    def line(self, text: str) -> bytes:
        data = text.encode("latin-1") + b"\r\n"
        return self._down.run(data) if self._down else data

    def on_crypt(self, words: list[str]) -> Iterator[str]:
        letters = string.ascii_letters + string.digits
        keys = ["".join(self.world.draw.choice(letters) for _ in range(16)) for _ in range(2)]
        yield f":s 705 * {keys[0]} {keys[1]}"
        self._up = Stream(self.secret, keys[0].encode())
        self._down = Stream(self.secret, keys[1].encode())

    def on_usrip(self, words: list[str]) -> Iterator[str]:
        yield f":s 302  :=+@{self.world.address}"

    def on_user(self, words: list[str]) -> Iterator[str]:
        if words[1][1:9] != spelled(self.world.address):
            self.world.problems.append("the user names another address")
            self.closing = True
        self._token = "".join(self.world.draw.choice(string.digits) for _ in range(9))
        yield f"PING :{self._token}"

    def on_pong(self, words: list[str]) -> Iterator[str]:
        if words[-1].lstrip(":") != self._token:
            self.world.problems.append(f"another pong: {words}")
            self.closing = True
        yield from ()

    def on_nick(self, words: list[str]) -> Iterator[str]:
        self.nick = words[1]
        yield f":s 001 {self.nick} :Welcome to the Matrix {self.nick}"
        yield f":s 375 {self.nick} :- (M) Message of the day"
        yield f":s 376 {self.nick} :End of MOTD command"

    def on_join(self, words: list[str]) -> Iterator[str]:
        user = f"{self.nick}!X{spelled(self.world.address)}X|42@*"
        yield f":{user} JOIN :{words[1]}"
        yield f":s 353 {self.nick} * {words[1]} :@{self.nick} buddy"
        yield f":s 366 {self.nick} {words[1]} :End of NAMES list"

    def on_getckey(self, words: list[str]) -> Iterator[str]:
        channel, _, cookie = words[1:4]
        yield f":s 702 {self.nick} {channel} buddy {cookie} :\\b_flags\\s"
        yield f":s 703 {self.nick} {channel} {cookie} :End of GETCKEY"

    def on_privmsg(self, words: list[str]) -> Iterator[str]:
        self.world.said.append(" ".join(words[2:])[1:])
        yield f":buddy!XaaaaaaaaX|43@* PRIVMSG {words[1]} :hello {self.nick}"

    def on_quit(self, words: list[str]) -> Iterator[str]:
        self.closing = True
        return iter(())
