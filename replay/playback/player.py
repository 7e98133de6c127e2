"""The machine that plays the client of a script: steps and bytes in, acts out. Sans-io.

player.act(now)             what to do now; then again at `player.wake`
player.opened(flow, ...)    a connection stands, `failed` where it does not
player.received(flow, ...)  bytes came; `act` again
player.verdict, player.over
"""

from __future__ import annotations

from collections.abc import Callable

from proxy.keys import SessionKeys
from proxy.mutation.engine import Mutations
from proxy.relay.api import Address, show_address
from recordings.errors import UserError
from recordings.model import Direction, Transport
from replay.adaptive.chance import Chance
from replay.adaptive.conversation import Change
from replay.adaptive.lines import Line
from replay.adaptive.memory import Memory
from replay.playback.hearing import Listener, LiveFlow, flows_of, lost
from replay.playback.obeying import obey
from replay.playback.pacing import Pace
from replay.playback.places import Endpoints
from replay.playback.posting import Act, Connect, End
from replay.playback.scribe import Scribe
from replay.playback.speaking import Speaker
from replay.playback.steps import Close, Hear, Open, Say, Script, Step, Wait
from replay.playback.verdict import Verdict
from replay.playback.wishes import FAST, Manner

BATCH = 128
"""Frames said before the peer is listened to again."""
FLOOD = 20_000
"""Messages in one turn that the recording does not have there."""
ENDING = 1_000_000
"""Microseconds that the end of a session waits for what is still to come."""


