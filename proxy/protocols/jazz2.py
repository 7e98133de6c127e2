"""Jazz Jackrabbit 2, versions 1.23 and 1.24, and what JJ2+ adds: a game server (port 10052).

One number, two transports. TCP carries joining, chat and levels:

    u8 length (itself and the id included), u8 id, payload
    00, u16le length (the id included), u8 id, payload           for what is longer, or by habit

and UDP what must be quick:

    u8 sum1, u8 sum2, u8 id, payload
    sum1 = sum2 = 1; for each byte from the id on: sum1 += byte, sum2 += sum1; both modulo 251

The sums are no fields: `encode` computes them, and a datagram with wrong ones is opaque. Which of
the two TCP forms was used is the field `form`. Facts: the reference "jazz2", sections 2 and 3; how
JJ2+ lays out what is not described there is kept as bytes.
"""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, TypeAlias

import msgspec

from proxy.dissector import StreamDissector
from proxy.layouts.codec import (
    U8,
    U16LE,
    U32LE,
    Array,
    Bytes,
    Either,
    Int,
    Magic,
    Maybe,
    Misfit,
    Prefixed,
    Rest,
    RestText,
    Struct,
    Table,
    Text,
    Wire,
    describe,
)
from proxy.layouts.jazz2_datagrams import (
    DOWN,
    PLUS_KEY,
    UDP,
    UP,
    DatagramSide,
    MaybeFour,
    Mode,
    UnknownDatagram,
    Version,
    sums_fit,
    view_datagram,
    whole,
)
from proxy.message import Message
from proxy.personal import personal_of
from proxy.protocol import Announce, Protocol, Rhythm, Volatile
from recordings.model import Direction, Frame, Key, Span, Transport

REASONS = {
    1: "full",
    2: "version",
    4: "handshake",
    5: "shareware",
    6: "level download",
    7: "connection lost",
    8: "winsock",
    9: "timeout",
    10: "server stopped",
    11: "kicked",
    12: "banned",
    13: "denied",
    14: "plus version",
    15: "idling",
    16: "no downloads",
    17: "unauthorised file",
    18: "no splitscreen",
}

Tail: TypeAlias = Annotated[bytes, Rest(), "what JJ2+ adds"]

# -- TCP: jazz2 3 ----------------------------------------------------------------------------------

TCP = Table("jazz2 3")
packet = TCP.message
SHORT, LONG = "short", "long"
SHORT_LIMIT = 253
"""Bytes of payload that fit behind a length of one byte."""


class Form(Wire):
    """Which of the two headers the packet has; takes no bytes of the payload."""

    name = "short or long"

    def read(self, data: bytes, offset: int, end: int) -> tuple[Any, int]:
        return (SHORT if data[0] else LONG), offset

    def write(self, value: Any) -> bytes:
        return b""

    def parse(self, value: Any) -> Any:
        if value not in (SHORT, LONG):
            raise ValueError(f"{value!r} is neither {SHORT} nor {LONG}")
        return value

    def parts(self, value: Any, path: str, start: int) -> Any:
        return iter(())


class Packet(Struct, kw_only=True):
    """A packet: length, id and the fields of a subclass."""

    form: Annotated[str, Form(), "header of one byte or three; short gives way when it must"] = (
        SHORT
    )

    def _head(self, size: int) -> bytes:
        if self.form == LONG or size > SHORT_LIMIT:
            return b"\0" + (size + 1).to_bytes(2, "little")
        return bytes((size + 2,))

    def encode(self) -> bytes:
        payload = super().encode()
        return self._head(len(payload)) + bytes((self.tag,)) + payload

    def spans(self) -> list[Span]:
        start = len(self.encode()) - len(super().encode())
        return [Span(s.path, s.start + start, s.end + start) for s in super().spans()]


class Player(Struct):
    """A player of the original game."""

    player_id: U8
    team_character: Annotated[U8, "bit 4 the team, bits 0-1 Jazz, Spaz, bird, Lori or frog"]
    fur: Annotated[bytes, Bytes(4), "colours"]
    name: Annotated[str, Text()]


