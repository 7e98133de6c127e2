"""Opens SQLite files that may be anybody's, and says in one sentence what is wrong with them."""

from __future__ import annotations

import os
import shutil
import sqlite3
from contextlib import closing, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from recordings import lock, schema
from recordings.errors import UserError
from recordings.nearest import meant
from recordings.uri import uri

LONGEST_VALUE = 64 << 20
"""Bytes; a text or BLOB that is longer is not read. Frames are at most a few MiB."""
STEPS_PER_LOOK = 100_000
"""SQLite instructions between two looks whether the user pressed Ctrl-C."""


def unreadable(path: Path, error: Exception) -> UserError:
    """The sentence for a file that turns out to be damaged while it is read."""
    return UserError(
        f"{path} cannot be read any further ({error}): it is damaged; save what is left with "
        f'`sqlite3 "{path}" .recover`, or take a copy that is whole'
    )


def need_sqlite() -> None:
    """Refuse an SQLite library that knows no STRICT tables: raises UserError."""
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


@dataclass(frozen=True, slots=True)
class Opened:
    """A connection that reads a recording."""

    connection: sqlite3.Connection
    notice: str | None
    """A sentence, when the file is not simply a closed recording."""
    copy: TemporaryDirectory[str] | None = None

    def close(self) -> None:
        """Let go of the file, and of the copy if one was needed."""
        self.connection.close()
        if self.copy is not None:
            self.copy.cleanup()


def beside(path: Path) -> str:
    """Which recordings of the same folder may be meant; empty for none."""
    with suppress(OSError):
        names = sorted(one.name for one in path.parent.glob("*.db"))
        return meant(path.name, names, lambda name: str(path.with_name(name)))
    return ""


def open_to_read(path: Path) -> Opened:
    """Open a recording for reading only; raises UserError for anything that is not one."""
    need_sqlite()
    if not path.exists():
        hint = beside(path) or "give the path of a recording"
        raise UserError(f"{path} does not exist: {hint}")
    if path.is_dir():
        raise UserError(f"{path} is a folder: give the path of a recording")
    if not path.is_file():
        raise UserError(f"{path} is not a file: give the path of a recording")
    resolved = path.resolve()
    roll_back(resolved)
    opened = _open_anywhere(resolved)
    try:
        check_format(path, opened.connection)
        sql = "SELECT 1 FROM meta WHERE key = 'writing'"
        unfinished = opened.connection.execute(sql).fetchone() is not None
    except sqlite3.Error as error:
        opened.close()
        raise unreadable(path, error) from error
    except BaseException:
        opened.close()
        raise
    if not unfinished and leftover(resolved) and opened.copy is None:
        opened.close()
        _make_one(resolved)
        opened = _open_anywhere(resolved)
    return replace(opened, notice=_notice(resolved, unfinished, opened.notice))


def _notice(path: Path, unfinished: bool, notice: str | None) -> str | None:
    if not unfinished or notice:
        return notice
    if lock.is_held(path):
        return f"{path.name} is being written: this is what it held a moment ago"
    sentence = f"{path.name} was cut off while it was being written: this is what was saved"
    if not leftover(path) and _writes_ahead(path):
        sentence += f" (if it was copied, copy {path.name}-wal as well: the newest is in there)"
    return sentence


def _writes_ahead(path: Path) -> bool:
    """Whether the file says that there may be a log beside it."""
    with suppress(OSError), path.open("rb") as file:
        return file.read(20)[18:] == b"\2\2"
    return False


def _open_anywhere(path: Path) -> Opened:
    """Open a file, also one in a folder where SQLite cannot make the files it works with."""
    connection = connect(path, "mode=ro")
    try:
        connection.execute("SELECT name FROM sqlite_master LIMIT 1").fetchall()
        return Opened(connection, None)
    except sqlite3.OperationalError as error:
        connection.close()
        if not error.sqlite_errorname.startswith(("SQLITE_CANTOPEN", "SQLITE_READONLY")):
            raise refusal(path, error) from error
    except sqlite3.DatabaseError as error:
        connection.close()
        raise refusal(path, error) from error
    left = [end for end in ("-wal", "-journal") if leftover(path, end)]
    if not left:
        return Opened(connect(path, "mode=ro&immutable=1"), None)
    copy = TemporaryDirectory(prefix="understudy-")
    try:
        for end in ("", *left):
            shutil.copyfile(f"{path}{end}", Path(copy.name, f"{path.name}{end}"))
        roll_back(Path(copy.name, path.name))
        opened = connect(Path(copy.name, path.name), "mode=ro")
    except OSError as error:
        copy.cleanup()
        raise UserError(
            f"{path} was cut off and lies where nothing can be written, and no copy of it could be "
            f"made ({error.strerror}): copy it and its -wal to another folder"
        ) from error
    notice = f"{path.name} was cut off and lies where nothing can be written: this is a copy of it"
    return Opened(opened, notice, copy)


class _Connection(sqlite3.Connection):
    """SQLite's errors quote a damaged schema, which need not be text: that is no defect of ours."""

    def execute(self, *given: Any) -> sqlite3.Cursor:
        """See `sqlite3.Connection.execute`."""
        try:
            return super().execute(*given)
        except UnicodeDecodeError as error:
            raise sqlite3.DatabaseError("what describes its tables is no text") from error


def connect(path: Path, mode: str) -> sqlite3.Connection:
    """A connection that only reads and reads only so much; `mode`: SQLite's URI parameters."""
    try:
        connection = sqlite3.connect(
            uri(path, mode), uri=True, isolation_level=None, timeout=10, factory=_Connection
        )
        connection.execute("PRAGMA trusted_schema = OFF")  # its expressions have no effects
    except sqlite3.DatabaseError as error:
        raise refusal(path, error) from error
    connection.row_factory = sqlite3.Row
    connection.execute("PRAGMA query_only = ON")
    connection.setlimit(sqlite3.SQLITE_LIMIT_ATTACHED, 0)  # no ATTACH, no VACUUM INTO
    connection.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, LONGEST_VALUE)
    # the handler does nothing, but between two calls of it Python notices Ctrl-C
    connection.set_progress_handler(lambda: 0, STEPS_PER_LOOK)
    return connection


def refuse_triggers(path: Path, connection: sqlite3.Connection) -> None:
    """What somebody else planted must not run when we write; raises UserError."""
    found = connection.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchone()
    if found:
        raise UserError(
            f"{path} has a trigger ({found[0]}), which would run when something is written: "
            "drop it, or use another file"
        )


def leftover(path: Path, ending: str = "-wal") -> bool:
    """Whether a write-ahead log (or another file of SQLite's) with content lies beside the file."""
    try:
        return os.stat(f"{path}{ending}").st_size > 0
    except OSError:
        return False


def roll_back(path: Path) -> None:
    """Have SQLite undo what a program was doing that was killed while it wrote; where it may."""
    if leftover(path, "-journal"):
        with (
            suppress(sqlite3.Error),
            closing(sqlite3.connect(uri(path, "mode=rw"), uri=True)) as it,
        ):
            it.execute("SELECT name FROM sqlite_master LIMIT 1").fetchall()


def _make_one(path: Path) -> None:
    """Take in the log of a recording that was finished while another program read it."""
    with suppress(sqlite3.Error), closing(sqlite3.connect(uri(path, "mode=rw"), uri=True)) as it:
        it.execute("PRAGMA busy_timeout = 0")
        it.execute("PRAGMA journal_mode = DELETE").fetchall()
