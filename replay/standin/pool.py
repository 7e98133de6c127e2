"""Recorded sessions as a pool of answers: what the server said, by what the client had said.

A turn is one message of the client and all that the server said behind it: what ends the turn, by
the protocol's own table, is said at once; the rest are pushes, which follow after the time that
they took in the recording. Keepalives are left out, they come by the protocol's rhythm.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from proxy import registry
from proxy.protocol import Announce, Protocol
from recordings.errors import UserError
from recordings.model import Direction, Frame, Key, Origin, Transport
from recordings.reader import Reader
from recordings.rows import FlowRow, SessionRow
from replay.adaptive.fields import Masks
from replay.adaptive.lines import Line, lines_of
from replay.adaptive.matching import Matcher

UP, DOWN = Direction.TO_SERVER, Direction.TO_CLIENT
AT_LAST = 1_000_000
"""Microseconds behind its last message within which a server that ends the flow means to."""
NOT_SERVERS = ("client", "stopped", "idle", "closed", "refused", "too slow")
"""How the reasons begin for which a flow of a stand-in ends when it was not its rules' wish."""


@dataclass(eq=False, slots=True)
class Cue:
    """Lines of one frame of the server."""

    lines: list[Line]
    after: float = 0.0
    """Seconds behind the end of the turn; 0: at once."""
    answer: bool = True
    """It belongs to the answer; False: the server said it by itself."""


@dataclass(eq=False, slots=True)
class Turn:
    """What the server said behind one message of the client."""

    take: Take
    request: Line | None
    """None: what the server said before the client said anything."""
    cues: list[Cue] = field(default_factory=list)
    place: int = 0
    """Counts from 0 in its flow."""
    open: bool = False
    """Its answer was not heard yet."""
    ends: bool = False
    """The server ended the flow behind it."""


@dataclass(eq=False, slots=True)
class Take:
    """One recorded flow."""

    row: FlowRow
    protocol: Protocol
    role: str = ""
    turns: list[Turn] = field(default_factory=list)
    told: dict[str, Line] = field(default_factory=dict)
    """Keepalives of the server, by kind."""

    @property
    def session(self) -> int:
        """The recorded session."""
        return self.row.session_id


@dataclass(slots=True)
class _Spoken:
    """All takes of one protocol and transport."""

    masks: Masks
    matcher: Matcher
    takes: list[Take] = field(default_factory=list)


def asked_by_server(protocol: Protocol) -> dict[str, tuple[str, ...]]:
    """Kinds that the server asks by itself -> kinds by which the client answers."""
    asks = {
        rhythm.kind: protocol.answers.get(rhythm.kind, (rhythm.kind,))
        for rhythm in protocol.rhythm
        if rhythm.direction is DOWN
    }
    ways: dict[str, set[Direction]] = {}
    for kind in protocol.kinds:
        ways.setdefault(kind.name, set()).update(kind.directions)
    for asked, answers in protocol.answers.items():
        said = any(UP in ways.get(answer, ()) for answer in answers)
        if DOWN in ways.get(asked, ()) and said and asked not in answers:
            asks[asked] = answers
    return asks


def announced_by(protocol: Protocol, line: Line) -> Announce | None:
    """What a message of the server announces; None: nothing that a client connects to."""
    for announce in protocol.announces:
        if announce.kind != line.kind or announce.direction is not line.direction:
            continue
        if announce.peer or announce.each or (announce.when and not announce.when(line.message)):
            continue
        fields = line.message.fields()
        if all(path is None or path in fields for path in (announce.host, announce.port)):
            return announce
    return None


