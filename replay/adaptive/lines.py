"""Recorded flows as lines: one message each, in its place, beside the frame that held it.

A datagram that bundles several numbered messages gives a line for each one that was new in it, so
that repetitions, which are the transport's business, are neither awaited nor matched. Input that
Kaillera names by its place in a cache is given as the input itself (kaillera 5).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cached_property

from proxy import registry
from proxy.layouts.bundle import Bundle, Numbers
from proxy.message import Message, Opaque
from proxy.protocol import Protocol
from proxy.protocols.kaillera import CachedData, GameData
from recordings.errors import UserError
from recordings.model import Action, Direction, Frame
from replay.adaptive.fields import Leaf, leaves_of


@dataclass(eq=False)
class Line:
    """One message that was said, live or in the recording."""

    message: Message
    frame: Frame
    place: int = 0
    """Counts from 0 in its flow, both directions."""
    protocol: Protocol | None = None
    """The frame's own protocol."""
    number: int | None = None
    """Of a message in a bundle."""
    cached: bool = False
    """It was said by its place in a cache."""
    opens: list[int] = field(default_factory=list)
    """Flows of the recording that this line's frame announced."""

    @property
    def kind(self) -> str:
        """Name of the message."""
        return self.message.kind

    @property
    def direction(self) -> Direction:
        """Who said it."""
        return self.frame.direction

    @cached_property
    def leaves(self) -> list[Leaf]:
        """Its single values by path."""
        return leaves_of(self.message)

    @property
    def opaque(self) -> bool:
        """Whether it cannot be read."""
        return isinstance(self.message, Opaque)

    def __str__(self) -> str:
        return f"{self.kind} (frame {self.frame.id})" if self.frame.id else self.kind


class LineReader:
    """Makes lines of the frames of one flow, in their order."""

    def __init__(self, protocol: Protocol) -> None:
        self._protocol = protocol
        self._numbers: dict[Direction, Numbers] = {way: Numbers() for way in Direction}
        self._place = 0

    def read(self, frame: Frame) -> tuple[Message, list[Line]]:
        """The frame's message, and the lines that are new in it."""
        protocol = self._protocol
        if frame.protocol and frame.protocol != protocol.name:
            try:
                protocol = registry.protocol(frame.protocol)
            except UserError as error:
                return self._only(Opaque(frame.clear, str(error)), frame, protocol)
        message = protocol.view(frame)
        if not isinstance(message, Bundle):
            return self._only(message, frame, protocol)
        lines = []
        for number, one, cached in self._new(message, frame):
            lines.append(Line(one, frame, self._place, protocol, number, cached))
            self._place += 1
        return message, lines

    def _only(
        self, message: Message, frame: Frame, protocol: Protocol
    ) -> tuple[Message, list[Line]]:
        line = Line(message, frame, self._place, protocol)
        self._place += 1
        return message, [line]

    def _new(self, bundle: Bundle, frame: Frame) -> list[tuple[int, Message, bool]]:
        by_number = {one.number: one.message for one in bundle.messages}
        derived = frame.derived or {}
        new = derived.get("new")
        if not isinstance(new, list):
            new, _ = self._numbers[frame.direction].take(by_number)
        inputs = derived.get("input") or {}
        found: list[tuple[int, Message, bool]] = []
        for number in new:
            one = by_number.get(number)
            cached = isinstance(one, CachedData)
            if isinstance(one, CachedData) and str(number) in inputs:
                one = GameData(one.username, bytes.fromhex(inputs[str(number)]))
            if one is not None:
                found.append((number, one, cached))
        return found


def lines_of(protocol: Protocol, frames: Iterable[Frame]) -> list[Line]:
    """The lines of a recorded flow; what a relay dropped on its way was never heard."""
    reader = LineReader(protocol)
    lines: list[Line] = []
    for frame in frames:
        if frame.action is not Action.DROPPED:
            lines += reader.read(frame)[1]
    return lines
