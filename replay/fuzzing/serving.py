"""The changes of a run at work on what a stand-in says: one message of it, by its number.

A stand-in says what it is asked for. So a message is known by its kind and by how many of that kind
were said before, on all flows of the run together.
"""

from __future__ import annotations

from collections import Counter

from proxy.flow import Flow
from proxy.message import Message
from proxy.mutation.engine import Mutation, Mutations, Note
from proxy.mutation.rulefile import RuleSet
from recordings.model import Direction, Frame
from replay.adaptive.lines import LineReader
from replay.fuzzing.audience import name_of
from replay.fuzzing.changes import Changes
from replay.fuzzing.obeying import ChangeOnce
from replay.fuzzing.planning import Plan


class Served(Mutations):
    """The rules of one run: nothing but its changes, once."""

    def __init__(self, plan: Plan, number: int, changes: Changes) -> None:
        """`number`: how many of its kind are said before it."""
        super().__init__(RuleSet(()))
        self.plan = plan
        self.changes = changes
        self.said = False
        """The message was reached."""
        self.intact = True
        """See `replay.fuzzing.obeying.Run`."""
        self._wanted = name_of(plan.say.flow.row.protocol, plan.line)
        self._number = number
        self._said: Counter[tuple[str, str]] = Counter()

    def of(self, flow: Flow, note: Note) -> list[Mutation]:
        """See `Mutations.of`."""
        return [_Served(self, flow, note)]  # type: ignore[list-item]

    def reaches(self, name: tuple[str, str]) -> bool:
        """Whether the next message of that name is the one."""
        number = self._said[name]
        self._said[name] += 1
        if name != self._wanted or number != self._number:
            return False
        self.said = True
        return True


class _Served(ChangeOnce):
    direction = Direction.TO_CLIENT

    def __init__(self, run: Served, flow: Flow, note: Note) -> None:
        super().__init__(run, flow.protocol, note)
        self._served = run
        self._name = flow.protocol.name
        self._reader = LineReader(flow.protocol)

    def place(self, frame: Frame, message: Message) -> int | None:
        """See `ChangeOnce.place`: the newest of a bundle comes first."""
        found = None
        lines = self._reader.read(frame)[1]
        for number, line in enumerate(lines):
            if self._served.reaches(name_of(self._name, line)):
                found = len(lines) - 1 - number
        return found
