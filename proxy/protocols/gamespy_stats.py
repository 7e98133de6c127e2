r"""GameSpy's statistics server (GStats): reports of games, data of players; 29920/tcp.

Messages `\command\value\key\value\...\final\` whose body is XORed with `GameSpy3D`, anew for each;
the seven bytes `\final\` stay clear. The server speaks first. Stored data are counted by `length`
and may be anything, `\final\` included; `length` is no field, it follows from `data`.
Source: gamespy 1 and 8.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, ClassVar, Self

from proxy.ciphers import gstats
from proxy.ciphers.gamespy_secrets import missing, secret_for
from proxy.ciphers.repeating import GSTATS, GSTATS_CIPHER, xor
from proxy.keys import SessionKeys
from proxy.layouts.checks import OK, compare, put_check, unknown
from proxy.layouts.gamespy_fields import kind
from proxy.layouts.keyvalue import MARK, KeyValue, command, lookup
from proxy.layouts.keyvalue_stream import KeyValueDissector, Notice, passwords
from proxy.layouts.values import Separated, Value
from proxy.message import Message
from proxy.personal import GAMESPY
from proxy.protocol import Protocol, Volatile
from recordings.model import Direction, Frame, Transport

UP, DOWN = Direction.TO_SERVER, Direction.TO_CLIENT
NO_PASSWORD = "the password was not seen: give it as --key password=HEX"  # noqa: S105

_COUNTED = re.compile(rb"\\length\\(0|[1-9]\d{0,8})\\data\\")


class Stats(KeyValue):
    """One message; see `CountedStats` for those that carry data."""

    __slots__ = ()
    values: ClassVar[Mapping[str, Value]] = {
        "gamedata": Separated("\x01"),
        "data": Separated("\\", end="\0"),
    }


class CountedStats(Stats):
    """A message with `length` in front of its `data`, which may hold anything."""

    __slots__ = ()

    @classmethod
    def parse(cls, data: bytes) -> Self:
        """Read one; raises ValueError if the count does not fit."""
        counted = _COUNTED.search(data)
        if not counted:
            raise ValueError("no counted data")
        end = counted.end() + int(counted[1])
        head, after = data[: counted.start()], data[end:]
        if end > len(data) or head.count(b"\\") % 2 or not after.startswith(b"\\"):
            raise ValueError("the count of the data does not fit")
        message = super().parse(head + b"\\data\\" + after)
        slot = head.count(b"\\") + 1
        if message.bare >= 0 or message._data() != slot // 2:
            raise ValueError("the data are not a value")
        tokens = list(message.tokens)
        tokens[slot] = data[counted.end() : end].decode("latin-1")
        return cls(tuple(tokens), message.tail)

    def _data(self) -> int:
        """Number of the pair that is counted, -1 if it was deleted."""
        keys = self.tokens[::2]
        return keys.index("data") if "data" in keys else -1

    def encode(self) -> bytes:
        index = self._data()
        if index < 0:
            return super().encode()
        tokens, slot = self.tokens, 2 * index
        counted = ("length", str(len(tokens[slot + 1])))
        text = "\\" + "\\".join((*tokens[:slot], *counted, *tokens[slot:])) + self.tail
        return text.encode("latin-1")

    def add(self, key: str, value: Any) -> Self:
        if key == "length":
            raise ValueError("length follows from data: change the data")
        return super().add(key, value)

    def _hidden_before(self, index: int) -> int:
        if index != self._data():
            return 0
        return len(f"\\length\\{len(self.tokens[2 * index + 1])}")

    def _counted(self, key: str) -> bool:
        return key == "data"


def read(clear: bytes) -> Stats:
    """The message of a frame; raises WireError."""
    if b"\\data\\" in clear:
        try:
            return CountedStats.parse(clear)
        except ValueError:
            pass  # not counted, or not as this reads it: a value like others
    return Stats.parse(clear)


class StatsDissector(KeyValueDissector):
    """Deciphers, cuts behind counted data, checks the game's and the player's responses."""

    def __init__(self, keys: SessionKeys) -> None:
        super().__init__(keys)
        self._challenge: bytes | None = None
        self._connection: int | None = None

    def frame_length(self, direction: Direction, buffer: bytes | bytearray, start: int) -> int:
        end = self.find(direction, MARK, buffer, start)
        while end:
            body = end - len(MARK) - start
            counted = _COUNTED.search(xor(bytes(buffer[start : start + body]), GSTATS))
            needs = counted.end() + int(counted[1]) if counted else 0
            # a count that ends within the mark is a wrong count, not a mark within the data
            if needs < body + len(MARK) or needs > self.frame_limit:
                return end - start
            end = self.find(direction, MARK, buffer, start + needs)
        return 0

    def frame(self, frame: Frame) -> None:
        raw = frame.raw or b""
        frame.plain = xor(raw[: -len(MARK)], GSTATS) + MARK
        frame.cipher = GSTATS_CIPHER
        self.noticed(frame)

    def seal(self, direction: Direction, plain: bytes, cipher: str | None = None) -> bytes:
        if not plain.endswith(MARK):
            return xor(plain, GSTATS)
        sealed = xor(plain[: -len(MARK)], GSTATS) + MARK
        self.noticed(Frame(direction, 0, sealed, plain))
        return sealed

    def _greeting(self, frame: Frame) -> None:
        clear = frame.clear
        if lookup(clear, "lc") == b"1":
            self._challenge = gstats.seen_challenge(frame.raw or b"")
            self.learn_text(frame, "gstats.challenge", self._challenge)
            return
        sesskey = lookup(clear, "sesskey")
        self.learn_text(frame, "gstats.sesskey", sesskey)
        self._connection = gstats.connection_id(sesskey or b"0")

    def _auth(self, frame: Frame) -> None:
        has = lookup(frame.clear, "response")
        if has is not None:
            needs, why = self._game_response(frame.clear)
            put_check(frame, "response", compare(has, needs) if needs else unknown(why))

    def _game_response(self, clear: bytes) -> tuple[bytes | None, str]:
        game = (lookup(clear, "gamename") or b"").decode("latin-1")
        secret = secret_for(self.keys.secrets, game)
        if secret is None:
            return None, missing(game)
        if self._challenge is None:
            return None, "the server's challenge was not seen"
        return gstats.auth_response(self._challenge, secret), ""

    def _player(self, frame: Frame) -> None:
        has = lookup(frame.clear, "resp")
        if has is None:
            return
        tried = [compare(has, needs) for needs in self._player_responses()]
        if OK in tried:
            put_check(frame, "resp", OK)
        elif len(tried) == 1:
            put_check(frame, "resp", tried[0])
        elif self._connection is None:
            put_check(frame, "resp", unknown("the server's session key was not seen"))
        else:
            why = "none of the passwords seen gives it" if tried else NO_PASSWORD
            put_check(frame, "resp", unknown(why))

    def _player_responses(self) -> list[bytes]:
        if self._connection is None:
            return []
        known = passwords(self.keys, "gp.password")
        return [gstats.player_response(password, self._connection) for password in known]

    def digest(self, direction: Direction, plain: bytes) -> bytes:
        """The frame with the response in it made anew for this session, if that can be done."""
        field = _DIGESTS.get((direction, command(plain)))
        if field is None or lookup(plain, field) is None:
            return plain
        if field == "response":
            made, _ = self._game_response(plain)
        else:
            made = next(iter(self._player_responses()), None)
        return read(plain).set(field, made.decode()).encode() if made else plain

    notices: ClassVar[Mapping[tuple[Direction, bytes], Notice]] = {
        (DOWN, b"lc"): _greeting,
        (UP, b"auth"): _auth,
        (UP, b"authp"): _player,
    }


_DIGESTS = {(UP, b"auth"): "response", (UP, b"authp"): "resp"}


def _view(frame: Frame) -> Message:
    return read(frame.clear)


KINDS = (
    kind(
        "lc",
        DOWN,
        "1: the server's challenge, at least 38 bytes in all; 2: the game is accepted",
        "challenge sesskey proof id",
        "8",
    ),
    kind("auth", UP, "proves the game's secret", "gamename response port id", "8"),
    kind(
        "newgame",
        UP,
        "a game begins; sesskey is the client's own number for it",
        "connid sesskey",
        "8",
    ),
    kind("updgame", UP, "a report of a game", "sesskey connid done gamedata", "8"),
    kind(
        "authp",
        UP,
        "proves who the player is: by token, profile, or nick and CD key",
        "authtoken pid nick keyhash resp lid",
        "8",
    ),
    kind("pauthr", DOWN, "the player's profile id, or -1", "lid errmsg", "8"),
    kind("getpid", UP, "asks for a profile id", "nick keyhash lid", "8"),
    kind("getpidr", DOWN, "the profile id", "lid", "8"),
    kind("getpd", UP, "asks for a player's data", "pid ptype dindex keys lid mod", "8"),
    kind("getpdr", DOWN, "a player's data", "lid pid mod data", "8"),
    kind("setpd", UP, "stores a player's data", "pid ptype dindex kv lid data", "8"),
    kind("setpdr", DOWN, "the data are stored", "lid pid mod", "8"),
    kind("ka", None, "keeps the connection alive", "", "8"),
)

PROTOCOLS = (
    Protocol(
        name="gamespy-stats",
        title="GameSpy statistics and persistent storage",
        transports=(Transport.TCP,),
        ports=(29920,),
        begins=rb"\x1b",
        make_dissector=StatsDissector,
        view_frame=_view,
        kinds=KINDS,
        volatile={
            "lc.challenge": Volatile("fresh", "10 upper-case letters"),
            "lc.sesskey": Volatile("fresh", "number of 32 bits"),
            "lc.id": Volatile("echo", "auth.id"),
            "auth.response": Volatile("digest", "gstats"),
            "auth.port": Volatile("ours", "port"),
            "newgame.connid": Volatile("key", "gstats.sesskey"),
            "updgame.connid": Volatile("key", "gstats.sesskey"),
            "newgame.sesskey": Volatile("fresh", "number"),
            "updgame.sesskey": Volatile("echo", "newgame.sesskey"),
            "authp.resp": Volatile("digest", "gstats"),
            "pauthr.lid": Volatile("echo", "authp.lid"),
            "getpidr.lid": Volatile("echo", "getpid.lid"),
            "getpdr.lid": Volatile("echo", "getpd.lid"),
            "getpdr.pid": Volatile("echo", "getpd.pid"),
            "getpdr.mod": Volatile("clock", "s"),
            "setpdr.lid": Volatile("echo", "setpd.lid"),
            "setpdr.pid": Volatile("echo", "setpd.pid"),
            "setpdr.mod": Volatile("clock", "s"),
        },
        answers={
            "auth": ("lc",),
            "authp": ("pauthr",),
            "getpid": ("getpidr",),
            "getpd": ("getpdr",),
            "setpd": ("setpdr",),
        },
        keys={"lc.challenge": "gstats.challenge", "lc.sesskey": "gstats.sesskey"},
        personal=GAMESPY,
        source="gamespy 1, 8",
    ),
)
