"""Pages of frames, read from where one stands: nothing is counted, nothing is skipped over.

A place is the id of a frame, or within one flow its number, so that a page of any recording is a
walk along an index. A filter looks at windows of places one after the other, each by a short
statement; between two of them the user may call it off.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

from recordings import gaps
from recordings.believing import Believed
from recordings.filters import Where
from recordings.reader import Reader
from recordings.viewing import Viewer

FIRST_WINDOW = 1_000
WIDEST_WINDOW = 50_000
"""Places that one statement looks at: few at first, more while nothing is found."""
FIELDS_LIMIT = 20_000
"""Characters of JSON from which a line is made; of longer ones only the beginning is shown."""
HEAD = 96
"""Bytes of a frame that its line may show."""
UNSEEN_LIMIT = 16_384
"""Bytes of a frame without a view that are read to make one."""

_CLEAR = "COALESCE(frames.plain, frames.raw, frames.sent)"
_COLUMNS = f"""
frames.id, frames.number, frames.flow_id, flows.session_id, frames.at, frames.direction,
frames.kind, substr(frames.fields, 1, {FIELDS_LIMIT + 1}) AS fields,
substr(frames.error, 1, 1000) AS error, frames.action,
COALESCE(frames.protocol, flows.protocol) AS protocol,
CASE WHEN length(frames.derived) <= {FIELDS_LIMIT} THEN frames.derived END AS derived,
substr({_CLEAR}, 1, {HEAD}) AS head, length({_CLEAR}) AS size
"""


class Called(Exception):
    """The user called the work off."""


@dataclass(slots=True)
class Ticket:
    """What connects a piece of work with who asked for it."""

    cancelled: bool = False
    progress: Callable[[float], None] | None = None

    def check(self, share: float) -> None:
        """Tell how far the work is, 0 to 1; raises Called."""
        if self.cancelled:
            raise Called
        if self.progress is not None:
            self.progress(share)


@dataclass(frozen=True, slots=True)
class Line(Believed):
    """What a list shows of a frame."""

    id: int
    number: int
    flow_id: int
    session_id: int
    at: int
    direction: str
    kind: str | None
    fields: str | None
    """JSON, or only its beginning where it is very long."""
    error: str | None
    action: str | None
    protocol: str
    derived: str | None
    head: bytes
    size: int

    @property
    def upward(self) -> bool:
        """Whether the client sent it."""
        return self.direction == "c>s"


@dataclass(frozen=True, slots=True)
class Scope:
    """Which frames a list holds."""

    session_id: int | None = None
    flow_id: int | None = None
    where: Where | None = None

    @property
    def axis(self) -> str:
        """The column that places are values of."""
        return "id" if self.flow_id is None else "number"

    def place(self, line: Line) -> int:
        """Where a frame stands in this list."""
        return line.id if self.flow_id is None else line.number

    def narrowed(self, where: Where) -> Scope:
        """The frames of this scope that a further condition finds."""
        if self.where is None:
            return replace(self, where=where)
        both = Where(f"({self.where.sql}) AND ({where.sql})")
        both.parameters.extend([*self.where.parameters, *where.parameters])
        return replace(self, where=both)


@dataclass(slots=True)
class Page:
    """Some neighbouring lines, ascending; `whole`: there are no more in that direction."""

    lines: list[Line] = field(default_factory=list)
    whole: bool = True


_ALL = "SELECT (SELECT min(id) FROM frames), (SELECT max(id) FROM frames)"
_SESSION = """
SELECT min(first), max(last) FROM (SELECT
  (SELECT id FROM frames WHERE flow_id = flows.id ORDER BY number LIMIT 1) AS first,
  (SELECT id FROM frames WHERE flow_id = flows.id ORDER BY number DESC LIMIT 1) AS last
FROM flows WHERE session_id = ?)"""
_FLOW = """
SELECT (SELECT min(number) FROM frames WHERE flow_id = flows.id),
  (SELECT max(number) FROM frames WHERE flow_id = flows.id)
