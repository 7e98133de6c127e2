"""The next frame of a recording from a place on: an id, or within one flow a number.

Who walks along places in windows asks here where an empty window ends: ids may have gaps of any
width, and a file made to harm has them of 2**62.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

Select = Callable[[str, Sequence[Any]], Sequence[Any]]
"""Rows of a statement: `Reader.select`."""


def behind(select: Select, place: int, flow_id: int | None = None) -> int | None:
    """The lowest place above this one that a frame has."""
    return _edge(select, "min", ">", place, flow_id)


def before(select: Select, place: int, flow_id: int | None = None) -> int | None:
    """The highest place below this one that a frame has."""
    return _edge(select, "max", "<", place, flow_id)


def _edge(select: Select, edge: str, side: str, place: int, flow_id: int | None) -> int | None:
    axis, own = ("id", "") if flow_id is None else ("number", "flow_id = ? AND ")
    given = (place,) if flow_id is None else (flow_id, place)
    rows = select(f"SELECT {edge}({axis}) FROM frames WHERE {own}{axis} {side} ?", given)
    found: int | None = rows[0][0]
    return found
