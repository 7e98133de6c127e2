"""Golden bytes of QR1, QR2 and the availability check, one comment per field (gamespy 4, 5)."""

from __future__ import annotations

from recordings.model import Direction, Json
from tests.protocols.harness import Vector

UP, DOWN = Direction.TO_SERVER, Direction.TO_CLIENT

KEY = "b37e8c22"
HEARTBEAT = (
    bytes.fromhex("03" + KEY)  # type, instance key
    + b"localip0\x00192.168.0.5\0"
    + b"localport\x0011111\0"
    + b"natneg\x001\0"
    + b"statechanged\x003\0"
    + b"gamename\0gmtest\0"
    + b"publicip\x0016777343\0"  # 127.0.0.1, read little-endian
    + b"publicport\x0011111\0"
    + b"hostname\0Two players\0"
    + b"\0"  # no more keys
    + bytes.fromhex("0002")  # two players
    + b"player_\0score_\0\0"  # their keys
    + b"Joe\x005\0Ann\x007\0"  # their values
    + bytes.fromhex("0000")  # no teams
    + b"team_t\0\0"  # their keys
)
HEARTBEAT_FIELDS: dict[str, Json] = {
    "key": KEY,
    "server": {
        "localip0": "192.168.0.5",
        "localport": "11111",
        "natneg": "1",
        "statechanged": "3",
        "gamename": "gmtest",
        "publicip": "127.0.0.1",
        "publicport": "11111",
        "hostname": "Two players",
    },
    "players": [{"player_": "Joe", "score_": "5"}, {"player_": "Ann", "score_": "7"}],
    "teams": [],
    "tail": "",
}
CHALLENGE = bytes.fromhex("fefd01" + KEY) + b"xg2C1X007F0000012B67\0"
RESPONSE = bytes.fromhex("01" + KEY) + b"l+fWpLKoADPPAAMwQHCE7ZmMIa4A\0"  # under HA6zkS
WRONG = RESPONSE.replace(b"l+f", b"l-f")
QUERY = bytes.fromhex("fefd000a0b0c0d020103011500")
QUERY_ALL = bytes.fromhex("fefd000a0b0c0dffffff01")
STATUS = b"\\status\\"
SECURE = b"\\secure\\ABCDEF"
QR1_HEARTBEAT = b"\\heartbeat\\12346\\gamename\\gmtest"


def _to_game(tag: str, body: str = "") -> bytes:
    return bytes.fromhex("fefd" + tag + KEY + body)


def _from_game(tag: str, body: str = "") -> bytes:
    return bytes.fromhex(tag + KEY + body)


