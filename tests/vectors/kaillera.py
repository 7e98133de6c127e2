"""Golden bytes of `kaillera`, written from the reference (kaillera 1 to 5)."""

from __future__ import annotations

from typing import Any

from recordings.model import Direction
from tests.protocols.harness import Vector

UP, DOWN = Direction.TO_SERVER, Direction.TO_CLIENT


def one(number: int, kind: str, /, **fields: Any) -> dict[str, Any]:
    """A message of a bundle as fields show it."""
    return {"number": number, "kind": kind, "fields": fields}


def bundle(*messages: dict[str, Any]) -> dict[str, Any]:
    return {"messages": list(messages)}


def alone(name: str, direction: Direction, kind: str, raw: str, /, **fields: Any) -> Vector:
    """A bundle of one message, number 1."""
    shown = bundle(one(1, kind, **fields))
    return Vector(name, direction, bytes.fromhex(raw), kind, shown)


VECTORS = (
    Vector("ping", UP, bytes.fromhex("50494e4700"), "PING", {}),  # PING, NUL
    Vector(
        "pong",
        DOWN,
        bytes.fromhex("504f4e4700"),  # PONG, NUL
        "PONG",
        {"name": None, "users": None, "max_users": None, "games": None},
    ),
    Vector(
        "pong of a server inside an emulator",
        DOWN,
        bytes.fromhex(
            "504f4e4700"  # PONG, NUL
            "6d7900"  # name "my"
            "3000"  # users "0"
            "3800"  # max_users "8"
            "313200"  # games "12"
        ),
        "PONG",
        {"name": "my", "users": 0, "max_users": 8, "games": 12},
    ),
    Vector(
        "hello",
        UP,
        bytes.fromhex(
            "48454c4c4f"  # HELLO
            "302e3833"  # version "0.83"
            "00"  # end
        ),
        "HELLO",
        {"version": "0.83", "end": "00"},
    ),
    Vector(
        "hello without its NUL",
        UP,
        bytes.fromhex("48454c4c4f302e3833"),  # HELLO, version "0.83"
        "HELLO",
        {"version": "0.83", "end": ""},
    ),
    Vector(
        "hello answered",
        DOWN,
        bytes.fromhex(
            "48454c4c4f44303044"  # HELLOD00D
            "323738383900"  # port "27889"
        ),
        "HELLOD00D",
        {"port": 27889},
        spans={"port": b"27889\0"},
    ),
    Vector("too many", DOWN, bytes.fromhex("544f4f00"), "TOO", {}),  # TOO, NUL
    Vector("wrong version", DOWN, bytes.fromhex("56455200"), "VER", {}),  # VER, NUL
    Vector(
        "hello answered without a number",
        DOWN,
        b"HELLOD00Dsoon\0",
        "Opaque",
        error="HELLOD00D.port at offset 9: 'soon' is no number",
    ),
    alone(
        "quit",
        UP,
        "Quit",
        "01"  # count
        "0100 0800 01"  # number, length, type
        "00"  # username ""
        "ffff"  # user_id
        "62796500",  # text "bye"
        username="",
        user_id=65535,
        text="bye",
    ),
    alone(
        "user joined",
        DOWN,
        "UserJoined",
        "01"  # count
        "0100 0c00 02"  # number, length, type
        "616e6e00"  # username "ann"
        "0d00"  # user_id 13
        "e7030000"  # ping 999 ms
        "06",  # connection: bad
        username="ann",
        user_id=13,
        ping=999,
        connection=6,
    ),
    Vector(
        "login, number 0",
        UP,
        bytes.fromhex(
            "01"  # count
            "0000 0b00 03"  # number, length, type
            "826f00"  # username, Shift-JIS
            "456d75203100"  # emulator "Emu 1"
            "01"  # connection: LAN
        ),
        "UserInfo",
        bundle(one(0, "UserInfo", username="\x82o", emulator="Emu 1", connection=1)),
    ),
    alone(
        "server status",
        DOWN,
        "ServerStatus",
        "01"  # count
        "0100 3a00 04"  # number, length, type
        "00"  # username ""
        "02000000"  # two users
        "01000000"  # one game
        "616e6e00 05000000 01 0000 01"  # name "ann", ping 5, status idle, user_id 0, LAN
        "626f6200 2c010000 02 0100 03"  # name "bob", ping 300, status playing, user_id 1, good
        "50756e6368 00"  # rom "Punch"
        "07000000"  # game_id
        "4d414d4500"  # emulator "MAME"
        "616e6e00"  # owner "ann"
        "312f3200"  # players "1/2"
        "02",  # status: playing
        username="",
        users=[
            {"name": "ann", "ping": 5, "status": 1, "user_id": 0, "connection": 1},
            {"name": "bob", "ping": 300, "status": 2, "user_id": 1, "connection": 3},
        ],
        games=[
            {
                "rom": "Punch",
                "game_id": 7,
                "emulator": "MAME",
                "owner": "ann",
                "players": "1/2",
                "status": 2,
            }
        ],
    ),
    alone(
        "server ack",
        DOWN,
        "ServerAck",
        "01"  # count
        "0100 1200 05"  # number, length, type
        "00"  # username ""
        "00000000 01000000 02000000 03000000",  # values
        username="",
        values=[0, 1, 2, 3],
    ),
    alone(
        "client ack",
        UP,
        "ClientAck",
        "01"  # count
        "0100 1200 06"  # number, length, type
        "00"  # username ""
        "00000000 01000000 02000000 03000000",  # values
        username="",
        values=[0, 1, 2, 3],
    ),
    Vector(
        "chat, with the user's name",
        DOWN,
        bytes.fromhex(
            "01"  # count
            "2a00 1300 07"  # number 42, length, type
            "6e756500"  # username "nue"
            "48656c6c6f2c20776f726c642100"  # text "Hello, world!"
        ),
        "Chat",
        bundle(one(42, "Chat", username="nue", text="Hello, world!")),
    ),
    alone(
        "game chat",
        UP,
        "GameChat",
        "01"  # count
        "0100 0500 08"  # number, length, type
        "00"  # username ""
        "676f00",  # text "go"
        username="",
        text="go",
    ),
    alone(
        "keepalive",
        UP,
        "KeepAlive",
        "01"  # count
        "0100 0200 09"  # number, length, type
        "00",  # username ""
        username="",
    ),
    alone(
        "create a game",
        UP,
        "CreateGame",
        "01"  # count
        "0100 0d00 0a"  # number, length, type
        "00"  # username ""
        "50756e636800"  # rom "Punch"
        "00"  # emulator ""
        "ffffffff",  # game_id: none
        username="",
        rom="Punch",
        emulator="",
        game_id=0xFFFFFFFF,
    ),
    alone(
        "quit a game",
        DOWN,
        "QuitGame",
        "01"  # count
        "0100 0700 0b"  # number, length, type
        "616e6e00"  # username "ann"
        "0d00",  # user_id 13
        username="ann",
        user_id=13,
    ),
    alone(
        "join a game",
        UP,
        "JoinGame",
        "01"  # count
        "0100 0e00 0c"  # number, length, type
        "00"  # username ""
        "87000000"  # game_id 135
        "00"  # name ""
        "00000000"  # ping
        "ffff"  # user_id: none
        "06",  # connection: bad
        username="",
        game_id=135,
        name="",
        ping=0,
        user_id=65535,
        connection=6,
    ),
    alone(
        "player info",
        DOWN,
        "PlayerInfo",
        "01"  # count
        "0100 1100 0d"  # number, length, type
        "00"  # username ""
        "01000000"  # one player
        "616e6e00"  # name "ann"
        "14000000"  # ping 20 ms
        "0200"  # user_id
        "01",  # connection: LAN
        username="",
        players=[{"name": "ann", "ping": 20, "user_id": 2, "connection": 1}],
    ),
    alone(
        "game status",
        DOWN,
        "GameStatus",
        "01"  # count
        "0100 0900 0e"  # number, length, type
        "00"  # username ""
        "09000000"  # game_id
        "01"  # status: netsync
        "02"  # players
        "08",  # max_players
        username="",
        game_id=9,
        status=1,
        players=2,
        max_players=8,
    ),
    alone(
        "kick",
        UP,
        "Kick",
        "01"  # count
        "0100 0400 0f"  # number, length, type
        "00"  # username ""
        "0d00",  # user_id 13
        username="",
        user_id=13,
    ),
    alone(
        "close a game",
        DOWN,
        "CloseGame",
        "01"  # count
        "0100 0600 10"  # number, length, type
        "00"  # username ""
        "0a00e703",  # game_id
        username="",
        game_id=0x03E7000A,
    ),
    alone(
        "start the game",
        DOWN,
        "StartGame",
        "01"  # count
        "0100 0600 11"  # number, length, type
        "00"  # username ""
        "0300"  # delay 3
        "02"  # player 2
        "04",  # of 4 players
        username="",
        delay=3,
        player=2,
        players=4,
    ),
    alone(
        "game data",
        UP,
        "GameData",
        "01"  # count
        "0100 0700 12"  # number, length, type
        "00"  # username ""
        "0300"  # length of the data
        "102400",  # data
        username="",
        data="102400",
    ),
    alone(
        "cached data",
        DOWN,
        "CachedData",
        "01"  # count
        "0100 0300 13"  # number, length, type
        "00"  # username ""
        "0c",  # slot 12
        username="",
        slot=12,
    ),
    alone(
        "drop",
        DOWN,
        "Drop",
        "01"  # count
        "0100 0600 14"  # number, length, type
        "616e6e00"  # username "ann"
        "02",  # player 2
        username="ann",
        player=2,
    ),
    alone(
        "all ready",
        DOWN,
        "AllReady",
        "01"  # count
        "0100 0200 15"  # number, length, type
        "00",  # username ""
        username="",
    ),
    alone(
        "rejected",
        DOWN,
        "Rejected",
        "01"  # count
        "0100 0a00 16"  # number, length, type
        "616e6e00"  # username "ann"
        "6400"  # user_id 100
        "6e6f00",  # text "no"
        username="ann",
        user_id=100,
        text="no",
    ),
    alone(
        "message of the day",
        DOWN,
        "Info",
        "01"  # count
        "0100 0b00 17"  # number, length, type
        "53657276657200"  # username "Server"
        "686900",  # text "hi"
        username="Server",
        text="hi",
    ),
    alone(
        "a type that nobody knows",
        DOWN,
        "Unknown",
        "01"  # count
        "0100 0300"  # number, length
        "99"  # type
        "abcd",  # body
        type=0x99,
        body="abcd",
    ),
    Vector(
        "three messages of which the newest was seen before",
        UP,
        bytes.fromhex(
            "03"  # count
            "0200 0200 09 00"  # 2: keepalive
            "0100 0200 15 00"  # 1: ready
            "0000 0200 09 00"  # 0: keepalive
        ),
        "KeepAlive",
        bundle(
            one(2, "KeepAlive", username=""),
            one(1, "AllReady", username=""),
            one(0, "KeepAlive", username=""),
        ),
        before=((UP, bytes.fromhex("01 0200 0200 09 00 ")),),
    ),
    Vector(
        "a count that lies",
        UP,
        bytes.fromhex("02 0000 0200 09 00"),  # count 2, one message
        "Opaque",
        error="Bundle.messages[1] at offset 7: needs 5 bytes, 0 left",
    ),
    Vector(
        "a length that lies",
        UP,
        bytes.fromhex("01 0000 1200 09 00"),  # length 18 of a message of 2 bytes
        "Opaque",
        error="Bundle.messages[0] at offset 1: needs 22 bytes, 6 left",
    ),
    Vector(
        "a length of nothing",
        UP,
        bytes.fromhex("01 0000 0000 09 00"),
        "Opaque",
        error="a length of 0 leaves no room for the type",
    ),
    Vector(
        "a length that cuts the text",
        UP,
        bytes.fromhex("01 0000 0300 07 00 61"),  # text "a" without its NUL
        "Opaque",
        error="Bundle.messages[0].Chat.text at offset 7: the text has no NUL at its end",
    ),
    Vector(
        "a list of users that is cut off",
        DOWN,
        bytes.fromhex(
            "01"  # count
            "0000 1200 04"  # number, length, type
            "00"  # username ""
            "01000000 00000000"  # one user, no game
            "616e6e00 05000000"  # name "ann", ping, and no more
        ),
        "Opaque",
        error="ServerStatus.users[0].ping at offset 19: needs 8 bytes, 4 left",
    ),
    Vector(
        "bytes behind the last message",
        UP,
        bytes.fromhex("01 0000 0200 09 00 77"),
        "Opaque",
        error="Bundle at offset 7: 1 bytes left over",
    ),
    Vector("nothing at all", UP, b"", "Opaque", error="there is no message"),
)
