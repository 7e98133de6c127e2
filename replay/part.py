"""One side of a recorded flow, played again: the client's part or the server's.

Sans-io. A part speaks its next frames as soon as the other side has said as many frames as it had
said in the recording. Frames are spoken as they were recorded, byte for byte.
"""

from __future__ import annotations

from collections.abc import Iterable

from proxy.keys import SessionKeys
from proxy.protocol import Protocol
from recordings.model import Direction, Frame


class Part:
    """Plays the frames of one direction and listens for those of the other.

    `plays` is the direction of the frames to speak: TO_SERVER plays the client.
    """

    def __init__(
        self, protocol: Protocol, frames: Iterable[Frame], plays: Direction, keys: SessionKeys
    ) -> None:
        self.plays = plays
        self.heard = 0
        """Frames that the other side has said so far."""
        self._dissector = protocol.dissector(keys)
        self._cues: list[Frame] = []  # what the other side says in the recording
        self._lines: list[tuple[int, Frame]] = []  # (frames to hear first, what to say)
        self._next = 0
        for frame in frames:
            if frame.direction is plays:
                self._lines.append((len(self._cues), frame))
            else:
                self._cues.append(frame)

    def hear(self, data: bytes, at: int) -> list[tuple[Frame, Frame | None]]:
        """Take in what the other side sent: each frame, and the recorded one in its place."""
        heard = []
        for frame in self._dissector.feed(self.plays.other, data, at):
            heard.append((frame, self._cues[self.heard] if self.heard < len(self._cues) else None))
            self.heard += 1
        return heard

    def due(self) -> list[Frame]:
        """The frames to say now, each given once."""
        start = self._next
        while self._next < len(self._lines) and self._lines[self._next][0] <= self.heard:
            self._next += 1
        return [frame for _, frame in self._lines[start : self._next]]

    @property
    def over(self) -> bool:
        """Everything has been said and heard."""
        return self._next == len(self._lines) and self.heard >= len(self._cues)

    def __str__(self) -> str:
        said = f"said {self._next} of {len(self._lines)} frames"
        return f"{said}, heard {self.heard} of {len(self._cues)}"
