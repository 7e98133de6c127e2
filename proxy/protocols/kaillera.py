"""Kaillera, version 0.83 on the wire ("v086"): play an emulator's game together, over UDP.

On the main port (27888) there are bare texts: `PING`, `HELLO0.83`, and the answer `HELLOD00D34850`,
which names the private port of the session. From there on every datagram is a bundle:

    u8   count
    count times, newest first:
         u16le number, u16le length, u8 type, body       length = type + body

The last messages are repeated in every datagram: redundancy stands for acknowledgement. So each
direction numbers its messages, and a bundle's kind is the newest message that was not seen before;
`derived` says which numbers were `new` and which `seen`. Servers with a single port send bundles on
the main port too.

During a game both sides keep, per direction, a list of the last 256 different inputs; `CachedData`
names a slot of it. `derived.input` has the real bytes of each new input, by message number.

Facts: the reference "kaillera", sections 1 to 7.
"""

from __future__ import annotations

import struct
from collections import deque
from typing import Annotated, Any, ClassVar, TypeAlias

from proxy.dissector import DatagramDissector
from proxy.keys import SessionKeys
from proxy.layouts.bundle import Bundle, Numbered, Numbers, Unknown, heads
from proxy.layouts.codec import (
    U8,
    U16LE,
    Array,
    Count,
    CString,
    Decimal,
    Int,
    Magic,
    Maybe,
    Prefixed,
    Rest,
    Struct,
    Table,
    Text,
    describe,
)
from proxy.message import Message, WireError
from proxy.personal import personal_of
from proxy.protocol import Announce, Protocol, Rhythm, Volatile
from recordings.model import Direction, Frame, Transport

UP, DOWN = Direction.TO_SERVER, Direction.TO_CLIENT

# -- the main port: kaillera 1 ---------------------------------------------------------------------

MAIN = Table("kaillera 1")
MARK = 4
"""Bytes by which a text of the main port is known: a bundle of 72 messages does not exist."""


class OpenText(Text):
    """Text that a NUL or the end of the datagram ends (the NUL belongs to what follows)."""

    name = "text"

    def read(self, data: bytes, offset: int, end: int) -> tuple[Any, int]:
        stop = data.find(0, offset, end)
        stop = end if stop < 0 else stop
        return data[offset:stop].decode("latin-1"), stop

    def write(self, value: Any) -> bytes:
        return super().write(value)[:-1]


MaybeText: TypeAlias = Annotated[str | None, Maybe(Text())]
MaybeDecimal: TypeAlias = Annotated[int | None, Maybe(Decimal())]


@MAIN.message(b"PING", UP, kind="PING")
class Ping(Struct):
    """Measures the way before the login."""

    magic: ClassVar = Magic(b"PING\0")


@MAIN.message(b"PONG", DOWN, kind="PONG")
class Pong(Struct):
    """Answers a PING; a server inside an emulator also says what it is."""

    magic: ClassVar = Magic(b"PONG\0")
    name: Annotated[MaybeText, "name of the server"] = None
    users: Annotated[MaybeDecimal, "users who are here"] = None
    max_users: Annotated[MaybeDecimal, "users it takes"] = None
    games: Annotated[MaybeDecimal, "games that are open"] = None


@MAIN.message(b"HELL", UP, kind="HELLO")
class Hello(Struct):
    """Asks for a session."""

    magic: ClassVar = Magic(b"HELLO")
    version: Annotated[str, OpenText(), "0.83, whatever the program calls itself"]
    end: Annotated[bytes, Rest(), "the NUL, which some clients leave out"] = b"\0"


@MAIN.message(b"HELL", DOWN, kind="HELLOD00D")
class HelloDood(Struct):
    """Grants a session on a private port."""

    magic: ClassVar = Magic(b"HELLOD00D")
    port: Annotated[int, Decimal(), "UDP port of the session, at the host that says this"]


@MAIN.message(b"TOO\0", DOWN, kind="TOO")
class TooMany(Struct):
    """Refuses a session: the server is full."""

    magic: ClassVar = Magic(b"TOO\0")


@MAIN.message(b"VER\0", DOWN, kind="VER")
class WrongVersion(Struct):
    """Refuses a session: another version than 0.83."""

    magic: ClassVar = Magic(b"VER\0")


# -- messages of a bundle: kaillera 3 --------------------------------------------------------------

TABLE = Table("kaillera 3")
message = TABLE.message

CONNECTION = {1: "LAN", 2: "Excellent", 3: "Good", 4: "Average", 5: "Low", 6: "Bad"}
USER_STATUS = {0: "playing (EmuLinker)", 1: "idle", 2: "playing (original server)"}
GAME_STATUS = {0: "waiting", 1: "netsync: started, not everybody ready", 2: "playing"}

