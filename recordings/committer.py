"""The thread that writes a recording: takes what is queued, in groups of one commit each."""

from __future__ import annotations

import os
import sqlite3
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from recordings import creating, statements
from recordings.lock import WriterLock
from recordings.mending import PEER_FAULTS, insert_mended, mended
from recordings.statements import GROUP_ROWS, Row
from recordings.taker import LOOK_SECONDS, Taker

GROUP_SECONDS = 0.03
"""A row waits that long for company, at most; the rest of 100 ms is for a slow disk."""

# SQLite's name for an error (its beginning) -> what it means for the user, and the cure
_FAILURES = {
    "SQLITE_FULL": "the disk is full: free some space",
    "SQLITE_IOERR": "the disk does not take it (is it full or gone?): free some space or mend it",
    "SQLITE_READONLY": "the file may not be written any longer: put it back and see to its rights",
    "SQLITE_CANTOPEN": "its folder is gone: put it back",
    "SQLITE_BUSY": "another program keeps it locked: close that one",
    "SQLITE_CONSTRAINT": "another program has written frames into it: record to another file",
    "SQLITE_CORRUPT": "the file has been damaged by something else: record to another file",
    "SQLITE_NOTADB": "the file has been overwritten by something else: record to another file",
}


class Committer(Taker):
    """Owns the connection from `start` on. Made and fed by `recordings.writer.Recording`."""

    def __init__(
        self, path: Path, connection: sqlite3.Connection, lock: WriterLock, queue_limit: int
    ) -> None:
        super().__init__(path, queue_limit)
        self.ending = "recording closed"
        """Why flows end that are open when the recording does."""
        self.give_way: Callable[[], None] | None = None
        """Called between two statements."""
        self.on_taken: Callable[[], None] | None = None
        """Called after each group that is on the disk."""
        self._connection = connection
        self._lock = lock
        self._orders_done = 0
        self._uncounted = False
        self._looked = time.monotonic()
        self._places = {name: _place(name) for name in (str(path), f"{path}-wal")}
        self._closing = False

    def run(self) -> None:
        """Write until told to close, or until something fails."""
        try:
            while not self._closing:
                self._wait(GROUP_ROWS, GROUP_SECONDS)
                self._write_group()
                if time.monotonic() - self._looked > LOOK_SECONDS or self._closing:
                    self._look()
            creating.fold(self._connection, self.ending)
        except Exception as error:  # whatever it is: recording stops loudly
            self._fail(error)
        finally:
            with suppress(sqlite3.Error):
                self._connection.close()
            self._lock.release()
            self._drop_all()

    def _write_group(self) -> None:
        take = self.queue.popleft
        group = [take() for _ in range(min(len(self.queue), GROUP_ROWS))]
        if not group:
            return
        self._took = time.monotonic()
        if self.orders == self._orders_done:
            self._insert(group)
        else:
            self._write_mixed(group)
        self.taken = group[-1][-1]
        if self.on_taken:
            self.on_taken()
        self._relieve()

    def _insert(self, rows: list[Row]) -> None:
        self._uncounted = True
        try:
            statements.insert_frames(self._connection, rows, self.give_way)
        except PEER_FAULTS:
            insert_mended(self._connection, rows)

    def _execute(self, sql: str, params: Row) -> None:
        try:
            self._connection.execute(sql, params)
        except PEER_FAULTS:
            self._connection.execute(sql, tuple(map(mended, params)))

    def _write_mixed(self, group: list[Row]) -> None:
        """Frames and orders in the order in which they were given, in one transaction."""
        done: list[threading.Event] = []
        self._connection.execute("BEGIN IMMEDIATE")
        frames: list[Row] = []
        for row in group:
            if isinstance(row[0], int):
                frames.append(row)
                continue
            if frames:
                self._insert(frames)
                frames = []
            self._orders_done += 1
            if isinstance(row[0], str):
                self._execute(row[0], row[1])
            elif row[0] is None:
                self._closing = True
            else:
                done.append(row[0])
        if frames:
            self._insert(frames)
        self._connection.execute("COMMIT")
        if done:
            self.hurry = False
        for event in done:
            event.set()

    def _look(self) -> None:
        """Count what was written since the last look; see whether the file is still in place."""
        self._looked = time.monotonic()
        if self._uncounted:
            self._uncounted = False
            self._connection.execute("BEGIN IMMEDIATE")
            statements.count(self._connection)
            self._connection.execute("COMMIT")
        for name, place in self._places.items():
            if _place(name) != place:
                raise FileNotFoundError(name)

    def _fail(self, error: Exception) -> None:
        with suppress(sqlite3.Error):
            self._connection.execute("ROLLBACK")
        if isinstance(error, FileNotFoundError):
            # a file that was moved is made whole where it is now
            with suppress(sqlite3.Error):
                self._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
        self._give_up(stopped(self._path, _explain(error)))


def stopped(path: Path, why: str) -> str:
    """The sentence with which a recording stops."""
    return f"recording to {path} has stopped: {why}"


def _place(name: str) -> tuple[int, int] | None:
    """What tells a file from another one that has its name."""
    try:
        found = os.stat(name)
    except OSError:
        return None
    return found.st_dev, found.st_ino


def _explain(error: Exception) -> str:
    if isinstance(error, FileNotFoundError):
        return (
            f"{error} was moved, deleted or replaced while it was being written: "
            "put it back, or start again with a new one"
        )
    name = getattr(error, "sqlite_errorname", "") or ""
    for beginning, meaning in _FAILURES.items():
        if name.startswith(beginning):
            return f"{meaning}, then start again ({error})"
    return f"{type(error).__name__}: {error}; start again with a new file"
