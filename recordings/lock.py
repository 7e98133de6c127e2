"""One writer per recording: an empty file beside it that is locked as long as the writer lives.

The lock is SQLite's own, on an empty database, so that it is the same on every system and goes
away with the process, however that ends.
"""

from __future__ import annotations

import sqlite3
from contextlib import suppress
from pathlib import Path

from recordings.uri import uri

TRIES = 10


def lock_path(path: Path) -> Path:
    """Where the lock of a recording lies."""
    return path.with_name(f"{path.name}-lock")


class WriterLock:
    """Held from `take` to `release`."""

    def __init__(self, path: Path) -> None:
        self._path = lock_path(path)
        self._connection: sqlite3.Connection | None = None

    def take(self) -> bool:
        """False when another writer has it; raises sqlite3.Error when no lock can be made."""
        for _ in range(TRIES):
            connection = sqlite3.connect(
                self._path, timeout=0.2, isolation_level=None, check_same_thread=False
            )
            try:
                connection.execute("PRAGMA journal_mode = MEMORY")  # no second file
                connection.execute("BEGIN EXCLUSIVE")
            except sqlite3.OperationalError as error:
                connection.close()
                if error.sqlite_errorname.startswith("SQLITE_BUSY"):
                    return False
                raise
            if self._path.exists():  # else its last holder removed it meanwhile
                self._connection = connection
                return True
            connection.close()
        return False

    def release(self) -> None:
        """Give it back and remove the file."""
        if self._connection is None:
            return
        with suppress(OSError):  # Windows removes no file that is open
            self._path.unlink()
        self._connection.close()
        self._connection = None
        with suppress(OSError):
            self._path.unlink(missing_ok=True)


def is_held(path: Path) -> bool:
    """Whether a writer has the recording open now; changes nothing."""
    lock = lock_path(path)
    if not lock.exists():
        return False
    try:
        connection = sqlite3.connect(
            uri(lock, "mode=ro"), uri=True, timeout=0, isolation_level=None
        )
        try:
            connection.execute("SELECT * FROM sqlite_master").fetchall()
        finally:
            connection.close()
    except sqlite3.OperationalError as error:
        return error.sqlite_errorname.startswith("SQLITE_BUSY")
    return False
