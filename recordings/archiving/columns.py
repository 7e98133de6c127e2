"""The four tables of an archive, format 1, as documented in docs/archive.md.

    DIR/frames/game=nascar-thunder-2004/day=2026-11-21/SESSION-UID.parquet
    DIR/flows/..., DIR/keys/..., DIR/sessions/...

Every row says its session's uid, so that tables join by `session_uid`; ids mean something within
a session only. The partition is the game, and the day of the frame (of other rows: of the
session's start), UTC. Columns are only ever added, at the end.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from typing import Any

from recordings.exporting.parquet import COLUMNS, safe_name
from recordings.rows import FlowRow, KeyRow, SessionRow
from recordings.times import micros

FORMAT = 1
PARTITIONS = ("game", "day")

SESSIONS = {
    "session_uid": "string",
    "session_id": "int64",
    "started_at": "timestamp",
    "ended_at": "timestamp",
    "client": "string",
    "origin": "string",
    "note": "string",
    "flows": "int64",
    "frames": "int64",
    "bytes_up": "int64",
    "bytes_down": "int64",
    "recording": "string",
}
FLOWS = {
    "session_uid": "string",
    "session_id": "int64",
    "flow_id": "int64",
    "parent_frame_id": "int64",
    "protocol": "string",
    "transport": "string",
    "client": "string",
    "server": "string",
    "hostname": "string",
    "opened_at": "timestamp",
    "closed_at": "timestamp",
    "close_reason": "string",
    "frames": "int64",
    "bytes_up": "int64",
    "bytes_down": "int64",
}
KEYS = {
    "session_uid": "string",
    "session_id": "int64",
    "flow_id": "int64",
    "frame_id": "int64",
    "name": "string",
    "cipher": "string",
    "direction": "string",
    "key": "binary",
    "source": "string",
}
TABLES = {"frames": COLUMNS, "flows": FLOWS, "sessions": SESSIONS, "keys": KEYS}
"""Table -> column -> its type (see `recordings.exporting.parquet.COLUMNS`)."""


def file_name(uid: str) -> str:
    """The stem of a session's files; another for every uid, on every system."""
    name = safe_name(uid)
    if name == uid and uid == uid.lower():
        return name
    return f"{name}~{hashlib.sha256(uid.encode('utf-8', 'replace')).hexdigest()[:16]}"


def session_row(session: SessionRow, frames: int, recording: str) -> dict[str, Any]:
    """The row of a session; `frames` is how many of it are in the archive."""
    ended = session.ended_at
    return {
        "session_uid": session.uid,
        "session_id": session.id,
        "started_at": micros(session.started_at),
        "ended_at": None if ended is None else micros(ended),
        "client": session.client,
        "origin": session.origin,
        "note": session.note,
        "flows": session.flows,
        "frames": frames,
        "bytes_up": session.bytes_up,
        "bytes_down": session.bytes_down,
        "recording": recording,
    }


def flow_rows(session: SessionRow, flows: Iterable[FlowRow]) -> list[dict[str, Any]]:
    """The rows of a session's flows."""
    return [_row(session, FLOWS, flow, flow_id=flow.id) for flow in flows]


def key_rows(session: SessionRow, keys: Iterable[KeyRow]) -> list[dict[str, Any]]:
    """The rows of a session's keys."""
    return [_row(session, KEYS, key) for key in keys]


def _row(
    session: SessionRow, columns: Iterable[str], row: FlowRow | KeyRow, **ids: int
) -> dict[str, Any]:
    given = {"session_uid": session.uid, "session_id": session.id, **ids}
    return given | {name: getattr(row, name) for name in columns if name not in given}
