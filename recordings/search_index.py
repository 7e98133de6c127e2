"""The words of a recording, in a file beside it, so that a text is found without reading all.

The file is SQLite's FTS5 over kinds, fields and printable bytes, without the texts themselves. It
can be removed at any time: it is made again when it is wanted, and what has been recorded since is
added to it at each search.
"""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from recordings.believing import refuse
from recordings.gaps import behind
from recordings.reader import Reader
from recordings.uri import uri

VERSION = 1
"""Of what is put into the file; another one is made anew."""
LONGEST = 1 << 16
"""Characters of fields and bytes of a frame that are looked through for words."""
CHUNK = 20_000
"""Frames that are added by one transaction."""
BUSY_SECONDS = 30.0
SHORTEST = 4
"""Printable bytes in a row that count as text."""

_RUN = re.compile(rb"[\x20-\x7e]{%d,}" % SHORTEST)
_WORD = re.compile(r'"([^"]*)"|(\S+)')
_TABLES = """
CREATE TABLE about (key TEXT PRIMARY KEY, value TEXT);
CREATE VIRTUAL TABLE words USING fts5 (kind, fields, bytes, content = '');
"""
_FRAMES = f"""
SELECT id, kind, substr(fields, 1, {LONGEST}),
  substr(coalesce(plain, raw, sent), 1, {LONGEST})
FROM frames WHERE id BETWEEN ? AND ?
"""

Progress = Callable[[int, int], None]
"""Called with the frames that are done, and with all of them."""


def index_path(path: Path) -> Path:
    """Where the words of a recording lie."""
    return path.with_name(f"{path.name}-search")


def printable(data: bytes, fields: str) -> str:
    """The text in some bytes that the fields do not show already."""
    runs = [run.decode("ascii") for run in _RUN.findall(data)]
    return " ".join(run for run in runs if run.strip() not in fields)


def expression(text: str) -> str:
    """A text as FTS5 understands it: every word, each as a beginning; "in quotes" as it stands."""
    parts = []
    for phrase, word in _WORD.findall(text):
        wanted = (phrase or word).replace('"', "")
        if any(char.isalnum() for char in wanted):
            parts.append(f'"{wanted}"' + ("" if phrase else " *"))
    return " AND ".join(parts)


class SearchIndex:
    """The index of one recording. Raises sqlite3.Error where its file cannot be used."""

    def __init__(self, path: Path) -> None:
        self.path = index_path(path.resolve())
        self._connection = sqlite3.connect(
            uri(self.path, "mode=rwc"), uri=True, timeout=BUSY_SECONDS, isolation_level=None
        )
        try:
            self._connection.execute("PRAGMA synchronous = OFF")  # it can be made again
            self._connection.execute("PRAGMA cache_size = -65536")
            self._about()
        except BaseException:
            self._connection.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the file."""
        self._connection.close()

    def _about(self) -> dict[str, str]:
        try:
            return dict(self._connection.execute("SELECT key, value FROM about").fetchall())
        except sqlite3.OperationalError:
            return {}

    def _begin(self, reader: Reader) -> int:
        """The last frame that is in the index; makes it anew when it is another recording's."""
        rows = reader.select("SELECT uid FROM sessions ORDER BY id LIMIT 1")
        wanted = {"version": str(VERSION), "uid": str(rows[0][0]) if rows else ""}
        about = self._about()
        done = int(about.pop("done", 0))
        (last,) = reader.select("SELECT ifnull(max(id), 0) FROM frames")[0]
        if about == wanted and done <= last:
            return done
        self._connection.execute("BEGIN IMMEDIATE")
        tables = self._connection.execute(
            "SELECT name FROM sqlite_master WHERE type = 'table' AND name IN ('about', 'words')"
        ).fetchall()
        for (name,) in tables:
            self._connection.execute(f"DROP TABLE {name}")
        for statement in filter(str.strip, _TABLES.split(";")):
            self._connection.execute(statement)
        self._connection.executemany("INSERT INTO about VALUES (?, ?)", list(wanted.items()))
        self._connection.execute("INSERT INTO about VALUES ('done', '0')")
        self._connection.execute("COMMIT")
        return 0

    def missing(self, reader: Reader) -> int:
        """How many ids of frames are not in the index yet."""
        (last,) = reader.select("SELECT ifnull(max(id), 0) FROM frames")[0]
        return int(last) - self._begin(reader)

    def update(self, reader: Reader, progress: Progress | None = None) -> None:
        """Add the frames that are not in it yet."""
        begun = done = self._begin(reader)
        (last,) = reader.select("SELECT ifnull(max(id), 0) FROM frames")[0]
        while done < last:
            end = min(done + CHUNK, last)
            rows = reader.select(_FRAMES, (done + 1, end))
            if not rows:  # whatever the width of the gap
                end = (behind(reader.select, end) or last + 1) - 1
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                if int(self._about().get("done", -1)) != done:  # another search was faster
                    self._connection.execute("ROLLBACK")
                    done = self._begin(reader)
                    continue
                self._connection.executemany(
                    "INSERT INTO words (rowid, kind, fields, bytes) VALUES (?, ?, ?, ?)",
                    map(_words, rows),
                )
                sql = "UPDATE about SET value = ? WHERE key = 'done'"
                self._connection.execute(sql, (str(end),))
                self._connection.execute("COMMIT")
            except BaseException:
                with suppress(sqlite3.Error):
                    self._connection.execute("ROLLBACK")
                raise
            done = end
            if progress is not None:
                progress(done - begun, last - begun)

    def find(self, text: str) -> Iterator[int]:
        """Ids of the frames that have all the words of a text, in order."""
        asked = expression(text)
        if not asked:
            return
        sql = "SELECT rowid FROM words WHERE words MATCH ? ORDER BY rowid"
        for row in self._connection.execute(sql, (asked,)):
            yield row[0]


def _words(row: Any) -> tuple[int, str, str, str]:
    frame_id, kind, fields, data = row
    if not isinstance(kind or "", str) or not isinstance(fields or "", str):
        raise refuse("frames", "kind or fields", "a value of another type")
    if not isinstance(data or b"", bytes):
        raise refuse("frames", "raw", "a value of another type")
    fields = fields or ""
    return frame_id, kind or "", fields, printable(data, fields) if data else ""


def searchable(text: str) -> bool:
    """Whether a text has a word that the index can find."""
    return bool(expression(text))
