"""Reads a session, or a page of it, into a scene."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Sequence
from dataclasses import replace

from recordings.diagram.scene import PROXY, Arrow, Lane, Remark, Row, Scene
from recordings.filters import Where
from recordings.model import Direction
from recordings.reader import Reader, frame_of
from recordings.rows import FlowRow, SessionRow
from recordings.text import ascii_text, load, local_iso, span, summary
from recordings.turns import SAID, Said, Turns, find_turns
from recordings.viewing import Shown, Viewer

PAGE = 2_000
"""Frames of one page."""
SERVERS = 14
"""Lanes for servers; further ones share the last."""
SILENCE = 5_000_000
"""Microseconds without a frame that are worth a remark."""
TEXT = 300
"""Characters of a row's text."""
OPAQUE_BYTES = 64
BEFORE = 400
"""Frames before a page that are looked at, so that it knows what its first answers answer."""
LOOKED_AT = 100_000
"""Frames that are looked at for turns; a filter may leave out most of them."""
REMARKS = 2_000
OTHERS = "others"

_SAID = (
    f"{SAID} WHERE frames.id BETWEEN ? AND ? AND flows.session_id = ? ORDER BY frames.id LIMIT ?"
)


def gather(
    reader: Reader,
    session: SessionRow,
    viewer: Viewer | None,
    *,
    where: Where | None = None,
    flow_id: int | None = None,
    after: int = 0,
    limit: int = PAGE,
) -> Scene:
    """The frames of a session, or of one flow of it, behind the id `after`, at most `limit`."""
    found = list(
        reader.rows(
            where.sql if where else "",
            where.parameters if where else (),
            session_id=session.id,
            flow_id=flow_id,
            after=after,
            limit=limit + 1,
        )
    )
    more = len(found) > limit
    del found[limit:]
    flows = {flow.id: flow for flow in reader.flows(session.id)}
    opens: dict[int, list[FlowRow]] = {}
    for flow in flows.values():
        if flow.parent_frame_id is not None:
            opens.setdefault(flow.parent_frame_id, []).append(flow)
    lanes, lane_of = _lanes(session, flows, opens, found)
    turns = _turns(reader, session, viewer, found)
    arrows = [_arrow(row, turns, lane_of, opens, viewer) for row in found]
    start = min((flow.opened_at for flow in flows.values()), default=0)
    bounds = _bounds(arrows, after, more)
    remarks = [] if where else _remarks(reader, session, flows, flow_id, bounds)
    return Scene(
        title=_title(session),
        start=start,
        lanes=lanes,
        rows=_merge(arrows, remarks),
        first=arrows[0].frame_id if arrows else None,
        last=arrows[-1].frame_id if arrows else None,
        more=more,
    )


def _title(session: SessionRow) -> str:
    parts = [f"Session {session.id}", session.game, local_iso(session.started_at)]
    return ", ".join(part for part in parts if part)


def _server(flow: FlowRow) -> tuple[str, str] | None:
    """Title and detail of a server's lane; None: nobody but us was there."""
    if not flow.server:
        return None
    if flow.hostname:
        return flow.hostname, f"{flow.protocol} {flow.server}"
    return flow.server, flow.protocol


def _lanes(
    session: SessionRow,
    flows: dict[int, FlowRow],
    opens: dict[int, list[FlowRow]],
    found: Sequence[sqlite3.Row],
) -> tuple[list[Lane], dict[int, int]]:
    """The lanes, servers in the order in which they come in, and the lane of each flow."""
    here = dict.fromkeys(row["flow_id"] for row in found)
    for row in found:
        here |= dict.fromkeys(flow.id for flow in opens.get(row["id"], ()))
    client = Lane("client", session.client)
    proxy = Lane("Understudy", "stand-in" if session.origin == "stand-in" else "proxy")
    lanes, lane_of = [client, proxy], dict.fromkeys(flows, PROXY)
    seats: dict[tuple[str, str], int] = {}
    for flow_id in sorted(here):
        server = _server(flows[flow_id]) if flow_id in flows else None
        if server is None:
            continue
        if server not in seats:
            if len(seats) < SERVERS:
                lanes.append(Lane(*server))
            elif lanes[-1].title != OTHERS:
                lanes.append(Lane(OTHERS, "further servers"))
            seats[server] = len(lanes) - 1
        lane_of[flow_id] = seats[server]
    return lanes, lane_of