Connection: TypeAlias = Annotated[int, Int("B"), CONNECTION, "quality, and frames per packet"]
UserId: TypeAlias = Annotated[int, Int("<H"), "number that the server gave a user, 65535: none"]
GameId: TypeAlias = Annotated[int, Int("<I"), "number of a game, 4294967295: none"]
Milliseconds: TypeAlias = Annotated[int, Int("<I"), "mean of the login's round trips, ms"]
Username: TypeAlias = Annotated[str, Text(), "who it is about; empty when the client speaks"]
Four: TypeAlias = Annotated[tuple[int, ...], Array(Int("<I"), 4), "0, 1, 2, 3"]


@message(0x01)
class Quit(Struct):
    """A user leaves the server."""

    username: Username
    user_id: UserId
    text: Annotated[str, Text(), "last words"]


@message(0x02, DOWN)
class UserJoined(Struct):
    """A user has come to the server."""

    username: Username
    user_id: UserId
    ping: Milliseconds
    connection: Connection


@message(0x03, UP)
class UserInfo(Struct):
    """The login: the first message of a session, number 0."""

    username: Annotated[str, Text(), "the name that the user chose"]
    emulator: Annotated[str, Text(), "program and version; all players of a game need the same"]
    connection: Connection


class User(Struct):
    """A user in ServerStatus."""

    name: CString
    ping: Milliseconds
    status: Annotated[int, Int("B"), USER_STATUS]
    user_id: UserId
    connection: Connection


class Game(Struct):
    """A game in ServerStatus."""

    rom: Annotated[str, Text(), "name of the game"]
    game_id: GameId
    emulator: CString
    owner: Annotated[str, Text(), "name of the user who made it"]
    players: Annotated[str, Text(), "players here and allowed, 1/2"]
    status: Annotated[int, Int("B"), GAME_STATUS]


@message(0x04, DOWN)
class ServerStatus(Struct):
    """Who is here and what is played, without the one who is told."""

    username: Username
    user_count: ClassVar = Count("users", Int("<I"))
    game_count: ClassVar = Count("games", Int("<I"))
    users: Annotated[tuple[User, ...], Array(User)]
    games: Annotated[tuple[Game, ...], Array(Game)]


@message(0x05, DOWN)
class ServerAck(Struct):
    """One round of the login's ping."""

    username: Username = ""
    values: Four = (0, 1, 2, 3)


@message(0x06, UP)
class ClientAck(Struct):
    """The answer to each ServerAck."""

    username: Username = ""
    values: Four = (0, 1, 2, 3)


@message(0x07)
class Chat(Struct):
    """A line to everybody; it comes back to the one who said it."""

    username: Username
    text: CString


@message(0x08)
class GameChat(Struct):
    """A line to the players of one's game."""

    username: Username
    text: CString


@message(0x09, UP)
class KeepAlive(Struct):
    """I am still here."""

    username: Username = ""


@message(0x0A)
class CreateGame(Struct):
    """A new game."""

    username: Username
    rom: Annotated[str, Text(), "name of the game"]
    emulator: Annotated[str, Text(), "empty when the client speaks"]
    game_id: GameId


@message(0x0B)
class QuitGame(Struct):
    """A user leaves the game, or was kicked out of it."""

    username: Username
    user_id: UserId


@message(0x0C)
class JoinGame(Struct):
    """A user enters a game."""

    username: Username
    game_id: Annotated[int, Int("<I"), "number of the game; the original server sends a pointer"]
    name: Annotated[str, Text(), "who entered"]
    ping: Milliseconds
    user_id: UserId
    connection: Connection


class Player(Struct):
    """A player in PlayerInfo."""

    name: CString
    ping: Milliseconds
    user_id: UserId
    connection: Connection


@message(0x0D, DOWN)
class PlayerInfo(Struct):
    """Who is in the game that was entered, without the one who is told."""

    username: Username
    players: Annotated[tuple[Player, ...], Array(Player, Int("<I"))]


@message(0x0E, DOWN)
class GameStatus(Struct):
    """A game has changed."""

    username: Username
    game_id: GameId
    status: Annotated[int, Int("B"), GAME_STATUS]
    players: Annotated[U8, "players inside"]
    max_players: Annotated[U8, "players allowed"]


@message(0x0F, UP)
class Kick(Struct):
    """The owner throws a player out."""

    username: Username
    user_id: UserId


@message(0x10, DOWN)
class CloseGame(Struct):
    """A game is gone."""

    username: Username
    game_id: GameId


