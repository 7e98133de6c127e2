"""What a peer's bytes may have made of a row that SQLite does not take; it must not stop anything.

Texts with halves of surrogate pairs and views that are no JSON are written as well as they can be.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from typing import Any

from recordings import statements
from recordings.statements import COLUMNS, Row

PEER_FAULTS = (
    sqlite3.IntegrityError,
    sqlite3.DataError,
    sqlite3.ProgrammingError,
    sqlite3.InterfaceError,
    UnicodeError,
    OverflowError,
)
"""What a row that cannot be stored raises; all else is the disk's or the file's fault."""

_ID, _FLOW, _AT, _FIELDS, _DERIVED = map(
    COLUMNS.index, ("id", "flow_id", "at", "fields", "derived")
)


LARGEST = (1 << 63) - 1


def mended(value: Any) -> Any:
    """A value that can be stored: text without halves of surrogate pairs, numbers of 64 bits."""
    if isinstance(value, str):
        return value.encode("utf-8", "backslashreplace").decode()
    if isinstance(value, int):
        return max(-LARGEST, min(value, LARGEST))
    return value


def insert_mended(connection: sqlite3.Connection, rows: list[Row]) -> None:
    """Write rows one by one, in a transaction; what is refused without what makes it so."""
    for row in rows:
        try:
            statements.insert_frames(connection, [row])
        except PEER_FAULTS:
            _insert_one(connection, [mended(value) for value in row])


def _insert_one(connection: sqlite3.Connection, row: list[Any]) -> None:
    try:
        statements.insert_frames(connection, [tuple(row)])
    except PEER_FAULTS as error:
        row[_FIELDS] = row[_DERIVED] = None
        statements.insert_frames(connection, [tuple(row)])
        connection.execute(statements.ADD_EVENT, tuple(map(mended, unstored(row, error))))


def unstored(row: Sequence[Any], why: object) -> Row:
    """The event that a frame's fields were left out."""
    detail = f"the fields of this frame could not be stored, view it again: {why}"
    return None, row[_FLOW], row[_ID], row[_AT], "warning", detail
