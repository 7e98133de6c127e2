"""Going about in a recording: to a frame, to an answer and back, to what is looked for."""

from __future__ import annotations

from pathlib import Path

from rich.text import Text
from textual.widgets import Input

from recordings.browse import detail
from recordings.browse.inspector import Inspector
from recordings.browse.pages import Line, Pages, Ticket
from recordings.browse.screens import Asking, Reading
from recordings.browse.stage import Stage
from recordings.browse.tree import Spot
from recordings.errors import UserError
from recordings.filters import Where
from recordings.needle import Needle
from recordings.reader import Reader
from recordings.text import safe
from recordings.viewing import Viewer

TRAIL = 200
"""Places that one can go back to."""


class Moving(Stage):
    """The actions that lead elsewhere."""

    def __init__(self, path: Path, viewer: Viewer | None, *, text: str = "", notice: str = ""):
        super().__init__(path, viewer, text=text, notice=notice)
        self.trail: list[tuple[Spot, int]] = []
        """Where jumps were made from."""
        self._needle: Needle | None = None

    def go(self, frame_id: int, *, remember: bool = True) -> None:
        """Stand on a frame, outside of what the filter finds if it must be."""
        line = self.frames.selected
        if remember and line is not None:
            self.trail.append((self.spot, line.id))
            del self.trail[:-TRAIL]
        self.frames.go(frame_id)
        self.frames.focus()

    def action_return(self) -> None:
        """Go back to where the last jump was made."""
        if not self.trail:
            self.say("there is no place to go back to")
            return
        spot, frame_id = self.trail.pop()
        if spot != self.spot:
            self.spot = spot
            self.frames.show(self.scope(), frame_id)
        else:
            self.go(frame_id, remember=False)

    def action_number(self) -> None:
        """Go to a frame by its id."""

        def answer(said: str | None) -> None:
            if said and said.strip().isdecimal() and len(said) < 19:
                self.go(int(said))
            elif said:
                self.complain(f"{said[:40]!r} is no id of a frame: give a number")

        self.push_screen(Asking("go to frame"), answer)

    def action_answer(self) -> None:
        """Go to the answer of a request, or to the request of an answer."""
        line, viewer = self.frames.selected, self.viewer
        if line is None:
            return
        answers = viewer.answers(line.protocol) if viewer else {}

        def found(other: detail.Counterpart) -> None:
            what = "answer" if line.upward else "request"
            if other.frame_id is None:
                self.say(f"frame {line.id} has no {what} in its flow")
                return
            self._into_view(other.frame_id, line)
            if not other.declared:
                self.say(f"no {what} is declared for {line.kind}: this is the nearest frame")

        self.desk.ask(
            "search",
            lambda reader, ticket: detail.counterpart(reader, line, answers),
            found,
            self.complain,
        )

    def _into_view(self, frame_id: int, line: Line) -> None:
        """Go to a frame that the filter may hide: then the filter is left."""
        if self.where is not None:
            self.trail.append((self.spot, line.id))
            self.where = None
            self.query_one("#filter", Input).value = ""
            self.frames.show(self.scope(), frame_id)
        else:
            self.go(frame_id)

    def on_inspector_leads(self, event: Inspector.Leads) -> None:
        """A line of the message leads elsewhere."""
        line = self.frames.selected
        if line is not None:
            self.trail.append((self.spot, line.id))
        if event.flow_id is not None:
            self.spot = Spot(line.session_id if line else None, event.flow_id)
            self.frames.show(self.scope())
        elif event.frame_id is not None:
            self.spot = Spot()
            self.frames.show(self.scope(), event.frame_id)
        self.frames.focus()

    def on_inspector_value(self, event: Inspector.Value) -> None:
        """Show the whole of a value."""
        text = event.value if isinstance(event.value, str) else repr(event.value)
        wide = max(20, min(72, self.size.width - 8))
        shown = [safe(text[at : at + wide]) for at in range(0, min(len(text), 1 << 20), wide)]
        heading = f"{safe(event.heading[:40])}, {len(text):,} characters (Esc closes)"
        self.push_screen(Reading(heading, [Text(line) for line in shown or ["(empty)"]]))

    # Searching

    def action_search(self) -> None:
        """Ask for a text and go to the next frame that has it."""

        def answer(said: str | None) -> None:
            if said:
                try:
                    self._needle = Needle.parse(said)
                except UserError as error:
                    self.complain(str(error))
                    return
                self.action_again(1)

        was = self._needle.text if self._needle else ""
        self.push_screen(Asking("search", was, "a text, or hex:DE AD ?? EF"), answer)

    def action_again(self, way: int) -> None:
        """Go to the next or previous frame that has the text."""
        if self._needle is None:
            self.action_search()
            return
        self._seek(self._needle.where, way, f"{safe(self._needle.text[:40])!r}")

    def action_next_noted(self) -> None:
        """Go to the next frame that has a mark or a note."""
        self._seek(detail.noted_only(), 1, "a mark or note")

    def _seek(self, where: Where, way: int, what: str) -> None:
        line, viewer = self.frames.selected, self.viewer
        scope = self.scope().narrowed(where)
        place = scope.place(line) if line else 0

        def look(reader: Reader, ticket: Ticket) -> tuple[Line | None, bool]:
            pages = Pages(reader, scope, viewer)
            turn = pages.after if way > 0 else pages.before
            ahead = turn(place, 1, ticket).lines
            if ahead:
                return ahead[0], False
            lo, hi = pages.bounds
            pages.bounds = (lo, place - 1) if way > 0 else (place + 1, hi)
            return next(iter(turn(lo - 1 if way > 0 else hi + 1, 1, ticket).lines), None), True

        def found(result: tuple[Line | None, bool]) -> None:
            self.share = None
            line, again = result
            if line is None:
                self.say(f"no {'further' if way > 0 else 'earlier'} frame has {what}")
                return
            self.go(line.id)
            if again:
                self.say(f"{what}: from the {'beginning' if way > 0 else 'end'} again")

        def progress(share: float) -> None:
            self.share = share
            self.head()

        def failed(said: str) -> None:
            self.share = None
            self.complain(said)

        self.desk.ask("search", look, found, failed, progress)
