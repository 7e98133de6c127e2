"""One frame as one line of a list."""

from __future__ import annotations

from dataclasses import dataclass

from rich.text import Text

from recordings.browse.pages import FIELDS_LIMIT, Line
from recordings.frame_columns import what, wrong_checks
from recordings.text import crop, local_time, safe

ARROWS = {"c>s": ("→", "green"), "s>c": ("←", "dodger_blue2")}
KIND_WIDTH = 14
NARROW_KIND = 10
PROTOCOL_WIDTH = 12
WIDE = 70
WIDER = 110
"""Columns of the list from which on it shows the flow, and the protocol."""


@dataclass(frozen=True, slots=True)
class Shape:
    """What the lines of a list have room for."""

    width: int
    digits: int
    """Of the highest id."""
    flow: bool
    """Whether frames of several flows are listed."""


def line_text(line: Line, shape: Shape, noted: bool) -> Text:
    """`17* 12:00:01.123 → auth NAME=alice`, cut to the width."""
    text = Text(no_wrap=True, overflow="ellipsis", end="")
    text.append(f"{line.id:>{shape.digits}}", "bold")
    text.append("*" if noted else " ", "bold yellow")
    text.append(local_time(line.at)[11:] + " ", "dim")
    if shape.flow and shape.width >= WIDE:
        text.append(f"{line.flow_id:>4} ", "dim")
    arrow, colour = ARROWS.get(line.direction, ("?", "red"))
    text.append(arrow + " ", colour)
    if shape.flow and shape.width >= WIDER:
        text.append(f"{crop(safe(line.protocol[:40]), PROTOCOL_WIDTH):{PROTOCOL_WIDTH}} ", "dim")
    wrong = line.error or wrong_checks(line.derived)
    wide = KIND_WIDTH if shape.width >= WIDE else NARROW_KIND
    kind = crop(safe((line.kind or "?")[:80]), wide)
    text.append(f"{kind:{wide}} ", "red" if wrong else "cyan")
    text.append(said(line)[: shape.width * 2], "red" if wrong else "")
    text.truncate(shape.width, overflow="ellipsis", pad=True)
    return text


def said(line: Line) -> str:
    """What a frame says, in one line."""
    fields = line.fields
    if fields is not None and len(fields) > FIELDS_LIMIT:
        return safe(fields[:400])
    return what(
        {
            "derived": line.derived,
            "fields": fields,
            "kind": line.kind,
            "error": line.error,
            "action": line.action,
            "plain": line.head,
        }
    )
