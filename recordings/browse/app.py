"""The browser: its keys, and what they do to the screen."""

from __future__ import annotations

from typing import ClassVar

from rich.text import Text
from textual.binding import Binding

from recordings.browse.handling import Handling
from recordings.browse.screens import Reading

MOVING = {
    "↑ ↓ PgUp PgDn Home End": "move; also j k g G and space",
    "Tab": "go to the next part of the screen",
    "Enter": "look into the frame; show all of a value; go where a line leads",
}


class Browser(Handling):
    """Looks at one recording."""

    BINDINGS: ClassVar = [
        Binding("question_mark", "keys", "keys", key_display="?"),
        Binding("f", "filter", "filter"),
        Binding("slash", "search", "search", key_display="/"),
        Binding("n", "again(1)", "next found", show=False),
        Binding("N", "again(-1)", "previous found", show=False),
        Binding("a", "answer", "answer"),
        Binding("b,backspace", "return", "back"),
        Binding("m", "mark", "mark"),
        Binding("e", "note", "note"),
        Binding("M", "next_noted", "next frame with a mark or note", show=False),
        Binding("x", "compare", "compare"),
        Binding("c", "copy", "copy"),
        Binding("v", "bytes", "plain, raw or sent bytes", show=False),
        Binding("t", "tree", "show or hide the sessions", show=False),
        Binding("z", "zoom", "one half as large as the screen", show=False),
        Binding("number_sign", "number", "go to a frame by its id", key_display="#", show=False),
        Binding("F", "follow", "stand on the newest frame as it is recorded", show=False),
        Binding("escape", "escape", "back to the frames; call off a search", show=False),
        Binding("q", "quit", "quit"),
    ]

    def action_keys(self) -> None:
        """List the keys."""
        rows = dict(MOVING)
        for binding in self.BINDINGS:
            assert isinstance(binding, Binding)
            shown = binding.key_display or binding.key.replace(",", " or ")
            rows[shown.replace("escape", "Esc")] = binding.description
        wide = max(len(key) for key in rows)
        lines = [Text.assemble((f"{key:{wide}}  ", "bold"), said) for key, said in rows.items()]
        self.push_screen(Reading("keys (Esc closes)", lines))

    def action_filter(self) -> None:
        """Type a filter."""
        self.query_one("#filter").focus()

    def action_escape(self) -> None:
        """Call off a search, else go back to the frames."""
        if not (self.frames.call_off() | self.desk.cancel("search")):
            self.frames.focus()
        self.share = None
        self.forget()

    def action_tree(self) -> None:
        """Show or hide the sessions."""
        tree = self.tree_of_sessions
        tree.toggle_class("hidden")
        if tree.has_class("hidden"):
            self.frames.focus()

    def action_zoom(self) -> None:
        """Give the half that has the focus all of the screen, or part it again."""
        screen = self.screen
        if screen.has_class("upper") or screen.has_class("lower"):
            screen.remove_class("upper", "lower")
        else:
            below = self.focused is not None and self.inspector in self.focused.ancestors
            screen.add_class("lower" if below else "upper")

    def action_bytes(self) -> None:
        """Turn to the next of plain, raw and sent."""
        self.inspector.next_bytes()

    def action_follow(self) -> None:
        """Stand on the newest frame."""
        self.following = not self.following
        if self.following:
            self.frames.action_last()
            if not self.live:
                self.say("nobody is recording into this file now; it is watched")
        self.head()
