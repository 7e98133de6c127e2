"""Writes what the rules made of a session as a session of its own, which decodes like any other.

What was changed is noted: at each changed frame an event and, in `derived.mutation`, what the rules
did and the bytes that the frame was (`was`, hex); at the session what has no frame any more.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence

from proxy.keys import SessionKeys
from proxy.mutation.engine import EVENT
from proxy.mutation.rewriting import Piece, Rewritten
from proxy.mutation.virtual import flow_of
from proxy.tap import Tap
from recordings.model import Action, Direction, Frame, Key, Origin
from recordings.rows import FlowRow, SessionRow
from recordings.times import micros
from recordings.writer import Recording


class _Marking:
    """A store that marks the frames of a changed piece before they are written."""

    def __init__(self, recording: Recording, frames: deque[Frame]) -> None:
        self._frames = frames
        self.add_key = recording.add_key
        self.add_event = recording.add_event

    def append(self, flow_id: int, frame: Frame) -> int:
        """Keep a frame until all of its piece are there."""
        frame.flow_id = flow_id
        self._frames.append(frame)
        return 0

    congested = False
    annotates = False


class Copy:
    """One session, written into a recording."""

    def __init__(
        self,
        recording: Recording,
        session: SessionRow,
        flows: Sequence[FlowRow],
        note: str,
        *,
        keys: Iterable[Key] = (),
        secrets: Mapping[str, str] | None = None,
    ) -> None:
        self._recording = recording
        self._rows = {row.id: row for row in flows}
        self._session = session
        self._keys = SessionKeys(keys, secrets)
        self._flows: dict[int, int] = {}  # recorded flow -> the copy's
        self._frames: dict[int, int] = {}  # recorded frame -> the copy's
        self._taps: dict[int, Tap] = {}
        self._now = 0
        self._made: deque[Frame] = deque()
        self._late: dict[tuple[int, bytes], Frame] = {}  # went on with other frames
        self.changed = 0
        """Frames that are not as they were."""
        self.frames = 0
        self.id = recording.add_session(
            game=session.game,
            client=session.client,
            origin=Origin(session.origin),
            note=note,
            at=micros(session.started_at),
        )
        for key in self._keys:
            recording.add_key(self.id, key)

    def write(self, made: Rewritten) -> None:
        """Write all pieces, in their order, and end the session."""
        told: set[int] = set()
        at_once = {piece.of.id for piece in made.pieces}
        self._late = {
            (one.flow_id, one.clear): one
            for source, one in made.sources.items()
            if source not in at_once
        }
        for piece in made.pieces:
            self._piece(piece, [] if piece.of.id in told else made.notes.get(piece.of.id, []))
            told.add(piece.of.id)
        for source, notes in made.notes.items():
            if source not in told:
                for note in notes:
                    self._event(f"frame {source} of the original: {note}", self._now, None, None)
        self._end()

    def _piece(self, piece: Piece, notes: list[str]) -> None:
        self._now = piece.at
        tap = self._tap(piece.flow_id)
        tap.seen(piece.direction, piece.data)
        frames = self._take()
        for frame, action in _actions(frames, piece.of):
            if (piece.flow_id, frame.clear) in self._late and action is not None:
                frame.action = Action.DELAYED
                self.changed += 1
            elif action is not None:
                self._mark(frame, action, piece.of, notes)
            elif piece.at > piece.of.at:
                frame.action = Action.DELAYED
                self.changed += 1
            self._append(frame)
            for key in frame.keys:
                self._recording.add_key(self.id, key, flow_id=frame.flow_id, frame_id=frame.id)
            if piece.of.id not in self._frames and action in (None, Action.CHANGED):
                self._frames[piece.of.id] = frame.id
        for note in notes:
            first = frames[0] if frames else None
            self._event(note, piece.at, first.flow_id if first else None, first)

    def _take(self) -> list[Frame]:
        frames = list(self._made)
        self._made.clear()
        return frames

    def _append(self, frame: Frame) -> None:
        self._recording.append(frame.flow_id, frame)
        self.frames += 1

    def _mark(self, frame: Frame, action: Action, of: Frame, notes: list[str]) -> None:
        frame.action = action
        self.changed += 1
        if notes:
            mutation = {"rules": notes, "was": (of.raw or b"").hex()}
            frame.derived = {**(frame.derived or {}), "mutation": mutation}

    def _event(self, text: str, at: int, flow_id: int | None, frame: Frame | None) -> None:
        self._recording.add_event(
            EVENT,
            text,
            at=at,
            session_id=self.id,
            flow_id=flow_id,
            frame_id=frame.id if frame else None,
        )

    def _tap(self, source: int) -> Tap:
        if source not in self._taps:
            row = self._rows[source]
            flow = flow_of(row)
            flow.id, flow.session = self._flow(row), self.id
            store = _Marking(self._recording, self._made)
            self._taps[source] = Tap(flow, self._keys, store, now=lambda: self._now)  # type: ignore[arg-type]
        return self._taps[source]

    def _flow(self, row: FlowRow) -> int:
        self._flows[row.id] = self._recording.copy_flow(
            row, session_id=self.id, parent_frame_id=self._frames.get(row.parent_frame_id or 0)
        )
        return self._flows[row.id]

    def _end(self) -> None:
        for source, row in self._rows.items():
            tap = self._taps.get(source)
            for direction in Direction:
                if tap is not None:
                    tap.ended(direction)
            for frame in self._take():
                self._append(frame)
            flow_id = self._flows.get(source) or self._flow(row)
            if row.closed_at is not None:
                end = max(row.closed_at, self._now)
                self._recording.close_flow(flow_id, end, row.close_reason or "closed")
        ended = self._session.ended_at
        self._recording.end_session(self.id, at=max(micros(ended), self._now) if ended else None)


def _actions(frames: list[Frame], of: Frame) -> Iterator[tuple[Frame, Action | None]]:
    """What was done, so that a recorded frame became these frames."""
    whole = False
    same = any(_same(frame, of) for frame in frames)
    for frame in frames:
        if _same(frame, of):
            yield frame, Action.DUPLICATED if whole else None
            whole = True
        elif same or whole:
            yield frame, Action.INSERTED
        else:
            yield frame, Action.CHANGED
            whole = True


def _same(frame: Frame, of: Frame) -> bool:
    """Whether a frame says what the recorded one said; it may be enciphered anew."""
    return frame.raw == of.raw or frame.clear == of.clear
