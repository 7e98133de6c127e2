"""Reads a recording: one that is closed, one that is being written, one that was cut off.

The file is opened read-only and believed little: it may be another program's, or be made to harm.
Every query is short: frames come in pages, and no transaction stays open between two of them, so
that a reader never keeps the writer's log from being folded into the file.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self, Unpack

from recordings import gaps, opening
from recordings.errors import UserError
from recordings.model import Frame
from recordings.rows import (
    FLOWS,
    SESSIONS,
    EventRow,
    FlowRow,
    KeyRow,
    NoteRow,
    SessionRow,
    Which,
    believed,
    frame_of,
)
from recordings.sql_functions import Functions, refused
from recordings.statements import COLUMNS, FRAME_COLUMNS

WINDOW = 20_000
"""Ids that one query looks at, so that a filter that fits nothing still makes short ones."""
MOST_ROWS = 1_000_000
"""Rows of a listing; frames come in pages."""
PAGE_ROWS = 500
PAGE_BYTES = 4 << 20
"""What one page holds at most, but at least one row."""

_COLUMNS = f"frames.{FRAME_COLUMNS.replace(', ', ', frames.')}"
_RAW, _PLAIN, _SENT, _FIELDS = map(COLUMNS.index, ("raw", "plain", "sent", "fields"))

__all__ = ["Reader", "Result", "frame_of"]


@dataclass(frozen=True, slots=True)
class Result:
    """What a statement of the user's gave."""

    columns: list[str]
    rows: Iterator[tuple[Any, ...]]