class Player:
    """Plays one live session."""

    def __init__(
        self,
        script: Script,
        manner: Manner,
        scribe: Scribe,
        now: Callable[[], int],
        *,
        change: Change | None = None,
        mutations: Mutations | None = None,
        number: int = 1,
        chance: Chance | None = None,
    ) -> None:
        self.script = script
        self.manner = manner
        self.scribe = scribe
        self._now = now
        self._mutations = mutations
        self.verdict = Verdict(says=script.says, session=scribe.session)
        self.told: Callable[[int], None] | None = None
        """Is told how many frames were said, from time to time."""
        self.over = False
        self.wake = 0
        """When to `act` again if nothing is heard before, microseconds."""
        own = [] if manner.verbatim else script.own
        keys = SessionKeys((*own, *manner.keys), manner.secrets)
        self.memory = Memory(keys, () if manner.verbatim else script.keys)
        chance = chance or Chance(f"{manner.seed}/{number}", now)
        self._pace = Pace(manner, script.steps[0].at, len(script.steps) - 1)
        self.verdict.late = self._pace.late
        self.flows = flows_of(script, self.memory, chance, change)
        self._pace.flows = {
            number: flow
            for number, flow in self.flows.items()
            if flow.role.transport is Transport.UDP
        }
        self._speaker = Speaker(scribe, self.verdict, verbatim=manner.verbatim)
        self._endpoints = Endpoints(script, manner.places, self.memory)
        self._listener = Listener(self.memory, self.verdict, learn=not manner.verbatim)
        self._next = self._extra = self._since = 0  # since: when the turn began to wait

    def _flow(self, step: Step) -> LiveFlow:
        return self.flows[step.flow.row.id]

    # -- what to do --------------------------------------------------------------------------------

    def act(self, at: int) -> list[Act]:
        """What is to be done now; sets `wake`."""
        said = self.verdict.said
        acts = self._act(at)
        if self.told and self.verdict.said > said:
            self.told(self.verdict.said - said)
        return acts

    def _act(self, at: int) -> list[Act]:
        acts = self._speaker.post.due(at)
        if not self._pace.began:
            self._pace.began = self._since = at
        steps = self.script.steps
        while not self.over and self._next < len(steps):
            step = steps[self._next]
            until = _HOLDS[type(step)](self, step, at, acts)
            if self.over:
                break
            if until is not None:
                flows = self.flows.values()
                again = self._speaker.idle(flows, self._flow(step), step, at, acts)
                self.wake = max(at, min(until, again, self._speaker.post.next or until))
                return acts
            self._next += 1
            self._since = at
            if len(acts) >= BATCH:
                self.wake = at
                return acts
        if not self.over:
            wait = self._drain(at) if self.manner.timing == FAST else None
            if wait is not None:
                self.wake = wait
                return acts
            self.over = True
        self.verdict.learned = self.memory.learned
        return acts + self._ends("played to the end")

    def _drain(self, at: int) -> int | None:
        """What was not waited for may still come; gives up when nothing does."""
        left = [hear for flow in self.flows.values() for hear in flow.left()]
        until = max(self._since, *(flow.heard_at for flow in self.flows.values())) + ENDING
        if left and at < until:
            return until
        self.verdict.missing.update(hear.line.kind for hear in left)
        return None

    def _ends(self, reason: str) -> list[Act]:
        acts: list[Act] = []
        for flow in self.flows.values():
            if flow.open:
                acts += [*self._speaker.post.flush(flow), End(flow, reason)]
        return acts

    def _stop(self, reason: str) -> None:
        self.verdict.broke_off = self.verdict.broke_off or reason
        self.over = True

    def _hold_open(self, step: Step, at: int, acts: list[Act]) -> int | None:
        flow = self._flow(step)
        if flow.open or flow.ended:
            return None
        until = self._pace.due(step, at, self._since)
        if until is not None:
            return until
        if not flow.opening:
            server = self._endpoints.find(flow.role)
            if server is None:
                self._stop(self._endpoints.unknown(flow.role))
                return None
            flow.opening, flow.server, self._since = True, server, at
            acts.append(Connect(flow, server))
        return self._since + self.manner.deadline

    def _hold_close(self, step: Step, at: int, acts: list[Act]) -> int | None:
        flow = self._flow(step)
        if not flow.open or self.manner.timing == FAST:
            return None
        until = self._pace.due(step, at, self._since)
        if until is None:
            acts += [*self._speaker.post.flush(flow), End(flow, "played to the end")]
        return until

    def _hold_say(self, step: Step, at: int, acts: list[Act]) -> int | None:
        assert isinstance(step, Say)
        flow = self._flow(step)
        if not flow.open:
            if flow.ended:
                kind = step.lines[0].kind
                self._stop(f"{flow.ended} before {kind} (frame {step.lines[0].frame.id}) was said")
            return None
        until = self._pace.due(step, at, self._since)
        if until is None:
            self._speaker.say(flow, step.lines, at, acts)
            self.verdict.said += 1
        return until

    def _hold_hear(self, step: Step, at: int, acts: list[Act]) -> int | None:
        assert isinstance(step, Hear)
        flow = self._flow(step)
        if flow.done(step) or not self._pace.waits(flow, step):
            return None
        if flow.ended is not None:
            self._unheard(flow, step, flow.ended)
            return None
        patience = self._pace.patience(flow, step)
        if at >= self._since + patience:
            refused = f" ({flow.refused})" if flow.refused else ""
            self._unheard(flow, step, f"it did not come within {patience / 1e6:g} s{refused}")
            return None
        return self._since + patience

    def _unheard(self, flow: LiveFlow, step: Hear, why: str) -> None:
        flow.give_up(step)
        kind = step.line.kind
        if step.wait is not Wait.ANSWER:
            self._pace.missed(flow, kind)
            self.verdict.unheard[kind] += 1
            return
        self.verdict.missing[kind] += 1
        if not self.manner.go_on or flow.ended is not None:
            stray = self._listener.stray
            came = f"; what came instead: {stray.sentence()}" if stray else ""
            self._stop(f"no answer {kind} (recorded in frame {step.line.frame.id}): {why}{came}")

    def interrupt(self) -> None:
        """Somebody wants no more of it."""
        if not self.over:
            self._stop("interrupted")

    # -- what happens ------------------------------------------------------------------------------

    def opened(self, flow: LiveFlow, local: Address, at: int) -> None:
        """The flow stands; `local` is our end of it."""
        assert flow.server is not None
        flow.open, flow.opening = True, False
        flow.heard_at = at
        flow.conversation.adapter.local = local
        row = flow.role.row
        flow.number = self.scribe.opened(
            flow.role.protocol,
            flow.role.transport,
            local,
            flow.server,
            at=at,
            hostname=row.hostname,
            parent=self._endpoints.parents.get(row.id),
        )
        self._endpoints.opened(flow.role, flow.server, local)
        if self._mutations:
            obey(flow, self._mutations, self.scribe, self._now, self.verdict.problems.append)

    def failed(self, flow: LiveFlow, reason: str) -> None:
        """The flow cannot be opened."""
        assert flow.server is not None
        flow.opening, flow.ended = False, reason
        self._stop(f"{show_address(flow.server)} cannot be reached: {reason}")

    def closed(self, flow: LiveFlow, reason: str, at: int) -> None:
        """The flow is over, by whomever."""
        if not flow.open:
            return
        for side in Direction:
            self.scribe.record(flow.number, flow.conversation.finish(side, at))
        flow.open, flow.ended = False, reason
        self.scribe.closed(flow.number, at, reason)

    def refused(self, flow: LiveFlow, reason: str, at: int) -> None:
        """A datagram did not arrive: nobody listens there, as yet."""
        if not flow.refused:
            flow.refused = reason
            self.scribe.event("refused", reason, at=at, flow=flow.number)

    def received(self, flow: LiveFlow, data: bytes, at: int) -> list[Act]:
        """What the server sent; what must be answered at once."""
        acts: list[Act] = []
        flow.heard_at = at
        flow.bytes_heard += len(data)
        flow.ahead = max(0, flow.ahead - 1)
        for heard in flow.conversation.hear(data, at):
            self.scribe.record(flow.number, (heard,))
            doubt = lost(heard.frame)
            if doubt is not None and flow.role.can_be_read:
                self._stop(f"the server does not speak {flow.role.row.protocol}: {doubt}")
            for line in heard.lines:
                self._take(flow, line, at, acts)
        return acts

    def _take(self, flow: LiveFlow, line: Line, at: int, acts: list[Act]) -> None:
        hear, recorded = self._listener.take(flow, line, self._next)
        if hear is None:
            self._extra += 1
            if self._extra > FLOOD:
                self._stop(f"the server floods: {FLOOD:,} messages that the recording has not")
                return
        else:
            self._extra = 0
        if recorded is not None and recorded.opens:
            self._endpoints.announced(flow, recorded, line)
        if line.kind in flow.role.asks and not self.manner.verbatim and not self.over:
            try:
                self._speaker.answer(flow, line, recorded, at, acts)
            except UserError as error:
                self.verdict.problems.append(str(error))


_HOLDS: dict[type[Step], Callable[[Player, Step, int, list[Act]], int | None]] = {
    Open: Player._hold_open,
    Close: Player._hold_close,
    Say: Player._hold_say,
    Hear: Player._hold_hear,
}
"""Kind of step -> does it, or says when to look again."""
