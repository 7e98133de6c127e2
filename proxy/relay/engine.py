"""The engine: owns the listeners and their flows, and runs them inside mitmproxy's life cycle."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from proxy.relay.api import Address, Listen, Sinks
from proxy.relay.resolver import Resolver
from recordings.model import Transport

DEFAULT_IDLE = 300.0


@dataclass(frozen=True, slots=True)
class OpenFlow:
    """One flow that is open now."""

    listen: Listen
    client: Address
    server: Address | None


class Engine:
    """All listeners of one run."""

    def __init__(
        self,
        sinks: Sinks,
        *,
        resolver: Resolver | None = None,
        offline: bool = False,
        idle: Callable[[str], float] = lambda protocol: DEFAULT_IDLE,
        modes: Sequence[str] = (),
        on_ready: Callable[[], None] | None = None,
    ) -> None: ...

    async def run(self) -> None:
        """Serve until `stop`, SIGINT or SIGTERM; then tell the sinks what is left and close."""
        raise NotImplementedError

    def open(self, listen: Listen) -> Address:
        """Bind now and return the address; served from now on, or once `run` is. UserError."""
        raise NotImplementedError

    def close(self, transport: Transport, address: Address) -> None:
        """Close one listener; its flows go on."""
        raise NotImplementedError

    def relieve(self) -> None:
        """The store has caught up: read again. May be called from any thread."""

    def stop(self) -> None:
        """End `run`. May be called from any thread, and twice."""

    def listeners(self) -> list[tuple[Listen, Address]]:
        """Every open listener and the address that it is bound to."""
        raise NotImplementedError

    def flows(self) -> list[OpenFlow]:
        """Every open flow."""
        raise NotImplementedError
