"""Golden bytes of GameSpy's statistics server, written from gamespy 1 and 8."""

from __future__ import annotations

from recordings.model import Direction, Json, Key
from tests.protocols.harness import Vector

UP, DOWN = Direction.TO_SERVER, Direction.TO_CLIENT
FINAL = b"\\final\\"
EMPTY = b"\\"
"""Ends a key whose value slot is empty."""


def wire(body: bytes) -> bytes:
    """The body XORed with the repeating key, the mark behind it clear."""
    return bytes(byte ^ b"GameSpy3D"[place % 9] for place, byte in enumerate(body)) + FINAL


GREETING = bytes.fromhex(  # `\lc\1\challenge\KLMNOPQRST\id\1`
    "1b0d0e39622c1a5b252b0d080b34152578080a2f223502222a67182e0531545c66696e616c5c"
)
LAST = bytes.fromhex(  # `\lc\1\id\1\challenge\KLMNOPQRSTUVWX`: the challenge is the last key
    "1b0d0e39622c105718763d0e0d321c15562a2004312e1f3d377c1416333e3106262e6b5c66696e616c5c"
)
SESSKEY = wire(
    rb"\lc\2"  # the game is accepted
    rb"\sesskey\1478683090"  # becomes the connection id
    rb"\proof\0\id\1"
)
PASSWORD = (Key("gp.password", b"swordfish"),)


def auth(game: bytes, response: bytes) -> bytes:
    return wire(
        rb"\auth" + EMPTY
        + rb"\gamename" + EMPTY + game
        + rb"\response" + EMPTY + response  # MD5, proves the game's secret
        + rb"\port\2667\id\1"
    )  # fmt: skip


def vector(
    name: str, direction: Direction, body: bytes, fields: dict[str, Json], **more: object
) -> Vector:
    """A message without surprises; its kind is the first field."""
    kind = next(iter(fields))
    more = {"cipher": "xor-GameSpy3D", **more}
    return Vector(name, direction, wire(body), kind, fields, plain=body + FINAL, **more)  # type: ignore[arg-type]


