"""For the tool sqlite-utils: `hexdump(raw)` in its SQL, found by its plugin entry point.

sqlite-utils evening.understudy.db "SELECT id, hexdump(raw) AS bytes FROM frames LIMIT 3"
"""

from __future__ import annotations

import sqlite3

from sqlite_utils import hookimpl

from recordings.text import ascii_text

ROW = 16
"""Bytes of one line."""
LIMIT = 1 << 20
"""Bytes of one value that are shown."""


def hexdump(value: object) -> str | None:
    """Offset, hexadecimal and ASCII, 16 bytes a line; text as its UTF-8, NULL as NULL."""
    if value is None:
        return None
    data = value if isinstance(value, bytes) else str(value).encode()
    lines = []
    for start in range(0, min(len(data), LIMIT), ROW):
        row = data[start : start + ROW]
        halves = f"{row[:8].hex(' ')}  {row[8:].hex(' ')}"
        lines.append(f"{start:08x}  {halves:<49} |{ascii_text(row)}|")
    if len(data) > LIMIT:
        lines.append(f"... {len(data) - LIMIT} bytes more")
    return "\n".join(lines)


@hookimpl
def prepare_connection(conn: sqlite3.Connection) -> None:
    """Called by sqlite-utils for every database that it opens."""
    conn.create_function("hexdump", 1, hexdump, deterministic=True)
