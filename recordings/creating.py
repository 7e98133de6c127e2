"""Opens a recording for writing: makes it, brings it to the newest format, recovers it."""

from __future__ import annotations

import os
import sqlite3
import time
from contextlib import closing, suppress
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from recordings import opening, schema, statements
from recordings.errors import UserError
from recordings.lock import WriterLock
from recordings.times import iso, micros, now
from recordings.uri import uri

BUSY_SECONDS = 30.0
"""How long opening waits for another program that holds the file locked."""
BEGIN_SECONDS = 2.0
"""How long a transaction waits for it before that is said."""
FOLD_TRIES = 8
FOLD_PAUSE = 0.05
"""Seconds between two tries to make one file of a recording; else it stays in WAL mode."""
MOST = 1 << 62
"""The highest id that something may have that is appended to: SQLite's end at twice of it."""
CUT_OFF = "cut off"
"""`flows.close_reason` of what was open when the writer ended without closing."""


def open_to_write(path: Path) -> tuple[sqlite3.Connection, WriterLock, str | None]:
    """A connection, the lock, and a sentence when the recording had been cut off.

    `path` is resolved. A file that does not exist or is empty is made. Raises UserError.
    """
    opening.need_sqlite()
    _check_place(path)
    lock = _locked(path)
    aside = None
    try:
        if not path.exists() or path.stat().st_size == 0:
            aside = _orphan(path)
            _create(path)
        opening.roll_back(path)
        with closing(opening.connect(path, "mode=ro")) as looking:
            opening.check_format(path, looking)
            opening.refuse_triggers(path, looking)
        connection = _connect(path)
        try:
            _need_room(path, connection)
            recovered = _recover(path, connection)
            _mark(connection)
            recovered = recovered or aside
            connection.execute(f"PRAGMA busy_timeout = {int(BEGIN_SECONDS * 1000)}")
        except BaseException:
            connection.close()
            raise
    except sqlite3.DatabaseError as error:
        lock.release()
        raise opening.refusal(path, error) from error
    except OSError as error:
        lock.release()
        raise UserError(
            f"{path} cannot be made ({error.strerror}): choose another place with -w"
        ) from error
    except BaseException:
        lock.release()
        raise
    return connection, lock, recovered


def _check_place(path: Path) -> None:
    folder = path.parent
    if not folder.is_dir():
        raise UserError(f"the folder {folder} does not exist: make it, or choose another with -w")
    if path.is_dir():
        raise UserError(f"{path} is a folder: give the path of a file with -w")
    if path.exists() and not path.is_file():
        raise UserError(f"{path} is no ordinary file: give the path of one with -w")
    if path.exists() and not os.access(path, os.W_OK):
        raise UserError(f"{path} may not be written: see to its rights, or choose another with -w")
    if not os.access(folder, os.W_OK):
        raise _read_only(folder)


def _read_only(folder: Path) -> UserError:
    return UserError(
        f"the folder {folder} may not be written: see to its rights, or choose another with -w"
    )


def _locked(path: Path) -> WriterLock:
    lock = WriterLock(path)
    try:
        taken = lock.take()
    except sqlite3.Error as error:
        raise _read_only(path.parent) from error
    if not taken:
        raise UserError(
            f"{path} is being written by another Understudy: stop that one, or choose another "
            "file with -w"
        )
    return lock


def _orphan(path: Path) -> str | None:
    """Put aside what is left of a recording that is gone: SQLite would mix it into the new one."""
    aside = None
    for ending in ("-wal", "-journal"):
        log = Path(f"{path}{ending}")
        if opening.leftover(path, ending):
            kept = log.with_name(f"{log.name}-old")
            os.replace(log, kept)
            aside = f"{log.name} was left of a recording that is gone: it is {kept.name} now"
    Path(f"{path}-shm").unlink(missing_ok=True)
    return aside


def _create(path: Path) -> None:
    """Make the file under another name, so that a recording is whole from its first moment."""
    draft = path.with_name(f"{path.name}-new")
    draft.unlink(missing_ok=True)
    try:
        with closing(sqlite3.connect(draft)) as connection:
            _migrate(connection)
        os.replace(draft, path)
    except BaseException:  # Ctrl-C, a full disk
        for one in (draft, Path(f"{draft}-journal")):
            one.unlink(missing_ok=True)
        raise


def _migrate(connection: sqlite3.Connection) -> None:
    """Apply the migrations that are missing; their library takes time to load, so only now."""
    from recordings.migrations import bring_up_to_date

    bring_up_to_date(connection)


