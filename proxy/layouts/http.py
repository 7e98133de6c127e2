"""HTTP/1 for the protocols that ride on it: each request and each response is one frame.

The framing is h11's, on a copy of the stream; `raw` stays exact. What a frame says is read by
http_message.py beside this file. An interim response (100 Continue) is a frame of its own; one that
ends with its connection is complete at `finish`; what is no HTTP loses its direction.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Generator
from typing import TypeAlias

import h11

from proxy.dissector import LOST, PEER_FAULTS, Dissector
from proxy.keys import SessionKeys
from proxy.message import WireError
from recordings.model import Direction, Frame, Json

FRAME_LIMIT = 4 << 20
"""Bytes of one request or response; a longer one loses its stream."""
PIPELINE = 256
"""Requests that may wait for their response."""


_Cut: TypeAlias = tuple[bytes, dict[str, Json] | None]


class HttpDissector(Dissector):
    """Cuts both directions of a connection into requests and responses.

    A response frame knows what was asked: `derived["request"]` holds method and target.
    """

    def __init__(self, keys: SessionKeys) -> None:
        super().__init__(keys)
        self._asked: deque[tuple[str, str]] = deque(maxlen=PIPELINE)
        self._sides = {Direction.TO_SERVER: _Requests(self), Direction.TO_CLIENT: _Responses(self)}

    def pending(self, direction: Direction) -> int:
        return len(self._sides[direction].buffer)

    def feed(self, direction: Direction, data: bytes, at: int) -> list[Frame]:
        return self._advance(direction, data, at) if data else []  # no bytes would mean the end

    def finish(self, direction: Direction, at: int) -> list[Frame]:
        side = self._sides[direction]
        frames = self._advance(direction, b"", at) if side.buffer and not side.lost else []
        if frames and frames[-1].error is not None:
            length = len(frames[-1].raw or b"")
            frames[-1].error = f"cut off: the stream ended {length} bytes in"
        side.lost = True
        return frames

    def frame(self, frame: Frame) -> None:
        """Look at a complete request or response: fill `derived`, learn keys."""

    def _advance(self, direction: Direction, data: bytes, at: int) -> list[Frame]:
        side = self._sides[direction]
        if side.lost:
            return [Frame(direction, at, data, error=LOST)]
        side.buffer += data
        frames = []
        try:
            for raw, derived in side.cut(data):
                frames.append(Frame(direction, at, raw, derived=derived))
                try:
                    self.frame(frames[-1])
                except PEER_FAULTS as error:
                    frames[-1].error = str(error)
            if len(side.buffer) > FRAME_LIMIT:
                raise WireError(f"a frame is longer than the limit, {FRAME_LIMIT} bytes")
        except (h11.ProtocolError, *PEER_FAULTS) as error:
            frames.append(Frame(direction, at, bytes(side.buffer), error=f"lost: HTTP: {error}"))
            side.lost = True
            side.buffer.clear()
        return frames

    def asked(self, method: str, target: str) -> None:
        """A request began."""
        self._asked.append((method, target))

    def answering(self) -> tuple[str, str] | None:
        """The request that the next response answers."""
        return self._asked.popleft() if self._asked else None


class _Side:
    """One direction: bytes that no frame has held yet, and h11's reader of the current message."""

    def __init__(self, owner: HttpDissector) -> None:
        self.owner = owner
        self.buffer = bytearray()
        self.lost = False
        self.reader: h11.Connection | None = None
        self.derived: dict[str, Json] | None = None

    def begin(self) -> h11.Connection:
        """A reader for the next message."""
        raise NotImplementedError

    def cut(self, data: bytes) -> Generator[_Cut, None, None]:
        """Raw bytes and derived facts of each message that is complete now."""
        while data or self.reader is not None:
            if self.reader is None:
                self.reader = self.begin()
            self.reader.receive_data(data)
            if not (yield from self._events(self.reader)):
                return
            data = bytes(self.buffer)

    def _events(self, reader: h11.Connection) -> Generator[_Cut, None, bool]:
        """Run the reader to the end of its message; False: it needs more bytes."""
        while True:
            event = reader.next_event()
            if event in (h11.NEED_DATA, h11.PAUSED) or isinstance(event, h11.ConnectionClosed):
                return False
            if isinstance(event, h11.Request):
                self.owner.asked(event.method.decode("latin-1"), event.target.decode("latin-1"))
            elif isinstance(event, h11.InformationalResponse):
                yield self._take(reader), self.derived
            elif isinstance(event, h11.EndOfMessage):
                taken = self._take(reader)
                self.reader = None
                yield taken, self.derived
                return True

    def _take(self, reader: h11.Connection) -> bytes:
        length = len(self.buffer) - len(reader.trailing_data[0])
        raw = bytes(self.buffer[:length])
        del self.buffer[:length]
        return raw


class _Requests(_Side):
    def begin(self) -> h11.Connection:
        return h11.Connection(h11.SERVER)


class _Responses(_Side):
    def begin(self) -> h11.Connection:
        reader = h11.Connection(h11.CLIENT)
        asked = self.owner.answering()
        method, target = asked or ("GET", "/")
        reader.send(h11.Request(method=method, target="/", headers=[("Host", "any")]))
        reader.send(h11.EndOfMessage())
        self.derived = {"request": {"method": method, "target": target}} if asked else None
        return reader
