"""The sink that stands around a flow's own and disturbs what goes on.

The flow's own sink sees and changes everything first (redirects, mutations); what it forwards then
meets the faults. Nothing is held while there is no fault.
"""

from __future__ import annotations

import weakref
from collections.abc import Callable, Iterable, Sequence
from typing import Protocol, runtime_checkable

from proxy.faults.fate import Fate
from proxy.faults.line import FULL, Line
from proxy.faults.spec import Spec
from proxy.faults.stages import STAGES, Stage
from proxy.mutation.chance import Chance
from proxy.relay.api import Actor, Address, Brake, Listen, Pipe, Sink, Sinks
from recordings.model import Direction, Transport


@runtime_checkable
class Marked(Protocol):
    """What a sink has that records frames: the fate of those that it records now."""

    fate: Fate | None


class Faults:
    """What is in force; makes the sinks of all flows (see `Sinks`)."""

    def __init__(self, inner: Sinks, now: Callable[[], float], specs: Sequence[Spec] = ()) -> None:
        """`now` gives seconds, monotonic."""
        self.now = now
        self.specs = list(specs)
        self._inner = inner
        self._flows: weakref.WeakSet[Faulty] = weakref.WeakSet()
        self._opened = 0

    @property
    def congested(self) -> bool:
        """See `Sinks.congested`."""
        return self._inner.congested

    def opened(
        self,
        listen: Listen,
        client: Address,
        server: Address | None,
        local: Address | None = None,
    ) -> Faulty:
        """See `Sinks.opened`."""
        self._opened += 1
        flow = Faulty(self._inner.opened(listen, client, server, local), listen, self, self._opened)
        self._flows.add(flow)
        return flow

    def set(self, specs: Sequence[Spec]) -> None:
        """Put others in force, on the flows that are open too."""
        self.specs = list(specs)
        for flow in list(self._flows):
            flow.renew()


class Faulty:
    """One flow's sink: its own one, and the faults of either direction."""

    def __init__(self, inner: Sink, listen: Listen, faults: Faults, number: int) -> None:
        self.inner = inner
        self.transport = listen.transport
        self.seen = inner.seen
        self.pending = inner.pending
        self.now = faults.now
        self._listen = listen
        self._faults = faults
        self._number = number
        self._pipe: Pipe | None = None
        self._over = False
        self._early: list[tuple[float, Callable[[], None]]] = []
        self._directions = {direction: _Way(self, direction) for direction in Direction}
        self._marked = inner if isinstance(inner, Marked) else None
        self.renew()

    def renew(self) -> None:
        """Take the faults that are in force now; those that were already go on as they are."""
        if self._over:
            return
        for direction, way in self._directions.items():
            old, way.stages = way.stages, []
            for place, spec in enumerate(self._faults.specs):
                if not spec.strikes(self.transport, self._listen.protocol, direction):
                    continue
                stage = next((one for one in old if one.spec == spec), None)
                if stage is None:
                    chance = Chance(spec.seed, spec.name, place, self._number, direction)
                    stage = STAGES[spec.name](spec, self, direction, chance)
                    stage.begin()
                else:
                    old.remove(stage)
                way.stages.append(stage)
            for stage in old:
                stage.over = True

    # the sink

    def held(self, direction: Direction) -> bool:
        """See `Sink.held`."""
        way = self._directions[direction]
        return bool(way.stages or way.line.busy) or self.inner.held(direction)

    def through(self, direction: Direction, data: bytes) -> list[bytes]:
        """See `Sink.through`."""
        way = self._directions[direction]
        fate = way.judge(len(data))
        if self._marked is not None and fate.notes:
            self._marked.fate = fate
        try:
            if self.inner.held(direction):
                out = self.inner.through(direction, data)
            else:
                out = [data]
                self.inner.seen(direction, data)
        finally:
            if self._marked is not None:
                self._marked.fate = None
        if fate.notes and self._marked is None:
            self.inner.event("fault", "; ".join(fate.notes))
        return way.put(out, fate)

    def flush(self, direction: Direction) -> list[bytes]:
        """See `Sink.flush`."""
        return self._directions[direction].put(self.inner.flush(direction), Fate(0))

    def ended(self, direction: Direction) -> list[bytes]:
        """See `Sink.ended`."""
        return self._directions[direction].put(self.inner.ended(direction), Fate(0))

    def lingers(self, direction: Direction) -> bool:
        """See `Lingers.lingers`."""
        return self._directions[direction].ends()

    def event(self, kind: str, detail: str) -> None:
        """See `Sink.event`."""
        self.inner.event(kind, detail)

    def closed(self, reason: str) -> None:
        """See `Sink.closed`."""
        self._over = True
        for way in self._directions.values():
            for stage in way.stages:
                stage.over = True
        self.inner.closed(reason)

    # the actor

    def started(self, pipe: Pipe) -> None:
        """See `Actor.started`."""
        self._pipe = pipe
        for seconds, call in self._early:
            pipe.later(seconds, call)
        self._early.clear()
        if isinstance(self.inner, Actor):
            self.inner.started(_FaultyPipe(self, pipe))

    def takes_over(self, reason: str) -> bool:
        """See `Actor.takes_over`."""
        return isinstance(self.inner, Actor) and self.inner.takes_over(reason)

    # what the stages and lines ask of it

    def send(self, direction: Direction, data: bytes) -> None:
        """What was due later goes on now."""
        if self._pipe is not None and not self._over:
            self._pipe.send(direction, data)

    def say(self, direction: Direction, data: bytes) -> None:
        """Bytes that the inner sink sends by itself meet the faults too."""
        way = self._directions[direction]
        fate = way.judge(len(data))
        if fate.notes:
            self.inner.event("fault", "; ".join(fate.notes))
        for one in way.put([data], fate):
            self.send(direction, one)

    def end(self, direction: Direction) -> None:
        """The last byte has gone on."""
        if self._pipe is not None and not self._over:
            self._pipe.end(direction)

    def later(self, seconds: float, call: Callable[[], None]) -> None:
        """See `Flow.later`."""
        if self._pipe is not None:
            self._pipe.later(seconds, call)
        else:  # the server is not reached yet
            self._early.append((seconds, call))

    def close(self, note: str, *, reset: bool = False) -> None:
        """See `Flow.close`."""
        if self._pipe is not None and not self._over:
            self.inner.event("fault", note)
            self._pipe.close(note, reset=reset)

    def brake(self, direction: Direction, on: bool) -> None:
        """Do not read that side while too much waits."""
        if isinstance(self._pipe, Brake) and not self._over:
            (self._pipe.pause if on else self._pipe.go_on)(direction)