class PlusPlayer(Struct):
    """A player of JJ2+."""

    player_id: U8
    team: U8
    character: U8
    fur: Annotated[bytes, Bytes(4), "colours"]
    extras: Annotated[bytes, Bytes(6), "sprite mode, its parameter, light type and size, flags, -"]
    name: Annotated[str, Text()]


class Listed(Struct):
    """A player of the original game with his client's socket."""

    socket: U8
    player_id: U8
    team_character: Annotated[U8, "bit 4 the team, bits 0-1 Jazz, Spaz, bird, Lori or frog"]
    fur: Annotated[bytes, Bytes(4), "colours"]
    name: Annotated[str, Text()]


class PlusListed(Struct):
    """A player of JJ2+ with his client's socket."""

    socket: U8
    player: PlusPlayer


Players: TypeAlias = Annotated[
    tuple[Player, ...] | tuple[PlusPlayer, ...],
    Either(Array(Player, Int("B")), Array(PlusPlayer, Int("B"))),
]
List: TypeAlias = Annotated[
    tuple[Listed, ...] | tuple[PlusListed, ...],
    Either(Array(Listed, Int("B")), Array(PlusListed, Int("B"))),
]
Socket: TypeAlias = Annotated[int, Int("B"), "number of a client's connection, 0 the host"]


@packet(0x0D, DOWN)
class Disconnect(Packet):
    """Somebody left; with one's own socket, or 255: the connection ends."""

    reason: Annotated[int, Int("B"), REASONS]
    socket: Socket
    version: Version
    flag: Annotated[int | None, Maybe(Int("B")), "JJ2+; its meaning is not known"] = None
    text: Annotated[str, RestText(), "JJ2+: why, in words"] = ""


@packet(0x0E, UP)
class JoinDetails(Packet):
    """Who plays behind this connection."""

    players: Players


@packet(0x0F, UP)
class JoinRequest(Packet):
    """The first packet of a session."""

    udp_port: Annotated[U16LE, "where the client waits for datagrams"]
    version: Version
    players: Annotated[U8, "players behind this connection"] = 1


@packet(0x10, DOWN)
class ServerDetails(Packet):
    """Lets a client in and says what is played."""

    socket: Socket
    player_id: U8
    level: Annotated[str, Prefixed(Int("B"), RestText()), "file name"]
    level_crc: U32LE
    tileset_crc: U32LE
    game_mode: Mode
    max_score: U8
    challenge: Annotated[MaybeFour, "JJ2+: what LevelLoaded must answer"] = None
    heartbeat_cookie: Annotated[MaybeFour, "JJ2+"] = None
    plus_version: Annotated[MaybeFour, "JJ2+"] = None
    rest: Tail = b""


@packet(0x11, DOWN)
class PlayerJoined(Packet):
    """Somebody else came."""

    socket: Socket
    players: Players


@packet(0x12, DOWN)
class PlayerList(Packet):
    """Everybody who is here."""

    players: List


@packet(0x13, DOWN)
class StartLevel(Packet):
    """Begin."""

    rest: Tail = b""


@packet(0x14, DOWN)
class LevelChunk(Packet):
    """A part of a level's file."""

    body: Annotated[bytes, Rest()]


@packet(0x15, UP)
class DownloadRequest(Packet):
    """Asks for a level's file."""

    name: Annotated[str, RestText()]


@packet(0x16, DOWN)
class LevelChange(Packet):
    """Another level."""

    level_crc: U32LE
    tileset_crc: U32LE
    level: Annotated[str, Prefixed(Int("B"), RestText()), "file name"]
    rest: Tail = b""


@packet(0x17, DOWN)
class EndOfLevel(Packet):
    """The level is over."""

    body: Annotated[bytes, Rest(), "byte 0 who won, byte 5 the score; JJ2+: the places"]


@packet(0x18, DOWN)
class EventUpdate(Packet):
    """Something in the level has changed."""

    body: Annotated[bytes, Rest()]


@packet(0x19, DOWN)
class ServerStopped(Packet):
    """The server ends."""

    body: Annotated[bytes, Rest()] = b""


