"""Two frames, or two sessions, side by side."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import ClassVar

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding
from textual.message import Message
from textual.screen import ModalScreen
from textual.widgets import Footer, Static

from recordings.browse.align import Pair, align, differs
from recordings.browse.frame_line import ARROWS, said
from recordings.browse.line_view import LineView
from recordings.browse.pages import Line, Pages, Scope, Ticket
from recordings.frame_report import Report
from recordings.hexdump import Marks
from recordings.reader import Reader
from recordings.text import ascii_text, crop, dump, flatten, safe, size
from recordings.viewing import Viewer

SESSION_FRAMES = 20_000
"""Frames of each session that are compared."""
ROW = 8
"""Bytes of a row of one side."""
CHANGED = "bold yellow"


class Comparison(ModalScreen[int | None]):
    """Rows of two sides. Escape closes it."""

    DEFAULT_CSS = """
    Comparison > Static { height: 1; background: $primary; color: $text; padding: 0 1; }
    Comparison > LineView { height: 1fr; }
    """
    BINDINGS: ClassVar = [
        Binding("escape,q,x", "dismiss_none", "back"),
        Binding("n", "next(1)", "next difference"),
        Binding("N", "next(-1)", "previous"),
    ]

    class Wanted(Message):
        """The user wants the two frames of a row compared."""

        def __init__(self, left: int, right: int) -> None:
            super().__init__()
            self.left = left
            self.right = right

    def __init__(self, heading: str, rows: list[tuple[Text, Text, bool]], pairs: list[Pair]):
        super().__init__()
        self._heading = heading
        self._rows = rows
        self._pairs = pairs

    def compose(self) -> ComposeResult:
        """Heading, rows, keys."""
        different = sum(row[2] for row in self._rows)
        same = len(self._rows) - different
        yield Static(f"{self._heading}: {same:,} rows alike, {different:,} not", markup=False)
        yield LineView(id="rows")
        yield Footer(compact=True, show_command_palette=False)

    def on_mount(self) -> None:
        """The rows can be walked through."""
        self._lay()
        self.query_one(LineView).focus()

    def on_resize(self) -> None:
        """The sides share the new width."""
        self._lay()

    def _lay(self) -> None:
        view = self.query_one(LineView)
        half = max(20, (self.size.width - 4) // 2)
        index = view.index

        def make(at: int) -> Text:
            left, right, different = self._rows[at]
            left = left.copy()
            left.truncate(half, overflow="ellipsis", pad=True)
            mark = Text(" ≠ " if different else "   ", CHANGED)
            return Text.assemble(left, mark, right)

        view.set_maker(len(self._rows), make, half * 2 + 3)
        view.action_move(index)

    def action_next(self, way: int) -> None:
        """Go to the next row that differs."""
        view = self.query_one(LineView)
        ends = range(view.index + way, len(self._rows) if way > 0 else -1, way)
        found = next((at for at in ends if self._rows[at][2]), None)
        if found is not None:
            view.action_move(found - view.index)

    def on_line_view_chosen(self, event: LineView.Chosen) -> None:
        """Two frames of a row of sessions are compared in turn."""
        if event.index < len(self._pairs):
            left, right = self._pairs[event.index]
            if left is not None and right is not None:
                self.post_message(self.Wanted(left.id, right.id))

    def action_dismiss_none(self) -> None:
        """Back to the browser."""
        self.dismiss(None)


def of_frames(left: Report, right: Report) -> Comparison:
    """Fields by their path, then bytes."""
    heading = f"frames {left.frame.id} and {right.frame.id}"
    return Comparison(heading, list(_frame_rows(left, right)), [])


def _frame_rows(left: Report, right: Report) -> Iterator[tuple[Text, Text, bool]]:
    sides = (left, right)
    heads = [f"{safe(one.shown.kind[:40])} {size(len(one.frame.clear))}" for one in sides]
    yield Text(heads[0], "bold"), Text(heads[1], "bold"), heads[0] != heads[1]
    values = [dict(flatten(one.shown.fields)) for one in sides]
    paths = dict.fromkeys([*values[0], *values[1]])
    wide = min(20, max((len(safe(path)) for path in paths), default=0))
    for path in paths:
        different = values[0].get(path) != values[1].get(path) or any(
            path not in one for one in values
        )
        style = CHANGED if different else ""
        cells = [
            Text.assemble(
                (f"{safe(path[:60]):{wide}} ", "bold"),
                (safe(crop(dump(one[path]), 200)) if path in one else "—", style),
            )
            for one in values
        ]
        yield cells[0], cells[1], different
    yield Text(""), Text(""), False
    yield from _byte_rows(left.frame.clear, right.frame.clear)


def _byte_rows(left: bytes, right: bytes) -> Iterator[tuple[Text, Text, bool]]:
    changed = [Marks.of_change(right, left).owners, Marks.of_change(left, right).owners]
    for start in range(0, min(max(len(left), len(right)), 1 << 16), ROW):
        cells = []
        for data, owners in zip((left, right), changed, strict=True):
            part = data[start : start + ROW]
            text = Text(f"{start:04x} ", "dim")
            for at, byte in enumerate(part, start):
                text.append(f"{byte:02x} ", CHANGED if at in owners else "")
            text.append("   " * (ROW - len(part)))
            for at, char in enumerate(ascii_text(part), start):
                text.append(char, CHANGED if at in owners else "")
            cells.append(text)
        same = left[start : start + ROW] == right[start : start + ROW]
        yield cells[0], cells[1], not same


def session_pairs(
    viewer: Viewer | None, left: int, right: int
) -> Callable[[Reader, Ticket], list[Pair]]:
    """Work for a librarian: the frames of two sessions, in pairs."""

    def read(reader: Reader, ticket: Ticket) -> list[Pair]:
        lines = [
            Pages(reader, Scope(number), viewer).after(0, SESSION_FRAMES, ticket).lines
            for number in (left, right)
        ]
        return align(*lines)

    return read


def of_sessions(left: int, right: int, pairs: list[Pair]) -> Comparison:
    """Frames of two sessions; Enter on a row compares its two frames."""
    rows = [(_cell(one), _cell(other), differs((one, other))) for one, other in pairs]
    heading = f"sessions {left} and {right}"
    if any(len([p for p in pairs if p[side]]) >= SESSION_FRAMES for side in (0, 1)):
        heading += f", the first {SESSION_FRAMES:,} frames"
    return Comparison(heading, rows, pairs)


def _cell(line: Line | None) -> Text:
    if line is None:
        return Text("—", "dim")
    arrow, colour = ARROWS.get(line.direction, ("?", "red"))
    return Text.assemble(
        (f"{line.id:>5} ", "dim"),
        (arrow, colour),
        (f" {safe((line.kind or '?')[:30])} ", "cyan"),
        said(line)[:120],
    )
