"""gt2, the transport that games use between players, and the buddy messages on it.

Every datagram that is not bare data begins with FE FE and a type. Types 0 to 7 are reliable: the
sender's number and the number it expects next follow, both u16 big-endian. Types from 100 on are
not. Unreliable data goes bare, and if it begins with FE FE itself, those two are doubled. Opening:
client challenge; server response and challenge; client response with the game's own data; accept or
reject. Resent after 1 s, acknowledged after 100 ms, kept alive every 30 s, given up after 60 s.

The buddies of a presence server talk over the same transport (6500/udp and up): reliable data that
begins with `gamespygp` in 16 bytes. Voice goes inside the game's own data and has no messages.
Source: gamespy 2.6 and 13.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Annotated, Any, ClassVar, TypeVar

from proxy.ciphers import challenge as parity
from proxy.dissector import PEER_FAULTS, DatagramDissector
from proxy.keys import SessionKeys
from proxy.layouts.checks import OK, compare, put_check, unknown
from proxy.layouts.codec import (
    U16BE,
    Bytes,
    Int,
    Magic,
    Maybe,
    Misfit,
    Rest,
    RestText,
    Struct,
    Table,
    Wire,
    describe,
)
from proxy.layouts.gamespy_marks import GT2, owner
from proxy.message import Message, WireError
from proxy.personal import GAMESPY
from proxy.protocol import Protocol, Rhythm, Volatile
from recordings.model import Direction, Frame, Key, Transport

UP, DOWN = Direction.TO_SERVER, Direction.TO_CLIENT

PEER = b"gamespygp".ljust(16, b"\0")
RELIABLE = 7
"""Bytes of the header of a reliable message."""

TABLE = Table("gamespy 13")
P = TypeVar("P", bound="Packet")


class Escaped(Wire):
    """Bare data: a leading FE FE is doubled on the wire."""

    name = "bytes to the end, a leading FE FE doubled"

    def read(self, data: bytes, offset: int, end: int) -> tuple[Any, int]:
        body = data[offset:end]
        return (body[2:] if body.startswith(GT2) else body), end

    def write(self, value: Any) -> bytes:
        return (GT2 if value.startswith(GT2) else b"") + bytes(value)

    def parse(self, value: Any) -> Any:
        return bytes.fromhex(value) if isinstance(value, str) else bytes(value)

    def show(self, value: Any) -> Any:
        return value.hex()


class Until(Wire):
    """Latin-1 text up to a mark, which belongs to the layout."""

    def __init__(self, mark: str) -> None:
        self.mark, self.name = mark.encode(), f"text up to {mark!r}"

    def read(self, data: bytes, offset: int, end: int) -> tuple[Any, int]:
        stop = data.find(self.mark, offset, end)
        if stop < 0:
            raise Misfit("", offset, f"no {self.mark.decode()} ends the text")
        return data[offset:stop].decode("latin-1"), stop + len(self.mark)

    def write(self, value: Any) -> bytes:
        if self.mark in value.encode("latin-1"):
            raise ValueError(f"{value!r} holds the mark that would end it")
        text: bytes = value.encode("latin-1")
        return text + self.mark

    def parse(self, value: Any) -> Any:
        return str(value)

    def parts(self, value: Any, path: str, start: int) -> Iterator[tuple[str, int, int]]:
        yield path, start, start + len(value)


class Counted(Wire):
    """The decimal length of data, the data behind a line feed, a NUL."""

    name = "decimal length, \\msg\\, line feed, bytes, NUL"
    middle = b"\\msg\\\n"

    def read(self, data: bytes, offset: int, end: int) -> tuple[Any, int]:
        stop = data.find(self.middle, offset, end)
        digits = data[offset:stop]
        if stop < 0 or not digits.isdigit() or len(digits) > 5:
            raise Misfit("", offset, "no length and \\msg\\")
        start = stop + len(self.middle)
        after = start + int(digits)
        if after >= end or data[after]:
            raise Misfit("", start, f"needs {int(digits)} bytes and a NUL, {end - start} left")
        return data[start:after], after + 1

    def write(self, value: Any) -> bytes:
        return b"%d%b%b\0" % (len(value), self.middle, value)

    def parts(self, value: Any, path: str, start: int) -> Iterator[tuple[str, int, int]]:
        start += len(b"%d" % len(value)) + len(self.middle)
        yield path, start, start + len(value)

    def parse(self, value: Any) -> Any:
        return bytes.fromhex(value) if isinstance(value, str) else bytes(value)

    def show(self, value: Any) -> Any:
        return value.hex()


class Packet(Struct, frozen=True):
    """What every datagram but bare data begins with."""

    mark: ClassVar = Magic(GT2)
    opcode: ClassVar = Magic(b"")


def packet(tag: int) -> Callable[[type[P]], type[P]]:
    """Register a class under its type byte, which is no field. Both peers may send every kind."""

    def register(cls: type[P]) -> type[P]:
        cls.opcode = Magic(bytes((tag,)))
        return TABLE.message(tag)(cls)

    return register


class _Reliable(Packet, frozen=True):
    sn: Annotated[U16BE, "number of this message"]
    esn: Annotated[U16BE, "number that the sender expects next"]


@packet(0)
class AppData(_Reliable, frozen=True):
    """Reliable data of the game."""

    data: Annotated[bytes, Rest()]


@packet(1)
class ClientChallenge(_Reliable, frozen=True):
    """Asks for a connection."""

    challenge: Annotated[bytes, Bytes(32), "keeps the parity rule"]


@packet(2)
class ServerChallenge(_Reliable, frozen=True):
    """Answers the challenge and sets one."""

    response: Annotated[bytes, Bytes(32), "to the client's challenge"]
    challenge: Annotated[bytes, Bytes(32)]


@packet(3)
class ClientResponse(_Reliable, frozen=True):
    """Answers the server's challenge."""

    response: Annotated[bytes, Bytes(32), "to the server's challenge"]
    init_data: Annotated[bytes, Rest(), "the game's own"]