@packet(0x1A, UP)
class LevelLoaded(Packet):
    """The client is ready."""

    challenge: Annotated[MaybeFour, "JJ2+: from ServerDetails or LevelChange"] = None


@packet(0x1B)
class Chat(Packet):
    """A line of talk."""

    socket: Annotated[U8, "who says it; vanilla: low nibble socket, high nibble team"]
    type: Annotated[U8, "0 or 32"]
    text: Annotated[str, RestText()]


@packet(0x3F, UP)
class PlusHello(Packet):
    """I have JJ2+."""

    hello: Annotated[bytes, Bytes(2), "20 03"]
    version: Annotated[bytes, Bytes(4), "of JJ2+"]


@packet(0x3F, DOWN)
class PlusSettings(Packet):
    """The server's answer: bits of settings."""

    body: Annotated[bytes, Rest()]


@packet(0x42)
class Spectate(Packet):
    """A player looks on, or plays again."""

    state: Annotated[int, Int("B"), {0x20: "off", 0x21: "on"}]
    rest: Tail = b""


class Body(Packet):
    """A packet of JJ2+ whose layout is not described."""

    body: Annotated[bytes, Rest()]


PLUS_PACKETS = {
    0x40: ("Console", "A line of the console."),
    0x41: ("Spectators", "Who looks on."),
    0x43: ("Admins", "Who is an administrator."),
    0x44: ("ClientStates", "In which state the clients are."),
    0x45: ("GameState", "In which state the game is."),
    0x47: ("Plus47", "Of JJ2+, meaning not known."),
    0x49: ("Pings", "The round trips of the players: u8 player, u16 each."),
    0x4A: ("Settings", "The settings of the server."),
    0x4B: ("TeamScores", "The scores of the teams."),
    0x4C: ("Stats", "Statistics of the players."),
    0x4D: ("Deaths", "How often the players died."),
    0x51: ("UdpOk", "Datagrams arrive."),
    0x52: ("Idle", "Who is idle."),
    0x55: ("MaxResolution", "The largest resolution allowed."),
    0x56: ("Script", "A packet of a script."),
    0x58: ("Whisper", "A line to one player."),
    0x5A: ("ScriptList", "The scripts of the level."),
}
"""Tag -> kind and meaning of what JJ2+ adds."""

for _tag, (_kind, _meaning) in PLUS_PACKETS.items():
    _class: Any = msgspec.defstruct(
        _kind, (), bases=(Body,), namespace={"__doc__": _meaning}, module=__name__, frozen=True
    )
    packet(_tag)(_class)


class Padding(Struct):
    """An empty packet of the long form."""

    magic: ClassVar = Magic(b"\0\0\0")


class UnknownPacket(Packet):
    """A packet with an id that is not known, or not in this direction."""

    id: U8
    body: Annotated[bytes, Rest()]

    def encode(self) -> bytes:
        payload = Struct.encode(self)
        return self._head(len(payload) - 1) + payload


def packet_length(buffer: bytes | bytearray, start: int = 0) -> int:
    """Length of the packet that begins at `start`, 0 when more bytes are needed."""
    if buffer[start] == 1:
        raise Misfit("packet", 0, "a length of 1 leaves no room for the id")
    if buffer[start]:
        return buffer[start]
    if len(buffer) - start < 3:
        return 0
    return 3 + int.from_bytes(buffer[start + 1 : start + 3], "little")


def view_packet(frame: Frame) -> Message:
    """A whole packet of the stream."""
    data = frame.clear
    if data == b"\0\0\0":
        return Padding()
    at = 1 if data[0] else 3
    cls = TCP[frame.direction].get(data[at])
    if cls is None:
        return whole(UnknownPacket, data, at)
    return whole(cls, data, at + 1)


class PacketSide(StreamDissector):
    """Cuts the stream, and learns what JJ2+ agrees on."""

    def frame_length(self, direction: Direction, buffer: bytes | bytearray, start: int) -> int:
        return packet_length(buffer, start)

    def frame(self, frame: Frame) -> None:
        data = frame.clear
        if sums_fit(data):
            frame.derived = {"tcp": True}  # by chance it looks like a datagram
        at = 1 if data[0] else 3
        cls = TCP[frame.direction].get(data[at]) if len(data) > at else None
        if cls is None or cls.kind not in GIVING:
            return
        message = view_packet(frame)
        for path, name in KEYS.items():
            kind, _, field = path.partition(".")
            value = message.get(field) if kind == cls.kind else None
            if value is not None:
                self.learn(frame, Key(name, value))