class Reader:
    """An open recording. Use `Reader.open`; close it, or use it as a context manager."""

    def __init__(self, path: Path, opened: opening.Opened) -> None:
        self.path = path
        self.notice = opened.notice
        """A sentence when the recording is being written or was cut off."""
        self._opened: opening.Opened | None = opened
        self._functions = Functions(opened.connection)

    @classmethod
    def open(cls, path: Path) -> Reader:
        """Open a recording for reading only; raises UserError for anything that is not one."""
        return cls(Path(path), opening.open_to_read(Path(path)))

    @property
    def _connection(self) -> sqlite3.Connection:
        if self._opened is None:
            self._opened = opening.open_to_read(self.path)
            self.notice = self._opened.notice
            self._functions = Functions(self._opened.connection)
        return self._opened.connection

    def rest(self) -> None:
        """Let go of the file until the next query.

        For who follows a recording: while any reader has it open, its writer cannot make one file
        of it.
        """
        if self._opened is not None and self._opened.copy is None:
            self.close()

    def close(self) -> None:
        """Let go of the file."""
        if self._opened is not None:
            self._opened.close()
            self._opened = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    @contextmanager
    def _reading(self) -> Iterator[None]:
        try:
            yield
        except (sqlite3.Error, KeyError, TypeError) as error:
            failure = self._functions.failure() or opening.unreadable(self.path, error)
            raise failure from error

    def _all(self, sql: str, params: Sequence[Any] = ()) -> list[Any]:
        with self._reading():
            rows = self._connection.execute(sql, params).fetchmany(MOST_ROWS + 1)
        if len(rows) > MOST_ROWS:
            raise UserError(
                f"{self.path} holds more than {MOST_ROWS:,} of these rows: ask for some of them "
                "with `understudy query`"
            )
        return rows

    def select(self, sql: str, params: Sequence[Any] = ()) -> list[sqlite3.Row]:
        """Rows of a short statement of ours; raises UserError."""
        return self._all(sql, params)

    def meta(self) -> dict[str, str]:
        """The table meta: `format`, `tool`, `counted`; `writing` while a writer has it open."""
        return {row[0]: row[1] for row in self._all("SELECT key, value FROM meta LIMIT 1000")}

    def sessions(self) -> list[SessionRow]:
        """Every session by id, with the sums of its flows. Scans no frames."""
        return [SessionRow(*row) for row in self._all(SESSIONS)]

    def flows(self, session_id: int | None = None) -> list[FlowRow]:
        """The flows of a session, or of all, by id. Scans no frames."""
        where = "" if session_id is None else "WHERE session_id = ?"
        params = () if session_id is None else (session_id,)
        return [FlowRow(*row) for row in self._all(f"{FLOWS} {where} ORDER BY flows.id", params)]

    def keys(self, session_id: int | None = None) -> list[KeyRow]:
        """The keys of a session, or of all, in the order in which they were seen."""
        return [KeyRow(*row) for row in self._of("keys", KeyRow, session_id)]

    def events(self, session_id: int | None = None) -> list[EventRow]:
        """The events of a session, or of all, in order."""
        return [EventRow(*row) for row in self._of("events", EventRow, session_id)]

    def notes(self, session_id: int | None = None) -> list[NoteRow]:
        """The notes on a session and what is in it, or all, in order."""
        return [NoteRow(*row) for row in self._of("notes", NoteRow, session_id)]

    def _of(self, table: str, row: type, session_id: int | None) -> list[Any]:
        names = ", ".join(row.__dataclass_fields__)  # type: ignore[attr-defined]
        where, params = ("", ()) if session_id is None else ("WHERE session_id = ?", (session_id,))
        sql = f"SELECT {names} FROM {table} {where} ORDER BY id"
        return self._all(sql, params)

    def state(self, session_id: int | None, protocol: str) -> dict[str, str]:
        """What a stand-in kept for a protocol."""
        sql = "SELECT key, value FROM state WHERE session_id IS ? AND protocol = ?"
        return {row[0]: row[1] for row in self._all(sql, (session_id, protocol))}

    def frame(self, frame_id: int) -> Frame | None:
        """One frame by its id."""
        rows = self._all(f"SELECT {FRAME_COLUMNS} FROM frames WHERE id = ?", (frame_id,))
        with self._reading():
            return frame_of(believed(rows[0])) if rows else None

    def frames(
        self, where: str = "", params: Sequence[Any] = (), **which: Unpack[Which]
    ) -> Iterator[Frame]:
        """Frames by id; see `rows`."""
        for page in self._pages(where, params, **which):
            with self._reading():
                frames = [frame_of(row) for row in page]
            yield from frames

    def rows(
        self, where: str = "", params: Sequence[Any] = (), **which: Unpack[Which]
    ) -> Iterator[sqlite3.Row]:
        """Rows of frames in order of id.

        A row has every column of frames, and `session_id` and `flow_protocol`. `where` is SQL that
        may name columns of `frames` and of `flows`. What is written while this runs is left out:
        go on with `after` = the last id.
        """
        for page in self._pages(where, params, **which):
            yield from page

    def _pages(
        self,
        where: str,
        params: Sequence[Any],
        *,
        session_id: int | None = None,
        flow_id: int | None = None,
        after: int = 0,
        before: int | None = None,
        newest_first: bool = False,
        limit: int | None = None,
    ) -> Iterator[list[sqlite3.Row]]:
        axis = "id" if flow_id is None else "number"  # a flow's own index knows its numbers
        lo, hi = self._bounds(session_id, flow_id)
        wheres = [f"frames.{axis} BETWEEN ? AND ?", "frames.id > ?"]
        given: list[Any] = [after]
        for text, value in (
            ("frames.id < ?", before),
            ("flows.session_id = ?", session_id),
            ("frames.flow_id = ?", flow_id),
        ):
            if value is not None:
                wheres.append(text)
                given.append(value)
        if where:
            wheres.append(f"({where})")
            given += params
        if flow_id is None:
            lo, hi = max(lo, after + 1), hi if before is None else min(hi, before - 1)
        sql = (
            f"SELECT {_COLUMNS}, flows.session_id, flows.protocol AS flow_protocol"
            " FROM frames CROSS JOIN flows ON flows.id = frames.flow_id WHERE "
            f"{' AND '.join(wheres)} ORDER BY frames.{axis} {'DESC' if newest_first else ''}"
        )
        left = -1 if limit is None else limit
        while lo <= hi and left:
            start, end = (max(lo, hi - WINDOW + 1), hi) if newest_first else (lo, lo + WINDOW - 1)
            rows, whole = self._page(sql, [start, min(end, hi), *given], left)
            yield rows
            left -= len(rows) if left > 0 else 0
            if newest_first:
                next_ = gaps.before(self._all, start, flow_id) if whole else rows[-1][axis] - 1
                hi = lo - 1 if next_ is None else next_
            else:
                next_ = gaps.behind(self._all, end, flow_id) if whole else rows[-1][axis] + 1
                lo = hi + 1 if next_ is None else next_

    def _page(self, sql: str, params: list[Any], left: int) -> tuple[list[sqlite3.Row], bool]:
        """Some rows, and whether these were all; the statement is over when this returns."""
        rows, size = list[sqlite3.Row](), 0
        most = PAGE_ROWS if left < 0 else min(PAGE_ROWS, left)
        with self._reading():
            cursor = self._connection.execute(sql, params)
            try:
                for row in cursor:
                    rows.append(believed(row))
                    size += len(row[_RAW] or b"") + len(row[_PLAIN] or b"")
                    size += len(row[_SENT] or b"") + len(row[_FIELDS] or "")
                    if len(rows) >= most or size > PAGE_BYTES:
                        return rows, False
            finally:
                cursor.close()
        return rows, True

    def _bounds(self, session_id: int | None, flow_id: int | None) -> tuple[int, int]:
        """The lowest and the highest id (of one flow: number) that there is to look at."""
        if flow_id is not None:
            sql = """
                SELECT (SELECT min(number) FROM frames WHERE flow_id = flows.id),
                  (SELECT max(number) FROM frames WHERE flow_id = flows.id)
                FROM flows WHERE id = ?"""
            return self._lowest_highest(sql, (flow_id,))
        if session_id is None:  # each by itself is looked up, both at once are searched for
            sql = "SELECT (SELECT min(id) FROM frames), (SELECT max(id) FROM frames)"
            return self._lowest_highest(sql, ())
        sql = """
            SELECT min(first), max(last) FROM (SELECT
              (SELECT id FROM frames WHERE flow_id = flows.id ORDER BY number LIMIT 1) AS first,
              (SELECT id FROM frames WHERE flow_id = flows.id ORDER BY number DESC LIMIT 1) AS last
            FROM flows WHERE session_id = ?)"""
        return self._lowest_highest(sql, (session_id,))

    def _lowest_highest(self, sql: str, params: tuple[int, ...]) -> tuple[int, int]:
        for lowest, highest in self._all(sql, params):
            if isinstance(lowest, int) and isinstance(highest, int):
                return lowest, highest
        return 1, 0

    def query(self, sql: str, params: Sequence[Any] = ()) -> Result:
        """Run one reading statement of the user's; raises UserError with SQLite's own words."""
        with self._asking():
            cursor = self._connection.cursor()
            cursor.row_factory = None
            cursor.execute(sql, params)
        return Result([column[0] for column in cursor.description or ()], self._stream(cursor))

    def _stream(self, cursor: sqlite3.Cursor) -> Iterator[tuple[Any, ...]]:
        with self._asking():
            yield from cursor

    @contextmanager
    def _asking(self) -> Iterator[None]:
        try:
            yield
        except (sqlite3.Error, sqlite3.Warning, UnicodeEncodeError) as error:
            raise self._functions.failure() or refused(error) from error
