"""The thread that writes a recording: takes what is queued, in groups of one commit each."""

from __future__ import annotations

import sqlite3
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from recordings import creating, statements
from recordings.lock import WriterLock
from recordings.mending import PEER_FAULTS, insert_mended, mended
from recordings.place import Displaced, Place
from recordings.statements import GROUP_ROWS, Row
from recordings.taker import LOOK_SECONDS, Taker

GROUP_SECONDS = 0.03
"""A row waits that long for company, at most; the rest of 100 ms is for a slow disk."""
LOCKED_SECONDS = 600.0
"""So long another program may keep the file locked; what is given meanwhile waits in memory."""
SAY_SECONDS = 30.0
"""How often that is said."""

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
        self._place = Place(path)
        self._closing = False

    def run(self) -> None:
        """Write until told to close, or until something fails."""
        try:
            while not self._closing:
                self._wait(GROUP_ROWS, GROUP_SECONDS)
                self._write_group()
                if time.monotonic() - self._looked > LOOK_SECONDS or self._closing:
                    self._look()
            self._begin()
            left = creating.fold(self._connection, self._path, self.ending)
            if left and self.on_warned:
                self.on_warned(left)
        except Exception as error:  # whatever it is: recording stops loudly
            self._fail(error)
        finally:
            with suppress(sqlite3.Error):
                self._connection.close()
            self._lock.release()
            self._drop_all()
            self.ended.set()

    def _begin(self) -> None:
        """Begin a transaction, as soon as no other program writes."""
        since, said = time.monotonic(), 0.0
        while True:
            try:
                self._connection.execute("BEGIN IMMEDIATE")
                return
            except sqlite3.OperationalError as error:
                waited = time.monotonic() - since
                if not error.sqlite_errorname.startswith("SQLITE_BUSY") or waited > LOCKED_SECONDS:
                    raise
            if self.on_warned and (not said or waited - said > SAY_SECONDS):
                said = waited
                self.on_warned(_locked(self._path))

    def _write_group(self) -> None:
        take = self.queue.popleft
        group = [take() for _ in range(min(len(self.queue), GROUP_ROWS))]
        if not group:
            return
        self._took = time.monotonic()
        self._begin()
        if self.orders == self._orders_done:
            self._insert(group)
            self._connection.execute("COMMIT")
        else:
            self._write_mixed(group)
        self.taken = group[-1][-1]
        if self.on_taken:
            self.on_taken()
        self._relieve()

    def _insert(self, rows: list[Row]) -> None:
        self._uncounted = True
        for some in statements.portions(rows):
            try:
                statements.insert_frames(self._connection, some)
            except PEER_FAULTS:  # the statement has left nothing behind
                insert_mended(self._connection, some)
            if self.give_way:
                self.give_way()

    def _execute(self, sql: str, params: Row) -> None:
        try:
            self._connection.execute(sql, params)
        except PEER_FAULTS:
            self._connection.execute(sql, tuple(map(mended, params)))

    def _write_mixed(self, group: list[Row]) -> None:
        """Frames and orders in the order in which they were given, in the transaction."""
        done: list[threading.Event] = []
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
            self._begin()
            statements.count(self._connection)
            self._connection.execute("COMMIT")
        self._place.look()

    def _fail(self, error: Exception) -> None:
        with suppress(sqlite3.Error):
            self._connection.execute("ROLLBACK")
        saved = None
        if isinstance(error, Displaced):
            with suppress(Exception):
                while self.queue:
                    self._write_group()
            saved = self._place.save(self._connection)
        self._give_up(stopped(self._path, _explain(error, saved)))


def stopped(path: Path, why: str) -> str:
    """The sentence with which a recording stops."""
    return f"recording to {path} has stopped: {why}"


def _locked(path: Path) -> str:
    return (
        f"another program keeps {path} locked, so that nothing can be written: close that one; "
        "what comes meanwhile waits in memory"
    )


def _explain(error: Exception, saved: Path | None) -> str:
    if isinstance(error, Displaced):
        where = f", what it held is saved as {saved}" if saved else ""
        return f"{error}{where}: put it back, or start again with a new one"
    name = getattr(error, "sqlite_errorname", "") or ""
    for beginning, meaning in _FAILURES.items():
        if name.startswith(beginning):
            return f"{meaning}, then start again ({error})"
    return f"{type(error).__name__}: {error}; start again with a new file"
