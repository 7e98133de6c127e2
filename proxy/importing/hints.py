"""What our own pcapng exports say of their flows, in custom blocks, so that nothing is guessed."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

from proxy import registry
from proxy.importing.guess import Guess
from proxy.relay.api import Address, show_address
from recordings.errors import UserError
from recordings.model import Direction, Key, Transport

MOST = 100_000
"""Flows and keys that are believed."""


@dataclass(frozen=True, slots=True)
class Hint:
    """What is known of one flow."""

    guess: Guess
    hostname: str | None
    opened: int
    """When it was opened, in microseconds."""
    later: tuple[int, ...]
    """When later flows of the same endpoints were opened."""


@dataclass(slots=True)
class Hints:
    """Flows and keys of exported recordings."""

    ours: bool = False
    """Whether the capture is an export of ours."""
    keys: list[Key] = field(default_factory=list)
    """Keys that the user had given when it was recorded."""
    _flows: dict[tuple[str, str, str], list[dict[str, Any]]] = field(default_factory=dict)

    def read(self, data: bytes) -> None:
        """Take one custom block; what is of another form is passed over."""
        try:
            said = json.loads(data.rstrip(b"\0"))
            self._take(said)
        except (
            ValueError,
            LookupError,
            TypeError,
            ArithmeticError,
            AttributeError,
            RecursionError,
        ):
            return
        self.ours = True

    def _take(self, said: dict[str, Any]) -> None:
        for flow in said.get("flows", ())[:MOST]:
            key = str(flow["transport"]), str(flow["client"]), str(flow["server"])
            self._flows.setdefault(key, []).append(
                {
                    "protocol": str(flow["protocol"]),
                    "opened_at": int(flow["opened_at"]),
                    "role": str(flow.get("role") or ""),
                    "game": flow.get("game"),
                    "hostname": flow.get("hostname"),
                }
            )
        for key in said.get("keys", ())[: MOST - len(self.keys)]:
            if key["source"] == "given":
                way = key.get("direction")
                self.keys.append(
                    Key(
                        str(key["name"]),
                        bytes.fromhex(key["key"]),
                        key.get("cipher"),
                        Direction.parse(way) if way else None,
                        "given",
                    )
                )

    def find(self, transport: Transport, ends: tuple[Address, Address], at: int) -> Hint | None:
        """What the flow is whose first bytes come then."""
        if not self._flows:
            return None
        found: list[tuple[int, int, dict[str, Any]]] = []
        for server in (1, 0):
            key = transport.value, show_address(ends[1 - server]), show_address(ends[server])
            found += [(flow["opened_at"], server, flow) for flow in self._flows.get(key, ())]
        found.sort(key=lambda one: one[0])
        begun = [one for one in found if one[0] <= at]
        if not begun:
            return None
        opened, server, flow = begun[-1]
        try:
            known = registry.protocol(flow["protocol"])
        except UserError:
            return None  # a protocol that was recorded elsewhere
        if transport not in known.transports:
            return None
        name, game = flow["hostname"], flow["game"]
        return Hint(
            Guess(known.name, server, flow["role"], game if isinstance(game, str) else None),
            name if isinstance(name, str) else None,
            opened,
            tuple(one[0] for one in found if one[0] > at),
        )