@message(0x11)
class StartGame(Struct):
    """The owner starts the game; the server tells each player who he is."""

    username: Username
    delay: Annotated[U16LE, "packets of lag, 65535 when the client speaks"]
    player: Annotated[U8, "number of this player from 1 on, 255 when the client speaks"]
    players: Annotated[U8, "number of players, 255 when the client speaks"]


@message(0x12)
class GameData(Struct):
    """Input: frames of one player from a client, frame by frame of all players from the server."""

    username: Username
    data: Annotated[bytes, Prefixed(Int("<H"), Rest()), "bytes of input"]


@message(0x13)
class CachedData(Struct):
    """Input that was sent before."""

    username: Username
    slot: Annotated[U8, "place in the list of inputs of this direction"]


@message(0x14)
class Drop(Struct):
    """A player stops playing but stays."""

    username: Username
    player: Annotated[U8, "number of the player, 0 when the client speaks"]


@message(0x15)
class AllReady(Struct):
    """A client is ready; or the server says that all are, and frame 0 begins."""

    username: Username = ""


@message(0x16, DOWN)
class Rejected(Struct):
    """The login is refused."""

    username: Username
    user_id: UserId
    text: Annotated[str, Text(), "why"]


@message(0x17, DOWN)
class Info(Struct):
    """A line from the server: message of the day, notices."""

    username: Annotated[str, Text(), "Server or server"]
    text: CString


# -- the flow: kaillera 2 and 5 --------------------------------------------------------------------


_INPUT = struct.Struct("<BHHBBH")
"""A bundle of one GameData without a name: count, number, length, type, NUL, length of input."""


def _lone_input(data: bytes) -> tuple[int, bytes] | None:
    """Number and input of such a bundle, told by one look."""
    if len(data) <= _INPUT.size:
        return None
    count, number, length, tag, name, size = _INPUT.unpack_from(data)
    stop = _INPUT.size + size
    if count != 1 or tag != GameData.tag or name or stop != len(data) or length + 5 != stop:
        return None
    return number, data[_INPUT.size :]


def view(frame: Frame) -> Message:
    """A text of the main port, or a bundle."""
    data = frame.clear
    lone = _lone_input(data)
    if lone is not None:
        return Bundle((Numbered(lone[0], GameData("", lone[1])),))
    main = MAIN[frame.direction].get(data[:MARK])
    if main is not None:
        return main.decode(data)
    return Bundle.read(data, TABLE[frame.direction], (frame.derived or {}).get("new"))


LOGIN = 8
"""A login takes fewer messages than this; behind it a message 0 is another login."""

SLOTS = 256
"""Inputs that a list remembers; when it is full the oldest goes and all move down by one."""

STARTS = (StartGame.tag, AllReady.tag)
"""What a server says before the first input of a game: both lists are emptied."""


_MAIN = {way: MAIN[way] for way in Direction}
_INPUTS = {one.tag: one.read for one in (GameData, CachedData)}


