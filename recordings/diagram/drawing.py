"""Draws a scene as SVG: one row a message, from its sender's lane to its receiver's.

A request is solid, an answer too but of another colour, a push is dashed and begins with a ring,
what led to another flow is bold and goes on dotted to that flow's server: colour never says it
alone. Nothing is positioned by a style, so that it also stands under a strict
Content-Security-Policy.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from recordings.diagram.scene import CLIENT, PROXY, Arrow, Remark, Row, Scene
from recordings.markup import Markup, join, tag
from recordings.text import crop, safe, span

ROW = 26
"""Pixels from one row to the next."""
HEAD = 48
"""Height of the names above the lanes."""
LEFT = 190
"""Where the client's lane is; ids and times stand to the left of it."""
PITCH = 250
"""From the client to the proxy and on to the first server."""
NEXT = 150
"""From one server to the next."""
MARGIN = 110
_BREADTHS = (
    (" .,:;'|!()[]{}fijlrtI/\\", 4.4),
    ("mwMW@%…", 11.0),
    ("ABCDEGHKNOPQRUVXYZ=_~+<>", 8.6),
)
"""Pixels that characters of a label take in a broad font; the others take MEAN, ideographs WIDE."""
MEAN = 7.3
WIDE = 12.5
BOLD = 0.86
"""Share of the room that bold letters may fill as if they were not."""
_BREADTH = {ord(char): breadth for chars, breadth in _BREADTHS for char in chars}
AGAIN = 60
"""Rows after which a picture that is not scrolled repeats the names of its lanes."""

LEAST = 30
"""Pixels below which fields are not begun."""

Link = Callable[[Arrow], str]
"""What an arrow leads to."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where things are drawn."""

    lanes: list[int]
    height: int

    @property
    def width(self) -> int:
        return self.lanes[-1] + MARGIN

    @property
    def middle(self) -> float:
        return (self.lanes[CLIENT] + self.lanes[-1]) / 2


def place(scene: Scene, top: int = 0) -> Place:
    """Where the lanes of a scene stand, and how tall it is."""
    lanes = [LEFT, LEFT + PITCH]
    for number in range(len(scene.lanes) - len(lanes)):
        lanes.append(lanes[-1] + (NEXT if number else PITCH))
    return Place(lanes, top + ROW * (len(scene.rows) + 1))


def breadth(text: str) -> float:
    """Pixels that a label takes, nearly."""
    return sum(map(_breadth, text))


def _breadth(char: str) -> float:
    found = _BREADTH.get(ord(char))
    if found is None:
        ideograph = not char.isascii() and unicodedata.east_asian_width(char) in "WF"
        found = WIDE if ideograph else MEAN
    return found


def fit(text: str, room: float) -> str:
    """As much of a text as fits in so many pixels, three characters at least."""
    shown = crop(safe(text[: int(room)]), max(3, int(room)))
    taken = 0.0
    for end, char in enumerate(shown):
        taken += _breadth(char)
        if taken > room:
            return crop(shown, max(3, end))
    return shown


def heads(scene: Scene, where: Place, y: int = 0, name: str = "head") -> Markup:
    """The names of the lanes."""

    def one(number: int) -> Markup:
        lane, x = scene.lanes[number], where.lanes[number]
        room = (NEXT if number > PROXY else PITCH) - 16
        return tag(
            "g",
            tag("title", f"{lane.title} {lane.detail}"),
            tag("text", fit(lane.title, room), x=x, y=y + 20, class_="who"),
            tag("text", fit(lane.detail, room), x=x, y=y + 36, class_="detail"),
        )

    return tag("g", [one(number) for number in range(len(scene.lanes))], class_=name)


def body(scene: Scene, where: Place, link: Link | None, top: int = 0) -> Iterator[Markup]:
    """The lanes' lines and the rows, the first `top` pixels below the upper edge."""
    lines = [tag("path", d=f"M{x} {top}V{where.height}") for x in where.lanes]
    yield tag("g", lines, class_="lanes")
    for number, row in enumerate(scene.rows):
        y = top + ROW * (number + 1) - 6
        yield _DRAW[type(row)](scene, row, where, y, link)


def _remark(scene: Scene, row: Row, where: Place, y: int, link: Link | None) -> Markup:
    assert isinstance(row, Remark)
    return tag(
        "g",
        tag("title", f"{_time(scene, row)}  {row.text}"),
        _clock(scene, row, y),
        tag("text", fit(row.text, where.width - LEFT - 20), x=LEFT + 12, y=y),
        class_="remark event" if row.event else "remark",
    )


def _time(scene: Scene, row: Row) -> str:
    return span(row.at - scene.start)


def _clock(scene: Scene, row: Row, y: int) -> Markup:
    return tag("text", _time(scene, row), x=LEFT - 52, y=y + 3, class_="time")


