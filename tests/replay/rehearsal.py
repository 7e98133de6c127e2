"""Rules without sockets: clients that say messages and hear what they are told, a clock by hand.

rehearsal = Rehearsal("toy")
alice = rehearsal.enter("toy")
assert alice.says(Line("LOGIN", {"NAME": "alice"})) == [Line("WELCOME", {})]
rehearsal.passes(2.0)
assert alice.told() == [Line("NEWS", {})]
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Mapping
from typing import Any

from proxy import registry
from proxy.keys import SessionKeys
from proxy.message import Message
from proxy.protocol import Protocol
from proxy.relay.api import Address
from recordings.model import Direction, Frame, Transport
from replay.standin.rules import Rules, rules_of
from replay.standin.stage import Stage, Turn
from replay.standin.world import Client, Sitting, World

START = 1_700_000_000_000_000
"""Microseconds at which every rehearsal begins."""


class Actor:
    """One client: its flow's port, and what it was told."""

    def __init__(self, rehearsal: Rehearsal, protocol: Protocol, sitting: Sitting) -> None:
        self._rehearsal = rehearsal
        self._protocol = protocol
        self._sitting = sitting
        self._told: list[Message] = []
        self.notes: list[tuple[str, str]] = []
        self.closed: str | None = None
        """The reason, once the server has ended the flow."""
        self.client: Client
        self.turn = Turn()
        """What became of what it said last."""

    @property
    def sitting(self) -> Sitting:
        return self._sitting

    def say(self, message: Message, cipher: str | None, digest: bool) -> None:
        """See `Port`: what is told must be readable, and the same when it is read."""
        clear = message.encode()
        frame = Frame(Direction.TO_CLIENT, self._rehearsal.at, clear)
        seen = self._protocol.view(frame)
        assert seen.encode() == clear
        self._told.append(seen)

    def close(self, reason: str, reset: bool) -> None:
        self.closed = reason
        self._rehearsal.stage.closed(self.client)

    def note(self, kind: str, detail: str) -> None:
        self.notes.append((kind, detail))

    def says(self, message: Message, **derived: Any) -> list[Message]:
        """Say a message; what is told at once, and what was told since the last time."""
        frame = Frame(Direction.TO_SERVER, self._rehearsal.at, message.encode())
        frame.derived = derived or None
        self.client.frame = frame
        seen = self._protocol.view(frame)
        self.turn = self._rehearsal.stage.heard(self.client, seen)
        return self.told()

    def told(self) -> list[Message]:
        """What was told since the last time."""
        told, self._told = self._told, []
        return told

    def leaves(self) -> None:
        """End the flow."""
        self._rehearsal.stage.closed(self.client)


class Rehearsal:
    """A run of rules. `rules` puts rules of a test in the place of those of a protocol."""

    def __init__(
        self, *, rules: type[Rules] | None = None, protocol: Protocol | None = None, **world: Any
    ) -> None:
        self.at = START
        self.kept: dict[str, dict[str, str]] = {}
        """What rules kept, by shelf."""
        self.reached: list[tuple[str, str]] = []
        """Protocol and role of the endpoints that were asked for."""
        self.notes: list[tuple[str, str]] = []
        self._due: list[tuple[int, int, Callable[[], None]]] = []
        self._count = 0
        self._mine = rules
        self._protocol = protocol
        self.stage = Stage(
            World(self, now=lambda: self.at, **world),
            self._later,
            self._find,
            lambda client, kind, detail: self.notes.append((kind, detail)),
        )
        self.world = self.stage.world

    def _find(self, name: str) -> type[Rules] | None:
        return self._mine if self._mine and self._mine.protocol == name else rules_of(name)

    # the house

    def reach(
        self, client: Client, protocol: str, transport: Transport, role: str, private: bool
    ) -> Address:
        wanted = protocol, role
        if wanted not in self.reached or private:
            self.reached.append(wanted)
        return client.local[0], 40_000 + self.reached.index(wanted)

    def call(self, address: Address, protocol: str, role: str) -> Client:
        return self.enter(protocol, address=address, role=role).client

    def state(self, name: str) -> Mapping[str, str]:
        return self.kept.get(name, {})

    def keep(self, name: str, key: str, value: str | None) -> None:
        shelf = self.kept.setdefault(name, {})
        if value is None:
            shelf.pop(key, None)
        else:
            shelf[key] = value

    # the clock

    def _later(self, seconds: float, call: Callable[[], None]) -> None:
        self._count += 1
        heapq.heappush(self._due, (self.at + int(seconds * 1e6), self._count, call))

    def passes(self, seconds: float) -> None:
        """Let time pass; everything that falls due is done."""
        until = self.at + int(seconds * 1e6)
        while self._due and self._due[0][0] <= until:
            self.at, _, call = heapq.heappop(self._due)
            call()
        self.at = until

    # clients

    def enter(
        self,
        protocol: str,
        *,
        role: str = "",
        address: Address = ("192.0.2.7", 50_000),
        transport: Transport | None = None,
        beside: Actor | None = None,
    ) -> Actor:
        """A client comes; `beside`: of the same sitting as another flow."""
        mine = self._protocol
        known = mine if mine and mine.name == protocol else registry.protocol(protocol)
        sitting = beside.sitting if beside else Sitting(self._count + 1, SessionKeys())
        actor = Actor(self, known, sitting)
        way = transport or known.transports[0]
        local = "192.0.2.1", 7
        actor.client = Client(actor, known, address, local, transport=way, role=role)
        self.stage.opened(actor.client)
        return actor
