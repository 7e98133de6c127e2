"""Notes of a user: written into a recording, also while it is being recorded."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from recordings import opening
from recordings.errors import UserError
from recordings.times import iso, now
from recordings.uri import uri

MARK = "marked"
"""The text of a note that is only a mark."""
BUSY_SECONDS = 10.0
LONGEST = 100_000
"""Characters of a note."""


@dataclass(frozen=True, slots=True)
class Subject:
    """What a note is about: a session, a flow or a frame, by its id."""

    table: str
    id: int

    _FIND = {
        "sessions": "SELECT id, NULL, NULL FROM sessions WHERE id = ?",
        "flows": "SELECT session_id, id, NULL FROM flows WHERE id = ?",
        "frames": "SELECT session_id, flows.id, frames.id FROM frames"
        " JOIN flows ON flows.id = flow_id WHERE frames.id = ?",
    }

    def ids(self, path: Path, connection: sqlite3.Connection) -> tuple[int | None, ...]:
        """Its session, flow and frame; raises UserError when there is no such thing."""
        row = connection.execute(self._FIND[self.table], (self.id,)).fetchone()
        if row is None:
            raise UserError(
                f"{path} has no {self.table[:-1]} {self.id}: `understudy {self.table} {path}` "
                "lists them"
            )
        return tuple(row)


@contextmanager
def _writing(path: Path) -> Iterator[sqlite3.Connection]:
    """A transaction on a recording that exists; raises UserError."""
    opening.open_to_read(path).close()  # says what is wrong with a file that is no recording
    try:
        connection = sqlite3.connect(
            uri(path.resolve(), "mode=rw"), uri=True, timeout=BUSY_SECONDS, isolation_level=None
        )
        try:
            opening.refuse_triggers(path, connection)
            connection.execute("BEGIN IMMEDIATE")
            yield connection
            connection.execute("COMMIT")
        finally:
            connection.close()
    except sqlite3.DatabaseError as error:
        raise opening.refusal(path, error) from error


def add(path: Path, subject: Subject, text: str) -> int:
    """Write a note; its id. Raises UserError."""
    if not text.strip():
        raise UserError("the note is empty: write a text")
    if len(text) > LONGEST:
        raise UserError(f"the note has {len(text)} characters: {LONGEST} at most")
    with _writing(path) as connection:
        ids = subject.ids(path, connection)
        cursor = connection.execute(
            "INSERT INTO notes (session_id, flow_id, frame_id, text, created_at)"
            " VALUES (?, ?, ?, ?, ?)",
            (*ids, text, iso(now())),
        )
        return int(cursor.lastrowid or 0)


def remove(path: Path, note_ids: list[int]) -> None:
    """Remove notes by their ids, all or none; raises UserError when one does not exist."""
    with _writing(path) as connection:
        for note_id in note_ids:
            if not connection.execute("DELETE FROM notes WHERE id = ?", (note_id,)).rowcount:
                raise UserError(
                    f"{path} has no note {note_id}: `understudy note list {path}` lists them"
                )


def toggle_mark(path: Path, frame_id: int) -> bool:
    """Mark a frame, or take its mark away; whether it is marked now. Raises UserError."""
    with _writing(path) as connection:
        mine = connection.execute(
            "DELETE FROM notes WHERE frame_id = ? AND text = ?", (frame_id, MARK)
        ).rowcount
        if mine:
            return False
        ids = Subject("frames", frame_id).ids(path, connection)
        connection.execute(
            "INSERT INTO notes (session_id, flow_id, frame_id, text, created_at)"
            " VALUES (?, ?, ?, ?, ?)",
            (*ids, MARK, iso(now())),
        )
        return True
