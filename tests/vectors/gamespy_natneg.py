"""Golden bytes of NatNeg, one comment per field (gamespy 10)."""

from __future__ import annotations

from recordings.model import Direction, Json
from tests.protocols.harness import Vector

UP, DOWN = Direction.TO_SERVER, Direction.TO_CLIENT

HEAD = "fdfc1e666ab203"  # magic, version 3
COOKIE = "00001234"
INIT_BODY = (
    "01"  # port type: to server 1
    "00"  # client index
    "01"  # uses a game port
    "c0a80005"  # local ip 192.168.0.5
    "1964"  # local port 6500
)
INIT_FIELDS: dict[str, Json] = {
    "version": 3,
    "cookie": 0x1234,
    "port_type": 1,
    "client_index": 0,
    "use_game_port": 1,
    "local_ip": "192.168.0.5",
    "local_port": 6500,
}
STALE = "00" * 51 + "a7"
PAIR = (
    "cb007107"  # ip 203.0.113.7
    "1a2b"  # port 6699
    "42"  # got your data, as official servers say it
    "00"  # finished: ok
)
PAIR_FIELDS: dict[str, Json] = {
    "version": 3,
    "cookie": 0x1234,
    "ip": "203.0.113.7",
    "port": 6699,
    "got_data": 0x42,
    "finished": 0,
}


def _shaped(kind: str, tag: str, direction: Direction) -> Vector:
    """A packet in the full size of the union, with a stale tail."""
    return Vector(
        f"{kind} in full size",
        direction,
        bytes.fromhex(HEAD + tag + COOKIE + INIT_BODY + STALE),
        kind,
        {**INIT_FIELDS, "tail": STALE},
        learned={},
    )


VECTORS = (
    Vector(
        "INIT with the name of the game",
        UP,
        bytes.fromhex(HEAD + "00" + COOKIE + INIT_BODY + "676d7465737400"),  # gamename "gmtest"
        "INIT",
        {**INIT_FIELDS, "gamename": "gmtest", "tail": ""},
        learned={"natneg.cookie": bytes.fromhex(COOKIE)},
    ),
    Vector(
        "INIT of version 1, without a name",
        UP,
        bytes.fromhex("fdfc1e666ab20100" + COOKIE + INIT_BODY),
        "INIT",
        {**INIT_FIELDS, "version": 1, "gamename": None, "tail": ""},
    ),
    Vector(
        "INITACK with the constant of the official servers",
        DOWN,
        bytes.fromhex(
            HEAD + "01" + COOKIE + "01"  # port type
            "00"  # client index
            "ffff6d16b57dea"  # filler
        ),
        "INITACK",
        {
            "version": 3,
            "cookie": 0x1234,
            "port_type": 1,
            "client_index": 0,
            "filler": "ffff6d16b57dea",
        },
    ),
    _shaped("ERTTEST", "02", DOWN),
    _shaped("ERTACK", "03", UP),
    Vector(
        "STATEUPDATE",
        UP,
        bytes.fromhex(HEAD + "04" + COOKIE),
        "STATEUPDATE",
        {"version": 3, "cookie": 0x1234, "body": ""},
    ),
    Vector("CONNECT", DOWN, bytes.fromhex(HEAD + "05" + COOKIE + PAIR), "CONNECT", PAIR_FIELDS),
    Vector(
        "CONNECT_ACK with stale memory",
        UP,
        bytes.fromhex(
            HEAD + "06" + COOKIE + "fe"  # port type: never set
            "01"  # client index
            "0000b0ee73bcfe"  # tail
        ),
        "CONNECT_ACK",
        {
            "version": 3,
            "cookie": 0x1234,
            "port_type": 0xFE,
            "client_index": 1,
            "tail": "0000b0ee73bcfe",
        },
    ),
    Vector(
        "CONNECT_PING to a peer",
        UP,
        bytes.fromhex(HEAD + "07" + COOKIE + PAIR),
        "CONNECT_PING",
        PAIR_FIELDS,
    ),
    _shaped("BACKUP_TEST", "08", UP),
    _shaped("BACKUP_ACK", "09", DOWN),
    _shaped("ADDRESS_CHECK", "0a", UP),
    _shaped("ADDRESS_REPLY", "0b", DOWN),
    _shaped("NATIFY_REQUEST", "0c", UP),
    Vector(
        "REPORT",
        UP,
        bytes.fromhex(
            HEAD + "0d" + COOKIE + "00"  # port type
            "01"  # client index
            "01"  # result: they met
            "02000000"  # nat type 2, little-endian
            "01000000"  # mapping 1, little-endian
            "676d74657374"  # gamename "gmtest"
        )
        + bytes(44),  # gamename, NUL padding
        "REPORT",
        {
            "version": 3,
            "cookie": 0x1234,
            "port_type": 0,
            "client_index": 1,
            "result": 1,
            "nat_type": 2,
            "mapping": 1,
            "gamename": "gmtest",
        },
    ),
    Vector(
        "REPORT_ACK",
        DOWN,
        bytes.fromhex(
            HEAD + "0e" + COOKIE + "00"  # port type
            "01"  # client index
            "00"  # result
            "02000000"  # nat type
            "0100"  # tail: half of the mapping
        ),
        "REPORT_ACK",
        {
            "version": 3,
            "cookie": 0x1234,
            "port_type": 0,
            "client_index": 1,
            "result": 0,
            "nat_type": 2,
            "tail": "0100",
        },
    ),
    Vector(
        "PREINIT of version 4",
        UP,
        bytes.fromhex(
            "fdfc1e666ab2"
            "04"
            "0f" + COOKIE + "01"  # client index
            "00"  # state: waiting for the client
            "0a0b0c0d"  # client id
        ),
        "PREINIT",
        {"version": 4, "cookie": 0x1234, "client_index": 1, "state": 0, "client_id": 0x0A0B0C0D},
    ),
    Vector(
        "PREINIT_ACK: ready",
        DOWN,
        bytes.fromhex("fdfc1e666ab20410" + COOKIE + "01020a0b0c0d"),
        "PREINIT_ACK",
        {"version": 4, "cookie": 0x1234, "client_index": 1, "state": 2, "client_id": 0x0A0B0C0D},
    ),
    Vector(
        "an unknown type",
        UP,
        bytes.fromhex(HEAD + "11" + COOKIE),
        "Opaque",
        error="natneg.type, byte 7: no packet has the type 0x11",
    ),
    Vector(
        "a CONNECT that is cut short",
        DOWN,
        bytes.fromhex(HEAD + "05" + COOKIE + "cb0071"),
        "Opaque",
        error="needs 20 bytes, 15 left",
    ),
)
