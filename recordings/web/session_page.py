"""One session: its diagram, the traffic of its flows, and all that was noted beside."""

from __future__ import annotations

from dataclasses import dataclass, replace
from urllib.parse import urlencode

from recordings.diagram import export
from recordings.diagram.gathering import PAGE, gather
from recordings.diagram.picture import picture
from recordings.diagram.scene import Scene
from recordings.diagram.table import table
from recordings.diagram.timeline import draw_timeline, traffic
from recordings.errors import UserError
from recordings.filters import Where, compile_filter
from recordings.markup import Child, Markup, tag
from recordings.reader import Reader
from recordings.rows import SessionRow
from recordings.text import local_iso, size
from recordings.viewing import Viewer
from recordings.web.beside import WORDS, beside, flows_section
from recordings.web.guard import PICTURE
from recordings.web.page import Answer, failure, page

DRAWN_AT_ONCE = 50_000
"""Frames of a session whose timeline is drawn without being asked for."""
FOLLOWED = 200
"""Newest frames that are shown while a recording is followed."""
FOLLOW_SECONDS = 2


@dataclass(frozen=True, slots=True)
class Asked:
    """Which part of a session."""

    filter: str = ""
    after: int = 0
    flow: int | None = None
    follow: bool = False
    """Show the newest frames, and ask again soon."""

    def link(self, session: SessionRow, after: int, file: str = "") -> str:
        """The address of the same, from another frame on; -1: following what comes."""
        given = {"filter": self.filter, "flow": self.flow or "", "after": after or ""}
        if after < 0:
            given["after"], given["follow"] = "", "1"
        query = urlencode({name: value for name, value in given.items() if value})
        return f"/session/{session.id}{file}" + (f"?{query}" if query else "")

    def where(self) -> Where | None:
        """The condition; raises UserError."""
        return compile_filter(self.filter) if self.filter.strip() else None


def _session(reader: Reader, number: int) -> SessionRow | None:
    return next((one for one in reader.sessions() if one.id == number), None)


def session_page(reader: Reader, viewer: Viewer | None, number: int, asked: Asked) -> Answer:
    """The session of that number."""
    session = _session(reader, number)
    if session is None:
        return failure(404, f"There is no session {number} in {reader.path.name}.")
    problem = None
    content: list[Child] = []
    try:
        if asked.follow:
            asked = replace(asked, after=_skip(reader, session, asked, None, FOLLOWED))
        scene = gather(
            reader, session, viewer, where=asked.where(), flow_id=asked.flow, after=asked.after
        )
        content = _messages(reader, session, scene, asked)
    except UserError as error:
        lines = [tag("span", line) for line in str(error).splitlines()]
        problem = tag("p", lines, class_="problem lines", role="alert", id="problem")
    flows = reader.flows(session.id)
    made = page(
        f"Session {session.id}{': ' + session.game[:WORDS] if session.game else ''}",
        _facts(session),
        tag("h2", "Messages"),
        _form(session, asked, problem is not None),
        problem,
        content,
        _timeline(reader, session),
        flows_section(session, flows),
        beside(reader, session),
        crumbs=((f"Session {session.id}", f"/session/{session.id}"),),
        notice=reader.notice,
    )
    if asked.follow and reader.notice:
        again = (b"refresh", str(FOLLOW_SECONDS).encode())
        return replace(made, headers=(*made.headers, again))
    return made


def timeline_page(reader: Reader, number: int) -> Answer:
    """The timeline alone, for sessions of very many frames."""
    session = _session(reader, number)
    if session is None:
        return failure(404, f"There is no session {number} in {reader.path.name}.")
    return page(
        f"Traffic of session {number}",
        _drawn(reader, session, "wide"),
        crumbs=((f"Session {number}", f"/session/{number}"),),
        notice=reader.notice,
    )


def diagram_file(
    reader: Reader, viewer: Viewer | None, number: int, asked: Asked, kind: str
) -> Answer:
    """The diagram as a file to keep, `svg` or `html`; raises UserError."""
    session = _session(reader, number)
    if session is None:
        return failure(404, f"There is no session {number} in {reader.path.name}.")
    types = {"svg": "image/svg+xml", "html": "text/html; charset=utf-8"}
    name = f'attachment; filename="session-{number}.{kind}"'.encode()
    headers = ((b"content-disposition", name), (b"content-security-policy", PICTURE.encode()))
    where = asked.where()
    scene = export.read(reader, session, viewer, where=where, flow_id=asked.flow, after=asked.after)
    text = export.DRAW[kind](scene)
    return Answer(text.encode("utf-8", "backslashreplace"), types[kind], headers=headers)


