"""The web application: our pages, and Datasette's behind /recording.

An ASGI application, so that tests call it without a socket. Pages are plain functions; each
request opens the recording and closes it again, so that reloading shows what was recorded since,
and a recorder that ends finds nobody in its way.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

from recordings.diagram import picture
from recordings.errors import UserError
from recordings.opening import open_to_read
from recordings.reader import Reader
from recordings.viewing import Viewer
from recordings.web import frame_page, session_page
from recordings.web.canned import canned
from recordings.web.guard import App, Receive, Scope, Send, answer, guarded
from recordings.web.page import Answer, failure
from recordings.web.sessions_page import sessions_page
from recordings.web.tables import in_thread, make_datasette

STATIC = Path(__file__).with_name("static")
CSS, JS = "text/css; charset=utf-8", "text/javascript; charset=utf-8"
FILES: dict[str, tuple[str, str]] = {
    "diagram.css": (picture.STYLE, CSS),
    "diagram.js": (picture.SCRIPT, JS),
    **{
        path.name: (path.read_text("utf-8"), CSS if path.suffix == ".css" else JS)
        for path in sorted(STATIC.iterdir())
        if path.suffix in (".css", ".js")
    },
}
"""Our style sheets and scripts."""
QUERY_LIMIT = 4_000
"""Bytes of a page's parameters."""

Query = dict[str, str]
Page = Callable[[Reader, Viewer | None, Query, "re.Match[str]"], Answer]


def _number(text: str | None) -> int:
    """A number of an address; 0 for none, and for what no id can be."""
    return int(text) if text and text.isascii() and text.isdecimal() and len(text) < 19 else 0


def _asked(query: Query) -> session_page.Asked:
    return session_page.Asked(
        filter=query.get("filter", ""),
        after=_number(query.get("after")),
        flow=_number(query.get("flow")) or None,
        follow="follow" in query,
    )


def _sessions(reader: Reader, viewer: Viewer | None, query: Query, path: re.Match[str]) -> Answer:
    protocols = sorted({flow.protocol for flow in reader.flows()})
    return sessions_page(reader, canned(protocols, viewer))


def _session(reader: Reader, viewer: Viewer | None, query: Query, path: re.Match[str]) -> Answer:
    return session_page.session_page(reader, viewer, _number(path[1]), _asked(query))


def _timeline(reader: Reader, viewer: Viewer | None, query: Query, path: re.Match[str]) -> Answer:
    return session_page.timeline_page(reader, _number(path[1]))


def _diagram(reader: Reader, viewer: Viewer | None, query: Query, path: re.Match[str]) -> Answer:
    return session_page.diagram_file(reader, viewer, _number(path[1]), _asked(query), path[2])


def _frame(reader: Reader, viewer: Viewer | None, query: Query, path: re.Match[str]) -> Answer:
    return frame_page.frame_page(reader, viewer, _number(path[1]), _number(query.get("offset")))


def _json(reader: Reader, viewer: Viewer | None, query: Query, path: re.Match[str]) -> Answer:
    return frame_page.frame_json(reader, viewer, _number(path[1]))


def _bytes(reader: Reader, viewer: Viewer | None, query: Query, path: re.Match[str]) -> Answer:
    return frame_page.frame_bytes(reader, _number(path[1]), path[2])


PAGES: tuple[tuple[re.Pattern[str], Page], ...] = tuple(
    (re.compile(pattern), function)
    for pattern, function in (
        (r"/", _sessions),
        (r"/session/(\d+)", _session),
        (r"/session/(\d+)/timeline", _timeline),
        (r"/session/(\d+)/diagram\.(svg|html)", _diagram),
        (r"/frame/(\d+)", _frame),
        (r"/frame/(\d+)\.json", _json),
        (r"/frame/(\d+)/(raw|plain|sent)\.bin", _bytes),
    )
)
TABLES = re.compile(r"/recording([/.].*)?|/-/static/[\w.-]+")
"""Addresses that are Datasette's; it has others, which nobody needs here."""


def application(path: Path, viewer: Viewer | None) -> App:
    """The whole application over one recording."""
    path = path.absolute()
    tables = make_datasette(path, viewer)
    tables_app: App = tables.app()

    async def route(scope: Scope, receive: Receive, send: Send) -> None:
        address = scope["path"]
        if TABLES.fullmatch(address):
            await tables_app(scope, receive, send)
            return
        if address == "/favicon.ico":  # browsers ask for it on Datasette's pages
            await answer(send, 204, b"", CSS)
            return
        static = FILES.get(address.removeprefix("/static/"))
        if static is not None and address.startswith("/static/"):
            await answer(send, 200, static[0].encode(), static[1])
            return
        found = await in_thread(tables, lambda: _respond(path, viewer, scope))
        await answer(send, found.status, found.body, found.content_type, found.headers)

    return guarded(route)


def _respond(path: Path, viewer: Viewer | None, scope: Scope) -> Answer:
    address, given = scope["path"], scope["query_string"][:QUERY_LIMIT]
    for pattern, function in PAGES:
        match = pattern.fullmatch(address)
        if match is None:
            continue
        try:
            with _open(path) as reader:
                return function(reader, viewer, _query(given), match)
        except UserError as error:
            return failure(500, str(error))
        except (
            Exception
        ) as error:  # a file of another program's may hold what no writer of ours does
            return failure(500, f"This holds what no recording should: {error!r:.300}")
    return failure(404, f"There is no page {address[:200]}.")


def _open(path: Path) -> Reader:
    """The recording; text that is no UTF-8, which another program may have written, is escaped."""
    opened = open_to_read(path)
    opened.connection.text_factory = lambda text: text.decode("utf-8", "backslashreplace")
    return Reader(path, opened)


def _query(given: bytes) -> Query:
    found: dict[str, list[Any]] = parse_qs(given.decode("latin-1"), errors="replace")
    return {name: values[-1] for name, values in found.items()}
