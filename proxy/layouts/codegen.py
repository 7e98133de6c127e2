"""Straight-line code that reads, writes and shows one struct, made from its layout.

Why generated: a datagram is viewed and encoded again for every frame that is recorded, and a loop
over field objects costs several times as much. What is generated for three fields looks like this:

    def read(b, o, e):
        at = ""
        try:
            at = "ping"
            if e - o < 5: raise lacks(o, 5, e)
            ping, conn, = u0(b, o)
            o += 5
            at = "name"
            name, o = r2(b, o, e)
        except Misfit as error: raise error.within(at) from None
        return make(ping, conn, name), o
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import count
from typing import Any

from proxy.layouts.layout import Int, Misfit, Text, Wire, lacks
from recordings.model import Json


@dataclass(frozen=True, slots=True)
class Count:
    """A place in the layout that holds how many items the list `of` has; no field of its own."""

    of: str
    wire: Int


@dataclass(frozen=True, slots=True)
class Magic:
    """Bytes that always stand here; no field."""

    value: bytes


@dataclass(frozen=True, slots=True)
class Item:
    """One line of a layout: a field, or a hidden place."""

    name: str
    wire: Wire
    hidden: Count | Magic | None = None
    names: Mapping[int, str] = field(default_factory=dict)
    meaning: str = ""


Reader = Callable[[bytes, int, int], tuple[Any, int]]
Writer = Callable[[Any], bytes]
Shower = Callable[[Any], dict[str, Json]]
UNWRITTEN = (struct.error, TypeError, AttributeError, ValueError)
"""What values that do not fit raise when they are written."""


def _runs(items: Mapping[str, Item]) -> Iterator[list[Item]]:
    """Neighbours of fixed size and one byte order together, everything else alone."""
    run: list[Item] = []
    order = ""
    for item in items.values():
        wire = item.wire
        fits = wire.code and (not wire.order or not order or wire.order == order)
        if run and not (fits and run[0].wire.code):
            yield run
            run, order = [], ""
        run.append(item)
        order = order or wire.order
    if run:
        yield run


class _Source:
    """Lines of code and the names that they use."""

    def __init__(self) -> None:
        self.scope: dict[str, Any] = {"lacks": lacks, "Misfit": Misfit}
        self.reads: list[str] = []
        self.writes: list[str] = []
        self._ids = count()

    def bind(self, value: Any) -> str:
        """A name for a value."""
        name = f"_{next(self._ids)}"
        self.scope[name] = value
        return name


def _fixed(source: _Source, run: list[Item]) -> None:
    order = next((item.wire.order for item in run if item.wire.order), "<")
    packer = struct.Struct(order + "".join(item.wire.code for item in run))
    names = "".join(f"v_{item.name}, " for item in run)
    source.reads += [
        f"at = {run[0].name!r}",
        f"if e - o < {packer.size}: raise lacks(o, {packer.size}, e)",
        f"{names}= {source.bind(packer.unpack_from)}(b, o)",
    ]
    values = []
    for item in run:
        value = f"m.{item.name}"
        if isinstance(item.hidden, Magic):
            magic = source.bind(item.hidden.value)
            source.reads += [
                f"if v_{item.name} != {magic}: raise {source.bind(_no_magic)}({magic}, o)"
            ]
            value = magic
        elif isinstance(item.hidden, Count):
            value = f"len(m.{item.hidden.of})"
        elif item.wire.loads:
            source.reads += [f"v_{item.name} = {source.bind(item.wire.load)}(v_{item.name})"]
            value = f"{source.bind(item.wire.dump)}({value})"
        values.append(value)
    source.reads += [f"o += {packer.size}"]
    source.writes += [f"{source.bind(packer.pack)}({', '.join(values)})"]


def _no_magic(magic: bytes, offset: int) -> Misfit:
    return Misfit("", offset, f"the frame does not hold {magic.hex(' ')} here")


def _single(source: _Source, item: Item, counted_by: str | None) -> None:
    name = item.name
    source.reads += [f"at = {name!r}"]
    if counted_by is not None:
        items = source.bind(item.wire.items)  # type: ignore[attr-defined]
        source.reads += [f"v_{name}, o = {items}(b, o, e, v_{counted_by})"]
    elif type(item.wire) is Text:  # the commonest one, in line
        mark = item.wire.mark
        source.reads += [
            f"i = b.find({mark!r}, o, e)",
            f"if i < 0: i = {source.bind(item.wire.read)}(b, o, e)",
            f"v_{name} = b[o:i].decode('latin-1')",
            f"o = i + {len(mark)}",
        ]
    else:
        source.reads += [f"v_{name}, o = {source.bind(item.wire.read)}(b, o, e)"]
    write = f"{source.bind(item.wire.write)}(m.{name})"
    if type(item.wire) is Text:
        end = item.wire.mark.decode("latin-1")
        write = f"(m.{name} + {end!r}).encode('latin-1') if {end!r} not in m.{name} else {write}"
    source.writes += [write]


def _shown(source: _Source, item: Item) -> str:
    value = f"m.{item.name}"
    if type(item.wire).show is not Wire.show:
        value = f"{source.bind(item.wire.show)}({value})"
    return f"{item.name!r}: {value}"


def generate(
    cls: type,
    items: Mapping[str, Item],
    fields: tuple[str, ...],
    bare: tuple[str, ...],
    blame: Callable[[Any, Exception], Exception],
) -> tuple[Reader, Writer, Shower]:
    """The three functions of a struct class; raises TypeError for a count that counts nothing.

    `bare` are the fields that its constructor takes without their name; `blame` makes the error of
    a message that cannot be written.
    """
    source = _Source()
    counts = {
        item.hidden.of: item.name for item in items.values() if isinstance(item.hidden, Count)
    }
    order = list(items)
    for of, name in counts.items():
        if of not in order[order.index(name) :] or not hasattr(items[of].wire, "items"):
            raise TypeError(f"{cls.__name__}.{name} counts {of!r}, which is no list behind it")
    for run in _runs(items):
        if run[0].wire.code:
            _fixed(source, run)
        else:
            _single(source, run[0], counts.get(run[0].name))
    shown = [_shown(source, item) for item in items.values() if item.hidden is None]
    make = source.bind(cls)
    given = ", ".join(f"v_{name}" if name in bare else f"{name}=v_{name}" for name in fields)
    body = "\n  ".join(source.reads or ["pass"])
    whole = (
        source.writes[0] if len(source.writes) == 1 else f"b''.join(({', '.join(source.writes)}))"
    )
    code = (
        f"def read(b, o, e):\n at = ''\n try:\n  {body}\n"
        " except Misfit as error:\n  raise error.within(at) from None\n"
        f" return {make}({given}), o\n"
        f"def write(m):\n try:\n  return {whole if source.writes else repr(b'')}\n"
        f" except {source.bind(UNWRITTEN)} as error:\n"
        f"  raise {source.bind(blame)}(m, error) from None\n"
        f"def show(m):\n return {{{', '.join(shown)}}}\n"
    )
    exec(compile(code, f"<layout of {cls.__name__}>", "exec"), source.scope)  # noqa: S102
    scope = source.scope
    return scope["read"], scope["write"], scope["show"]
