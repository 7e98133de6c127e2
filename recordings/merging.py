"""Puts one recording behind another: the same rows, with the next ids."""

from __future__ import annotations

from recordings.errors import UserError
from recordings.model import Origin
from recordings.reader import Reader
from recordings.rows import FlowRow
from recordings.times import micros
from recordings.writer import Recording

Ids = dict[int | None, int | None]
"""An id of the one -> its id in the other; None stays None."""


def append_recording(reader: Reader, recording: Recording) -> None:
    """Write sessions, flows, frames, keys and events in their order; raises UserError."""
    try:
        _Merger(reader, recording).run()
    except (KeyError, ValueError) as error:
        raise UserError(
            f"{reader.path} does not hold together ({error!r}): make it anew"
        ) from error


class _Merger:
    def __init__(self, reader: Reader, recording: Recording) -> None:
        self._reader = reader
        self._recording = recording
        self._sessions: Ids = {None: None}
        self._flows: Ids = {None: None}
        self._frames: Ids = {None: None}

    def run(self) -> None:
        reader, recording = self._reader, self._recording
        sessions, flows, keys, events = (
            reader.sessions(),
            reader.flows(),
            reader.keys(),
            reader.events(),
        )
        named = {flow.parent_frame_id for flow in flows}
        named |= {key.frame_id for key in keys} | {event.frame_id for event in events}
        for session in sessions:
            self._sessions[session.id] = recording.add_session(
                game=session.game,
                client=session.client,
                origin=Origin(session.origin),
                note=session.note,
                uid=session.uid,
                at=micros(session.started_at),
            )
        waiting = list(reversed(flows))
        for frame in reader.frames():
            old = frame.id
            while waiting and waiting[-1].id <= frame.flow_id:
                self._flow(waiting.pop())
            new = recording.append(_known(self._flows[frame.flow_id]), frame)
            if old in named:
                self._frames[old] = new
        for flow in reversed(waiting):
            self._flow(flow)
        for key in keys:
            recording.add_key(
                _known(self._sessions[key.session_id]),
                key.as_key(),
                flow_id=self._flows[key.flow_id],
                frame_id=self._frames[key.frame_id],
            )
        for event in events:
            recording.add_event(
                event.kind,
                event.detail,
                at=event.at,
                session_id=self._sessions[event.session_id],
                flow_id=self._flows[event.flow_id],
                frame_id=self._frames[event.frame_id],
            )
        for flow in flows:
            if flow.closed_at is not None:
                closed = flow.close_reason or "closed"
                recording.close_flow(_known(self._flows[flow.id]), flow.closed_at, closed)
        for session in sessions:
            if session.ended_at is not None:
                ended = micros(session.ended_at)
                recording.end_session(_known(self._sessions[session.id]), at=ended)

    def _flow(self, flow: FlowRow) -> None:
        self._flows[flow.id] = self._recording.copy_flow(
            flow,
            session_id=_known(self._sessions[flow.session_id]),
            parent_frame_id=self._frames[flow.parent_frame_id],
        )


def _known(number: int | None) -> int:
    assert number is not None
    return number
