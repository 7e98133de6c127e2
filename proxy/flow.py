"""What a tap stands between: the facts of its flow, the store it fills, and who looks on."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

import msgspec

from proxy.message import Message
from proxy.protocol import Protocol as WireProtocol
from proxy.relay.api import Address, Listen
from recordings.ledger import strict_json
from recordings.model import Direction, Frame, Key, Origin, Transport

_encode = msgspec.json.Encoder().encode


def as_json(fields: dict[str, Any]) -> str:
    """Fields as JSON text; text that UTF-8 cannot hold is escaped."""
    try:
        return _encode(fields).decode()
    except (UnicodeEncodeError, OverflowError, TypeError):
        return strict_json(fields, str)


Unread = Callable[[int, Direction, int, bytes], int]
"""Records a datagram of a flow, at a time in microseconds, as it came; the id of its frame."""


@dataclass(slots=True, eq=False)
class Flow:
    """The facts of one flow."""

    id: int
    session: int
    protocol: WireProtocol
    listen: Listen
    client: Address
    server: Address | None
    local: Address
    """Where the client reached us."""


class Store(Protocol):
    """What is asked of a recording: `recordings.writer.Recording` has it."""

    @property
    def congested(self) -> bool:
        """Whether more waits to be written than may."""
        ...

    @property
    def annotates(self) -> bool:
        """Whether it finds out by itself what frames mean that come without a kind."""
        ...

    def add_session(
        self,
        *,
        game: str | None,
        client: str,
        origin: Origin,
        note: str | None = None,
        uid: str | None = None,
    ) -> int:
        """Record that a client began a sitting; its id."""
        ...

    def end_session(self, session_id: int) -> None:
        """Record that a session is over."""
        ...

    def add_flow(
        self,
        *,
        session_id: int,
        protocol: str,
        transport: Transport,
        client: str,
        server: str | None,
        hostname: str | None = None,
        parent_frame_id: int | None = None,
        opened_at: int,
    ) -> int:
        """Record a connection or pair of endpoints; its id."""
        ...

    def move_flow(self, flow_id: int, session_id: int) -> None:
        """Record that a flow belongs to another session than was thought."""
        ...

    def drop_session(self, session_id: int) -> None:
        """Forget a session that has no flows."""
        ...

    def close_flow(self, flow_id: int, at: int, reason: str) -> None:
        """Record that a flow is over."""
        ...

    def append(self, flow_id: int, frame: Frame) -> int:
        """Record a frame; gives it its id."""
        ...

    def forwarded(self, frame: Frame) -> None:
        """Record what was sent for a frame that is recorded already: it went on later."""
        return None

    def add_key(
        self,
        session_id: int,
        key: Key,
        *,
        flow_id: int | None = None,
        frame_id: int | None = None,
    ) -> None:
        """Record a key."""
        ...

    def add_event(
        self,
        kind: str,
        detail: str,
        *,
        at: int,
        session_id: int | None = None,
        flow_id: int | None = None,
        frame_id: int | None = None,
    ) -> None:
        """Record an event."""
        ...


class Watch(Protocol):
    """Who looks on while it happens: the live view."""

    def frame(self, flow: Flow, frame: Frame, message: Message | None) -> None:
        """A frame has been recorded; None: nobody had to know what it says until now."""
        ...

    def event(self, flow: Flow | None, kind: str, detail: str) -> None:
        """Something happened."""
        ...
