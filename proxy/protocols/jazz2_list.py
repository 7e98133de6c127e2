"""The list servers of Jazz Jackrabbit 2, over TCP.

    10053  binary list: `07 LIST 01 01`, then servers, u8 length (itself included), IPv4 with the
           last number first, u16le port, name; the client sends nothing
    10054  a game server registers: one record of 42 bytes, then short updates; the list server
           pings it with single zeros, and says what it does not like as a line of text
    10055  statistics as text
    10057  list as text: `ip:port local public battle 1.24   60 [1/8] name` CR LF
    10058  message of the day as text

Which of them it is shows in the first bytes. Facts: the reference "jazz2", section 4.
"""

from __future__ import annotations

from typing import Annotated, Any, ClassVar

from proxy.dissector import StreamDissector
from proxy.keys import SessionKeys
from proxy.layouts.codec import (
    U8,
    U16LE,
    Decimal,
    Int,
    Ipv4,
    Magic,
    Misfit,
    Padded,
    Rest,
    RestText,
    Struct,
    Table,
    Text,
    Wire,
    describe,
)
from proxy.message import Message
from proxy.personal import personal_of
from proxy.protocol import Announce, Protocol, Rhythm, Volatile
from recordings.model import Direction, Frame, Span, Transport

UP, DOWN = Direction.TO_SERVER, Direction.TO_CLIENT
SOURCE = "jazz2 4"

# -- 10054: registration ---------------------------------------------------------------------------

UPDATES = Table(SOURCE)
LISTING = 42
"""Bytes of the record with which a game server registers."""
UPDATE = 2
"""Bytes of an update, but for that of the name."""
RENAME = 0x02
PING = b"\0"


class Listing(Struct):
    """A game server wants to be listed."""

    port: Annotated[U16LE, "where it plays"]
    name: Annotated[str, Padded(33), "| changes the colour"]
    players: U8
    limit: Annotated[U8, "players allowed"]
    flags: Annotated[U8, "bit 0 private, bits 1-5 mode, bit 7 plus only"]
    version: Annotated[str, Padded(4), "21 is 1.23, 24 is 1.24"]


class Update(Struct):
    """A change of the record: its number and a value."""

    def encode(self) -> bytes:
        return bytes((self.tag,)) + super().encode()

    def spans(self) -> list[Span]:
        return [Span(s.path, s.start + 1, s.end + 1) for s in super().spans()]


@UPDATES.message(0x00, UP)
class PlayersUpdate(Update):
    """So many players are here; also says that the server is."""

    players: U8


@UPDATES.message(0x01, UP)
class ModeUpdate(Update):
    """Another game is played."""

    mode: Annotated[int, Int("B"), {1: "battle", 2: "treasure", 3: "ctf", 4: "race", 5: "coop"}]


@UPDATES.message(RENAME, UP)
class NameUpdate(Update):
    """The server has another name."""

    name: Annotated[str, RestText(), "up to the end of what came at once"]


@UPDATES.message(0x03, UP)
class LimitUpdate(Update):
    """More or fewer players are allowed."""

    limit: U8


@UPDATES.message(0x04, UP)
class PrivateUpdate(Update):
    """The server is private now, or public."""

    private: Annotated[U8, "bit 0"]


@UPDATES.message(0x05, UP)
class PlusOnlyUpdate(Update):
    """The server wants JJ2+ now, or not."""

    plus_only: Annotated[U8, "bit 0"]


class Ping(Struct):
    """The list server asks whether the game server is there."""

    magic: ClassVar = Magic(PING)


# -- 10053: binary list ----------------------------------------------------------------------------

LIST = b"\x07LIST"
SHORTEST = 7
"""Bytes of a server without a name."""


class ListHeader(Struct):
    """Begins the binary list."""

    magic: ClassVar = Magic(LIST)
    version: Annotated[bytes, Rest(), "01 01"] = b"\1\1"


class Server(Struct):
    """A server of the binary list."""

    host: Annotated[str, Ipv4(reverse=True)]
    port: U16LE
    name: Annotated[str, RestText(), "| changes the colour"]

    def encode(self) -> bytes:
        entry = super().encode()
        return bytes((len(entry) + 1,)) + entry

    def spans(self) -> list[Span]:
        return [Span(s.path, s.start + 1, s.end + 1) for s in super().spans()]


# -- 10057 and the other texts ---------------------------------------------------------------------


class Spaced(Wire):
    """Text in `size` bytes, padded with spaces."""

    loads = True

    def __init__(self, size: int) -> None:
        self.size, self.code, self.name = size, f"{size}s", f"text in {size} bytes, spaces"

    def load(self, value: Any) -> Any:
        return value.decode("latin-1").rstrip(" ")

    def dump(self, value: Any) -> Any:
        if len(value) > self.size:
            raise ValueError(f"{len(value)} characters given, the field holds {self.size}")
        return value.ljust(self.size).encode("latin-1")

    def parse(self, value: Any) -> Any:
        return str(value)


