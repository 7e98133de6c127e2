"""The rows that a reader gives, typed; a frame is a `recordings.model.Frame`."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class SessionRow:
    """One sitting of one client, with the sums of its flows."""

    id: int
    uid: str
    started_at: str
    """ISO 8601 UTC."""
    ended_at: str | None
    game: str | None
    client: str
    origin: str
    note: str | None
    flows: int
    frames: int
    bytes_up: int
    """Bytes as received from the client, inserted frames not counted."""
    bytes_down: int


@dataclass(frozen=True, slots=True)
class FlowRow:
    """One TCP connection, or one UDP pair of endpoints. Times are Unix microseconds."""

    id: int
    session_id: int
    parent_frame_id: int | None
    protocol: str
    transport: str
    client: str
    server: str | None
    hostname: str | None
    opened_at: int
    closed_at: int | None
    close_reason: str | None
    frames: int
    bytes_up: int
    bytes_down: int
    first_at: int | None
    last_at: int | None


@dataclass(frozen=True, slots=True)
class KeyRow:
    """A secret or nonce, and where it was seen."""

    id: int
    session_id: int
    flow_id: int | None
    frame_id: int | None
    name: str
    cipher: str | None
    direction: str | None
    key: bytes
    source: str


@dataclass(frozen=True, slots=True)
class EventRow:
    """Something that happened beside the frames: a refusal, a fault, a finding, a warning."""

    id: int
    session_id: int | None
    flow_id: int | None
    frame_id: int | None
    at: int
    kind: str
    detail: str


@dataclass(frozen=True, slots=True)
class NoteRow:
    """What a user wrote about a session, a flow or a frame."""

    id: int
    session_id: int | None
    flow_id: int | None
    frame_id: int | None
    text: str
    created_at: str