@packet(4)
class Accept(_Reliable, frozen=True):
    """The connection stands."""


@packet(5)
class Reject(_Reliable, frozen=True):
    """The connection is refused."""

    reason: Annotated[bytes, Rest(), "the game's own"]


@packet(6)
class Close(_Reliable, frozen=True):
    """Ends the connection."""


@packet(7)
class KeepAlive(_Reliable, frozen=True):
    """Nothing but a sign of life."""


@packet(100)
class Ack(Packet, frozen=True):
    """Everything before this number has arrived."""

    esn: U16BE


@packet(101)
class Nack(Packet, frozen=True):
    """These numbers are missing."""

    first: U16BE
    last: Annotated[int | None, Maybe(Int(">H")), "only when several are missing"] = None


class _Time(Packet, frozen=True):
    word: ClassVar = Magic(b"time")
    time: Annotated[bytes, Bytes(4), "the sender's clock"]


@packet(102)
class Ping(_Time, frozen=True):
    """Measures the way."""


@packet(103)
class Pong(_Time, frozen=True):
    """The same clock back."""


@packet(104)
class Closed(Packet, frozen=True):
    """There is no such connection (any more)."""


class Unreliable(Struct, frozen=True):
    """Data of the game that may be lost."""

    data: Annotated[bytes, Escaped()]


class _Peer(_Reliable, frozen=True):
    opcode = Magic(bytes((0,)))
    header: ClassVar = Magic(PEER)


class PeerAuth(_Peer, frozen=True):
    """Says which buddy speaks."""

    auth: ClassVar = Magic(b"\\auth\\\\pid\\")
    pid: Annotated[str, Until("\\nick\\"), "profile id"]
    nick: Annotated[str, Until("\\sig\\")]
    sig: Annotated[str, Until("\\final\\"), "md5, over a secret of the receiver and both pids"]


class PeerAuthAck(_Peer, frozen=True):
    """The buddy is who it says."""

    text: ClassVar = Magic(b"\\aack\\\\final\\")


class PeerAuthNack(_Peer, frozen=True):
    """The buddy is not believed."""

    text: ClassVar = Magic(b"\\anack\\\\final\\")


class PeerMessage(_Peer, frozen=True):
    """A message from buddy to buddy, without the server."""

    m: ClassVar = Magic(b"\\m\\")
    type: Annotated[str, Until("\\len\\"), "as the types of the presence server's bm"]
    msg: Annotated[bytes, Counted()]


class PeerText(_Peer, frozen=True):
    """Anything else between buddies, or several messages in one datagram."""

    text: Annotated[str, RestText()]


PEERS: dict[bytes, type[_Peer]] = {
    b"\\auth": PeerAuth,
    b"\\aack": PeerAuthAck,
    b"\\anac": PeerAuthNack,
    b"\\m\\": PeerMessage,
}
_BY_TYPE: dict[Any, type[Struct]] = TABLE[UP]
_KINDS = (
    *TABLE.kinds(),
    describe(Unreliable, tuple(Direction), TABLE.source),
    *(describe(cls, tuple(Direction), "gamespy 2.6") for cls in PEERS.values()),
    describe(PeerText, tuple(Direction), "gamespy 2.6"),
)


def _view(frame: Frame) -> Message:
    data = frame.clear
    if data[:2] != GT2 or data[2:4] == GT2:
        return Unreliable.decode(data)
    if len(data) < 3:
        raise WireError("gt2, byte 2: the type is missing")
    if data[2] == AppData.tag and data.startswith(PEER, RELIABLE):
        return _peer(data)
    cls = _BY_TYPE.get(data[2])
    if cls is None:
        raise WireError(f"gt2.type, byte 2: no message has the type {data[2]}")
    return cls.decode(data)