class ServerLine(Struct):
    """A server of the list as text."""

    host: Annotated[str, Text(b":")]
    port: Annotated[int, Decimal(b" ")]
    origin: Annotated[str, Text(b" "), "local, or mirror: another list server told of it"]
    access: Annotated[str, Text(b" "), "public or private"]
    mode: Annotated[str, Text(b" "), "what is played"]
    version: Annotated[str, Spaced(6), "1.24 and the like"]
    space: ClassVar = Magic(b" ")
    uptime: Annotated[int, Decimal(b" "), "seconds since it was listed"]
    bracket: ClassVar = Magic(b"[")
    players: Annotated[int, Decimal(b"/")]
    limit: Annotated[int, Decimal(b"] "), "players allowed"]
    name: Annotated[str, Text(b"\r\n"), "| changes the colour"]


class Line(Struct):
    """A line of any other text: message of the day, statistics, a refusal."""

    text: Annotated[str, RestText(), "with its line end"]


# -- the stream ------------------------------------------------------------------------------------


def view(frame: Frame) -> Message:
    """A record, an update, a server or a line."""
    data = frame.clear
    if frame.direction is UP:
        if len(data) == LISTING:
            return Listing.decode(data)
        return _behind(UPDATES[UP].get(data[0]), data)
    if data == PING:
        return Ping()
    if data.startswith(LIST):
        return ListHeader.decode(data)
    if data[0] == len(data) >= SHORTEST and not data.endswith(b"\n"):
        return _behind(Server, data)
    try:
        line = ServerLine.decode(data)
        if line.encode() == data:
            return line
    except (Misfit, ValueError):
        pass
    return Line.decode(data)


def _behind(cls: type[Struct] | None, data: bytes) -> Struct:
    """A message behind its first byte."""
    if cls is None:
        raise Misfit("update", 0, f"no update has the number {data[0]}")
    message, end = cls.read(data, 1, len(data))
    if end != len(data):
        raise Misfit(cls.kind, end, f"{len(data) - end} bytes left over")
    return message


class ListDissector(StreamDissector):
    """Cuts records and updates up, and a list or lines down."""

    def __init__(self, keys: SessionKeys) -> None:
        super().__init__(keys)
        self._listed = self._binary = False

    def frame_length(self, direction: Direction, buffer: bytes | bytearray, start: int) -> int:
        if direction is UP:
            return self._update(buffer, start) if self._listed else LISTING
        if self._binary:
            return self._server(buffer, start)
        if buffer[start] == PING[0]:
            return 1
        head = bytes(buffer[start : start + SHORTEST])
        if head[: len(LIST)] == LIST[: len(head)]:
            return SHORTEST if len(head) == SHORTEST else 0
        end = self.find(direction, b"\n", buffer, start)
        return end - start if end else 0

    def _update(self, buffer: bytes | bytearray, start: int) -> int:
        number = buffer[start]
        if number not in UPDATES[UP]:
            raise Misfit("update", 0, f"no update has the number {number}")
        return len(buffer) - start if number == RENAME else UPDATE

    def _server(self, buffer: bytes | bytearray, start: int) -> int:
        if buffer[start] < SHORTEST:
            raise Misfit("Server", 0, f"needs {SHORTEST} bytes, has a length of {buffer[start]}")
        return buffer[start]

    def frame(self, frame: Frame) -> None:
        self._listed |= frame.direction is UP
        self._binary |= frame.direction is DOWN and frame.clear.startswith(LIST)

    def finish(self, direction: Direction, at: int) -> list[Frame]:
        frames = super().finish(direction, at)
        if direction is DOWN and not self._binary:
            for frame in frames:
                frame.error = None  # the last line of a text may lack its end
        return frames


PROTOCOLS = (
    Protocol(
        name="jazz2-list",
        title="Jazz Jackrabbit 2: the list servers",
        transports=(Transport.TCP,),
        ports=(10053, 10054, 10055, 10057, 10058),
        make_dissector=ListDissector,
        view_frame=view,
        kinds=(
            describe(Listing, (UP,), SOURCE),
            *UPDATES.kinds(),
            *(
                describe(cls, (DOWN,), SOURCE)
                for cls in (Ping, ListHeader, Server, ServerLine, Line)
            ),
        ),
        announces=tuple(
            Announce(
                kind, DOWN, "jazz2", Transport.TCP, host="host", port="port", role="game server"
            )
            for kind in (Server.kind, ServerLine.kind)
        ),
        volatile={
            "ServerLine.uptime": Volatile("clock", "seconds"),
            "ServerLine.players": Volatile("fresh"),
            "PlayersUpdate.players": Volatile("fresh"),
            "Listing.players": Volatile("fresh"),
            "Listing.port": Volatile("ours", "port"),
        },
        rhythm=(Rhythm("PlayersUpdate", UP, 30.0), Rhythm("Ping", DOWN, 30.0)),
        personal=personal_of("address: *.host"),
        source=SOURCE,
    ),
)
