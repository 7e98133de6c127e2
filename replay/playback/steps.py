"""What a script is made of: roles, one per recorded flow, and steps in order over all of them.

    open    a flow: where the recording opened it, but never before its endpoint was announced
    say     what the client said in one frame
    hear    what the server said: awaited before the next step, or only given a moment
    close   the end of a flow

Answers to what the server asks by itself (pings, challenges, rounds of a login) are no steps: they
are cues, given whenever the server asks.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum

from proxy.protocol import Protocol, Rhythm
from recordings.model import Direction, Key, Transport
from recordings.rows import FlowRow, SessionRow
from replay.adaptive.fields import Masks
from replay.adaptive.lines import Line
from replay.adaptive.matching import Matcher

CLIENT = Direction.TO_SERVER
SERVER = Direction.TO_CLIENT


class Wait(Enum):
    """How long a turn waits for what the server said in the recording."""

    ANSWER = "answer"
    """An answer, a key or an endpoint: until the deadline."""
    PUSH = "push"
    """Something that it said or asked by itself: a moment, so that the reply keeps its place."""
    ASKS = "asks"
    """Something that it asks in a rhythm of its own (a ping): not at all."""
    BYTES = "bytes"
    """A stream that cannot be read: until as many bytes have come."""


@dataclass(eq=False)
class Step:
    """One step of the script."""

    flow: Role
    at: int
    """When it was in the recording, microseconds."""
    index: int = field(default=0, init=False)
    """Place in the script."""


@dataclass(eq=False)
class Open(Step):
    """Connect, or make a UDP socket."""


@dataclass(eq=False)
class Close(Step):
    """End a flow."""


@dataclass(eq=False)
class Say(Step):
    """The lines of one frame of the client."""

    lines: list[Line]


@dataclass(eq=False)
class Hear(Step):
    """One message of the server."""

    line: Line
    wait: Wait
    after: int = field(default=-1, init=False)
    """Place of what was last said on this flow before it."""
    instead: tuple[str, ...] = ()
    """Kinds that end the turn just as well, though another way."""
    total: int = 0
    """BYTES: how many bytes of the stream have come with it."""


@dataclass(eq=False)
class Role:
    """One recorded flow, and how the client is played on it."""

    row: FlowRow
    protocol: Protocol
    lines: list[Line]
    masks: Masks
    matcher: Matcher
    parent: Line | None = None
    """The line that announced the flow's endpoint."""
    shared: bool = False
    """Another UDP flow has the same client endpoint."""
    cues: dict[str, list[tuple[Line, Line]]] = field(default_factory=dict)
    """Kind that the server asks by itself -> how it was asked and answered."""
    asks: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Kind that the server may ask by itself -> kinds that answer it."""
    telling: frozenset[str] = frozenset()
    """Kinds that give keys."""
    rhythms: list[tuple[Rhythm, Line]] = field(default_factory=list)
    """The client's keepalives, as recorded."""
    can_be_read: bool = False
    """The recording holds messages of the server that are not opaque."""

    @property
    def transport(self) -> Transport:
        """What carries it."""
        return Transport(self.row.transport)


@dataclass(eq=False)
class Script:
    """A session, ready to be played any number of times."""

    session: SessionRow
    roles: list[Role]
    steps: list[Step]
    keys: list[Key]
    """All keys of the recording."""
    own: list[Key]
    """What the client knows by itself: what the user gave, and what the client said first."""
    notices: list[str]
    """What the user should know before it begins."""

    @property
    def says(self) -> int:
        """Frames that the client says as steps."""
        return sum(isinstance(step, Say) for step in self.steps)
