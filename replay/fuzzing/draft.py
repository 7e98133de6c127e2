"""A session that is only recorded when something was found: what would be written, kept until then.

It stands where a store stands (`proxy.flow.Store`); the ids that it gives are its own, and are
exchanged for those of the recording when it is written.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from proxy.flow import Store
from recordings.model import Frame, Key


class Draft:
    """One session in memory."""

    congested = False
    annotates = False

    def __init__(self) -> None:
        self._calls: list[Callable[[Store], None]] = []
        self._ids: dict[str, dict[int, int]] = {"session": {}, "flow": {}, "frame": {}}
        self._count = 0
        self._changed = 0
        """The frame that something was done to; its own id."""

    @property
    def changed(self) -> int | None:
        """The frame that something was done to, once it is recorded."""
        return self._ids["frame"].get(self._changed)

    def write(self, store: Store) -> int:
        """Record it; the id of the session. Raises UserError of the store."""
        for call in self._calls:
            call(store)
        self._calls = []
        return next(iter(self._ids["session"].values()), 0)

    def _id(self) -> int:
        self._count += 1
        return self._count

    def _real(self, what: str, own: int | None) -> Any:
        return self._ids[what].get(own) if own else None

    def _real_ids(self, ids: Mapping[str, int | None]) -> dict[str, int | None]:
        return {name: self._real(name.removesuffix("_id"), own) for name, own in ids.items()}

    def _made(self, what: str, own: int, make: Callable[[Store], int], store: Store) -> None:
        self._ids[what][own] = make(store)

    def add_session(self, **named: Any) -> int:
        """See `Store.add_session`."""
        own = self._id()
        make = partial(self._made, "session", own, lambda store: store.add_session(**named))
        self._calls.append(make)
        return own

    def add_flow(self, *, session_id: int, parent_frame_id: int | None = None, **named: Any) -> int:
        """See `Store.add_flow`."""
        own = self._id()

        def make(store: Store) -> int:
            session = self._real("session", session_id)
            parent = self._real("frame", parent_frame_id)
            return store.add_flow(session_id=session, parent_frame_id=parent, **named)

        self._calls.append(partial(self._made, "flow", own, make))
        return own

    def append(self, flow_id: int, frame: Frame) -> int:
        """See `Store.append`."""
        own = frame.id = self._id()
        if frame.action is not None and not self._changed:
            self._changed = own
        make = partial(self._append, flow_id, frame)
        self._calls.append(partial(self._made, "frame", own, make))
        return own

    def _append(self, flow_id: int, frame: Frame, store: Store) -> int:
        return store.append(self._real("flow", flow_id), frame)

    def add_key(self, session_id: int, key: Key, **ids: int | None) -> None:
        """See `Store.add_key`."""
        self._calls.append(
            lambda store: store.add_key(
                self._real("session", session_id), key, **self._real_ids(ids)
            )
        )

    def add_event(self, kind: str, detail: str, *, at: int, **ids: int | None) -> None:
        """See `Store.add_event`."""
        self._calls.append(
            lambda store: store.add_event(kind, detail, at=at, **self._real_ids(ids))
        )

    def close_flow(self, flow_id: int, at: int, reason: str) -> None:
        """See `Store.close_flow`."""
        self._calls.append(lambda store: store.close_flow(self._real("flow", flow_id), at, reason))

    def end_session(self, session_id: int) -> None:
        """See `Store.end_session`."""
        self._calls.append(lambda store: store.end_session(self._real("session", session_id)))

    def move_flow(self, flow_id: int, session_id: int) -> None:
        """See `Store.move_flow`."""
        self._calls.append(
            lambda store: store.move_flow(
                self._real("flow", flow_id), self._real("session", session_id)
            )
        )

    def drop_session(self, session_id: int) -> None:
        """See `Store.drop_session`."""

        def drop(store: Store) -> None:
            store.drop_session(self._ids["session"].pop(session_id))

        self._calls.append(drop)

    def keep(self, session_id: int | None, protocol: str, key: str, value: str | None) -> None:
        """Nothing: every run begins with the same state."""

    def forwarded(self, frame: Frame) -> None:
        """Nothing: the frame is written as it is at the end."""
