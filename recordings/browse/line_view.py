"""Lines of text that scroll; one of them may be selected. Only what is seen is drawn."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import ClassVar

from rich.segment import Segment
from rich.style import Style
from rich.text import Text
from textual import events
from textual.binding import Binding
from textual.geometry import Region, Size
from textual.message import Message
from textual.scroll_view import ScrollView
from textual.strip import Strip

_SELECTED = Style(bgcolor="#2f4f7f", bold=True)
_RESTING = Style(bgcolor="grey23")


class LineView(ScrollView, can_focus=True):
    """Some lines; `make` gives the text of one when it is drawn."""

    BINDINGS: ClassVar = [
        Binding("up,k", "move(-1)", show=False),
        Binding("down,j", "move(1)", show=False),
        Binding("pageup", "page(-1)", show=False),
        Binding("pagedown", "page(1)", show=False),
        Binding("home", "move(-1000000000)", show=False),
        Binding("end", "move(1000000000)", show=False),
        Binding("enter", "choose", show=False),
    ]

    class Moved(Message):
        """Another line is selected."""

        def __init__(self, view: LineView, index: int) -> None:
            super().__init__()
            self.view = view
            self.index = index

        @property
        def control(self) -> LineView:
            """The view, for `on` with a selector."""
            return self.view

    class Chosen(Moved):
        """The user wants more of the selected line."""

    def __init__(self, *, id: str | None = None, cursor: bool = True) -> None:
        super().__init__(id=id)
        self._cursor = cursor
        self._count = 0
        self._make: Callable[[int], Text] = lambda index: Text()
        self.index = 0

    def set_lines(self, lines: Sequence[Text], *, index: int = 0) -> None:
        """Show these lines."""
        self.set_maker(len(lines), lambda at: lines[at], max([1, *(len(t) for t in lines)]))
        self.index = max(0, min(index, len(lines) - 1))
        self._show_cursor()

    def set_maker(self, count: int, make: Callable[[int], Text], width: int) -> None:
        """Show as many lines as `count`, each made when it is seen."""
        self._count, self._make = count, make
        self.index = 0
        self.virtual_size = Size(width, count)
        self.scroll_to(0, 0, animate=False)
        self.refresh()

    def action_move(self, delta: int) -> None:
        """Select another line."""
        if not self._cursor:
            self.scroll_relative(y=max(-self._count, min(delta, self._count)), animate=False)
            return
        index = max(0, min(self.index + delta, self._count - 1))
        if index != self.index:
            self.index = index
            self._show_cursor()
            self.post_message(self.Moved(self, index))

    def action_page(self, direction: int) -> None:
        """Turn a page."""
        self.action_move(direction * max(1, self.size.height - 1))

    def action_choose(self) -> None:
        """More of the selected line."""
        if self._count:
            self.post_message(self.Chosen(self, self.index))

    def on_click(self, event: events.Click) -> None:
        """A click selects, a second one chooses."""
        index = event.y + self.scroll_offset.y
        if self._cursor and index < self._count:
            self.action_move(index - self.index)
            if event.chain > 1:
                self.action_choose()

    def show_line(self, index: int) -> None:
        """Scroll so that a line is seen."""
        region = Region(self.scroll_offset.x, index, 1, 1)
        self.scroll_to_region(region, animate=False, force=True)
        self.refresh()

    def _show_cursor(self) -> None:
        if self._cursor:
            self.show_line(self.index)

    def render_line(self, y: int) -> Strip:
        """One row of the screen."""
        left, top = self.scroll_offset
        index = top + y
        width = self.size.width
        if index >= self._count:
            return Strip([Segment(" " * width)], width).apply_style(self.rich_style)
        text = self._make(index)
        text.no_wrap, text.end = True, ""
        strip = Strip(list(text.render(self.app.console))).crop(left, left + width)
        strip = strip.adjust_cell_length(width)
        if self._cursor and index == self.index:
            strip = strip.apply_style(_SELECTED if self.has_focus else _RESTING)
        return strip.apply_style(self.rich_style)
