"""The same as a diagram shows, as a table: for screen readers, for searching, for copying."""

from __future__ import annotations

from recordings.diagram.drawing import Link, label, roles
from recordings.diagram.scene import Arrow, Remark, Scene
from recordings.markup import Markup, tag
from recordings.text import local_time, size, span

COLUMNS = ("frame", "time", "after", "flow", "from", "to", "what it is", "size", "message")

DATE = len("2026-11-21 ")
"""What a time begins with; the caption has it already."""


def table(scene: Scene, link: Link | None) -> Markup:
    """A row a frame or remark; `link` gives where its number leads to."""
    head = tag("tr", [tag("th", name, scope="col") for name in COLUMNS])
    rows = [
        _arrow(scene, row, link) if isinstance(row, Arrow) else _remark(scene, row)
        for row in scene.rows
    ]
    caption = tag("caption", f"{scene.title}: {len(scene.arrows)} messages")
    return tag("table", caption, tag("thead", head), tag("tbody", rows), class_="messages")


def _remark(scene: Scene, row: Remark) -> Markup:
    cells = [
        tag("td"),
        tag("td", local_time(row.at)[DATE:]),
        tag("td", span(row.at - scene.start), class_="number"),
        tag("td", row.text, colspan=len(COLUMNS) - 3),
    ]
    return tag("tr", cells, class_="remark event" if row.event else "remark")


def _arrow(scene: Scene, row: Arrow, link: Link | None) -> Markup:
    client, server = scene.lanes[0].title, scene.lanes[row.server].title
    ways = (client, server) if row.upward else (server, client)
    number = tag("a", row.frame_id, href=link(row)) if link else str(row.frame_id)
    facts = ", ".join(
        [
            *roles(row),
            *([f"answers {row.answers}"] if row.answers is not None else []),
            *([str(row.action)] if row.action else []),
            *(f"led to flow {flow}" for flow, _ in row.opens),
        ]
    )
    return tag(
        "tr",
        tag("th", number, scope="row", class_="number"),
        tag("td", local_time(row.at)[DATE:]),
        tag("td", span(row.at - scene.start), class_="number"),
        tag("td", row.flow_id, class_="number"),
        [tag("td", way) for way in ways],
        tag("td", facts),
        tag("td", size(row.size), class_="number"),
        tag("td", label(row), class_="what"),
        id=f"m{row.frame_id}",
        class_=" ".join(roles(row)),
    )
