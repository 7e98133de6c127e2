"""Making a script of a recorded session: what is a step, what a cue, and in which order.

Steps go by their recorded time over all flows of the session; a turn waits for what answered it,
for what gave a key and for what announced an endpoint.
"""

from __future__ import annotations

from collections.abc import Iterable

from proxy import registry
from proxy.protocol import Protocol, Rhythm
from recordings.errors import UserError
from recordings.model import Direction, Transport
from recordings.rows import SessionRow
from replay.adaptive.fields import Masks
from replay.adaptive.lines import Line, lines_of
from replay.adaptive.matching import Matcher
from replay.playback.loading import Loaded
from replay.playback.steps import (
    CLIENT,
    SERVER,
    Close,
    Hear,
    Open,
    Role,
    Say,
    Script,
    Step,
    Wait,
)


def read_script(
    loaded: Loaded, session: SessionRow, masks: Iterable[str] = (), *, cues: bool = True
) -> Script:
    """The script of a session; raises UserError when there is nothing to play.

    Without `cues` everything that the client said is a step.
    """
    extra = tuple(masks)
    roles = []
    for row in loaded.flows:
        protocol = registry.protocol(row.protocol)
        lines = lines_of(protocol, loaded.frames[row.id])
        marked = Masks(protocol, extra)
        heard = [line for line in lines if line.direction is SERVER]
        role = Role(row, protocol, lines, marked, Matcher(heard, marked))
        role.asks = asked_by_server(protocol) if cues else {}
        roles.append(role)
    if not any(line.direction is CLIENT for role in roles for line in role.lines):
        raise UserError(f"the client says nothing in session {session.id}: choose another session")
    _link(roles)
    steps = steps_of(roles)
    return Script(session, roles, steps, loaded.keys, loaded.said, notices_of(roles))


def _link(roles: list[Role]) -> None:
    """Note which line announced which flow, and which flows share the client's socket."""
    by_frame: dict[int, Line] = {}
    for role in roles:
        for line in role.lines:
            by_frame.setdefault(line.frame.id, line)
    sockets: dict[str, int] = {}
    for role in roles:
        role.parent = by_frame.get(role.row.parent_frame_id or 0)
        if role.parent is not None:
            role.parent.opens.append(role.row.id)
        if role.transport is Transport.UDP:
            sockets[role.row.client] = sockets.get(role.row.client, 0) + 1
    for role in roles:
        role.shared = role.transport is Transport.UDP and sockets[role.row.client] > 1


def notices_of(roles: Iterable[Role]) -> list[str]:
    """One sentence for each thing that keeps a message from being adapted."""
    dark: dict[str, int] = {}
    for role in roles:
        for line in role.lines:
            error = line.frame.error
            if line.direction is CLIENT and line.opaque and error:
                dark[error] = dark.get(error, 0) + 1
    return [
        f"{count} message{'s' * (count > 1)} of the client cannot be read and will be said as "
        f"recorded: {error}"
        for error, count in dark.items()
    ]


# -- the steps -------------------------------------------------------------------------------------


def asked_by_server(protocol: Protocol) -> dict[str, tuple[str, ...]]:
    """Kinds that the server asks by itself -> kinds by which the client answers."""
    asks: dict[str, tuple[str, ...]] = {
        rhythm.kind: protocol.answers.get(rhythm.kind, (rhythm.kind,))
        for rhythm in protocol.rhythm
        if rhythm.direction is SERVER
    }
    ways: dict[str, set[Direction]] = {}
    for kind in protocol.kinds:
        ways.setdefault(kind.name, set()).update(kind.directions)
    for asked, answers in protocol.answers.items():
        said = any(CLIENT in ways.get(answer, ()) for answer in answers)
        both = CLIENT in ways.get(asked, ()) and any(one in protocol.answers for one in answers)
        if SERVER in ways.get(asked, ()) and said and asked not in answers and not both:
            asks[asked] = answers
    return asks


