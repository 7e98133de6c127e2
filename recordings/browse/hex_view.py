"""Bytes as a hexdump in the colours of their fields, those of the selected field lit."""

from __future__ import annotations

from rich.text import Text
from textual import events
from textual.message import Message

from recordings.browse.line_view import LineView
from recordings.hexdump import STYLES
from recordings.model import Span
from recordings.text import ascii_text

WIDE, NARROW = 16, 8
"""Bytes of a row."""
OFFSET = 6
"""Columns of the offset and its gap."""
SPAN_LIMIT = 5_000
LIT = "bold black on yellow"


class HexView(LineView):
    """A hexdump; only the rows that are seen are made."""

    class Pointed(Message):
        """A byte was clicked."""

        def __init__(self, path: str) -> None:
            super().__init__()
            self.path = path

    def __init__(self, *, id: str) -> None:
        super().__init__(id=id, cursor=False)
        self._data = b""
        self._spans: list[Span] = []
        self._colours: dict[str, str] = {}
        self._lit: tuple[int, int] = (0, 0)

    @property
    def row(self) -> int:
        """Bytes of a row that fit."""
        return WIDE if self.size.width >= OFFSET + WIDE * 4 + 3 else NARROW

    def show(self, data: bytes, spans: list[Span]) -> None:
        """Show other bytes; `spans` are of these very bytes."""
        self._data = data
        ordered = sorted(spans[:SPAN_LIMIT], key=lambda one: (one.start, -one.end))
        self._colours = {
            path: STYLES[i % len(STYLES)]
            for i, path in enumerate(dict.fromkeys(one.path for one in ordered))
        }
        self._spans = sorted(ordered, key=lambda one: one.start - one.end)  # the longest first
        self._lit = (0, 0)
        self._lay()

    def _lay(self) -> None:
        rows = -(-len(self._data) // self.row)
        width = OFFSET + self.row * 4 + 3
        self.set_maker(rows, self._text, width)

    def on_resize(self) -> None:
        """Rows may hold more or fewer bytes now."""
        self._lay()
        self.light(*self._lit)

    def colour(self, path: str) -> str:
        """The colour of a field, "" when it has no bytes here."""
        return self._colours.get(path, "")

    def light(self, start: int, end: int) -> None:
        """Light some bytes and bring them into sight."""
        self._lit = (start, end)
        self.refresh()
        if end > start:
            self.show_line((end - 1) // self.row)
            self.show_line(start // self.row)

    def light_field(self, path: str | None) -> None:
        """Light the bytes of a field and of what is in it."""
        found = [
            one
            for one in self._spans
            if path and (one.path == path or one.path.startswith((f"{path}.", f"{path}[")))
        ]
        exact = [one for one in found if one.path == path] or found
        if exact:
            self.light(min(one.start for one in exact), max(one.end for one in exact))
        else:
            self._lit = (0, 0)
            self.refresh()

    def on_click(self, event: events.Click) -> None:
        """Tell which field a byte belongs to."""
        row = self.row
        column = event.x + self.scroll_offset.x - OFFSET
        text = column - row * 3 - 2
        inside = text if text >= 0 else (column - (column > row // 2 * 3)) // 3
        offset = (event.y + self.scroll_offset.y) * row + inside
        for span in reversed(self._spans):
            if span.start <= offset < span.end:
                self.post_message(self.Pointed(span.path))
                return

    def _styles(self, start: int, end: int) -> list[str]:
        styles = [""] * (end - start)
        for span in self._spans:
            if span.end > start and span.start < end:
                low, high = max(span.start, start) - start, min(span.end, end) - start
                styles[low:high] = [self._colours[span.path]] * (high - low)
        for at in range(max(self._lit[0], start), min(self._lit[1], end)):
            styles[at - start] = LIT
        return styles

    def _text(self, index: int) -> Text:
        row = self.row
        start = index * row
        data = self._data[start : start + row]
        styles = self._styles(start, start + len(data))
        text = Text(f"{start:04x}  ", style="")
        text.stylize("dim", 0, OFFSET)
        for i in range(row):
            style = styles[i] if i < len(data) else ""
            text.append(f"{data[i]:02x}" if i < len(data) else "  ", style)
            joined = style == LIT and i + 1 < len(data) and styles[i + 1] == LIT
            text.append("  " if i == row // 2 - 1 else " ", style if joined else "")
        text.append(" ")
        for char, style in zip(ascii_text(data), styles, strict=True):
            text.append(char, style)
        return text
