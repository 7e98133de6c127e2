"""GameSpy's presence, search and statistics servers (gamespy 1, 2, 3, 8), and what they compute.

Ids, session keys, challenges and tickets are another ones in every `World`. A message with the
session key of another run, a wrong proof or the id of nobody is refused as the real servers do.
"""

from __future__ import annotations

import base64
import random
import string
from collections.abc import Iterator
from hashlib import md5

FINAL = b"\\final\\"


def hexed(data: bytes) -> bytes:
    return md5(data, usedforsecurity=False).hexdigest().encode()


def login_response(password: bytes, user: bytes, first: bytes, second: bytes) -> bytes:
    """`response` with the client's challenge first, `proof` with the server's (gamespy 2.2)."""
    secret = hexed(password)
    return hexed(secret + b" " * 48 + user + first + second + secret)


def hidden(password: bytes) -> bytes:
    """`passwordenc` (gamespy 2.5)."""
    state, out = 0x79707367 & 0x7FFFFFFF, bytearray()
    for byte in password:
        low, high = 16807 * (state & 0xFFFF), 16807 * (state >> 16)
        low += (high & 0x7FFF) << 16
        low = (low & 0x7FFFFFFF) + 1 if low > 0x7FFFFFFF else low
        low += high >> 15
        low = (low & 0x7FFFFFFF) + 1 if low > 0x7FFFFFFF else low
        state = low
        out.append(byte ^ state % 255)
    return base64.b64encode(out).translate(bytes.maketrans(b"+/=", b"[]_"))


def message(*tokens: object) -> bytes:
    return b"".join(b"\\" + str(one).encode() for one in tokens) + FINAL


def read(text: bytes) -> dict[str, str]:
    """Keys and values; the command under its own name."""
    tokens = text[1:].decode("latin-1").split("\\")
    return dict(zip(tokens[::2], tokens[1::2], strict=False))


class World:
    """One run of the servers."""

    def __init__(self, seed: int) -> None:
        self.draw = random.Random(seed)
        self.accounts: dict[str, tuple[str, int]] = {}
        """Unique nick -> password and profile id."""
        self.friend = self.number(10_000, 99_999)
        self.sesskeys: set[str] = set()
        self.tickets: set[str] = set()
        self.problems: list[str] = []
        self.seen: list[str] = []
        self.chats: list[str] = []

    def number(self, low: int, high: int) -> int:
        return self.draw.randrange(low, high)

    def letters(self, count: int, alphabet: str = string.ascii_uppercase) -> str:
        return "".join(self.draw.choice(alphabet) for _ in range(count))


