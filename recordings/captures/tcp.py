"""TCP streams out of segments as they were captured: repeated, out of order, overlapping, missing.

What came first counts: bytes that were delivered are never changed by later ones. A hole is waited
for, because a segment may only come late; it is given up when the other side has acknowledged more
and `ACKED` has passed (then it was not captured), when nothing came for `PATIENCE`, when too much
waits behind it, and at the end. Then the handler hears of a gap.
"""

from __future__ import annotations

from bisect import bisect_left

from recordings.captures.conversation import Handler, Side

FIN, SYN, RST, PSH, ACK = 1, 2, 4, 8, 16
MASK = (1 << 32) - 1
HALF = 1 << 31
FAR = 1 << 30
"""No window is larger: a segment farther away belongs to something else."""
ACKED = 1_000_000
PATIENCE = 60_000_000
"""Microseconds of capture time."""
MOST_WAITING = 4 << 20
"""Bytes behind a hole, of one side."""
MOST_SEGMENTS = 4096
LARGEST_SEGMENT = 65_495
"""What an IPv4 packet can hold; one without PSH goes on in the next, as an export writes it."""
MOST_HELD = 16
BEGIN = 1 << 32
"""Streams begin above this, so that places stay positive."""


class Streams:
    """The rules for the segments of all conversations; the state is in their sides."""

    def __init__(self, handler: Handler) -> None:
        self._handler = handler
        self.waiting = 0
        """Bytes behind holes, of all sides."""

    def segment(self, side: Side, seq: int, flags: int, data: bytes, size: int, at: int) -> None:
        """Take a segment of an open conversation; `size` bytes are said to be in it."""
        if side.place is None:
            side.place = BEGIN + seq
        start = side.place + ((seq - side.place + HALF) & MASK) - HALF
        if abs(start - side.place) > FAR:
            return
        end = start + len(data)
        if data:
            if start == side.place and not side.pending:
                self._deliver(side, data, flags, at)
            elif end > side.place:
                self._late(side, start, data, at)
        if size > len(data) and end == side.place and not side.pending:
            side.place = start + size  # the rest was cut at capture
            self._release(side, at)
            self._handler.gap(side, size - len(data), at)
        if flags & FIN and side.fin is None:
            side.fin = start + size
        if side.pending:
            self.look(side, at)
        self.look_at_end(side, at)

    def acknowledged(self, side: Side, ack: int, at: int) -> None:
        """The other side says that it has everything of `side` up to `ack`."""
        if side.place is None:
            side.place = BEGIN + ack
        elif side.pending:
            beyond = ((ack - side.place + HALF) & MASK) - HALF
            patience = ACKED if 0 < beyond < FAR else PATIENCE
            if at - side.since > patience:
                self.skip(side, at)
                self.look_at_end(side, at)

    def _deliver(self, side: Side, data: bytes, flags: int, at: int) -> None:
        assert side.place is not None
        side.place += len(data)
        if len(data) == LARGEST_SEGMENT and not flags & PSH and len(side.held) < MOST_HELD:
            side.held.append(data)
            return
        if side.held:
            data = b"".join([*side.held, data])
            side.held = []
        self._handler.data(side, data, at)

    def _release(self, side: Side, at: int) -> None:
        if side.held:
            held, side.held = side.held, []
            self._handler.data(side, b"".join(held), at)

    def _late(self, side: Side, start: int, data: bytes, at: int) -> None:
        """Put a segment among the pending ones, without what is there already."""
        assert side.place is not None
        if start < side.place:
            data, start = data[side.place - start :], side.place
        if not side.pending:
            if start == side.place:
                self._deliver(side, data, PSH, at)
                return
            side.since = at
        for piece_start, piece in self._uncovered(side, start, data):
            place = bisect_left(side.pending, (piece_start, b""))
            side.pending.insert(place, (piece_start, piece))
            side.pending_size += len(piece)
            self.waiting += len(piece)
        self._drain(side, at)

    def _uncovered(self, side: Side, start: int, data: bytes) -> list[tuple[int, bytes]]:
        pieces, end = [], start + len(data)
        pending = side.pending
        place = bisect_left(pending, (start, b""))
        place -= place > 0
        at = start
        while place < len(pending) and pending[place][0] < end:
            have, piece = pending[place]
            if have > at:
                pieces.append((at, data[at - start : have - start]))
            at = max(at, have + len(piece))
            place += 1
        if at < end:
            pieces.append((at, data[at - start :]))
        return pieces

    def _drain(self, side: Side, at: int) -> None:
        """Deliver what follows without a hole."""
        count = 0
        for start, data in side.pending:
            if start != side.place:
                break
            count += 1
            side.pending_size -= len(data)
            self.waiting -= len(data)
            self._deliver(side, data, PSH, at)
        if count:
            del side.pending[:count]
            side.since = at

    def look(self, side: Side, at: int) -> None:
        """Give up the hole when too much waits behind it, or for too long."""
        while side.pending_size > MOST_WAITING or len(side.pending) > MOST_SEGMENTS:
            self.skip(side, at)
        if side.pending and at - side.since > PATIENCE:
            self.skip(side, at)

    def skip(self, side: Side, at: int) -> None:
        """Give up the first hole and go on behind it."""
        if not side.pending or side.place is None:
            return
        self._release(side, at)
        start = side.pending[0][0]
        missing, side.place = start - side.place, start
        self._handler.gap(side, missing, at)
        self._drain(side, at)

    def look_at_end(self, side: Side, at: int) -> None:
        """Say that a stream has ended when all of it is there."""
        if side.fin is not None and side.place is not None and side.place >= side.fin:
            if side.fin >= 0:
                self._release(side, at)
                self._handler.ended(side, at)
            side.fin = ENDED

    def flush(self, side: Side, at: int) -> None:
        """Everything that is there, whatever is missing."""
        while side.pending:
            self.skip(side, at)
        if side.fin is not None and side.place is not None and 0 <= side.place < side.fin:
            self._release(side, at)
            self._handler.gap(side, side.fin - side.place, at)
            side.place = side.fin
        self._release(side, at)
        self.look_at_end(side, at)


ENDED = -1
"""`Side.fin` once the handler knows."""