class KailleraDissector(DatagramDissector):
    """Tells new messages from repeated ones, and resolves the slots of CachedData."""

    apart = True

    def __init__(self, keys: SessionKeys) -> None:
        super().__init__(keys)
        self._over = False
        self._begin()

    def _begin(self) -> None:
        """A session begins: both sides count from 0."""
        self._numbers = {way: Numbers() for way in Direction}
        self._empty()
        self._over = False

    def _empty(self) -> None:
        """A game begins: no input has been sent."""
        self._inputs: dict[Direction, deque[bytes]] = {
            way: deque(maxlen=SLOTS) for way in Direction
        }
        self._doubt: dict[Direction, str] = {}

    def frame(self, frame: Frame) -> None:
        data, way = frame.raw or b"", frame.direction
        if self._next_input(frame, data, way):
            return
        main = _MAIN[way].get(data[:MARK])
        if main is not None:
            if main is Hello:
                self._begin()
            return
        try:
            messages = heads(data)
        except WireError:
            return  # the view says why
        if way is UP and len(messages) == 1 and messages[0][:2] == (0, UserInfo.tag):
            self._login()
        numbers = self._numbers[way]
        newest, gaps = numbers.newest, numbers.gaps
        places = {one[0]: index for index, one in enumerate(messages)}
        new, seen = numbers.take(places)
        frame.derived = {"new": new, "seen": seen}
        if newest is None and 0 not in places:
            self._doubt[way] = "unknown: the first messages were not seen"
        elif numbers.gaps > gaps:
            self._doubt[way] = f"unknown: messages before {new[-1]} were not seen"
        for number in new:
            place = places[number]
            self._look(frame, place, *messages[place])

    def _next_input(self, frame: Frame, data: bytes, way: Direction) -> bool:
        """The commonest: the next message, alone, an input."""
        lone = _lone_input(data)
        if lone is None:
            return False
        number, found = lone
        known = self._numbers[way]
        if known.newest is None or number != (known.newest + 1) & 0xFFFF:
            return False
        known.newest = number
        self._inputs[way].append(found)
        frame.derived = {"new": [number], "seen": [], "input": {str(number): found.hex()}}
        return True

    def _login(self) -> None:
        """A message 0 that is no repetition: the same port serves another session."""
        if self._over or (self._numbers[UP].newest or 0) > LOGIN:
            self._begin()

    def _look(self, frame: Frame, place: int, number: int, tag: int, start: int, stop: int) -> None:
        """One new message, in the order of numbers."""
        way, derived = frame.direction, frame.derived or {}
        read = _INPUTS.get(tag)
        if tag == Quit.tag and way is UP:
            self._over = True
        elif tag in STARTS and way is DOWN:
            self._empty()
        elif read is not None:
            found = self._input(way, read(frame.raw or b"", start, stop)[0])
            if isinstance(found, bytes):
                derived.setdefault("input", {})[str(number)] = found.hex()
            else:
                derived.setdefault("checks", {})[f"messages[{place}].fields.slot"] = found

    def slot(self, way: Direction, data: bytes) -> int | None:
        """Where an input stands in the list of what a side has sent, None: not there (5)."""
        held = self._inputs[way]
        return held.index(data) if data in held else None

    def _input(self, way: Direction, message: Struct) -> bytes | str:
        """The bytes of an input, or why they are not known."""
        held = self._inputs[way]
        if isinstance(message, GameData):
            held.append(message.data)
            return message.data
        assert isinstance(message, CachedData)
        if way in self._doubt:
            return self._doubt[way]
        if message.slot >= len(held):
            return f"unknown: slot {message.slot} is empty, {len(held)} are filled"
        return held[message.slot]


PROTOCOLS = (
    Protocol(
        name="kaillera",
        title="Kaillera: emulators playing together",
        transports=(Transport.UDP,),
        ports=(27888,),
        begins=rb"HELLO0\.|HELLOD00D\d|PING\0\Z|TOO\0|VER\0",
        make_dissector=KailleraDissector,
        view_frame=view,
        kinds=(*MAIN.kinds(), *TABLE.kinds(), describe(Unknown, tuple(Direction), "kaillera 3")),
        announces=(
            Announce("HELLOD00D", DOWN, "kaillera", Transport.UDP, port="port", role="private"),
        ),
        volatile={
            "HELLOD00D.port": Volatile("ours", "port"),
            "PONG.users": Volatile("fresh"),
            "PONG.games": Volatile("fresh"),
            "*.messages[].number": Volatile("counter"),
            "*.user_id": Volatile("learned", "UserJoined.user_id"),
            "*.game_id": Volatile("learned", "CreateGame.game_id"),
            "*.ping": Volatile("fresh", "ms"),
            "ServerStatus.users": Volatile("fresh"),
            "ServerStatus.games": Volatile("fresh"),
            "PlayerInfo.players": Volatile("learned"),
            "StartGame.delay": Volatile("learned"),
            "StartGame.player": Volatile("learned"),
            "Drop.player": Volatile("learned", "StartGame.player"),
            "CachedData.slot": Volatile("learned", "GameData.data"),
            "Info.text": Volatile("fresh"),
        },
        peek=lambda direction, clear: "HELLOD00D" if clear.startswith(b"HELLOD00D") else "",
        answers={
            "HELLO": ("HELLOD00D", "TOO", "VER"),
            "PING": ("PONG",),
            "UserInfo": ("ServerAck", "Rejected"),
            "ClientAck": ("ServerAck", "ServerStatus", "Rejected"),
            "ServerAck": ("ClientAck",),
            "Chat": ("Chat",),
            "GameChat": ("GameChat",),
            "CreateGame": ("JoinGame",),
            "JoinGame": ("JoinGame",),
            "StartGame": ("StartGame",),
            "AllReady": ("AllReady",),
            "GameData": ("GameData", "CachedData"),
            "CachedData": ("GameData", "CachedData"),
            "Drop": ("Drop",),
            "Kick": ("QuitGame",),
            "QuitGame": ("QuitGame",),
            "Quit": ("Quit",),
        },
        rhythm=(Rhythm("KeepAlive", UP, 60.0),),
        personal=personal_of(
            "name: *.username *.users.name *.players.name *.games.owner JoinGame.name"
        ),
        source="kaillera 1-7",
    ),
)
