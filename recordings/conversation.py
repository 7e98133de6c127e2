"""A conversation as text: what one side said, then what the other said, bytes as they were."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from recordings.model import Direction, Frame
from recordings.text import load, local_time, safe, span, summary
from recordings.viewing import Viewer

ROW = 16
"""Bytes of a row of hex."""
SHOWN = 4_096
"""Bytes of a frame that are shown unless all are asked for."""
PAUSE = 1_000_000
"""Microseconds of silence that are worth a line."""


@dataclass(frozen=True, slots=True)
class Said:
    """A line, and which side it belongs to (None: neither)."""

    text: str
    direction: Direction | None = None


def fields_of(frame: Frame, protocol: str, viewer: Viewer | None) -> tuple[str, str]:
    """Kind and fields in one line; a frame without a view gets one now."""
    if frame.kind is None and viewer is not None:
        shown = viewer.view(frame.protocol or protocol, frame)
        return safe(shown.kind), summary(shown.fields, 2_000, frame.derived)
    return safe(frame.kind or "?"), summary(load(frame.fields), 2_000, frame.derived)


def as_message(frame: Frame, protocol: str, viewer: Viewer | None, limit: int) -> Iterator[str]:
    """The message; what could not be read as its text."""
    kind, said = fields_of(frame, protocol, viewer)
    error = f"  ! {safe(frame.error[:300])}" if frame.error else ""
    yield f"{kind}{'  ' if said else ''}{said}{error}"
    if not said and kind == "Opaque":
        yield from as_ascii(frame, protocol, viewer, limit)


def as_ascii(frame: Frame, protocol: str, viewer: Viewer | None, limit: int) -> Iterator[str]:
    """The clear bytes as text, line by line; what is not printable as a dot."""
    data = frame.clear
    for line in data[:limit].replace(b"\r\n", b"\n").split(b"\n"):
        yield "".join(chr(byte) if 32 <= byte < 127 else "." for byte in line)
    yield from _more(data, limit)


def as_hex(frame: Frame, protocol: str, viewer: Viewer | None, limit: int) -> Iterator[str]:
    """The clear bytes as a hexdump."""
    data = frame.clear
    for start in range(0, min(len(data), limit), ROW):
        part = data[start : min(start + ROW, limit)]
        text = "".join(chr(byte) if 32 <= byte < 127 else "." for byte in part)
        yield f"{start:04x}  {part.hex(' '):{ROW * 3}} {text}"
    yield from _more(data, limit)


def _more(data: bytes, limit: int) -> Iterator[str]:
    if len(data) > limit:
        yield f"… {len(data) - limit:,} bytes more: --all shows them"


Form = Callable[[Frame, str, Viewer | None, int], Iterator[str]]


class Conversation:
    """Turns frames into lines, one after the other; headings where the speaker changes."""

    def __init__(
        self, protocols: Callable[[int], str], viewer: Viewer | None, form: Form, limit: int
    ) -> None:
        self._protocols = protocols
        self._viewer = viewer
        self._form = form
        self._limit = limit
        self._last: tuple[Direction, int] | None = None
        self._at: int | None = None

    def lines(self, frame: Frame) -> Iterator[Said]:
        """The lines of the next frame."""
        speaker = (frame.direction, frame.flow_id)
        if self._at is not None and frame.at - self._at >= PAUSE:
            yield Said(f"  … {span(frame.at - self._at)} of silence")
            self._last = None
        if speaker != self._last:
            who = "client" if frame.direction is Direction.TO_SERVER else "server"
            protocol = safe(self._protocols(frame.flow_id))
            heading = f"{who}, flow {frame.flow_id} {protocol}, {local_time(frame.at)[11:]}"
            yield Said(heading, frame.direction)
        self._last, self._at = speaker, frame.at
        indent = "  > " if frame.direction is Direction.TO_SERVER else "  < "
        protocol = self._protocols(frame.flow_id)
        for line in self._form(frame, protocol, self._viewer, self._limit):
            yield Said(indent + line, frame.direction)