class Pool:
    """The sessions of a recording."""

    def __init__(self, reader: Reader, sessions: Iterable[SessionRow]) -> None:
        self.sessions = list(sessions)
        self.turns: dict[int, Turn] = {}
        """id of a request's line -> its turn."""
        self.keys: dict[int, list[Key]] = {}
        """Session -> its keys."""
        self.takes: list[Take] = []
        self.lines: dict[int, list[Line]] = {}
        """Flow -> everything that was said on it."""
        self._spoken: dict[tuple[str, Transport], _Spoken] = {}
        self._first: dict[tuple[int, str], Line] = {}
        self._stand_ins = {one.id for one in self.sessions if one.origin == Origin.STAND_IN}
        for session in self.sessions:
            self.keys[session.id] = [row.as_key() for row in reader.keys(session.id)]
            self._add(reader, session.id)
        if not self.takes:
            raise UserError(f"{reader.path} holds no frames: record something into it first")

    def _add(self, reader: Reader, session: int) -> None:
        frames: dict[int, list[Frame]] = {}
        for frame in reader.frames(session_id=session):
            frames.setdefault(frame.flow_id, []).append(frame)
        announced: dict[int, tuple[Protocol, Line]] = {}
        for row in reader.flows(session):
            protocol = registry.protocol(row.protocol)
            lines = lines_of(protocol, frames.get(row.id, ()))
            parent = announced.get(row.parent_frame_id or 0)
            known = announced_by(*parent) if parent else None
            take = Take(row, protocol, known.role if known else "")
            for line in lines:
                announced.setdefault(line.frame.id, (line.protocol or protocol, line))
            self.lines[row.id] = lines
            self._read(take, lines)

    def _read(self, take: Take, lines: list[Line]) -> None:
        key = take.protocol.name, Transport(take.row.transport)
        spoken = self._spoken.get(key)
        if spoken is None:
            masks = Masks(take.protocol)
            spoken = self._spoken[key] = _Spoken(masks, Matcher((), masks))
        take.turns = turns_of(take, lines)
        if _ended_by_server(take.row, self._stand_ins):
            for turn in take.turns[-1:]:
                turn.ends = bool(turn.cues) and turn.cues[-1].lines[-1] is lines[-1]
        spoken.takes.append(take)
        self.takes.append(take)
        for turn in take.turns:
            if turn.request is not None:
                spoken.matcher.add(turn.request)
                self.turns[id(turn.request)] = turn
                self._first.setdefault((take.session, turn.request.kind), turn.request)

    def named_keys(self) -> dict[str, tuple[bytes, ...]]:
        """The keys of all sessions, by name, the newest first."""
        found: dict[str, dict[bytes, None]] = {}
        for keys in reversed(self.keys.values()):
            for key in reversed(keys):
                found.setdefault(key.name, {})[key.key] = None
        return {name: tuple(keys) for name, keys in found.items()}

    def first(self, session: int, kind: str) -> Line | None:
        """The first message of a kind that the client of a recorded session said."""
        return self._first.get((session, kind))

    def speaks(self, protocol: str, transport: Transport) -> bool:
        """Whether anything of a protocol was recorded."""
        return (protocol, transport) in self._spoken

    def numbered(self, protocol: str, transport: Transport) -> bool:
        """Whether the messages of a protocol carry numbers of the flow (Kaillera)."""
        takes = self._spoken[protocol, transport].takes
        turns = (turn for take in takes for turn in take.turns)
        return any(turn.request and turn.request.number is not None for turn in turns)

    def matcher(self, protocol: str, transport: Transport) -> Matcher:
        """Everything that clients said in a protocol."""
        return self._spoken[protocol, transport].matcher

    def masks(self, protocol: str, transport: Transport) -> Masks:
        """Which fields of a protocol are volatile."""
        return self._spoken[protocol, transport].masks

    def takes_of(self, protocol: str, transport: Transport, role: str) -> list[Take]:
        """The recorded flows of a protocol; those of the role, if there are any."""
        takes = self._spoken[protocol, transport].takes
        return [take for take in takes if take.role == role] or takes


def turns_of(take: Take, lines: Iterable[Line]) -> list[Turn]:
    """The turns of one recorded flow; the first one has no request."""
    protocol = take.protocol
    asked = {kind for kinds in asked_by_server(protocol).values() for kind in kinds}
    rhythms = {rhythm.kind for rhythm in protocol.rhythm if rhythm.direction is DOWN}
    current = Turn(take, None)
    turns = [current]
    waiting: list[Turn] = []
    for line in lines:
        if line.direction is UP:
            turn = Turn(take, line, place=len(turns))
            turns.append(turn)
            if line.kind in protocol.answers:
                turn.open = True
                waiting.append(turn)
            if line.kind not in asked:
                current = turn
        elif line.kind in rhythms:
            first = take.told.setdefault(line.kind, line) is line
            if first and len(turns) > 1 and _greets(protocol, turns[1], line):
                _put(protocol, turns[1], line)
        else:
            ended = next((one for one in waiting if _ends(protocol, one, line)), None)
            _put(protocol, ended or current, line)
            if ended is not None:
                ended.open = False
                waiting.remove(ended)
                for cue in ended.cues:
                    cue.after, cue.answer = 0.0, True
    for turn in waiting:
        turn.open = not turn.cues  # the server went on by something else
    return turns


def _ended_by_server(row: FlowRow, stand_ins: set[int]) -> bool:
    """Whether the server ended a recorded stream, on purpose: at once behind its last word."""
    reason, said = row.close_reason or "client", row.last_at or 0
    ours = row.session_id in stand_ins and not reason.startswith(NOT_SERVERS)
    soon = row.closed_at is not None and row.closed_at - said < AT_LAST
    return row.transport == Transport.TCP and soon and (ours or reason.startswith("server"))


def _ends(protocol: Protocol, turn: Turn, line: Line) -> bool:
    return turn.request is not None and line.kind in protocol.answers[turn.request.kind]


def _greets(protocol: Protocol, turn: Turn, line: Line) -> bool:
    """Whether a keepalive is what the server says to the first word of a client, which wants no
    other answer (`~png` to `addr`)."""
    asked = turn.request
    return (
        asked is not None
        and not turn.cues
        and asked.kind not in protocol.answers
        and line.frame.at - asked.frame.at < AT_LAST
    )


def _put(protocol: Protocol, turn: Turn, line: Line) -> None:
    """Add what the server said to a turn."""
    cues = turn.cues
    if cues and cues[-1].lines[0].frame is line.frame:
        cues[-1].lines.append(line)
        return
    at_once = not protocol.answers or turn.request is None
    at_once = at_once or (turn.open and not cues)
    before = [cue.lines[0].frame.at for cue in cues if cue.answer]
    since = max(before) if before else turn.request.frame.at if turn.request else line.frame.at
    after = 0.0 if at_once else max(line.frame.at - since, 0) / 1e6
    cues.append(Cue([line], after, at_once))
