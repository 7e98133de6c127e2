"""Golden bytes of the Server Browser, version 2, one comment per field (gamespy 6)."""

from __future__ import annotations

from proxy.ciphers.enctypex import CardCipher, mix_key
from recordings.model import Direction, Json
from tests.protocols.harness import Vector

UP, DOWN = Direction.TO_SERVER, Direction.TO_CLIENT

SECRET = b"HA6zkS"  # of gmtest, which the sample's source prints
CHALLENGE = b"D:@o)Okh"
SERVER_KEY = bytes.fromhex("000102030405060708090a0b0c")

REQUEST = bytes.fromhex(
    "003c"  # length 60, itself included
    "00"  # type: list request
    "01"  # protocol
    "03"  # encoding
    "07000000"  # game version 7, little-endian
    "676d7465737400"  # for game "gmtest"
    "676d7465737400"  # from game "gmtest"
    "443a406f294f6b68"  # challenge "D:@o)Okh"
    "67616d6574797065203d20276127" "00"  # filter "gametype = 'a'"
    "5c686f73746e616d65" "00"  # keys "\hostname"
    "00000001"  # options: keys for all servers
)  # fmt: skip
REQUEST_FIELDS: dict[str, Json] = {
    "protocol": 1,
    "encoding": 3,
    "game_version": 7,
    "for_game": "gmtest",
    "from_game": "gmtest",
    "challenge": "D:@o)Okh",
    "filter": "gametype = 'a'",
    "keys": "\\hostname",
    "options": 1,
}
PREFIX = bytes.fromhex(
    "ee"  # two bytes follow, XOR EC
    "0000"  # flags
    "e7"  # thirteen bytes follow, XOR EA
    "000102030405060708090a0b0c"  # the server's key
)
LIST = (
    bytes.fromhex(
        "cb007109"  # own ip 203.0.113.9
        "1964"  # default port 6500
        "03"  # three keys
        "00" "686f73746e616d6500"  # a string, "hostname"
        "01" "6e756d706c617965727300"  # a byte, "numplayers"
        "02" "70696e6700"  # a short, "ping"
        "01"  # one popular value
        "4120676f6f6420736572766572" "00"  # "A good server"
        "7e"  # flags: port, private ip and port, icmp ip, keys, NatNeg
        "cb007107"  # ip 203.0.113.7
        "2b67"  # port 11111
        "c0a80005"  # private ip 192.168.0.5
        "2b68"  # private port 11112
        "cb007108"  # icmp ip 203.0.113.8
        "00"  # hostname: popular value 0
        "08"  # numplayers 8
        "0102"  # ping 258
        "c1"  # flags: keys, rules, takes UDP from anyone; the default port
        "cb00710a"  # ip 203.0.113.10
        "ff" "4f7468657200"  # hostname: "Other"
        "00"  # numplayers 0
        "0000"  # ping 0
        "6d61706e616d6500" "646d3100"  # rule "mapname" = "dm1"
        "00"  # end of the rules
        "00ffffffff"  # end of the list
    )
)  # fmt: skip
LIST_FIELDS: dict[str, Json] = {
    "ip": "203.0.113.9",
    "port": 6500,
    "keys": [
        {"type": "string", "name": "hostname"},
        {"type": "byte", "name": "numplayers"},
        {"type": "short", "name": "ping"},
    ],
    "popular": ["A good server"],
    "servers": [
        {
            "flags": 0x7E,
            "ip": "203.0.113.7",
            "port": 11111,
            "private_ip": "192.168.0.5",
            "private_port": 11112,
            "icmp_ip": "203.0.113.8",
            "keys": {"hostname": "A good server", "numplayers": 8, "ping": 258},
        },
        {
            "flags": 0xC1,
            "ip": "203.0.113.10",
            "keys": {"hostname": "Other", "numplayers": 0, "ping": 0},
            "rules": {"mapname": "dm1"},
        },
    ],
}
KEEPALIVE = bytes.fromhex("000303")
PUSH_KEYS = bytes.fromhex(
    "000a"  # length 10
    "01"  # type: keys
    "01"  # one key
    "00" "6e616d6500"  # a string, "name"
)  # fmt: skip
PUSH_SERVER = bytes.fromhex(
    "0011"  # length 17
    "02"  # type: server
    "50"  # flags: port, keys
    "cb00710b"  # ip 203.0.113.11
    "2b69"  # port 11113
    "ff" "466976652100"  # name: "Five!"
)  # fmt: skip


def _stream(*parts: bytes) -> tuple[bytes, ...]:
    """Parts of the server's stream, enciphered one behind the other."""
    cipher = CardCipher(mix_key(SECRET, CHALLENGE, SERVER_KEY))
    return tuple(cipher.encrypt(part) for part in parts)


def _behind(
    name: str, kind: str, fields: dict[str, Json] | None, *parts: bytes, error: str = ""
) -> Vector:
    """The last of several parts of the stream."""
    wire = _stream(*parts)
    opened = (*((UP, REQUEST),) * max(1, parts.count(LIST)), (DOWN, PREFIX))
    return Vector(
        name,
        DOWN,
        wire[-1],
        kind,
        fields,
        before=(*opened, *((DOWN, part) for part in wire[:-1])),
        plain=parts[-1],
        cipher="enctypex",
        error=error,
    )


