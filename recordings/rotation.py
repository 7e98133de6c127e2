"""A recording that goes on in a new file when the old one is big or old enough.

What is open goes along: the sessions with their uid, the flows, the keys; ids and numbers count on,
so that the files can be put one behind the other, and each can be read alone.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from recordings.errors import UserError
from recordings.model import Frame, Key
from recordings.times import now
from recordings.writer import Recording

FORM = "SIZE or TIME, for instance 100MB or 24h"
_BYTES = {"kb": 10**3, "mb": 10**6, "gb": 10**9, "kib": 1 << 10, "mib": 1 << 20, "gib": 1 << 30}
_SECONDS = {"s": 1, "m": 60, "min": 60, "h": 3600, "d": 86400}
ENDING = ".understudy.db"
KEYS_KEPT = 10_000
"""Keys of one session that go along, the newest."""


@dataclass(frozen=True, slots=True)
class Limit:
    """When a file is full."""

    bytes: int | None = None
    seconds: float | None = None


def read_limit(text: str) -> Limit:
    """`100MB` or `24h`; raises UserError."""
    found = re.fullmatch(r"([0-9]*\.?[0-9]+)\s*([a-zA-Z]+)", text.strip())
    unit = found[2].lower() if found else ""
    amount = float(found[1]) if found else 0.0
    if amount > 0 and unit in _BYTES:
        return Limit(bytes=int(amount * _BYTES[unit]))
    if amount > 0 and unit in _SECONDS:
        return Limit(seconds=amount * _SECONDS[unit])
    raise UserError(f"--rotate {text!r} is no {FORM}")


def paths(first: Path) -> Iterator[Path]:
    """The names of the files after the first one: `evening.2.understudy.db`, ..."""
    stem = first.name.removesuffix(ENDING)
    ending = ENDING if stem != first.name else first.suffix
    stem = stem if ending == ENDING else first.stem
    number = 1
    while True:
        number += 1
        path = first.with_name(f"{stem}.{number}{ending}")
        if not path.exists():
            yield path


@dataclass(slots=True)
class _Session:
    facts: dict[str, Any]
    uid: str
    at: int
    keys: list[tuple[Key, int | None]] = field(default_factory=list)


class Rotating:
    """Gives to one recording after the other. All calls from one thread, but `open_next`."""

    append_unread = None
    """What a scribe knows of a flow's datagrams ends with its file: they are dissected before."""

    def __init__(
        self,
        first: Recording,
        limit: Limit | None = None,
        settings: Mapping[str, Any] | None = None,
    ) -> None:
        """`settings` are what `Recording.open` is given for each further file."""
        self.current = first
        self._settings = dict(settings or {})
        self.limit = limit or Limit()
        self._began = time.monotonic()
        self._paths = paths(first.path)
        self._sessions: dict[int, _Session] = {}
        self._flows: dict[int, dict[str, Any]] = {}
        self._before: Recording | None = None
        self._boundary = 0
        self._relieved: Callable[[], None] | None = None
        self._failed: Callable[[str], None] | None = None
        self._warned: Callable[[str], None] | None = None
        self._opaque: Any = None
        self._errors = 0
        self.append = first.append
        """The current one's: called for every frame."""

    def __getattr__(self, name: str) -> Any:
        """What changes nothing about sessions and flows is the current one's own."""
        return getattr(self.current, name)

    # rotating

    def full(self) -> bool:
        """Whether it is time for the next file."""
        limit = self.limit
        if limit.seconds is not None and time.monotonic() - self._began >= limit.seconds:
            return True
        return limit.bytes is not None and self._size() >= limit.bytes

    def _size(self) -> int:
        size = 0
        for ending in ("", "-wal"):
            with suppress(OSError):
                size += Path(f"{self.current.path}{ending}").stat().st_size
        return size

    def open_next(self) -> Recording:
        """Make the next file; takes a moment, and may be done on another thread. UserError."""
        return Recording.open(next(self._paths), **self._settings)

    def rotate(self, fresh: Recording) -> Recording:
        """Go on in a fresh file; the one before, to be closed by the caller after a while."""
        before = self.current
        fresh.follow(before)
        fresh.on_relieved, fresh.on_failed = self._relieved, self._failed
        fresh.on_opaque, fresh.on_warned = self._opaque, self._warned
        for session_id, session in self._sessions.items():
            fresh.add_session(**session.facts, uid=session.uid, at=session.at, repeats=session_id)
        for flow_id, facts in self._flows.items():
            number = before.number_of(flow_id)
            fresh.add_flow(**{**facts, "parent_frame_id": None}, repeats=flow_id, number=number)
        for session_id, session in self._sessions.items():
            for key, flow in session.keys:
                fresh.add_key(session_id, key, flow_id=flow if flow in self._flows else None)
        at = now()
        before.add_event("rotated", f"it goes on in {fresh.path.name}", at=at)
        fresh.add_event("rotated", f"it goes on from {before.path.name}", at=at)
        self._boundary = before.last_frame
        self._errors += before.errors
        self._before, self.current = before, fresh
        self._began = time.monotonic()
        self.append = fresh.append
        for flow_id in self._flows:
            before.close_flow(flow_id, at, "rotated")
        for session_id in self._sessions:
            before.end_session(session_id, at=at)
        return before

    # what has to be remembered

    def add_session(self, **facts: Any) -> int:
        """See `Ledger.add_session`."""
        facts = {"at": now(), **facts}
        uid = facts.pop("uid", None) or self.current.new_uid()
        session_id = self.current.add_session(**facts, uid=uid)
        at = facts.pop("at")
        self._sessions[session_id] = _Session(facts, uid, at)
        return session_id

    def end_session(self, session_id: int, **more: Any) -> None:
        """See `Ledger.end_session`."""
        self._sessions.pop(session_id, None)
        self.current.end_session(session_id, **more)

    def drop_session(self, session_id: int) -> None:
        """See `Ledger.drop_session`."""
        self._sessions.pop(session_id, None)
        self.current.drop_session(session_id)

    def add_flow(self, **facts: Any) -> int:
        """See `Ledger.add_flow`."""
        flow_id = self.current.add_flow(**facts)
        self._flows[flow_id] = facts
        return flow_id

    def move_flow(self, flow_id: int, session_id: int) -> None:
        """See `Ledger.move_flow`."""
        if flow_id in self._flows:
            self._flows[flow_id]["session_id"] = session_id
        self.current.move_flow(flow_id, session_id)

    def close_flow(self, flow_id: int, at: int, reason: str) -> None:
        """See `Ledger.close_flow`."""
        self._flows.pop(flow_id, None)
        self.current.close_flow(flow_id, at, reason)

    def add_key(
        self,
        session_id: int,
        key: Key,
        *,
        flow_id: int | None = None,
        frame_id: int | None = None,
    ) -> None:
        """See `Ledger.add_key`."""
        session = self._sessions.get(session_id)
        if session is not None:
            session.keys.append((key, flow_id))
            del session.keys[:-KEYS_KEPT]
        self.current.add_key(session_id, key, flow_id=flow_id, frame_id=frame_id)

    def forwarded(self, frame: Frame) -> None:
        """See `Ledger.forwarded`: the frame may be in the file before."""
        if frame.id > self._boundary:
            self.current.forwarded(frame)
        elif self._before is not None and not self._before.closed:
            self._before.forwarded(frame)

    # what goes along

    @property
    def errors(self) -> int:
        """See `Recording.errors`: of all files, less what a full one still told of at its end."""
        return self._errors + self.current.errors

    @property
    def congested(self) -> bool:
        """See `Recording.congested`."""
        return self.current.congested

    @property
    def on_relieved(self) -> Callable[[], None] | None:
        """See `Recording.on_relieved`."""
        return self._relieved

    @on_relieved.setter
    def on_relieved(self, call: Callable[[], None] | None) -> None:
        self._relieved = self.current.on_relieved = call

    @property
    def on_failed(self) -> Callable[[str], None] | None:
        """See `Recording.on_failed`."""
        return self._failed

    @on_failed.setter
    def on_failed(self, call: Callable[[str], None] | None) -> None:
        self._failed = self.current.on_failed = call

    @property
    def on_warned(self) -> Callable[[str], None] | None:
        """See `Recording.on_warned`."""
        return self._warned

    @on_warned.setter
    def on_warned(self, call: Callable[[str], None] | None) -> None:
        self._warned = self.current.on_warned = call

    @property
    def on_opaque(self) -> Any:
        """See `Recording.on_opaque`."""
        return self._opaque

    @on_opaque.setter
    def on_opaque(self, call: Any) -> None:
        self._opaque = self.current.on_opaque = call
