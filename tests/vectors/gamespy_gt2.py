"""Golden bytes of gt2 and of the buddy messages on it, one comment per field (gamespy 2.6, 13)."""

from __future__ import annotations

from proxy.ciphers.challenge import fit, response
from recordings.model import Direction
from tests.protocols.harness import Vector

UP, DOWN = Direction.TO_SERVER, Direction.TO_CLIENT

FIRST, SECOND = fit(bytes(range(32))), fit(bytes(range(100, 132)))
"""Two challenges that keep the parity rule."""
BROKEN = bytes((*FIRST[:-1], FIRST[-1] ^ 1))
OPENING = bytes.fromhex("fefe0100000000") + FIRST
REPLY = bytes.fromhex("fefe0200000001") + response(FIRST) + SECOND
OTHER = bytes(32)
"""An answer that fits no challenge."""


def _peer(text: bytes) -> bytes:
    """A reliable message from buddy to buddy."""
    return (
        bytes.fromhex(
            "fefe"  # mark
            "00"  # type: data
            "0002"  # sn
            "0003"  # esn
            "67616d65737079677000000000000000"  # "gamespygp" in 16 bytes
        )
        + text
    )


VECTORS = (
    Vector(
        "reliable data",
        UP,
        bytes.fromhex(
            "fefe"  # mark
            "00"  # type
            "0003"  # sn
            "0004"  # esn
            "31"  # data
        ),
        "AppData",
        {"sn": 3, "esn": 4, "data": "31"},
    ),
    Vector(
        "a challenge",
        UP,
        OPENING,
        "ClientChallenge",
        {"sn": 0, "esn": 0, "challenge": FIRST.hex()},
        checks={"challenge": "ok"},
        learned={"gt2.client_challenge": FIRST},
    ),
    Vector(
        "a challenge that breaks the rule",
        UP,
        bytes.fromhex("fefe0100000000") + BROKEN,
        "ClientChallenge",
        checks={"challenge": "WRONG: breaks the parity rule"},
    ),
    Vector(
        "the server's answer and challenge",
        DOWN,
        REPLY,
        "ServerChallenge",
        {"sn": 0, "esn": 1, "response": response(FIRST).hex(), "challenge": SECOND.hex()},
        before=((UP, OPENING),),
        checks={"response": "ok", "challenge": "ok"},
        learned={"gt2.server_challenge": SECOND},
    ),
    Vector(
        "the client's answer, with data of the game",
        UP,
        bytes.fromhex("fefe0300010001") + response(SECOND) + b"hello\0",
        "ClientResponse",
        {"sn": 1, "esn": 1, "response": response(SECOND).hex(), "init_data": "68656c6c6f00"},
        before=((UP, OPENING), (DOWN, REPLY)),
        checks={"response": "ok"},
    ),
    Vector(
        "a wrong answer",
        UP,
        bytes.fromhex("fefe0300010001") + OTHER,
        "ClientResponse",
        before=((DOWN, REPLY),),
        checks={
            "response": f"WRONG: has {OTHER.decode()}, needs {response(SECOND).decode('latin-1')}"
        },
    ),
    Vector(
        "an answer to a challenge that was not seen",
        UP,
        bytes.fromhex("fefe0300010001") + OTHER,
        "ClientResponse",
        checks={"response": "unknown: the challenge was not seen"},
    ),
    Vector(
        "an answer to a broken challenge",
        DOWN,
        bytes.fromhex("fefe0200000001") + OTHER + SECOND,
        "ServerChallenge",
        before=((UP, bytes.fromhex("fefe0100000000") + BROKEN),),
        checks={
            "response": "unknown: the challenge breaks the parity rule, its answer is any",
            "challenge": "ok",
        },
    ),
    Vector("accepted", DOWN, bytes.fromhex("fefe0400010002"), "Accept", {"sn": 1, "esn": 2}),
    Vector(
        "rejected",
        DOWN,
        bytes.fromhex("fefe050001000266756c6c"),  # reason "full", of the game
        "Reject",
        {"sn": 1, "esn": 2, "reason": "66756c6c"},
    ),
    Vector("closing", UP, bytes.fromhex("fefe0600070008"), "Close", {"sn": 7, "esn": 8}),
    Vector("a sign of life", UP, bytes.fromhex("fefe0700070008"), "KeepAlive", {"sn": 7, "esn": 8}),
    Vector("an acknowledgement", DOWN, bytes.fromhex("fefe640009"), "Ack", {"esn": 9}),
    Vector("one is missing", DOWN, bytes.fromhex("fefe650009"), "Nack", {"first": 9, "last": None}),
    Vector(
        "several are missing",
        DOWN,
        bytes.fromhex("fefe650009000c"),  # first, last
        "Nack",
        {"first": 9, "last": 12},
    ),
    Vector(
        "ping",
        UP,
        bytes.fromhex("fefe6674696d6514b2ecfa"),  # "time", clock
        "Ping",
        {"time": "14b2ecfa"},
    ),
    Vector("pong", DOWN, bytes.fromhex("fefe6774696d6514b2ecfa"), "Pong", {"time": "14b2ecfa"}),
    Vector("closed", DOWN, bytes.fromhex("fefe68"), "Closed", {}),
    Vector("bare data", UP, b"\x01\x02", "Unreliable", {"data": "0102"}),
    Vector(
        "bare data that begins like a header",
        UP,
        bytes.fromhex("fefefefe00"),  # doubled
        "Unreliable",
        {"data": "fefe00"},
    ),
    Vector(
        "a buddy says who it is",
        UP,
        _peer(
            b"\\auth\\\\pid\\17"  # profile id
            b"\\nick\\Ann"
            b"\\sig\\0123456789abcdef0123456789abcdef"
            b"\\final\\"
        ),
        "PeerAuth",
        {
            "sn": 2,
            "esn": 3,
            "pid": "17",
            "nick": "Ann",
            "sig": "0123456789abcdef0123456789abcdef",
        },
    ),
    Vector("believed", DOWN, _peer(b"\\aack\\\\final\\"), "PeerAuthAck", {"sn": 2, "esn": 3}),
    Vector("not believed", DOWN, _peer(b"\\anack\\\\final\\"), "PeerAuthNack", {"sn": 2, "esn": 3}),
    Vector(
        "a message from buddy to buddy",
        UP,
        _peer(
            b"\\m\\1"  # type: message
            b"\\len\\5"  # length of the data
            b"\\msg\\\n"
            b"a\\b\0c"  # data: may hold anything
            b"\0"
        ),
        "PeerMessage",
        {"sn": 2, "esn": 3, "type": "1", "msg": "615c620063"},
    ),
    Vector(
        "two messages in one datagram",
        UP,
        _peer(b"\\aack\\\\final\\\\aack\\\\final\\"),
        "PeerText",
        {"sn": 2, "esn": 3, "text": "\\aack\\\\final\\\\aack\\\\final\\"},
    ),
    Vector(
        "an unknown type",
        UP,
        bytes.fromhex("fefe0900010002"),
        "Opaque",
        error="gt2.type, byte 2: no message has the type 9",
    ),
    Vector("a mark without a type", UP, b"\xfe\xfe", "Opaque", error="byte 2: the type is missing"),
)
