"""Lua that reads messages whose layout is that of a `proxy.layouts.codec.Struct`."""

from __future__ import annotations

import struct
from collections.abc import Callable

from proxy.exporting.lua_code import Code, quoted
from proxy.exporting.lua_wires import OWN
from proxy.layouts.codec import (
    Array,
    Bytes,
    Choice,
    Count,
    Decimal,
    Either,
    Int,
    Ipv4,
    Item,
    Magic,
    Maybe,
    Nested,
    Padded,
    Prefixed,
    Rest,
    RestText,
    Struct,
    Tagged,
    Text,
    Wire,
)


class StructCode:
    """Writes one function a struct and place."""

    def __init__(self, code: Code) -> None:
        self.code = code
        self._made: dict[tuple[type[Struct], str], str] = {}
        self._depth = 0

    def function(self, cls: type[Struct], path: str) -> str:
        """A function that reads a struct; returns its name."""
        if (cls, path) in self._made:
            return self._made[cls, path]
        name = self.code.function()
        lines = [f"function {name}(tvb, o, stop, tree)  -- {cls.__name__}", "  local n = {}"]
        inner: list[str] = []
        for item in cls.layout().items.values():
            inner += self._item(item, path)
        self.code.add(*lines, *(f"  {line}" for line in inner), "  return o", "end")
        self._made[cls, path] = name
        return name

    def _item(self, item: Item, path: str) -> list[str]:
        if isinstance(item.hidden, Count):
            number = f'n["{item.hidden.of}"] = {self._number(item.wire)}'
            return [*self._need(item.wire), number, f"o = o + {_size(item.wire)}"]
        if isinstance(item.hidden, Magic):
            size = len(item.hidden.value)
            mark = quoted(item.hidden.value)
            return [
                f"if stop - o < {size} or tvb(o, {size}):raw() ~= {mark} then return nil, o end",
                f"o = o + {size}",
            ]
        return self._wire(item.wire, f"{path}.{item.name}", item)

    def _need(self, wire: Wire) -> list[str]:
        return [f"if stop - o < {_size(wire)} then return nil, o end"]

    def _number(self, wire: Wire) -> str:
        size, signed = _size(wire), wire.code.islower()
        little = wire.order != ">"
        call = ("le_" if little else "") + ("int" if signed else "uint")
        if size == 8:
            return f"tvb(o, 8):{call}64():tonumber()"
        return f"tvb(o, {size}):{call}()"

    def _wire(self, wire: Wire, path: str, item: Item) -> list[str]:
        own = OWN.get(type(wire).__name__)
        if own is not None:
            return own(self, wire, path, item)
        for kind, make in _MAKERS:
            if isinstance(wire, kind):
                return make(self, wire, path, item)
        return self.rest(path, item)  # only Python knows what it is

    # One value

    def rest(self, path: str, item: Item) -> list[str]:
        """Everything up to the end, as bytes."""
        return self._bytes(path, item, "stop - o")

    def _field(self, path: str, kind: str, item: Item) -> str:
        names = item.names if kind.startswith(("uint", "int")) else None
        return self.code.field(path, kind, item.meaning or item.name, names)

    def _int(self, wire: Int, path: str, item: Item) -> list[str]:
        size = _size(wire)
        kind = ("int" if wire.code.islower() else "uint") + str(size * 8)
        add = "add" if wire.order == ">" or size == 1 else "add_le"
        field = self._field(path, kind, item)
        return [*self._need(wire), f"tree:{add}({field}, tvb(o, {size}))", f"o = o + {size}"]

    def _ipv4(self, wire: Ipv4, path: str, item: Item) -> list[str]:
        add = "add" if wire.step > 0 else "add_le"
        field = self._field(path, "ipv4", item)
        return [*self._need(wire), f"tree:{add}({field}, tvb(o, 4))", "o = o + 4"]

    def _fixed(self, wire: Bytes, path: str, item: Item) -> list[str]:
        return [*self._need(wire), *self._bytes(path, item, str(wire.size))]

    def _bytes(self, path: str, item: Item, size: str) -> list[str]:
        field = self._field(path, "bytes", item)
        return [f"if {size} > 0 then tree:add({field}, tvb(o, {size})) end", f"o = o + ({size})"]

    def _padded(self, wire: Padded, path: str, item: Item) -> list[str]:
        field = self._field(path, "string", item)
        value = f"(tvb(o, {wire.size}):raw():gsub('%z+$', ''))"
        return [
            *self._need(wire),
            f"do local v = {value}",
            f"  tree:add({field}, tvb(o, {wire.size}), #v > 0 and text(tvb(o, #v)) or '') end",
            f"o = o + {wire.size}",
        ]

    def _text(self, wire: Text, path: str, item: Item) -> list[str]:
        """Text up to its mark; a wire type of the protocol's own may end without one."""
        own = type(wire).read not in (Text.read, Decimal.read)
        mark, size = quoted(wire.mark), len(wire.mark)
        number = isinstance(wire, Decimal)
        field = self._field(path, "uint64" if number else "string", item)
        value = "at > o and text(tvb(o, at - o)) or ''"
        shown = f"UInt64(tonumber({value}) or 0)" if number else value
        missing = "at = stop" if own else "return nil, o"
        skip = 0 if own else size
        return [
            f"do local at = find(tvb, o, stop, {mark})",
            f"  if not at then {missing} end",
            f"  tree:add({field}, tvb(o, at - o + {skip}), {shown})",
            f"  o = at + {skip} end",
        ]

    def _rest(self, wire: Rest, path: str, item: Item) -> list[str]:
        return self._bytes(path, item, "stop - o")

    def _rest_text(self, wire: RestText, path: str, item: Item) -> list[str]:
        field = self._field(path, "string", item)
        value = "stop > o and text(tvb(o, stop - o)) or ''"
        return [f"tree:add({field}, tvb(o, stop - o), {value})", "o = stop"]

    # What holds others

    def _maybe(self, wire: Maybe, path: str, item: Item) -> list[str]:
        inner = self._wire(wire.inner, path, item)
        return ["if o < stop then", *(f"  {line}" for line in inner), "end"]

    def _prefixed(self, wire: Prefixed, path: str, item: Item) -> list[str]:
        self._depth += 1
        end, size = f"e{self._depth}", _size(wire.length)
        inner = self._wire(wire.inner, path, item)
        self._depth -= 1
        return [
            *self._need(wire.length),
            f"do local {end} = o + {size} + {self._number(wire.length)} - {wire.extra}",
            f"  o = o + {size}",
            f"  if {end} > stop or {end} < o then return nil, o end",
            f"  local outer = stop; stop = {end}",
            *(f"  {line}" for line in inner),
            f"  o = {end}; stop = outer end",
        ]

    def _nested(self, wire: Nested, path: str, item: Item) -> list[str]:
        function = self.function(wire.cls, path)
        return [
            "do local at",
            f"  o, at = {function}(tvb, o, stop, tree)",
            "  if not o then return nil, at end end",
        ]

    def _tagged(self, wire: Tagged, path: str, item: Item) -> list[str]:
        """The table of its tags; what is in no table stays bytes."""
        size = _size(wire.tag)
        lines = [*self._need(wire.tag), f"do local tag, at = {self._number(wire.tag)}", "  local f"]
        for tag, cls in wire.table.items():
            function = self.function(cls, f"{path}.{cls.kind}")
            lines.append(f"  if tag == {int(tag)} then f = {function} end")
        rest = self._bytes(path, item, "stop - o")
        return [
            *lines,
            "  if f then",
            f"    o, at = f(tvb, o + {size}, stop, tree)",
            "    if not o then return nil, at end",
            "  else",
            *(f"    {line}" for line in rest),
            "  end end",
        ]

    def array(self, wire: Array, path: str, item: Item, many: str = "") -> list[str]:
        """Many of one; `many` is how many, where the layout does not say."""
        self._depth += 1
        left = f"left{self._depth}"
        one = self._wire(
            wire.item, path, Item(item.name, wire.item, None, item.names, item.meaning)
        )
        self._depth -= 1
        head: list[str] = []
        if isinstance(wire.count, Int):
            head = self._need(wire.count)
            count = self._number(wire.count)
            after = [f"o = o + {_size(wire.count)}"]
        else:
            count = str(wire.count) if wire.count is not None else f'(n["{item.name}"] or -1)'
            count, after = many or count, []
        return [
            *head,
            f"do local {left} = {count}",
            *(f"  {line}" for line in after),
            f"  while {left} > 0 or ({left} < 0 and o < stop) do",
            "    local before = o",
            *(f"    {line}" for line in one),
            "    if o <= before then return nil, o end",
            f"    {left} = {left} - 1",
            "  end end",
        ]

    def _either(self, wire: Either, path: str, item: Item) -> list[str]:
        """The first of several ways that fits exactly, else the first."""
        names = []
        for way in wire.ways:
            name = self.code.function()
            lines = self._wire(way, path, item)
            head = [f"function {name}(tvb, o, stop, tree)", "  local n = {}"]
            self.code.add(*head, *(f"  {line}" for line in lines), "  return o", "end")
            names.append(name)
        return [
            f"do local f, at = {names[0]}",
            *(
                f"  if {names[0]}(tvb, o, stop, DRY) ~= stop and {name}(tvb, o, stop, DRY) == stop "
                f"then f = {name} end"
                for name in names[1:]
            ),
            "  o, at = f(tvb, o, stop, tree)",
            "  if not o then return nil, at end end",
        ]


def _size(wire: Wire) -> int:
    return struct.calcsize("<" + wire.code)


# From the special to the general: the first that fits makes the code.
_MAKERS: tuple[tuple[type[Wire], Callable[..., list[str]]], ...] = (
    (Either, StructCode._either),
    (Maybe, StructCode._maybe),
    (Prefixed, StructCode._prefixed),
    (Array, StructCode.array),
    (Tagged, StructCode._tagged),
    (Choice, lambda made, wire, path, item: made.rest(path, item)),  # only Python chooses
    (Nested, StructCode._nested),
    (Text, StructCode._text),
    (RestText, StructCode._rest_text),
    (Rest, StructCode._rest),
    (Padded, StructCode._padded),
    (Bytes, StructCode._fixed),
    (Ipv4, StructCode._ipv4),
    (Int, StructCode._int),
)
