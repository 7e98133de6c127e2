"""What the layers of mitmproxy's modes ask of the engine."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from proxy.relay.api import Address, Listen, Sinks
from proxy.relay.destinations import Destinations
from recordings.model import Transport

if TYPE_CHECKING:
    from proxy.relay.dns import DnsServer

TUNNEL_DNS = ("10.0.0.53", 53)
"""The name server that mitmproxy writes into the configuration of a WireGuard client."""


class ModeHost(Protocol):
    """What the layer asks of the engine."""

    sinks: Sinks

    def listen_for(self, transport: Transport, server: Address) -> Listen:
        """Which protocol speaks to that destination."""
        ...


class DatagramHost(ModeHost, Protocol):
    """What the layer of datagrams asks of the engine."""

    tunnel_dns: DnsServer | None

    def destinations(self) -> Destinations:
        """What becomes of UDP."""
        ...