def _peer(data: bytes) -> Message:
    start = RELIABLE + len(PEER)
    text = data[start : start + 5]
    for mark, cls in PEERS.items():
        if text.startswith(mark):
            try:
                return cls.decode(data)
            except WireError:
                break
    return PeerText.decode(data)


def _check(challenge: bytes | None, answer: bytes) -> str:
    """Whether an answer fits the challenge that was seen."""
    if challenge is None:
        return unknown("the challenge was not seen")
    if not parity.fits(challenge):
        return unknown("the challenge breaks the parity rule, its answer is any")
    needs = bytearray(parity.response(challenge))
    for place in parity.FREE:
        needs[place] = answer[place]
    return compare(answer, bytes(needs))


ANSWERED = {b"\x02": "client", b"\x03": "server"}
"""Type of an opening that answers a challenge -> whose."""


class Gt2Dissector(DatagramDissector):
    """Checks the two answers of the opening, and names what belongs to other protocols."""

    def __init__(self, keys: SessionKeys) -> None:
        super().__init__(keys)
        self._challenges: dict[tuple[Direction, str], bytes] = {}

    def frame(self, frame: Frame) -> None:
        data = frame.clear
        if data[:2] != GT2:
            frame.protocol = owner(data)
            return
        look = self.OPENING.get(data[2:3])
        if look is not None:
            look(self, frame, data[RELIABLE:])

    def seal(self, direction: Direction, plain: bytes, cipher: str | None = None) -> bytes:
        with suppress(*PEER_FAULTS):
            self.frame(Frame(direction, 0, plain))  # so that the answer to ours can be checked
        return plain

    def digest(self, direction: Direction, plain: bytes) -> bytes:
        """The answer of an opening made anew for the challenge of the other side."""
        who = ANSWERED.get(plain[2:3], "") if plain[:2] == GT2 else ""
        challenge, end = self._challenges.get((direction.other, who)), RELIABLE + 32
        if challenge is None or len(plain) < end:
            return plain
        made = bytearray(parity.response(challenge))
        for place in parity.FREE:
            made[place] = plain[RELIABLE + place]
        return plain[:RELIABLE] + bytes(made) + plain[end:]

    def _client_challenge(self, frame: Frame, body: bytes) -> None:
        self._set(frame, "client", body[:32])

    def _server_challenge(self, frame: Frame, body: bytes) -> None:
        self._answer(frame, "client", body[:32])
        self._set(frame, "server", body[32:64])

    def _client_response(self, frame: Frame, body: bytes) -> None:
        self._answer(frame, "server", body[:32])

    OPENING: ClassVar[dict[bytes, Callable[[Gt2Dissector, Frame, bytes], None]]] = {
        b"\x01": _client_challenge,
        b"\x02": _server_challenge,
        b"\x03": _client_response,
    }

    def _set(self, frame: Frame, who: str, challenge: bytes) -> None:
        if len(challenge) != parity.RESPONSE_LENGTH:
            return
        self._challenges[frame.direction, who] = challenge
        self.learn(frame, Key(f"gt2.{who}_challenge", challenge, direction=frame.direction))
        fits = OK if parity.fits(challenge) else "WRONG: breaks the parity rule"
        put_check(frame, "challenge", fits)

    def _answer(self, frame: Frame, who: str, answer: bytes) -> None:
        if len(answer) == parity.RESPONSE_LENGTH:
            challenge = self._challenges.get((frame.direction.other, who))
            put_check(frame, "response", _check(challenge, answer))


PROTOCOLS = (
    Protocol(
        name="gamespy-gt2",
        title="GameSpy transport between players",
        transports=(Transport.UDP,),
        ports=(6500,),
        begins=rb"\xfe\xfe[\0-\x07d-h]",
        make_dissector=Gt2Dissector,
        view_frame=_view,
        kinds=_KINDS,
        volatile={
            "*.sn": Volatile("counter"),
            "*.esn": Volatile("counter", "the other side's sn"),
            "*.challenge": Volatile("fresh", "keeps the parity rule"),
            "*.response": Volatile("digest", "of the other side's challenge"),
            "Ping.time": Volatile("clock", "ms"),
            "Pong.time": Volatile("echo", "Ping.time"),
            "PeerAuth.sig": Volatile("digest", "of a secret and both pids"),
        },
        answers={
            "ClientChallenge": ("ServerChallenge",),
            "ServerChallenge": ("ClientResponse",),
            "ClientResponse": ("Accept", "Reject"),
            "Ping": ("Pong",),
            "KeepAlive": ("Ack",),
            "Close": ("Closed", "Ack"),
            "PeerAuth": ("PeerAuthAck", "PeerAuthNack"),
        },
        rhythm=(Rhythm("KeepAlive", UP, 30.0), Rhythm("KeepAlive", DOWN, 30.0)),
        keys={
            "ClientChallenge.challenge": "gt2.client_challenge",
            "ServerChallenge.challenge": "gt2.server_challenge",
        },
        peers=True,
        personal=GAMESPY,
        source="gamespy 2.6 and 13",
    ),
)
