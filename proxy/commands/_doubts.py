"""Frames of which only the scribe found out that they cannot be read: who has to be told."""

from __future__ import annotations

import contextlib
from collections import deque
from collections.abc import Callable

from proxy.annotate import lacks_key
from proxy.recorder import Recorder
from proxy.relay.clock import now
from recordings.errors import UserError
from recordings.rotation import Rotating
from recordings.writer import Recording

MOST = 1000
"""Flows that were over already and are still warned of."""


class Doubts:
    """Warns once a flow when a key is missing."""

    def __init__(
        self,
        recording: Recording | Rotating,
        recorder: Recorder,
        soon: Callable[[Callable[[], None]], None],
    ) -> None:
        """`soon` calls on the loop's thread, as long as there is one."""
        self._recording = recording
        self._recorder = recorder
        self._soon = soon
        self._found: deque[tuple[int, int, str]] = deque()
        self._over: set[int] = set()
        recording.on_opaque = self._is_opaque

    def _is_opaque(self, flow: int, frame: int, error: str) -> None:
        """Called from another thread."""
        if lacks_key(error):
            self._found.append((flow, frame, error))
            self._soon(self.tell)

    def tell(self) -> None:
        """Warn of all that was found until now."""
        while self._found:
            flow, frame, error = self._found.popleft()
            tap = self._recorder.tap_of(flow)
            if tap is not None:
                tap.warn("key-missing", error, frame)
            elif flow not in self._over and len(self._over) < MOST:
                self._over.add(flow)
                with contextlib.suppress(UserError):
                    self._recording.add_event(
                        "key-missing", error, at=now(), flow_id=flow, frame_id=frame
                    )

    def settle(self) -> None:
        """Wait until everything has been found, and warn of it. UserError."""
        self._recording.flush()
        self.tell()
