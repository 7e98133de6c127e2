"""The changes of a run at work: the one message that is about to be said is changed."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar, Protocol

from proxy.flow import Flow
from proxy.layouts.bundle import Bundle
from proxy.message import OPAQUE, Message, Opaque
from proxy.mutation.engine import EVENT, Mutation, Mutations, Note
from proxy.mutation.rulefile import RuleSet
from proxy.protocol import Protocol as WireProtocol
from proxy.rules import DROP, Change, Verdict
from recordings.model import Direction, Frame
from replay.adaptive.lines import Line
from replay.fuzzing.changes import Changes, Move, changed, shown
from replay.fuzzing.planning import Plan

Wish = Callable[[Line, Message], Message]


class Run(Protocol):
    """One run, as the rule that is at work in it sees it."""

    plan: Plan
    changes: Changes
    intact: bool
    """What was said can be read as what was meant; else a peer may well hang up on it."""


class Fuzzed(Mutations):
    """The rules of one run: nothing but its changes, once."""

    def __init__(self, plan: Plan, changes: Changes, wish: Wish | None = None) -> None:
        super().__init__(RuleSet(()))
        self.plan = plan
        self.changes = changes
        self.said = False
        """The message was reached."""
        self.intact = True
        self._wish = wish
        self._armed = False

    def of(self, flow: Flow, note: Note) -> list[Mutation]:
        """See `Mutations.of`."""
        return [_Said(self, flow.protocol, note)]  # type: ignore[list-item]

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


class ChangeOnce:
    """A rule that changes one message (see `proxy.rules.Rule`)."""

    direction: ClassVar[Direction]

    def __init__(self, run: Run, protocol: WireProtocol, note: Note) -> None:
        self.run = run
        self._protocol = protocol
        self._note = note
        self._done = False

    def place(self, frame: Frame, message: Message) -> int | None:
        """Place of the one to change among the messages of a bundle, 0 where there is none.

        None: it is not in there.
        """
        raise NotImplementedError

    def holds(self, direction: Direction) -> bool:
        """See `Rule.holds`."""
        return direction is self.direction

    def judge(self, frame: Frame, message: Message) -> Verdict:
        """See `Rule.judge`."""
        place = self.place(frame, message)
        if place is None:
            return message
        run = self.run
        self._done = bool(run.changes)
        moves = [one for one in run.changes if isinstance(one, Move)]
        if Move.SKIP in moves:
            return Change(DROP)
        prefix = f"messages[{place}].fields." if isinstance(message, Bundle) else ""
        made = changed(message, run.changes, prefix)
        if made is not message:
            run.intact = self._reads(frame, made)
        return Change(made, copies=int(Move.TWICE in moves), behind=int(Move.LATE in moves))

    def _reads(self, frame: Frame, made: Message) -> bool:
        seen = self._protocol.view(Frame(frame.direction, frame.at, made.encode()))
        if made.kind == OPAQUE:  # bytes, or lengths that are wrong
            return False
        return seen.kind == made.kind and seen.fields() == made.fields()

    def recorded(self, frame: Frame) -> None:
        """See `Rule.recorded`."""
        if self._done:
            plan = self.run.plan
            text = f"fuzz run {plan.run} of seed {plan.seed}: {shown(self.run.changes)}"
            self._note(EVENT, text, frame.id)
            self._done = False


class _Said(ChangeOnce):
    direction = Direction.TO_SERVER

    def place(self, frame: Frame, message: Message) -> int | None:
        """See `ChangeOnce.place`: the newest of a bundle comes first."""
        run = self.run
        assert isinstance(run, Fuzzed)
        return len(run.plan.say.lines) - 1 - run.plan.place if run.take() else None
