"""One sitting of one client, while it is open: its keys and its flows."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from proxy.keys import SessionKeys
from proxy.relay.api import Listen
from proxy.tap import Tap

LINGER = 300_000_000
"""Microseconds after its last flow until a session ends (design: five minutes)."""


@dataclass(slots=True, eq=False)
class Session:
    """One sitting of one client."""

    id: int
    client: str
    keys: SessionKeys
    taps: set[Tap] = field(default_factory=set)
    flows: int = 0
    """How many it ever had."""
    idle_since: int = 0
    """When its last flow ended, in microseconds; counts only without open flows."""
    parts: Counter[tuple[str, str, str]] = field(default_factory=Counter)
    """Protocol, transport and role -> how many flows of it are open."""

    def add(self, tap: Tap) -> None:
        """Take an open flow in."""
        self.taps.add(tap)
        self.parts[_part(tap.flow.listen)] += 1

    def discard(self, tap: Tap) -> None:
        """Let a flow go."""
        if tap in self.taps:
            self.taps.discard(tap)
            part = _part(tap.flow.listen)
            self.parts[part] -= 1
            if not self.parts[part]:
                del self.parts[part]

    def over(self, at: int) -> bool:
        """Whether its last flow ended five minutes ago."""
        return not self.taps and at - self.idle_since >= LINGER


def has_open(session: Session, listen: Listen) -> bool:
    """Whether a session has an open flow of this protocol, transport and role."""
    return _part(listen) in session.parts


def _part(listen: Listen) -> tuple[str, str, str]:
    return listen.protocol, listen.transport, listen.role
