"""The browser: its keys, and what they do to the screen."""

from __future__ import annotations

from typing import ClassVar

from rich.text import Text
from textual.binding import Binding

from recordings.browse.filter_line import FilterLine
from recordings.browse.narrowing import Narrowing
from recordings.browse.screens import Reading
from recordings.filter_syntax import OPERATORS

MOVING = {
    "arrows": "move; also PgUp PgDn Home End j k g G space",
    "Tab": "go to the next part of the screen",
    "Enter": "look into it; show all of a value; go where it leads",
}


def _key(keys: str, action: str, short: str, meaning: str, shown: str = "") -> Binding:
    """A key; `short` stands in the last line, `meaning` in the list of keys."""
    return Binding(
        keys, action, short, show=bool(short), key_display=shown or keys, tooltip=meaning
    )


class Browser(Narrowing):
    """Looks at one recording."""

    BINDINGS: ClassVar = [
        _key("question_mark", "keys", "keys", "list the keys", "?"),
        _key("f", "filter", "filter", "filter as `understudy frames` does; Tab completes"),
        _key("equals_sign", "like", "", "write a filter for what is selected", "="),
        _key("slash", "search", "search", "look for a text, or bytes as hex:DE AD ?? EF", "/"),
        _key("n", "again(1)", "", "go to the next frame that has it"),
        _key("N", "again(-1)", "", "go to the one before that has it"),
        _key("a", "answer", "answer", "go to the answer of a request, or to its request"),
        _key("b,backspace", "return", "back", "go back to where you jumped from", "b"),
        _key("m", "mark", "mark", "mark the frame, or take the mark away"),
        _key("e", "note", "note", "write a note: on the frame, or in the tree on it"),
        _key("M", "next_noted", "", "go to the next frame with a mark or note"),
        _key("x", "compare", "compare", "compare: choose a frame or session, then another"),
        _key("c", "copy", "copy", "copy the frame as hex, JSON or Python vector"),
        _key("v", "bytes", "", "show the plain, raw or sent bytes"),
        _key("t", "tree", "", "show or hide the sessions"),
        _key("z", "zoom", "", "give one half the whole screen"),
        _key("number_sign", "number", "", "go to a frame by its id", "#"),
        _key("F", "follow", "", "stand on the newest frame while it is recorded"),
        _key("escape", "escape", "", "back to the frames; call off a search", "Esc"),
        _key("q", "quit", "quit", "quit"),
    ]

    def action_keys(self) -> None:
        """List the keys."""
        rows = dict(MOVING)
        for binding in self.BINDINGS:
            assert isinstance(binding, Binding)
            rows[binding.key_display or binding.key] = binding.tooltip
        wide = max(len(key) for key in rows)
        lines = [Text.assemble((f"{key:{wide}}  ", "bold"), said) for key, said in rows.items()]
        self.push_screen(Reading("keys, and filters below (Esc closes)", [*lines, *_language()]))

    def action_help_quit(self) -> None:
        """Ctrl-C copies elsewhere, and ends most programs: say what ends this one."""
        self.say("q quits; Ctrl-Q does so anywhere")

    def action_filter(self) -> None:
        """Type a filter."""
        self.query_one("#filter").focus()

    def action_escape(self) -> None:
        """Call off a search, else go back to the frames."""
        line = self.query_one(FilterLine)
        if line.has_focus:  # what was typed is not in force
            line.value = self.where.text if self.where else ""
            self.frames.focus()
        elif not (self.frames.call_off() | self.desk.cancel("search")):
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


def _language() -> list[Text]:
    """The filters, as `understudy frames --help` has them."""
    lines = [Text(), Text("Filters, joined by & | ! ( ):", "italic")]
    for name, (wanted, meaning) in OPERATORS.items():
        lines.append(Text.assemble((f"{f'~{name} {wanted}':12}  ", "bold"), meaning))
    return lines