KEYS = {
    "ServerDetails.challenge": "jazz2.challenge",
    "ServerDetails.heartbeat_cookie": "jazz2.heartbeat",
    "PlusHello.version": PLUS_KEY,
}
GIVING = {path.partition(".")[0] for path in KEYS}
"""Kinds that give a key away."""


# -- both ------------------------------------------------------------------------------------------


def view(frame: Frame) -> Message:
    """A datagram or a packet: the dissector says which, else right sums or a right length do."""
    data = frame.clear
    tcp = (frame.derived or {}).get("tcp")
    if tcp or (not sums_fit(data) and len(data) > 1 and packet_length(data) == len(data)):
        return view_packet(frame)
    return view_datagram(frame)


BOTH = tuple(Direction)

PROTOCOLS = (
    Protocol(
        name="jazz2",
        title="Jazz Jackrabbit 2: a game server",
        transports=(Transport.TCP, Transport.UDP),
        ports=(10052,),
        begins=rb".\x0f..2\d..|..[\x05\x06].",
        make_dissector=PacketSide,
        make_for={Transport.UDP: DatagramSide},
        view_frame=view,
        kinds=(
            *UDP.kinds(),
            describe(UnknownDatagram, BOTH, UDP.source),
            *TCP.kinds(),
            describe(Padding, BOTH, TCP.source),
            describe(UnknownPacket, BOTH, TCP.source),
        ),
        announces=(
            Announce("JoinRequest", UP, "jazz2", Transport.UDP, port="udp_port", role="client"),
        ),
        volatile={
            "PlayerState.sequence": Volatile("counter"),
            "Ping.index": Volatile("fresh"),
            "Ping.cookie": Volatile("fresh"),
            "Pong.index": Volatile("echo", "Ping.index"),
            "Pong.cookie": Volatile("echo", "Ping.cookie"),
            "Query.index": Volatile("fresh"),
            "Reply.index": Volatile("echo", "Query.index"),
            "Reply.uptime": Volatile("counter"),
            "Reply.clients": Volatile("fresh"),
            "Reply.players": Volatile("fresh"),
            "Events.count": Volatile("counter"),
            "HeartBeat.sequence": Volatile("counter"),
            "HeartBeat.cookie": Volatile("echo", "HeartBeat.cookie"),
            "JoinRequest.udp_port": Volatile("ours", "port"),
            "ServerDetails.socket": Volatile("learned"),
            "ServerDetails.player_id": Volatile("learned"),
            "ServerDetails.challenge": Volatile("fresh"),
            "ServerDetails.heartbeat_cookie": Volatile("fresh"),
            "LevelLoaded.challenge": Volatile("echo", "ServerDetails.challenge"),
            "Chat.socket": Volatile("learned", "ServerDetails.socket"),
            "Disconnect.socket": Volatile("learned", "ServerDetails.socket"),
            "PlayerJoined.socket": Volatile("learned"),
            "*.players[].socket": Volatile("learned"),
            "*.players[].player_id": Volatile("learned"),
        },
        answers={
            "Ping": ("Pong",),
            "Query": ("Reply",),
            "Password": ("PasswordReply",),
            "HeartBeat": ("HeartBeat",),
            "JoinRequest": ("ServerDetails", "Disconnect"),
            "JoinDetails": ("StartLevel", "Disconnect"),
            "DownloadRequest": ("LevelChunk", "Disconnect"),
            "PlusHello": ("PlusSettings",),
        },
        rhythm=(Rhythm("PlayerState", UP, 0.125), Rhythm("HeartBeat", DOWN, 1.0)),
        keys=KEYS,
        personal=personal_of(
            "name: *.players.name *.name PlayerJoin.players.name; password: *.password"
        ),
        source="jazz2 2, 3, 6",
    ),
)
