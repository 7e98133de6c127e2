"""What stands beside the messages of a session: its flows, keys, events and notes."""

from __future__ import annotations

from recordings.markup import Child, Markup, tag
from recordings.reader import Reader
from recordings.rows import FlowRow, SessionRow
from recordings.text import ascii_text, local_iso, local_time, size, span
from recordings.web.page import listing

WORDS = 300
"""Characters of a name or detail."""
FLOWS = 1_000
ROWS = 500
"""Rows of one table."""


def flows_section(session: SessionRow, flows: list[FlowRow]) -> Markup:
    """The table of flows, each a link to its own messages."""
    columns = (
        "flow", "protocol", "transport", "client", "server", "led here by", "opened", "lasted",
        "ended", "messages", "up", "down",
    )  # fmt: skip
    rows = [_flow(session, flow) for flow in flows[:FLOWS]]
    return tag(
        "section",
        tag("h2", "Flows"),
        listing(columns, rows, f"{len(flows)} flows", ("lasted", "messages", "up", "down")),
    )


def _flow(session: SessionRow, flow: FlowRow) -> list[Child]:
    parent = flow.parent_frame_id
    server = flow.server or "Understudy itself"
    end = flow.closed_at if flow.closed_at is not None else flow.last_at
    return [
        tag("a", f"flow {flow.id}", href=f"/session/{session.id}?flow={flow.id}"),
        flow.protocol,
        flow.transport,
        flow.client,
        f"{flow.hostname[:WORDS]} {server}" if flow.hostname else server,
        tag("a", f"frame {parent}", href=f"/frame/{parent}") if parent else None,
        local_time(flow.opened_at),
        span(end - flow.opened_at) if end is not None else "",
        (flow.close_reason or "")[:WORDS] if flow.closed_at is not None else "open",
        f"{flow.frames:,}",
        size(flow.bytes_up),
        size(flow.bytes_down),
    ]


def _at(frame_id: int | None) -> Child:
    return tag("a", f"frame {frame_id}", href=f"/frame/{frame_id}") if frame_id else None


def beside(reader: Reader, session: SessionRow) -> list[Markup]:
    """Keys, events and notes."""
    keys, events = reader.keys(session.id), reader.events(session.id)
    notes = reader.notes(session.id)
    parts: tuple[tuple[str, tuple[str, ...], list[list[Child]]], ...] = (
        (
            "Keys",
            ("name", "cipher", "direction", "hex", "text", "source", "given away by"),
            [
                [k.name, k.cipher, k.direction, k.key[:64].hex(), ascii_text(k.key[:64]), k.source,
                 _at(k.frame_id)]
                for k in keys[:ROWS]
            ],
        ),
        (
            "Events",
            ("time", "kind", "what", "at"),
            [[local_time(e.at), e.kind, e.detail[:WORDS], _at(e.frame_id)] for e in events[:ROWS]],
        ),
        (
            "Notes",
            ("time", "text", "on"),
            [[local_iso(n.created_at), n.text[:2_000], _at(n.frame_id)] for n in notes[:ROWS]],
        ),
    )  # fmt: skip
    counts = (len(keys), len(events), len(notes))
    return [
        tag("section", tag("h2", name), listing(columns, rows, f"{count} {name.lower()}"))
        for (name, columns, rows), count in zip(parts, counts, strict=True)
        if rows
    ]