AUTHORISE = REQUEST[:-4] + bytes.fromhex("00000002")  # options: no list

VECTORS = (
    Vector(
        "a list request",
        UP,
        REQUEST,
        "ListRequest",
        REQUEST_FIELDS,
        checks={"challenge": "ok"},
        learned={"enctypex.client": CHALLENGE},
    ),
    Vector(
        "a list request with another source and a limit",
        UP,
        b"\0\x44"  # length 68
        + REQUEST[2:-4]
        + bytes.fromhex(
            "00000089"  # options: keys, alternate source, limit
            "c0a80105"  # alternate ip
            "00000064"  # at most 100 servers
        ),
        "ListRequest",
        REQUEST_FIELDS | {"options": 0x89, "alternate_ip": "192.168.1.5", "max_servers": 100},
    ),
    Vector(
        "a list request with a broken challenge",
        UP,
        REQUEST.replace(b"D:@o)Okh", b"D:@o)Oki"),
        "ListRequest",
        checks={"challenge": "WRONG: breaks the parity rule"},
    ),
    Vector(
        "asks for one server",
        UP,
        bytes.fromhex("000901cb0071072b67"),  # length 9, type, ip, port
        "ServerInfoRequest",
        {"ip": "203.0.113.7", "port": 11111},
    ),
    Vector(
        "calls a server to NatNeg",
        UP,
        bytes.fromhex(
            "0009"  # length 9: without the payload
            "02"  # type
            "cb007107"  # ip
            "2b67"  # port
            "fdfc1e666ab2"
            "00001234"  # payload: NatNeg's magic, cookie
        ),
        "SendMessage",
        {"ip": "203.0.113.7", "port": 11111, "payload": "fdfc1e666ab200001234"},
    ),
    Vector("a keepalive sent back", UP, KEEPALIVE, "KeepAlive", {}),
    Vector(
        "a map loop is asked for", UP, bytes.fromhex("000404aa"), "MapLoopRequest", {"body": "aa"}
    ),
    Vector(
        "a player is looked for",
        UP,
        bytes.fromhex("000405bb"),
        "PlayerSearchRequest",
        {"body": "bb"},
    ),
    Vector(
        "the server's key",
        DOWN,
        PREFIX,
        "ServerKey",
        {"flags": "0000", "key": SERVER_KEY.hex()},
        before=((UP, REQUEST),),
        learned={"enctypex.server": SERVER_KEY},
    ),
    _behind("a list", "ServerList", LIST_FIELDS, LIST),
    _behind(
        "a second list on the same connection", "ServerList", LIST_FIELDS, LIST, KEEPALIVE, LIST
    ),
    _behind(
        "a refusal",
        "QueryError",
        {"ip": "203.0.113.9", "text": "No such game"},
        bytes.fromhex(
            "cb007109"  # own ip
            "ffff"  # no port: an error follows
        )
        + b"No such game\0",
    ),
    _behind("a keepalive", "KeepAlive", {}, LIST, KEEPALIVE),
    _behind(
        "the keys of pushed records",
        "PushKeys",
        {"keys": [{"type": 0, "name": "name"}]},
        LIST,
        PUSH_KEYS,
    ),
    _behind(
        "a pushed record",
        "PushServer",
        {"flags": 0x50, "ip": "203.0.113.11", "port": 11113, "keys": {"name": "Five!"}},
        LIST,
        PUSH_KEYS,
        PUSH_SERVER,
    ),
    _behind(
        "a server is gone",
        "DeleteServer",
        {"ip": "203.0.113.7", "port": 11111},
        LIST,
        bytes.fromhex("000904cb0071072b67"),
    ),
    _behind("a map loop", "MapLoop", {"body": "aa"}, LIST, bytes.fromhex("000405aa")),
    _behind("a player found", "PlayerSearch", {"body": "bb"}, LIST, bytes.fromhex("000406bb")),
    Vector(
        "only the client's own address",
        DOWN,
        _stream(LIST[:6])[0],
        "Address",
        {"ip": "203.0.113.9", "port": 6500},
        before=((UP, AUTHORISE), (DOWN, PREFIX)),
        plain=LIST[:6],
        cipher="enctypex",
    ),
    Vector(
        "a refusal in clear",
        DOWN,
        b"Query Error: no\0",
        "PlainError",
        {"text": "Query Error: no\0"},
        before=((UP, REQUEST),),
    ),
    Vector(
        "a list whose secret is unknown",
        DOWN,
        _stream(LIST)[0],
        "Opaque",
        before=((UP, REQUEST.replace(b"gmtest\0D", b"nobody\0D")), (DOWN, PREFIX)),
        error="lost: the secret of game nobody is unknown: give it as --game-key nobody=SECRET",
    ),
    Vector(
        "a list whose request was not seen",
        DOWN,
        _stream(LIST)[0],
        "Opaque",
        before=((DOWN, PREFIX),),
        error="lost: the list request was not seen, so that its challenge is unknown",
    ),
    Vector(
        "a request of no known type",
        UP,
        bytes.fromhex("000309"),
        "Opaque",
        error="lost: length 3 and type 9 begin no message",
    ),
)
