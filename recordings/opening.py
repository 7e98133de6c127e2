"""Opens SQLite files that may be anybody's, and says in one sentence what is wrong with them."""

from __future__ import annotations

import json
import os
import sqlite3
from pathlib import Path
from typing import Any

from recordings import schema
from recordings.errors import UserError

LONGEST_VALUE = 64 << 20
"""Bytes; a text or BLOB that is longer is not read. Frames are at most a few MiB."""
STEPS_PER_LOOK = 100_000
"""SQLite instructions between two looks whether the user pressed Ctrl-C."""


def json_object(text: str) -> dict[str, Any]:
    """The object of a JSON text; anything else comes back as {"value": it}."""
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        value = text
    return value if isinstance(value, dict) else {"value": value}


def unreadable(path: Path, error: Exception) -> UserError:
    """The sentence for a file that turns out to be damaged while it is read."""
    return UserError(
        f"{path} cannot be read any further ({error}): it is damaged; save what is left with "
        f'`sqlite3 "{path}" .recover`, or take a copy that is whole'
    )


def need_sqlite() -> None:
    """Refuse an SQLite library that knows no STRICT tables."""
    if sqlite3.sqlite_version_info < schema.OLDEST_SQLITE:
        oldest = ".".join(map(str, schema.OLDEST_SQLITE))
        raise UserError(
            f"this Python has SQLite {sqlite3.sqlite_version}, recordings need {oldest}: "
            "use a newer Python"
        )


def check_format(path: Path, connection: sqlite3.Connection) -> None:
    """Compare a file with the format; raises UserError when it is no recording of ours."""
    try:
        (application,) = connection.execute("PRAGMA application_id").fetchone()
        (version,) = connection.execute("PRAGMA user_version").fetchone()
        if application != schema.APPLICATION_ID:
            raise UserError(
                f"{path} is an SQLite file, but not a recording of Understudy's: "
                "give the path of a recording"
            )
        if version > schema.FORMAT:
            raise UserError(
                f"{path} has format {version}, this Understudy reads up to {schema.FORMAT}: "
                "update Understudy"
            )
        lacking = schema.difference(connection)
    except sqlite3.DatabaseError as error:
        raise refusal(path, error) from error
    if lacking:
        raise UserError(
            f"{path} does not have the tables of a recording ({lacking}): take a copy that was not "
            "changed by another program"
        )


_REFUSALS = {
    "SQLITE_NOTADB": "{path} is not a recording: give the path of one (an SQLite file)",
    "SQLITE_BUSY": "{path} is locked by another program: close that one and try again",
    "SQLITE_LOCKED": "{path} is locked by another program: close that one and try again",
    "SQLITE_CANTOPEN": "{path} cannot be opened: see to the rights of the file and its folder",
    "SQLITE_PERM": "{path} may not be opened: see to the rights of the file",
    "SQLITE_AUTH": "{path} may not be opened: see to the rights of the file",
    "SQLITE_READONLY": "{path} may not be written: see to the rights of the file and its folder",
    "SQLITE_FULL": "there is no room for {path}: free some space on its disk",
    "SQLITE_IOERR": "the disk of {path} fails or is full ({error}): mend it, or free some space",
}
"""How SQLite's name for an error begins -> the sentence."""


def refusal(path: Path, error: sqlite3.DatabaseError) -> UserError:
    """The sentence for a file that SQLite does not open or read."""
    name = getattr(error, "sqlite_errorname", None) or ""
    for beginning, sentence in _REFUSALS.items():
        if name.startswith(beginning):
            return UserError(sentence.format(path=path, error=error))
    return unreadable(path, error)


def open_to_read(path: Path) -> tuple[sqlite3.Connection, str | None]:
    """A read-only connection and, when the file is not a closed recording, a sentence on that."""
    need_sqlite()
    if not path.exists():
        raise UserError(f"{path} does not exist: give the path of a recording")
    if not path.is_file():
        raise UserError(f"{path} is not a file: give the path of a recording")
    connection = connect(path, "mode=ro")
    check_format(path, connection)
    return connection, None


def connect(path: Path, mode: str) -> sqlite3.Connection:
    """A connection that only reads and reads only so much; `mode`: SQLite's URI parameters."""
    uri = f"{path.absolute().as_uri()}?{mode}"
    try:
        connection = sqlite3.connect(uri, uri=True, isolation_level=None, timeout=10)
        guard(connection)
    except sqlite3.DatabaseError as error:
        raise refusal(path, error) from error
    connection.row_factory = sqlite3.Row
    connection.execute("PRAGMA query_only = ON")
    connection.setlimit(sqlite3.SQLITE_LIMIT_ATTACHED, 0)  # no ATTACH, no VACUUM INTO
    connection.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, LONGEST_VALUE)
    # the handler does nothing, but between two calls of it Python notices Ctrl-C
    connection.set_progress_handler(lambda: 0, STEPS_PER_LOOK)
    return connection


def guard(connection: sqlite3.Connection) -> None:
    """A schema may hold expressions; let them call nothing that has effects."""
    connection.execute("PRAGMA trusted_schema = OFF")


def leftover(path: Path) -> bool:
    """Whether a write-ahead log with content lies beside the file."""
    try:
        return os.stat(f"{path}-wal").st_size > 0
    except OSError:
        return False
