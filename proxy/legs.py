"""The legs of a run: listeners that a redirect opened, one per client and announced endpoint."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from proxy.flow import Flow
from proxy.relay.api import Address, Listen, Opener
from recordings.model import Transport

LEGS_PER_CLIENT = 64
"""Listeners that one client may make us open."""
STALE = 3_600_000_000
"""Microseconds after which a leg that nobody uses makes room for a new one."""
PASSING = 4096
"""Endpoints that are remembered in transparent modes; the oldest is forgotten first."""


@dataclass(slots=True, eq=False)
class Leg:
    """One endpoint that was announced to one client, and our listener for it."""

    listen: Listen
    address: Address
    announced: int
    """When last, in microseconds."""
    session: int = 0
    parent: int | None = None
    """The frame that announced it last."""
    flows: int = 0


@dataclass(slots=True, eq=False)
class Redirects:
    """All legs of one run: one listener per client and announced endpoint, reused."""

    opener: Opener
    relay_peers: bool = False
    limit: int = LEGS_PER_CLIENT
    own: dict[tuple[Transport, int], Listen] = field(default_factory=dict)
    """Our listeners by transport and port."""
    legs: dict[Listen, Leg] = field(default_factory=dict)
    passing: dict[tuple[Transport, Address], Leg] = field(default_factory=dict)
    """Endpoints announced to clients whose traffic comes by us anyway (transparent modes)."""

    def leg(self, flow: Flow, wanted: Listen, at: int) -> Leg | None:
        """The leg for an endpoint, opened now if need be; None when the client has too many."""
        leg = self.legs.get(wanted)
        if leg is None:
            mine = [one for one in self.legs.values() if one.listen.client == wanted.client]
            if len(mine) >= self.limit and not self._make_room(mine, at):
                return None
            address = self.opener.open(wanted)
            leg = self.legs[wanted] = Leg(wanted, address, at)
            self.own[wanted.transport, address[1]] = wanted
        leg.announced = at
        leg.session = flow.session
        return leg

    def expect(self, flow: Flow, wanted: Listen, at: int) -> Leg:
        """Remember who speaks at an announced endpoint; nothing has to be opened for it."""
        server = wanted.upstream or ("", 0)
        listen = replace(wanted, host=server[0], port=server[1], client=None)
        leg = self.passing.setdefault((wanted.transport, server), Leg(listen, server, at))
        self.legs[leg.listen] = leg
        while len(self.passing) > PASSING:
            oldest = self.passing.pop(next(iter(self.passing)))
            self.legs.pop(oldest.listen, None)
        leg.announced, leg.session = at, flow.session
        return leg

    def _make_room(self, legs: list[Leg], at: int) -> bool:
        stale = [leg for leg in legs if not leg.flows and at - leg.announced > STALE]
        if not stale:
            return False
        leg = min(stale, key=lambda one: one.announced)
        del self.legs[leg.listen]
        self.own.pop((leg.listen.transport, leg.address[1]), None)
        self.opener.shut(leg.listen)
        return True
