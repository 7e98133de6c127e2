r"""GameSpy's CD-key server: game servers ask it about their players; 29910/udp.

One text message `\command\value\key\value` per datagram, without `\final\`, XORed with `gamespy`
from its first byte. Here the client is the game server. Builds with QR2 send the same datagrams on
QR2's socket. Source: gamespy 1 and 11.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from proxy.ciphers.repeating import CDKEY, xor
from proxy.dissector import DatagramDissector
from proxy.keys import SessionKeys
from proxy.layouts.cdkey_watch import CdkeyWatch, decipher
from proxy.layouts.keyvalue import KeyValue
from proxy.layouts.values import DecimalAddress, Value
from proxy.message import Message
from proxy.personal import GAMESPY
from proxy.protocol import Field, Kind, Protocol, Rhythm, Volatile
from recordings.model import Direction, Frame, Transport

UP, DOWN = Direction.TO_SERVER, Direction.TO_CLIENT
KEY_LIMIT = 1000
"""Keys learned per flow: a game server asks about players for days."""


class CdkeyMessage(KeyValue):
    """One datagram."""

    __slots__ = ()
    values: ClassVar[Mapping[str, Value]] = {"ip": DecimalAddress()}


class CdkeyDissector(DatagramDissector):
    """Deciphers, and checks what the session's keys allow."""

    def __init__(self, keys: SessionKeys) -> None:
        super().__init__(keys)
        self._watch = CdkeyWatch(keys)
        self._learned = 0

    def frame(self, frame: Frame) -> None:
        decipher(frame)
        for key in self._watch.look(frame):
            if key.key and self._learned < KEY_LIMIT:
                self._learned += 1
                self.learn(frame, key)

    def digest(self, direction: Direction, plain: bytes) -> bytes:
        """The response to a challenge made anew, if the CD key is known (`--key cdkey=HEX`)."""
        return self._watch.digest(direction, plain)

    def seal(self, direction: Direction, plain: bytes, cipher: str | None = None) -> bytes:
        self._watch.look(Frame(direction, 0, plain))
        return xor(plain, CDKEY)


def _view(frame: Frame) -> Message:
    return CdkeyMessage.parse(frame.clear)


MEANINGS = {
    "cd": ("md5", "MD5 of the CD key"),
    "ch": ("text", "the game server's challenge to the player, 8 letters"),
    "errmsg": ("text", "why, for people"),
    "ip": ("address", "of the player"),
    "pch": ("text", "the key server's challenge, 32 characters"),
    "pid": ("number", "product"),
    "proof": ("text", "72 characters that answer `pch`, or 0"),
    "reqproof": ("number", "1"),
    "resp": ("text", "MD5 of the key, 8 hex digits at random, MD5 of key, random and challenge"),
    "seed": ("text", "10 letters at random"),
    "skey": ("number", "number of the player at this game server: the reply repeats it"),
}


def _kind(name: str, ways: tuple[Direction, ...], meaning: str, names: str = "") -> Kind:
    fields = tuple(Field(one, *MEANINGS.get(one, ("text",))) for one in (name, *names.split()))
    return Kind(name, ways, meaning, fields, "gamespy 11")


KINDS = (
    _kind("auth", (UP,), "asks whether a player's key is good", "pid ch resp ip skey reqproof"),
    _kind("disc", (UP,), "the player left", "pid cd ip"),
    _kind("ka", (UP,), "keeps the address alive"),
    _kind(
        "uon", (UP,), "the player is here; with its proof, if that came already", "skey seed proof"
    ),
    _kind("uoff", (UP,), "the player is not here", "skey"),
    _kind("ucount", tuple(Direction), "asks, or tells, how many players there are"),
    _kind("uok", (DOWN,), "the key is good", "cd skey"),
    _kind("unok", (DOWN,), "the key is refused", "cd skey errmsg"),
    _kind("ison", (DOWN,), "asks whether the player is here, and for a new proof", "cd skey pch"),
)

PROTOCOLS = (
    Protocol(
        name="gamespy-cdkey",
        title="GameSpy CD keys",
        transports=(Transport.UDP,),
        ports=(29910,),
        begins=rb";[\0\x05\x06\x08\x0a\x0d\x13\x14]",
        make_dissector=CdkeyDissector,
        view_frame=_view,
        kinds=KINDS,
        volatile={
            "auth.ch": Volatile("fresh", "8 lower-case letters"),
            "auth.resp": Volatile("digest", "cdkey"),
            "auth.skey": Volatile("fresh", "number"),
            "auth.ip": Volatile("ours", "host"),
            "disc.ip": Volatile("ours", "host"),
            "uok.skey": Volatile("echo", "auth.skey"),
            "unok.skey": Volatile("echo", "auth.skey"),
            "uok.cd": Volatile("learned", "auth.resp"),
            "unok.cd": Volatile("learned", "auth.resp"),
            "ison.pch": Volatile("fresh", "32 characters"),
            "uon.skey": Volatile("echo", "ison.skey"),
            "uoff.skey": Volatile("echo", "ison.skey"),
            "uon.seed": Volatile("fresh", "10 lower-case letters"),
            "uon.proof": Volatile("digest", "cdkey"),
        },
        answers={"auth": ("uok", "unok"), "ison": ("uon", "uoff")},
        rhythm=(Rhythm("ka", UP, 20.0),),
        keys={"auth.ch": "cdkey.challenge", "uok.cd": "cdkey.hash", "ison.pch": "cdkey.pch"},
        personal=GAMESPY,
        source="gamespy 1, 11",
    ),
)