def _turns(
    reader: Reader, session: SessionRow, viewer: Viewer | None, found: Sequence[sqlite3.Row]
) -> Turns:
    """What answers what, whether or not a filter shows both."""
    if not found:
        return Turns()
    first, last = found[0]["id"], found[-1]["id"]
    rows = reader.query(_SAID, (first - BEFORE, last + BEFORE, session.id, LOOKED_AT)).rows
    return find_turns(map(Said.of, rows), viewer)


def _arrow(
    row: sqlite3.Row,
    turns: Turns,
    lane_of: dict[int, int],
    opens: dict[int, list[FlowRow]],
    viewer: Viewer | None,
) -> Arrow:
    frame = frame_of(row)
    shown = _shown(row, viewer)
    checks = (frame.derived or {}).get("checks")
    wrong = [
        f"{name}: {said}"
        for name, said in (checks.items() if isinstance(checks, dict) else ())
        if str(said).startswith("WRONG")
    ]
    text = summary(shown.fields, TEXT, frame.derived)
    if not text and shown.kind == "Opaque":
        text = ascii_text(frame.clear[:OPAQUE_BYTES])
    faults = [*filter(None, (shown.error,)), *wrong]
    return Arrow(
        frame_id=frame.id,
        flow_id=frame.flow_id,
        at=frame.at,
        upward=frame.direction is Direction.TO_SERVER,
        server=lane_of.get(frame.flow_id, PROXY),
        kind=shown.kind,
        text="  ".join([*(fault[:TEXT] for fault in faults), text]),
        size=len(frame.clear),
        push=frame.id in turns.pushes,
        answers=turns.answers.get(frame.id),
        answered_by=turns.answered_by.get(frame.id),
        action=frame.action,
        cipher=frame.cipher,
        wrong=bool(faults),
        opens=tuple((flow.id, lane_of[flow.id]) for flow in opens.get(frame.id, ())),
    )


def _shown(row: sqlite3.Row, viewer: Viewer | None) -> Shown:
    """As it was seen when recorded; read now where nobody did then."""
    if row["kind"] is None and viewer is not None:
        shown = viewer.view(row["protocol"] or row["flow_protocol"], frame_of(row))
        return replace(shown, error=row["error"] or shown.error)
    return Shown(row["kind"] or "Opaque", load(row["fields"]) or {}, row["error"])


def _bounds(arrows: Sequence[Arrow], after: int, more: bool) -> tuple[int, int]:
    """From when to when a page lasts; the first and the last have no end on their outer side."""
    low = arrows[0].at if arrows and after else -(1 << 62)
    high = arrows[-1].at if arrows and more else 1 << 62
    return low, high


def _remarks(
    reader: Reader,
    session: SessionRow,
    flows: dict[int, FlowRow],
    flow_id: int | None,
    bounds: tuple[int, int],
) -> list[Remark]:
    """Flows that begin and end, and events, as far as they belong between these times."""
    found = []
    for flow in flows.values():
        if flow_id not in (None, flow.id):
            continue
        server = flow.hostname or flow.server or "nobody but Understudy"
        opened = f"flow {flow.id} opens: {flow.protocol} {flow.transport}, {server}"
        if flow.parent_frame_id is not None:
            opened += f" (led here by frame {flow.parent_frame_id})"
        found.append(Remark(flow.opened_at, opened))
        if flow.closed_at is not None:
            reason = f": {flow.close_reason}" if flow.close_reason else ""
            found.append(Remark(flow.closed_at, f"flow {flow.id} closes{reason}"))
    found += [
        Remark(event.at, f"{event.kind}: {event.detail[:TEXT]}", event=True)
        for event in reader.events(session.id)
        if flow_id in (None, event.flow_id)
    ]
    found = [remark for remark in found if bounds[0] <= remark.at <= bounds[1]]
    return sorted(found, key=lambda remark: remark.at)[:REMARKS]


def _merge(arrows: Sequence[Arrow], remarks: Iterable[Remark]) -> list[Row]:
    """Frames in order of id, remarks before the first frame that is not older, and silences."""
    rows: list[Row] = []
    waiting = sorted(remarks, key=lambda remark: remark.at)
    waiting.reverse()  # so that the next one is the last
    before: int | None = None
    for arrow in arrows:
        while waiting and waiting[-1].at <= arrow.at:
            rows.append(waiting.pop())
        if before is not None and arrow.at - before >= SILENCE:
            rows.append(Remark(arrow.at, f"{span(arrow.at - before)} of silence"))
        rows.append(arrow)
        before = arrow.at
    rows += waiting[::-1]
    return rows
