"""Sessions and their flows; a flow stands below the one whose frame led to it."""

from __future__ import annotations

from dataclasses import dataclass, field

from rich.text import Text
from textual.widgets import Tree
from textual.widgets.tree import TreeNode

from recordings.reader import Reader
from recordings.rows import FlowRow, SessionRow
from recordings.text import local_iso, safe

MOST_SESSIONS = 2_000
MOST_FLOWS = 2_000
"""What is put into the tree; more are reached by the filter, ~s and ~flow."""
OPEN = 3
"""Sessions that are shown with their flows from the start, if there are no more."""


@dataclass(frozen=True, slots=True)
class Spot:
    """What a node stands for; neither: the whole recording."""

    session_id: int | None = None
    flow_id: int | None = None
    more: bool = False


@dataclass(slots=True)
class Known:
    """What the tree was made of."""

    sessions: list[SessionRow] = field(default_factory=list)
    flows: dict[int, list[FlowRow]] = field(default_factory=dict)
    parents: dict[int, int] = field(default_factory=dict)
    """Flow -> the flow whose frame led to it."""


def read_sessions(reader: Reader, wanted: set[int]) -> Known:
    """The sessions, and the flows of those that are wanted, or of all if there are few."""
    known = Known(reader.sessions())
    if len(known.sessions) <= OPEN:
        wanted = {one.id for one in known.sessions}
    for session_id in wanted:
        known.flows[session_id] = reader.flows(session_id)[: MOST_FLOWS + 1]
        sql = """
            SELECT flows.id, frames.flow_id FROM flows JOIN frames ON frames.id = parent_frame_id
            WHERE session_id = ?"""
        known.parents.update((row[0], row[1]) for row in reader.select(sql, (session_id,)))
    return known


def _shape(known: Known) -> object:
    """Which nodes there are, whatever they are called."""
    flows = {number: [flow.id for flow in found] for number, found in known.flows.items()}
    return [one.id for one in known.sessions], flows


def session_label(session: SessionRow) -> Text:
    """`1 nascar 192.0.2.7 11:33`."""
    words = [session.game or session.origin, session.client, local_iso(session.started_at)[11:16]]
    text = Text(f"{session.id} ", "bold")
    text.append(" ".join(safe(word[:40]) for word in words))
    if session.note:
        text.append(f" {safe(session.note[:40])}", "yellow")
    return text


def flow_label(flow: FlowRow) -> Text:
    """`2 ea-lobby :10901 (5)`."""
    server = flow.server or ""
    port = server[server.rfind(":") :] if ":" in server else server
    text = Text("↳ " if flow.parent_frame_id else "", "yellow")
    text.append(f"{flow.id} ", "bold")
    text.append(f"{safe(flow.protocol[:30])} {safe(port[:24])} ")
    text.append(f"({flow.frames:,})", "dim")
    if flow.closed_at is None:
        text.append(" open", "green")
    return text


class SessionTree(Tree[Spot]):
    """The tree; `set_known` fills it and keeps what is open."""

    def __init__(self, *, id: str) -> None:
        super().__init__("all frames", Spot(), id=id)
        self.root.expand()
        self.guide_depth = 2
        self._known = Known()
        self._sessions: dict[int, TreeNode[Spot]] = {}
        self._flows: dict[int, TreeNode[Spot]] = {}

    @property
    def open_sessions(self) -> set[int]:
        """Sessions whose flows are seen."""
        return {number for number, node in self._sessions.items() if node.is_expanded}

    @property
    def spot(self) -> Spot:
        """What the cursor is on."""
        node = self.cursor_node
        return node.data if node and node.data else Spot()

    def set_known(self, known: Known) -> None:
        """Show what has been read."""
        if known == self._known:
            return
        if _shape(known) == _shape(self._known) and self._sessions:
            self._known = known
            self._relabel(known)
            return
        self._known = known
        at = self.cursor_line
        opened = self.open_sessions or set(known.flows)
        self.root.remove_children()
        self._sessions, self._flows = {}, {}
        for session in known.sessions[-MOST_SESSIONS:]:
            node = self.root.add(session_label(session), Spot(session.id))
            self._sessions[session.id] = node
            if session.id in known.flows:
                self._add_flows(node, known, session.id)
                if session.id in opened:
                    node.expand()
        count = len(known.sessions)
        self.root.set_label(f"all frames, {count} session{'' if count == 1 else 's'}")
        self.cursor_line = min(at, max(0, self.last_line))

    def _relabel(self, known: Known) -> None:
        """Only numbers have changed: nothing moves under the user's cursor."""
        for session in known.sessions:
            if session.id in self._sessions:
                self._sessions[session.id].set_label(session_label(session))
        for flows in known.flows.values():
            for flow in flows:
                if flow.id in self._flows:
                    self._flows[flow.id].set_label(flow_label(flow))

    def _add_flows(self, parent: TreeNode[Spot], known: Known, session_id: int) -> None:
        nodes: dict[int, TreeNode[Spot]] = {}
        flows = known.flows[session_id]
        for flow in flows[:MOST_FLOWS]:
            above = nodes.get(known.parents.get(flow.id, 0), parent)
            above.allow_expand = True
            node = above.add(flow_label(flow), Spot(session_id, flow.id), expand=True)
            node.allow_expand = False
            nodes[flow.id] = self._flows[flow.id] = node
        if len(flows) > MOST_FLOWS:
            parent.add_leaf("… more: filter by ~flow N", Spot(session_id, more=True))