def steps_of(roles: Iterable[Role]) -> list[Step]:
    """All steps of a session in their order."""
    ordered: list[tuple[int, int, int, Step]] = []
    for role in roles:
        steps = list(_steps(role))
        if not steps:
            continue
        parent = role.parent.frame if role.parent else None
        first = steps[0]
        opened = min(role.row.opened_at, first.at)
        if parent is None:
            ordered.append((opened, 0, role.row.id, Open(role, opened)))
        elif role.parent and role.parent.direction is CLIENT:  # must be there before it is told
            ordered.append((parent.at, parent.id * 2 - 1, 0, Open(role, parent.at)))
        else:
            opened = max(parent.at, opened)
            ordered.append((opened, parent.id * 2 + 1, 0, Open(role, opened)))
        at = 0
        for number, step in enumerate(steps):
            at = max(at, step.at)
            ordered.append((at, _frame_id(step) * 2, number, step))
        if role.row.closed_at is not None:
            closed = max(role.row.closed_at, at)
            ordered.append((closed, 1 << 62, role.row.id, Close(role, closed)))
    ordered.sort(key=lambda one: one[:3])
    said: dict[int, int] = {}
    for index, (*_, step) in enumerate(ordered):
        step.index = index
        if isinstance(step, Say):
            said[id(step.flow)] = index
        elif isinstance(step, Hear):
            step.after = said.get(id(step.flow), -1)
    return [step for *_, step in ordered]


def _frame_id(step: Step) -> int:
    if isinstance(step, Say):
        return step.lines[0].frame.id
    return step.line.frame.id if isinstance(step, Hear) else 0


def _steps(role: Role) -> Iterable[Step]:
    """What is said and heard on one flow; cues go to the role instead."""
    pending: list[tuple[str, ...]] = []  # kinds that would answer each request not answered yet
    asked: list[Line] = []  # what the server asked and the client has not answered yet
    role.telling = _telling(role)
    heard = (line for line in role.lines if line.direction is SERVER)
    role.can_be_read = any(not line.opaque for line in heard)
    role.rhythms = list(_rhythms(role))
    total = 0
    says: Say | None = None
    for line in role.lines:
        at = line.frame.at
        if line.direction is SERVER:
            says = None
            total += len(line.frame.raw or b"")
            yield _hear(role, line, pending, total)
            if line.kind in role.asks:
                asked.append(line)
            continue
        answers = role.protocol.answers.get(line.kind, ())
        cue = next((one for one in asked if line.kind in role.asks[one.kind]), None)
        if answers and (cue is None or line.kind not in answers):
            pending.append(answers)
        if cue is not None:
            asked.remove(cue)
            role.cues.setdefault(cue.kind, []).append((cue, line))
        elif says is not None and says.lines[0].frame is line.frame:
            says.lines.append(line)
        else:
            says = Say(role, at, [line])
            yield says


def _telling(role: Role) -> frozenset[str]:
    """Kinds that give keys, or values that the client repeats by declaration."""
    kinds = {path.partition(".")[0] for path in role.protocol.keys}
    said = {line.kind for line in role.lines if line.direction is CLIENT}
    for place, rule in role.protocol.volatile.items():
        kind, source = place.partition(".")[0], rule.of.partition(".")
        if kind in said and source[2] and " " not in rule.of and source[0] != kind:
            kinds.add(source[0])
    return frozenset(kinds)


def _rhythms(role: Role) -> Iterable[tuple[Rhythm, Line]]:
    for rhythm in role.protocol.rhythm:
        said = (line for line in role.lines if line.direction is CLIENT)
        line = next((one for one in said if one.kind == rhythm.kind), None)
        if rhythm.direction is CLIENT and line is not None:
            yield rhythm, line


def _hear(role: Role, line: Line, pending: list[tuple[str, ...]], total: int) -> Hear:
    at = line.frame.at
    if line.opaque and role.transport is Transport.TCP:
        return Hear(role, at, line, Wait.BYTES, total=total)
    answered = next((kinds for kinds in pending if line.kind in kinds), None)
    if answered is not None:
        pending.remove(answered)
        return Hear(role, at, line, Wait.ANSWER, answered)
    if line.opens or line.kind in role.telling:
        return Hear(role, at, line, Wait.ANSWER)
    if not role.protocol.answers and line.opaque:
        return Hear(role, at, line, Wait.ANSWER, (line.kind,))
    beats = {one.kind for one in role.protocol.rhythm}  # comes by the clock, not by the turn
    return Hear(role, at, line, Wait.ASKS if line.kind in beats & role.asks.keys() else Wait.PUSH)
