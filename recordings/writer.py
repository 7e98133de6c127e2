"""Writes a recording: one thread gives, another writes, in groups of one commit each.

What was given more than 100 ms ago survives the end of the process, however that comes about. Ids
and numbers are handed out at once, so that the next row can name the one before.
"""

from __future__ import annotations

import atexit
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from recordings import creating
from recordings.committer import Committer
from recordings.courier import Courier, Noticed, hire
from recordings.errors import UserError
from recordings.ledger import Ledger, json_text
from recordings.model import Direction, Frame

QUEUE_LIMIT = 64 << 20
"""Bytes that may wait to be written."""
ROW_BYTES = 512
"""What a waiting row takes beside its payload."""
UNREAD_BYTES = 256
"""The same for a datagram that is still to be dissected: it has half as many values."""


class RecordingFailed(UserError):
    """The recording has stopped; the text is what `on_failed` was told."""


class Recording(Ledger):
    """A recording that is open for writing. Use `Recording.open`; all calls from one thread."""

    def __init__(
        self,
        path: Path,
        committer: Committer | Courier,
        recovered: str | None,
        last: dict[str, int],
    ) -> None:
        self.path = path
        self.recovered = recovered
        """A sentence when the file had been cut off."""
        self._committer = committer
        self._queue = committer.queue
        self._limit = committer.queue_limit
        self._first, self._last = dict(last), last
        self._last_frame = last["frames"]
        self._numbers = {}
        self._closed = False
        self._carried = isinstance(committer, Courier)

    @classmethod
    def open(
        cls,
        path: Path,
        *,
        queue_limit: int = QUEUE_LIMIT,
        scribe: bool = False,
        annotator: str | None = None,
    ) -> Recording:
        """Make a recording, or open one to append to it; raises UserError.

        With `scribe` a process of its own writes it. That one also fills kind, fields and error of
        frames that come without a kind, by `annotator`: the place, `module:name`, of a
        `recordings.scribe.Annotator`.
        """
        path = Path(path).resolve()
        if scribe:
            courier = Courier(path, queue_limit, hire())
            recovered, last = courier.first(annotator)
            return cls._begun(path, courier, recovered, last)
        connection, lock, recovered = creating.open_to_write(path)
        last = creating.last_ids(connection)
        committer = Committer(path, connection, lock, queue_limit)
        return cls._begun(path, committer, recovered, last)

    @classmethod
    def _begun(
        cls, path: Path, committer: Committer | Courier, recovered: str | None, last: dict[str, int]
    ) -> Recording:
        committer.start()
        recording = cls(path, committer, recovered, last)
        atexit.register(recording.close)  # for a program that ends without closing
        return recording

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def follow(self, before: Recording) -> None:
        """Count on from the ids of the file before this one; to be called first of all."""
        last = {**before._last, "frames": before._last_frame}
        self._last = {table: max(last[table], here) for table, here in self._last.items()}
        self._last_frame = self._last["frames"]

    @property
    def last_frame(self) -> int:
        """The id of the newest frame."""
        return self._last_frame

    @property
    def closed(self) -> bool:
        """Whether nothing more can be given."""
        return self._closed

    @property
    def queued(self) -> int:
        """Bytes that wait to be written."""
        return self._committer.given - self._committer.taken

    @property
    def congested(self) -> bool:
        """Whether more waits than may; once seen, `on_relieved` is called when half is written."""
        committer = self._committer
        if committer.given - committer.taken <= self._limit:
            return False
        committer.waited_for = True  # first, then look again: the writer does it the other way
        return committer.given - committer.taken > self._limit

    @property
    def failed(self) -> str | None:
        """The sentence with which recording has stopped."""
        return self._committer.failure

    @property
    def on_relieved(self) -> Callable[[], None] | None:
        """Called from the writer's thread when the queue is no longer congested."""
        return self._committer.on_relieved

    @on_relieved.setter
    def on_relieved(self, call: Callable[[], None] | None) -> None:
        self._committer.on_relieved = call

    @property
    def on_failed(self) -> Callable[[str], None] | None:
        """Called from the writer's thread, once, with a sentence; all later calls are refused."""
        return self._committer.on_failed

    @on_failed.setter
    def on_failed(self, call: Callable[[str], None] | None) -> None:
        self._committer.on_failed = call

    @property
    def on_warned(self) -> Callable[[str], None] | None:
        """Called from the writer's thread with a sentence about what hinders it, or is left."""
        return self._committer.on_warned

    @on_warned.setter
    def on_warned(self, call: Callable[[str], None] | None) -> None:
        self._committer.on_warned = call

    @property
    def annotates(self) -> bool:
        """Whether frames may come without kind and fields: their view is made elsewhere."""
        return self._carried

    @property
    def errors(self) -> int:
        """Frames of which only the view that was made elsewhere said that there is none."""
        return self._committer.errors if isinstance(self._committer, Courier) else 0

    @property
    def on_opaque(self) -> Noticed | None:
        """Called from another thread with flow, frame and reason when such a frame is found."""
        return self._committer.on_opaque if isinstance(self._committer, Courier) else None

    @on_opaque.setter
    def on_opaque(self, call: Noticed | None) -> None:
        if isinstance(self._committer, Courier):
            self._committer.on_opaque = call

    def _order(self, what: Any, params: tuple[Any, ...] = ()) -> None:
        """Queue a statement, an event to set or None to close, behind the frames before it."""
        committer = self._committer
        if committer.failure is not None:
            raise RecordingFailed(committer.failure)
        if self._closed:
            raise ValueError("the recording is closed")
        committer.given += ROW_BYTES
        committer.orders += 1  # before it can be taken
        self._queue.append((what, params, committer.given))
        if len(self._queue) >= committer.wake_at:
            committer.wake()

    def append(self, flow_id: int, frame: Frame) -> int:
        """Write a frame; fills its id, number and flow_id, and returns the id.

        `frame.keys` are not written: see `add_key`. Raises RecordingFailed after a failure.
        """
        committer = self._committer
        if committer.failure is not None:
            raise RecordingFailed(committer.failure)
        numbers = self._numbers
        number = (numbers[flow_id] if flow_id in numbers else self._adopt(flow_id)) + 1
        numbers[flow_id] = number
        self._last_frame = frame_id = self._last_frame + 1
        frame.id, frame.number, frame.flow_id = frame_id, number, flow_id
        raw, plain, sent = frame.raw, frame.plain, frame.sent
        fields, derived, action = frame.fields, frame.derived, frame.action
        size = ROW_BYTES
        if raw is not None:
            size += len(raw)
        if plain is not None:
            size += len(plain)
        if sent is not None:
            size += len(sent)
        if fields is not None:
            size += len(fields)
        committer.given = given = committer.given + size
        self._queue.append(
            (
                frame_id,
                flow_id,
                number,
                frame.direction._value_,  # the enum itself is slow to bind, .value to get
                frame.at,
                raw,
                plain,
                sent,
                None if action is None else action._value_,
                frame.protocol,
                frame.kind,
                fields,
                frame.error,
                frame.cipher,
                derived if derived is None or self._carried else json_text(derived),
                given,
            )
        )
        if len(self._queue) >= committer.wake_at:
            committer.wake()
        return frame_id

    def append_unread(self, flow_id: int, direction: Direction, at: int, raw: bytes) -> int:
        """Write a datagram that the scribe is to dissect, where there is one; the frame's id.

        Raises RecordingFailed after a failure.
        """
        committer = self._committer
        if committer.failure is not None:
            raise RecordingFailed(committer.failure)
        numbers = self._numbers
        number = (numbers[flow_id] if flow_id in numbers else self._adopt(flow_id)) + 1
        numbers[flow_id] = number
        self._last_frame = frame_id = self._last_frame + 1
        committer.given = given = committer.given + UNREAD_BYTES + len(raw)
        self._queue.append((frame_id, flow_id, number, direction._value_, at, raw, given))
        if len(self._queue) >= committer.wake_at:
            committer.wake()
        return frame_id

    def _adopt(self, flow_id: int) -> int:
        """The last number of a flow that was closed or is from an earlier writing."""
        self.flush()
        return creating.last_number(self.path, flow_id)

    def flush(self) -> None:
        """Block until all that was given is on the disk; raises RecordingFailed."""
        written = threading.Event()
        self._committer.hurry = True  # first: the writer ends the hurry when it meets the event
        self._order(written)
        self._committer.wake()
        while not written.wait(0.1) and not self._committer.ended.is_set():
            pass
        if self._committer.failure is not None:
            raise RecordingFailed(self._committer.failure)

    def close(self) -> None:
        """Write the rest and leave one file; raises RecordingFailed when that does not succeed.

        After a failure that was told before there is nothing more to do.
        """
        if self._closed:
            return
        committer = self._committer
        told = committer.failure is not None
        committer.hurry = True
        with suppress(RecordingFailed):
            self._order(None)
        self._closed = True
        atexit.unregister(self.close)
        committer.wake()
        committer.finish()
        if committer.failure is not None and not told:
            raise RecordingFailed(committer.failure)
