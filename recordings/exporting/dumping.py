"""A recording as text: JSON lines that `understudy import` reads again, and SQL."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from recordings import opening
from recordings.reader import Reader
from recordings.sample_dump import dump_sample


def json_lines(reader: Reader, session_id: int | None) -> Iterator[str]:
    """The lines of one session, or of all, one after the other (see `recordings.samples`)."""
    for session in reader.sessions():
        if session_id in (None, session.id):
            yield from dump_sample(reader, session.id)


def sql(path: Path) -> Iterator[str]:
    """The statements that make the recording anew in any SQLite."""
    opened = opening.open_to_read(path)
    try:
        opened.connection.row_factory = None
        yield f"PRAGMA application_id = {opened.connection.execute(_ID).fetchone()[0]};"
        yield f"PRAGMA user_version = {opened.connection.execute(_VERSION).fetchone()[0]};"
        yield from opened.connection.iterdump()
    finally:
        opened.close()


_ID = "PRAGMA application_id"
_VERSION = "PRAGMA user_version"
