"""Which message a run changes, and how: all of it follows from the seed and the run's number.

Changes are chosen on the recorded message, not on what this server made of it, so that the same
run changes the same fields whatever the server's nonces are.
"""

from __future__ import annotations

from dataclasses import dataclass

from proxy.message import OPAQUE
from proxy.mutation.chance import Chance
from proxy.mutation.edits import Replaced
from proxy.mutation.fuzzing import WAYS, propose
from replay.adaptive.lines import Line
from replay.fuzzing.changes import FAULTS, UNFIT, Changed, Changes, Move, OneChange, changed, shown
from replay.playback.steps import Say, Script, Step

EARLY = 8
"""Of the messages of a kind, so many are changed: a run replays all that is before."""
COUNTS = (1, 1, 2, 2, 3, 4)
"""How many edits a run makes."""
MOVES = 0.15
"""How often the message's place is changed instead."""
TRIES = (
    *("numbers", "numbers", "numbers", "texts", "texts", "texts", "formats", "marks"),
    *("flags", "missing", UNFIT, UNFIT, "lengths", "bits", "cut"),
)
"""Ways to change a message; what most programs stumble over is tried most."""
ATTEMPTS = 12
assert {*WAYS, UNFIT} == set(TRIES)


@dataclass(frozen=True, slots=True)
class Plan:
    """One run."""

    seed: int | str
    run: int
    say: Say
    line: Line
    place: int
    """Place of the line within its frame, from 0."""
    changes: Changes

    @property
    def what(self) -> str:
        """The message, and what is changed."""
        return f"{self.line.kind} (frame {self.line.frame.id}): {shown(self.changes)}"


@dataclass(frozen=True, slots=True)
class _Place:
    say: Say
    number: int
    line: Line


class Planner:
    """Plans the runs of one script."""

    def __init__(self, script: Script, seed: int | str) -> None:
        self._seed = seed
        self._steps: list[Step] = script.steps
        self._places: dict[str, list[_Place]] = {}
        for step in script.steps:
            for number, line in enumerate(step.lines if isinstance(step, Say) else ()):
                assert isinstance(step, Say)
                name = f"{step.flow.row.protocol} {line.kind}"
                self._places.setdefault(name, []).append(_Place(step, number, line))

    @property
    def kinds(self) -> int:
        """Kinds of messages that can be changed."""
        return len(self._places)

    def plan(self, run: int) -> Plan:
        """The run of that number, from 1."""
        chance = Chance("fuzz", self._seed, run)
        place = chance.pick(self._places[chance.pick(sorted(self._places))][:EARLY])
        changes: Changes = ()
        if chance.happens(MOVES):
            moves = [Move.TWICE]
            if next_say(self._steps, place.say) is not None:
                moves += [Move.SKIP, Move.LATE]
            changes = (chance.pick(moves),)
        if not changes:
            changes = _edits(place.line, chance)
        return Plan(self._seed, run, place.say, place.line, place.number, changes or (Move.TWICE,))


def next_say(steps: list[Step], say: Say) -> Say | None:
    """What the client says next on the same flow."""
    later = steps[say.index + 1 :]
    return next((one for one in later if isinstance(one, Say) and one.flow is say.flow), None)


def _edits(line: Line, chance: Chance) -> Changes:
    """Edits of fields first; one of bytes, or one that leaves lengths wrong, is the last."""
    found: list[OneChange] = []
    message, wanted = line.message, chance.pick(COUNTS)
    for _ in range(ATTEMPTS):
        way = chance.pick(TRIES)
        try:
            ways = ("texts", "numbers", "missing") if way == UNFIT else (way,)
            edits = propose(message, chance, ways=ways)
        except FAULTS:
            continue
        if not edits:
            continue
        one = Changed(edits[0], way == UNFIT)
        now = changed(message, [one])
        if now.encode() == message.encode():
            continue
        found.append(one)
        message = now
        if len(found) == wanted or isinstance(one.edit, Replaced) or now.kind == OPAQUE:
            break
    return tuple(found)
