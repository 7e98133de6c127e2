"""One stretch of talk of a UDP client, from a datagram to silence, as its sink has hold of it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from proxy.relay.api import Address, Listen
from proxy.relay.flow import call_later
from recordings.model import Direction

if TYPE_CHECKING:
    from proxy.relay.udp_endpoint import Endpoint


class UdpFlow:
    """The sink's `Pipe`: one stretch of talk of an endpoint, from a datagram to silence."""

    __slots__ = ("endpoint",)
    direct = True

    def __init__(self, endpoint: Endpoint) -> None:
        self.endpoint = endpoint

    @property
    def listen(self) -> Listen:
        """The listener that the flow came by."""
        return self.endpoint.face.listener.listen

    @property
    def local(self) -> Address:
        """Our address as the client sees it."""
        return self.endpoint.local

    def send(self, direction: Direction, data: bytes) -> None:
        """One datagram of a stand-in, a fault or a mutation."""
        if self.endpoint.flow is self:
            self.endpoint.send(direction, data)

    def end(self, direction: Direction) -> None:
        """Nothing: UDP knows no last byte."""

    def close(self, reason: str, *, reset: bool = False) -> None:
        """End the flow; the endpoint stays."""
        if self.endpoint.flow is self:
            self.endpoint.close_flow(reason)

    def later(self, seconds: float, call: Callable[[], None]) -> None:
        """Call back after some seconds."""
        call_later(seconds, call)