QR2 = (
    Vector(
        "a heartbeat with players",
        UP,
        HEARTBEAT,
        "Heartbeat",
        HEARTBEAT_FIELDS,
        learned={"qr2.instance": bytes.fromhex(KEY)},
        spans={"server.publicip": b"16777343"},
    ),
    Vector(
        "a heartbeat of a server that leaves",
        UP,
        _from_game("03") + b"statechanged\x002\0gamename\0gmtest\0\0\0",
        "Heartbeat",
        {"key": KEY, "server": {"statechanged": "2", "gamename": "gmtest"}, "tail": "00"},
    ),
    Vector(
        "a challenge",
        DOWN,
        CHALLENGE,
        "Challenge",
        {"key": KEY, "random": "xg2C1X", "options": 0, "ip": "127.0.0.1", "port": 11111},
        learned={"qr2.challenge": b"xg2C1X007F0000012B67"},
        spans={"ip": b"7F000001", "port": b"2B67", "options": b"00"},
    ),
    Vector(
        "a challenge of another form",
        DOWN,
        _to_game("01") + b"short\0",
        "Challenge",
        {"key": KEY, "random": "short"},
    ),
    Vector(
        "a response that fits",
        UP,
        RESPONSE,
        "ChallengeResponse",
        {"key": KEY, "response": "l+fWpLKoADPPAAMwQHCE7ZmMIa4A"},
        before=((UP, HEARTBEAT), (DOWN, CHALLENGE)),
        checks={"response": "ok"},
    ),
    Vector(
        "a wrong response",
        UP,
        WRONG,
        "ChallengeResponse",
        before=((UP, HEARTBEAT), (DOWN, CHALLENGE)),
        checks={
            "response": "WRONG: has l-fWpLKoADPPAAMwQHCE7ZmMIa4A, "
            "needs l+fWpLKoADPPAAMwQHCE7ZmMIa4A"
        },
    ),
    Vector(
        "a response of a game whose secret is unknown",
        UP,
        RESPONSE,
        "ChallengeResponse",
        before=((UP, HEARTBEAT.replace(b"gmtest", b"nobody")), (DOWN, CHALLENGE)),
        checks={
            "response": "unknown: the secret of game nobody is unknown: "
            "give it as --game-key nobody=SECRET"
        },
    ),
    Vector(
        "a response without its challenge",
        UP,
        RESPONSE,
        "ChallengeResponse",
        checks={"response": "unknown: the challenge was not seen"},
    ),
    Vector(
        "a response of an unknown game",
        UP,
        RESPONSE,
        "ChallengeResponse",
        before=((DOWN, CHALLENGE),),
        checks={"response": "unknown: no heartbeat that names the game was seen"},
    ),
    Vector("an echo", DOWN, _to_game("02", "0102"), "Echo", {"key": KEY, "data": "0102"}),
    Vector("an echo back", UP, _from_game("05", "0102"), "EchoReply", {"key": KEY, "data": "0102"}),
    Vector(
        "a refusal",
        DOWN,
        _to_game("04", "02") + b"bad\0",  # code, text
        "AddError",
        {"key": KEY, "code": 2, "text": "bad"},
    ),
    Vector(
        "a message of a browser",
        DOWN,
        _to_game("06", "01020304aabb"),  # message id, data
        "ClientMessage",
        {"key": KEY, "message_id": "01020304", "data": "aabb"},
    ),
    Vector(
        "a call for NatNeg",
        DOWN,
        _to_game("06", "01020304fdfc1e666ab200001234"),  # message id, magic, cookie
        "NatNegMessage",
        {"key": KEY, "message_id": "01020304", "cookie": 0x1234},
        learned={"natneg.cookie": bytes.fromhex("00001234")},
    ),
    Vector(
        "an acknowledgement",
        UP,
        _from_game("07", "01020304"),
        "ClientMessageAck",
        {"key": KEY, "message_id": "01020304"},
    ),
    Vector("a sign of life", UP, _from_game("08"), "KeepAlive", {"key": KEY}),
    Vector("a sign of life back", DOWN, _to_game("08"), "KeepAliveReply", {"key": KEY}),
    Vector("registered", DOWN, _to_game("0a"), "Registered", {"key": KEY}),
    Vector(
        "is the game available?",
        UP,
        bytes.fromhex("0900000000") + b"gmtest\0",
        "AvailableRequest",
        {"key": "00000000", "gamename": "gmtest"},
    ),
    Vector("it is not, for now", DOWN, bytes.fromhex("fefd0900000002"), "Available", {"flags": 2}),
    Vector("before a query", UP, _to_game("09"), "Prequery", {"key": KEY}),
    Vector("before a query of the client", DOWN, _to_game("09"), "Prequery", {"key": KEY}),
    Vector("a query of the client", DOWN, QUERY, "Query"),
    Vector(
        "the number for it",
        DOWN,
        _from_game("09") + b"-77\0",
        "PrequeryReply",
        {"key": KEY, "challenge": "-77"},
    ),
    Vector(
        "a query",
        UP,
        bytes.fromhex(
            "fefd00"
            "0a0b0c0d"  # key of the asker
            "02"
            "0103"  # two server keys: hostname, gamever
            "01"
            "15"  # one player key: player_
            "00"  # no team keys
        ),
        "Query",
        {
            "key": "0a0b0c0d",
            "server": ["hostname", "gamever"],
            "player": ["player_"],
            "team": [],
            "split": None,
        },
    ),
    Vector(
        "a query for everything, with the number",
        UP,
        bytes.fromhex(
            "fefd00"
            "0a0b0c0d"
            "ffffffb3"  # challenge -77
            "ff"
            "ff"
            "ff"  # all keys of server, players, teams
            "01"  # split replies are understood
        ),
        "Query",
        {
            "key": "0a0b0c0d",
            "challenge": -77,
            "server": "all",
            "player": "all",
            "team": "all",
            "split": 1,
        },
    ),
    Vector(
        "values that were asked for",
        DOWN,
        bytes.fromhex("000a0b0c0d") + b"Host\x001.0\0",
        "QueryReply",
        {"key": "0a0b0c0d", "texts": ["Host", "1.0", ""]},
        before=((UP, QUERY),),
    ),
    Vector(
        "everything that was asked for",
        DOWN,
        bytes.fromhex("000a0b0c0d")
        + b"hostname\0Host\0\0"  # keys and values, no more keys
        + b"\0\1player_\0\0Joe\0"  # one player, its keys, its values
        + b"\0\0\0",  # no teams, no keys
        "QueryReply",
        {
            "key": "0a0b0c0d",
            "server": {"hostname": "Host"},
            "players": [{"player_": "Joe"}],
            "teams": [],
        },
        before=((UP, QUERY_ALL),),
    ),
    Vector(
        "the keys of the server alone",
        DOWN,
        bytes.fromhex("000a0b0c0d") + b"hostname\0Host\0\0" + b"more",
        "QueryReply",
        {"key": "0a0b0c0d", "server": {"hostname": "Host"}, "texts": ["more"]},
        before=((UP, QUERY_ALL),),
    ),
    Vector(
        "the last of several datagrams",
        DOWN,
        bytes.fromhex("000a0b0c0d")
        + b"splitnum\0"
        + b"\x82"  # number 2, the last one
        + b"\x01"  # players
        + b"player_\0\0Joe\0",
        "SplitReply",
        {
            "key": "0a0b0c0d",
            "number": 0x82,
            "group": 1,
            "texts": ["player_", "", "Joe", ""],
        },
        before=((UP, QUERY_ALL),),
    ),
    Vector(
        "an unknown type",
        UP,
        _from_game("0c"),
        "Opaque",
        error="QR2.type, byte 0: no message has the type 12",
    ),
    Vector("too short", DOWN, b"\xfe\xfd\x01\x02", "Opaque", error="byte 2: needs 5 bytes, 2 left"),
)

