"""What is on the screen of the browser, and how it comes to be read."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from rich.text import Text
from textual import events
from textual.app import App, ComposeResult
from textual.containers import Horizontal
from textual.message import Message
from textual.widgets import Footer, Input, Static, Tree

from recordings import lock
from recordings.browse import detail
from recordings.browse.completion import Vocabulary
from recordings.browse.filter_line import FilterLine
from recordings.browse.frame_list import FrameList
from recordings.browse.hinting import hint
from recordings.browse.inspector import Inspector
from recordings.browse.librarian import Librarian
from recordings.browse.pages import Line, Scope, Ticket
from recordings.browse.tree import Known, SessionTree, Spot, read_sessions
from recordings.errors import UserError
from recordings.filters import Where, compile_filter
from recordings.frame_report import Report
from recordings.reader import Reader
from recordings.text import safe
from recordings.viewing import Viewer

TICK = 0.5  # seconds between two looks at a recording that grows
WIDE = 124  # columns from which on hexdumps have 16 bytes a row

Call = Callable[[], None]


class Delivered(Message):
    """A call from a librarian's thread, to be made in the screen's."""

    def __init__(self, call: Call) -> None:
        super().__init__()
        self.call = call


class Stage(App[None]):
    """The widgets, and the two threads that read for them."""

    TITLE = "understudy"
    ENABLE_COMMAND_PALETTE = False
    CSS = """
    #head { height: 1; background: $primary-darken-2; color: $text; padding: 0 1; }
    #line { height: 1; }
    #filter { border: none; height: 1; padding: 0 1; background: $boost; width: 1fr; }
    #offers { width: auto; max-width: 50%; height: 1; color: $text-muted; background: $boost; }
    #upper { height: 1fr; }
    #tree { width: 27; padding: 0; background: $surface; scrollbar-size-vertical: 1;
            scrollbar-size-horizontal: 0; }
    #tree.hidden { display: none; }
    #frames { width: 1fr; }
    #lower { height: 1fr; }
    #title { height: 1; background: $primary-darken-2; color: $text; padding: 0 1; }
    #message { width: 1fr; scrollbar-size: 1 1; scrollbar-size-horizontal: 0; }
    #side { width: 42; border-left: vkey $primary-darken-2; }
    #which { height: 1; }
    #bytes { height: 1fr; scrollbar-size: 1 1; scrollbar-size-horizontal: 0; }
    .wide #side { width: 75; }
    .wide #tree { width: 40; }
    Screen.upper #lower { display: none; }
    Screen.lower #upper { display: none; }
    """

    def __init__(self, path: Path, viewer: Viewer | None, *, text: str = "", notice: str = ""):
        super().__init__()
        self.path = path
        self.viewer = viewer
        self.vocabulary = Vocabulary()
        self.shelf = Librarian(path, self._deliver)
        """Reads lines."""
        self.desk = Librarian(path, self._deliver)
        """Reads everything else, so that it need not wait for a search."""
        self.spot = Spot()
        self.where: Where | None = None
        self.following = False
        self._text = text
        self._notice = notice
        self._was_live = bool(notice)
        self.share: float | None = None
        """How far a search is."""
        self.said = ""
        """What the user was told last."""
        self.held = ""
        """What was chosen to be compared, in words."""
        self.shown: Line | None = None
        """The frame of the lower half."""

    def _deliver(self, call: Call) -> None:
        self.post_message(Delivered(call))

    def on_delivered(self, event: Delivered) -> None:
        """Make the call, unless the screen is being taken down."""
        if self.standing:
            event.call()

    def compose(self) -> ComposeResult:
        """From top to bottom."""
        yield Static("", id="head", markup=False)
        with Horizontal(id="line"):
            yield FilterLine(self.vocabulary, value=self._text, id="filter")
            yield Static("", id="offers", markup=False)
        with Horizontal(id="upper"):
            yield SessionTree(id="tree")
            yield FrameList(self.shelf, self.viewer, id="frames")
        yield Inspector(id="lower")
        yield Footer(compact=True, show_command_palette=False)

    @property
    def standing(self) -> bool:
        """Whether all that a call may look for is on the screen."""
        stack = self.screen_stack
        return bool(stack) and all(stack[0].query(one) for one in (FrameList, Inspector, "#head"))

    @property
    def frames(self) -> FrameList:
        """The list of frames."""
        return self.screen_stack[0].query_one(FrameList)

    @property
    def inspector(self) -> Inspector:
        """The selected frame."""
        return self.screen_stack[0].query_one(Inspector)

    @property
    def tree_of_sessions(self) -> SessionTree:
        """Sessions and flows."""
        return self.screen_stack[0].query_one(SessionTree)

    @property
    def live(self) -> bool:
        """Whether the recording is being written now."""
        return lock.is_held(self.path.resolve())

    def on_mount(self) -> None:
        """Begin to read."""
        self.shelf.start()
        self.desk.start()
        self.read_tree()
        if self._text:
            self.apply(self._text)
        else:
            self.frames.show(Scope())
        self.frames.focus()
        self.set_interval(TICK, self._tick)
        self.head()

    def on_unmount(self) -> None:
        """Let go of the file."""
        self.shelf.stop()
        self.desk.stop()

    def on_resize(self, event: events.Resize) -> None:
        """Wide terminals show longer rows."""
        self.set_class(event.size.width >= WIDE, "wide")

    # The head

    def head(self) -> None:
        """Draw the first line."""
        text = Text(f"{safe(self.path.name)}  ", "bold")
        line, (lo, hi) = self.frames.selected, self.frames.bounds
        if self.share is not None:
            text.append(f"looking … {self.share:.0%}, Esc calls it off  ", "bold yellow")
        elif line is not None:
            share = (self.frames.scope.place(line) - lo) / max(1, hi - lo)
            text.append(f"frame {line.id:,}, {share:.0%}  ")
        where = f"flow {self.spot.flow_id}" if self.spot.flow_id else ""
        if self.spot.session_id and not where:
            where = f"session {self.spot.session_id}"
        text.append(f"{where}  " if where else "")
        text.append("following  " if self.following else "", "bold green")
        text.append(self.held or self._notice, "italic")
        self.screen_stack[0].query_one("#head", Static).update(text)

    def say(self, text: str, *, bad: bool = False) -> None:
        """Tell the user something."""
        self.said = text
        severity = "error" if bad else "information"
        self.notify(text, severity=severity, markup=False, timeout=8 if bad else 3)  # type: ignore[arg-type]
        self.head()

    def complain(self, text: str) -> None:
        """Tell the user what went wrong."""
        self.say(text, bad=True)

    # What is read

    def read_tree(self) -> None:
        """Read sessions, flows and marks, again."""
        tree, wanted = self.tree_of_sessions, self.tree_of_sessions.open_sessions

        def read(reader: Reader, ticket: Ticket) -> tuple[Known, set[int], str]:
            known = read_sessions(reader, wanted)
            return known, detail.noted(reader), reader.notice or ""

        def show(found: tuple[Known, set[int], str]) -> None:
            known, noted, self._notice = found
            tree.set_known(known)
            if noted != self.frames.noted:
                self.frames.set_noted(noted)
            for name in {flow.protocol for flows in known.flows.values() for flow in flows}:
                if self.viewer is not None and name not in self.vocabulary.protocols:
                    fields = self.viewer.fields(name)
                    every = [one for names in fields.values() for one in names]
                    self.vocabulary.know(name, self.viewer.kinds(name), every)
            self.head()

        self.desk.ask("tree", read, show, self.complain)

    def _tick(self) -> None:
        if not self.standing:
            return
        was, self._was_live = self._was_live, self.live
        if was or self._was_live:  # once more when it has ended
            self.frames.follow(self.following)
            self.read_tree()

    def read_report(self, frame_id: int, done: Callable[[Report | None], None]) -> None:
        """Read a frame with what belongs to it."""
        self.desk.ask(
            f"report {done.__name__}",
            lambda reader, ticket: detail.gather(reader, frame_id, self.viewer),
            done,
            self.complain,
        )

    def on_frame_list_selected(self, event: FrameList.Selected) -> None:
        """Show the frame below."""
        line = self.frames.selected
        if line is None:
            self.inspector.show(None)
        elif line.id != getattr(self.shown, "id", None) or self.inspector.report is None:
            self.shown = line
            self.read_report(line.id, self.inspector.show)
        self.head()

    def on_frame_list_looking(self, event: FrameList.Looking) -> None:
        """Say how far a search is."""
        self.share = event.share
        if event.failure:
            self.complain(event.failure)
        if event.share is None:
            self.vocabulary.see(self.frames.window.lines[:50])
            hint(self)
        self.head()

    def on_frame_list_opened(self) -> None:
        """Go into the message."""
        self.inspector.query_one("#message").focus()

    # Filter and sessions

    def scope(self) -> Scope:
        """What the tree and the filter let through."""
        return Scope(self.spot.session_id, self.spot.flow_id, self.where)

    def apply(self, text: str) -> None:
        """Filter by a text."""
        try:
            self.where = compile_filter(text) if text.strip() else None
        except UserError as error:
            self.complain(str(error))
            return
        self.frames.show(self.scope(), self.shown.id if self.shown else None)
        self.frames.focus()

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Filter."""
        if event.input.id == "filter":
            self.apply(event.value)

    def on_input_changed(self, event: Input.Changed) -> None:
        """Offer what would fit."""
        if isinstance(event.input, FilterLine):
            offers = event.input.offers() if event.input.has_focus else []
            text = Text("  ".join(safe(one) for one in offers), "dim", no_wrap=True)
            self.screen_stack[0].query_one("#offers", Static).update(text)

    def on_tree_node_selected(self, event: Tree.NodeSelected[Spot]) -> None:
        """Frames of what was chosen only."""
        self.spot = event.node.data or Spot()
        self.frames.show(self.scope())
        self.frames.focus()

    def on_tree_node_expanded(self, event: Tree.NodeExpanded[Spot]) -> None:
        """The flows of a session are read when they are wanted."""
        self.read_tree()

    def on_descendant_focus(self) -> None:
        """The list draws its cursor anew."""
        self.frames.refresh()
