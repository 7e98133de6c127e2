"""Recorded frames as golden bytes in Python, for the tests of a protocol.

What is written goes as it is into `tests/vectors/<protocol>.py`: a `Vector` for each kind and
direction, its bytes cut into one line per field.
"""

from __future__ import annotations

from collections.abc import Iterator

from recordings.exporting.choice import Choice
from recordings.model import Direction, Frame, Span
from recordings.reader import Reader
from recordings.viewing import Viewer

HEAD = '''"""Golden bytes taken from a recording: one line per field."""

from __future__ import annotations

from recordings.model import Direction
from tests.protocols.harness import Vector

UP, DOWN = Direction.TO_SERVER, Direction.TO_CLIENT

VECTORS = (
'''
LONGEST = 4096
"""Bytes of a frame that is of use as a vector."""
LINE = 64
"""Bytes of one line of hexadecimal."""


def python_vectors(
    reader: Reader, choice: Choice, viewer: Viewer, *, each: int = 1
) -> Iterator[str]:
    """The text of a Python file: `each` frames of every protocol, kind and direction."""
    protocols = {flow.id: flow.protocol for flow in choice.flows(reader)}
    taken: dict[tuple[str, str, Direction], int] = {}
    yield HEAD
    for frame in choice.frames(reader):
        protocol = frame.protocol or protocols[frame.flow_id]
        if frame.raw is None or not frame.clear or len(frame.clear) > LONGEST:
            continue
        shown = viewer.view(protocol, frame)
        key = protocol, shown.kind, frame.direction
        taken[key] = taken.get(key, 0) + 1
        if taken[key] <= each:
            yield from _vector(protocol, frame, shown.kind, shown.fields, shown.spans)
    yield ")\n"


def _vector(
    protocol: str, frame: Frame, kind: str, fields: object, spans: list[Span]
) -> Iterator[str]:
    way = "UP" if frame.direction is Direction.TO_SERVER else "DOWN"
    name = f"{protocol} {kind}, frame {frame.id}"
    yield f"    Vector(\n        {name!r},\n        {way},\n        bytes.fromhex(\n"
    for start, end, comment in _pieces(spans, len(frame.clear)):
        for place in range(start, end, LINE):
            digits = frame.clear[place : min(place + LINE, end)].hex()
            note = f"  # {comment}" if place == start and comment else ""
            yield f'            "{digits}"{note}\n'
    yield "        ),\n"
    yield f"        {kind!r},\n        {fields!r},\n    ),\n"


def _pieces(spans: list[Span], size: int) -> Iterator[tuple[int, int, str]]:
    """Every byte once, with the field that it belongs to; what lies within another is left out."""
    place = 0
    for span in sorted(spans, key=lambda one: (one.start, -one.end)):
        if span.start < place or span.end <= span.start:
            continue
        if span.start > place:
            yield place, span.start, ""
        yield span.start, span.end, _one_line(span.path)
        place = span.end
    if place < size:
        yield place, size, ""


def _one_line(text: str) -> str:
    return text if text.isprintable() else ascii(text)
