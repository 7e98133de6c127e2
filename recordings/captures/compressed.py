"""A capture file as a stream of bytes, whatever packed it: nothing, gzip or zstd.

Little is held at once. A file that unpacks to absurdly more than its size ends with a sentence
instead: nobody waits for a bomb.
"""

from __future__ import annotations

import importlib
import zlib
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO, Self

from recordings.errors import UserError

GZIP = b"\x1f\x8b"
ZSTD = b"\x28\xb5\x2f\xfd"
STEP = 1 << 16
"""Packed bytes that are read at once."""
WINDOW = 1 << 27
"""Bytes of memory that a zstd frame may ask for, as the program zstd has it."""
BOMB_SIZE = 256 << 20
BOMB_RATIO = 200
"""Beyond that size, a file may not unpack to more than that many times what was read of it."""

Read = Callable[[int], bytes]


class Damaged(Exception):
    """The bytes end or break here; the text says how. What came before is good."""


class Source:
    """An open file; `read` gives unpacked bytes."""

    def __init__(self, file: BinaryIO, size: int, name: str) -> None:
        self.size = size
        """Bytes of the file as it is, 0 when nobody knows."""
        self.name = name
        self.given = 0
        """Unpacked bytes read so far."""
        self._taken = 0
        self._file = file
        self._failures: tuple[type[Exception], ...] = (OSError, zlib.error, EOFError)
        self._ahead = file.read(len(ZSTD))
        self._read: Read = self._raw
        if self._ahead.startswith(GZIP):
            self._read = _Gzip(self._raw).read
        elif self._ahead == ZSTD:
            self._read, self._failures = _zstd(self)
        self.packed = self._read != self._raw

    @classmethod
    def open(cls, path: Path) -> Source:
        """Open a file; raises UserError."""
        try:
            file = path.open("rb")
            return cls(file, path.stat().st_size, path.name)
        except OSError as error:
            why = error.strerror or error
            raise UserError(f"{path} cannot be read ({why}): give the path of a file") from error

    @property
    def position(self) -> int:
        """Bytes of the file as it is that have been taken so far."""
        return self._taken

    def _raw(self, size: int) -> bytes:
        if self._ahead:
            data, self._ahead = self._ahead[:size], self._ahead[size:]
        else:
            data = self._file.read(size)
        self._taken += len(data)
        return data

    def read(self, size: int) -> bytes:
        """At most `size` bytes, none at the end; raises Damaged."""
        if self.packed and self.given > max(BOMB_SIZE, BOMB_RATIO * self._taken):
            raise Damaged(
                f"the file unpacks to more than {BOMB_RATIO} times its size: "
                "unpack it yourself if it is to be trusted"
            )
        try:
            data = self._read(size)
        except self._failures as error:
            raise Damaged(f"the file cannot be read on ({error})") from error
        self.given += len(data)
        return data

    def close(self) -> None:
        """Let go of the file."""
        self._file.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


class _Gzip:
    """Members one after another; what can be unpacked of a cut file is given before the error."""

    def __init__(self, read: Read) -> None:
        self._source = read
        self._machine = zlib.decompressobj(31)
        self._input = b""
        self._begun = False

    def read(self, size: int) -> bytes:
        while True:
            if self._machine.eof:
                rest = (self._machine.unused_data or self._source(STEP)).lstrip(b"\0")
                if not rest:
                    return b""
                self._machine, self._input = zlib.decompressobj(31), rest
            data = self._input or self._source(STEP)
            if not data:
                raise EOFError("it is cut off")
            out = self._machine.decompress(data, size)
            self._input = self._machine.unconsumed_tail
            if out:
                return out


def _zstd(source: Source) -> tuple[Read, tuple[type[Exception], ...]]:
    """Python's own zstd from 3.14 on, else the library that mitmproxy brings."""

    class Packed:
        """What the library reads from."""

        def read(self, size: int = -1) -> bytes:
            return source._raw(STEP if size < 0 else size)

    for name in ("compression.zstd", "zstandard"):
        try:
            module: Any = importlib.import_module(name)
        except ImportError:
            continue
        if name == "zstandard":
            machine = module.ZstdDecompressor(max_window_size=WINDOW)
            reader = machine.stream_reader(Packed(), read_across_frames=True)
        else:
            options = {module.DecompressionParameter.window_log_max: WINDOW.bit_length() - 1}
            reader = module.ZstdFile(Packed(), options=options)
        return reader.read, (module.ZstdError, OSError, MemoryError)
    raise UserError(f"{source.name} is packed by zstd: unpack it, or pip install zstandard")
