"""The functions that our SQL needs beyond SQLite's own: REGEXP and as_number, both bounded."""

from __future__ import annotations

import re
import sqlite3
import warnings
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from recordings import schema
from recordings.errors import UserError
from recordings.nearest import meant

if TYPE_CHECKING:
    from regex import Pattern

_LACKING = re.compile(r"no such (table|column): (?:\w+\.)?(\w+)")
SEARCH_LIMIT = 1 << 20
"""Bytes or characters of one value that a regular expression looks at."""
SEARCH_SECONDS = 2.0
"""Processor time that one search may take."""

SqlValue = str | int | float | bytes | None

_NUMBER = re.compile(r"[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d{1,3})?", re.ASCII)
_WHOLE = re.compile(r"[+-]?\d{1,18}", re.ASCII)
_HEX = re.compile(r"0[xX][0-9a-fA-F]{1,15}", re.ASCII)
_NUMBER_LIMIT = 100


def as_number(value: SqlValue) -> int | float | None:
    """A number, or a text that a person would write for one (`12`, `-1.5`, `0x1f`); else None."""
    if isinstance(value, int | float):
        return value
    if not isinstance(value, str) or len(value) > _NUMBER_LIMIT:
        return None
    text = value.strip()
    if _WHOLE.fullmatch(text):
        return int(text)
    if _HEX.fullmatch(text):
        return int(text, 16)
    return float(text) if _NUMBER.fullmatch(text) else None


class PatternError(ValueError):
    """No regular expression; `pos` is the place in it that is wrong, counted from 0."""

    def __init__(self, reason: str, pos: int) -> None:
        super().__init__(reason)
        self.pos = pos


@lru_cache(maxsize=64)
def compile_regex(pattern: str) -> Pattern[str]:
    """For text, in any case; raises PatternError."""
    compiled: Pattern[str] = _compile(pattern)
    return compiled


@lru_cache(maxsize=64)
def compile_bytes_regex(pattern: str) -> Pattern[bytes]:
    """For bytes, in any case; raises PatternError."""
    compiled: Pattern[bytes] = _compile(pattern.encode())
    return compiled


def _compile(pattern: str | bytes) -> Any:
    import regex  # here: few commands need it, and it takes longer to load than sqlite3

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return regex.compile(pattern, regex.IGNORECASE | regex.DOTALL)
    except regex.error as error:
        reason = str(error).partition(" at position")[0]
        raise PatternError(reason, getattr(error, "pos", None) or 0) from error


def refused(error: Exception) -> UserError:
    """What to tell the user about a statement that SQLite does not run."""
    name = getattr(error, "sqlite_errorname", None) or ""
    if name.startswith("SQLITE_READONLY") or "too many attached" in str(error):
        return UserError("this statement would write a file: a query only reads, use SELECT")
    return UserError(f"SQLite refuses the statement ({error}): {_cure(str(error))}")


def _cure(said: str) -> str:
    """What may be meant by a table or column that there is not."""
    lacking = _LACKING.match(said)
    if lacking is None:
        return "correct it"
    what, word = lacking.groups()
    tables = schema.expected()
    known = {"table": [*tables, "packets"], "column": sorted(set().union(*tables.values()))}[what]
    listed = f"the tables are {', '.join(known)}" if what == "table" else "correct it"
    return meant(word, known) or listed


class Functions:
    """Our functions on one connection."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._failed: str | None = None
        # other libraries turn this on for the whole process: ours say themselves what failed
        sqlite3.enable_callback_tracebacks(False)
        connection.create_function("regexp", 2, self._regexp, deterministic=True)
        connection.create_function("as_number", 1, as_number, deterministic=True)

    def failure(self) -> UserError | None:
        """Why one of them gave up since this was asked last; None: none did."""
        failed, self._failed = self._failed, None
        return None if failed is None else UserError(failed)

    def _regexp(self, pattern: str, value: SqlValue) -> bool:
        try:
            return _search(pattern, value)
        except TimeoutError:
            self._failed = (
                f"the search for {pattern!r} took over {SEARCH_SECONDS:g} s on one value: "
                "use a simpler expression, without one repetition inside another"
            )
        except (ValueError, OverflowError, RecursionError, MemoryError) as error:
            self._failed = f"{pattern!r} is no regular expression ({error}): correct it"
        raise ValueError(self._failed)


def _search(pattern: str, value: SqlValue) -> bool:
    if value is None:
        return False
    if isinstance(value, bytes):
        data = value[:SEARCH_LIMIT]
        return compile_bytes_regex(pattern).search(data, timeout=SEARCH_SECONDS) is not None
    text = value if isinstance(value, str) else str(value)
    return compile_regex(pattern).search(text[:SEARCH_LIMIT], timeout=SEARCH_SECONDS) is not None
