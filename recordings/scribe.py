"""The process that writes a recording for another one (see `recordings.courier`).

It gets rows by its standard input, dissects the datagrams that nobody looked at before, says what
frames mean that come without a view, and writes them.
When the input ends although nobody said so, its recorder has died: then what came is written and
the recording closed as one that was cut off.
"""

from __future__ import annotations

import gc
import importlib
import os
import queue
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any, Protocol

from recordings import creating
from recordings.committer import Committer, stopped
from recordings.creating import CUT_OFF
from recordings.errors import UserError
from recordings.ledger import ADD_FLOW, CLOSE_FLOW, json_text, not_json
from recordings.mending import unstored
from recordings.model import Direction, Frame
from recordings.pace import Pace
from recordings.pipes import Mouth, bodies, unpacked
from recordings.statements import ADD_EVENT, DERIVED, ERROR, FIELDS, KIND, UNREAD, Row
from recordings.taker import NEVER
from recordings.times import now

DOUBTS = 8
"""Different reasons why frames of one flow cannot be viewed, that are told."""
COLLECT = 20_000, 50, 100
"""Rows on their way to the disk are no garbage: look for some less often than usual."""
ORPHANED = "the recorder ended without closing: what it had sent here is written"


class Reader(Protocol):
    """Reads the frames of one flow, in their order."""

    def annotate(self, frame: Frame) -> None:
        """Fill kind, fields and error."""
        ...

    def dissect(self, direction: Direction, raw: bytes, at: int) -> Frame:
        """The frame of the next datagram, without kind and fields."""
        ...


Annotator = Callable[[str], Reader]
"""Makes the reader of a flow of the protocol that is named."""

_DIRECTIONS = {way.value: way for way in Direction}


give_way: Callable[[], None] = getattr(os, "sched_yield", lambda: None)
"""Let who waits for a processor have ours: a frame must not wait until our time is up."""


class _Asked(threading.Event):
    """Stands in the queue where the recorder asked to be told when all before it is written."""

    def __init__(self, told: Callable[[], None]) -> None:
        super().__init__()
        self._told = told

    def set(self) -> None:
        super().set()
        self._told()


