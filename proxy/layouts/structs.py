"""Structs: immutable messages whose layout is their annotations, also nested.

`proxy.layouts.codec` re-exports all of these and shows how they are used.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Self, dataclass_transform, get_args, get_type_hints

import msgspec

from proxy.layouts.codegen import UNWRITTEN, Count, Item, Magic, generate
from proxy.layouts.layout import Bytes, Misfit, Steps, Wire, walk
from proxy.message import FieldError, Message
from recordings.model import Json, Span


@dataclass(frozen=True, slots=True)
class Layout:
    """What was made of a class."""

    items: dict[str, Item]
    read: Callable[[bytes, int, int], tuple[Any, int]]
    write: Callable[[Any], bytes]
    show: Callable[[Any], dict[str, Json]]


_layouts: dict[type, Layout] = {}


@dataclass_transform(frozen_default=True)
class Struct(Message, msgspec.Struct, frozen=True):
    """A message, or a part of one, whose layout is its annotations."""

    kind: ClassVar[str] = "Struct"  # type: ignore[misc]
    tag: ClassVar[Any] = None
    """The tag by which `Table.message` registered the class."""

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        cls.kind = cls.__name__

    @classmethod
    def layout(cls) -> Layout:
        """The layout; raises TypeError for an annotation that names no wire type."""
        return _layouts.get(cls) or _compile(cls)

    @classmethod
    def decode(cls, data: bytes) -> Self:
        """Read the whole of `data`; raises WireError, also for bytes left over."""
        value, end = cls.read(data, 0, len(data))
        if end != len(data):
            raise Misfit(cls.kind, end, f"{len(data) - end} bytes left over")
        return value

    @classmethod
    def read(cls, data: bytes, offset: int, end: int) -> tuple[Self, int]:
        """Read from `data[offset:end]`: the message and the offset behind it; raises WireError."""
        try:
            return (_layouts.get(cls) or _compile(cls)).read(data, offset, end)
        except Misfit as error:
            raise error.within(cls.kind) from None

    def encode(self) -> bytes:
        cls = self.__class__
        return (_layouts.get(cls) or _compile(cls)).write(self)

    def fields(self) -> dict[str, Json]:
        cls = self.__class__
        return (_layouts.get(cls) or _compile(cls)).show(self)

    def get(self, path: str) -> Any:
        wire, value = Nested(type(self)), self
        try:
            for step in walk(path):
                wire, value = wire.child(value, step)  # type: ignore[assignment]
        except (LookupError, AttributeError):
            raise self._no_field(path) from None
        return value

    def set(self, path: str, value: Any) -> Self:
        try:
            return Nested(type(self)).put(self, walk(path), value)  # type: ignore[no-any-return]
        except LookupError:
            raise self._no_field(path) from None
        except ValueError as error:
            raise ValueError(f"{self.kind}.{path}: {error}") from None

    def delete(self, path: str) -> Self:
        try:
            return Nested(type(self)).drop(self, walk(path))  # type: ignore[no-any-return]
        except LookupError:
            if path in self._paths():
                raise FieldError(self.kind, f"{path} that can be left out", ()) from None
            raise self._no_field(path) from None

    def spans(self) -> list[Span]:
        return [Span(*part) for part in Nested(type(self)).parts(self, "", 0)]

    def _paths(self) -> list[str]:
        items = self.layout().items.values()
        names = [item.name for item in items if item.hidden is None]
        return [*names, *(span.path for span in self.spans())]

    def _no_field(self, path: str) -> FieldError:
        return FieldError(self.kind, path, self._paths())


def _blame(message: Struct, error: Exception) -> ValueError:
    """The error that says which field cannot be written."""
    for item in message.layout().items.values():
        if item.hidden is None:
            try:
                item.wire.write(getattr(message, item.name))
            except UNWRITTEN:
                return ValueError(f"{message.kind}.{item.name}: {error}")
    return ValueError(f"{message.kind}: {error}")


def _visible(message: Struct, name: str | int) -> Item:
    """The field of that name; raises LookupError, also for a hidden place."""
    item = message.layout().items.get(str(name))
    if item is None or item.hidden is not None:
        raise LookupError(name)
    return item


class Nested(Wire):
    """Another struct in place. An annotation that is itself a Struct needs no wire type."""

    def __init__(self, cls: type[Struct]) -> None:
        self.cls, self.name = cls, cls.__name__

    def read(self, data: bytes, offset: int, end: int) -> tuple[Any, int]:
        return (_layouts.get(self.cls) or _compile(self.cls)).read(data, offset, end)

    def write(self, value: Any) -> bytes:
        encoded: bytes = value.encode()
        return encoded

    def parse(self, value: Any) -> Any:
        if not isinstance(value, Mapping):
            if isinstance(value, self.cls):
                return value
            raise ValueError(f"{value!r} is no {self.name}")
        items = self.cls.layout().items
        known = {name: items[name].wire.parse(value[name]) for name in value if name in items}
        try:
            return self.cls(**known)
        except TypeError as error:
            raise ValueError(str(error)) from None

    def show(self, value: Any) -> Json:
        return value.fields()

    def child(self, value: Any, step: str | int) -> tuple[Wire, Any]:
        item = _visible(value, step)
        return item.wire, getattr(value, item.name)

    def put(self, value: Any, steps: Steps, new: Any) -> Any:
        if not steps:
            return super().put(value, steps, new)
        item = _visible(value, steps[0])
        for number, word in item.names.items():
            if isinstance(new, str) and new.lower() == word.lower():
                new = number
        changed = item.wire.put(getattr(value, item.name), steps[1:], new)
        return msgspec.structs.replace(value, **{item.name: changed})

    def drop(self, value: Any, steps: Steps) -> Any:
        item = _visible(value, steps[0])
        if len(steps) == 1 and not item.wire.optional:
            raise LookupError(steps[0])
        changed = item.wire.drop(getattr(value, item.name), steps[1:])
        return msgspec.structs.replace(value, **{item.name: changed})

    def parts(self, value: Any, path: str, start: int) -> Iterator[tuple[str, int, int]]:
        dot = f"{path}." if path else ""
        for item in type(value).layout().items.values():
            if isinstance(item.hidden, Count):
                start += len(item.wire.write(0))
            elif item.hidden is not None:
                start += len(item.hidden.value)
            else:
                inner = getattr(value, item.name)
                yield from item.wire.parts(inner, dot + item.name, start)
                start += len(item.wire.write(inner))


def _items(cls: type[Struct]) -> dict[str, Item]:
    """The layout of a class from its annotations, in their order (bases first)."""
    items = {}
    hints = get_type_hints(cls, include_extras=True)
    order = [name for base in cls.__mro__[::-1] for name in inspect.get_annotations(base)]
    for name in dict.fromkeys(order):
        given = getattr(cls, name, None)
        if isinstance(given, Count):
            items[name] = Item(name, given.wire, given)
        elif isinstance(given, Magic):
            items[name] = Item(name, Bytes(len(given.value)), given)
        elif name in cls.__struct_fields__:
            items[name] = _field(cls, name, hints[name])
    return items


def _field(cls: type[Struct], name: str, hint: Any) -> Item:
    if hasattr(Struct, name):
        raise TypeError(f"{cls.__name__}.{name} has the name of a method: give it another")
    args = get_args(hint)
    extras = args[1:] if hasattr(hint, "__metadata__") else ()
    wires = [one for one in extras if isinstance(one, Wire)]
    if not wires and isinstance(hint, type) and issubclass(hint, Struct):
        wires = [Nested(hint)]
    if len(wires) != 1:
        raise TypeError(f"{cls.__name__}.{name} names {len(wires)} wire types, it needs one")
    names: dict[int, str] = {}
    for one in extras:
        names |= one if isinstance(one, Mapping) else {}
    meaning = " ".join(one for one in extras if isinstance(one, str))
    return Item(name, wires[0], None, names, meaning)


def _compile(cls: type[Struct]) -> Layout:
    """Straight-line code that reads, writes and shows a class."""
    items = _items(cls)
    names = cls.__struct_fields__, cls.__match_args__
    layout = _layouts[cls] = Layout(items, *generate(cls, items, *names, _blame))
    return layout
