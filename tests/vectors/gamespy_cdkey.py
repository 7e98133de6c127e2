"""Golden bytes of GameSpy's CD-key server, written from gamespy 1 and 11."""

from __future__ import annotations

from recordings.model import Direction, Json, Key
from tests.protocols.harness import Vector

UP, DOWN = Direction.TO_SERVER, Direction.TO_CLIENT
EMPTY = b"\\"
"""Ends a key whose value slot is empty."""

HASH = "db694185f0412c4a3d3f635910b3368c"
"""MD5 of the key AAAA-BBBB."""
ANSWER = HASH + "7fff0699" + "6f3851db7d4ce1d13fc41840d96631a9"
"""Hash, random number, MD5 of key, random number modulo 65535 and `abcdefgh`."""
AGAIN = HASH + "01020304" + "218eab6a948e63a5dd0dc29ccf891c2d"
"""The same for the second challenge, which then stands in front."""
PCH = "0123456789abcdef" * 2
KEY = (Key("gamespy.cdkey", b"AAAA-BBBB"),)


def wire(clear: bytes) -> bytes:
    """XORed with the repeating key."""
    return bytes(byte ^ b"gamespy"[place % 7] for place, byte in enumerate(clear))


AUTH = (
    rb"\auth" + EMPTY
    + rb"\pid\0"  # product
    rb"\ch\abcdefgh"  # the game server's challenge
    rb"\resp" + EMPTY + ANSWER.encode()
    + rb"\ip\16777343"  # 127.0.0.1, read little-endian
    rb"\skey\9040"  # the player's number here
    rb"\reqproof\1" + EMPTY  # a lone backslash ends it
)  # fmt: skip
ISON = (
    rb"\ison" + EMPTY + rb"\cd" + EMPTY + HASH.encode()
    + rb"\skey\777"
    rb"\pch" + EMPTY + PCH.encode()  # the second challenge
)  # fmt: skip


def vector(
    name: str, direction: Direction, clear: bytes, fields: dict[str, Json], **more: object
) -> Vector:
    """A datagram; its kind is the first field."""
    kind = next(iter(fields))
    return Vector(
        name,
        direction,
        wire(clear),
        kind,
        fields,
        plain=clear,
        cipher="xor-gamespy",
        **more,  # type: ignore[arg-type]
    )


AUTH_FIELDS: dict[str, Json] = {
    "auth": "",
    "pid": "0",
    "ch": "abcdefgh",
    "resp": ANSWER,
    "ip": "127.0.0.1",
    "skey": "9040",
    "reqproof": "1",
}

VECTORS = (
    vector(
        "a player's key",
        UP,
        AUTH,
        AUTH_FIELDS,
        keys=KEY,
        checks={"resp": "ok"},
        learned={"cdkey.challenge": b"abcdefgh", "cdkey.hash": HASH.encode()},
        spans={"ip": b"16777343"},
    ),
    vector(
        "a player's key that nobody told",
        UP,
        AUTH,
        AUTH_FIELDS,
        checks={"resp": "unknown: the CD key was not seen: give it as --key cdkey=HEX"},
    ),
    vector(
        "an answer to another challenge",
        UP,
        AUTH.replace(b"abcdefgh", b"bbcdefgh"),
        {**AUTH_FIELDS, "ch": "bbcdefgh"},
        keys=(Key("cdkey", b"AAAA-BBBB", "cdkey", source="given"),),
        checks={
            "resp": f"WRONG: has {ANSWER}, needs {HASH}7fff0699de9cf75a4df59de875aff5720bb0acf4"
        },
    ),
    vector(
        "an answer of the wrong length",
        UP,
        rb"\auth" + EMPTY + rb"\pid\0\ch\abcdefgh\resp\00\ip\16777343\skey\1",
        {"auth": "", "pid": "0", "ch": "abcdefgh", "resp": "00", "ip": "127.0.0.1", "skey": "1"},
        checks={"resp": "WRONG: a response has 72 characters, this has 2"},
    ),
    vector(
        "the key is good",
        DOWN,
        rb"\uok" + EMPTY + rb"\cd" + EMPTY + HASH.encode() + rb"\skey\9040",
        {"uok": "", "cd": HASH, "skey": "9040"},
        before=((UP, wire(AUTH)),),
        checks={"cd": "ok"},
    ),
    vector(
        "another key is refused",
        DOWN,
        rb"\unok" + EMPTY + rb"\cd\00\skey\9040\errmsg\Invalid CD Key",
        {"unok": "", "cd": "00", "skey": "9040", "errmsg": "Invalid CD Key"},
        before=((UP, wire(AUTH)),),
        checks={"cd": f"WRONG: has 00, needs {HASH}"},
    ),
    vector(
        "a key is refused of which nothing is known",
        DOWN,
        rb"\unok" + EMPTY + rb"\cd\00\skey\1",
        {"unok": "", "cd": "00", "skey": "1"},
        checks={"cd": "unknown: no `auth` of this skey was seen"},
    ),
    vector(
        "is the player here",
        DOWN,
        ISON,
        {"ison": "", "cd": HASH, "skey": "777", "pch": PCH},
        learned={"cdkey.pch": PCH.encode()},
    ),
    vector(
        "the player is here",
        UP,
        rb"\uon" + EMPTY + rb"\skey\777\seed\owatagusia\proof\0",  # the proof follows
        {"uon": "", "skey": "777", "seed": "owatagusia", "proof": "0"},
        before=((DOWN, wire(ISON)),),
        checks={},
    ),
    vector(
        "the player's second proof",
        UP,
        rb"\uon" + EMPTY + rb"\skey\777\seed" + EMPTY + rb"\proof" + EMPTY + AGAIN.encode(),
        {"uon": "", "skey": "777", "seed": "", "proof": AGAIN},
        before=((DOWN, wire(ISON)),),
        keys=KEY,
        checks={"proof": "ok"},
    ),
    vector(
        "a second proof of another key",
        UP,
        rb"\uon" + EMPTY + rb"\skey\777\seed" + EMPTY + rb"\proof" + EMPTY + b"0" * 72,
        {"uon": "", "skey": "777", "seed": "", "proof": "0" * 72},
        before=((DOWN, wire(ISON)),),
        checks={"proof": f"WRONG: has {'0' * 32}, needs {HASH}"},
    ),
    vector(
        "the player is not here", UP, rb"\uoff" + EMPTY + rb"\skey\777", {"uoff": "", "skey": "777"}
    ),
    vector(
        "the player left",
        UP,
        rb"\disc" + EMPTY + rb"\pid\0\cd" + EMPTY + HASH.encode() + rb"\ip\16777343",
        {"disc": "", "pid": "0", "cd": HASH, "ip": "127.0.0.1"},
        spans={"ip": b"16777343"},
    ),
    Vector(
        "keepalive, with the NUL of 2012",
        UP,
        bytes.fromhex("3b0a0c3973"),  # `\ka\` NUL
        "ka",
        {"ka": ""},
        plain=b"\\ka\\\0",
        cipher="xor-gamespy",
    ),
    vector("how many players", DOWN, rb"\ucount" + EMPTY, {"ucount": ""}),
    vector("so many", UP, rb"\ucount\1", {"ucount": "1"}),
    Vector("something else", UP, b"\\ka\\", "Opaque", error="a CD-key message begins with 3b"),
)
