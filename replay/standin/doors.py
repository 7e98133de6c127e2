"""The endpoints that a stand-in announces: its listeners, and who is expected at which.

One listener serves all clients at an endpoint of a protocol and role. The flow that comes by it
belongs to the session of the client to which it was announced, the one that waits longest first,
and hangs from the frame that announced it.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from proxy import registry
from proxy.legs import Redirects
from proxy.relay.api import Address, Listen, show_address
from recordings.errors import UserError
from recordings.model import Transport

if TYPE_CHECKING:
    from replay.standin.performer import Performer

MOST_EXPECTED = 64
"""Announcements to one address that wait for a flow; the oldest is forgotten first."""
ON_THE_WAY = 10_000_000
"""Microseconds that a client may take from an announcement to the announced endpoint."""


@dataclass(slots=True, eq=False)
class Expected:
    """A client that was told to come to a listener."""

    session: int
    frame: int | None = None


class Doors:
    """All of one run."""

    def __init__(self, now: Callable[[], int]) -> None:
        self.redirects: Redirects | None = None
        self._now = now
        self._expected: dict[tuple[Listen, str], deque[Expected]] = {}
        self._hanging: dict[Performer, list[Expected]] = {}
        self._announced: dict[int, dict[tuple[str, str, str], int]] = {}

    def came(self, listen: Listen, host: str) -> Listen:
        """The listener as the flow of a client sees it: its session and its parent."""
        waiting = self._expected.get((listen, host))
        if not waiting:
            return listen
        expected = waiting.popleft()
        return replace(listen, session=expected.session, parent_frame=expected.frame)

    def busy(self, session: int, listen: Listen, *, open_flows: bool, at: int) -> bool:
        """Whether a session that was sent on from here has flows, or is on its way to them."""
        known = self._announced.get(session, {}).get(_part(listen))
        return known is not None and (open_flows or at - known < ON_THE_WAY)

    def left(self, performer: Performer) -> None:
        """A flow is over."""
        self._hanging.pop(performer, None)

    def forget(self, session: int) -> None:
        """A session is over."""
        self._announced.pop(session, None)

    def hang(self, performer: Performer, frame_id: int) -> None:
        """A frame was said: what was announced before it hangs from it."""
        if self._hanging:
            for expected in self._hanging.pop(performer, ()):
                expected.frame = frame_id

    def reach(
        self, performer: Performer, protocol: str, transport: Transport, role: str, private: bool
    ) -> Address:
        """See `World.reach`."""
        found = None if private else self.listener(protocol, transport, role)
        if found is None:
            found = self._open(performer, protocol, transport, role, private)
        listen, port = found
        session, client = performer.flow.session, performer.client
        self._announced.setdefault(session, {})[_part(performer.flow.listen)] = self._now()
        key = listen, client.address[0]
        waiting = self._expected.setdefault(key, deque(maxlen=MOST_EXPECTED))
        expected = next((one for one in waiting if one.session == session), None)
        if expected is None:
            expected = Expected(session)
            waiting.append(expected)
        self._hanging.setdefault(performer, []).append(expected)
        return client.local[0], port

    def listener(self, protocol: str, transport: Transport, role: str) -> tuple[Listen, int] | None:
        """The listener for all clients of a protocol and role, and its port."""
        assert self.redirects is not None
        for (way, port), listen in self.redirects.own.items():
            known = listen.protocol, way, listen.client
            if known == (protocol, transport, None) and listen.role == role:
                return listen, port
        return None

    def _open(
        self, performer: Performer, protocol: str, transport: Transport, role: str, private: bool
    ) -> tuple[Listen, int]:
        assert self.redirects is not None
        listen = Listen(
            protocol=protocol,
            transport=transport,
            host=performer.pipe.listen.host if performer.pipe else performer.flow.local[0],
            port=0,
            client=performer.flow.client[0] if private else None,
            role=role or ("private" if private else ""),
        )
        spoken = registry.protocol(protocol).transports
        ways = [transport, *(way for way in spoken if way is not transport)]
        port = 0
        for way in ways:  # a protocol that speaks over two transports has both on one number
            try:
                mine = listen if way is transport else replace(listen, transport=way, port=port)
                port = self.redirects.opener.open(mine)[1]
            except OSError as error:
                raise UserError(f"no port can be had for {role or protocol}: {error}") from error
            self.redirects.own[way, port] = mine
        where = show_address((performer.client.local[0], port))
        performer.note("leg", f"{role or protocol} is at {where}")
        return listen, port


def _part(listen: Listen) -> tuple[str, str, str]:
    return listen.protocol, str(listen.transport), listen.role
