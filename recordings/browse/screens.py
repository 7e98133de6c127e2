"""What opens above the browser: the list of keys, a question, a menu, a long value."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import ClassVar

from rich.text import Text
from textual import events
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import Input, Static

from recordings.browse.line_view import LineView

CLOSE: list[BindingType] = [Binding("escape,q,question_mark", "dismiss_none", "close", show=False)]


class Overlay(ModalScreen[str | None]):
    """A box above the browser; Escape closes it without an answer."""

    DEFAULT_CSS = """
    Overlay { align: center middle; }
    Overlay > Vertical {
        width: 76; max-width: 100%; height: auto;
        border: round $accent; background: $surface; padding: 0 1;
    }
    Overlay LineView { scrollbar-size: 1 1; scrollbar-size-horizontal: 0; }
    Overlay Input { border: none; height: 1; padding: 0; background: $boost; }
    """
    BINDINGS: ClassVar = CLOSE

    def __init__(self, heading: str) -> None:
        super().__init__()
        self._heading = heading

    def box(self) -> ComposeResult:
        """The content."""
        yield Static()

    def compose(self) -> ComposeResult:
        """A heading and the content."""
        box = Vertical(*self.box())
        box.border_title = Text(self._heading)
        yield box

    def action_dismiss_none(self) -> None:
        """Close without an answer."""
        self.dismiss(None)


class Reading(Overlay):
    """Some lines to read: the keys, or the whole of a value."""

    def __init__(self, heading: str, lines: Sequence[Text]) -> None:
        super().__init__(heading)
        self._lines = lines

    def box(self) -> ComposeResult:
        """The lines."""
        yield LineView(id="reading", cursor=False)

    def on_mount(self) -> None:
        """Fill the box."""
        view = self.query_one("#reading", LineView)
        view.styles.height = max(1, min(len(self._lines), self.app.size.height - 2))
        view.set_lines(self._lines)
        view.focus()


class Asking(Overlay):
    """One line of text from the user."""

    BINDINGS: ClassVar = [Binding("escape", "dismiss_none", "close", show=False)]

    def __init__(self, heading: str, value: str = "", hint: str = "") -> None:
        super().__init__(heading)
        self._value = value
        self._hint = hint

    def box(self) -> ComposeResult:
        """The line."""
        yield Input(self._value, placeholder=self._hint, id="answer")

    def on_mount(self) -> None:
        """The user types at once."""
        self.query_one(Input).focus()

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """The line is the answer."""
        self.dismiss(event.value)


class Choosing(Overlay):
    """One of a few things, by its key or a click."""

    def __init__(self, heading: str, choices: Mapping[str, str]) -> None:
        super().__init__(heading)
        self._choices = dict(choices)

    def box(self) -> ComposeResult:
        """A line for each key."""
        yield LineView(id="choices")

    def on_mount(self) -> None:
        """Fill the box."""
        view = self.query_one("#choices", LineView)
        view.styles.height = len(self._choices)
        view.set_lines(
            [Text.assemble((f" {k} ", "bold reverse"), f" {v}") for k, v in self._choices.items()]
        )
        view.focus()

    def on_key(self, event: events.Key) -> None:
        """A key chooses."""
        if event.character and event.character in self._choices:
            event.stop()
            self.dismiss(event.character)

    def on_line_view_chosen(self, event: LineView.Chosen) -> None:
        """So does Enter, or a double click."""
        self.dismiss(list(self._choices)[event.index])
