"""A diagram as part of a page: the names of the lanes stay in sight, the rest is scrolled."""

from __future__ import annotations

from pathlib import Path

from recordings.diagram.drawing import HEAD, Link, body, heads, place
from recordings.diagram.scene import Scene
from recordings.markup import Markup, tag

STYLE = Path(__file__).with_name("diagram.css").read_text("utf-8")
SCRIPT = Path(__file__).with_name("diagram.js").read_text("utf-8")

_BUTTONS = (
    ("out", "\N{MINUS SIGN}", "Smaller (key -)"),
    ("in", "+", "Larger (key +)"),
    ("whole", "Fit", "As wide as the window (key 0)"),
)
_LEGEND = (
    ("request", "request"),
    ("answer", "answer"),
    ("push", "push, unasked"),
    ("redirect", "redirect ↪"),
    ("wrong", "! unreadable or WRONG"),
)


def picture(scene: Scene, link: Link) -> Markup:
    """The diagram with its buttons; they appear with the script."""
    where = place(scene)
    count = len(scene.arrows)
    name = f"Sequence diagram of {scene.title}: {count} messages; the table below says the same."
    buttons = [
        tag("button", sign, type="button", data_zoom=way, title=tip, aria_label=tip)
        for way, sign, tip in _BUTTONS
    ]
    tools = tag("div", buttons, class_="zoom", hidden=True, role="group", aria_label="Zoom")
    return tag(
        "section",
        tag("div", tools, _legend(), class_="tools"),
        tag(
            "div",
            _svg(heads(scene, where), where.width, HEAD, "heads", None),
            _svg(list(body(scene, where, link)), where.width, where.height, "rows", name),
            class_="scroll",
            tabindex=0,
            role="region",
            aria_label="Diagram: arrow keys go from message to message",
        ),
        class_="diagram",
    )


def _legend() -> Markup:
    def one(role: str, text: str) -> Markup:
        ring = tag("circle", cx=5, cy=6, r=4, class_="ring") if role == "push" else None
        line = tag("path", d=f"M{9 if ring else 1} 6H34", class_="line")
        tip = tag("path", d="M26 2L34 6l-8 4z", class_="tip")
        svg = tag("svg", tag("g", ring, line, tip, class_=f"m {role}"), width=36, height=12)
        return tag("li", svg, f" {text}")

    return tag("ul", [one(*entry) for entry in _LEGEND], class_="legend")


def _svg(
    content: Markup | list[Markup], width: int, height: int, class_: str, name: str | None
) -> Markup:
    return tag(
        "svg",
        content,
        xmlns="http://www.w3.org/2000/svg",
        width=width,
        height=height,
        viewBox=f"0 0 {width} {height}",
        preserveAspectRatio="none" if name else "xMinYMin meet",
        class_=class_,
        role="group" if name else "presentation",
        aria_label=name,
    )
