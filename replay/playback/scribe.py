"""Recording a live session that Understudy plays a part in, as any other is recorded."""

from __future__ import annotations

from collections.abc import Iterable

from proxy.flow import Store, as_json
from proxy.message import OPAQUE
from proxy.protocol import Protocol
from proxy.relay.api import Address, show_address
from recordings.model import Origin, Transport
from replay.adaptive.conversation import Heard


class Scribe:
    """Writes one live session into a store; without one it only counts."""

    def __init__(
        self, store: Store | None, *, game: str | None, client: str, origin: Origin, note: str
    ) -> None:
        self._store = store
        self.session = 0
        self.frames = 0
        if store is not None:
            self.session = store.add_session(game=game, client=client, origin=origin, note=note)

    def opened(
        self,
        protocol: Protocol,
        transport: Transport,
        client: Address,
        server: Address,
        *,
        at: int,
        hostname: str | None = None,
        parent: int | None = None,
    ) -> int:
        """A flow has begun; its id, 0 without a store."""
        if self._store is None:
            return 0
        return self._store.add_flow(
            session_id=self.session,
            protocol=protocol.name,
            transport=transport,
            client=show_address(client),
            server=show_address(server),
            hostname=hostname,
            parent_frame_id=parent or None,
            opened_at=at,
        )

    def record(self, flow: int, frames: Iterable[Heard]) -> None:
        """Frames of either side, in their order; each gets its id."""
        for heard in frames:
            frame = heard.frame
            self.frames += 1
            if self._store is None:
                continue
            frame.kind = heard.message.kind
            if frame.kind == OPAQUE:
                frame.error = frame.error or getattr(heard.message, "error", None)
            else:
                frame.fields = as_json(heard.message.fields())
            self._store.append(flow, frame)
            for key in frame.keys:
                self._store.add_key(self.session, key, flow_id=flow, frame_id=frame.id)

    def closed(self, flow: int, at: int, reason: str) -> None:
        """A flow is over."""
        if self._store is not None:
            self._store.close_flow(flow, at, reason)

    def event(
        self, kind: str, detail: str, *, at: int, flow: int | None = None, frame: int | None = None
    ) -> None:
        """Something happened beside the frames."""
        if self._store is not None:
            where = {"session_id": self.session, "flow_id": flow or None, "frame_id": frame or None}
            self._store.add_event(kind, detail, at=at, **where)

    def end(self) -> None:
        """The session is over."""
        if self._store is not None:
            self._store.end_session(self.session)
