"""What our own pcapng exports say of their flows, in custom blocks, so that nothing is guessed."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

from proxy import registry
from proxy.importing.guess import Guess
from proxy.relay.api import Address
from recordings.errors import UserError
from recordings.model import Direction, Key, Transport

MOST = 100_000
"""Flows and keys that are believed."""


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
        except (ValueError, LookupError, TypeError, AttributeError, RecursionError):
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

    def begins(
        self, transport: Transport, ends: tuple[Address, Address], after: int, at: int
    ) -> bool:
        """Whether between two packets of the same endpoints a new flow began."""
        return any(after < flow["opened_at"] <= at for _, flow in self._of(transport, ends))

    def _of(
        self, transport: Transport, ends: tuple[Address, Address]
    ) -> list[tuple[int, dict[str, Any]]]:
        found = []
        for server in (1, 0):
            client, there = _text(ends[1 - server]), _text(ends[server])
            key = transport.value, client, there
            found += [(server, flow) for flow in self._flows.get(key, ())]
        return found

    def find(
        self, transport: Transport, ends: tuple[Address, Address], at: int
    ) -> tuple[Guess, str | None] | None:
        """What the flow is that began then, and the name of its server."""
        found = [one for one in self._of(transport, ends) if one[1]["opened_at"] <= at]
        if not found:
            return None
        server, flow = max(found, key=lambda one: one[1]["opened_at"])
        try:
            known = registry.protocol(flow["protocol"])
        except UserError:
            return None  # a protocol that was recorded elsewhere
        if transport not in known.transports:
            return None
        name, game = flow["hostname"], flow["game"]
        guess = Guess(known.name, server, flow["role"], game if isinstance(game, str) else None)
        return guess, name if isinstance(name, str) else None


def _text(end: Address) -> str:
    host, port = end
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
