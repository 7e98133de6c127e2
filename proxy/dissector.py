"""From bytes to frames: the sans-io machine that each flow has, and the two bases to build it on.

A dissector sees both directions of one flow in the order of arrival. It never raises for what a
peer sent: a stream that stops making sense is marked lost, and every later chunk of it becomes an
opaque frame, so that concatenating `raw` always gives back what the transport delivered.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

from proxy.keys import SessionKeys
from proxy.message import WireError
from recordings.model import Direction, Frame, Key

Cipher = Callable[[bytes], bytes]
"""A stateful stream cipher: bytes in stream order to as many bytes."""

PEER_FAULTS = (ValueError, LookupError, ArithmeticError, TypeError)
"""What code that reads a peer's bytes may raise (WireError is a ValueError)."""

LOST = "lost: the stream stopped making sense earlier"


class Dissector:
    """One flow's machine. Subclass `StreamDissector` or `DatagramDissector` instead."""

    apart: ClassVar[bool] = False
    """Whether its work may be done later and elsewhere: it neither learns nor needs keys, and it
    need not have seen a frame that a rule has changed."""

    def __init__(self, keys: SessionKeys) -> None:
        self.keys = keys

    def feed(self, direction: Direction, data: bytes, at: int) -> list[Frame]:
        """Frames completed by this chunk or datagram; `at` in microseconds. Never raises."""
        raise NotImplementedError

    def finish(self, direction: Direction, at: int) -> list[Frame]:
        """The peer sent its last byte: a part-frame that is left comes out as an opaque frame."""
        return []

    def pending(self, direction: Direction) -> int:
        """Bytes fed that no frame has held yet."""
        return 0

    def seal(self, direction: Direction, plain: bytes, cipher: str | None = None) -> bytes:
        """Clear bytes of a frame to wire bytes, under this session's keys.

        The mirror image of what `feed` does to fill `Frame.plain`, with a cipher state of its own,
        so that a rewritten stream stays in step. `cipher` is `Frame.cipher` of the original.
        """
        return plain

    def digest(self, direction: Direction, plain: bytes) -> bytes:
        """A clear frame whose proofs and responses are made anew for this session.

        To be called before `seal`, for what a recording says; it is `plain` itself where nothing
        is to be made, or where a secret that it takes is not known.
        """
        return plain

    def forward(self, frame: Frame) -> bytes:
        """Wire bytes for an unchanged frame of a stream that is framed before it is forwarded."""
        return frame.raw or b""

    def learn(self, frame: Frame, key: Key) -> None:
        """Make a key known to the session and note which frame gave it away."""
        self.keys.learn(key)
        frame.keys += (key,)


class DatagramDissector(Dissector):
    """Every datagram is one frame."""

    def feed(self, direction: Direction, data: bytes, at: int) -> list[Frame]:
        frame = Frame(direction, at, data)
        try:
            self.frame(frame)
        except PEER_FAULTS as error:
            frame.error = str(error)
        return [frame]

    def frame(self, frame: Frame) -> None:
        """Look at a datagram: decipher into `plain`, check, learn keys. May raise WireError."""


class _Side:
    """One direction of a stream."""

    __slots__ = ("buffer", "cipher", "lost", "scanned", "wire")

    def __init__(self) -> None:
        self.buffer = bytearray()  # deciphered bytes that no frame has held yet
        self.wire: bytearray | None = None  # the same as they came, while a cipher runs
        self.cipher: Cipher | None = None
        self.lost = False
        self.scanned = 0  # how far `find` has searched the buffer


