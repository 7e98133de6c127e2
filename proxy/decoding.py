"""Reads a recording again: with keys that were found later, or by protocols that read better now.

The bytes of a session go through fresh dissectors in the order in which they came. What came over
the wire is never changed; a flow whose stream is cut differently now (it was opaque, say) can only
be written anew, into another recording.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from proxy import registry
from proxy.dissector import Dissector
from proxy.flow import as_json
from proxy.keys import SessionKeys
from proxy.message import Opaque
from recordings.model import Direction, Frame, Key, Origin, Transport
from recordings.reader import Reader
from recordings.rows import FlowRow, KeyRow, SessionRow
from recordings.times import micros
from recordings.writer import Recording

MEANING = ("plain", "cipher", "kind", "fields", "error", "protocol", "derived")
"""What a frame means, as opposed to what it is."""


@dataclass(slots=True)
class Outcome:
    """What reading again came to."""

    frames: int = 0
    changed: int = 0
    """Frames that are read differently now."""
    recut: list[int] = field(default_factory=list)
    """Flows whose frames are cut differently now."""


@dataclass(slots=True)
class _Half:
    """One direction of a flow: its stored frames, until newly cut ones cover them."""

    stored: deque[tuple[int, Frame]] = field(default_factory=deque)  # (end offset, frame)
    fed: int = 0
    cut: int = 0

    def feed(self, frame: Frame) -> None:
        self.fed += len(frame.raw or b"")
        self.stored.append((self.fed, frame))

    def match(self, new: Frame) -> tuple[Frame, bool]:
        """The stored frame that held the last byte of a new one; whether it is cut the same."""
        size = len(new.raw or b"")
        self.cut += size
        while self.stored[0][0] < self.cut:
            self.stored.popleft()
        end, frame = self.stored[0]
        if end == self.cut:
            self.stored.popleft()
        return frame, end == self.cut and len(frame.raw or b"") == size


@dataclass(slots=True)
class _Flow:
    """A flow on its way through a fresh dissector."""

    row: FlowRow
    dissector: Dissector
    halves: dict[Direction, _Half]


class Rereading:
    """The frames of one session as they are read now."""

    def __init__(
        self, reader: Reader, session: SessionRow, keys: Sequence[Key], secrets: Mapping[str, str]
    ) -> None:
        self._reader = reader
        self._session = session
        given = [*_given(reader.keys(session.id)), *keys]
        shared = SessionKeys(given, secrets)
        self.flows = {
            row.id: _Flow(
                row,
                registry.protocol(row.protocol).dissector(shared, Transport(row.transport)),
                {way: _Half() for way in Direction},
            )
            for row in reader.flows(session.id)
        }

    def frames(self) -> Iterator[tuple[Frame, Frame, bool]]:
        """Each frame as read now, the stored one in its place, and whether they are cut alike."""
        for stored in self._reader.frames(session_id=self._session.id):
            flow = self.flows[stored.flow_id]
            if stored.raw is None:  # we inserted it: no dissector saw it
                yield stored, stored, True
                continue
            half = flow.halves[stored.direction]
            half.feed(stored)
            for new in flow.dissector.feed(stored.direction, stored.raw, stored.at):
                yield self._paired(flow, half, new)
        for flow in self.flows.values():
            for way, half in flow.halves.items():
                at = half.stored[-1][1].at if half.stored else 0
                for new in flow.dissector.finish(way, at):
                    yield self._paired(flow, half, new)

    def _paired(self, flow: _Flow, half: _Half, new: Frame) -> tuple[Frame, Frame, bool]:
        stored, alike = half.match(new)
        new.flow_id = stored.flow_id
        understand(new, flow.row.protocol)
        if alike:
            new.sent, new.action, new.id, new.number = (
                *(stored.sent, stored.action, stored.id, stored.number),
            )
        return new, stored, alike


def understand(frame: Frame, protocol: str) -> None:
    """Fill in kind, fields and error by the view of the frame's protocol."""
    message = registry.protocol(frame.protocol or protocol).view(frame)
    frame.kind = message.kind
    if isinstance(message, Opaque):
        frame.error = frame.error or message.error
    else:
        frame.fields = as_json(message.fields())


def _given(rows: Sequence[KeyRow]) -> Iterator[Key]:
    """The keys that a user gave earlier; what was seen will be seen again."""
    for row in rows:
        if row.source == "given":
            yield row.as_key()


def _keep(
    recording: Recording,
    session: int,
    rows: Sequence[KeyRow],
    keys: Sequence[Key],
) -> None:
    """Write what the user gave, each once, so that the recording can be read alone."""
    known = set(_given(rows))
    for key in keys:
        if key not in known:
            known.add(key)
            recording.add_key(session, key)


