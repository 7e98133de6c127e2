"""How long servers took: from a frame of the client's to the next frame of the server's."""

from __future__ import annotations

from array import array
from collections.abc import Iterable
from typing import Any

from recordings.listing import Column, Row
from recordings.text import safe, span

NAMES = ("protocol", "kind", "asked", "answered", "median", "slow", "longest")
"""Times in microseconds; `slow` is what 95 of 100 answers were faster than."""

# The filter chooses the requests; answers are looked for among all frames.
SQL = """
SELECT frames.flow_id, COALESCE(frames.protocol, flows.protocol), COALESCE(kind, 'Opaque'),
  direction = 'c>s', at, {where}
FROM frames JOIN flows ON flows.id = frames.flow_id
WHERE ?1 IS NULL OR flows.session_id = ?1
ORDER BY frames.flow_id, frames.number
"""


def _time(name: str) -> Column:
    return Column(name, lambda row: "" if row[name] is None else span(row[name]), right=True)


COLUMNS = (
    Column("protocol", lambda row: safe(row["protocol"]), "dim", spare=True),
    Column("kind", lambda row: safe(row["kind"]), "cyan", spare=True),
    Column("asked", lambda row: str(row["asked"]), right=True),
    Column("answered", lambda row: str(row["answered"]), right=True),
    _time("median"),
    _time("slow"),
    _time("longest"),
)


def latencies(found: Iterable[tuple[Any, ...]]) -> list[Row]:
    """Rows of `SQL`, in its order, to one row per kind of request, the most frequent first."""
    asked: dict[tuple[str, str], int] = {}
    took: dict[tuple[str, str], array[int]] = {}
    waiting: list[tuple[tuple[str, str], int]] = []
    flow = None
    for flow_id, protocol, kind, upward, at, wanted in found:
        if flow_id != flow:
            flow, waiting = flow_id, []
        if upward and wanted:
            request = (protocol, kind)
            asked[request] = asked.get(request, 0) + 1
            waiting.append((request, at))
        elif not upward:
            for request, since in waiting:
                took.setdefault(request, array("q")).append(max(0, at - since))
            waiting.clear()
    order = sorted(asked, key=lambda request: (-asked[request], request))
    return [_row(request, asked[request], sorted(took.get(request, ()))) for request in order]


def _row(request: tuple[str, str], asked: int, times: list[int]) -> Row:
    def at(share: float) -> int | None:
        return times[min(len(times) - 1, int(len(times) * share))] if times else None

    values = (*request, asked, len(times), at(0.5), at(0.95), at(1))
    return dict(zip(NAMES, values, strict=True))
