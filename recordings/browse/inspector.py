"""The lower half: the selected frame as message and as bytes."""

from __future__ import annotations

from rich.text import Text
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.message import Message
from textual.widgets import Static

from recordings.browse.detail import Item, items, title
from recordings.browse.hex_view import HexView
from recordings.browse.line_view import LineView
from recordings.frame_report import Report
from recordings.model import Span
from recordings.text import size


class Inspector(Vertical):
    """A frame: its title, its fields on the left, its bytes on the right."""

    class Leads(Message):
        """A line that leads to another frame or flow was chosen."""

        def __init__(self, frame_id: int | None, flow_id: int | None) -> None:
            super().__init__()
            self.frame_id = frame_id
            self.flow_id = flow_id

    class Value(Message):
        """The user wants the whole of a value."""

        def __init__(self, heading: str, value: object) -> None:
            super().__init__()
            self.heading = heading
            self.value = value

    def __init__(self, *, id: str) -> None:
        super().__init__(id=id)
        self.report: Report | None = None
        self._items: list[Item] = []
        self._which = 0

    def compose(self) -> ComposeResult:
        """Title, message, bytes."""
        yield Static("", id="title", markup=False)
        with Horizontal():
            yield LineView(id="message")
            with Vertical(id="side"):
                yield Static("", id="which", markup=False)
                yield HexView(id="bytes")

    def show(self, report: Report | None) -> None:
        """Show another frame, or none."""
        message = self.query_one("#message", LineView)
        path = self._items[message.index].path if message.index < len(self._items) else None
        same = self.report and report and self.report.frame.flow_id == report.frame.flow_id
        self.report = report
        self._which = self._which if same and self._which < len(self._sides()) else 0
        self._show_bytes()
        self._items = items(report, self.query_one(HexView).colour) if report else []
        paths = [item.path for item in self._items]
        index = paths.index(path) if path in paths and path is not None else 0
        message.set_lines([item.text for item in self._items], index=index)
        self.query_one("#title", Static).update(title(report) if report else "")
        self._light()

    def _sides(self) -> list[tuple[str, bytes, list[Span]]]:
        """Name, bytes and spans of what there is of the frame."""
        if self.report is None:
            return []
        frame, spans = self.report.frame, self.report.shown.spans
        sides: list[tuple[str, bytes, list[Span]]] = []
        if frame.plain is not None:
            sides.append(("plain", frame.plain, spans))
        if frame.raw is not None:
            fits = frame.plain is None or len(frame.plain) == len(frame.raw)
            sides.append(("raw", frame.raw, spans if fits else []))
        if frame.sent is not None:
            sent = self.report.sent.spans if self.report.sent else []
            sides.append(("sent", frame.sent, sent if frame.raw is not None else spans))
        return sides

    def next_bytes(self) -> None:
        """Turn to the next of plain, raw and sent."""
        sides = self._sides()
        if sides:
            self._which = (self._which + 1) % len(sides)
            self._show_bytes()
            self._light()

    def _show_bytes(self) -> None:
        sides = self._sides()
        _, data, spans = sides[self._which] if sides else ("", b"", [])
        heading = Text()
        for index, (word, content, _) in enumerate(sides):
            style = "reverse" if index == self._which else "dim"
            heading.append(f" {word} {size(len(content))} ", style)
        if len(sides) > 1:
            heading.append(" v: next", "dim")
        self.query_one("#which", Static).update(heading)
        self.query_one(HexView).show(data, spans)

    @property
    def chosen(self) -> bool:
        """Whether the user is among the fields."""
        return self.query_one("#message", LineView).has_focus

    @property
    def item(self) -> Item | None:
        """The selected line of the message."""
        index = self.query_one("#message", LineView).index
        return self._items[index] if index < len(self._items) else None

    def _light(self) -> None:
        item = self.item
        self.query_one(HexView).light_field(item.path if item else None)

    def on_line_view_moved(self, event: LineView.Moved) -> None:
        """Another field is selected: its bytes are lit."""
        event.stop()
        self._light()

    def on_line_view_chosen(self, event: LineView.Chosen) -> None:
        """Go where the line leads, or show all of its value."""
        event.stop()
        item = self.item
        if item is None:
            return
        if item.frame_id is not None or item.flow_id is not None:
            self.post_message(self.Leads(item.frame_id, item.flow_id))
        elif item.value is not None:
            self.post_message(self.Value(item.path or "", item.value))

    def on_hex_view_pointed(self, event: HexView.Pointed) -> None:
        """A byte was clicked: its field is selected."""
        message = self.query_one("#message", LineView)
        for index, item in enumerate(self._items):
            if item.path == event.path:
                message.action_move(index - message.index)
                self._light()
                return
