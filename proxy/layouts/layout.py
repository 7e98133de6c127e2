"""Wire types: how one value is laid out in bytes. Read and write stand side by side.

`proxy.layouts.codec` re-exports all of these; protocols import them from there. A wire type of a
protocol's own is a subclass of `Wire` with `read` and `write`.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import Any

from proxy.message import WireError, split_path
from recordings.model import Json

Steps = tuple[str | int, ...]


class Misfit(WireError):
    """Bytes that do not fit: `ServerStatus.users[10].ping at offset 188: needs 8 bytes, 7 left`."""

    def __init__(self, path: str, offset: int, fact: str) -> None:
        super().__init__(path, offset, fact)
        self.path, self.offset, self.fact = path, offset, fact

    def __str__(self) -> str:
        return f"{self.path} at offset {self.offset}: {self.fact}"

    def within(self, place: str) -> Misfit:
        """The same one level up."""
        dot = "." if self.path and self.path[0] != "[" and place else ""
        return Misfit(f"{place}{dot}{self.path}", self.offset, self.fact)


def lacks(offset: int, size: int, end: int) -> Misfit:
    """The misfit of `size` bytes that are not there."""
    return Misfit("", offset, f"needs {size} bytes, {max(end - offset, 0)} left")


class Wire:
    """A wire type. `read` takes the window `data[offset:end]` and gives value and new offset.

    `code` is set when the value has a fixed size: the codec then reads it together with its
    neighbours by one `struct` call, and `load`/`dump` turn struct's value into the field's.
    """

    name = "bytes"
    code = ""
    order = ""
    loads = False
    """Whether `load` and `dump` do anything."""
    optional = False
    """Whether a message may go without it."""

    def read(self, data: bytes, offset: int, end: int) -> tuple[Any, int]:
        """Value and the offset behind it; raises Misfit (path empty: the caller adds it)."""
        size = struct.calcsize("<" + self.code)
        if end - offset < size:
            raise lacks(offset, size, end)
        (value,) = struct.unpack_from((self.order or "<") + self.code, data, offset)
        return self.load(value), offset + size

    def write(self, value: Any) -> bytes:
        """The bytes of a value; raises ValueError or struct.error."""
        return struct.pack((self.order or "<") + self.code, self.dump(value))

    def load(self, value: Any) -> Any:
        """What struct gives to what the field holds."""
        return value

    def dump(self, value: Any) -> Any:
        """What the field holds to what struct takes; raises ValueError."""
        return value

    def parse(self, value: Any) -> Any:
        """What a user gave (text for any type) to a value of the field; raises ValueError."""
        return value

    def show(self, value: Any) -> Json:
        """The value for JSON."""
        return value

    def put(self, value: Any, steps: Steps, new: Any) -> Any:
        """A copy of `value` with the place `steps` changed; raises LookupError, ValueError."""
        if steps:
            raise LookupError(steps[0])
        parsed = self.parse(new)
        try:
            self.write(parsed)
        except (struct.error, TypeError, AttributeError) as error:
            raise ValueError(f"{new!r} is no {self.name}: {error}") from None
        return parsed

    def drop(self, value: Any, steps: Steps) -> Any:
        """A copy of `value` without the place `steps`; raises LookupError."""
        raise LookupError(steps)

    def child(self, value: Any, step: str | int) -> tuple[Wire, Any]:
        """One step into the value; raises LookupError."""
        raise LookupError(step)

    def parts(self, value: Any, path: str, start: int) -> Iterator[tuple[str, int, int]]:
        """Path, start and end of everything that the value's bytes hold."""
        yield path, start, start + len(self.write(value))


class Int(Wire):
    """An integer, by its struct code with byte order: `B`, `<H`, `>I`, `<q`."""

    def __init__(self, code: str) -> None:
        self.order, self.code = (code[0], code[1:]) if len(code) > 1 else ("", code)
        size = struct.calcsize("<" + self.code)
        signed = "i" if self.code.islower() else "u"
        self.name = f"{signed}{size * 8}" + {"<": "le", ">": "be", "": ""}[self.order]
        self._packer = struct.Struct((self.order or "<") + self.code)

    def read(self, data: bytes, offset: int, end: int) -> tuple[Any, int]:
        size = self._packer.size
        if end - offset < size:
            raise lacks(offset, size, end)
        return self._packer.unpack_from(data, offset)[0], offset + size

    def write(self, value: Any) -> bytes:
        return self._packer.pack(value)

    def parse(self, value: Any) -> Any:
        if isinstance(value, str):
            return int(value.strip(), 0)
        if not isinstance(value, int):
            raise ValueError(f"{value!r} is no {self.name}")
        return int(value)


