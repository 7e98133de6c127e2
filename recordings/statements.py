"""The SQL of the writer.

A frame row is written with hundreds of others by one statement: Python's SQLite module gives up the
interpreter lock once per statement, and gets it back late while the event loop is busy. A group is
filled up with empty rows to one of a few sizes, so that few statements need to be kept prepared.
"""

from __future__ import annotations

import sqlite3
from functools import cache
from itertools import chain
from typing import Any, TypeAlias

FRAME_COLUMNS = (
    "id, flow_id, number, direction, at, raw, plain, sent, action, protocol, kind, fields, error,"
    " cipher, derived"
)
WIDTH = FRAME_COLUMNS.count(",") + 2
"""Values of a frame row: its columns, and the bytes given to the writer up to and with it."""

Row: TypeAlias = tuple[Any, ...]

GROUP_ROWS = 1000
_SIZES = (1, 8, 32, 128, 400, GROUP_ROWS)

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
def _insert(size: int) -> str:
    row = f"({', '.join('?' * WIDTH)})"
    kept = ", ".join(f"column{n}" for n in range(1, WIDTH))
    return (
        f"INSERT INTO frames ({FRAME_COLUMNS}) SELECT {kept}"
        f" FROM (VALUES {', '.join([row] * size)}) WHERE column1 IS NOT NULL"
    )


def insert_frames(connection: sqlite3.Connection, rows: list[Row]) -> None:
    """Write at most GROUP_ROWS frame rows by one statement; outside a transaction it is one."""
    size = next(size for size in _SIZES if size >= len(rows))
    values = list(chain.from_iterable(rows))
    values += [None] * (WIDTH * (size - len(rows)))
    connection.execute(_insert(size), values)


def count(connection: sqlite3.Connection) -> None:
    """Bring the counters of the flows up to the last frame; within the caller's transaction."""
    connection.execute(COUNT)
    connection.execute(COUNTED)
