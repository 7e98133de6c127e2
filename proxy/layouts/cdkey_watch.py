"""What CD-key messages tell and whether it fits, wherever they travel: port 29910, or QR2's socket.

Nobody between player and key server has the CD key unless it was typed in clear or obfuscated
elsewhere in the session, or the user gives it; but the hash of it must be the same throughout.
Source: gamespy 11.
"""

from __future__ import annotations

from collections.abc import Callable
from hashlib import md5
from typing import TypeVar

from proxy.ciphers import cdkey
from proxy.ciphers.repeating import CDKEY, CDKEY_CIPHER, CDKEY_MARK, xor
from proxy.keys import SessionKeys
from proxy.layouts.checks import compare, put_check, unknown
from proxy.layouts.keyvalue import KeyValue, command, lookup
from proxy.message import WireError
from recordings.model import Direction, Frame, Key

UP, DOWN = Direction.TO_SERVER, Direction.TO_CLIENT
LIMIT = 4096
"""Players remembered per flow."""

_T = TypeVar("_T")
Make = Callable[[bytes, bytes, int], bytes]


def decipher(frame: Frame) -> None:
    """Fill `plain` and `cipher`; raises WireError for a datagram that is none of ours."""
    if not frame.raw or frame.raw[0] != CDKEY_MARK:
        raise WireError("byte 0: a CD-key message begins with 3b")
    frame.plain = xor(frame.raw, CDKEY)
    frame.cipher = CDKEY_CIPHER


class CdkeyWatch:
    """Remembers one flow's players; `look` at every deciphered frame, in order."""

    def __init__(self, keys: SessionKeys) -> None:
        self._keys = keys
        self._hashes: dict[bytes, bytes] = {}
        self._again: dict[bytes, tuple[bytes, bytes]] = {}

    def look(self, frame: Frame) -> tuple[Key, ...]:
        """Note what can be checked in `derived`; the keys that the frame gave away."""
        watch = _WATCHES.get((frame.direction, command(frame.clear)))
        return watch(self, frame) if watch else ()

    def _auth(self, frame: Frame) -> tuple[Key, ...]:
        challenge, answer = _two(frame, "ch", "resp")
        player = lookup(frame.clear, "skey") or b""
        put_check(frame, "resp", self._verdict(answer, challenge, cdkey.response))
        _remember(self._hashes, player, answer[:32])
        return Key("cdkey.challenge", challenge), Key("cdkey.hash", answer[:32])

    def _accepted(self, frame: Frame) -> tuple[Key, ...]:
        has, player = _two(frame, "cd", "skey")
        needs = self._hashes.get(player)
        if needs is None:
            put_check(frame, "cd", unknown("no `auth` of this skey was seen"))
        else:
            put_check(frame, "cd", compare(has, needs))
        return ()

    def _ask_again(self, frame: Frame) -> tuple[Key, ...]:
        hashed, player = _two(frame, "cd", "skey")
        challenge = lookup(frame.clear, "pch") or b""
        _remember(self._again, player, (hashed, challenge))
        return (Key("cdkey.pch", challenge),)

    def _online(self, frame: Frame) -> tuple[Key, ...]:
        player, answer = _two(frame, "skey", "proof")
        if answer == b"0":
            return ()  # the player is there, its proof follows
        asked = self._again.get(player)
        if asked is None:
            put_check(frame, "proof", unknown("no `ison` of this skey was seen"))
            return ()
        hashed, challenge = asked
        if len(answer) == cdkey.LENGTH and answer[:32] != hashed:
            put_check(frame, "proof", compare(answer[:32], hashed))
        else:
            put_check(frame, "proof", self._verdict(answer, challenge, cdkey.again))
        return ()

    def _verdict(self, answer: bytes, challenge: bytes, make: Make) -> str:
        try:
            hashed, random, _ = cdkey.parts(answer)
        except ValueError as error:
            return f"WRONG: {error}"
        for key in self.cdkeys():
            if md5(key, usedforsecurity=False).hexdigest().encode() == hashed:
                return compare(answer, make(key, challenge, random))
        return unknown("the CD key was not seen: give it as --key cdkey=HEX")

    def digest(self, direction: Direction, plain: bytes) -> bytes:
        """A message with its response or proof made anew; as it was, where the key is not known."""
        field, make = _PROOFS.get((direction, command(plain)), ("", cdkey.response))
        answer = lookup(plain, field) if field else None
        if answer is None:
            return plain
        challenge = lookup(plain, "ch")
        if challenge is None:
            asked = self._again.get(lookup(plain, "skey") or b"")
            challenge = asked[1] if asked else None
        try:
            hashed, random, _ = cdkey.parts(answer)
        except ValueError:
            return plain  # `0`: the proof follows
        for key in self.cdkeys() if challenge is not None else ():
            if md5(key, usedforsecurity=False).hexdigest().encode() == hashed:
                made = make(key, challenge or b"", random)
                return KeyValue.parse(plain).set(field, made.decode()).encode()
        return plain

    def cdkeys(self) -> list[bytes]:
        """CD keys that are known, the user's first."""
        given = self._keys.given("cdkey")
        seen = [key.key for key in self._keys if key.name == "gamespy.cdkey"]
        return [*([given.key] if given else []), *reversed(seen)]


def _two(frame: Frame, first: str, second: str) -> tuple[bytes, bytes]:
    return lookup(frame.clear, first) or b"", lookup(frame.clear, second) or b""


def _remember(table: dict[bytes, _T], player: bytes, value: _T) -> None:
    if len(table) >= LIMIT:
        table.pop(next(iter(table)))
    table[player] = value


_PROOFS: dict[tuple[Direction, bytes], tuple[str, Make]] = {
    (UP, b"auth"): ("resp", cdkey.response),
    (UP, b"uon"): ("proof", cdkey.again),
}

_WATCHES: dict[tuple[Direction, bytes], Callable[[CdkeyWatch, Frame], tuple[Key, ...]]] = {
    (UP, b"auth"): CdkeyWatch._auth,
    (UP, b"uon"): CdkeyWatch._online,
    (DOWN, b"uok"): CdkeyWatch._accepted,
    (DOWN, b"unok"): CdkeyWatch._accepted,
    (DOWN, b"ison"): CdkeyWatch._ask_again,
}
