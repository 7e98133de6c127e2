"""A session's sequence diagram as one file: a picture, or a page with its table.

Both stand alone: no other file, no network, light and dark by the reader's own setting. The page
runs no script but ours, which its Content-Security-Policy names by hash.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable

from recordings.diagram.drawing import AGAIN, HEAD, ROW, Place, body, heads, place
from recordings.diagram.gathering import gather
from recordings.diagram.picture import SCRIPT, STYLE, picture
from recordings.diagram.scene import Scene
from recordings.diagram.table import table
from recordings.filters import Where
from recordings.markup import Markup, tag, trusted
from recordings.reader import Reader
from recordings.rows import SessionRow
from recordings.viewing import Viewer

LIMIT = 20_000
"""Messages of one file; more would open too slowly to be of use."""
TITLE = 28
"""Height of the line above the lanes of a picture."""


def read(
    reader: Reader,
    session: SessionRow,
    viewer: Viewer | None,
    *,
    where: Where | None = None,
    flow_id: int | None = None,
    after: int = 0,
    limit: int = LIMIT,
) -> Scene:
    """What is drawn of a session; `Scene.more` tells whether there are further messages."""
    return gather(reader, session, viewer, where=where, flow_id=flow_id, after=after, limit=limit)


def svg(reader: Reader, session: SessionRow, viewer: Viewer | None) -> str:
    """The diagram of a session as an SVG document; it says when there are more messages."""
    return draw_svg(read(reader, session, viewer))


def html(reader: Reader, session: SessionRow, viewer: Viewer | None) -> str:
    """The diagram of a session and its table as an HTML page; see `svg`."""
    return draw_html(read(reader, session, viewer))


def _said(scene: Scene) -> str:
    text = f"{scene.title}: {len(scene.arrows)} messages"
    return f"{text}; more follow frame {scene.last}" if scene.more else text


def draw_svg(scene: Scene) -> str:
    """A scene as an SVG document."""
    top = TITLE + HEAD
    where = place(scene, top)
    size = {"width": where.width, "height": where.height}
    document = tag(
        "svg",
        tag("title", _said(scene)),
        tag("style", trusted(STYLE)),
        tag("rect", class_="paper", **size),
        tag("text", _said(scene), x=8, y=19, class_="title"),
        list(body(scene, where, None, top)),
        heads(scene, where, TITLE),
        _again(scene, where, top),
        xmlns="http://www.w3.org/2000/svg",
        viewBox=f"0 0 {where.width} {where.height}",
        class_="diagram",
        role="img",
        **size,
    )
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{document}\n'


def _again(scene: Scene, where: Place, top: int) -> list[Markup]:
    """The names once more, small, beside the lanes of a long picture."""
    names = []
    for row in range(AGAIN, len(scene.rows), AGAIN):
        y = top + ROW * row
        names += [
            tag("text", lane.title[:24], x=x + 4, y=y - 14, class_="again")
            for lane, x in zip(scene.lanes, where.lanes, strict=True)
        ]
    return names


def _hash(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def draw_html(scene: Scene) -> str:
    """A scene as an HTML page."""
    policy = (
        f"default-src 'none'; style-src '{_hash(STYLE)}'; script-src '{_hash(SCRIPT)}'; "
        "base-uri 'none'; form-action 'none'"
    )
    head = tag(
        "head",
        tag("meta", charset="utf-8"),
        tag("meta", http_equiv="Content-Security-Policy", content=policy),
        tag("meta", name="viewport", content="width=device-width, initial-scale=1"),
        tag("meta", name="color-scheme", content="light dark"),
        tag("title", _said(scene)),
        tag("style", trusted(STYLE)),
    )
    content = tag(
        "main",
        tag("h1", _said(scene)),
        picture(scene, lambda arrow: f"#m{arrow.frame_id}"),
        tag("h2", "The same as a table"),
        tag("div", table(scene, None), class_="wide"),
    )
    page = tag("html", head, tag("body", content, tag("script", trusted(SCRIPT))), lang="en")
    return f"<!DOCTYPE html>\n{page}\n"


DRAW: dict[str, Callable[[Scene], str]] = {"svg": draw_svg, "html": draw_html}
"""Ending of a file -> what draws it."""