FROM flows WHERE id = ?"""


def bounds(reader: Reader, scope: Scope) -> tuple[int, int]:
    """The first and the last place of a scope whatever its filter; (1, 0) when it is empty."""
    if scope.flow_id is not None:
        rows = reader.select(_FLOW, (scope.flow_id,))
    elif scope.session_id is not None:
        rows = reader.select(_SESSION, (scope.session_id,))
    else:
        rows = reader.select(_ALL)
    lo, hi = rows[0] if rows else (None, None)
    return (1, 0) if lo is None or hi is None else (lo, hi)


class Pages:
    """Reads pages of one scope with a reader that the caller owns."""

    def __init__(self, reader: Reader, scope: Scope, viewer: Viewer | None = None) -> None:
        self._reader = reader
        self._scope = scope
        self._viewer = viewer
        self.bounds = bounds(reader, scope)

    def after(self, place: int, count: int, ticket: Ticket | None = None) -> Page:
        """The first `count` frames behind a place."""
        lo, hi = max(place + 1, self.bounds[0]), self.bounds[1]
        found: list[Line] = []
        window, total = FIRST_WINDOW, max(1, hi - lo + 1)
        start = lo
        while start <= hi:
            if ticket:
                ticket.check((start - lo) / total)
            found += self._read(start, min(hi, start + window - 1), count - len(found), "")
            if len(found) >= count:
                return Page(found, self._scope.place(found[-1]) >= hi)
            behind = gaps.behind(self._reader.select, start + window - 1, self._scope.flow_id)
            start = hi + 1 if behind is None else behind
            window = min(window * 2, WIDEST_WINDOW)
        return Page(found)

    def before(self, place: int, count: int, ticket: Ticket | None = None) -> Page:
        """The last `count` frames before a place, ascending."""
        lo, hi = self.bounds[0], min(place - 1, self.bounds[1])
        found: list[Line] = []
        window, total = FIRST_WINDOW, max(1, hi - lo + 1)
        end = hi
        while end >= lo:
            if ticket:
                ticket.check((hi - end) / total)
            found += self._read(max(lo, end - window + 1), end, count - len(found), "DESC")
            if len(found) >= count:
                return Page(found[::-1], self._scope.place(found[-1]) <= lo)
            before = gaps.before(self._reader.select, end - window + 1, self._scope.flow_id)
            end = lo - 1 if before is None else before
            window = min(window * 2, WIDEST_WINDOW)
        return Page(found[::-1])

    def around(self, place: int, count: int, ticket: Ticket | None = None) -> tuple[Page, Page]:
        """The frames before a place, and those from it on."""
        later = self.after(place - 1, count, ticket)
        return self.before(place, count, ticket), later

    def place_of(self, frame_id: int) -> int | None:
        """The place of a frame, whether the filter finds it or not; None: another scope's."""
        sql = """
            SELECT frames.id, number, flow_id, session_id
            FROM frames JOIN flows ON flows.id = flow_id WHERE frames.id = ?"""
        for row in self._reader.select(sql, (frame_id,)):
            if self._scope.flow_id not in (None, row["flow_id"]):
                return None
            if self._scope.session_id not in (None, row["session_id"]):
                return None
            return int(row["number" if self._scope.flow_id is not None else "id"])
        return None

    def _read(self, lo: int, hi: int, count: int, way: str) -> list[Line]:
        scope = self._scope
        wheres = [f"frames.{scope.axis} BETWEEN ? AND ?"]
        params: list[Any] = [lo, hi]
        if scope.flow_id is not None:
            wheres.append("frames.flow_id = ?")
            params.append(scope.flow_id)
        elif scope.session_id is not None:
            wheres.append("flows.session_id = ?")
            params.append(scope.session_id)
        if scope.where is not None:
            wheres.append(f"({scope.where.sql})")
            params += scope.where.parameters
        sql = (
            f"SELECT {_COLUMNS} FROM frames CROSS JOIN flows ON flows.id = frames.flow_id"
            f" WHERE {' AND '.join(wheres)} ORDER BY frames.{scope.axis} {way} LIMIT ?"
        )
        rows = self._reader.select(sql, [*params, count])
        return [self._line(row) for row in rows]

    def _line(self, row: Any) -> Line:
        given = {name: row[name] for name in row.keys()}  # noqa: SIM118
        line = Line(**{**given, "head": row["head"] or b"", "size": row["size"] or 0})
        if line.kind is None and self._viewer is not None and line.size <= UNSEEN_LIMIT:
            frame = self._reader.frame(line.id)
            if frame is not None:
                shown = self._viewer.view(line.protocol, frame)
                text = json.dumps(shown.fields)
                error = line.error or shown.error
                return replace(line, kind=shown.kind, fields=text, error=error)
        return line
