"""The list of frames: a window on a recording of any length.

How many frames there are it does not know; its bar shows the place between the first and the last.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar, TypeAlias

from rich.segment import Segment
from rich.style import Style
from rich.text import Text
from textual import events
from textual.binding import Binding
from textual.message import Message
from textual.strip import Strip
from textual.widget import Widget

from recordings.browse.frame_line import Shape, line_text
from recordings.browse.librarian import Librarian
from recordings.browse.pages import Line, Page, Pages, Scope, Ticket
from recordings.browse.window import AHEAD, HELD, Window
from recordings.reader import Reader
from recordings.viewing import Viewer

FIRST = 60
"""Lines of the first page."""
END = 1 << 62

SELECTED = Style(bgcolor="#2f4f7f", bold=True)
RESTING = Style(bgcolor="grey23")

Bounds: TypeAlias = tuple[int, int]


class FrameList(Widget, can_focus=True):
    """Frames of a scope, one a line, one of them selected."""

    BINDINGS: ClassVar = [
        Binding("up,k", "move(-1)", show=False),
        Binding("down,j", "move(1)", show=False),
        Binding("pageup", "page(-1)", show=False),
        Binding("pagedown,space", "page(1)", show=False),
        Binding("home,g", "first", show=False),
        Binding("end,G", "last", show=False),
        Binding("enter", "open", show=False),
    ]

    class Selected(Message):
        """Another frame is selected, or none."""

        def __init__(self, line: Line | None) -> None:
            super().__init__()
            self.line = line

    class Opened(Message):
        """The user wants to see the selected frame."""

    class Looking(Message):
        """How far a search for more lines is; None: it is over."""

        def __init__(self, share: float | None, failure: str | None = None) -> None:
            super().__init__()
            self.share = share
            self.failure = failure

    def __init__(self, librarian: Librarian, viewer: Viewer | None, *, id: str) -> None:
        super().__init__(id=id)
        self._librarian = librarian
        self._viewer = viewer
        self.scope = Scope()
        self.window = Window()
        self.bounds: Bounds = (1, 0)
        self.noted: set[int] = set()
        self._loading = False
        self._texts: dict[int, Text] = {}

    @property
    def selected(self) -> Line | None:
        """The line of the cursor."""
        return self.window.selected

    # What to show

    def show(self, scope: Scope, frame_id: int | None = None, *, last: bool = False) -> None:
        """List another scope from its beginning, its end, or from a frame on."""
        self.scope = scope
        self.window = Window(self.window.height)
        self._texts = {}
        self.go(frame_id, last=last)
        self._changed()

    def go(self, frame_id: int | None = None, *, last: bool = False, place: int = 0) -> None:
        """Stand on a frame of this scope, its end, a place, or its beginning."""
        for index, line in enumerate(self.window.lines):
            if line.id == frame_id:
                self.window.select(index)
                self._changed()
                return
        scope, viewer = self.scope, self._viewer
        count = max(FIRST, self.size.height * AHEAD)

        def read(reader: Reader, ticket: Ticket) -> tuple[Bounds, Page, Page]:
            pages = Pages(reader, scope, viewer)
            at = END if last else place
            if frame_id is not None:
                at = pages.place_of(frame_id) or frame_id
            if at >= END or at > pages.bounds[1]:
                return pages.bounds, pages.before(END, count, ticket), Page()
            if at <= pages.bounds[0]:
                return pages.bounds, Page(), pages.after(0, count, ticket)
            return pages.bounds, *pages.around(at, count, ticket)

        self._ask(read, self._arrive)

    def _arrive(self, found: tuple[Bounds, Page, Page]) -> None:
        self.bounds = found[0]
        self._texts = {}
        self.window.replace(found[1], found[2])
        self._changed()

    def _ask(self, work: Callable[[Reader, Ticket], object], done: Callable[..., None]) -> None:
        self._loading = True

        def over(result: object) -> None:
            self._loading = False
            self.post_message(self.Looking(None))
            done(result)

        def failed(said: str) -> None:
            self._loading = False
            self.post_message(self.Looking(None, said))
            self.refresh()

        def progress(share: float) -> None:
            self.post_message(self.Looking(share))

        self._librarian.ask("lines", work, over, failed, progress)

    def call_off(self) -> bool:
        """Stop looking for more lines; whether that was under way."""
        if not self._librarian.cancel("lines"):
            return False
        self._loading, self.window.owed = False, 0
        self.post_message(self.Looking(None))
        self.refresh()
        return True

    # More lines

    def _fill(self) -> None:
        """Ask for more lines where an edge is near."""
        wants = None if self._loading else self.window.wants
        if wants is not None:
            add = self.window.append if wants == "after" else self.window.prepend
            self._ask(self._reads(wants == "after"), lambda found: self._add(found, add))

    def _reads(self, forward: bool) -> Callable[[Reader, Ticket], tuple[Bounds, Page]]:
        scope, viewer = self.scope, self._viewer
        place = scope.place(self.window.lines[-1 if forward else 0])
        count = max(200, self.size.height * AHEAD * 2)

        def read(reader: Reader, ticket: Ticket) -> tuple[Bounds, Page]:
            pages = Pages(reader, scope, viewer)
            turn = pages.after if forward else pages.before
            return pages.bounds, turn(place, count, ticket)

        return read

    def _add(self, found: tuple[Bounds, Page], add: Callable[[Page], None]) -> None:
        self.bounds = found[0]
        was = self.selected
        add(found[1])
        if self.selected is not was:
            self._changed()
        else:
            self.refresh()
            self._fill()

    def follow(self, to_end: bool) -> None:
        """Look whether frames have been added; `to_end`: and stand on the newest."""
        window = self.window
        if self._loading or (window.lines and not window.last and not to_end):
            return
        if not window.lines or not window.last:
            self.go(last=to_end)
            return

        def added(found: tuple[Bounds, Page]) -> None:
            if found[1].lines:
                self._add(found, self.window.append)
                if to_end:
                    self.action_last()

        self._librarian.ask("tail", self._reads(True), added, lambda said: None)

    # Moving

    def action_move(self, delta: int) -> None:
        """Select the next or previous frame."""
        self.window.move(delta)
        self._changed()

    def action_page(self, direction: int) -> None:
        """Turn a page."""
        self.window.page(direction)
        self._changed()

    def action_first(self) -> None:
        """Go to the first frame."""
        if self.window.first:
            self.action_move(-len(self.window.lines))
        else:
            self.go()

    def action_last(self) -> None:
        """Go to the last frame."""
        if self.window.last:
            self.action_move(len(self.window.lines))
        else:
            self.go(last=True)

    def action_open(self) -> None:
        """Look at the selected frame."""
        if self.selected is not None:
            self.post_message(self.Opened())

    def _changed(self) -> None:
        self.refresh()
        self.post_message(self.Selected(self.selected))
        self._fill()

    def on_resize(self) -> None:
        """Keep the selected line in sight."""
        self._texts = {}
        self.window.resize(self.size.height)
        self._fill()

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        """The wheel moves the window."""
        self.window.scroll(3)
        self._changed()

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        """The wheel moves the window."""
        self.window.scroll(-3)
        self._changed()

    def on_click(self, event: events.Click) -> None:
        """A line is selected; on the bar, the place there is gone to."""
        (lo, hi), window = self.bounds, self.window
        if event.x >= self.size.width - 1 and hi > lo:
            share = event.y / max(1, self.size.height - 1)
            self.go(place=lo + int((hi - lo) * share), last=share >= 1)
        elif window.top + event.y < len(window.lines):
            window.select(window.top + event.y)
            self._changed()
            if event.chain > 1:
                self.action_open()

    # Drawing

    def _mark(self) -> int:
        """The row of the bar's mark."""
        (lo, hi), line = self.bounds, self.selected
        if line is None or hi <= lo:
            return 0
        return round((self.scope.place(line) - lo) / (hi - lo) * (self.size.height - 1))

    def render_line(self, y: int) -> Strip:
        """One row of the screen."""
        width = max(1, self.size.width - 1)
        lines, index = self.window.lines, self.window.top + y
        if index < len(lines):
            segments = list(self._line(lines[index], width).render(self.app.console))
        else:
            said = "" if y or lines else "  reading …" if self._loading else "  no frame here"
            segments = [Segment(said)]
        strip = Strip(segments).adjust_cell_length(width)
        if index == self.window.cursor and index < len(lines):
            strip = strip.apply_style(SELECTED if self.has_focus else RESTING)
        mark = Segment("█" if y == self._mark() and lines else "│", Style(dim=True))
        return Strip([*strip, mark]).apply_style(self.rich_style)

    def _line(self, line: Line, width: int) -> Text:
        text = self._texts.get(line.id)
        if text is None:
            if len(self._texts) > HELD * 2:
                self._texts = {}
            digits = max(4, len(str(self.bounds[1] if self.scope.flow_id is None else line.id)))
            shape = Shape(width, digits, self.scope.flow_id is None)
            text = self._texts[line.id] = line_text(line, shape, line.id in self.noted)
        return text

    def set_noted(self, noted: set[int]) -> None:
        """Say which frames have a note."""
        self.noted = noted
        self._texts = {}
        self.refresh()
