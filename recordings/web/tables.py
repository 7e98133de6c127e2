"""Datasette over one recording: its tables, our canned queries, SQL for the rest.

Datasette runs in our process. It reads through the same kind of connection as every other reader
(reading only, foreign schema not trusted, nothing attached), opened for each query and closed
again, so that a recorder that ends can make one file of its recording. Its pages are kept free of
scripts by the templates beside this file.

This module is also the plugin: Datasette knows one set of plugins a process, so the hooks ask
which Datasette they are called for.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any, TypeVar

from datasette import hookimpl  # type: ignore[import-untyped]
from datasette.app import Datasette  # type: ignore[import-untyped]
from datasette.database import Database  # type: ignore[import-untyped]
from datasette.plugins import pm  # type: ignore[import-untyped]

from recordings.markup import Markup, tag
from recordings.opening import Opened, open_to_read
from recordings.sql_functions import Functions
from recordings.text import ascii_text, load
from recordings.viewing import Viewer
from recordings.web.canned import canned

NAME = "recording"
"""Of the database, and so the first part of its pages' addresses."""
SECONDS = 30
"""What one statement may take."""
LONGEST_VALUE = 16 << 20
"""Bytes of a value that a statement may read or make."""
ANSWER = 32 << 20
"""Bytes of texts and BLOBs that the answers for one piece of a page may have: as HTML or JSON they
take many times as much."""
BYTES = 256
"""Bytes of a BLOB that a cell shows."""
JSON_SHOWN = 2_000
ROW = 16
LINKS = {
    "frame": "/frame/{}",
    "frame_id": "/frame/{}",
    "parent_frame_id": "/frame/{}",
    "answer": "/frame/{}",
    "session": "/session/{}",
    "session_id": "/session/{}",
}
"""Column -> page of ours that its number leads to."""
OWN_IDS = {"frames": "/frame/{}", "sessions": "/session/{}", "packets": "/frame/{}"}
"""Table or view -> page of ours that its `id` leads to."""
HIDDEN = {"_sqlite_migrations": {"hidden": True}}
"""Tables that are listed last, and small."""
SETTINGS = {
    "sql_time_limit_ms": SECONDS * 1000,
    "allow_download": False,
    "suggest_facets": False,
    "default_cache_ttl": 0,
    "truncate_cells_html": JSON_SHOWN,
    "max_csv_mb": 0,
}

T = TypeVar("T")


class RecordingDatabase(Database):  # type: ignore[misc]
    """A recording, opened anew for each query."""

    def __init__(self, datasette: Any, path: Path) -> None:
        super().__init__(datasette, path=str(path), is_mutable=True)
        self._recording = path

    def connect(self, write: bool = False) -> sqlite3.Connection:
        """Refused: connections are made and closed by `execute_fn`."""
        raise sqlite3.OperationalError("a recording is only read here")

    async def execute_fn(self, fn: Callable[[sqlite3.Connection], T]) -> T:
        """Call a function with a connection, on one of Datasette's threads."""
        return await in_thread(self.ds, lambda: self._with_connection(fn))

    def _with_connection(self, fn: Callable[[sqlite3.Connection], T]) -> T:
        opened: Opened = open_to_read(self._recording)
        try:
            Functions(opened.connection)
            self.ds._prepare_connection(opened.connection, self.name)
            bound(opened.connection)
            return fn(opened.connection)
        finally:
            opened.close()


def bound(connection: sqlite3.Connection) -> None:
    """No statement, nor view that somebody planted, may answer more than `ANSWER` bytes."""
    connection.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, LONGEST_VALUE)
    left = ANSWER

    def row(cursor: sqlite3.Cursor, values: tuple[Any, ...]) -> sqlite3.Row:
        nonlocal left
        left -= sum(len(value) for value in values if isinstance(value, str | bytes))
        if left < 0:
            raise sqlite3.OperationalError(
                f"this answers more than {ANSWER >> 20} MiB: ask for fewer rows or columns"
            )
        return sqlite3.Row(cursor, values)

    connection.row_factory = row


