"""A recording as Python objects: sessions, flows, frames, messages. See docs/python-api.md.

    from understudy import open_recording

    with open_recording("evening.understudy.db") as recording:
        for frame in recording.frames("~k auth"):
            print(frame.time, frame.direction, frame.message.fields())

Frames are read page by page, so that a recording may be larger than memory.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from proxy.message import Message
from proxy.opened_frame import Frame, moment
from recordings import model
from recordings.filters import compile_filter
from recordings.model import Direction
from recordings.reader import Reader
from recordings.rows import EventRow, FlowRow, KeyRow, NoteRow, SessionRow


def open_recording(path: str | Path) -> OpenRecording:
    """Open a recording for reading; raises UserError for what is none."""
    return OpenRecording(Reader.open(Path(path)))


class OpenRecording:
    """A recording that is open for reading. Close it, or use it as a context manager."""

    def __init__(self, reader: Reader) -> None:
        self.path = reader.path
        self._reader = reader
        self._protocols = {flow.id: flow.protocol for flow in reader.flows()}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"OpenRecording({str(self.path)!r})"

    def close(self) -> None:
        """Let go of the file."""
        self._reader.close()

    @property
    def sessions(self) -> list[Session]:
        """Every session, in order."""
        return [Session(self, row) for row in self._reader.sessions()]

    @property
    def flows(self) -> list[Flow]:
        """Every flow, in order."""
        return [Flow(self, row) for row in self._reader.flows()]

    @property
    def keys(self) -> list[KeyRow]:
        """Every key: name, cipher, bytes and the frame that it came from."""
        return self._reader.keys()

    @property
    def events(self) -> list[EventRow]:
        """Everything that happened beside the frames."""
        return self._reader.events()

    @property
    def notes(self) -> list[NoteRow]:
        """What users wrote."""
        return self._reader.notes()

    def frames(self, filter: str = "") -> Iterator[Frame]:
        """The frames in order, all or those that a filter finds: `~k auth & ~d up`."""
        return self._frames(filter)

    def messages(self, filter: str = "") -> Iterator[Message]:
        """What the frames say."""
        return (frame.message for frame in self._frames(filter))

    def frame(self, number: int) -> Frame:
        """The frame of that id; raises LookupError."""
        found = self._reader.frame(number)
        if found is None:
            raise LookupError(f"{self.path} has no frame {number}")
        return Frame(found, self._protocol_of(found))

    def query(self, sql: str, parameters: tuple[Any, ...] = ()) -> list[dict[str, Any]]:
        """The rows of one SELECT."""
        result = self._reader.query(sql, parameters)
        return [dict(zip(result.columns, row, strict=True)) for row in result.rows]

    def _frames(
        self, filter: str, *, session_id: int | None = None, flow_id: int | None = None
    ) -> Iterator[Frame]:
        where = compile_filter(filter) if filter.strip() else None
        found = self._reader.frames(
            where.sql if where else "",
            where.parameters if where else (),
            session_id=session_id,
            flow_id=flow_id,
        )
        return (Frame(one, self._protocol_of(one)) for one in found)

    def _protocol_of(self, frame: model.Frame) -> str:
        if frame.protocol:
            return frame.protocol
        if frame.flow_id not in self._protocols:  # recorded meanwhile
            self._protocols = {flow.id: flow.protocol for flow in self._reader.flows()}
        return self._protocols[frame.flow_id]


@dataclass(frozen=True)
class Session:
    """One sitting of one client."""

    _recording: OpenRecording
    _row: SessionRow

    @property
    def id(self) -> int:
        """Its number in this recording."""
        return self._row.id

    @property
    def uid(self) -> str:
        """Its name for good: it survives export and rotation."""
        return self._row.uid

    @property
    def game(self) -> str | None:
        """What was played."""
        return self._row.game

    @property
    def client(self) -> str:
        """The host of the client."""
        return self._row.client

    @property
    def origin(self) -> str:
        """`record`, `import`, `playback` or `stand-in`."""
        return self._row.origin

    @property
    def started(self) -> datetime:
        """When it began, UTC."""
        return datetime.fromisoformat(self._row.started_at)

    @property
    def ended(self) -> datetime | None:
        """When it ended, UTC; None while it goes on."""
        return datetime.fromisoformat(self._row.ended_at) if self._row.ended_at else None

    @property
    def flows(self) -> list[Flow]:
        """Its flows, in order."""
        return [Flow(self._recording, row) for row in self._recording._reader.flows(self.id)]

    @property
    def keys(self) -> list[KeyRow]:
        """Its keys, in the order in which they were seen."""
        return self._recording._reader.keys(self.id)

    @property
    def events(self) -> list[EventRow]:
        """What happened beside the frames."""
        return self._recording._reader.events(self.id)

    def frames(self, filter: str = "") -> Iterator[Frame]:
        """Its frames, all or those that a filter finds."""
        return self._recording._frames(filter, session_id=self.id)

    def messages(self, filter: str = "") -> Iterator[Message]:
        """What its frames say."""
        return (frame.message for frame in self.frames(filter))


@dataclass(frozen=True)
class Flow:
    """One TCP connection, or one UDP pair of endpoints."""

    _recording: OpenRecording
    _row: FlowRow

    @property
    def id(self) -> int:
        """Its number in this recording."""
        return self._row.id

    @property
    def protocol(self) -> str:
        """What is spoken."""
        return self._row.protocol

    @property
    def transport(self) -> str:
        """`tcp` or `udp`."""
        return self._row.transport

    @property
    def client(self) -> str:
        """`host:port`."""
        return self._row.client

    @property
    def server(self) -> str | None:
        """`host:port`; None where nobody answered but a stand-in."""
        return self._row.server

    @property
    def hostname(self) -> str | None:
        """The name by which the client looked for the server."""
        return self._row.hostname

    @property
    def opened(self) -> datetime:
        """When it began, UTC."""
        return moment(self._row.opened_at)

    @property
    def closed(self) -> datetime | None:
        """When it ended, UTC."""
        return None if self._row.closed_at is None else moment(self._row.closed_at)

    @property
    def parent(self) -> Frame | None:
        """The frame that announced this flow's server."""
        number = self._row.parent_frame_id
        return None if number is None else self._recording.frame(number)

    def frames(self, filter: str = "") -> Iterator[Frame]:
        """Its frames, all or those that a filter finds."""
        return self._recording._frames(filter, flow_id=self.id)

    def messages(self, filter: str = "") -> Iterator[Message]:
        """What its frames say."""
        return (frame.message for frame in self.frames(filter))

    def stream(self, direction: Direction | str) -> bytes:
        """Everything that one side sent, as it came; `up` (`c>s`) or `down` (`s>c`)."""
        way = direction if isinstance(direction, Direction) else Direction.parse(direction)
        found = self._recording._reader.frames(flow_id=self.id)
        return b"".join(one.raw or b"" for one in found if one.direction is way)
