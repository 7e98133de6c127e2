"""The changes of a run at work: the one message that is about to be said is changed."""

from __future__ import annotations

from collections.abc import Callable

from proxy.flow import Flow
from proxy.layouts.bundle import Bundle
from proxy.message import OPAQUE, Message, Opaque
from proxy.mutation.engine import EVENT, Mutation, Mutations, Note
from proxy.mutation.rulefile import RuleSet
from proxy.protocol import Protocol
from proxy.rules import DROP, Change, Verdict
from recordings.model import Direction, Frame
from replay.adaptive.lines import Line
from replay.fuzzing.changes import Changes, Move, changed, shown
from replay.fuzzing.planning import Plan

Wish = Callable[[Line, Message], Message]


class Fuzzed(Mutations):
    """The rules of one run: nothing but its changes, once."""

    def __init__(self, plan: Plan, changes: Changes, wish: Wish | None = None) -> None:
        super().__init__(RuleSet(()))
        self.plan = plan
        self.changes = changes
        self.said = False
        """The message was reached."""
        self.intact = True
        """What was said can be read as what was meant; else a server may well hang up on it."""
        self._wish = wish
        self._armed = False

    def of(self, flow: Flow, note: Note) -> list[Mutation]:
        """See `Mutations.of`."""
        return [_Rule(self, flow.protocol, note)]  # type: ignore[list-item]

    def change(self, line: Line, message: Message) -> Message:
        """What the user wants said otherwise; sees which message comes next."""
        if self._wish is not None:
            message = self._wish(line, message)
        if line is not self.plan.line or self.said:
            return message
        self._armed = True
        return Opaque(message.encode()) if message is line.message and line.opaque else message

    def take(self) -> bool:
        """Whether the message at hand is the one; only once."""
        armed, self._armed = self._armed, False
        self.said = self.said or armed
        return armed


class _Rule:
    """See `proxy.rules.Rule`."""

    def __init__(self, run: Fuzzed, protocol: Protocol, note: Note) -> None:
        self._run = run
        self._protocol = protocol
        self._note = note
        self._done = False

    def holds(self, direction: Direction) -> bool:
        """See `Rule.holds`."""
        return direction is Direction.TO_SERVER

    def judge(self, frame: Frame, message: Message) -> Verdict:
        """See `Rule.judge`."""
        run = self._run
        if not run.take():
            return message
        self._done = bool(run.changes)
        moves = [one for one in run.changes if isinstance(one, Move)]
        if Move.SKIP in moves:
            return Change(DROP)
        made = changed(message, run.changes, self._prefix(message))
        if made is not message:
            run.intact = self._reads(frame, made)
        return Change(made, copies=int(Move.TWICE in moves), behind=int(Move.LATE in moves))

    def _prefix(self, message: Message) -> str:
        """Where the message stands in a bundle: the newest comes first."""
        if not isinstance(message, Bundle):
            return ""
        plan = self._run.plan
        return f"messages[{len(plan.say.lines) - 1 - plan.place}].fields."

    def _reads(self, frame: Frame, made: Message) -> bool:
        seen = self._protocol.view(Frame(frame.direction, frame.at, made.encode()))
        if made.kind == OPAQUE:  # bytes, or lengths that are wrong
            return False
        return seen.kind == made.kind and seen.fields() == made.fields()

    def recorded(self, frame: Frame) -> None:
        """See `Rule.recorded`."""
        if self._done:
            plan = self._run.plan
            text = f"fuzz run {plan.run} of seed {plan.seed}: {shown(self._run.changes)}"
            self._note(EVENT, text, frame.id)
            self._done = False
