"""The SQL of the writer.

A frame row is written with hundreds of others by one statement: Python's SQLite module gives up the
interpreter lock once per statement, and gets it back late while the event loop is busy. A group is
filled up with empty rows to one of a few sizes, so that few statements need to be kept prepared.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from functools import cache
from itertools import chain
from typing import Any, TypeAlias

FRAME_COLUMNS = (
    "id, flow_id, number, direction, at, raw, plain, sent, action, protocol, kind, fields, error,"
    " cipher, derived"
)
COLUMNS = FRAME_COLUMNS.split(", ")
"""The values of a frame row; behind them the bytes given to the writer up to and with it."""
KIND, FIELDS, ERROR, CIPHER, DERIVED = map(
    COLUMNS.index, ("kind", "fields", "error", "cipher", "derived")
)

Row: TypeAlias = tuple[Any, ...]
UNREAD = 7
"""Values of the row of a datagram that is still to be dissected: those up to `raw`, and the last
one."""

GROUP_ROWS = 1000
SHORT = 128
"""Rows of one statement: somebody may wait for the interpreter lock or the processor meanwhile."""
_SIZES = (1, 8, 32, SHORT)

COUNT = """
UPDATE flows SET
  frames = flows.frames + fresh.frames,
  bytes_up = flows.bytes_up + fresh.up,
  bytes_down = flows.bytes_down + fresh.down,
  first_at = ifnull(flows.first_at, fresh.first_at),
  last_at = max(ifnull(flows.last_at, fresh.last_at), fresh.last_at)
FROM (
  SELECT flow_id, count(*) AS frames,
    sum(CASE direction WHEN 'c>s' THEN ifnull(length(raw), 0) ELSE 0 END) AS up,
    sum(CASE direction WHEN 's>c' THEN ifnull(length(raw), 0) ELSE 0 END) AS down,
    min(at) AS first_at, max(at) AS last_at
  FROM frames NOT INDEXED WHERE id > (SELECT CAST(value AS INTEGER) FROM meta WHERE key = 'counted')
  GROUP BY flow_id
) AS fresh WHERE fresh.flow_id = flows.id
"""
COUNTED = """
UPDATE meta SET value = (SELECT CAST(ifnull(max(id), 0) AS TEXT) FROM frames)
WHERE key = 'counted'
"""
CLOSE_FLOWS = """
UPDATE flows SET closed_at = ifnull(last_at, opened_at), close_reason = ?
WHERE closed_at IS NULL
"""
OPEN_SESSIONS = """
SELECT sessions.id, started_at, max(closed_at) FROM sessions
LEFT JOIN flows ON session_id = sessions.id WHERE ended_at IS NULL GROUP BY sessions.id
"""
ADD_EVENT = (
    "INSERT INTO events (session_id, flow_id, frame_id, at, kind, detail) VALUES (?, ?, ?, ?, ?, ?)"
)


@cache
def _insert(size: int, columns: tuple[str, ...]) -> str:
    row = f"({', '.join('?' * len(columns))})"
    kept = ", ".join(f"column{n}" for n in range(1, len(columns) + 1))
    return (
        f"INSERT INTO frames ({', '.join(columns)}) SELECT {kept}"
        f" FROM (VALUES {', '.join([row] * size)}) WHERE column1 IS NOT NULL"
    )


def portions(rows: list[Row]) -> Iterator[list[Row]]:
    """What one statement takes each."""
    for start in range(0, len(rows), SHORT):
        yield rows[start : start + SHORT]


def insert_frames(connection: sqlite3.Connection, rows: list[Row]) -> None:
    """Write a portion of frame rows, all or none: columns that are empty in all are left out."""
    size = next(size for size in _SIZES if size >= len(rows))
    named = [
        (name, values)
        for name, values in zip(COLUMNS, zip(*rows, strict=True), strict=False)
        if values.count(None) < len(rows)
    ]
    values = list(chain.from_iterable(zip(*[values for _, values in named], strict=True)))
    values += [None] * (len(named) * (size - len(rows)))
    connection.execute(_insert(size, tuple(name for name, _ in named)), values)


def count(connection: sqlite3.Connection) -> None:
    """Bring the counters of the flows up to the last frame; within the caller's transaction."""
    connection.execute(COUNT)
    connection.execute(COUNTED)