async def in_thread(datasette: Any, fn: Callable[[], T]) -> T:
    """Run what takes its time on one of Datasette's threads."""
    from asgiref.sync import sync_to_async

    run = sync_to_async(fn, thread_sensitive=False, executor=datasette.executor)
    result: T = await run()
    return result


def make_datasette(path: Path, viewer: Viewer | None) -> Any:
    """Datasette with this recording alone."""
    made = Datasette(
        settings=SETTINGS,
        template_dir=str(Path(__file__).with_name("templates")),
        metadata={
            "title": path.name,
            "extra_css_urls": ["/static/tables.css"],
            "databases": {NAME: {"title": path.name, "tables": HIDDEN}},
        },
    )
    _quiet()
    made.remove_database("_memory")
    made.add_database(RecordingDatabase(made, path), name=NAME)
    made.understudy_viewer = viewer
    if not pm.has_plugin(NAME):
        pm.register(_this_module(), NAME)
    return made


def _quiet() -> None:
    """The page says what went wrong.

    Datasette would also print every error with the values of all variables, and so what strangers
    sent, to the terminal, and stand still once nobody reads that.
    """
    from datasette import handle_exception as handler

    handler.rich = None
    handler.traceback = SimpleNamespace(print_exc=lambda: None)


def _this_module() -> Any:
    import sys

    return sys.modules[__name__]


@hookimpl  # type: ignore[untyped-decorator]
def canned_queries(datasette: Any, database: str) -> Any:
    """The ready questions, with what the protocols of the recording declare by now."""
    if not hasattr(datasette, "understudy_viewer") or database != NAME:
        return None

    async def found() -> dict[str, dict[str, Any]]:
        rows = await datasette.get_database(NAME).execute("SELECT DISTINCT protocol FROM flows")
        protocols = [row[0] for row in rows.rows]
        return {
            one.name: {
                "sql": one.sql.strip(),
                "title": one.title,
                "description": one.description,
                "hide_sql": True,
            }
            for one in canned(protocols, datasette.understudy_viewer)
        }

    return found


@hookimpl  # type: ignore[untyped-decorator]
def render_cell(value: Any, column: str, table: str | None, datasette: Any) -> Any:
    """BLOBs as hexdumps, JSON as JSON, numbers of frames and sessions as links to their pages."""
    if not hasattr(datasette, "understudy_viewer"):
        return None
    shown = _cell(value, column, table)
    return None if shown is None else _Html(shown)


class _Html(Markup):
    """Markup as Jinja knows it."""

    __slots__ = ()

    def __html__(self) -> str:
        return str(self)


def _cell(value: Any, column: str, table: str | None) -> Markup | None:
    if isinstance(value, bytes):
        return _blob(value)
    if isinstance(value, int):
        address = OWN_IDS.get(table or "") if column == "id" else LINKS.get(column)
        return tag("a", value, href=address.format(value)) if address and value > 0 else None
    if isinstance(value, str) and column in ("fields", "derived"):
        return _json(value)
    return tag("span", value[:JSON_SHOWN]) if isinstance(value, str) else None


def _blob(value: bytes) -> Markup:
    shown = value[:BYTES]
    lines = [
        tag(
            "div",
            f"{at:04x}  {shown[at : at + ROW].hex(' '):47}  {ascii_text(shown[at : at + ROW])}",
        )
        for at in range(0, len(shown), ROW)
    ]
    more = f"{len(value) - BYTES:,} bytes more" if len(value) > BYTES else None
    return tag("div", lines, more, class_="blob")


def _json(value: str) -> Markup:
    text = json.dumps(load(value), ensure_ascii=False, indent=1)[: JSON_SHOWN + 1]
    lines = [tag("div", line) for line in text[:JSON_SHOWN].splitlines()]
    return tag("div", lines, "…" if len(text) > JSON_SHOWN else None, class_="json")
