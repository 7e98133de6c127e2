"""What the client says: lines of the script, answers to what the server asks, and repetitions.

While a turn waits, lost datagrams are said again and flows are kept alive by the protocol's rhythm.
"""

from __future__ import annotations

from collections.abc import Iterable

from proxy.protocol import Rhythm
from recordings.model import Transport
from replay.adaptive.conversation import Said
from replay.adaptive.lines import Line
from replay.playback.hearing import LiveFlow
from replay.playback.posting import Act, Post
from replay.playback.scribe import Scribe
from replay.playback.steps import Hear, Step
from replay.playback.verdict import Verdict

AGAIN, AGAINS = 500_000, 5
"""Microseconds after which an unanswered datagram is said again, and how often."""
QUIET = 60_000_000
"""Microseconds after which a waiting player looks up by itself."""


class Speaker:
    """Says things on the flows of one live session, and has them recorded."""

    def __init__(self, scribe: Scribe, verdict: Verdict, *, verbatim: bool) -> None:
        self._scribe = scribe
        self._verdict = verdict
        self._verbatim = verbatim
        self.post = Post()

    def say(self, flow: LiveFlow, lines: list[Line], at: int, acts: list[Act]) -> None:
        conversation = flow.conversation
        if self._verbatim:
            said = conversation.say_wire(lines[0].frame.raw or lines[0].frame.sent or b"", at)
        else:
            said = conversation.say(lines, at)
        self._said(flow, said, at, acts)
        for line in lines:
            flow.rhythm_at[line.kind] = at

    def _said(self, flow: LiveFlow, said: Said, at: int, acts: list[Act]) -> None:
        self._scribe.record(flow.number, said.frames)
        for heard in said.frames:
            for place, check in ((heard.frame.derived or {}).get("checks") or {}).items():
                if check.startswith("WRONG") and not self._verbatim:
                    self._verdict.problems.append(f"{heard.message.kind}.{place}: {check}")
        if said.problem:
            self._verdict.problems.append(said.problem)
        flow.said_at, flow.last_wire, flow.resent = at, said.wire, 0
        flow.ahead += 1
        flow.conversation.recorded(said)
        acts += self.post.put(flow, said, at)

    def answer(
        self, flow: LiveFlow, line: Line, recorded: Line | None, at: int, acts: list[Act]
    ) -> None:
        """What the server asked by itself is answered as it was in the recording."""
        cues = flow.role.cues.get(line.kind)
        if cues:
            asked, answer = next((cue for cue in cues if cue[0] is recorded), cues[-1])
            self._said(flow, flow.conversation.answer(asked, line, answer, at), at, acts)
        elif line.kind in flow.role.asks.get(line.kind, ()) and line.number is None:
            said = flow.conversation.say_message(line.message, at)
            self._said(flow, said, at, acts)
        elif not flow.role.matcher.of_kind(line):
            self._verdict.problems.append(f"{line.kind} of the server has no recorded answer")

    def idle(
        self, flows: Iterable[LiveFlow], flow: LiveFlow, step: Step, at: int, acts: list[Act]
    ) -> int:
        """While a turn waits for a step: say lost datagrams again, keep flows alive.

        Gives the time at which that is to be done again.
        """
        wake = at + QUIET
        udp = flow.role.transport is Transport.UDP
        if isinstance(step, Hear) and flow.open and udp and flow.last_wire:
            again = max(flow.said_at, flow.heard_at) + AGAIN
            if at >= again and flow.resent < AGAINS:
                resent = flow.resent + 1
                said = None if self._verbatim else flow.conversation.say_again(at)
                said = said or flow.conversation.say_wire(flow.last_wire, at)
                self._said(flow, said, at, acts)
                flow.resent = resent
                again = at + AGAIN
            if flow.resent < AGAINS:
                wake = min(wake, again)
        if not self._verbatim:
            wake = min(wake, self._keep_alive(flows, at, acts))
        return wake

    def _keep_alive(self, flows: Iterable[LiveFlow], at: int, acts: list[Act]) -> int:
        wake = at + QUIET
        for flow in flows:
            if not flow.open:
                continue
            for rhythm, line in flow.role.rhythms:
                due = self._beat(flow, rhythm)
                if due is not None and at >= due:
                    self.say(flow, [line], at, acts)
                    due = at + int(rhythm.every * 1e6)
                wake = min(wake, due or wake)
        return wake

    def _beat(self, flow: LiveFlow, rhythm: Rhythm) -> int | None:
        """When a keepalive is due: from the first one that the script said on."""
        last = flow.rhythm_at.get(rhythm.kind)
        return None if last is None else last + int(rhythm.every * 1e6)
