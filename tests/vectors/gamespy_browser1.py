"""Golden bytes of the Server Browser, version 1, one comment per field (gamespy 7)."""

from __future__ import annotations

from proxy.ciphers import enctype1, enctype2
from recordings.model import Direction, Json
from tests.protocols.harness import Vector

UP, DOWN = Direction.TO_SERVER, Direction.TO_CLIENT

GREETING = b"\\basic\\\\secure\\ABCDEF"


def login(enctype: str, validate: str, game: str = "gmtest") -> bytes:
    """The first request of a client, up to its query id."""
    return (
        f"\\gamename\\{game}"  # whose secret is proved
        "\\gamever\\2.00"
        "\\location\\0"
        f"\\validate\\{validate}"  # answers ABCDEF
        f"{enctype}"
        "\\final\\\\queryid\\1.1\\"
    ).encode()


CLEAR = login("", "lkI/QHIm")
PACKET = login("\\enctype\\1", "vgFKIJge")
TREE = login("\\enctype\\2", "3gMJOhl1")
ASK = b"\\list\\cmp\\gamename\\gmtest\\final\\"
ASK_TABLE = b"\\list\\info2\\gamename\\gmtest\\where\\numplayers > 0\\final\\"

COMPACT = (
    bytes.fromhex(
        "cb007107"  # ip 203.0.113.7
        "303a"  # port 12346
        "cb007108"  # ip 203.0.113.8
        "5c66"  # port 23654: looks like the beginning of the mark
    )
    + b"\\final\\"
)
COMPACT_FIELDS: dict[str, Json] = {
    "servers": [{"ip": "203.0.113.7", "port": 12346}, {"ip": "203.0.113.8", "port": 23654}]
}
TEXT = b"\\fieldcount\\2\\ip\\hostname\\203.0.113.7:7777\\One\\203.0.113.8:7778\\Two\\final\\"
TEXT_FIELDS: dict[str, Json] = {
    "servers": [
        {"ip": "203.0.113.7:7777", "hostname": "One"},
        {"ip": "203.0.113.8:7778", "hostname": "Two"},
    ]
}
TREE_KEY = bytes.fromhex("0903753e2e154748494a4b4c4d")


def _after(first: bytes, ask: bytes) -> tuple[tuple[Direction, bytes], ...]:
    return ((DOWN, GREETING), (UP, first), (UP, ask))


VECTORS = (
    Vector(
        "the greeting",
        DOWN,
        GREETING,
        "basic",
        {"basic": "", "secure": "ABCDEF"},
        learned={"sbv1.secure": b"ABCDEF"},
    ),
    Vector("the end of a greeting", DOWN, b"\\final\\", "final", before=((DOWN, GREETING),)),
    Vector(
        "a client that proves its secret",
        UP,
        TREE,
        "gamename",
        {
            "gamename": "gmtest",
            "gamever": "2.00",
            "location": "0",
            "validate": "3gMJOhl1",
            "enctype": "2",
            "final": "",
            "queryid": "1.1",
        },
        before=((DOWN, GREETING),),
        checks={"validate": "ok"},
    ),
    Vector(
        "a client that proves it another way",
        UP,
        PACKET,
        "gamename",
        before=((DOWN, GREETING),),
        checks={"validate": "ok"},
    ),
    Vector(
        "a client with a wrong proof",
        UP,
        CLEAR.replace(b"lkI", b"lkJ"),
        "gamename",
        before=((DOWN, GREETING),),
        checks={"validate": "WRONG: has lkJ/QHIm, needs lkI/QHIm"},
    ),
    Vector(
        "a client of a game whose secret is unknown",
        UP,
        login("", "12345678", "nobody"),
        "gamename",
        before=((DOWN, GREETING),),
        checks={
            "validate": "unknown: the secret of game nobody is unknown: "
            "give it as --game-key nobody=SECRET"
        },
    ),
    Vector(
        "a client whose greeting was not seen",
        UP,
        CLEAR,
        "gamename",
        checks={"validate": "unknown: the greeting was not seen"},
    ),
    Vector(
        "asks for a table",
        UP,
        ASK_TABLE,
        "list",
        {"list": "info2", "gamename": "gmtest", "where": "numplayers > 0"},
    ),
    Vector("addresses in clear", DOWN, COMPACT, "cmp", COMPACT_FIELDS, before=_after(CLEAR, ASK)),
    Vector(
        "a table in clear", DOWN, TEXT, "fieldcount", TEXT_FIELDS, before=_after(CLEAR, ASK_TABLE)
    ),
    Vector(
        "a refusal",
        DOWN,
        b"\\fatal\\1\\error\\no\\final\\",
        "fatal",
        {"fatal": "1", "error": "no"},
        before=_after(TREE, ASK),
    ),
    Vector(
        "a table under enctype 1",
        DOWN,
        enctype1.encrypt(b"ABCDEF", bytes(range(44)), TEXT, b"xyz"),
        "fieldcount",
        TEXT_FIELDS,
        before=_after(PACKET, ASK_TABLE),
        plain=TEXT,
        cipher="enctype1",
    ),
    Vector(
        "addresses under enctype 2",
        DOWN,
        enctype2.encrypt(b"HA6zkS", TREE_KEY, COMPACT),
        "cmp",
        COMPACT_FIELDS,
        before=_after(TREE, ASK),
        plain=COMPACT,
        cipher="enctype2",
        learned={"enctype2.key": TREE_KEY},
    ),
    Vector(
        "addresses under enctype 2 whose secret is unknown",
        DOWN,
        enctype2.encrypt(b"HA6zkS", TREE_KEY, COMPACT),
        "Opaque",
        before=_after(login("\\enctype\\2", "x", "nobody"), ASK),
        error="lost: the secret of game nobody is unknown: give it as --game-key nobody=SECRET",
    ),
    Vector(
        "a list that nobody asked for",
        DOWN,
        COMPACT,
        "Opaque",
        before=((DOWN, GREETING),),
        error="lost: the request was not seen",
    ),
    Vector("no request", UP, b"hello", "Opaque", error="request, byte 0: it begins with"),
    Vector("no greeting", DOWN, b"hello", "Opaque", error="greeting, byte 0: it begins with"),
)