def head(arrow: Arrow) -> str:
    """The kind of an arrow, and marks of what is special about it."""
    marks = [
        "! " if arrow.wrong else "",
        f"[{arrow.action}] " if arrow.action else "",
        "↪ " if arrow.opens else "",
    ]
    return f"{''.join(marks)}{arrow.kind}"


def label(arrow: Arrow) -> str:
    """What stands on an arrow, whole."""
    return f"{head(arrow)}  {arrow.text}".rstrip()


def roles(arrow: Arrow) -> list[str]:
    """What an arrow is, in words; also the classes that its look hangs on."""
    role = "request" if arrow.upward else "push" if arrow.push else "answer"
    return [role, *(["redirect"] if arrow.opens else []), *(["wrong"] if arrow.wrong else [])]


def describe(scene: Scene, arrow: Arrow) -> str:
    """An arrow in one sentence, for a tip and for a screen reader."""
    server = scene.lanes[arrow.server].title
    way = f"client to {server}" if arrow.upward else f"{server} to client"
    facts = [
        f"frame {arrow.frame_id}, {_time(scene, arrow)}",
        f"{' '.join(roles(arrow))}, {way}, {arrow.size} bytes",
        label(arrow),
    ]
    if arrow.answers is not None:
        facts.append(f"answers frame {arrow.answers}")
    if arrow.answered_by is not None:
        facts.append(f"answered by frame {arrow.answered_by}")
    if arrow.cipher:
        facts.append(f"enciphered by {arrow.cipher}")
    facts += [f"led to flow {flow}" for flow, _ in arrow.opens]
    return "; ".join(facts)


def _ends(arrow: Arrow, where: Place) -> tuple[int, int]:
    """From where to where: what we dropped ends at our lane, what we inserted begins there."""
    client, proxy, server = (where.lanes[n] for n in (CLIENT, PROXY, arrow.server))
    start, end = (client, server) if arrow.upward else (server, client)
    if arrow.action == "dropped":
        end = proxy
    if arrow.action == "inserted":
        start = proxy
    return start, end


def _arrow(scene: Scene, row: Row, where: Place, y: int, link: Link | None) -> Markup:
    assert isinstance(row, Arrow)
    start, end = _ends(row, where)
    if start == end:  # dropped where nobody but us was to get it
        end = start + (20 if row.upward else -20)
    step = 1 if end > start else -1
    ring = row.push and row.action != "inserted"
    parts = [
        tag("title", describe(scene, row)),
        tag("rect", x=0, y=y - 17, width=where.width, height=ROW - 1, class_="hit"),
        tag("text", row.frame_id, x=8, y=y + 3, class_="id"),
        _clock(scene, row, y),
        tag("path", d=f"M{start + 4 * step * ring} {y}H{end}", class_="line"),
        tag("path", d=f"M{end - 8 * step} {y - 4}L{end} {y}l{-8 * step} 4z", class_="tip"),
        tag("circle", cx=start, cy=y, r=4, class_="ring") if ring else None,
        _touched(row, where, y),
        *(_leads(where, lane, y) for _, lane in row.opens),
        _label(row, start, end, y),
    ]
    classes = " ".join(["m", *roles(row)])
    if link is None:
        return tag("g", parts, class_=classes)
    return tag("a", parts, href=link(row), class_=classes, data_frame=row.frame_id)


def _label(arrow: Arrow, start: int, end: int, y: int) -> Markup:
    room = abs(end - start) - 24
    kind = fit(head(arrow), room * BOLD)
    left = room - breadth(kind) / BOLD
    rest = fit(f" {arrow.text}", left) if arrow.text and left > LEAST else None
    x = min(start, end) + 12
    return tag("text", tag("tspan", kind, class_="kind"), rest, x=x, y=y - 5)


def _touched(arrow: Arrow, where: Place, y: int) -> Markup | None:
    """A diamond on our lane where a frame was changed, a cross where it was dropped."""
    x = where.lanes[PROXY]
    if arrow.action == "dropped":
        return tag("path", d=f"M{x - 5} {y - 5}l10 10m0 -10l-10 10", class_="cross")
    if arrow.action:
        return tag("path", d=f"M{x} {y - 5}l5 5l-5 5l-5 -5z", class_="touched")
    return None


def _leads(where: Place, lane: int, y: int) -> Markup | None:
    """Dotted from our lane to the server that a redirect leads to."""
    if lane == PROXY:
        return None
    x, end = where.lanes[PROXY], where.lanes[lane]
    return join(
        [
            tag("path", d=f"M{x} {y + 5}H{end - 5}", class_="leads"),
            tag("circle", cx=end, cy=y + 5, r=4, class_="ring"),
        ]
    )


_DRAW: dict[type, Callable[[Scene, Row, Place, int, Link | None], Markup]] = {
    Arrow: _arrow,
    Remark: _remark,
}
