"""Recorded frames as what was said: one message each, with a mark of its stable fields.

What the recording says of a frame is taken as it stands; only what was never viewed is viewed now.
Of a datagram that bundles numbered messages each message counts once, when it was new. Opaque
chunks of a stream are put together as far as one side speaks, since their borders mean nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from hashlib import blake2b

import msgspec

from proxy import registry
from proxy.layouts.bundle import Numbers
from proxy.message import OPAQUE, Opaque
from proxy.protocol import Protocol
from recordings.errors import UserError
from recordings.model import Action, Direction, Frame, Json, Transport
from recordings.reader import Reader
from recordings.rows import FlowRow, SessionRow
from replay.adaptive.fields import Leaf, Masks, leaves

KEPT = 4096
"""Bytes of an opaque message that are kept to be shown."""

_decode = msgspec.json.Decoder().decode


@dataclass(slots=True, eq=False)
class Said:
    """One message."""

    kind: str
    direction: Direction
    protocol: str
    at: int
    frame: int
    """The id of its frame."""
    place: int
    """Counts from 0 in its flow, both directions."""
    mark: int = 0
    """Equal for messages whose stable fields are equal."""
    text: str | None = None
    """The fields as JSON; None for an opaque message."""
    inner: int = -1
    """The place of a message within its bundle's `messages`; -1: the frame is the message."""
    data: bytes = b""
    """The beginning of an opaque message."""
    size: int = 0
    error: str | None = None
    given: Mapping[str, Json] | None = None
    """Fields that are not those of the text: what a bundle's message means."""

    def fields(self) -> Mapping[str, Json]:
        """The fields by name."""
        if self.given is not None:
            return self.given
        document = _decode(self.text) if self.text else {}
        if self.inner >= 0:
            document = document["messages"][self.inner]["fields"]
        return document if isinstance(document, dict) else {}

    def leaves(self) -> list[Leaf]:
        """Every single value by path; of an opaque message its bytes."""
        if self.kind == OPAQUE and self.text is None:
            return [("bytes", self.data.hex()), ("length", self.size)]
        return leaves(self.fields())


@dataclass(slots=True, eq=False)
class Leg:
    """One flow of a session, as what was said on it."""

    row: FlowRow
    protocol: Protocol
    role: str
    said: list[Said]
    label: str = ""
    """How it is called in a report: protocol, role, and its number if there are several."""


@dataclass(slots=True, eq=False)
class Sitting:
    """One session as what was said in it."""

    name: str
    """`FILE:SESSION`."""
    row: SessionRow | None
    legs: list[Leg]
    notices: list[str] = field(default_factory=list)


class Marks:
    """Marks of messages: what is stable in their fields, as one number."""

    def __init__(self, also: Iterable[str] = ()) -> None:
        self._also = tuple(also)
        self._masks: dict[str, Masks] = {}
        self._flat: dict[str, dict[tuple[str, str], bool]] = {}
        self.fields = 0
        """Values of all messages that were marked."""
        self.masked = 0
        """Of these, the masked ones."""

    def of(self, protocol: str) -> Masks:
        """The masks of a protocol: what it declares volatile, and what the user masks besides."""
        masks = self._masks.get(protocol)
        if masks is None:
            head = f"{protocol}."
            also = tuple(name.removeprefix(head) for name in self._also)
            masks = self._masks[protocol] = Masks(registry.protocol(protocol), also)
        return masks

    def mark(self, protocol: str, kind: str, fields: Mapping[str, Json]) -> int:
        """The mark of a message that can be read."""
        masked = self._flat.setdefault(protocol, {})
        stable: list[object] = [kind]
        for name, value in fields.items():
            hidden = masked.get((kind, name))
            if hidden is None:
                hidden = masked[kind, name] = self.of(protocol).rule(kind, name) is not None
            if isinstance(value, dict | list):
                stable += self._below(protocol, kind, name, value)
                continue
            self.fields += 1
            if hidden:
                self.masked += 1
            else:
                stable.append((name, value))
        return hash(tuple(stable))

    def _below(self, protocol: str, kind: str, name: str, value: Json) -> Iterator[Leaf]:
        masks = self.of(protocol)
        for leaf in leaves({name: value}):
            self.fields += 1
            if masks.rule(kind, leaf[0]) is not None:
                self.masked += 1
            elif isinstance(leaf[1], dict | list):
                yield leaf[0], repr(leaf[1])  # an empty one; it has no hash
            else:
                yield leaf


