"""One live flow answered from a recording: match, adapt, encode, push.

The recorded session that the client plays is kept to as long as it has an answer that fits; what
values are called differently now is learned for each recorded session by itself. Pushes follow
after the time that they took, or as soon as the client goes on to what came behind them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from proxy.message import Message
from recordings.model import Direction, Frame, Transport
from replay.adaptive.conversation import Conversation, Said
from replay.adaptive.fields import Masks
from replay.adaptive.lines import Line, LineReader
from replay.adaptive.matching import Match, explain
from replay.adaptive.memory import Memory
from replay.standin.announcing import announce
from replay.standin.finding import Finder
from replay.standin.pool import Cue, Pool, Turn, announced_by, asked_by_server
from replay.standin.role import Part
from replay.standin.rules import Rules

if TYPE_CHECKING:
    from replay.standin.cast import Cast
    from replay.standin.performer import Performer

DOWN = Direction.TO_CLIENT
AT_ONCE = 0.05
"""Seconds behind an answer within which a push is said with it."""
LONGEST = 120.0
"""Seconds after which a push is said at the latest."""


@dataclass(eq=False, slots=True)
class _Due:
    """A push that waits for its time."""

    turn: Turn
    cue: Cue
    pair: tuple[Line | None, Line | None]
    over: bool = False


class Tape:
    """The recording as the server of one flow."""

    def __init__(self, cast: Cast, performer: Performer, pool: Pool, *, keepalive: bool) -> None:
        self.cast = cast
        self.performer = performer
        self.pool = pool
        flow = performer.flow
        self._name = flow.protocol.name
        self._transport: Transport = flow.listen.transport
        self._masks: Masks = pool.masks(self._name, self._transport)
        self._reader = LineReader(flow.protocol)
        self._told_unasked = {
            kind for kinds in asked_by_server(flow.protocol).values() for kind in kinds
        }
        rules = cast.stage.rules(self._name)
        self._finder = Finder(pool, self._name, self._transport, self._memory)
        self._conversation = Conversation(
            flow.protocol,
            DOWN,
            self._part.memory(self.session),
            self._part.chance,
            transport=self._transport,
            local=flow.local,
            masks=self._masks,
            dissector=performer.dissector,
            change=self._revised if rules and type(rules).revises is not Rules.revises else None,
        )
        performer.speech.teach(self._conversation)
        self._last: Line | None = None
        self._due: list[_Due] = []
        self._stopped = False
        self.said: list[Line] = []
        """What it said since that was emptied."""
        self._pushed = {
            line.kind
            for take in pool.takes_of(self._name, self._transport, flow.listen.role)
            for turn in take.turns
            for cue in turn.cues
            for line in cue.lines
            if turn.request is None
            or line.kind not in flow.protocol.answers.get(turn.request.kind, ())
        }
        self._problems: set[str] = set()
        self._guess: Match | None = None
        if keepalive:
            self._keep_alive()

    @property
    def _part(self) -> Part:
        return self.cast.part(self.performer.flow.session)

    @property
    def session(self) -> int:
        """The recorded session that this client plays."""
        return self._part.plays

    def stop(self) -> None:
        """The flow is over."""
        self._stopped = True
        self._due.clear()

    # -- hearing -----------------------------------------------------------------------------------

    def hear(self, frame: Frame, message: Message) -> str | None:
        """Answer what the client said; else a sentence: what differs from what was recorded."""
        missing = None
        for line in self._reader.read(frame)[1]:
            missing = self._line(line) or missing
        return missing

    def hear_only(self, frame: Frame, message: Message) -> list[Line] | None:
        """Answer what fits; what was said. None: somebody else is to answer."""
        self.said = []
        self._guess = None
        lines = self._reader.read(frame)[1]
        matches = [self._find(line) for line in lines]
        if not matches or any(not one.fits or self._turn(one).open for one in matches):
            return None
        turns = [self._turn(one) for one in matches]
        if any(self._sends_on(turn) for turn in turns):
            return None
        for match, turn in zip(matches, turns, strict=True):
            self._play(match.live, turn)
        return self.said

    def _sends_on(self, turn: Turn) -> bool:
        """Whether a turn tells the client where to go next: that must be the live server's word."""
        protocol = turn.take.protocol
        lines = [line for cue in turn.cues for line in cue.lines]
        return any(announced_by(line.protocol or protocol, line) for line in lines)

    def pushes(self, kind: str) -> bool:
        """Whether the recorded server said that by itself."""
        return kind in self._pushed

    def _line(self, live: Line) -> str | None:
        self._guess = None
        match = self._find(live)
        if match.fits and not self._turn(match).open:
            self._play(live, self._turn(match))
            return None
        if live.kind in self._told_unasked:
            return None  # an answer to a keepalive of ours
        if match.recorded is None:
            return explain(live, self._awaited(), self._finder.matcher, self._memory()).sentence()
        if match.fits:
            return f"{live.kind} was never answered in the recording"
        self._guess = match
        return match.sentence()

    def guess(self) -> str | None:
        """Answer as the nearest recorded message was, though it does not fit; a sentence: how."""
        match, self._guess = self._guess, None
        if match is None or self._turn(match).open:
            return None
        self._play(match.live, self._turn(match))
        return match.sentence()

    def _find(self, live: Line) -> Match:
        key = self._name, str(self._transport)
        return self._finder.find(live, self.session, self._last or self._part.last.get(key))

    def _turn(self, match: Match) -> Turn:
        return self.pool.turns[id(match.recorded)]

    def _memory(self, session: int | None = None) -> Memory:
        return self._part.memory(self.session if session is None else session)

    def _awaited(self) -> Line | None:
        """What the recording has next."""
        if self._last is None:
            return None
        turn = self.pool.turns[id(self._last)]
        later = turn.take.turns[turn.place + 1 : turn.place + 2]
        return later[0].request if later else None

    # -- saying ------------------------------------------------------------------------------------

    def greet(self) -> None:
        """Say what the recorded server said first."""
        takes = self.pool.takes_of(self._name, self._transport, self.performer.flow.listen.role)
        mine = [take for take in takes if take.session == self.session] or takes
        greeted, key = self._part.greeted, (self._name, str(self._transport))
        number = greeted[key] = greeted.get(key, -1) + 1
        if mine:  # each further flow as the recorded one was greeted
            self._say_turn(mine[min(number, len(mine) - 1)].turns[0], (None, None))

    def _play(self, live: Line, turn: Turn) -> None:
        recorded = turn.request
        assert recorded is not None
        self._catch_up(turn)
        self._part.heard(live, recorded, self._masks, turn.take.session)
        self._conversation.use(self._memory(turn.take.session))
        self._conversation.pair(live, recorded)
        self._last = self._part.last[self._name, str(self._transport)] = recorded
        self._say_turn(turn, (recorded, live))

    def _catch_up(self, turn: Turn) -> None:
        """Say the pushes that come before a turn in the recording, drop older ones of its own."""
        for due in list(self._due):
            if due.turn is turn:
                due.over = True
                self._due.remove(due)
            elif due.turn.take is turn.take and due.turn.place < turn.place:
                self._perform(due)

    def _say_turn(self, turn: Turn, pair: tuple[Line | None, Line | None]) -> None:
        for cue in turn.cues:
            due = _Due(turn, cue, pair)
            if cue.after <= AT_ONCE and not self._due_of(turn):
                self._say(due)
                continue
            self._due.append(due)
            assert self.performer.pipe is not None
            self.performer.pipe.later(
                min(cue.after, LONGEST),
                lambda one=due: self._perform(one),  # type: ignore[misc]
            )

    def _due_of(self, turn: Turn) -> bool:
        return any(one.turn is turn for one in self._due)

    def _perform(self, due: _Due) -> None:
        if not due.over and not self._stopped:
            due.over = True
            if due in self._due:
                self._due.remove(due)
            self._say(due)

    def _say(self, due: _Due) -> None:
        if self._stopped:
            return
        conversation, lines = self._conversation, due.cue.lines
        conversation.use(self._memory(due.turn.take.session))
        spoken = lines[0].protocol or due.turn.take.protocol
        announce(self.performer, conversation.memory, lines[0], spoken)
        asked, live = due.pair
        if asked is not None and live is not None:
            conversation.scene.answered = due.pair[0], live
        at = self.cast.world.now()
        rules = self.cast.stage.rules(self._name)
        if not due.cue.answer and rules is not None and rules.beside:
            counted = dict(conversation.scene.counters)
            message = conversation.adapt(lines[0])
            conversation.scene.counters = counted  # a look is not said
            if rules.tells(self.performer.client, message):
                return
        if due.cue.answer and asked is not None and live is not None and len(lines) == 1:
            said = conversation.answer(asked, live, lines[0], at)
        else:
            said = conversation.say(lines, at)
        self._deliver(said)
        if due.turn.ends and due.cue is due.turn.cues[-1]:
            self.performer.close("ended as in the recording", False)

    def _revised(self, recorded: Line, message: Message) -> Message:
        return self.cast.stage.revised(self.performer.client, message)

    def _deliver(self, said: Said) -> None:
        self.said = [*self.said[-64:], *(line for one in said.frames for line in one.lines)]
        if said.problem and said.problem not in self._problems:
            self._problems.add(said.problem)
            self.performer.note("not-adapted", said.problem)
        if said.parts is not None:  # a rule of the user has changed it
            self.performer.speech.perform(said.parts)
            return
        self.performer.deliver(said.wire, [(one.frame, one.message) for one in said.frames])

    # -- keepalives --------------------------------------------------------------------------------

    def _keep_alive(self) -> None:
        for rhythm in self.performer.protocol.rhythm:
            takes = self.pool.takes_of(self._name, self._transport, self.performer.client.role)
            line = next((t.told[rhythm.kind] for t in takes if rhythm.kind in t.told), None)
            if rhythm.direction is DOWN and line is not None:
                self._beat(rhythm.every, line)

    def _beat(self, every: float, line: Line) -> None:
        def beat() -> None:
            if not self._stopped:
                self._conversation.use(self._memory())
                self._deliver(self._conversation.say([line], self.cast.world.now()))
                self._beat(every, line)

        assert self.performer.pipe is not None
        self.performer.pipe.later(every, beat)
