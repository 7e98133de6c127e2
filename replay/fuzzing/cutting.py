"""Scripts of a run: up to the message that is changed, and a short clean one to ask with."""

from __future__ import annotations

from dataclasses import replace
from typing import ClassVar

from proxy.message import Opaque
from recordings.model import Direction, Frame
from replay.adaptive.lines import Line
from replay.fuzzing.changes import Changes, Move
from replay.fuzzing.planning import next_say
from replay.playback.steps import Hear, Role, Say, Script, Step, Wait

FOLLOWED = (Move.SKIP, Move.LATE)


class _Nothing(Opaque):
    """A message that no server says: waiting for it is waiting for a while."""

    __slots__ = ()
    kind: ClassVar[str] = "nothing"  # type: ignore[misc]


def until(script: Script, say: Say, changes: Changes) -> Script:
    """Everything up to a message; what is said next too where its place is changed; a moment."""
    steps: list[Step] = script.steps[: say.index + 1]
    last = last_said(script, say, changes)
    if last is not say:
        steps.append(last)
    wait = Hear(say.flow, say.at, _nothing(say.at), Wait.PUSH)
    wait.index, wait.after = len(script.steps), say.index
    return replace(script, steps=[*steps, wait])


def last_said(script: Script, say: Say, changes: Changes) -> Say:
    """What a run says last: a message in another place needs the next one."""
    if any(one in FOLLOWED for one in changes):
        return next_say(script.steps, say) or say
    return say


def _nothing(at: int) -> Line:
    return Line(_Nothing(b""), Frame(Direction.TO_CLIENT, at, b""))


def probe(script: Script, role: Role) -> Script:
    """The shortest clean replay that shows whether the server of a flow answers."""
    for wanted in (role, None):
        for waits in ((Wait.ANSWER, Wait.BYTES), (Wait.PUSH,)):
            end = _answer(script, wanted, waits)
            if end is not None:
                return replace(script, steps=script.steps[: end + 1])
    first = next(step.index for step in script.steps if isinstance(step, Say))
    return replace(script, steps=script.steps[: first + 1])


def _answer(script: Script, role: Role | None, waits: tuple[Wait, ...]) -> int | None:
    """Place of the first that is heard after something was said on a flow, None: on any."""
    said: set[int] = set()
    for step in script.steps:
        if isinstance(step, Say):
            said.add(id(step.flow))
        elif (
            isinstance(step, Hear)
            and step.wait in waits
            and id(step.flow) in said
            and role in (None, step.flow)
        ):
            return step.index
    return None