class Scribe:
    """Between the pipe and the committer."""

    def __init__(self, path: Path, committer: Committer, mouth: Mouth, place: str | None) -> None:
        """`place`, `module:name`, is of an Annotator; it is imported when the first frame comes."""
        self._path = path
        self._committer = committer
        self._mouth = mouth
        self._place = place
        self._annotator: Annotator | None = None
        self._protocols: dict[int, str] = {}
        self._readers: dict[int, Reader] = {}
        self._doubts: dict[int, set[str]] = {}
        self._errors = 0
        self._closing = False
        committer.give_way = give_way
        committer.on_taken = lambda: mouth.say("taken", committer.taken, self._errors)
        committer.on_failed = lambda sentence: mouth.say("failed", sentence)
        committer.on_warned = lambda sentence: mouth.say("warned", sentence)

    def run(self, heard: Iterator[bytes], pace: Pace) -> None:
        """Write what is heard, to the end."""
        inbox: queue.SimpleQueue[bytes | None] = queue.SimpleQueue()

        def listen() -> None:
            for body in heard:  # at once: what is here outlives the recorder
                inbox.put(body)
            inbox.put(None)

        threading.Thread(target=listen, name="listener", daemon=True).start()
        self._committer.start()
        while (body := inbox.get()) is not None:
            if self._committer.failure is None:
                rows = unpacked(body)
                try:
                    self._take(rows)
                except Exception as error:  # a defect: what came before it is written
                    self._mouth.say("failed", stopped(self._path, f"{error!r}; start again"))
                    break
                pace.keep(inbox.qsize() * len(rows) + len(self._committer.queue))
                give_way()
        if not self._closing:
            self._committer.ending = CUT_OFF
            event = (None, None, None, now(), CUT_OFF, ORPHANED)
            self._give([(ADD_EVENT, event, 0), (None, (), 0)], 2)
        self._committer.join()
        if self._committer.failure is None:
            self._mouth.say("closed", self._errors)

    def _take(self, rows: list[Row]) -> None:
        ready: list[Row] = []
        orders = 0
        try:
            for row in rows:
                if row[0].__class__ is not int:
                    ready.append(self._ordered(row))
                    orders += 1
                elif len(row) == UNREAD:
                    ready.append(self._dissected(row))
                elif row[KIND] is None and self._place is not None:
                    ready.append(self._annotated(row))
                else:
                    viewed = self._viewed(row)
                    ready += viewed
                    orders += len(viewed) - 1
        finally:  # also what came before a defect
            self._give(ready, orders)

    def _ordered(self, row: Row) -> Row:
        """Something else than a frame: what of it concerns us is noted."""
        if row[0] is True:
            self._committer.hurry = True
            return _Asked(partial(self._mouth.say, "flushed", row[-1])), (), row[-1]
        if row[0] is None:
            self._closing = self._committer.hurry = True
        elif row[0] == ADD_FLOW:
            self._protocols[row[1][0]] = row[1][3]
        elif row[0] == CLOSE_FLOW:
            self._forget(row[1][-1])
        return row

    def _give(self, rows: list[Row], orders: int) -> None:
        committer = self._committer
        committer.orders += orders  # before they can be taken
        committer.queue.extend(rows)
        if committer.hurry or len(committer.queue) >= committer.wake_at:
            committer.wake()

    def _annotated(self, row: Row) -> Row:
        """A frame row with kind, fields, and why there are none."""
        # all by name and in one go: this is done for every frame
        id_, flow, number, way, at, raw, plain, sent, action, protocol, _, _, *rest = row
        error, cipher, derived, given = rest
        frame = Frame(_DIRECTIONS[way], at, raw, plain, cipher, error, protocol, derived, (), sent)
        if flow in self._protocols:
            try:
                (self._readers.get(flow) or self._reader(flow)).annotate(frame)
            except Exception as defect:  # it must not stop the recording
                frame.error = frame.error or f"{type(defect).__name__}: {defect}"
            if error is None and frame.error is not None:
                error = frame.error
                self._doubt(flow, id_, error)
        if derived.__class__ is dict:
            derived = json_text(derived)
        return (
            *(id_, flow, number, way, at, raw, plain, sent, action, protocol),
            *(frame.kind, frame.fields, error, cipher, derived, given),
        )

    def _viewed(self, row: Row) -> list[Row]:
        """A frame row that the recorder has viewed; SQLite does not look at its JSON here."""
        fields, derived = row[FIELDS], row[DERIVED]
        more: list[Row] = []
        if fields is not None and (fault := not_json(fields)):
            fields = None
            more.append((ADD_EVENT, unstored(row, fault), row[-1]))
        if derived.__class__ is dict:
            derived = json_text(derived)
        return [(*row[:FIELDS], fields, *row[ERROR:DERIVED], derived, row[-1]), *more]

    def _dissected(self, row: Row) -> Row:
        """A frame row of the row of a datagram that nobody has looked at."""
        id_, flow, number, way, at, raw, given = row
        direction = _DIRECTIONS[way]
        try:
            reader = self._readers.get(flow) or self._reader(flow)
            frame = reader.dissect(direction, raw, at)
            reader.annotate(frame)
        except Exception as defect:  # it must not stop the recording
            frame = Frame(direction, at, raw, error=f"{type(defect).__name__}: {defect}")
        error, derived = frame.error, frame.derived
        if error is not None:
            self._doubt(flow, id_, error)
        return (
            *(id_, flow, number, way, at, raw, frame.plain, None, None, frame.protocol),
            *(frame.kind, frame.fields, error, frame.cipher),
            *(None if derived is None else json_text(derived), given),
        )

    def _reader(self, flow: int) -> Reader:
        """The reader of a flow, made when its first frame comes."""
        if self._annotator is None:
            module, _, name = (self._place or "").partition(":")
            self._annotator = getattr(importlib.import_module(module), name)
        made: Reader = self._annotator(self._protocols[flow])
        self._readers[flow] = made
        return made

    def _forget(self, flow: int) -> None:
        """Nothing more comes of it."""
        self._protocols.pop(flow, None)
        self._readers.pop(flow, None)
        self._doubts.pop(flow, None)

    def _doubt(self, flow: int, frame: int, error: str) -> None:
        self._errors += 1
        said = self._doubts.setdefault(flow, set())
        if error not in said and len(said) < DOUBTS:
            said.add(error)
            self._mouth.say("opaque", flow, frame, error)


@contextmanager
def _without(*modules: str) -> Iterator[None]:
    """sqlite-utils takes these in where it finds them: most of the time of the start of a recorder.

    Safe only while this process has one thread.
    """
    hidden = [name for name in modules if name not in sys.modules]
    sys.modules.update(dict.fromkeys(hidden))  # type: ignore[arg-type]
    try:
        yield
    finally:
        for name in hidden:
            del sys.modules[name]


def main() -> None:
    """Serve the recorder that started this process."""
    for name in ("SIGINT", "SIGTERM", "SIGHUP", "SIGBREAK"):
        if hasattr(signal, name):  # meant for the recorder: the end of the input is our sign
            signal.signal(getattr(signal, name), signal.SIG_IGN)
    pace = Pace()
    gc.set_threshold(*COLLECT)
    mouth = Mouth(os.fdopen(os.dup(1), "wb"))
    os.dup2(2, 1)  # a stray print must not get between
    heard = bodies(sys.stdin.buffer)
    first = next(heard, None)
    if first is None:
        return
    place: Any
    path, place = unpacked(first)
    try:
        with _without("pandas", "numpy"):
            connection, lock, recovered = creating.open_to_write(Path(path))
    except UserError as error:
        mouth.say("refused", str(error))
        return
    # checks that JSON is JSON take as long as making it, and here it was just made
    connection.execute("PRAGMA ignore_check_constraints = ON")
    mouth.say("opened", recovered, creating.last_ids(connection))
    committer = Committer(Path(path), connection, lock, NEVER)
    Scribe(Path(path), committer, mouth, place).run(heard, pace)


if __name__ == "__main__":
    main()
