"""A protocol small enough to see through, and doubles of what stands around a tap.

A frame is a line, `KIND NAME=VALUE NAME=VALUE\\n`; `LIST a:1,b:2` announces several endpoints.
Lines that begin with `!` are an error, with `~` make the dissector fail.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any, Self

from proxy.dissector import StreamDissector
from proxy.keys import SessionKeys
from proxy.message import FieldError, Message, Opaque, WireError
from proxy.protocol import Announce, Protocol
from proxy.relay.api import Address, Listen
from recordings.errors import UserError
from recordings.model import Direction, Frame, Json, Key, Origin, Transport

UP, DOWN = Direction.TO_SERVER, Direction.TO_CLIENT


class Line(Message):
    __slots__ = ("kind", "pairs")

    def __init__(self, kind: str, pairs: dict[str, str]) -> None:
        self.kind = kind
        self.pairs = pairs

    def encode(self) -> bytes:
        return " ".join([self.kind, *(f"{k}={v}" for k, v in self.pairs.items())]).encode() + b"\n"

    def fields(self) -> dict[str, Json]:
        return dict(self.pairs)

    def get(self, path: str) -> Any:
        name, _, rest = path.partition("[")
        try:
            value = self.pairs[name]
        except KeyError:
            raise FieldError(self.kind, path, self.pairs) from None
        if name != "ITEMS":
            return value
        items = [dict(at=one) for one in value.split(",")]  # noqa: C408
        return items[int(rest.split("]")[0])]["at"] if rest else items

    def set(self, path: str, value: Any) -> Self:
        name, _, rest = path.partition("[")
        if rest:
            items = self.pairs[name].split(",")
            items[int(rest.split("]")[0])] = str(value)
            value = ",".join(items)
        if ":" in str(value) and name == "ADDR":
            raise ValueError("no room for IPv6")
        return type(self)(self.kind, {**self.pairs, name: str(value)})

    def delete(self, path: str) -> Self:
        if path not in self.pairs:
            raise FieldError(self.kind, path, self.pairs)
        return type(self)(self.kind, {k: v for k, v in self.pairs.items() if k != path})


class Lines(StreamDissector):
    def frame_length(self, direction: Direction, buffer: bytes | bytearray, start: int) -> int:
        if buffer[start : start + 1] == b"!":
            raise WireError("a line begins with !")
        if buffer[start : start + 1] == b"~":
            raise AttributeError("a defect")
        return self.find(direction, b"\n", buffer, start) and (
            buffer.index(b"\n", start) + 1 - start
        )

    def frame(self, frame: Frame) -> None:
        for name, key in (("SESS", "sess"), ("PASS", "pass")):
            mark = f" {name}=".encode()
            if mark in frame.clear:
                value = frame.clear.split(mark)[1].split()[0]
                self.learn(frame, Key(key, value))
        if frame.clear.startswith(b"SECRET"):
            frame.derived = {"checks": {"PASS": "unknown: no key for it"}}
        if frame.clear.startswith(b"DOUBT"):
            frame.derived = {"checks": {"X": "unknown: the first messages were not seen"}}


def _view(frame: Frame) -> Message:
    kind, *pairs = frame.clear.decode("latin-1").rstrip("\n").split(" ")
    if not kind.isalpha():
        raise WireError("kind, byte 0: no letters")
    return Line(kind, dict(pair.split("=", 1) for pair in pairs))


TOY = Protocol(
    name="toy",
    title="lines",
    transports=(Transport.TCP,),
    ports=(7,),
    make_dissector=Lines,
    view_frame=_view,
    session_keys=("sess",),
    announces=(
        Announce("DIR", DOWN, "toy", Transport.TCP, "ADDR", "PORT", role="lobby", drop=("DIRECT",)),
        Announce("HELLO", DOWN, "toy", Transport.UDP, None, "PORT", role="private"),
        Announce("LIST", DOWN, "toy", Transport.TCP, "at", "at", each="ITEMS"),
        Announce("JOIN", UP, "toy", Transport.UDP, port="PORT", role="client"),
        Announce("PEER", DOWN, "toy", Transport.UDP, "ADDR", "PORT", role="peer", peer=True),
    ),
)
PLAIN = Protocol(
    name="plain",
    title="lines that announce nothing",
    transports=(Transport.TCP,),
    ports=(),
    make_dissector=Lines,
    view_frame=_view,
    session_keys=("sess",),
)


@dataclass
class MemoryStore:
    """A recording in lists."""

    frames: list[Frame] = field(default_factory=list)
    keys: list[tuple[int, Key, int | None]] = field(default_factory=list)
    events: list[tuple[str, str]] = field(default_factory=list)
    sessions: dict[int, dict[str, Any]] = field(default_factory=dict)
    flows: dict[int, dict[str, Any]] = field(default_factory=dict)
    congested: bool = False
    annotates: bool = False
    refuses: str | None = None

    def check(self) -> None:
        """Refuse, when told to."""
        if self.refuses:
            raise UserError(self.refuses)

    def append(self, flow_id: int, frame: Frame) -> int:
        self.check()
        frame.flow_id = flow_id
        frame.number = 1 + sum(one.flow_id == flow_id for one in self.frames)
        self.frames.append(frame)
        frame.id = len(self.frames)
        return frame.id

    def forwarded(self, frame: Frame) -> None:
        assert frame in self.frames

    def add_key(
        self,
        session_id: int,
        key: Key,
        *,
        flow_id: int | None = None,
        frame_id: int | None = None,
    ) -> None:
        self.keys.append((session_id, key, frame_id))

    def add_event(self, kind: str, detail: str, *, at: int, **ids: int | None) -> None:
        self.check()
        self.events.append((kind, detail))

    def add_session(
        self,
        *,
        game: str | None,
        client: str,
        origin: Origin,
        note: str | None = None,
        uid: str | None = None,
    ) -> int:
        self.check()
        number = len(self.sessions) + 1
        self.sessions[number] = {"game": game, "client": client, "origin": origin, "ended": False}
        return number

    def end_session(self, session_id: int) -> None:
        self.sessions[session_id]["ended"] = True

    def drop_session(self, session_id: int) -> None:
        self.sessions[session_id]["ended"] = "dropped"

    def add_flow(self, **facts: Any) -> int:
        self.check()
        number = len(self.flows) + 1
        self.flows[number] = facts
        return number

    def move_flow(self, flow_id: int, session_id: int) -> None:
        self.flows[flow_id]["session_id"] = session_id

    def close_flow(self, flow_id: int, at: int, reason: str) -> None:
        self.check()
        self.flows[flow_id]["closed"] = (at, reason)

    def raw(self, direction: Direction) -> bytes:
        """What was recorded of one direction."""
        return b"".join(one.raw or b"" for one in self.frames if one.direction is direction)


@dataclass
class MemoryOpener:
    """A relay that opens nothing."""

    opened: list[Listen] = field(default_factory=list)
    shut_: list[Listen] = field(default_factory=list)
    invited: list[tuple[Listen, Address, str]] = field(default_factory=list)
    port: int = 40_000
    refuses: str | None = None

    def open(self, listen: Listen) -> Address:
        if self.refuses:
            raise UserError(self.refuses)
        self.port += 1
        self.opened.append(listen)
        return listen.host, self.port if listen.port == 0 else listen.port

    def invite(self, listen: Listen, client: Address, local: str) -> Address | None:
        self.invited.append((listen, client, local))
        return ("192.0.2.200", 50_000) if listen.upstream else None

    def call(self, listen: Listen, client: Address) -> bool:
        return False

    def shut(self, listen: Listen) -> None:
        self.shut_.append(listen)


class Clock:
    """Microseconds, moved by the test."""

    def __init__(self, at: int = 1_000_000) -> None:
        self.at = at

    def __call__(self) -> int:
        return self.at


def listen(protocol: str = "toy", **facts: Any) -> Listen:
    """A listener of the tests."""
    known = {"transport": Transport.TCP, "host": "192.0.2.1", "port": 7, **facts}
    return Listen(protocol=protocol, **known)


def keys(*given: Key) -> SessionKeys:
    return SessionKeys(given)


def split(data: bytes, cuts: list[int]) -> Iterator[bytes]:
    """The data, cut at the offsets."""
    places = [0, *sorted({cut % (len(data) + 1) for cut in cuts}), len(data)]
    for start, end in pairwise(places):
        if end > start:
            yield data[start:end]


__all__ = ["DOWN", "PLAIN", "TOY", "UP", "Clock", "Line", "MemoryOpener", "MemoryStore", "Opaque"]
