"""What a flow still expects to hear, and which recorded message a live one stands for."""

from __future__ import annotations

from collections import deque
from itertools import islice

from proxy.relay.api import Address
from recordings.model import Direction, Frame
from replay.adaptive.chance import Chance
from replay.adaptive.conversation import Change, Conversation
from replay.adaptive.lines import Line
from replay.adaptive.matching import Match, explain
from replay.adaptive.memory import Memory
from replay.playback.steps import Hear, Role, Script, Wait
from replay.playback.verdict import KEPT, Verdict

NEAR = 16
"""Recorded messages, the next of the kind, that a live one is compared with."""


class LiveFlow:
    """One flow of a live session: its state, and what it has not heard yet."""

    def __init__(self, role: Role, conversation: Conversation) -> None:
        self.role = role
        self.conversation = conversation
        self.number = 0
        """Its id in the new recording."""
        self.server: Address | None = None
        self.open = False
        self.opening = False
        self.refused = ""
        """Why a datagram did not arrive."""
        self.ended: str | None = None
        """Why it is over."""
        self.heard_at = self.said_at = 0
        self.last_wire = b""
        self.resent = 0
        self.bytes_heard = 0
        self.ahead = 0
        """Datagrams said since the server was last heard."""
        self.rhythm_at: dict[str, int] = {}
        """Kind -> when it was said last."""
        self._undone: dict[str, deque[Hear]] = {}
        self._done: set[int] = set()

    def expects(self, hear: Hear) -> None:
        """Add what the script awaits on this flow, in its order."""
        self._undone.setdefault(hear.line.kind, deque()).append(hear)

    def done(self, hear: Hear) -> bool:
        """Whether it has been heard, or is given up."""
        if hear.wait is Wait.BYTES and self.bytes_heard >= hear.total:
            return True
        return hear.index in self._done

    def give_up(self, hear: Hear) -> None:
        """Do not wait for it any more; it may still come."""
        self._done.add(hear.index)

    def put_off(self, hear: Hear) -> None:
        """It has come, or nothing of it will: it stands for no other message."""
        self._done.add(hear.index)
        queue = self._undone.get(hear.line.kind)
        if queue and hear in queue:
            queue.remove(hear)

    def candidates(self, kind: str, reached: int) -> list[Hear]:
        """What a live message of a kind may stand for, the next first."""
        queue = self._undone.get(kind, ())
        return [
            hear
            for hear in islice(queue, NEAR)
            if hear.after < reached or hear.wait is not Wait.ANSWER
        ]

    def awaited(self, kind: str, reached: int) -> Hear | None:
        """The answer that is waited for now and that this kind takes the place of."""
        waiting = [
            queue[0]
            for queue in self._undone.values()
            if queue and queue[0].wait is Wait.ANSWER and queue[0].after < reached
        ]
        fitting = [hear for hear in waiting if kind in hear.instead]
        return min(fitting, key=lambda hear: hear.index, default=None)

    def left(self) -> list[Hear]:
        """Answers that have not come."""
        return [
            hear
            for queue in self._undone.values()
            for hear in queue
            if hear.wait is Wait.ANSWER and hear.index not in self._done
        ]

    def skip_rounds(self, before: Hear) -> None:
        """The server has gone on: what it asks by itself, in rounds, it may ask less often."""
        for kind in self.role.asks:
            queue = self._undone.get(kind)
            while queue and queue[0].index < before.index:
                self._done.add(queue.popleft().index)


def flows_of(
    script: Script, memory: Memory, chance: Chance, change: Change | None
) -> dict[int, LiveFlow]:
    """The flows of a new live session, by their number in the recording."""
    flows = {}
    for role in script.roles:
        conversation = Conversation(
            role.protocol,
            Direction.TO_SERVER,
            memory,
            chance,
            transport=role.transport,
            masks=role.masks,
            change=change,
        )
        flows[role.row.id] = LiveFlow(role, conversation)
    for step in script.steps:
        if isinstance(step, Hear):
            flows[step.flow.row.id].expects(step)
    return flows


class Listener:
    """Takes what the server says: matches, learns, counts."""

    def __init__(self, memory: Memory, verdict: Verdict, *, learn: bool) -> None:
        self._memory = memory
        self._verdict = verdict
        self._learn = learn
        self.last: dict[int, Line] = {}
        """Flow -> the recorded message that was heard last on it."""
        self.stray: Match | None = None
        """What came unexpectedly since the last answer, beside the nearest recorded message."""

    def take(self, flow: LiveFlow, line: Line, reached: int) -> tuple[Hear | None, Line | None]:
        """A live message: what it fulfils of the script, and the recorded one that it is like."""
        candidates = flow.candidates(line.kind, reached)
        matcher = flow.role.matcher
        match = matcher.find(line, self._memory, among=[hear.line for hear in candidates])
        hear = next((one for one in candidates if one.line is match.recorded), None)
        if hear is not None and not match.fits:  # in the place of an answer, values may differ
            hear = next((one for one in candidates if one.wait is not Wait.PUSH), None)
            if hear is not None and hear.line is not match.recorded:
                match = matcher.compare(line, hear.line, self._memory)
        if hear is None:
            return self._unexpected(flow, line, reached)
        flow.put_off(hear)
        self.stray = None
        if hear.wait is Wait.ANSWER and hear.line.kind not in flow.role.asks:
            flow.skip_rounds(hear)
        self._count(match)
        self.last[id(flow)] = hear.line
        if self._learn:
            flow.conversation.pair(line, hear.line if match.fits or match.formed else None)
        return hear, hear.line

    def _count(self, match: Match) -> None:
        verdict = self._verdict
        if match.same:
            verdict.same += 1
        elif match.fits or match.formed:
            verdict.different += 1
            if len(verdict.differences) < KEPT:
                verdict.differences.append(match)
        elif len(verdict.otherwise) < KEPT:
            verdict.otherwise.append(match)

    def _unexpected(
        self, flow: LiveFlow, line: Line, reached: int
    ) -> tuple[Hear | None, Line | None]:
        verdict, matcher = self._verdict, flow.role.matcher
        asks = line.kind in flow.role.asks  # one round more: the answer is still to come
        instead = None if asks else flow.awaited(line.kind, reached)
        if instead is not None and instead.line.kind != line.kind:
            flow.put_off(instead)
            flow.skip_rounds(instead)
            if len(verdict.otherwise) < KEPT:
                verdict.otherwise.append(explain(line, instead.line, matcher, self._memory))
            if self._learn:
                flow.conversation.pair(line, None)
            return instead, None
        verdict.extra[line.kind] += 1
        nearest = matcher.find(line, self._memory, after=self.last.get(id(flow)))
        recorded = nearest.recorded if nearest.fits else None
        if not asks:
            self.stray = nearest
        if self._learn:
            flow.conversation.pair(line, recorded)
        return None, recorded


def lost(frame: Frame) -> str | None:
    """Why a live stream stopped making sense, None while it does."""
    error = frame.error or ""
    return error[len("lost: ") :] if error.startswith("lost: ") else None
