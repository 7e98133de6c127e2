"""Endpoints that recorded messages announced: who speaks at the other legs of a session.

In a capture nothing is relayed and nothing is rewritten; an announcement only says, before its flow
comes, which protocol it will speak, which frame led to it and to which session it belongs.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from proxy.annotate import view
from proxy.flow import Flow
from proxy.message import FieldError, Message
from proxy.protocol import Announce, Protocol
from proxy.relay.api import Address
from recordings.model import Direction, Frame, Transport

MOST = 8192
"""Endpoints that are remembered; the oldest is forgotten first."""


@dataclass(slots=True)
class Expected:
    """A leg that was announced."""

    protocol: str
    role: str
    by_server: bool
    """False: a client announced an endpoint of its own."""
    flow: Flow
    """The flow that announced it; its session is the leg's."""
    frame_id: int


class Announced:
    """Reads announcements as they are recorded (see `proxy.flow.Watch`)."""

    def __init__(self) -> None:
        self._expected: dict[tuple[Transport, Address], Expected] = {}
        self._announces: dict[tuple[str, Direction], dict[str, list[Announce]]] = {}

    def find(self, transport: Transport, endpoint: Address) -> Expected | None:
        """What was announced of an endpoint."""
        return self._expected.get((transport, endpoint))

    def event(self, flow: Flow | None, kind: str, detail: str) -> None:
        """See `Watch.event`."""

    def frame(self, flow: Flow, frame: Frame, message: Message | None) -> None:
        """See `Watch.frame`."""
        protocol = flow.protocol
        table = self._announces.get((protocol.name, frame.direction))
        if table is None:
            table = _table(protocol, frame.direction)
            self._announces[protocol.name, frame.direction] = table
        if not table:
            return
        if message is None:  # what it says is found out elsewhere, too late for this
            peek = protocol.peek if frame.protocol is None else None
            if peek is not None and peek(frame.direction, frame.clear) not in table:
                return  # nearly every frame
            message = view(protocol, frame)
        for announce in table.get(message.kind, ()):
            if announce.when is None or announce.when(message):
                for endpoint in _endpoints(announce, flow, message):
                    self._expect(announce, flow, frame, endpoint)

    def _expect(self, announce: Announce, flow: Flow, frame: Frame, endpoint: Address) -> None:
        key = announce.transport, endpoint
        self._expected.pop(key, None)  # the newest is the last
        self._expected[key] = Expected(
            announce.protocol,
            announce.role,
            announce.direction is Direction.TO_CLIENT,
            flow,
            frame.id,
        )
        if len(self._expected) > MOST:
            del self._expected[next(iter(self._expected))]


def _table(protocol: Protocol, direction: Direction) -> dict[str, list[Announce]]:
    """Kind -> what it announces, of one direction."""
    found: dict[str, list[Announce]] = {}
    for announce in protocol.announces:
        if announce.direction is direction:
            found.setdefault(announce.kind, []).append(announce)
    return found


def _endpoints(announce: Announce, flow: Flow, message: Message) -> Iterator[Address]:
    """Every endpoint of one announcement; a server that knows itself by a private address too."""
    up = announce.direction is Direction.TO_SERVER
    speaker = (flow.client if up else flow.server) or ("", 0)
    prefixes = [""]
    if announce.each is not None:
        try:
            prefixes = [f"{announce.each}[{n}]." for n in range(len(message.get(announce.each)))]
        except (FieldError, TypeError):
            return
    for prefix in prefixes:
        try:
            host = str(message.get(prefix + announce.host)) if announce.host else speaker[0]
            port = str(message.get(prefix + announce.port)) if announce.port else str(speaker[1])
        except FieldError:
            continue
        if announce.host == announce.port and announce.host is not None:
            host, _, port = host.rpartition(":")
        if port.isascii() and port.isdigit() and len(port) < 6:
            yield host.strip("[]"), int(port)
            if not announce.peer and host != speaker[0]:
                yield speaker[0], int(port)
