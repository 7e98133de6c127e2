"""Golden bytes of `jazz2-list`, written from the reference (jazz2 4)."""

from __future__ import annotations

from recordings.model import Direction
from tests.protocols.harness import Vector

UP, DOWN = Direction.TO_SERVER, Direction.TO_CLIENT

LISTING = bytes.fromhex(
    "4427"  # port 10052
    "426f6f6d" + "00" * 29 + "01"  # name "Boom", players
    "0c"  # limit
    "04"  # flags: treasure
    "32342020"  # version "24  "
)
HEADER = bytes.fromhex(
    "07 4c495354"  # length, LIST
    "0101"  # version
)
LISTED = ((UP, LISTING),)
BEGUN = ((DOWN, HEADER),)

VECTORS = (
    Vector(
        "a game server registers",
        UP,
        LISTING,
        "Listing",
        {
            "port": 10052,
            "name": "Boom",
            "players": 1,
            "limit": 12,
            "flags": 4,
            "version": "24  ",
        },
    ),
    Vector("players", UP, bytes.fromhex("00 03"), "PlayersUpdate", {"players": 3}, before=LISTED),
    Vector("mode", UP, bytes.fromhex("01 03"), "ModeUpdate", {"mode": 3}, before=LISTED),
    Vector("limit", UP, bytes.fromhex("03 20"), "LimitUpdate", {"limit": 32}, before=LISTED),
    Vector("private", UP, bytes.fromhex("04 01"), "PrivateUpdate", {"private": 1}, before=LISTED),
    Vector(
        "plus only", UP, bytes.fromhex("05 01"), "PlusOnlyUpdate", {"plus_only": 1}, before=LISTED
    ),
    Vector(
        "an update that nobody knows",
        UP,
        bytes.fromhex("09 01"),
        "Opaque",
        error="no update has the number 9",
        before=LISTED,
    ),
    Vector("ping", DOWN, b"\0", "Ping", {}),
    Vector("the binary list begins", DOWN, HEADER, "ListHeader", {"version": "0101"}),
    Vector(
        "a server",
        DOWN,
        bytes.fromhex(
            "0b"  # length
            "070200c0"  # host 192.0.2.7, last number first
            "4427"  # port 10052
            "426f6f6d"  # name "Boom"
        ),
        "Server",
        {"host": "192.0.2.7", "port": 10052, "name": "Boom"},
        before=BEGUN,
        spans={"host": bytes.fromhex("070200c0")},
    ),
    Vector(
        "a server that is too short",
        DOWN,
        bytes.fromhex("06 070200c0 44"),
        "Opaque",
        error="Server at offset 0: needs 7 bytes, has a length of 6",
        before=BEGUN,
    ),
    Vector(
        "a server as text",
        DOWN,
        b"192.0.2.7:10052 "  # host, port
        b"local public battle "  # origin, access, mode
        b"1.24   "  # version, padded to six
        b"3600 "  # uptime
        b"[1/8] "  # players, limit
        b"|Boom||er\r\n",  # name
        "ServerLine",
        {
            "host": "192.0.2.7",
            "port": 10052,
            "origin": "local",
            "access": "public",
            "mode": "battle",
            "version": "1.24",
            "uptime": 3600,
            "players": 1,
            "limit": 8,
            "name": "|Boom||er",
        },
    ),
    Vector("message of the day", DOWN, b"the game lives\n", "Line", {"text": "the game lives\n"}),
)
