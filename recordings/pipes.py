"""What a recorder and its scribe (see `recordings.courier`) say to each other through two pipes.

A message is four bytes of length and a marshalled value: tuples, lists and dicts of text, numbers
and bytes. Both ends are the same program, so that nothing of it has to last.
"""

from __future__ import annotations

import marshal
import struct
import threading
from collections.abc import Iterator
from contextlib import suppress
from typing import IO, Any

_LENGTH = struct.Struct("<I")
_VERSION = 2
"""Of marshal: later ones look for values that are the same, which takes longer than sending."""


def packed(value: Any) -> bytes:
    """A message; ValueError for a value that cannot be sent."""
    body = marshal.dumps(value, _VERSION)
    return _LENGTH.pack(len(body)) + body


def unpacked(body: bytes) -> Any:
    """The value of a message without its length."""
    return marshal.loads(body)


def bodies(pipe: IO[bytes]) -> Iterator[bytes]:
    """The messages that come, until the other end closes or dies."""
    with suppress(OSError, ValueError):
        while len(head := pipe.read(_LENGTH.size)) == _LENGTH.size:
            (length,) = _LENGTH.unpack(head)
            body = pipe.read(length)
            if len(body) < length:
                return
            yield body


class Mouth:
    """The end of a pipe to write into, from any thread."""

    def __init__(self, pipe: IO[bytes]) -> None:
        self._pipe = pipe
        self._lock = threading.Lock()

    def say(self, *value: Any) -> None:
        """Send one message; nothing when nobody listens any more."""
        self.give(packed(value))

    def give(self, messages: bytes) -> None:
        """Send messages that are packed already."""
        with self._lock, suppress(OSError, ValueError):
            self._pipe.write(messages)
            self._pipe.flush()

    def close(self) -> None:
        """Say no more."""
        with self._lock, suppress(OSError):
            self._pipe.close()
