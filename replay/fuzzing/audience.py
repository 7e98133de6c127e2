"""Who looks on while a client is served: what was said on which flow, and who hung up.

What the stand-in said in a rehearsal is a script, of which a run changes one message.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime

from proxy.flow import Flow
from proxy.message import Message
from proxy.relay.api import show_address
from recordings.model import Direction, Frame, Origin, Transport
from recordings.rows import FlowRow, SessionRow
from replay.adaptive.fields import Masks
from replay.adaptive.lines import Line, lines_of
from replay.adaptive.matching import Matcher
from replay.fuzzing.planning import Plan
from replay.playback.steps import Role, Say, Script

UP, DOWN = Direction.TO_SERVER, Direction.TO_CLIENT
BY_CLIENT = ("client closed", "client reset")
"""Why a flow ends that the client has ended."""


@dataclass(slots=True)
class Seen:
    """One flow."""

    flow: Flow
    frames: list[Frame] = field(default_factory=list)
    ended: str | None = None


class Audience:
    """Sees one visit of a client (see `proxy.flow.Watch`); `news` is called at each word."""

    def __init__(self, news: Callable[[], None] = lambda: None) -> None:
        self.flows: dict[int, Seen] = {}
        self.heard = 0
        """Frames of the client."""
        self._news = news

    def frame(self, flow: Flow, frame: Frame, message: Message | None) -> None:
        """See `Watch.frame`."""
        self.flows.setdefault(flow.id, Seen(flow)).frames.append(frame)
        self.heard += frame.direction is UP
        self._news()

    def event(self, flow: Flow | None, kind: str, detail: str) -> None:
        """See `Watch.event`."""
        if flow is not None and kind == "closed":
            self.flows.setdefault(flow.id, Seen(flow)).ended = detail
            self._news()

    @property
    def frames(self) -> int:
        """Frames of both sides."""
        return sum(len(one.frames) for one in self.flows.values())

    @property
    def left(self) -> bool:
        """The client came and has no connection any more."""
        return bool(self.flows) and all(
            one.ended is not None
            for one in self.flows.values()
            if one.flow.listen.transport is Transport.TCP
        )

    @property
    def changed(self) -> Seen | None:
        """The flow on which something was said otherwise."""
        for one in self.flows.values():
            if any(frame.action is not None for frame in one.frames):
                return one
        return None

    def went_on(self, seen: Seen) -> bool:
        """Whether the client said something there after what was said otherwise."""
        places = [at for at, frame in enumerate(seen.frames) if frame.action is not None]
        return any(frame.direction is UP for frame in seen.frames[places[0] :])

    def goes_on(self, plan: Plan) -> bool:
        """Whether the client of this rehearsal went on after the message of a plan."""
        frames = self.flows[plan.say.flow.row.id].frames
        after = frames[frames.index(plan.line.frame) :]
        return any(frame.direction is UP for frame in after)

    def script(self, game: str | None = None) -> Script:
        """What the stand-in said, frame by frame in its order."""
        roles: list[Role] = []
        steps: list[Say] = []
        for seen in self.flows.values():
            protocol = seen.flow.protocol
            role = Role(_row(seen), protocol, [], Masks(protocol), Matcher((), Masks(protocol)))
            roles.append(role)
            said: dict[int, list[Line]] = {}
            for line in lines_of(protocol, seen.frames):
                if line.direction is DOWN:
                    said.setdefault(line.frame.id, []).append(line)
            steps += [Say(role, lines[0].frame.at, lines) for lines in said.values()]
        steps.sort(key=lambda one: one.lines[0].frame.id)
        for index, step in enumerate(steps):
            step.index = index
        return Script(_session(game, roles), roles, [*steps], [], [], [])


def nth(script: Script, plan: Plan) -> int:
    """How many messages of its kind were said before the one of a plan."""
    name, count = name_of(plan.say.flow.row.protocol, plan.line), 0
    for step in script.steps:
        for line in step.lines if isinstance(step, Say) else ():
            if line is plan.line:
                return count
            count += name_of(step.flow.row.protocol, line) == name
    raise LookupError(name)


def name_of(protocol: str, line: Line) -> tuple[str, str]:
    """What messages are counted by: the flow's protocol, and the kind."""
    return protocol, line.kind


def _row(seen: Seen) -> FlowRow:
    flow, frames = seen.flow, seen.frames
    return FlowRow(
        id=flow.id,
        session_id=flow.session,
        parent_frame_id=None,
        protocol=flow.protocol.name,
        transport=flow.listen.transport.value,
        client=show_address(flow.client),
        server=None,
        hostname=None,
        opened_at=frames[0].at if frames else 0,
        closed_at=None,
        close_reason=seen.ended,
        frames=len(frames),
        bytes_up=0,
        bytes_down=0,
        first_at=None,
        last_at=None,
    )


def _session(game: str | None, roles: list[Role]) -> SessionRow:
    row = roles[0].row
    return SessionRow(
        id=row.session_id,
        uid="",
        started_at=datetime.fromtimestamp(row.opened_at / 1e6, UTC).isoformat(),
        ended_at=None,
        game=game,
        client=row.client,
        origin=Origin.STAND_IN.value,
        note=None,
        flows=len(roles),
        frames=sum(role.row.frames for role in roles),
        bytes_up=0,
        bytes_down=0,
    )
