"""At which pace a script is played: when a step is due, and which ones are waited for at all."""

from __future__ import annotations

from replay.playback.hearing import LiveFlow
from replay.playback.steps import Hear, Say, Step, Wait
from replay.playback.wishes import FAST, ORIGINAL, TURNS, Manner

WINDOW, BREATH = 64, 20_000
"""Datagrams said ahead of what is heard when fast, and microseconds to wait for more then."""


class Pace:
    """The pace of one live session."""

    def __init__(self, manner: Manner, first: int, last: int) -> None:
        self._manner = manner
        self._first = first  # when the recording began, microseconds
        self._last = last  # place of the last step
        self.flows: dict[int, LiveFlow] = {}
        """The UDP flows, by their number in the recording."""
        self.began = 0
        """When the live session began, microseconds; 0: it has not."""
        self.late: list[int] = []
        """How late each frame of original timing was said, microseconds."""
        self._rare: set[tuple[int, str]] = set()  # pushes that did not come: not waited for again

    def due(self, step: Step, at: int, since: int) -> int | None:
        """When a step's time has not come yet: when it will. `since`: when its turn began."""
        if self._manner.timing != ORIGINAL:
            return self._breath(step, at) if self._manner.timing == FAST else None
        due = self.began + int((step.at - self._first) / self._manner.speed)
        if at < due:
            return due
        if isinstance(step, Say) and due >= since:  # nothing held it up but the clock
            self.late.append(at - due)
        return None

    def _breath(self, step: Step, at: int) -> int | None:
        """Datagrams that nobody has read yet would be lost: let the server catch up."""
        flow = self.flows.get(step.flow.row.id)
        if not isinstance(step, Say) or flow is None or flow.ahead < WINDOW:
            return None
        until = max(flow.heard_at, flow.said_at) + BREATH
        if at < until:
            return until
        flow.ahead = 0
        return None

    def waits(self, flow: LiveFlow, step: Hear) -> bool:
        """Whether what the server said is worth waiting for at all."""
        if step.wait is Wait.ASKS:
            return False
        if step.wait is Wait.PUSH:
            rare = (flow.role.row.id, step.line.kind) in self._rare
            return self._manner.timing == TURNS and not rare
        if self._manner.timing == FAST and step.index < self._last:
            return bool(step.line.opens) or step.line.kind in flow.role.telling
        return True

    def missed(self, flow: LiveFlow, kind: str) -> None:
        """A push of this kind did not come."""
        self._rare.add((flow.role.row.id, kind))

    def patience(self, flow: LiveFlow, step: Hear) -> int:
        """Microseconds to wait for what the server said."""
        if step.wait is Wait.ANSWER or (step.wait is Wait.BYTES and not flow.bytes_heard):
            return self._manner.deadline
        return self._manner.grace