def reread(
    reader: Reader,
    recording: Recording | None,
    session: SessionRow,
    keys: Sequence[Key],
    secrets: Mapping[str, str],
) -> Outcome:
    """Write into `recording` what is read differently now; None only looks.

    Flows that are cut differently are left as they are, and named in the outcome.
    """
    outcome = Outcome()
    recut = {new.flow_id for new, _, alike in _frames(reader, session, keys, secrets) if not alike}
    outcome.recut = sorted(recut)
    for new, stored, _ in _frames(reader, session, keys, secrets):
        if new.flow_id in recut or new is stored:
            continue
        outcome.frames += 1
        if any(getattr(new, name) != getattr(stored, name) for name in MEANING):
            outcome.changed += 1
            if recording is not None:
                recording.annotate(new)
                for key in new.keys:
                    recording.add_key(session.id, key, flow_id=new.flow_id, frame_id=new.id)
    if recording is not None:
        _keep(recording, session.id, reader.keys(session.id), keys)
    return outcome


def _frames(
    reader: Reader, session: SessionRow, keys: Sequence[Key], secrets: Mapping[str, str]
) -> Iterator[tuple[Frame, Frame, bool]]:
    return Rereading(reader, session, keys, secrets).frames()


def rewrite(
    reader: Reader,
    recording: Recording,
    session: SessionRow,
    keys: Sequence[Key],
    secrets: Mapping[str, str],
) -> Outcome:
    """Write the whole session anew into another recording, cut and read as now."""
    copy = _Copy(reader, recording, session)
    reading = Rereading(reader, session, keys, secrets)
    outcome = Outcome()
    for new, stored, alike in reading.frames():
        outcome.frames += 1
        flow = copy.flow(reading.flows[stored.flow_id].row)
        if not alike and stored.flow_id not in outcome.recut:
            outcome.recut.append(stored.flow_id)
        if not alike or any(getattr(new, n) != getattr(stored, n) for n in MEANING):
            outcome.changed += 1
        copy.frame(flow, new, stored.id)
    given = [*_given(reader.keys(session.id)), *keys]
    _keep(recording, copy.session, (), given)
    copy.finish(row.row for row in reading.flows.values())
    return outcome


class _Copy:
    """A session on its way into another recording: what refers to a frame follows it."""

    def __init__(self, reader: Reader, recording: Recording, session: SessionRow) -> None:
        self._reader, self._recording, self._old = reader, recording, session
        self._flows: dict[int, int] = {}
        self._frames: dict[int, int] = {}
        self._named = {row.parent_frame_id for row in reader.flows(session.id)}
        for rows in (reader.events(session.id), reader.notes(session.id)):
            self._named |= {row.frame_id for row in rows}
        self.session = recording.add_session(
            game=session.game,
            client=session.client,
            origin=Origin(session.origin),
            note=session.note,
            uid=session.uid,
            at=micros(session.started_at),
        )

    def flow(self, row: FlowRow) -> int:
        """The new id of a flow."""
        if row.id not in self._flows:
            self._flows[row.id] = self._recording.copy_flow(
                row,
                session_id=self.session,
                parent_frame_id=self._frames.get(row.parent_frame_id or 0),
            )
        return self._flows[row.id]

    def frame(self, flow: int, frame: Frame, stored_id: int) -> None:
        """Write a frame and the keys that it gives away."""
        frame = replace(frame, id=0, number=0)
        self._recording.append(flow, frame)
        for key in frame.keys:
            self._recording.add_key(self.session, key, flow_id=flow, frame_id=frame.id)
        if stored_id in self._named:
            self._frames[stored_id] = frame.id

    def finish(self, flows: Iterator[FlowRow]) -> None:
        """Write what stands beside the frames."""
        for row in flows:
            flow = self.flow(row)
            if row.closed_at is not None:
                self._recording.close_flow(flow, row.closed_at, row.close_reason or "")
        for event in self._reader.events(self._old.id):
            self._recording.add_event(
                event.kind,
                event.detail,
                at=event.at,
                session_id=self.session,
                flow_id=self._flows.get(event.flow_id or 0),
                frame_id=self._frames.get(event.frame_id or 0),
            )
        for note in self._reader.notes(self._old.id):
            self._recording.add_note(
                note.text,
                session_id=self.session,
                flow_id=self._flows.get(note.flow_id or 0),
                frame_id=self._frames.get(note.frame_id or 0),
            )
        if self._old.ended_at:
            self._recording.end_session(self.session, at=micros(self._old.ended_at))