def _facts(session: SessionRow) -> Markup:
    ended = local_iso(session.ended_at) if session.ended_at else "not ended"
    said = (
        ("client", session.client[:WORDS]),
        ("time", f"{local_iso(session.started_at)} to {ended}"),
        ("origin", session.origin),
        ("amount", f"{session.frames:,} messages in {session.flows:,} flows, "
                   f"{size(session.bytes_up)} up, {size(session.bytes_down)} down"),
        ("note", session.note[:WORDS] if session.note else None),
    )  # fmt: skip
    rows = [(tag("dt", name), tag("dd", text)) for name, text in said if text]
    return tag("dl", rows, class_="facts")


def _drawn(reader: Reader, session: SessionRow, look: str) -> Markup:
    found = traffic(reader, session.id)
    drawn = draw_timeline(found, lambda flow: f"/session/{session.id}?flow={flow.id}")
    return tag("div", drawn, class_=look, role="region", aria_label="Timeline", tabindex=0)


def _timeline(reader: Reader, session: SessionRow) -> Markup:
    title = tag("h2", "Traffic over time")
    if session.frames > DRAWN_AT_ONCE:
        link = tag("a", "Draw the timeline", href=f"/session/{session.id}/timeline")
        said = f" of all {session.frames:,} messages; this reads every one."
        return tag("section", title, tag("p", link, said))
    if not session.frames:
        return tag("section")
    return tag("section", title, _drawn(reader, session, "strips"))


def _form(session: SessionRow, asked: Asked, wrong: bool) -> Markup:
    """The filter line; it works without a script."""
    box = tag(
        "input",
        id="filter",
        name="filter",
        type="search",
        value=asked.filter,
        placeholder="~k auth ~f NAME=alice !~e",
        autocomplete="off",
        aria_invalid="true" if wrong else None,
        aria_describedby="problem" if wrong else "language",
    )
    flow = tag("input", type="hidden", name="flow", value=asked.flow) if asked.flow else None
    words = "~k kind  ~f field=value  ~d up  ~p protocol  ~b bytes  ~e errors  with & | ! ( )"
    return tag(
        "form",
        tag("label", "Filter", for_="filter"),
        box,
        flow,
        tag("button", "Show", type="submit"),
        tag("a", "all", href=f"/session/{session.id}"),
        tag("small", words, id="language"),
        method="get",
        action=f"/session/{session.id}",
        class_="filter",
        role="search",
    )


def _messages(reader: Reader, session: SessionRow, scene: Scene, asked: Asked) -> list[Child]:
    if not scene.arrows:
        nothing = "No message matches." if asked.filter or asked.flow else "No messages here."
        return [tag("p", nothing), _pages(reader, session, scene, asked)]
    shown = table(scene, lambda arrow: f"/frame/{arrow.frame_id}")
    return [
        _pages(reader, session, scene, asked),
        picture(scene, lambda arrow: f"/frame/{arrow.frame_id}"),
        tag(
            "details",
            tag("summary", f"The same {len(scene.arrows):,} messages as a table"),
            tag("div", shown, class_="wide"),
            id="table",
        ),
    ]


def _pages(reader: Reader, session: SessionRow, scene: Scene, asked: Asked) -> Markup:
    """Which messages these are, and the ways to the others."""
    ways: list[Child] = []
    if asked.after:
        earlier = _skip(reader, session, asked, asked.after + 1, PAGE)
        ways += [tag("a", "first", href=asked.link(session, 0), rel="first"), " "]
        ways += [tag("a", "previous", href=asked.link(session, earlier), rel="prev"), " "]
    if scene.more and scene.last is not None:
        ways += [tag("a", "next", href=asked.link(session, scene.last), rel="next"), " "]
    of = f" of {session.frames:,}" if not asked.filter and asked.flow is None else ""
    flow = f" of flow {asked.flow}" if asked.flow is not None else ""
    said = f"{len(scene.arrows):,}{of} messages{flow}"
    if scene.first is not None and (asked.after or scene.more):
        said += f", frames {scene.first} to {scene.last}"
    files = [
        [" ", tag("a", kind.upper(), href=asked.link(session, 0, f"/diagram.{kind}"))]
        for kind in ("svg", "html")
    ]
    if asked.follow:
        ways += [tag("a", "stop following", href=asked.link(session, 0)), " "]
    elif reader.notice:
        ways += [tag("a", "follow what comes", href=asked.link(session, -1)), " "]
    return tag("p", said, ". ", ways, "Save the diagram as", files, class_="pages")


def _skip(reader: Reader, session: SessionRow, asked: Asked, before: int | None, count: int) -> int:
    """Behind which frame the last `count` ones before the id `before` begin; 0: the first."""
    where = asked.where()
    rows = reader.rows(
        where.sql if where else "",
        where.parameters if where else (),
        session_id=session.id,
        flow_id=asked.flow,
        before=before,
        newest_first=True,
        limit=count + 1,
    )
    ids = [row["id"] for row in rows]
    return ids[count] if len(ids) > count else 0
