"""What a stand-in could not answer: its events, the most frequent first."""

from __future__ import annotations

from typing import Any

from recordings.listing import Column, Row
from recordings.text import safe

NAMES = ("protocol", "times", "why", "session", "frame")
SQL = """
SELECT COALESCE(frames.protocol, flows.protocol) AS protocol, count(*) AS times,
  events.detail AS why, min(events.session_id) AS session, min(events.frame_id) AS frame
FROM events LEFT JOIN flows ON flows.id = events.flow_id
  LEFT JOIN frames ON frames.id = events.frame_id
WHERE events.kind = 'unanswered' AND (?1 IS NULL OR events.session_id = ?1)
GROUP BY 1, 3 ORDER BY times DESC, protocol, why
"""
COLUMNS = (
    Column("protocol", lambda row: safe(row["protocol"] or ""), "dim"),
    Column("times", lambda row: str(row["times"]), right=True),
    Column("what, and what is nearest", lambda row: safe(row["why"]), "cyan", spare=True),
    Column("session", lambda row: str(row["session"] or ""), right=True),
    Column("first frame", lambda row: str(row["frame"] or ""), right=True),
)


def rows_of(found: list[tuple[Any, ...]]) -> list[Row]:
    """Rows of the listing."""
    return [dict(zip(NAMES, row, strict=True)) for row in found]