VECTORS = (
    Vector(
        "the server's challenge",
        DOWN,
        GREETING,
        "lc",
        {"lc": "1", "challenge": "KLMNOPQRST", "id": "1"},
        plain=rb"\lc\1\challenge\KLMNOPQRST\id\1" + FINAL,
        cipher="xor-GameSpy3D",
        learned={"gstats.challenge": b"KLMNOPQRST"},
    ),
    Vector(
        "a challenge as the last key: the client takes the mark, deciphered, for a part of it",
        DOWN,
        LAST,
        "lc",
        {"lc": "1", "id": "1", "challenge": "KLMNOPQRSTUVWX"},
        plain=rb"\lc\1\id\1\challenge\KLMNOPQRSTUVWX" + FINAL,
        cipher="xor-GameSpy3D",
        learned={"gstats.challenge": b"KLMNOPQRSTUVWX" + bytes.fromhex("18210803043f2c")},
    ),
    Vector(
        "the game proves its secret",
        UP,
        auth(b"gmtest", b"89e391e0532f01f8f6e1e5b93324ae54"),
        "auth",
        {
            "auth": "",
            "gamename": "gmtest",
            "response": "89e391e0532f01f8f6e1e5b93324ae54",
            "port": "2667",
            "id": "1",
        },
        plain=rb"\auth\\gamename\gmtest\response\89e391e0532f01f8f6e1e5b93324ae54\port\2667\id\1"
        + FINAL,
        cipher="xor-GameSpy3D",
        before=((DOWN, GREETING),),
        checks={"response": "ok"},
    ),
    Vector(
        "the response over a challenge that was the last key",
        UP,
        auth(b"gmtest", b"246a53497ca518b7090276c0abcb9339"),
        "auth",
        plain=rb"\auth\\gamename\gmtest\response\246a53497ca518b7090276c0abcb9339\port\2667\id\1"
        + FINAL,
        cipher="xor-GameSpy3D",
        before=((DOWN, LAST),),
        checks={"response": "ok"},
    ),
    Vector(
        "a game whose secret the user gave",
        UP,
        auth(b"somegame", b"646f651786846f3b5424af10cd011a22"),
        "auth",
        plain=rb"\auth\\gamename\somegame\response\646f651786846f3b5424af10cd011a22\port\2667\id\1"
        + FINAL,
        cipher="xor-GameSpy3D",
        before=((DOWN, GREETING),),
        secrets={"somegame": "abcdef"},
        checks={"response": "ok"},
    ),
    Vector(
        "a game whose secret nobody gave",
        UP,
        auth(b"somegame", b"646f651786846f3b5424af10cd011a22"),
        "auth",
        plain=rb"\auth\\gamename\somegame\response\646f651786846f3b5424af10cd011a22\port\2667\id\1"
        + FINAL,
        cipher="xor-GameSpy3D",
        before=((DOWN, GREETING),),
        checks={
            "response": "unknown: the secret of game somegame is unknown: "
            "give it as --game-key somegame=SECRET"
        },
    ),
    Vector(
        "the game is accepted",
        DOWN,
        SESSKEY,
        "lc",
        {"lc": "2", "sesskey": "1478683090", "proof": "0", "id": "1"},
        plain=rb"\lc\2\sesskey\1478683090\proof\0\id\1" + FINAL,
        cipher="xor-GameSpy3D",
        learned={"gstats.sesskey": b"1478683090"},
    ),
    vector(
        "a game begins",
        UP,
        rb"\newgame" + EMPTY + rb"\connid\1478683090"  # from `lc`
        rb"\sesskey\-84129106",  # the client's own number
        {"newgame": "", "connid": "1478683090", "sesskey": "-84129106"},
    ),
    vector(
        "a report",
        UP,
        rb"\updgame" + EMPTY + rb"\sesskey\-84129106\connid\1478683090"
        rb"\done\0"  # not the last
        rb"\gamedata" + EMPTY + b"\x01hostname\x01My Server\x01player_0\x01Bob!\x01pid_0\x0132",
        {
            "updgame": "",
            "sesskey": "-84129106",
            "connid": "1478683090",
            "done": "0",
            "gamedata": {"hostname": "My Server", "player_0": "Bob!", "pid_0": "32"},
        },
        spans={"gamedata.player_0": b"Bob!"},
    ),
    vector(
        "a player by nick and CD key",
        UP,
        rb"\authp" + EMPTY + rb"\nick\ann\keyhash\0123456789abcdef0123456789abcdef"
        rb"\resp\ab678123e4f8d28f56deb04e8dfd7e2b"  # MD5 of the password and the connection
        rb"\lid\1",
        {
            "authp": "",
            "nick": "ann",
            "keyhash": "0123456789abcdef0123456789abcdef",
            "resp": "ab678123e4f8d28f56deb04e8dfd7e2b",
            "lid": "1",
        },
        before=((DOWN, GREETING), (DOWN, SESSKEY)),
        keys=PASSWORD,
        checks={"resp": "ok"},
    ),
    vector(
        "a player whose password is another",
        UP,
        rb"\authp" + EMPTY + rb"\pid\2002\resp\00\lid\1",
        {"authp": "", "pid": "2002", "resp": "00", "lid": "1"},
        before=((DOWN, SESSKEY),),
        keys=PASSWORD,
        checks={"resp": "WRONG: has 00, needs ab678123e4f8d28f56deb04e8dfd7e2b"},
    ),
    vector(
        "a player whose password nobody told",
        UP,
        rb"\authp" + EMPTY + rb"\authtoken\t1\resp\00\lid\1",
        {"authp": "", "authtoken": "t1", "resp": "00", "lid": "1"},
        before=((DOWN, SESSKEY),),
        checks={
            "resp": "unknown: the password was not seen: give it as --key password=HEX",
        },
    ),
    vector("the player is known", DOWN, rb"\pauthr\2002\lid\1", {"pauthr": "2002", "lid": "1"}),
    vector(
        "the player is refused",
        DOWN,
        rb"\pauthr\-1\lid\1\errmsg\bad password",
        {"pauthr": "-1", "lid": "1", "errmsg": "bad password"},
    ),
    vector(
        "asks for a profile id",
        UP,
        rb"\getpid" + EMPTY + rb"\nick\ann\keyhash\0123456789abcdef0123456789abcdef\lid\2",
        {"getpid": "", "nick": "ann", "keyhash": "0123456789abcdef" * 2, "lid": "2"},
    ),
    vector("a profile id", DOWN, rb"\getpidr\2002\lid\2", {"getpidr": "2002", "lid": "2"}),
    vector(
        "asks for data",
        UP,
        rb"\getpd" + EMPTY + rb"\pid\2002\ptype\3\dindex\0"
        rb"\keys" + EMPTY + b"rank\x01clan"  # names, joined by byte 1
        rb"\lid\3",
        {
            "getpd": "",
            "pid": "2002",
            "ptype": "3",
            "dindex": "0",
            "keys": "rank\x01clan",
            "lid": "3",
        },
    ),
    vector(
        "data that are keys and values",
        DOWN,
        rb"\getpdr\1\lid\3\pid\2002\mod\1795210503"  # Unix time of the last change
        rb"\length\18"  # the NUL is counted
        rb"\data" + EMPTY + b"\\rank\\4\\clan\\ABC" + b"D\0",
        {
            "getpdr": "1",
            "lid": "3",
            "pid": "2002",
            "mod": "1795210503",
            "data": {"rank": "4", "clan": "ABCD"},
        },
        spans={"data": b"\\rank\\4\\clan\\ABCD\0", "data.rank": b"4", "data.clan": b"ABCD"},
    ),
    vector(
        "binary data that hold the mark",
        UP,
        rb"\setpd" + EMPTY + rb"\pid\2002\ptype\1\dindex\2"
        rb"\kv\0"  # binary
        rb"\lid\4"
        rb"\length\12"
        rb"\data" + EMPTY + b"\x00\xff" + FINAL + b"\\x\x01",
        {
            "setpd": "",
            "pid": "2002",
            "ptype": "1",
            "dindex": "2",
            "kv": "0",
            "lid": "4",
            "data": "\x00\xff\\final\\\\x\x01",
        },
        spans={"data": b"\x00\xff\\final\\\\x\x01"},
    ),
    vector(
        "the data are stored",
        DOWN,
        rb"\setpdr\1\lid\4\pid\2002\mod\1795210503",
        {"setpdr": "1", "lid": "4", "pid": "2002", "mod": "1795210503"},
    ),
    vector("keepalive", UP, rb"\ka" + EMPTY, {"ka": ""}),
    Vector(
        "a message that nobody enciphered",
        UP,
        rb"\ka" + EMPTY + FINAL,
        "Opaque",
        plain=bytes.fromhex("1b0a0c39") + FINAL,  # what deciphering makes of it
        cipher="xor-GameSpy3D",
        error="a message begins with a backslash",
    ),
)
