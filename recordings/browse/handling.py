"""What is done with frames: noted, compared, copied."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from textual.widgets import Tree

from recordings import notes
from recordings.browse import compare, detail
from recordings.browse.copying import FORMS, file_name
from recordings.browse.moving import Moving
from recordings.browse.pages import Ticket
from recordings.browse.screens import Asking, Choosing
from recordings.frame_report import Report
from recordings.reader import Reader

TERMINAL_TAKES = 74_000
"""Bytes that terminals accept as a copy; a longer one goes to a file."""


class Handling(Moving):
    """The actions on what is selected."""

    _left: tuple[str, int] | None = None

    def forget(self) -> None:
        """Nothing is chosen to be compared any more."""
        self.held, self._left = "", None
        self.head()

    # Notes

    def action_mark(self) -> None:
        """Mark the selected frame, or take the mark away."""
        line = self.frames.selected
        if line is not None:
            self._write(lambda: notes.toggle_mark(self.path, line.id))

    def action_note(self) -> None:
        """Write a note on the selected frame, or on what the tree's cursor is on."""
        line = self.frames.selected
        subject = self._subject()
        if subject is None and line is not None:
            subject = notes.Subject("frames", line.id)
        if subject is None:
            return
        about, what = subject, f"{subject.table[:-1]} {subject.id}"

        def answer(said: str | None) -> None:
            if said and said.strip():
                self._write(lambda: notes.add(self.path, about, said))

        self.push_screen(Asking(f"note on {what}"), answer)

    def _subject(self) -> notes.Subject | None:
        """The session or flow under the cursor, while the tree has the focus."""
        if not isinstance(self.focused, Tree):
            return None
        spot = self.tree_of_sessions.spot
        if spot.flow_id is not None:
            return notes.Subject("flows", spot.flow_id)
        return notes.Subject("sessions", spot.session_id) if spot.session_id else None

    def _write(self, work: Callable[[], object]) -> None:
        def written(result: object) -> None:
            self.read_tree()
            line = self.frames.selected
            if line is not None:
                self.read_report(line.id, self.inspector.show)

        self.desk.ask("write", lambda reader, ticket: work(), written, self.complain)

    # Comparing

    def action_compare(self) -> None:
        """Choose the first of two frames or sessions, then the second."""
        chosen = self._chosen()
        if chosen is None:
            return
        if self._left is None or self._left[0] != chosen[0] or self._left == chosen:
            self._left = chosen
            self.held = f"comparing {chosen[0]} {chosen[1]} with …: go to the other and press x"
            self.head()
            return
        what, left = self._left
        self.forget()
        if what == "frame":
            self._compare_frames(left, chosen[1])
            return
        self.desk.ask(
            "search",
            compare.session_pairs(self.viewer, left, chosen[1]),
            lambda pairs: self._show(compare.of_sessions(left, chosen[1], pairs)),
            self.complain,
        )

    def _chosen(self) -> tuple[str, int] | None:
        spot, line = self.tree_of_sessions.spot, self.frames.selected
        if isinstance(self.focused, Tree):
            return ("session", spot.session_id) if spot.session_id else None
        return ("frame", line.id) if line else None

    def _show(self, screen: compare.Comparison) -> None:
        self.push_screen(screen)

    def _compare_frames(self, left: int, right: int) -> None:
        def read(reader: Reader, ticket: Ticket) -> list[Report | None]:
            return [detail.gather(reader, one, self.viewer) for one in (left, right)]

        def show(found: list[Report | None]) -> None:
            one, other = found
            if one is not None and other is not None:
                self._show(compare.of_frames(one, other))

        self.desk.ask("search", read, show, self.complain)

    def on_comparison_wanted(self, event: compare.Comparison.Wanted) -> None:
        """A row of two sessions is looked into."""
        self._compare_frames(event.left, event.right)

    # Copying

    def action_copy(self) -> None:
        """Copy the selected frame to the clipboard, or into a file."""
        report = self.inspector.report
        if report is None:
            return
        choices = {key: f"{form[0]}, to the clipboard" for key, form in FORMS.items()}
        choices |= {key.upper(): f"{form[0]}, into a file here" for key, form in FORMS.items()}

        def answer(key: str | None) -> None:
            if key:
                self._copy(report, *FORMS[key.lower()], to_file=key.isupper())

        self.push_screen(Choosing(f"copy frame {report.frame.id}", choices), answer)

    def _copy(
        self, report: Report, name: str, make: Callable[[Report], str], ending: str, to_file: bool
    ) -> None:
        text = make(report)
        if not to_file and len(text.encode()) * 4 / 3 <= TERMINAL_TAKES:
            self.copy_to_clipboard(text)
            self.say(f"copied as {name}; if your terminal allows no OSC 52, copy into a file")
            return
        path = Path(file_name(report, ending))
        try:
            with path.open("x", encoding="utf-8") as file:
                file.write(text + "\n")
        except OSError as error:
            self.complain(f"{path} cannot be written ({error.strerror}): is it there already?")
            return
        self.say(f"written to {path}")
