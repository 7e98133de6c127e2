"""What a peer's bytes may have made of a row that SQLite does not take; it must not stop anything.

Texts with halves of surrogate pairs and views that are no JSON are written as well as they can be.
"""

from __future__ import annotations

import sqlite3
from typing import Any

from recordings import statements
from recordings.statements import FRAME_COLUMNS, Row

PEER_FAULTS = (
    sqlite3.IntegrityError,
    sqlite3.DataError,
    sqlite3.ProgrammingError,
    sqlite3.InterfaceError,
    UnicodeError,
    OverflowError,
)
"""What a row that cannot be stored raises; all else is the disk's or the file's fault."""

NO_VIEW = "the view could not be stored: "

_COLUMNS = FRAME_COLUMNS.split(", ")
_FIELDS, _ERROR, _DERIVED = map(_COLUMNS.index, ("fields", "error", "derived"))


def mended(value: Any) -> Any:
    """A value that can be stored: text without halves of surrogate pairs."""
    return value.encode("utf-8", "backslashreplace").decode() if isinstance(value, str) else value


def insert_mended(connection: sqlite3.Connection, rows: list[Row]) -> None:
    """Write rows one by one, those that are refused without what makes them so."""
    within = connection.in_transaction
    if not within:
        connection.execute("BEGIN IMMEDIATE")
    for row in rows:
        try:
            statements.insert_frames(connection, [row])
        except PEER_FAULTS as error:
            _insert_one(connection, row, error)
    if not within:
        connection.execute("COMMIT")


def _insert_one(connection: sqlite3.Connection, row: Row, error: Exception) -> None:
    values = [mended(value) for value in row]
    try:
        statements.insert_frames(connection, [tuple(values)])
    except PEER_FAULTS:
        values[_FIELDS] = values[_DERIVED] = None
        values[_ERROR] = values[_ERROR] or f"{NO_VIEW}{error}"
        statements.insert_frames(connection, [tuple(values)])
