"""A recorded session sent through the rules, as if a relay with these rules had stood there.

The recorded bytes go through a tap of each flow (what would have been forwarded comes out, sealed
under the session's own ciphers, delays in the recording's own time), and what came out is recorded
by another tap: a copy that decodes like any recording.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import count

from proxy.keys import SessionKeys
from proxy.message import Message
from proxy.mutation.engine import Mutations
from proxy.mutation.virtual import Forgetful, VirtualPipe, flow_of
from proxy.tap import Tap
from recordings.errors import UserError
from recordings.model import Direction, Frame, Key
from recordings.rows import FlowRow
from recordings.text import flatten, load

NAMES = 10_000
"""Names of fields that are kept for a hint."""


@dataclass(slots=True)
class Piece:
    """Bytes that go on at a time; of a datagram flow one datagram."""

    at: int
    flow_id: int
    direction: Direction
    data: bytes
    of: Frame
    """The recorded frame at which they went on."""


@dataclass(slots=True)
class Rewritten:
    """What came out of the rules."""

    pieces: list[Piece] = field(default_factory=list)
    """In the order in which they went on."""
    notes: dict[int, list[str]] = field(default_factory=dict)
    """Id of a recorded frame -> what the rules did to it."""
    sources: dict[int, Frame] = field(default_factory=dict)
    """Id of a recorded frame that the rules did something to -> the frame."""
    unread: int = 0
    """Recorded frames that could not be deciphered again."""


class _SourceTap(Tap):
    """Gives the rules the recorded frames, with their numbers; a rule that fails ends it all."""

    source: Frame

    def view(self, frame: Frame) -> Message:
        """The message; the frame gets the recorded one's numbers."""
        frame.id, frame.number = self.source.id, self.source.number
        frame.flow_id = self.source.flow_id
        return super().view(frame)

    def warn(self, kind: str, detail: str, frame_id: int | None) -> None:
        """Refuse what a relay would go on from: raises UserError for a rule that failed."""
        if kind == "rule-failed":
            raise UserError(f"{detail} (frame {self.source.id})")


class Rewriting:
    """One session on its way through the rules."""

    def __init__(
        self,
        flows: Sequence[FlowRow],
        mutations: Mutations,
        *,
        keys: Iterable[Key] = (),
        secrets: Mapping[str, str] | None = None,
    ) -> None:
        self._mutations = mutations
        self._keys = SessionKeys(keys, secrets)
        self._done = Rewritten()
        self._now = 0
        self._of: Frame | None = None
        self._timers: list[tuple[int, int, Callable[[], None]]] = []
        self._ticket = count()
        self._taps = {row.id: self._tap(row) for row in flows}
        self._seen: set[str] = set()
        self._doubtful = any(rule.given.doubtful for rule in mutations.rules.rules)

    def run(self, frames: Iterable[Frame]) -> Rewritten:
        """Send the frames, in their order, through the rules; raises UserError."""
        for frame in frames:
            if frame.raw is not None:  # else it is one that we inserted
                self._until(frame.at)
                self._pass(frame)
        self._until(None)
        for flow_id, tap in self._taps.items():
            for direction in Direction:
                self._out(flow_id, direction, tap.ended(direction))
        self._mutations.check(self._seen)
        return self._done

    def _tap(self, row: FlowRow) -> _SourceTap:
        flow = flow_of(row)
        keep = Forgetful(self._look)
        rules = self._mutations.of(flow, self._note)
        tap = _SourceTap(flow, self._keys, keep, now=lambda: self._now, rules=rules)

        def send(direction: Direction, data: bytes) -> None:
            self._out(row.id, direction, [data])

        tap.started(VirtualPipe(flow.listen, flow.local, send, self._later))
        return tap

    def _pass(self, frame: Frame) -> None:
        tap = self._taps[frame.flow_id]
        self._now, self._of = frame.at, frame
        tap.source = frame
        raw = frame.raw or b""
        if tap.held(frame.direction):
            self._out(frame.flow_id, frame.direction, tap.through(frame.direction, raw))
        else:
            tap.seen(frame.direction, raw)
            self._out(frame.flow_id, frame.direction, [raw])

    def _out(self, flow_id: int, direction: Direction, datas: Iterable[bytes]) -> None:
        for data in datas:
            assert self._of is not None
            self._done.pieces.append(Piece(self._now, flow_id, direction, data, self._of))

    def _look(self, frame: Frame) -> None:
        """A frame has been read again: is it what it was?"""
        source = self._of
        if source is None:
            return
        if source.plain is not None and frame.raw == source.raw and frame.clear != source.clear:
            self._done.unread += 1
        if self._doubtful and len(self._seen) < NAMES:
            self._seen.update(_names(frame))

    def _note(self, kind: str, text: str, frame_id: int | None) -> None:
        if self._of is not None:
            self._done.notes.setdefault(self._of.id, []).append(text)
            self._done.sources[self._of.id] = self._of

    def _later(self, seconds: float, call: Callable[[], None]) -> None:
        of = self._of

        def then() -> None:
            self._of = of
            call()

        heapq.heappush(self._timers, (self._now + int(seconds * 1e6), next(self._ticket), then))

    def _until(self, at: int | None) -> None:
        """Let time go by."""
        while self._timers and (at is None or self._timers[0][0] <= at):
            due, _, call = heapq.heappop(self._timers)
            self._now = max(self._now, due)
            call()


def _names(frame: Frame) -> Iterator[str]:
    """Names of a frame's fields."""
    for path, _ in flatten(load(frame.fields)):
        yield path
