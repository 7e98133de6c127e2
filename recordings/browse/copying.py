"""A frame as text for other programs: hex, JSON, a golden vector of a protocol's test."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator

from recordings.frame_report import Report, as_json
from recordings.model import Direction, Span
from recordings.text import crop, flatten, safe

LINE = 32
"""Bytes of a line of a vector."""
VALUE = 60


def as_hex(report: Report) -> str:
    """The raw bytes, one line."""
    frame = report.frame
    return (frame.raw if frame.raw is not None else frame.sent or b"").hex()


def as_object(report: Report) -> str:
    """Everything that is known of the frame, as JSON."""
    return json.dumps(as_json(report), indent=1)


def as_vector(report: Report) -> str:
    """An entry of `VECTORS`, a comment for each field."""
    frame, shown = report.frame, report.shown
    way = "TO_SERVER" if frame.direction is Direction.TO_SERVER else "TO_CLIENT"
    raw = frame.raw if frame.raw is not None else frame.sent or b""
    lines = [
        "Vector(",
        f"    {f'{shown.kind}, frame {frame.id} of a recording'!r},",
        f"    Direction.{way},",
    ]
    lines += _bytes("", raw, [] if frame.plain is not None else shown.spans, report)
    lines += [f"    {shown.kind!r},", f"    {shown.fields!r},"]
    if frame.plain is not None:
        lines += _bytes("plain=", frame.plain, shown.spans, report)
        lines.append(f"    cipher={frame.cipher!r},")
    if report.checks:
        lines.append(f"    checks={report.checks!r},")
    if frame.error is not None:
        lines.append(f"    error={frame.error!r},")
    return "\n".join([*lines, "),"])


def _bytes(name: str, data: bytes, spans: list[Span], report: Report) -> Iterator[str]:
    values = dict(flatten(report.shown.fields))
    yield f"    {name}bytes.fromhex("
    for start, end, path in _runs(spans, len(data)):
        said = f"{path} {crop(safe(str(values[path])), VALUE)}" if path in values else path
        for at in range(start, end, LINE):
            comment = f"  # {safe(said)}" if said and at == start else ""
            yield f'        "{data[at : min(end, at + LINE)].hex()}"{comment}'
    yield "    ),"


def _runs(spans: list[Span], length: int) -> Iterator[tuple[int, int, str]]:
    """Neighbouring bytes of one field; what lies between fields has the path ""."""
    at = 0
    for span in sorted(spans, key=lambda one: (one.start, -one.end)):
        if span.start < at or span.end > length or span.end <= span.start:
            continue
        if span.start > at:
            yield at, span.start, ""
        yield span.start, span.end, span.path
        at = span.end
    if at < length:
        yield at, length, ""


FORMS: dict[str, tuple[str, Callable[[Report], str], str]] = {
    "h": ("hex", as_hex, "hex"),
    "j": ("JSON", as_object, "json"),
    "p": ("Python vector", as_vector, "py"),
}
"""Key -> (what it is, how it is made, the end of a file's name)."""


def file_name(report: Report, ending: str) -> str:
    """Where a copy is written when the terminal cannot take it."""
    kind = re.sub(r"[^A-Za-z0-9]+", "", report.shown.kind)[:30] or "frame"
    return f"frame-{report.frame.id}-{kind}.{ending}"