def _connect(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(
        uri(path, "mode=rw"),
        uri=True,
        isolation_level=None,
        timeout=BUSY_SECONDS,
        check_same_thread=False,
    )
    try:
        (mode,) = connection.execute("PRAGMA journal_mode = WAL").fetchone()
        if mode != "wal":
            raise UserError(
                f"{path} lies on a disk that SQLite cannot write ahead on: record to a local disk"
            )
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute(f"PRAGMA journal_size_limit = {16 << 20}")
        if connection.execute("PRAGMA user_version").fetchone() != (schema.FORMAT,):
            _migrate(connection)
    except BaseException:
        connection.close()
        raise
    return connection


def _recover(path: Path, connection: sqlite3.Connection) -> str | None:
    """SQLite itself has folded in what was committed; here, what was open is closed."""
    if not connection.execute("SELECT 1 FROM meta WHERE key = 'writing'").fetchone():
        return None
    connection.execute("BEGIN IMMEDIATE")
    flows, sessions = end_open(connection, CUT_OFF)
    (frames,) = connection.execute("SELECT ifnull(sum(frames), 0) FROM flows").fetchone()
    (last,) = connection.execute("SELECT max(last_at) FROM flows").fetchone()
    until = f", the last at {iso(last)}" if last else ""
    sentence = (
        f"{path.name} had been cut off: it holds {frames:,} frames{until}; {_many(flows, 'flow')}"
        f" and {_many(sessions, 'session')} that were open have been closed there"
    )
    connection.execute(statements.ADD_EVENT, (None, None, None, now(), "recovered", sentence))
    connection.execute("COMMIT")
    return sentence


def _many(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"


def end_open(connection: sqlite3.Connection, reason: str) -> tuple[int, int]:
    """Close the flows and sessions that are open at their last frame's time; how many."""
    statements.count(connection)
    flows = connection.execute(statements.CLOSE_FLOWS, (reason,)).rowcount
    sessions = connection.execute(statements.OPEN_SESSIONS).fetchall()
    for session_id, started_at, last in sessions:
        with suppress(ValueError):
            last = max(last or 0, micros(started_at))
        ended = started_at if last is None else iso(last)
        connection.execute("UPDATE sessions SET ended_at = ? WHERE id = ?", (ended, session_id))
    return flows, len(sessions)


def last_ids(connection: sqlite3.Connection) -> dict[str, int]:
    """Table -> the highest id that it has."""
    return {
        table: connection.execute(f"SELECT ifnull(max(id), 0) FROM {table}").fetchone()[0]
        for table in ("sessions", "flows", "frames")
    }


def _need_room(path: Path, connection: sqlite3.Connection) -> None:
    if max(last_ids(connection).values()) > MOST:
        raise UserError(f"{path} has no room for more ids: record to another file")


def last_number(path: Path, flow_id: int) -> int:
    """The highest number that a flow's frames have; raises ValueError for no such flow."""
    sql = "SELECT (SELECT max(number) FROM frames WHERE flow_id = flows.id) FROM flows WHERE id = ?"
    with closing(opening.connect(path, "mode=ro")) as connection:
        row = connection.execute(sql, (flow_id,)).fetchone()
    if row is None:
        raise ValueError(f"{path} has no flow {flow_id}")
    return row[0] or 0


def _mark(connection: sqlite3.Connection) -> None:
    try:
        tool = f"understudy {version('understudy')}"
    except PackageNotFoundError:
        tool = "understudy"
    connection.execute(
        "INSERT OR REPLACE INTO meta VALUES ('writing', ?), ('tool', ?)", (iso(now()), tool)
    )
    # into the file itself: a copy of it alone then says that it is not whole
    connection.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchall()


def fold(connection: sqlite3.Connection, path: Path, reason: str) -> str | None:
    """End a recording cleanly: nothing open, no mark, one file; a transaction has begun.

    A sentence when it cannot be one file, since another program reads it.
    """
    end_open(connection, reason)
    connection.execute("DELETE FROM meta WHERE key = 'writing'")
    connection.execute("COMMIT")
    connection.execute("PRAGMA busy_timeout = 1000")
    (busy, _, _) = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
    for _ in range(FOLD_TRIES):
        try:
            connection.execute("PRAGMA journal_mode = DELETE").fetchall()
            return None
        except sqlite3.OperationalError:  # a reader is there: perhaps it only looks for a moment
            time.sleep(FOLD_PAUSE)
    if not busy:
        return None  # the log is empty
    return (
        f"another program reads {path}, so that the end of it is still in {path.name}-wal: copy or "
        "move both (`understudy sessions` makes one of them once that program is closed)"
    )
