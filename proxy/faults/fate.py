"""What happens to one chunk of a stream or one datagram, decided before it goes on."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from recordings.model import Action, Frame

Edit = Callable[[bytes], bytes]
Cut = Callable[[bytes], list[tuple[bytes, float]]]
"""Pieces, each with the seconds that it goes on after the one before."""


@dataclass(slots=True)
class Copy:
    """One that goes on."""

    delay: float = 0.0
    """Seconds."""
    behind: int = 0
    """How many later ones go on before it."""


@dataclass(slots=True)
class Fate:
    """All that is done to it."""

    size: int
    copies: list[Copy] = field(default_factory=lambda: [Copy()])
    """Empty: it does not go on."""
    edits: list[Edit] = field(default_factory=list)
    cuts: list[Cut] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    """What was done, for the recording."""

    def wire(self, data: bytes) -> bytes:
        """The bytes that go on for these."""
        for edit in self.edits:
            data = edit(data)
        return data

    def pieces(self, data: bytes) -> list[tuple[bytes, float]]:
        """These bytes cut up."""
        pieces = [(data, 0.0)]
        for cut in self.cuts:
            pieces = [
                (piece, late + (delay if not place else 0.0))
                for whole, delay in pieces
                for place, (piece, late) in enumerate(cut(whole))
            ]
        return pieces

    def mark(self, frame: Frame) -> None:
        """Write into a frame that is recorded now what was done to it."""
        if not self.copies:
            frame.action, frame.sent = Action.DROPPED, None
        elif self.edits:
            frame.sent = self.wire(frame.sent if frame.sent is not None else frame.raw or b"")
            frame.action = frame.action or Action.CHANGED
        elif any(one.delay or one.behind for one in self.copies):
            frame.action = frame.action or Action.DELAYED

    def doubles(self, frame: Frame) -> list[Frame]:
        """The frames that went on besides this one, of datagrams."""
        wire = frame.sent if frame.sent is not None else frame.raw
        return [
            Frame(
                frame.direction,
                frame.at,
                None,
                plain=frame.plain,
                cipher=frame.cipher,
                protocol=frame.protocol,
                sent=wire,
                action=Action.DUPLICATED,
            )
            for _ in self.copies[1:]
        ]
