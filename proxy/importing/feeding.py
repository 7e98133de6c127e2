"""One captured conversation on its way into the recording, by the tap of its flow.

Where the capture has a hole, or begins in the middle of a stream, a direction is adrift: its bytes
are recorded as they are until a segment begins with frames that can be read.
"""

from __future__ import annotations

from dataclasses import dataclass

from proxy.importing.guess import RAW, Fit, fits
from proxy.importing.store import CaptureClock
from proxy.tap import Tap
from recordings.model import Direction, Frame, Transport

MOST_HELD = 1 << 16
"""Bytes that are held because a frame may begin with them."""
UNSEEN = "lost: the capture begins in the middle of the stream"


@dataclass(slots=True)
class Adrift:
    """A direction of which nobody knows where its next frame begins."""

    why: str
    held: bytes = b""
    """What may be the beginning of a frame."""


@dataclass(slots=True, eq=False)
class Feeding:
    """Tells a tap what one conversation said."""

    tap: Tap
    server: int
    """Which of the two ends is the server."""
    clock: CaptureClock
    adrift: dict[Direction, Adrift]
    group: str | None
    """Which sessions the flow belongs to; see `proxy.importing.importer`."""

    later: tuple[int, ...] = ()
    """When, in microseconds, other flows of the same endpoints begin."""

    def direction(self, end: int) -> Direction:
        """Which way bytes of an end travel."""
        return Direction.TO_CLIENT if end == self.server else Direction.TO_SERVER

    def data(self, end: int, data: bytes, at: int) -> None:
        """The next bytes of a stream, or a datagram."""
        self.clock.at = at
        direction = self.direction(end)
        if self.adrift and direction in self.adrift:
            self._drift(direction, self.adrift[direction], data, at)
        else:
            self.tap.seen(direction, data)

    def _drift(self, direction: Direction, adrift: Adrift, data: bytes, at: int) -> None:
        """Look for the beginning of a frame: at that of a segment, alone or with the next ones."""
        flow = self.tap.flow
        for start in (adrift.held, b""):
            fit = fits(flow.protocol, flow.listen.transport, direction, start + data, at)
            if fit is Fit.YES:
                self._lose(direction, adrift, b"" if start else adrift.held)
                del self.adrift[direction]
                self.tap.seen(direction, start + data)
                return
            if fit is Fit.MAYBE and len(start) + len(data) < MOST_HELD:
                self._lose(direction, adrift, b"" if start else adrift.held)
                adrift.held = start + data
                return
        self._lose(direction, adrift, adrift.held + data)
        adrift.held = b""

    def _lose(self, direction: Direction, adrift: Adrift, data: bytes) -> None:
        """Record bytes that cannot be framed as they are."""
        if data:
            frame = Frame(direction, self.clock.at, data, error=adrift.why)
            self.tap.record(frame)

    def gap(self, end: int, size: int, at: int) -> None:
        """Bytes are not in the capture."""
        self.clock.at = at
        direction = self.direction(end)
        self._end(direction)
        fact = f"{size:,} bytes {direction} are not in the capture"
        self.tap.note("gap", fact)
        if self.tap.flow.protocol.name not in RAW.values():
            self.adrift[direction] = Adrift(f"lost: {fact}")

    def ended(self, end: int, at: int) -> None:
        """That end sent its last byte."""
        self.clock.at = at
        self._end(self.direction(end))

    def _end(self, direction: Direction) -> None:
        if direction in self.adrift:
            adrift = self.adrift[direction]
            self._lose(direction, adrift, adrift.held)
            adrift.held = b""
        else:
            self.tap.ended(direction)

    def note(self, kind: str, detail: str, at: int) -> None:
        """Something happened to the flow."""
        self.clock.at = at
        self.tap.note(kind, detail)

    def closed(self, reason: str, at: int) -> None:
        """It is over."""
        self.clock.at = at
        for direction in self.adrift:
            self._end(direction)
        self.tap.closed(reason)


def adrift_at_start(transport: Transport, protocol: str, begun: bool) -> dict[Direction, Adrift]:
    """What is adrift of a new flow; `begun`: its first byte is in the capture."""
    if begun or transport is Transport.UDP or protocol in RAW.values():
        return {}
    return {direction: Adrift(UNSEEN) for direction in Direction}
