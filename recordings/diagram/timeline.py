"""When each flow spoke, and how much: a strip a flow, what the client sent above the line."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from recordings.diagram.drawing import fit
from recordings.markup import Markup, tag
from recordings.reader import Reader
from recordings.rows import FlowRow
from recordings.text import size, span

BINS = 240
"""Slices of the session's time."""
STRIP = 56
LEFT = 230
WIDTH = LEFT + 4 * BINS + 20
TOP = 26
HALF = 22
"""Pixels of the tallest bar."""
FLOWS = 60
"""Strips of one picture: the flows with the most bytes."""
TICKS = 6

_SQL = """
SELECT flow_id, (at - ?1) / ?2, direction, count(*), sum(COALESCE(length(raw), length(sent), 0))
FROM frames CROSS JOIN flows ON flows.id = frames.flow_id
WHERE flows.session_id = ?3 GROUP BY 1, 2, 3
"""


@dataclass(frozen=True, slots=True)
class Bin:
    """A slice of a flow's time, one direction."""

    number: int
    upward: bool
    frames: int
    bytes: int


@dataclass(frozen=True, slots=True)
class Traffic:
    """A session's traffic over time."""

    start: int
    step: int
    """Microseconds of one slice."""
    flows: list[FlowRow]
    bins: dict[int, list[Bin]]


def traffic(reader: Reader, session_id: int) -> Traffic:
    """Count a session's frames by flow and slice of time; reads every frame of the session."""
    flows = [flow for flow in reader.flows(session_id) if flow.first_at is not None]
    start = min((flow.first_at or 0 for flow in flows), default=0)
    end = max((flow.last_at or 0 for flow in flows), default=0)
    step = max(1, -(-(end - start + 1) // BINS))
    bins: dict[int, list[Bin]] = {}
    for flow_id, number, way, frames, total in reader.query(_SQL, (start, step, session_id)).rows:
        slot = min(BINS - 1, max(0, number))  # a clock may have been set back
        bins.setdefault(flow_id, []).append(Bin(slot, way == "c>s", frames, total))
    flows.sort(key=lambda flow: -(flow.bytes_up + flow.bytes_down))
    shown = sorted(flows[:FLOWS], key=lambda flow: flow.id)
    return Traffic(start, step, shown, bins)


def draw_timeline(found: Traffic, link: Callable[[FlowRow], str] | None = None) -> Markup:
    """The strips as SVG, each scaled to its own tallest bar."""
    height = TOP + STRIP * len(found.flows) + 8
    strips = [
        _strip(found, flow, TOP + STRIP * number, link) for number, flow in enumerate(found.flows)
    ]
    return tag(
        "svg",
        _axis(found, height),
        strips,
        xmlns="http://www.w3.org/2000/svg",
        width=WIDTH,
        height=height,
        viewBox=f"0 0 {WIDTH} {height}",
        class_="timeline",
        role="group",
        aria_label="Traffic of each flow over time; the table of flows gives the sums.",
    )


def _axis(found: Traffic, height: int) -> list[Markup]:
    marks = []
    for number in range(TICKS + 1):
        x = LEFT + 4 * BINS * number // TICKS
        time = span(found.step * BINS * number // TICKS)
        marks += [
            tag("path", d=f"M{x} {TOP - 6}V{height}", class_="tick"),
            tag("text", time, x=x, y=14, class_="time"),
        ]
    return marks


def _strip(found: Traffic, flow: FlowRow, y: int, link: Callable[[FlowRow], str] | None) -> Markup:
    bins = found.bins.get(flow.id, [])
    tallest = max((one.bytes for one in bins), default=0) or 1
    middle = y + STRIP // 2
    name = flow.hostname or flow.server or "Understudy itself"
    title = f"flow {flow.id}  {flow.protocol}"
    facts = f"{flow.frames} frames, {size(flow.bytes_up)} up, {size(flow.bytes_down)} down"
    top = tag("text", fit(title, LEFT - 20), x=8, y=middle - 10, class_="who")
    return tag(
        "g",
        tag("title", f"{title} {name}: {facts}"),
        tag("a", top, href=link(flow)) if link else top,
        tag("text", fit(name, LEFT - 20), x=8, y=middle + 5, class_="detail"),
        tag("text", fit(facts, LEFT - 20), x=8, y=middle + 19, class_="detail"),
        tag("path", d=f"M{LEFT} {middle}H{LEFT + 4 * BINS}", class_="zero"),
        [_bar(found, one, middle, tallest) for one in bins],
    )


def _bar(found: Traffic, one: Bin, middle: int, tallest: int) -> Markup:
    tall = max(1.0, round(HALF * one.bytes / tallest, 1))
    when = span(found.step * one.number)
    way = "to the server" if one.upward else "to the client"
    return tag(
        "rect",
        tag("title", f"{when}: {one.frames} frames {way}, {size(one.bytes)}"),
        x=LEFT + 4 * one.number,
        y=middle - tall if one.upward else middle,
        width=3.2,
        height=tall,
        class_="up" if one.upward else "down",
    )