QR1 = (
    Vector(
        "a heartbeat of QR1",
        UP,
        b"\\heartbeat\\12346"  # port of the queries
        b"\\gamename\\gmtest"
        b"\\statechanged\\",
        "heartbeat",
        {"heartbeat": "12346", "gamename": "gmtest", "statechanged": ""},
    ),
    Vector(
        "secure",
        DOWN,
        SECURE,
        "secure",
        {"secure": "ABCDEF"},
        learned={"qr1.secure": b"ABCDEF"},
    ),
    Vector(
        "validate",
        UP,
        b"\\validate\\lkI/QHIm\\final\\\\queryid\\2.1",  # under HA6zkS
        "validate",
        {"validate": "lkI/QHIm", "final": "", "queryid": "2.1"},
        before=((UP, QR1_HEARTBEAT), (DOWN, SECURE)),
        checks={"validate": "ok"},
    ),
    Vector("a query for everything", DOWN, STATUS, "status", {"status": ""}),
    Vector(
        "two queries in one",
        DOWN,
        b"\\basic\\\\secure\\ABCDEF",
        "basic",
        {"basic": "", "secure": "ABCDEF"},
        learned={"qr1.secure": b"ABCDEF"},
    ),
    *(
        Vector(f"a query for {name}", DOWN, f"\\{name}\\".encode(), name, {name: ""})
        for name in ("info", "rules", "players", "packets")
    ),
    Vector("a query for an echo", DOWN, b"\\echo\\ping1", "echo", {"echo": "ping1"}),
    Vector(
        "a reply",
        UP,
        b"\\gamename\\gmtest\\gamever\\1.01\\location\\1\\validate\\lkI/QHIm\\final\\\\queryid\\5.1",
        "reply",
        {
            "gamename": "gmtest",
            "gamever": "1.01",
            "location": "1",
            "validate": "lkI/QHIm",
            "final": "",
            "queryid": "5.1",
        },
        before=((DOWN, SECURE),),
        checks={"validate": "ok"},
    ),
    Vector("another text", UP, b"\\hello\\1", "text", {"hello": "1"}),
)

VECTORS = QR2 + QR1
