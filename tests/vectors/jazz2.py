"""Golden bytes of `jazz2`, written from the reference (jazz2 2 and 3)."""

from __future__ import annotations

from typing import Any

from recordings.model import Direction, Transport
from tests.protocols.harness import Vector

UP, DOWN = Direction.TO_SERVER, Direction.TO_CLIENT


def datagram(name: str, way: Direction, kind: str, raw: str, /, **fields: Any) -> Vector:
    return Vector(name, way, bytes.fromhex(raw), kind, fields, transport=Transport.UDP)


def packet(name: str, way: Direction, kind: str, raw: str, /, **fields: Any) -> Vector:
    return Vector(name, way, bytes.fromhex(raw), kind, {"form": "short"} | fields)


def refused(name: str, raw: str, error: str, transport: Transport = Transport.UDP) -> Vector:
    return Vector(name, UP, bytes.fromhex(raw), "Opaque", error=error, transport=transport)


PLUS_KINDS = {
    0x40: "Console",
    0x41: "Spectators",
    0x43: "Admins",
    0x44: "ClientStates",
    0x45: "GameState",
    0x47: "Plus47",
    0x49: "Pings",
    0x4A: "Settings",
    0x4B: "TeamScores",
    0x4C: "Stats",
    0x4D: "Deaths",
    0x51: "UdpOk",
    0x52: "Idle",
    0x55: "MaxResolution",
    0x56: "Script",
    0x58: "Whisper",
    0x5A: "ScriptList",
}