class StreamDissector(Dissector):
    """Cuts a TCP stream. A subclass says where a frame ends and looks at each one.

    A direction that is lost does not lose the other one: what still makes sense stays readable.
    """

    frame_limit = 1 << 20
    observer: Callable[[Frame], bool] | None = None
    """Is told of every complete frame after `frame`; True stops the cutting behind it."""

    def __init__(self, keys: SessionKeys) -> None:
        super().__init__(keys)
        self._sides = {direction: _Side() for direction in Direction}
        self._cutting: _Side | None = None

    def frame_length(self, direction: Direction, buffer: bytes | bytearray, start: int) -> int:
        """Length of the frame that begins at `start`; 0: more bytes are needed.

        Raises WireError when no frame can begin there.
        """
        raise NotImplementedError

    def frame(self, frame: Frame) -> None:
        """Look at a complete frame: fill `plain` and `derived`, learn keys, start a cipher."""

    def find(self, direction: Direction, mark: bytes, buffer: bytes | bytearray, start: int) -> int:
        """Offset just behind the next `mark` at or after `start`, or 0; never searches twice."""
        side = self._sides[direction]
        found = buffer.find(mark, max(start, side.scanned))
        if found < 0:
            side.scanned = max(start, len(buffer) - len(mark) + 1)
            return 0
        side.scanned = 0
        return found + len(mark)

    def start_cipher(self, direction: Direction, cipher: Cipher) -> None:
        """Decipher a direction from behind the current frame on, or what the other has left."""
        side = self._sides[direction]
        side.cipher = cipher
        if side is not self._cutting:
            side.wire = side.buffer
            side.buffer = bytearray(cipher(bytes(side.buffer)))
            side.scanned = 0

    def pending(self, direction: Direction) -> int:
        return len(self._sides[direction].buffer)

    def withdraw(self, direction: Direction) -> bytes:
        """Take back what no frame has held yet."""
        side = self._sides[direction]
        rest = bytes(side.buffer)
        side.buffer, side.scanned = bytearray(), 0
        return rest

    def feed(self, direction: Direction, data: bytes, at: int) -> list[Frame]:
        side = self._sides[direction]
        if side.lost:
            return [Frame(direction, at, data, error=LOST)]
        if side.wire is None and not side.buffer and self.observer is None:
            whole = self._whole(side, direction, data, at)
            if whole is not None:
                return [whole]
        if side.wire is not None and side.cipher is not None:
            side.wire += data
            data = side.cipher(data)
        view: bytes | bytearray = data
        if side.buffer:
            side.buffer += data
            view = side.buffer
        self._cutting = side
        try:
            return self._cut(side, direction, view, at)
        finally:
            self._cutting = None

    def _whole(self, side: _Side, direction: Direction, data: bytes, at: int) -> Frame | None:
        """The frame of a chunk that is exactly one: the commonest, in a short way of its own."""
        size = len(data)
        if not 0 < size <= self.frame_limit:
            return None
        try:
            if self.frame_length(direction, data, 0) != size:
                return None
        except PEER_FAULTS:
            return None  # told where all is cut
        side.scanned = 0
        frame = Frame(direction, at, data)
        self._cutting = side
        try:
            self.frame(frame)
        except PEER_FAULTS as error:
            frame.error = frame.error or str(error)
        finally:
            self._cutting = None
        if side.cipher is not None:
            side.wire = bytearray()  # what comes next is under it
        return frame

    def _cut(
        self, side: _Side, direction: Direction, view: bytes | bytearray, at: int
    ) -> list[Frame]:
        """Cut every complete frame off `view` and keep the rest in the side's buffer."""
        frames: list[Frame] = []
        start = 0
        while start < len(view):
            try:
                length = self.frame_length(direction, view, start)
                if (length or len(view) - start) > self.frame_limit:
                    raise WireError(f"a frame is longer than the limit, {self.frame_limit} bytes")
            except PEER_FAULTS as error:
                frames.append(self._lose(side, direction, view, start, at, str(error)))
                return frames
            if not length or start + length > len(view):
                break
            frame = self._take(side, direction, bytes(view[start : start + length]), at)
            frames.append(frame)
            start += length
            ciphered = side.cipher
            try:
                self.frame(frame)
            except PEER_FAULTS as error:
                frame.error = frame.error or str(error)
            if self.observer is not None and self.observer(frame):
                break
            if side.cipher is not ciphered and side.cipher is not None:
                side.wire = bytearray(view[start:])  # came under the new cipher
                view, start = side.cipher(bytes(side.wire)), 0
        side.scanned = max(0, side.scanned - start)  # offsets count from what is left
        if view is side.buffer:
            del side.buffer[:start]
        elif side.buffer or start < len(view):
            side.buffer = bytearray(view[start:])
        return frames

    def _take(self, side: _Side, direction: Direction, clear: bytes, at: int) -> Frame:
        side.scanned = 0
        if side.wire is None:
            return Frame(direction, at, clear)
        raw = bytes(side.wire[: len(clear)])
        del side.wire[: len(clear)]
        return Frame(direction, at, raw, clear)

    def _lose(
        self,
        side: _Side,
        direction: Direction,
        view: bytes | bytearray,
        start: int,
        at: int,
        reason: str,
    ) -> Frame:
        raw = bytes(view[start:] if side.wire is None else side.wire)
        side.lost = True
        side.buffer, side.wire = bytearray(), None
        return Frame(direction, at, raw, error=f"lost: {reason}")

    def finish(self, direction: Direction, at: int) -> list[Frame]:
        side = self._sides[direction]
        raw = bytes(side.buffer if side.wire is None else side.wire)
        side.buffer, side.wire = bytearray(), None
        if not raw:
            return []
        return [Frame(direction, at, raw, error=f"cut off: the stream ended {len(raw)} bytes in")]
