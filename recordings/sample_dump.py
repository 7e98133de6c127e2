"""Writes a session as the text of a sample; `recordings.samples` reads it and tells the form."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

from recordings.errors import UserError
from recordings.model import Frame
from recordings.notation import to_text
from recordings.reader import Reader
from recordings.rows import EventRow, FlowRow, KeyRow, NoteRow
from recordings.text import load
from recordings.times import micros


def dump_sample(reader: Reader, session_id: int) -> Iterator[str]:
    """The lines of a session, without line ends; raises UserError when there is none."""
    session = next((one for one in reader.sessions() if one.id == session_id), None)
    if session is None:
        raise UserError(f"{reader.path} has no session {session_id}: see `understudy sessions`")
    dumper = _Dumper(reader, session_id, micros(session.started_at))
    yield dumper.line(
        "session",
        uid=session.uid,
        game=session.game,
        client=session.client,
        origin=session.origin,
        started_at=session.started_at,
        ended_at=session.ended_at and dumper.seconds(micros(session.ended_at)),
        note=session.note,
    )
    yield from dumper.lines()


class _Dumper:
    def __init__(self, reader: Reader, session_id: int, start: int) -> None:
        self._reader = reader
        self._session_id = session_id
        self._start = start
        self._flows = reader.flows(session_id)
        self._general: list[str] = []
        self._about_flow: dict[int, list[str]] = {}
        self._about_frame: dict[int, list[str]] = {}
        for rows in (reader.keys(session_id), reader.events(session_id), reader.notes(session_id)):
            for row in rows:
                self._put(row, _ABOUT[type(row)](self, row))
        self._labels = {flow.parent_frame_id for flow in self._flows} | self._about_frame.keys()
        self._said: set[int] = set()
        """Labels of frames that have been written."""

    def _put(self, row: KeyRow | EventRow | NoteRow, line: str) -> None:
        """What is said about a frame or flow follows it; the rest goes in front."""
        if row.frame_id is not None:
            self._about_frame.setdefault(row.frame_id, []).append(line)
        elif row.flow_id is not None:
            self._about_flow.setdefault(row.flow_id, []).append(line)
        else:
            self._general.append(line)

    def seconds(self, at: int) -> float | int:
        micro = at - self._start
        return micro / 1_000_000 if micro % 1_000_000 else micro // 1_000_000

    def line(self, row: str, **values: Any) -> str:
        given = {name: value for name, value in values.items() if value is not None}
        text = json.dumps({"row": row, **given}, ensure_ascii=False)
        try:
            text.encode()
        except UnicodeEncodeError:  # half of a pair, which no file can hold but escaped
            text = json.dumps({"row": row, **given})
        return text

    def lines(self) -> Iterator[str]:
        waiting = list(reversed(self._flows))
        yield from self._general
        for frame in self._reader.frames(session_id=self._session_id):
            while waiting and waiting[-1].id <= frame.flow_id:
                yield from self._flow(waiting.pop())
            yield self._frame(frame)
            yield from self._about_frame.get(frame.id, ())
        for flow in reversed(waiting):
            yield from self._flow(flow)

    def _flow(self, flow: FlowRow) -> Iterator[str]:
        yield self.line(
            "flow",
            flow=flow.id,
            protocol=flow.protocol,
            transport=flow.transport,
            client=flow.client,
            server=flow.server,
            hostname=flow.hostname,
            parent=flow.parent_frame_id if flow.parent_frame_id in self._said else None,
            opened_at=self.seconds(flow.opened_at),
            closed_at=None if flow.closed_at is None else self.seconds(flow.closed_at),
            close_reason=flow.close_reason,
        )
        yield from self._about_flow.get(flow.id, ())

    def _frame(self, frame: Frame) -> str:
        if frame.id in self._labels:
            self._said.add(frame.id)
        raw, plain, sent = (
            None if data is None else to_text(data) for data in (frame.raw, frame.plain, frame.sent)
        )
        return self.line(
            "frame",
            id=frame.id if frame.id in self._labels else None,
            flow=frame.flow_id,
            direction=frame.direction.value,
            at=self.seconds(frame.at),
            raw=raw,
            plain=plain,
            sent=sent,
            action=frame.action,
            cipher=frame.cipher,
            protocol=frame.protocol,
            kind=frame.kind,
            fields=load(frame.fields),
            error=frame.error,
            derived=frame.derived,
        )

    def _key(self, key: KeyRow) -> str:
        return self.line(
            "key",
            flow=key.flow_id,
            frame=key.frame_id,
            name=key.name,
            cipher=key.cipher,
            direction=key.direction,
            key=to_text(key.key),
            source=key.source,
        )

    def _event(self, event: EventRow) -> str:
        return self.line(
            "event",
            flow=event.flow_id,
            frame=event.frame_id,
            at=self.seconds(event.at),
            kind=event.kind,
            detail=event.detail,
        )

    def _note(self, note: NoteRow) -> str:
        return self.line(
            "note",
            flow=note.flow_id,
            frame=note.frame_id,
            text=note.text,
            created_at=self.seconds(micros(note.created_at)),
        )


_ABOUT: dict[type, Callable[[_Dumper, Any], str]] = {
    KeyRow: _Dumper._key,
    EventRow: _Dumper._event,
    NoteRow: _Dumper._note,
}