DATAGRAMS = (
    datagram(
        "player state",
        UP,
        "PlayerState",
        "b9f6 01"  # sums, id
        "00"  # sequence
        "01b6000000",  # state
        sequence=0,
        state="01b6000000",
    ),
    datagram("an empty player state", UP, "PlayerState", "0203 01", sequence=None, state=""),
    datagram(
        "states of the others",
        DOWN,
        "States",
        "6d23 02"  # sums, id
        "aabb",  # state
        state="aabb",
    ),
    datagram(
        "ping",
        UP,
        "Ping",
        "6d22 03"  # sums, id
        "07"  # index
        "c0ffee00"  # cookie
        "32342020",  # version "24  "
        index=7,
        cookie="c0ffee00",
        version="24  ",
    ),
    datagram(
        "ping without a version",
        UP,
        "Ping",
        "c23d 03 07 c0ffee00",  # sums, id, index, cookie
        index=7,
        cookie="c0ffee00",
        version="",
    ),
    datagram(
        "pong",
        DOWN,
        "Pong",
        "e52d 04"  # sums, id
        "07"  # index
        "c0ffee00"  # cookie
        "22",  # flags: private, battle
        index=7,
        cookie="c0ffee00",
        flags=0x22,
    ),
    datagram("query", UP, "Query", "0f16 05 09", index=9, extended=None),  # sums, id, index
    datagram("query for more", UP, "Query", "1026 05 09 01", index=9, extended=1),  # and the wish
    datagram(
        "reply of the original game",
        DOWN,
        "Reply",
        "9d71 06"  # sums, id
        "09"  # index
        "10270000"  # uptime 10000
        "32342020"  # version "24  "
        "03 00"  # three players, unused
        "02"  # game_mode: battle
        "10"  # limit
        "04 426f6f6d"  # name "Boom"
        "00",  # one trailing byte: vanilla
        index=9,
        uptime=10000,
        version="24  ",
        clients=3,
        players=0,
        game_mode=2,
        limit=16,
        name="Boom",
        end={"kind": "Vanilla", "trailing": "00"},
    ),
    datagram(
        "short reply of JJ2+",
        DOWN,
        "Reply",
        "a8a3 06"  # sums, id
        "00"  # index
        "10270000"  # uptime 10000
        "32342020"  # version "24  "
        "03 02"  # three clients, two players
        "05"  # game_mode: capture
        "10"  # limit
        "04 426f6f6d"  # name "Boom"
        "0b"  # custom_mode: TB
        "04",  # flags: idle
        index=0,
        uptime=10000,
        version="24  ",
        clients=3,
        players=2,
        game_mode=5,
        limit=16,
        name="Boom",
        end={"kind": "Plus", "custom_mode": 11, "flags": 4, "rest": ""},
    ),
    datagram(
        "long reply of JJ2+",
        DOWN,
        "Reply",
        "142b 06"  # sums, id
        "00"  # index
        "10270000"  # uptime 10000
        "32342020"  # version "24  "
        "03 02"  # three clients, two players
        "05"  # game_mode: capture
        "10"  # limit
        "04 426f6f6d"  # name "Boom"
        "0b"  # custom_mode: TB
        "04"  # flags: idle
        "0a"  # max_score
        "01020000"  # team_scores
        "416e6e00 07 01"  # player "Ann", score 7, red
        "426f6200 02 04"  # player "Bob", score 2, spectating
        "782e6a326c"  # level "x.j2l"
        "5a",  # junk
        index=0,
        uptime=10000,
        version="24  ",
        clients=3,
        players=2,
        game_mode=5,
        limit=16,
        name="Boom",
        end={
            "kind": "PlusLong",
            "custom_mode": 11,
            "flags": 4,
            "max_score": 10,
            "team_scores": [1, 2, 0, 0],
            "players": [
                {"name": "Ann", "score": 7, "team": 1},
                {"name": "Bob", "score": 2, "team": 4},
            ],
            "level": "x.j2l",
            "junk": "5a",
        },
    ),
    datagram(
        "reply of JJ2+ with fewer players than it counts",
        DOWN,
        "Reply",
        "eb51 06"  # sums, id
        "05"  # index
        "10270000"  # uptime 10000
        "32342020"  # version "24  "
        "03 09"  # three clients, nine players
        "05"  # game_mode: capture
        "10"  # limit
        "04 426f6f6d"  # name "Boom"
        "0b"  # custom_mode: TB
        "04"  # flags: idle
        "0a 01020000 416e6e00 07 01",  # what follows holds one player only
        index=5,
        uptime=10000,
        version="24  ",
        clients=3,
        players=9,
        game_mode=5,
        limit=16,
        name="Boom",
        end={
            "kind": "Plus",
            "custom_mode": 11,
            "flags": 4,
            "rest": "0a01020000416e6e000701",
        },
    ),
    datagram(
        "events",
        DOWN,
        "Events",
        "44cb 07"  # sums, id
        "11"  # count
        "0e 01050203"  # kill: victim 1, his kills 5, killer 2, his kills 3
        "0f 0102",  # hit by a special move
        count=0x11,
        events=[{"event": 0x0E, "payload": "01050203"}, {"event": 0x0F, "payload": "0102"}],
        rest="",
    ),
    datagram(
        "events of JJ2+",
        DOWN,
        "Events",
        "3b69 07"  # sums, id
        "11"  # count
        "0a 010203"  # three bytes, the original game has two
        "0f 0102",  # hit by a special move
        count=0x11,
        events=[{"event": 0x0A, "payload": "010203"}, {"event": 0x0F, "payload": "0102"}],
        rest="",
    ),
    datagram(
        "an event of which nobody knows the length",
        UP,
        "Events",
        "7f9f 07"  # sums, id
        "11"  # count
        "63 0102",  # kind 99
        count=0x11,
        events=[],
        rest="630102",
    ),
    datagram("heartbeat", UP, "HeartBeat", "0f1a 09 05", sequence=5, echo=None, cookie=None),
    datagram(
        "heartbeat that wants its cookie back",
        DOWN,
        "HeartBeat",
        "b9be 09"  # sums, id
        "05"  # sequence
        "00"  # echo
        "11223344",  # cookie
        sequence=5,
        echo=0,
        cookie="11223344",
    ),
    datagram(
        "password",
        UP,
        "Password",
        "5dd1 0a"  # sums, id
        "03 627573",  # password "bus"
        password="bus",
    ),
    datagram("password accepted", DOWN, "PasswordReply", "0d1a 0b 01", accepted=1),
    datagram(
        "an id that nobody knows",
        UP,
        "UnknownDatagram",
        "8649"  # sums
        "08"  # id
        "abcd",  # body
        id=8,
        body="abcd",
    ),
    refused("sums that do not fit", "0f17 05 09", "checksum WRONG: has 0f17, needs 0f16"),
    refused("too short for sums", "0f16", "datagram at offset 0: needs 3 bytes, 2 left"),
    refused("nothing", "", "datagram at offset 0: needs 3 bytes, 0 left"),
    refused(
        "a password longer than its datagram",
        "63e9 0a 09 627573",  # sums, id, length 9, three bytes
        "Password.password at offset 4: needs 9 bytes, 3 left",
    ),
)