class Text:
    """A service that reads messages up to `final`."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.closing = False
        self._buffer = b""

    def opened(self) -> Iterator[bytes]:
        return iter(())

    def received(self, data: bytes) -> Iterator[bytes]:
        self._buffer += data
        while FINAL in self._buffer and not self.closing:
            text, _, self._buffer = self._buffer.partition(FINAL)
            said = read(self.clear(text))
            kind = next(iter(said), "")
            self.world.seen.append(kind)
            answer = getattr(self, f"on_{kind}", None)
            if answer is None:
                yield from self.refuse(said, 0, f"unknown command {kind!r}")
            else:
                yield from answer(said)

    def clear(self, text: bytes) -> bytes:
        return text

    def refuse(self, said: dict[str, str], code: int, why: str) -> Iterator[bytes]:
        self.world.problems.append(why)
        self.closing = True
        yield message("error", "", "err", code, "fatal", "", "errmsg", why, "id", said.get("id", 1))


class Presence(Text):
    def opened(self) -> Iterator[bytes]:
        self.challenge = self.world.letters(10)
        self.sesskey = ""
        yield message("lc", 1, "challenge", self.challenge, "id", 1)

    def on_newuser(self, said: dict[str, str]) -> Iterator[bytes]:
        hint = said["passwordenc"].translate(str.maketrans("[]_", "+/="))
        wire = base64.b64decode(hint)
        mask = base64.b64decode(hidden(bytes(len(wire))).translate(bytes.maketrans(b"[]_", b"+/=")))
        password = bytes(a ^ b for a, b in zip(wire, mask, strict=True)).decode()
        profile = self.world.number(100_000, 999_999)
        self.world.accounts[said["uniquenick"]] = (password, profile)
        yield message("nur", "", "userid", profile + 1, "profileid", profile, "id", said["id"])

    def on_login(self, said: dict[str, str]) -> Iterator[bytes]:
        nick, mine = said["uniquenick"], said["challenge"]
        password, self.profile = self.world.accounts.get(nick, ("", 0))
        words = (password.encode(), nick.encode())
        wanted = login_response(*words, mine.encode(), self.challenge.encode())
        if not self.profile or wanted.decode() != said["response"]:
            return (yield from self.refuse(said, 260, f"the password of {nick} is wrong"))
        self.sesskey = str(self.world.number(10**8, 10**9))
        self.world.sesskeys.add(self.sesskey)
        proof = login_response(*words, self.challenge.encode(), mine.encode()).decode()
        ticket = self.world.letters(22, string.ascii_letters + string.digits) + "__"
        self.world.tickets.add(ticket)
        yield message("bdy", 1, "list", self.world.friend) + message("blk", 0, "list", "")
        yield message(
            *("lc", 2, "sesskey", self.sesskey, "proof", proof, "userid", self.profile + 1),
            *("profileid", self.profile, "uniquenick", nick, "lt", ticket, "id", said["id"]),
        )

    def known(self, said: dict[str, str]) -> bool:
        return said.get("sesskey") == self.sesskey != ""

    def on_getprofile(self, said: dict[str, str]) -> Iterator[bytes]:
        if not self.known(said):
            return (yield from self.refuse(said, 3, "a wrong session key"))
        number = int(said["profileid"])
        if number not in (self.profile, self.world.friend):
            return (yield from self.refuse(said, 2561, f"nobody is {number}"))
        signature = self.world.letters(32, "0123456789abcdef")
        nick = "racer" if number == self.profile else "buddy"
        yield message(
            *("pi", "", "profileid", number, "nick", nick, "userid", number + 1),
            *("email", f"{nick}@example.net", "sig", signature, "uniquenick", nick),
            *("countrycode", "DE", "id", said["id"]),
        )

    def on_status(self, said: dict[str, str]) -> Iterator[bytes]:
        if not self.known(said):
            return (yield from self.refuse(said, 3, "a wrong session key"))
        where = "|s|1|ss|Playing|ls|gmtest://127.0.0.1|ip|16777343|p|6500"
        yield message("bm", 100, "f", self.world.friend, "msg", where)

    def on_bm(self, said: dict[str, str]) -> Iterator[bytes]:
        if not self.known(said) or said["t"] != str(self.world.friend):
            return (yield from self.refuse(said, 2305, f"{said['t']} is no buddy"))
        self.world.chats.append(said["msg"])
        now = self.world.number(1_700_000_000, 1_800_000_000)
        yield message("bm", 1, "f", self.world.friend, "date", now, "msg", "see you there")

    def on_ka(self, said: dict[str, str]) -> Iterator[bytes]:
        yield message("ka", "")

    def on_logout(self, said: dict[str, str]) -> Iterator[bytes]:
        if not self.known(said):
            self.world.problems.append("logout of another session")
        self.closing = True
        return iter(())


class Search(Text):
    def on_search(self, said: dict[str, str]) -> Iterator[bytes]:
        self.closing = True
        if said["sesskey"] not in self.world.sesskeys:
            return (yield from self.refuse(said, 3, "a search of another session"))
        row = ("bsr", self.world.friend, "nick", "buddy", "uniquenick", "buddy", "namespaceid", 1)
        more = ("firstname", "", "lastname", "", "email", "buddy@example.net")
        yield message(*row, *more, "bsrdone", "", "more", 0)


def xored(data: bytes) -> bytes:
    key = b"GameSpy3D"
    return bytes(byte ^ key[at % len(key)] for at, byte in enumerate(data))


def stats_message(*tokens: object) -> bytes:
    return xored(message(*tokens)[: -len(FINAL)]) + FINAL


def auth_response(challenge: str, secret: str) -> str:
    """`auth.response` (gamespy 8)."""
    value = 0
    for char in challenge.encode("latin-1"):
        value = (value * 0x9CCF9319 + char) & 0xFFFFFFFF
    signed = value - (1 << 32) if value >> 31 else value
    return hexed(str(signed).encode() + secret.encode()).decode()


def player_response(password: str, connection: int) -> str:
    """`authp.resp` (gamespy 8)."""
    digits = f"{(connection ^ 0x38F371E6) & 0xFFFFFFFF:08x}".encode()
    text = password.encode() + bytes(digit + 17 + at for at, digit in enumerate(digits))
    return hexed(text).decode()


class Stats(Text):
    secret = "HA6zkS"
    password = "hunter22"

    def opened(self) -> Iterator[bytes]:
        self.challenge = self.world.letters(10)
        self.connection = 0
        yield stats_message("lc", 1, "challenge", self.challenge, "id", 1)

    def clear(self, text: bytes) -> bytes:
        return xored(text)

    def refuse(self, said: dict[str, str], code: int, why: str) -> Iterator[bytes]:
        self.world.problems.append(why)
        self.closing = True
        yield from ()

    def on_auth(self, said: dict[str, str]) -> Iterator[bytes]:
        if said["response"] != auth_response(self.challenge, self.secret):
            return (yield from self.refuse(said, 0, "the game's response is wrong"))
        self.connection = self.world.number(10**8, 10**9)
        yield stats_message("lc", 2, "sesskey", self.connection, "proof", 0, "id", said["id"])

    def on_authp(self, said: dict[str, str]) -> Iterator[bytes]:
        if said["resp"] != player_response(self.password, self.connection):
            wrong = stats_message("pauthr", -1, "lid", said["lid"], "errmsg", "wrong password")
            self.world.problems.append("the player's response is wrong")
            return (yield wrong)
        yield stats_message("pauthr", said["pid"], "lid", said["lid"])

    def on_getpd(self, said: dict[str, str]) -> Iterator[bytes]:
        now = self.world.number(1_700_000_000, 1_800_000_000)
        head = ("getpdr", 1, "lid", said["lid"], "pid", said["pid"], "mod", now)
        yield stats_message(*head, "length", 9, "data", "\\score\\42")

    def on_newgame(self, said: dict[str, str]) -> Iterator[bytes]:
        if said["connid"] != str(self.connection):
            return (yield from self.refuse(said, 0, "a game of another connection"))
        self.game = said["sesskey"]
        yield from ()

    def on_updgame(self, said: dict[str, str]) -> Iterator[bytes]:
        if said["connid"] != str(self.connection) or said["sesskey"] != self.game:
            return (yield from self.refuse(said, 0, "a report of another game"))
        self.world.chats.append(said["gamedata"])
        yield stats_message("ka", "")
