"""The datagrams of Jazz Jackrabbit 2: game state, ping, query, password, heartbeat.

    u8 sum1, u8 sum2, u8 id, payload
    sum1 = sum2 = 1; for each byte from the id on: sum1 += byte, sum2 += sum1; both modulo 251

The sums are no fields: `encode` computes them, and a datagram with wrong ones is refused. The
packets over TCP, and the protocol, are in proxy/protocols/jazz2.py. Facts: jazz2 2.
"""

from __future__ import annotations

from itertools import accumulate
from typing import Annotated, Any, TypeAlias

from proxy.dissector import DatagramDissector
from proxy.layouts.codec import (
    U8,
    U32LE,
    Array,
    Bytes,
    Int,
    Maybe,
    Misfit,
    Padded,
    Prefixed,
    Rest,
    RestText,
    Struct,
    Table,
)
from proxy.layouts.jazz2_endings import MODES, Ending, Plus, PlusLong, Vanilla
from proxy.message import Message, WireError
from recordings.model import Direction, Frame, Span

UP, DOWN = Direction.TO_SERVER, Direction.TO_CLIENT

Version: TypeAlias = Annotated[str, Padded(4), "21 is 1.23, 24 is 1.24"]
Cookie: TypeAlias = Annotated[bytes, Bytes(4), "chosen by one side, given back by the other"]
Mode: TypeAlias = Annotated[int, Int("B"), MODES]
Name: TypeAlias = Annotated[str, Prefixed(Int("B"), RestText()), "| changes the colour"]
MaybeFour: TypeAlias = Annotated[bytes | None, Maybe(Bytes(4))]

UDP = Table("jazz2 2")
PLUS_KEY = "jazz2.plus"
"""Name of the key that tells other flows of the session that both sides have JJ2+."""
SUMS = 2
HEADER = 3


def checksum(rest: bytes) -> bytes:
    """The two sums over a datagram from its id on."""
    return bytes(((1 + sum(rest)) % 251, sum(accumulate(rest, initial=1)) % 251))


def sums_fit(data: bytes) -> bool:
    """Whether the bytes are a datagram with the right sums."""
    rest = data[SUMS:]
    return bool(rest) and data[0] == (1 + sum(rest)) % 251 and data[:SUMS] == checksum(rest)


class Datagram(Struct):
    """A datagram: sums, id and the fields of a subclass."""

    def encode(self) -> bytes:
        rest = bytes((self.tag,)) + super().encode()
        return checksum(rest) + rest

    def spans(self) -> list[Span]:
        return [Span(s.path, s.start + HEADER, s.end + HEADER) for s in super().spans()]


@UDP.message(0x01, UP)
class PlayerState(Datagram):
    """Where a player is and what he does, eight times a second; not documented."""

    sequence: Annotated[int | None, Maybe(Int("B")), "0, or a number that counts"] = None
    state: Annotated[bytes, Rest()] = b""


@UDP.message(0x02, DOWN)
class States(Datagram):
    """What the others do; not documented."""

    state: Annotated[bytes, Rest()]


@UDP.message(0x03, UP)
class Ping(Datagram):
    """Is the server there, and is it private?"""

    index: Annotated[U8, "of the asker's choosing"]
    cookie: Cookie
    version: Annotated[str, RestText(), "21 is 1.23, 24 is 1.24; may be missing, or junk"] = ""


@UDP.message(0x04, DOWN)
class Pong(Datagram):
    """Answers a Ping."""

    index: U8
    cookie: Cookie
    flags: Annotated[U8, "bits 0-2 the game mode, bit 5 private"]


@UDP.message(0x05, UP)
class Query(Datagram):
    """What is played there?"""

    index: Annotated[U8, "of the asker's choosing"]
    extended: Annotated[int | None, Maybe(Int("B")), "1 asks JJ2+ for players and level"] = None


@UDP.message(0x06, DOWN)
class Reply(Datagram):
    """Answers a Query."""

    index: U8
    uptime: Annotated[U32LE, "a counter; its unit is not known"]
    version: Version
    clients: Annotated[U8, "players; of JJ2+ programs that are connected"]
    players: Annotated[U8, "0; of JJ2+ players"]
    game_mode: Mode
    limit: Annotated[U8, "players allowed"]
    name: Name
    end: Annotated[Vanilla | Plus | PlusLong, Ending()]


EVENT_SIZES = (
    *(0, 3, 3, 1, 2, 1, 1, 7, 12, 1, 2, 4, 4, 1, 4, 2),
    *(5, 2, 2, 2, 2, 3, 4, 2, 3, 4, 3, 9, 10, 3, 4, 2, 7),
)
"""Bytes behind the kind of an event, by kind."""
PLUS_SIZES = dict(enumerate(EVENT_SIZES)) | {3: 3, 10: 3, 14: 10, 16: 3, 33: 2, 34: 16}
VANILLA_SIZES = dict(enumerate(EVENT_SIZES))
EVENTS = {
    0x0E: "kill: victim, his kills, killer, his kills",
    0x0F: "hit by a special move",
    0x1E: "capture the flag",
}