class _Way:
    """One direction of a flow."""

    def __init__(self, flow: Faulty, direction: Direction) -> None:
        self.stages: list[Stage] = []
        self._flow = flow
        self._direction = direction
        self._stream = flow.transport is Transport.TCP
        self._braked = False
        self._ending = False
        self.line = Line(
            self._stream, flow.now, flow.later, lambda data: flow.send(direction, data)
        )
        self.line.on_drained = self._drained

    def judge(self, size: int) -> Fate:
        """What happens to so many bytes that have come."""
        fate = Fate(size)
        for stage in self.stages:
            stage.judge(fate)
        if fate.copies and not self._stream and self.line.waiting + size > FULL:
            fate.copies.clear()
            fate.notes.append("dropped: too much waits")
        return fate

    def put(self, out: Iterable[bytes], fate: Fate) -> list[bytes]:
        """What of these goes on now."""
        now: list[bytes] = []
        for data in out:
            wire = fate.wire(data)
            for copy in fate.copies:
                late = copy.delay
                for piece, delay in fate.pieces(wire):
                    late += delay
                    now += self.line.put(piece, late, copy.behind)
        if self._stream and self.line.waiting > FULL and not self._braked:
            self._braked = True
            self._flow.brake(self._direction, True)
        return now

    def ends(self) -> bool:
        """Whether the end of the stream waits; it is passed on later then."""
        wait = max((stage.closes_after() for stage in self.stages), default=0.0)
        if wait:
            self._flow.inner.event("fault", f"slow_close: {wait * 1000:.0f} ms")
            self._ending = True
            self._flow.later(wait, self._close)
        elif self.line.busy:
            self._ending = True
            self.line.on_empty = self._close
        return self._ending

    def _close(self) -> None:
        if self.line.busy:
            self.line.on_empty = self._close
        elif self._ending:
            self._ending = False
            self._flow.end(self._direction)

    def _drained(self) -> None:
        if self._braked:
            self._braked = False
            self._flow.brake(self._direction, False)


class _FaultyPipe:
    """The pipe that the inner sink is given: what it sends meets the faults (see `Pipe`)."""

    def __init__(self, flow: Faulty, pipe: Pipe) -> None:
        self._flow = flow
        self.listen = pipe.listen
        self.local = pipe.local
        self.end = pipe.end
        self.close = pipe.close
        self.later = pipe.later

    def send(self, direction: Direction, data: bytes) -> None:
        """See `Pipe.send`."""
        self._flow.say(direction, data)
