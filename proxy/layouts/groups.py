"""Wire types made of other wire types: behind a length, perhaps missing, tagged, in lists.

`proxy.layouts.codec` re-exports all of these and shows how they are used.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import msgspec

from proxy.layouts.layout import Int, Misfit, Steps, Wire, lacks
from proxy.layouts.structs import Nested, Struct
from recordings.model import Json


class _Around(Wire):
    """A wire type that lays something around another one."""

    inner: Wire

    def parse(self, value: Any) -> Any:
        return self.inner.parse(value)

    def show(self, value: Any) -> Json:
        return self.inner.show(value)

    def put(self, value: Any, steps: Steps, new: Any) -> Any:
        if not steps:
            return super().put(value, steps, new)
        return self.inner.put(value, steps, new)

    def drop(self, value: Any, steps: Steps) -> Any:
        return self.inner.drop(value, steps)

    def child(self, value: Any, step: str | int) -> tuple[Wire, Any]:
        return self.inner.child(value, step)


class Prefixed(_Around):
    """Another wire type in a window whose length stands before it.

    `Prefixed(Int("B"), RestText())` is text behind a length byte. `extra` is what the length
    counts beyond the window (1 when it counts its own byte).
    """

    def __init__(self, length: Int, inner: Wire, extra: int = 0) -> None:
        self.length, self.inner, self.extra = length, inner, extra
        self._length = struct.Struct((length.order or "<") + length.code)
        self.name = f"{length.name} length, {inner.name.removesuffix(' to the end')}"

    def read(self, data: bytes, offset: int, end: int) -> tuple[Any, int]:
        start = offset + self._length.size
        if start > end:
            raise lacks(offset, self._length.size, end)
        (size,) = self._length.unpack_from(data, offset)
        stop = start + size - self.extra
        if stop < start:
            raise Misfit("", offset, f"a length of {size} is less than {self.extra}")
        if stop > end:
            raise lacks(start, stop - start, end)
        value, reached = self.inner.read(data, start, stop)
        if reached != stop:
            raise Misfit("", reached, f"{stop - reached} bytes left over")
        return value, stop

    def write(self, value: Any) -> bytes:
        body = self.inner.write(value)
        return self._length.pack(len(body) + self.extra) + body

    def parts(self, value: Any, path: str, start: int) -> Iterator[tuple[str, int, int]]:
        return self.inner.parts(value, path, start + len(self.length.write(0)))


class Maybe(_Around):
    """A tail that may be missing: None when the bytes end before it."""

    optional = True

    def __init__(self, inner: Wire) -> None:
        self.inner = inner
        self.name = f"{inner.name}, may be missing"

    def read(self, data: bytes, offset: int, end: int) -> tuple[Any, int]:
        return (None, offset) if offset >= end else self.inner.read(data, offset, end)

    def write(self, value: Any) -> bytes:
        return b"" if value is None else self.inner.write(value)

    def parse(self, value: Any) -> Any:
        return None if value is None else self.inner.parse(value)

    def show(self, value: Any) -> Json:
        return None if value is None else self.inner.show(value)

    def drop(self, value: Any, steps: Steps) -> Any:
        return self.inner.drop(value, steps) if steps else None

    def child(self, value: Any, step: str | int) -> tuple[Wire, Any]:
        if value is None:
            raise LookupError(step)
        return self.inner.child(value, step)

    def parts(self, value: Any, path: str, start: int) -> Iterator[tuple[str, int, int]]:
        return iter(()) if value is None else self.inner.parts(value, path, start)


class _Kind(Wire):
    """Which struct stands here: shown beside its fields, and given by its class."""

    def put(self, value: Any, steps: Steps, new: Any) -> Any:
        if steps or new != value:
            raise ValueError(f"{value} follows from the fields: give the whole of another kind")
        return value

    def write(self, value: Any) -> bytes:
        return b""


class Choice(Nested):
    """One of several structs; `choose` tells which from the bytes of the window.

    It may look beyond the end: an IndexError of its own is a misfit.
    """

    options: tuple[type[Struct], ...] = ()
    """The structs that it may be, for its documentation; empty: too many to name."""

    def __init__(self, choose: Callable[[bytes, int, int], type[Struct]], name: str) -> None:
        self.choose = choose
        self.cls, self.name = Struct, name

    def read(self, data: bytes, offset: int, end: int) -> tuple[Any, int]:
        try:
            cls = self.choose(data, offset, end)
        except IndexError:
            raise lacks(offset, 1, end) from None
        return cls.read(data, offset, end)

    def show(self, value: Any) -> Json:
        return {"kind": value.kind, **value.fields()}

    def child(self, value: Any, step: str | int) -> tuple[Wire, Any]:
        return (_Kind(), value.kind) if step == "kind" else super().child(value, step)

    def put(self, value: Any, steps: Steps, new: Any) -> Any:
        if steps[:1] == ("kind",):
            _Kind().put(value.kind, steps[1:], new)
            return value
        return super().put(value, steps, new)


class Tagged(Choice):
    """A tag, then the struct that the table has for it; the tag is no field.

    `other` reads, from the tag on, what the table does not have (its first field is the tag).
    """

    def __init__(
        self,
        tag: Int,
        table: Mapping[Any, type[Struct]],
        other: type[Struct] | None = None,
    ) -> None:
        self.tag, self.table, self.other = tag, table, other
        self.cls, self.name = Struct, f"{tag.name} tag, then its message"

    def read(self, data: bytes, offset: int, end: int) -> tuple[Any, int]:
        tag, start = self.tag.read(data, offset, end)
        cls = self.table.get(tag)
        if cls is not None:
            return cls.read(data, start, end)
        if self.other is None:
            raise Misfit("", offset, f"no message has the tag 0x{tag:02x}")
        return self.other.read(data, offset, end)

    def write(self, value: Any) -> bytes:
        head = b"" if type(value) is self.other else self.tag.write(type(value).tag)
        encoded: bytes = value.encode()
        return head + encoded

    def parts(self, value: Any, path: str, start: int) -> Iterator[tuple[str, int, int]]:
        skip = 0 if type(value) is self.other else len(self.tag.write(0))
        return super().parts(value, path, start + skip)


class Either(_Around):
    """The last field of a struct in one of two layouts: the first that fits the window exactly.

    Both write alike: they are lists of different structs, or texts in different dress.
    """

    def __init__(self, *ways: Wire) -> None:
        self.inner, self.ways = ways[0], ways
        self.name = " or ".join(way.name for way in ways)

    def read(self, data: bytes, offset: int, end: int) -> tuple[Any, int]:
        for way in self.ways:
            try:
                value, reached = way.read(data, offset, end)
            except Misfit:
                continue
            if reached == end:
                return value, reached
        return self.inner.read(data, offset, end)  # which says what is wrong

    def write(self, value: Any) -> bytes:
        return self.inner.write(value)

    def parts(self, value: Any, path: str, start: int) -> Iterator[tuple[str, int, int]]:
        return self.inner.parts(value, path, start)


class Array(Wire):
    """Many of one wire type or struct, held as a tuple.

    `count`: an Int before the items, or a fixed number. None: a `Count` elsewhere in the layout
    says how many; where there is none, items follow up to the end.
    """

    def __init__(self, item: Wire | type[Struct], count: Int | int | None = None) -> None:
        self.item = item if isinstance(item, Wire) else Nested(item)
        self.count = count
        self.name = f"list of {self.item.name}"
        self._whole: struct.Struct | None = None
        if type(item) is Int and isinstance(count, int):
            self._whole = struct.Struct(f"{item.order or '<'}{count}{item.code}")

    def items(self, data: bytes, offset: int, end: int, count: int) -> tuple[Any, int]:
        """Read `count` items; -1: as many as there are."""
        found: list[Any] = []
        read = self.item.read
        while len(found) != count and (count >= 0 or offset < end):
            try:
                value, reached = read(data, offset, end)
            except Misfit as error:
                place = f"[{len(found)}]"
                raise error.within(place) from None
            if reached == offset:
                raise Misfit(f"[{len(found)}]", offset, "an item is empty")
            found.append(value)
            offset = reached
        return tuple(found), offset

    def read(self, data: bytes, offset: int, end: int) -> tuple[Any, int]:
        whole = self._whole
        if whole is not None and offset + whole.size <= end:
            return whole.unpack_from(data, offset), offset + whole.size
        count = -1
        if isinstance(self.count, Int):
            count, offset = self.count.read(data, offset, end)
        elif self.count is not None:
            count = self.count
        return self.items(data, offset, end, count)

    def write(self, value: Any) -> bytes:
        if isinstance(self.count, int) and len(value) != self.count:
            raise ValueError(f"{len(value)} items given, the field holds {self.count}")
        if self._whole is not None:
            return self._whole.pack(*value)
        head = self.count.write(len(value)) if isinstance(self.count, Int) else b""
        return head + b"".join(map(self.item.write, value))

    def parse(self, value: Any) -> Any:
        if isinstance(value, str):
            value = msgspec.json.decode(value)
        return tuple(self.item.parse(one) for one in value)

    def show(self, value: Any) -> Json:
        return [self.item.show(one) for one in value]

    def child(self, value: Any, step: str | int) -> tuple[Wire, Any]:
        if not isinstance(step, int):
            raise LookupError(step)
        return self.item, value[step]

    def put(self, value: Any, steps: Steps, new: Any) -> Any:
        if not steps:
            return super().put(value, steps, new)
        inner = self.item.put(self.child(value, steps[0])[1], steps[1:], new)
        at = int(steps[0])
        return (*value[:at], inner, *value[at + 1 :])

    def drop(self, value: Any, steps: Steps) -> Any:
        old = self.child(value, steps[0])[1]
        at = int(steps[0])
        kept = (self.item.drop(old, steps[1:]),) if len(steps) > 1 else ()
        return (*value[:at], *kept, *value[at + 1 :])

    def parts(self, value: Any, path: str, start: int) -> Iterator[tuple[str, int, int]]:
        if isinstance(self.count, Int):
            start += len(self.count.write(0))
        for at, one in enumerate(value):
            yield from self.item.parts(one, f"{path}[{at}]", start)
            start += len(self.item.write(one))
