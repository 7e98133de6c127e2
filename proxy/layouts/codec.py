"""Our own declarative binary layer: a message is a class, a field is one line.

    TABLE = Table("the reference, section 3")
    message = TABLE.message

    Conn = Annotated[int, Int("B"), {1: "LAN", 2: "Excellent"}]    # names for values

    class User(Struct):
        name: CString
        ping: Annotated[U32LE, "round trip in ms"]                 # what the field means
        conn: Conn

    @message(0x04, Direction.TO_CLIENT)                            # no direction: both
    class ServerStatus(Struct):
        \"\"\"Everybody who is here.\"\"\"

        username: CString
        n_users: ClassVar = Count("users", Int("<I"))              # no field: it is len(users)
        users: Annotated[tuple[User, ...], Array(User)]
        tail: Annotated[bytes, Rest()] = b""

    status = ServerStatus.decode(data)      # WireError: `ServerStatus.users[10].ping at offset 188`
    status.encode() == data                 # lengths and counts follow from the rest
    status.set("users[0].ping", "0x20")     # a copy; text is taken for every type
    TABLE[Direction.TO_CLIENT][0x04] is ServerStatus

Structs are immutable, have slots and compare by value. Straight-line code to read and to write is
generated per class when it is first used (by `message`: at once); neighbours of fixed size are read
by one `struct` call. Bytes left over are an error: declare a `Rest` where a tail is allowed. A
tagged union is `Tagged(Int("B"), TABLE[direction])`; nested lengths are `Prefixed(Int("<H"), ...)`.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator
from typing import Annotated, TypeAlias, TypeVar

from proxy.layouts.codegen import Count, Item, Magic
from proxy.layouts.groups import Array, Choice, Either, Maybe, Prefixed, Tagged
from proxy.layouts.layout import (
    Bytes,
    Decimal,
    Int,
    Ipv4,
    Misfit,
    Padded,
    Rest,
    RestText,
    Text,
    Wire,
)
from proxy.layouts.structs import Nested, Struct
from proxy.protocol import Field, Kind
from recordings.model import Direction

__all__ = [
    "I8", "I16BE", "I16LE", "I32BE", "I32LE", "U8", "U16BE", "U16LE", "U32BE", "U32LE", "U64BE",
    "U64LE", "Array", "Bytes", "CString", "Choice", "Count", "Decimal", "Either", "Int", "Ipv4",
    "Item", "Magic", "Maybe", "Misfit", "Nested", "Padded", "Prefixed", "Rest", "RestText",
    "Struct", "Table", "Tagged", "Text", "Wire",
]  # fmt: skip

U8: TypeAlias = Annotated[int, Int("B")]
U16LE: TypeAlias = Annotated[int, Int("<H")]
U16BE: TypeAlias = Annotated[int, Int(">H")]
U32LE: TypeAlias = Annotated[int, Int("<I")]
U32BE: TypeAlias = Annotated[int, Int(">I")]
U64LE: TypeAlias = Annotated[int, Int("<Q")]
U64BE: TypeAlias = Annotated[int, Int(">Q")]
I8: TypeAlias = Annotated[int, Int("b")]
I16LE: TypeAlias = Annotated[int, Int("<h")]
I16BE: TypeAlias = Annotated[int, Int(">h")]
I32LE: TypeAlias = Annotated[int, Int("<i")]
I32BE: TypeAlias = Annotated[int, Int(">i")]
CString: TypeAlias = Annotated[str, Text()]


S = TypeVar("S", bound=Struct)


class Table:
    """The messages of a protocol by direction and tag, filled by the decorator `message`."""

    def __init__(self, source: str = "") -> None:
        self.source = source
        self._by: dict[Direction, dict[Hashable, type[Struct]]] = {way: {} for way in Direction}

    def __getitem__(self, direction: Direction) -> dict[Hashable, type[Struct]]:
        """Tag -> class of one direction; the same dict for ever, filled as classes come."""
        return self._by[direction]

    def message(
        self, tag: Hashable, *directions: Direction, kind: str | None = None
    ) -> Callable[[type[S]], type[S]]:
        """Register a class under its tag, for both directions when none is named.

        `kind` is its name in the protocol when that is not the class's own. Raises TypeError for a
        tag that is taken and for a layout that makes no sense.
        """

        def register(cls: type[S]) -> type[S]:
            for way in directions or tuple(Direction):
                other = self._by[way].setdefault(tag, cls)
                if other is not cls:
                    shown = f"0x{tag:02x}" if isinstance(tag, int) else repr(tag)
                    raise TypeError(
                        f"tag {shown} {way} is both {other.__name__} and {cls.__name__}"
                    )
            cls.tag, cls.kind = tag, kind or cls.__name__
            cls.layout()
            return cls

        return register

    def kinds(self) -> tuple[Kind, ...]:
        """The documentation of every message, from the classes themselves."""
        ways: dict[type[Struct], list[Direction]] = {}
        for way, table in self._by.items():
            for cls in table.values():
                ways.setdefault(cls, []).append(way)
        return tuple(describe(cls, tuple(found), self.source) for cls, found in ways.items())


def describe(cls: type[Struct], directions: tuple[Direction, ...], source: str = "") -> Kind:
    """The documentation of one class, for a message that no table holds."""
    meaning = (cls.__doc__ or "").strip().partition("\n")[0]
    tag = getattr(cls, "tag", None)
    shown = f"0x{tag:02x}" if isinstance(tag, int) else ""
    return Kind(cls.kind, directions, meaning, tuple(_fields(cls, "")), source, shown)


def _fields(cls: type[Struct], path: str) -> Iterator[Field]:
    for item in cls.layout().items.values():
        if item.hidden is None:
            yield Field(path + item.name, item.wire.name, _meaning(item))
            yield from _within(list(_structs(item.wire)), path + item.name)


def _structs(wire: Wire, brackets: str = "") -> Iterator[tuple[type[Struct], str]]:
    """The structs that a field may hold, and the brackets of its path."""
    if isinstance(wire, Either):
        for way in wire.ways:
            yield from _structs(way, brackets)
    elif isinstance(wire, Array):
        yield from _structs(wire.item, f"{brackets}[]")
    elif isinstance(wire, Choice):
        yield from ((cls, brackets) for cls in wire.options)
    elif isinstance(wire, Nested):
        yield wire.cls, brackets


def _within(structs: list[tuple[type[Struct], str]], path: str) -> Iterator[Field]:
    """Their fields, each once; one that not all of them have says which do."""
    found: dict[str, Field] = {}
    having: dict[str, list[str]] = {}
    for cls, brackets in structs:
        for field in _fields(cls, f"{path}{brackets}."):
            found.setdefault(field.name, field)
            having.setdefault(field.name, []).append(cls.__name__)
    for name, field in found.items():
        if len(having[name]) == len(structs):
            yield field
        else:
            who = " and ".join(having[name])
            yield Field(name, field.type, f"{who}: {field.meaning}".rstrip(": "))


def _meaning(item: Item) -> str:
    names = ", ".join(f"{number} {word}" for number, word in item.names.items())
    return ": ".join(part for part in (item.meaning, names) if part)
