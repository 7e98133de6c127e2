"""What a tap has where there is no relay: a pipe in recorded time, a store that forgets."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from proxy import registry
from proxy.flow import Flow
from proxy.relay.api import Address, Listen
from recordings.model import Direction, Frame, Transport
from recordings.rows import FlowRow


class VirtualPipe:
    """See `proxy.relay.api.Pipe`."""

    def __init__(
        self,
        listen: Listen,
        local: Address,
        send: Callable[[Direction, bytes], None],
        later: Callable[[float, Callable[[], None]], None],
    ) -> None:
        self.listen = listen
        self.local = local
        self.send = send
        self.later = later

    def end(self, direction: Direction) -> None:
        """Nothing: the recorded flow ends when it ended."""

    def close(self, reason: str, *, reset: bool = False) -> None:
        """Nothing: the recorded flow ends when it ended."""


class Forgetful:
    """A store (see `proxy.flow.Store`) that only shows the frames to somebody."""

    congested = False
    annotates = False

    def __init__(self, look: Callable[[Frame], None]) -> None:
        self._look = look

    def append(self, flow_id: int, frame: Frame) -> int:
        """Show a frame; it keeps the id that it has."""
        self._look(frame)
        return frame.id

    def _forget(self, *given: Any, **named: Any) -> None:
        """Take anything."""

    def _number(self, **named: Any) -> int:
        return 0

    forwarded = add_key = add_event = end_session = close_flow = move_flow = drop_session = _forget
    add_session = add_flow = _number


def address_of(text: str) -> Address:
    """`host:port`, IPv6 in brackets, as the database has it."""
    host, _, port = text.rpartition(":")
    if not port.isascii() or not port.isdigit():
        return text.strip("[]"), 0
    return host.strip("[]"), int(port)


def flow_of(row: FlowRow) -> Flow:
    """A recorded flow as a tap knows it; raises UserError for an unknown protocol."""
    server = address_of(row.server) if row.server else None
    host, port = server or ("", 0)
    listen = Listen(
        protocol=row.protocol,
        transport=Transport(row.transport),
        host=host,
        port=port,
        upstream=server,
        hostname=row.hostname,
    )
    return Flow(
        row.id,
        row.session_id,
        registry.protocol(row.protocol),
        listen,
        address_of(row.client),
        server,
        (host, port),
    )
