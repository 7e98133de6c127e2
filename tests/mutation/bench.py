"""A flow with rules on it, in time that the test moves."""

from __future__ import annotations

import heapq
from collections.abc import Callable
from typing import Any

from proxy import registry
from proxy.flow import Flow
from proxy.keys import SessionKeys
from proxy.mutation.engine import Mutations
from proxy.mutation.rulefile import rules_of
from proxy.mutation.virtual import VirtualPipe
from proxy.protocol import Protocol
from proxy.relay.api import Listen
from proxy.tap import Tap
from recordings.model import Direction, Frame, Transport
from tests.toy import TOY, Clock, MemoryStore

UP, DOWN = Direction.TO_SERVER, Direction.TO_CLIENT


class Bench:
    """One flow of a protocol, relayed through rules."""

    def __init__(
        self,
        *rules: dict[str, Any],
        protocol: Protocol | str = TOY,
        transport: Transport = Transport.TCP,
        seed: int = 0,
    ) -> None:
        spoken = registry.protocol(protocol) if isinstance(protocol, str) else protocol
        self.store, self.clock = MemoryStore(), Clock(0)
        self.mutations = Mutations(rules_of(rules, "rules.toml", seed))
        listen = Listen(spoken.name, transport, "192.0.2.1", 7, ("203.0.113.9", 7))
        flow = Flow(1, 1, spoken, listen, ("198.51.100.5", 999), ("203.0.113.9", 7), ("", 0))
        made = self.mutations.of(flow, lambda *event: self.tap.note(*event))
        self.keys = SessionKeys()
        self.tap = Tap(flow, self.keys, self.store, now=self.clock, rules=made)
        self.out: dict[Direction, list[bytes]] = {UP: [], DOWN: []}
        self._timers: list[tuple[float, int, Callable[[], None]]] = []
        self.tap.started(VirtualPipe(listen, ("", 0), self._sent, self._later))

    def _sent(self, direction: Direction, data: bytes) -> None:
        self.out[direction].append(data)

    def _later(self, seconds: float, call: Callable[[], None]) -> None:
        due = self.clock.at + seconds * 1e6
        heapq.heappush(self._timers, (due, len(self._timers), call))

    def wait(self, seconds: float) -> None:
        """Let time go by."""
        end = self.clock.at + seconds * 1e6
        while self._timers and self._timers[0][0] <= end:
            due, _, call = heapq.heappop(self._timers)
            self.clock.at = int(due)
            call()
        self.clock.at = int(end)

    def send(self, direction: Direction, *datas: bytes) -> bytes:
        """Chunks or datagrams come; everything that went on that way so far."""
        for data in datas:
            if self.tap.held(direction):
                self.out[direction] += self.tap.through(direction, data)
            else:
                self.out[direction].append(data)
                self.tap.seen(direction, data)
        return b"".join(self.out[direction])

    @property
    def frames(self) -> list[Frame]:
        """What was recorded."""
        return self.store.frames

    @property
    def notes(self) -> list[str]:
        """What the rules said that they did."""
        return [detail for kind, detail in self.store.events if kind == "mutation"]
