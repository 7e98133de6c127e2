"""Whether a file that is being written is still in place, and what can be saved when it is not."""

from __future__ import annotations

import os
import sqlite3
from contextlib import suppress
from pathlib import Path

Identity = tuple[int, int]
"""What tells a file from another one that has its name."""
OPEN_FILES = 1024
"""File descriptors that are looked at for one that has no name any more."""


class Displaced(Exception):
    """The file is not what it was; the text says what became of it."""


class Place:
    """A recording and its write-ahead log, as they were when they were opened."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._known = {name: _identity(name) for name in (str(path), f"{path}-wal")}
        self._size = path.stat().st_size

    def look(self) -> None:
        """Raises Displaced when another file is there, or none, or a shorter one."""
        for name, known in self._known.items():
            if _identity(name) != known:
                raise Displaced(f"{name} was moved, deleted or replaced while it was being written")
        size = os.stat(self._path).st_size
        if size < self._size:  # a recording that is being written never shrinks
            raise Displaced(f"{self._path} was overwritten by something else while it was written")
        self._size = size

    def save(self, connection: sqlite3.Connection) -> Path | None:
        """Make whole what was moved; a copy of what has no name any more, where one can be made."""
        with suppress(sqlite3.Error):
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
        if not self._nameless():
            return None
        copy = self._path.with_name(f"rescued-{self._path.name}")
        number = 1
        while copy.exists():
            number += 1
            copy = self._path.with_name(f"rescued-{number}-{self._path.name}")
        try:
            connection.execute("VACUUM INTO ?", (str(copy),))
        except sqlite3.Error:
            with suppress(OSError):
                copy.unlink(missing_ok=True)
            return None
        return copy

    def _nameless(self) -> bool:
        """Whether the file was deleted: it lives as long as it is open."""
        known = self._known[str(self._path)]
        for number in range(OPEN_FILES):
            with suppress(OSError):
                found = os.fstat(number)
                if (found.st_dev, found.st_ino) == known and found.st_nlink == 0:
                    return True
        return False


def _identity(name: str) -> Identity | None:
    try:
        found = os.stat(name)
    except OSError:
        return None
    return found.st_dev, found.st_ino
