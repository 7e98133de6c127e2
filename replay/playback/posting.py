"""What goes to the server now, later, or behind other frames: an outbox per flow, and timers."""

from __future__ import annotations

import heapq
from collections.abc import Callable
from dataclasses import dataclass
from itertools import count

from proxy.outbox import Outbox
from proxy.relay.api import Address
from recordings.model import Transport
from replay.adaptive.conversation import Said
from replay.playback.hearing import LiveFlow


@dataclass(slots=True)
class Connect:
    """Open a flow."""

    flow: LiveFlow
    server: Address


@dataclass(slots=True)
class Send:
    """Bytes, or one datagram."""

    flow: LiveFlow
    data: bytes


@dataclass(slots=True)
class End:
    """Close a flow."""

    flow: LiveFlow
    reason: str


Act = Connect | Send | End


class Post:
    """Everything that one live session sends."""

    def __init__(self) -> None:
        self._boxes: dict[int, Outbox] = {}
        self._timers: list[tuple[int, int, Callable[[], None]]] = []
        self._numbers = count()
        self._now = 0
        self._due: list[Act] = []

    def put(self, flow: LiveFlow, said: Said, at: int) -> list[Act]:
        """What of it goes now."""
        self._now = at
        if said.parts is None and id(flow) not in self._boxes:
            return [Send(flow, said.wire)]
        box = self._box(flow)
        if said.parts is None:
            out = box.put(said.wire) + box.passed()
            return [Send(flow, data) for data in out]
        out = []
        for part in said.parts:
            wire = part.wire
            if wire is None:
                continue
            if part.behind:
                box.keep(part.behind, lambda wire=wire: wire)  # type: ignore[misc]
            elif part.delay:
                box.delay(wire, part.delay)
            else:
                out += box.put(wire) + box.passed()
        return [Send(flow, data) for data in out]

    def _box(self, flow: LiveFlow) -> Outbox:
        def later(seconds: float, call: Callable[[], None]) -> None:
            when = self._now + int(seconds * 1e6)
            heapq.heappush(self._timers, (when, next(self._numbers), call))

        box = self._boxes.get(id(flow))
        if box is None:
            stream = flow.role.transport is Transport.TCP
            box = Outbox(stream, lambda data: self._due.append(Send(flow, data)), later)
            self._boxes[id(flow)] = box
        return box

    def due(self, at: int) -> list[Act]:
        """What was delayed until now."""
        self._now = at
        while self._timers and self._timers[0][0] <= at:
            heapq.heappop(self._timers)[2]()
        due, self._due = self._due, []
        return due

    @property
    def next(self) -> int | None:
        """When there is something due again."""
        return self._timers[0][0] if self._timers else None

    def flush(self, flow: LiveFlow) -> list[Act]:
        """Everything of a flow at once: it ends."""
        box = self._boxes.pop(id(flow), None)
        return [Send(flow, data) for data in box.flush()] if box else []