PACKETS = (
    packet(
        "disconnect by JJ2+",
        DOWN,
        "Disconnect",
        "13 0d"  # length 19, id
        "0b"  # reason: kicked
        "ff"  # socket: the connection ends
        "32342020"  # version "24  "
        "01"  # flag
        "72756465207761726473",  # text "rude wards"
        reason=11,
        socket=255,
        version="24  ",
        flag=1,
        text="rude wards",
    ),
    packet(
        "disconnect",
        DOWN,
        "Disconnect",
        "08 0d"  # length, id
        "0c"  # reason: banned
        "01"  # socket
        "32312020",  # version "21  "
        reason=12,
        socket=1,
        version="21  ",
        flag=None,
        text="",
    ),
    packet(
        "join details",
        UP,
        "JoinDetails",
        "16 0e"  # length, id
        "02"  # two players
        "01 11 18202811 416e6e00"  # id 1, red Spaz, fur, name "Ann"
        "02 00 18202812 426f00",  # id 2, blue Jazz, fur, name "Bo"
        players=[
            {"player_id": 1, "team_character": 0x11, "fur": "18202811", "name": "Ann"},
            {"player_id": 2, "team_character": 0x00, "fur": "18202812", "name": "Bo"},
        ],
    ),
    packet(
        "join details of JJ2+",
        UP,
        "JoinDetails",
        "15 0e"  # length, id
        "01"  # one player
        "01 01 02"  # id, team, character
        "18202811"  # fur
        "11010a0d0000"  # extras
        "416e6e6100",  # name "Anna"
        players=[
            {
                "player_id": 1,
                "team": 1,
                "character": 2,
                "fur": "18202811",
                "extras": "11010a0d0000",
                "name": "Anna",
            }
        ],
    ),
    packet(
        "join request",
        UP,
        "JoinRequest",
        "09 0f"  # length, id
        "4527"  # udp_port 10053
        "32342020"  # version "24  "
        "01",  # one player
        udp_port=10053,
        version="24  ",
        players=1,
    ),
    packet(
        "server details",
        DOWN,
        "ServerDetails",
        "14 10"  # length, id
        "02"  # socket
        "03"  # player_id
        "05 782e6a326c"  # level "x.j2l"
        "efbeadde"  # level_crc
        "78563412"  # tileset_crc
        "02"  # game_mode: battle
        "0a",  # max_score
        socket=2,
        player_id=3,
        level="x.j2l",
        level_crc=0xDEADBEEF,
        tileset_crc=0x12345678,
        game_mode=2,
        max_score=10,
        challenge=None,
        heartbeat_cookie=None,
        plus_version=None,
        rest="",
    ),
    Vector(
        "server details of JJ2+",
        DOWN,
        bytes.fromhex(
            "22 10"  # length, id
            "02"  # socket
            "03"  # player_id
            "05 782e6a326c"  # level "x.j2l"
            "efbeadde"  # level_crc
            "78563412"  # tileset_crc
            "02"  # game_mode: battle
            "0a"  # max_score
            "a1a2a3a4"  # challenge
            "b1b2b3b4"  # heartbeat_cookie
            "99000500"  # plus_version
            "0102"  # rest
        ),
        "ServerDetails",
        {
            "form": "short",
            "socket": 2,
            "player_id": 3,
            "level": "x.j2l",
            "level_crc": 0xDEADBEEF,
            "tileset_crc": 0x12345678,
            "game_mode": 2,
            "max_score": 10,
            "challenge": "a1a2a3a4",
            "heartbeat_cookie": "b1b2b3b4",
            "plus_version": "99000500",
            "rest": "0102",
        },
        learned={
            "jazz2.challenge": bytes.fromhex("a1a2a3a4"),
            "jazz2.heartbeat": bytes.fromhex("b1b2b3b4"),
        },
    ),
    packet(
        "player joined",
        DOWN,
        "PlayerJoined",
        "0e 11"  # length, id
        "02"  # socket
        "01"  # one player
        "02 01 18202811 426f6200",  # id 2, blue Spaz, fur, name "Bob"
        socket=2,
        players=[{"player_id": 2, "team_character": 1, "fur": "18202811", "name": "Bob"}],
    ),
    packet(
        "player list",
        DOWN,
        "PlayerList",
        "0e 12"  # length, id
        "01"  # one player
        "00 00 01 18202811 426f6200",  # socket 0, id 0, blue Spaz, fur, name "Bob"
        players=[
            {
                "socket": 0,
                "player_id": 0,
                "team_character": 1,
                "fur": "18202811",
                "name": "Bob",
            }
        ],
    ),
    packet("start level", DOWN, "StartLevel", "02 13", rest=""),  # length, id
    packet("level chunk", DOWN, "LevelChunk", "04 14 abcd", body="abcd"),  # length, id, body
    packet(
        "download request",
        UP,
        "DownloadRequest",
        "07 15"  # length, id
        "782e6a326c",  # name "x.j2l"
        name="x.j2l",
    ),
    packet(
        "level change",
        DOWN,
        "LevelChange",
        "12 16"  # length, id
        "efbeadde"  # level_crc
        "78563412"  # tileset_crc
        "05 782e6a326c"  # level "x.j2l"
        "0102",  # rest
        level_crc=0xDEADBEEF,
        tileset_crc=0x12345678,
        level="x.j2l",
        rest="0102",
    ),
    packet("end of level", DOWN, "EndOfLevel", "05 17 010504", body="010504"),  # length, id, body
    packet("event update", DOWN, "EventUpdate", "03 18 01", body="01"),  # length, id, body
    packet("server stopped", DOWN, "ServerStopped", "02 19", body=""),  # length, id
    packet("level loaded", UP, "LevelLoaded", "02 1a", challenge=None),  # length, id
    packet(
        "level loaded with JJ2+",
        UP,
        "LevelLoaded",
        "06 1a"  # length, id
        "a1a2a3a4",  # challenge
        challenge="a1a2a3a4",
    ),
    packet(
        "chat",
        UP,
        "Chat",
        "06 1b"  # length, id
        "01"  # socket
        "20"  # type
        "6869",  # text "hi"
        socket=1,
        type=32,
        text="hi",
    ),
    packet(
        "chat in the long form",
        DOWN,
        "Chat",
        "00 0500 1b"  # long form, length, id
        "01"  # socket
        "00"  # type
        "6869",  # text "hi"
        form="long",
        socket=1,
        type=0,
        text="hi",
    ),
    Vector(
        "hello of JJ2+",
        UP,
        bytes.fromhex(
            "08 3f"  # length, id
            "2003"  # hello
            "99000500"  # version
        ),
        "PlusHello",
        {"form": "short", "hello": "2003", "version": "99000500"},
        learned={"jazz2.plus": bytes.fromhex("99000500")},
    ),
    packet("settings of JJ2+", DOWN, "PlusSettings", "04 3f 0102", body="0102"),
    packet("spectate", UP, "Spectate", "03 42 21", state=0x21, rest=""),  # length, id, on
    Vector("padding", UP, bytes(3), "Padding", {}),  # long form, length 0
    packet("an id that nobody knows, packet", UP, "UnknownPacket", "03 7f 01", id=0x7F, body="01"),
    refused("a length of 1", "01 1a", "a length of 1 leaves no room for the id", Transport.TCP),
    refused(
        "more players than there are",
        "04 0e 02 01",  # length, id, two players, one byte
        "JoinDetails.players[0].player_id at offset 3: needs 6 bytes, 1 left",
        Transport.TCP,
    ),
)

VECTORS = (
    *PACKETS,
    *DATAGRAMS,
    *(
        packet(f"plus {kind}", DOWN, kind, f"04 {tag:02x} 0102", body="0102")  # length, id, body
        for tag, kind in PLUS_KINDS.items()
    ),
)