class Event(Struct):
    """A part of Events."""

    event: Annotated[int, Int("B"), EVENTS]
    payload: Annotated[bytes, Rest()]


class EventList(Array):
    """Events up to the end, or up to one of a kind whose length is not known."""

    def __init__(self, sizes: dict[int, int]) -> None:
        super().__init__(Event)
        self.sizes = sizes

    def read(self, data: bytes, offset: int, end: int) -> tuple[Any, int]:
        found = []
        while offset < end:
            stop = offset + 1 + self.sizes.get(data[offset], end)
            if stop > end:
                break
            found.append(Event(data[offset], data[offset + 1 : stop]))
            offset = stop
        return tuple(found), offset


@UDP.message(0x07)
class Events(Datagram):
    """What happened in the game."""

    count: Annotated[U8, "counts the datagrams"]
    events: Annotated[tuple[Event, ...], EventList(VANILLA_SIZES)]
    rest: Annotated[bytes, Rest(), "from the first event on whose length is not known"] = b""


class PlusEvents(Datagram):
    """The same from JJ2+, where some events are longer."""

    count: U8
    events: Annotated[tuple[Event, ...], EventList(PLUS_SIZES)]
    rest: Annotated[bytes, Rest()] = b""


PlusEvents.tag, PlusEvents.kind = Events.tag, Events.kind


@UDP.message(0x09)
class HeartBeat(Datagram):
    """I am still here; the server's long form must be answered with its cookie."""

    sequence: Annotated[U8, "counts one's own"]
    echo: Annotated[int | None, Maybe(Int("B")), "0"] = None
    cookie: Annotated[MaybeFour, "the server's, given back"] = None


@UDP.message(0x0A, UP)
class Password(Datagram):
    """Opens a private server, before the TCP connection."""

    password: Annotated[str, Prefixed(Int("B"), RestText())]


@UDP.message(0x0B, DOWN)
class PasswordReply(Datagram):
    """Whether the password was right."""

    accepted: Annotated[U8, "0 is no"]


class UnknownDatagram(Datagram):
    """A datagram with an id that is not known, or not in this direction."""

    id: U8
    body: Annotated[bytes, Rest()]

    def encode(self) -> bytes:
        rest = Struct.encode(self)
        return checksum(rest) + rest

    def spans(self) -> list[Span]:
        return [Span(s.path, s.start + SUMS, s.end + SUMS) for s in Struct.spans(self)]


def view_datagram(frame: Frame) -> Message:
    """A datagram; raises WireError for wrong sums."""
    data = frame.clear
    if len(data) < HEADER:
        raise WireError(f"datagram at offset 0: needs {HEADER} bytes, {len(data)} left")
    needs = checksum(data[SUMS:])
    if data[:SUMS] != needs:
        raise WireError(f"checksum WRONG: has {data[:SUMS].hex()}, needs {needs.hex()}")
    cls = UDP[frame.direction].get(data[SUMS])
    if cls is None:
        return whole(UnknownDatagram, data, SUMS)
    if cls is Events:
        return _events(data, bool((frame.derived or {}).get("plus")))
    return whole(cls, data, HEADER)


def whole(cls: type[Struct], data: bytes, start: int) -> Struct:
    """Read a message from `start` to the end; raises WireError for bytes left over."""
    message, end = cls.read(data, start, len(data))
    if end != len(data):
        raise Misfit(cls.kind, end, f"{len(data) - end} bytes left over")
    return message


def _events(data: bytes, plus: bool) -> Struct:
    """The lengths of JJ2+ when the session has it, else those that leave the least unread."""
    theirs = whole(PlusEvents, data, HEADER)
    if plus:
        return theirs
    ours = whole(Events, data, HEADER)
    measure = [(len(one.rest), len(one.events)) for one in (ours, theirs)]  # type: ignore[attr-defined]
    return theirs if measure[1] < measure[0] else ours


class DatagramSide(DatagramDissector):
    """Checks the sums, and says when the session is one of JJ2+."""

    def frame(self, frame: Frame) -> None:
        data = frame.clear
        if len(data) < HEADER:
            return  # the view says why
        needs = checksum(data[SUMS:])
        if data[:SUMS] != needs:
            raise WireError(f"checksum WRONG: has {data[:SUMS].hex()}, needs {needs.hex()}")
        if data[SUMS] == Events.tag and self.keys.find(PLUS_KEY):
            frame.derived = {"plus": True}
