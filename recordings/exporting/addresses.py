"""Endpoints for packets: those of the recording, or made-up ones where it has none."""

from __future__ import annotations

from ipaddress import ip_address

from recordings.captures.conversation import Endpoint
from recordings.rows import FlowRow

CLIENTS, SERVERS, OVERLAPS = "192.0.2", "198.51.100", "203.0.113"
"""Networks that RFC 5737 sets aside for documentation."""
EPHEMERAL = 49_152


def endpoint(text: str | None) -> Endpoint | None:
    """`host:port` with a numeric host; None for anything else."""
    host, _, port = (text or "").rpartition(":")
    try:
        address = ip_address(host.strip("[]"))
        return str(address), int(port) & 0xFFFF
    except ValueError:
        return None


class Addresses:
    """Gives every flow its two endpoints; the same host always the same one."""

    def __init__(self, *, synthetic: bool = False) -> None:
        self.synthetic = synthetic
        self._made: dict[tuple[str, str], str] = {}
        self._open: dict[tuple[str, Endpoint, Endpoint], int] = {}

    def of(self, flow: FlowRow) -> tuple[Endpoint, Endpoint]:
        """Client and server of a flow."""
        ends = self._end(CLIENTS, flow.client), self._end(SERVERS, flow.server or flow.hostname)
        key = (flow.transport, *ends)
        until = self._open.get(key, -1)
        if flow.opened_at < until:  # both at once: they must not become one
            ends = (f"{OVERLAPS}.{flow.id % 254 + 1}", EPHEMERAL + flow.id % 16_000), ends[1]
            key = (flow.transport, *ends)
        self._open[key] = max(until, flow.closed_at or flow.last_at or flow.opened_at)
        return ends

    def _end(self, network: str, text: str | None) -> Endpoint:
        known = endpoint(text)
        if known is not None and not self.synthetic:
            return known
        host, _, port = (text or "").rpartition(":")
        made = self._made.setdefault(
            (network, known[0] if known else host or text or ""),
            f"{network}.{len(self._made) % 254 + 1}",
        )
        return made, known[1] if known else _port(port)


def _port(text: str) -> int:
    return int(text) & 0xFFFF if text.isascii() and text.isdigit() and len(text) < 6 else 1
