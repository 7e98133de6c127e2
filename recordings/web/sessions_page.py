"""The first page: which sessions there are, and ready questions."""

from __future__ import annotations

from recordings.markup import Markup, tag
from recordings.reader import Reader
from recordings.rows import SessionRow
from recordings.text import local_iso, size, span
from recordings.times import micros
from recordings.web.canned import Canned
from recordings.web.page import Answer, listing, page

COLUMNS = (
    "session", "started", "lasted", "game", "client", "origin", "flows", "messages", "up", "down",
    "note",
)  # fmt: skip
NUMBERS = ("lasted", "flows", "messages", "up", "down")
WORDS = 80
"""Characters of a name or note in a listing."""


def _lasted(session: SessionRow) -> str:
    if not session.ended_at:
        return "not ended"
    try:
        return span(micros(session.ended_at) - micros(session.started_at))
    except ValueError:
        return "?"


def _cells(session: SessionRow) -> list[Markup | str]:
    return [
        tag("a", f"Session {session.id}", href=f"/session/{session.id}"),
        local_iso(session.started_at),
        _lasted(session),
        (session.game or "")[:WORDS],
        session.client[:WORDS],
        session.origin,
        f"{session.flows:,}",
        f"{session.frames:,}",
        size(session.bytes_up),
        size(session.bytes_down),
        (session.note or "")[:WORDS],
    ]


def sessions_page(reader: Reader, queries: list[Canned]) -> Answer:
    """Every session, the newest last, and the canned queries."""
    sessions = reader.sessions()
    count = f"{len(sessions)} session{'' if len(sessions) == 1 else 's'}"
    shown = (
        listing(COLUMNS, map(_cells, sessions), count, NUMBERS)
        if sessions
        else tag("p", "This recording holds no session yet; reload when something was recorded.")
    )
    asked = [
        tag("li", tag("a", one.title, href=f"/recording/{one.name}"), f": {one.description}")
        for one in queries
    ]
    return page(
        reader.path.name,
        shown,
        tag("h2", "Ready questions"),
        tag("ul", asked, class_="plain"),
        tag("h2", "Tables"),
        tag(
            "p",
            tag("a", "Tables and SQL", href="/recording"),
            ": every table of the recording, to filter, to sort, to take away as CSV or JSON, "
            "and any SELECT of your own.",
        ),
        notice=reader.notice,
    )