class Listener:
    """Makes what was said of the frames of one flow, in their order."""

    def __init__(self, protocol: Protocol, transport: str, marks: Marks) -> None:
        self._protocol = protocol
        self._marks = marks
        self._chunks = transport == Transport.TCP and not protocol.kinds
        self._numbers = {way: Numbers() for way in Direction}
        self.said: list[Said] = []
        self.unread: list[str] = []
        """Why messages of a protocol that has kinds could not be read."""

    def hear(self, frame: Frame) -> None:
        """The next frame."""
        protocol = frame.protocol or self._protocol.name
        if frame.kind is None and frame.error is None:
            frame = self._viewed(frame, protocol)
        if frame.fields is None or frame.kind in (None, OPAQUE):
            self._opaque(frame, protocol)
            return
        document = _decode(frame.fields)
        messages = document.get("messages") if isinstance(document, dict) else None
        if isinstance(messages, list) and messages and _bundled(messages):
            self._bundle(frame, protocol, messages)
        else:
            mark = self._marks.mark(protocol, frame.kind or "", document)
            self._add(frame, protocol, frame.kind or "", mark)

    def _viewed(self, frame: Frame, protocol: str) -> Frame:
        """A frame that was recorded without a view."""
        try:
            message = registry.protocol(protocol).view(frame)
        except UserError:
            return frame
        if not isinstance(message, Opaque):
            frame.kind = message.kind
            frame.fields = msgspec.json.encode(message.fields()).decode()
        return frame

    def _add(self, frame: Frame, protocol: str, kind: str, mark: int) -> Said:
        place = len(self.said)
        one = Said(kind, frame.direction, protocol, frame.at, frame.id, place, mark, frame.fields)
        self.said.append(one)
        return one

    def _bundle(self, frame: Frame, protocol: str, messages: list[dict[str, Json]]) -> None:
        """Each message that was new in a bundle, from old to new."""
        derived = frame.derived or {}
        places = {one["number"]: place for place, one in enumerate(messages)}
        new = derived.get("new")
        if not isinstance(new, list):
            new, _ = self._numbers[frame.direction].take(places)
        inputs = derived.get("input") or {}
        for number in new:
            place = places.get(number)
            if place is None:
                continue
            kind, fields = messages[place]["kind"], messages[place]["fields"]
            meant = inputs.get(str(number))
            if kind == "CachedData" and meant is not None:  # input named by its place in a cache
                kind, fields = "GameData", {"username": fields.get("username"), "data": meant}
            one = self._add(frame, protocol, kind, self._marks.mark(protocol, kind, fields))
            one.inner = place
            one.given = fields if kind != messages[place]["kind"] else None

    def _opaque(self, frame: Frame, protocol: str) -> None:
        clear = frame.clear
        if self._chunks and self.said and self.said[-1].direction is frame.direction:
            last = self.said[-1]
            last.mark = hash((last.mark, clear)) if last.size > KEPT else 0
            last.data = (last.data + clear)[: KEPT + 1]
            last.size += len(clear)
            if last.size <= KEPT:
                last.mark = hash(last.data)
            return
        if frame.error and not self._chunks:
            self.unread.append(frame.error)
        one = self._add(frame, protocol, OPAQUE, hash(blake2b(clear).digest()))
        one.text, one.data, one.size = None, clear[:KEPT], len(clear)
        one.error = frame.error
        if self._chunks:
            one.mark = hash(one.data)


def _bundled(messages: list[Json]) -> bool:
    return all(isinstance(one, dict) and "number" in one and "kind" in one for one in messages)


def listen(
    flows: Iterable[FlowRow],
    frames: Iterable[Frame],
    marks: Marks,
    *,
    name: str = "",
    row: SessionRow | None = None,
) -> Sitting:
    """A session as what was said in it. Frames of all flows come in the order of their ids."""
    rows = list(flows)
    heard = {one.id: Listener(_protocol(one), one.transport, marks) for one in rows}
    opened: dict[int, list[FlowRow]] = {}
    for one in rows:
        if one.parent_frame_id is not None:
            opened.setdefault(one.parent_frame_id, []).append(one)
    roles: dict[int, str] = {}
    for frame in frames:
        if frame.raw is None and frame.action is not Action.INSERTED:
            continue  # sent once more on its way
        if frame.raw is None and (row is None or row.origin in ("record", "import")):
            continue  # said by nobody but us
        heard[frame.flow_id].hear(frame)
        for child in opened.get(frame.id, ()):
            roles[child.id] = _role(heard[frame.flow_id]._protocol, frame, child)
    legs = [
        Leg(one, heard[one.id]._protocol, roles.get(one.id, ""), heard[one.id].said) for one in rows
    ]
    made = Sitting(name, row, legs)
    unread = [error for one in heard.values() for error in one.unread]
    if unread:
        made.notices.append(
            f"{len(unread):,} frames of {name} cannot be read and are compared as bytes "
            f"({unread[0]}); a key that is missing goes to `understudy decode`"
        )
    return made


def _protocol(row: FlowRow) -> Protocol:
    return registry.protocol(row.protocol)


def _role(protocol: Protocol, frame: Frame, child: FlowRow) -> str:
    """What the leg is called that a frame announced."""
    announced = [one for one in protocol.announces if one.kind == frame.kind]
    spoken = [one.role for one in announced if one.protocol == child.protocol]
    return (spoken or [one.role for one in announced] or [""])[0]


def read_session(reader: Reader, row: SessionRow, marks: Marks, name: str) -> Sitting:
    """A recorded session; raises UserError for a protocol that is not known."""
    sitting = listen(
        reader.flows(row.id), reader.frames(session_id=row.id), marks, name=name, row=row
    )
    if row.ended_at is None:
        sitting.notices.append(f"{name} was never ended: it may have been cut off")
    return sitting