class Bytes(Wire):
    """`size` bytes."""

    loads = True

    def __init__(self, size: int) -> None:
        self.size, self.code, self.name = size, f"{size}s", f"{size} bytes"

    def dump(self, value: Any) -> Any:
        if len(value) != self.size:
            raise ValueError(f"{len(value)} bytes given, the field holds {self.size}")
        return value

    def parse(self, value: Any) -> Any:
        return bytes.fromhex(value) if isinstance(value, str) else bytes(value)

    def show(self, value: Any) -> Json:
        return value.hex()


class Padded(Wire):
    """Latin-1 text in `size` bytes, padded with NULs (a NUL inside stays in the text)."""

    loads = True

    def __init__(self, size: int) -> None:
        self.size, self.code, self.name = size, f"{size}s", f"text in {size} bytes, NUL padded"

    def load(self, value: Any) -> Any:
        return value.rstrip(b"\0").decode("latin-1")

    def dump(self, value: Any) -> Any:
        if len(value) > self.size:
            raise ValueError(f"{len(value)} characters given, the field holds {self.size}")
        return value.encode("latin-1")

    def parse(self, value: Any) -> Any:
        return str(value)


class Ipv4(Wire):
    """An IPv4 address as text; `reverse` when its last number comes first."""

    code, loads = "4s", True

    def __init__(self, *, reverse: bool = False) -> None:
        self.step = -1 if reverse else 1
        self.name = "IPv4 address" + (", last number first" if reverse else "")

    def load(self, value: Any) -> Any:
        return ".".join(map(str, value[:: self.step]))

    def dump(self, value: Any) -> Any:
        parts = value.split(".")
        if len(parts) != 4 or not all(part.isascii() and part.isdigit() for part in parts):
            raise ValueError(f"{value!r} is no IPv4 address")
        return bytes(map(int, parts))[:: self.step]

    def parse(self, value: Any) -> Any:
        return str(value).strip()


class Text(Wire):
    """Latin-1 text that a NUL ends, or another mark."""

    def __init__(self, mark: bytes = b"\0") -> None:
        self.mark = mark
        self.name = f"text, {_shown(mark)}"

    def read(self, data: bytes, offset: int, end: int) -> tuple[Any, int]:
        stop = data.find(self.mark, offset, end)
        if stop < 0:
            raise Misfit("", offset, f"the text has no {_shown(self.mark)} at its end")
        return data[offset:stop].decode("latin-1"), stop + len(self.mark)

    def write(self, value: Any) -> bytes:
        text: bytes = value.encode("latin-1")
        if self.mark in text:
            raise ValueError(f"{value!r} holds a {_shown(self.mark)}, which would end the text")
        return text + self.mark

    def parse(self, value: Any) -> Any:
        return str(value)


def _shown(mark: bytes) -> str:
    return "NUL" if mark == b"\0" else repr(mark.decode("latin-1"))


class Decimal(Text):
    """A number as decimal text that a NUL ends, or another mark."""

    def __init__(self, mark: bytes = b"\0") -> None:
        super().__init__(mark)
        self.name = f"decimal {self.name}"

    def read(self, data: bytes, offset: int, end: int) -> tuple[Any, int]:
        stop = data.find(self.mark, offset, end)
        digits = data[offset:stop]
        if stop < 0 or not digits.isdigit() or len(digits) >= 20:
            text, _ = super().read(data, offset, end)
            raise Misfit("", offset, f"{text[:20]!r} is no number")
        return int(digits), stop + len(self.mark)

    def write(self, value: Any) -> bytes:
        return b"%d%b" % (int(value), self.mark)

    def parse(self, value: Any) -> Any:
        return int(value, 0) if isinstance(value, str) else int(value)


class Rest(Wire):
    """Every byte up to the end of the frame, or of the length that encloses it."""

    name = "bytes to the end"

    def read(self, data: bytes, offset: int, end: int) -> tuple[Any, int]:
        return data[offset:end], end

    def write(self, value: Any) -> bytes:
        return bytes(value)

    def parse(self, value: Any) -> Any:
        return bytes.fromhex(value) if isinstance(value, str) else bytes(value)

    def show(self, value: Any) -> Json:
        return value.hex()


class RestText(Wire):
    """Latin-1 text up to the end of the frame, or of the length that encloses it."""

    name = "text to the end"

    def read(self, data: bytes, offset: int, end: int) -> tuple[Any, int]:
        return data[offset:end].decode("latin-1"), end

    def write(self, value: Any) -> bytes:
        text: bytes = value.encode("latin-1")
        return text

    def parse(self, value: Any) -> Any:
        return str(value)


def walk(path: str) -> Steps:
    """A path as steps; raises LookupError for an empty one."""
    steps = split_path(path)
    if not steps:
        raise LookupError(path)
    return steps
