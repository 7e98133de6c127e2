"""Turns over to a new file when the recording is big or old enough, while the relay goes on."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from recordings.errors import UserError
from recordings.rotation import Rotating
from recordings.writer import Recording

TICK = 0.25
LINGER = 2.0
"""Seconds that a full file stays open for frames in it that went on later."""
AGAIN = 60.0
"""Seconds until it is tried again when no next file can be made."""


class Rotator:
    """Of one run; `say` is told each new file, `warn` why there can be none."""

    def __init__(
        self,
        recording: Recording | Rotating,
        say: Callable[[str], None],
        warn: Callable[[str], None],
    ) -> None:
        self._recording = recording
        self._say = say
        self._warn = warn
        self._full: list[Recording] = []

    async def run(self) -> None:
        """Until cancelled; at once at an end when the recording does not rotate."""
        recording = self._recording
        while isinstance(recording, Rotating):
            await asyncio.sleep(TICK)
            if not recording.full():
                continue
            try:
                fresh = await asyncio.to_thread(recording.open_next)
            except UserError as error:  # no reason to stop: the full one takes more
                name = recording.current.path.name
                self._warn(f"{name} is full, but goes on since no next file can be made: {error}")
                await asyncio.sleep(AGAIN)
                continue
            before = recording.rotate(fresh)
            self._full.append(before)
            self._say(f"rotated to {fresh.path.name}")
            await asyncio.sleep(LINGER)
            await asyncio.to_thread(before.close)
            self._full.remove(before)

    def close(self) -> None:
        """Close every file that is open; UserError when one could not be written."""
        for one in (*self._full, self._recording):
            one.close()
