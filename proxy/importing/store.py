"""A recording that is filled from a capture: what happened bears the time of the capture.

The recorder and its taps are the ones of `understudy record`; here is the clock that they ask, and
the store that they write to.
"""

from __future__ import annotations

import threading
from typing import Any

from recordings.model import Frame, Key
from recordings.writer import Recording

PAUSE = 0.002
"""Seconds between two looks whether the writer has caught up."""
QUEUE = 16 << 20
"""Bytes that wait to be written: a file is read no faster than that."""


class CaptureClock:
    """The time of the packet that is being looked at, Unix microseconds."""

    def __init__(self) -> None:
        self.at = 0

    def __call__(self) -> int:
        return self.at


class CaptureStore:
    """Writes to a recording (see `proxy.flow.Store`); waits while too much is on its way."""

    congested = False

    def __init__(self, recording: Recording, clock: CaptureClock) -> None:
        self._recording = recording
        self._clock = clock
        self._ends: dict[int, int] = {}  # session -> when its last flow ended
        self._sessions: dict[int, int] = {}  # open flow -> its session
        self._pause = threading.Event()  # nobody sets it
        self.annotates = recording.annotates
        """See `Store.annotates`."""

    def add_session(self, **named: Any) -> int:
        session_id = self._recording.add_session(**named, at=self._clock.at)
        self._ends[session_id] = self._clock.at
        return session_id

    def end_session(self, session_id: int) -> None:
        at = self._ends.pop(session_id, self._clock.at)
        self._recording.end_session(session_id, at=at)

    def add_flow(self, *, session_id: int, **named: Any) -> int:
        flow_id = self._recording.add_flow(session_id=session_id, **named)
        self._sessions[flow_id] = session_id
        return flow_id

    def move_flow(self, flow_id: int, session_id: int) -> None:
        self._recording.move_flow(flow_id, session_id)
        self._sessions[flow_id] = session_id

    def drop_session(self, session_id: int) -> None:
        self._recording.drop_session(session_id)
        self._ends.pop(session_id, None)

    def close_flow(self, flow_id: int, at: int, reason: str) -> None:
        self._recording.close_flow(flow_id, at, reason)
        session_id = self._sessions.pop(flow_id, 0)
        self._ends[session_id] = max(at, self._ends.get(session_id, 0))

    def append(self, flow_id: int, frame: Frame) -> int:
        if self._recording.congested:
            self._wait()
        return self._recording.append(flow_id, frame)

    def _wait(self) -> None:
        """Let the writer come to half of what waits."""
        while self._recording.queued > QUEUE // 2 and not self._recording.failed:
            self._pause.wait(PAUSE)

    def forwarded(self, frame: Frame) -> None:
        """Nothing is forwarded here."""

    def add_key(self, session_id: int, key: Key, **ids: int | None) -> None:
        self._recording.add_key(session_id, key, **ids)

    def add_event(self, kind: str, detail: str, *, at: int, **ids: int | None) -> None:
        self._recording.add_event(kind, detail, at=at, **ids)
