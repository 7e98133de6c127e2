"""The rows that a reader gives, typed, and the SQL behind those that are sums.

A frame is a `recordings.model.Frame`.
"""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from typing import Any, TypedDict

from recordings.believing import Believed, Shapes, refuse
from recordings.model import Action, Direction, Frame, Key, Origin, Transport
from recordings.statements import COLUMNS
from recordings.text import load


@dataclass(frozen=True, slots=True)
class SessionRow(Believed):
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

    def __post_init__(self) -> None:
        Believed.__post_init__(self)
        if self.origin not in _ORIGINS:
            raise refuse("sessions", "origin", "an unknown word")


@dataclass(frozen=True, slots=True)
class FlowRow(Believed):
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

    def __post_init__(self) -> None:
        Believed.__post_init__(self)
        if self.transport not in _TRANSPORTS:
            raise refuse("flows", "transport", "an unknown word")


@dataclass(frozen=True, slots=True)
class KeyRow(Believed):
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

    def as_key(self) -> Key:
        """The key itself; a direction that is none of ours is that of both."""
        way = _DIRECTIONS.get(self.direction or "")
        return Key(self.name, self.key, self.cipher, way, self.source)


@dataclass(frozen=True, slots=True)
class EventRow(Believed):
    """Something that happened beside the frames: a refusal, a fault, a finding, a warning."""

    id: int
    session_id: int | None
    flow_id: int | None
    frame_id: int | None
    at: int
    kind: str
    detail: str


@dataclass(frozen=True, slots=True)
class NoteRow(Believed):
    """What a user wrote about a session, a flow or a frame."""

    id: int
    session_id: int | None
    flow_id: int | None
    frame_id: int | None
    text: str
    created_at: str


# Counters of flows cover the frames up to meta.counted; the younger ones are counted here.
FLOWS = """
SELECT flows.id, session_id, parent_frame_id, protocol, transport, client, server, hostname,
  opened_at, closed_at, close_reason,
  frames + ifnull(fresh_frames, 0) AS frames,
  bytes_up + ifnull(fresh_up, 0) AS bytes_up,
  bytes_down + ifnull(fresh_down, 0) AS bytes_down,
  ifnull(first_at, fresh_first) AS first_at,
  ifnull(fresh_last, last_at) AS last_at
FROM flows LEFT JOIN (
  SELECT flow_id, count(*) AS fresh_frames,
    sum(CASE direction WHEN 'c>s' THEN ifnull(length(raw), 0) ELSE 0 END) AS fresh_up,
    sum(CASE direction WHEN 's>c' THEN ifnull(length(raw), 0) ELSE 0 END) AS fresh_down,
    min(at) AS fresh_first, max(at) AS fresh_last
  FROM frames NOT INDEXED WHERE id > (SELECT CAST(value AS INTEGER) FROM meta WHERE key = 'counted')
  GROUP BY flow_id
) ON flow_id = flows.id
"""
SESSIONS = f"""
SELECT sessions.id, uid, started_at, ended_at, game, sessions.client, origin, note,
  count(f.id) AS flows, ifnull(sum(f.frames), 0) AS frames,
  ifnull(sum(f.bytes_up), 0) AS bytes_up, ifnull(sum(f.bytes_down), 0) AS bytes_down
FROM sessions LEFT JOIN ({FLOWS}) AS f ON f.session_id = sessions.id
GROUP BY sessions.id ORDER BY sessions.id
"""

_DIRECTIONS = {direction.value: direction for direction in Direction}
_ACTIONS = {None: None} | {action.value: action for action in Action}
_ORIGINS = frozenset(Origin)
_TRANSPORTS = frozenset(Transport)

FRAME_NEEDED = frozenset({"id", "flow_id", "number", "direction", "at"})
"""Columns of a frame that are never NULL."""
_FRAME_KINDS = {"id": int, "flow_id": int, "number": int, "at": int} | dict.fromkeys(
    ("raw", "plain", "sent"), bytes
)
FRAMES = Shapes(
    "frames",
    {
        name: {_FRAME_KINDS.get(name, str)} | (set() if name in FRAME_NEEDED else {type(None)})
        for name in COLUMNS
    },
)
_DIRECTION = COLUMNS.index("direction")


def believed(row: sqlite3.Row) -> sqlite3.Row:
    """A row that begins with the columns of a frame; raises Distrusted when it cannot be one."""
    values = tuple(row)[: len(COLUMNS)]
    FRAMES.check(values)
    if values[_DIRECTION] not in _DIRECTIONS:
        raise refuse("frames", "direction", "an unknown word")
    return row


def frame_of(row: sqlite3.Row) -> Frame:
    """The frame of a row of `Reader.rows`; `derived` comes back as its parsed JSON."""
    (id_, flow_id, number, direction, at, raw, plain, sent, action, protocol, kind, fields) = row[
        :12
    ]
    error, cipher, derived = row[12:15]
    return Frame(
        direction=_DIRECTIONS[direction],
        at=at,
        raw=raw,
        plain=plain,
        cipher=cipher,
        error=error,
        protocol=protocol,
        derived=None if derived is None else _object(derived),
        sent=sent,
        action=_ACTIONS.get(action),
        kind=kind,
        fields=fields,
        number=number,
        flow_id=flow_id,
        id=id_,
    )


def _object(text: str) -> dict[str, Any]:
    """The object of a JSON text; anything else, and what is too deep, as {"value": it}."""
    value = load(text)
    return value if isinstance(value, dict) else {"value": text if value is None else value}


class Which(TypedDict, total=False):
    """Which frames to read."""

    session_id: int | None
    flow_id: int | None
    after: int
    """Only ids above this one."""
    before: int | None
    """Only ids below this one."""
    newest_first: bool
    limit: int | None
