"""Lua that reads the wire types which belong to one layout or protocol, told by their names.

Each function gives the lines that read one value at `o` before `stop`, add it to `tree`, and move
`o`; `return nil, o` says that it does not fit.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from proxy.exporting.lua_code import quoted
from proxy.layouts.codec import Item
from proxy.layouts.gamespy_marks import GT2
from proxy.layouts.jazz2_endings import PLUS_PLAYERS, Plus, PlusLong, Vanilla
from proxy.layouts.qr2 import KEY_NAMES

if TYPE_CHECKING:
    from proxy.exporting.lua_struct import StructCode

Make = Callable[["StructCode", Any, str, Item], list[str]]


def _string(made: StructCode, path: str, item: Item) -> str:
    return made.code.field(path, "string", item.meaning or item.name)


def until(made: StructCode, wire: Any, path: str, item: Item) -> list[str]:
    """Text up to a mark."""
    return [
        f"do local at = find(tvb, o, stop, {quoted(wire.mark)})",
        "  if not at then return nil, o end",
        f"  if at > o then tree:add({_string(made, path, item)}, tvb(o, at - o), "
        "text(tvb(o, at - o))) end",
        f"  o = at + {len(wire.mark)} end",
    ]


def escaped(made: StructCode, wire: Any, path: str, item: Item) -> list[str]:
    """Bytes to the end, whose first two may stand there twice."""
    mark = f"stop - o >= {len(GT2)} and tvb(o, {len(GT2)}):raw() == {quoted(GT2)}"
    return [f"if {mark} then o = o + {len(GT2)} end", *made.rest(path, item)]


def counted(made: StructCode, wire: Any, path: str, item: Item) -> list[str]:
    """A decimal length, a mark, that many bytes, a NUL."""
    field, skip = made.code.field(path, "bytes", item.meaning or item.name), len(wire.middle)
    return [
        f"do local at = find(tvb, o, stop, {quoted(wire.middle)})",
        "  local size = at and at > o and tonumber(tvb(o, at - o):raw())",
        f"  if not size or at + {skip} + size >= stop then return nil, o end",
        f"  o = at + {skip}",
        f"  if size > 0 then tree:add({field}, tvb(o, size)) end",
        "  o = o + size + 1 end",
    ]


def masked(made: StructCode, wire: Any, path: str, item: Item) -> list[str]:
    """Bytes behind a length that is XORed with a constant."""
    field = made.code.field(path, "bytes", item.meaning or item.name)
    return [
        "if o >= stop then return nil, o end",
        f"do local size = bit.bxor(tvb(o, 1):uint(), {wire.mask})",
        "  if o + 1 + size > stop then return nil, o end",
        f"  if size > 0 then tree:add({field}, tvb(o + 1, size)) end",
        "  o = o + 1 + size end",
    ]


def spaced(made: StructCode, wire: Any, path: str, item: Item) -> list[str]:
    """Text padded with spaces."""
    size = wire.size
    return [
        f"if stop - o < {size} then return nil, o end",
        f"tree:add({_string(made, path, item)}, tvb(o, {size}), "
        f"(text(tvb(o, {size})):gsub(' +$', '')))",
        f"o = o + {size}",
    ]


def form(made: StructCode, wire: Any, path: str, item: Item) -> list[str]:
    """Which of two headers the frame has."""
    field = _string(made, path, item)
    return [f"tree:add({field}, tvb(0, 1), tvb(0, 1):uint() > 0 and 'short' or 'long')"]


def ids(made: StructCode, wire: Any, path: str, item: Item) -> list[str]:
    """A count and numbers of keys, which have names."""
    field = _string(made, path, item)
    names = ", ".join(map(quoted, KEY_NAMES))
    return [
        "if o >= stop then return nil, o end",
        f"do local count, names = tvb(o, 1):uint(), {{{names}}}",
        "  o = o + 1",
        f"  if count == 255 then tree:add({field}, tvb(o - 1, 1), 'all'); count = 0 end",
        "  if stop - o < count then return nil, o end",
        "  for _ = 1, count do",
        "    local id = tvb(o, 1):uint()",
        f"    tree:add({field}, tvb(o, 1), names[id] or 'key' .. id)",
        "    o = o + 1",
        "  end end",
    ]


def texts(made: StructCode, wire: Any, path: str, item: Item) -> list[str]:
    """Texts to the end, with a NUL between them."""
    return [
        "while o < stop do",
        "  local last = find(tvb, o, stop, '\\0') or stop",
        "  if last > o then",
        f"    tree:add({_string(made, path, item)}, tvb(o, last - o), text(tvb(o, last - o)))",
        "  end",
        "  o = last + 1",
        "end",
        "o = stop",
    ]


def before(made: StructCode, wire: Any, path: str, item: Item) -> list[str]:
    """Text up to some bytes before the next NUL."""
    return [
        "do local at = find(tvb, o, stop, '\\0')",
        f"  if not at or at - {wire.distance} < o then return nil, o end",
        f"  local size = at - {wire.distance} - o",
        f"  if size > 0 then tree:add({_string(made, path, item)}, tvb(o, size), "
        "text(tvb(o, size))) end",
        "  o = o + size end",
    ]


def hex_address(made: StructCode, wire: Any, path: str, item: Item) -> list[str]:
    """An IPv4 address in hex digits."""
    field = _string(made, path, item)
    return [
        "if stop - o < 8 or not tvb(o, 8):raw():find('^%x+$') then return nil, o end",
        f"tree:add({field}, tvb(o, 8), (tvb(o, 8):raw():gsub('%x%x', function(two)",
        "  return tonumber(two, 16) .. '.' end):gsub('%.$', '')))",
        "o = o + 8",
    ]


def hex_number(made: StructCode, wire: Any, path: str, item: Item) -> list[str]:
    """A number in hex digits."""
    field, size = made.code.field(path, "uint32", item.meaning or item.name), wire.digits
    return [
        f"if stop - o < {size} or not tvb(o, {size}):raw():find('^%x+$') then return nil, o end",
        f"tree:add({field}, tvb(o, {size}), tonumber(tvb(o, {size}):raw(), 16))",
        f"o = o + {size}",
    ]


def pairs(made: StructCode, wire: Any, path: str, item: Item) -> list[str]:
    """Keys and values up to an empty key: `key=value`."""
    return [
        "while true do",
        "  local at = find(tvb, o, stop, '\\0')",
        "  if not at then return nil, o end",
        "  if at == o then o = o + 1 break end",
        "  local last = find(tvb, at + 1, stop, '\\0')",
        "  if not last then return nil, at end",
        f"  tree:add({_string(made, path, item)}, tvb(o, last - o), "
        "latin((tvb(o, last - o):raw():gsub('%z', '=', 1))))",
        "  o = last + 1",
        "end",
    ]


def rows(made: StructCode, wire: Any, path: str, item: Item) -> list[str]:
    """A table: a number of rows, names, an empty name, values row by row: `name=value`."""
    return [
        "if stop - o < 2 then return nil, o end",
        "do local count, names = tvb(o, 2):uint(), {}",
        "  o = o + 2",
        "  while true do",
        "    local at = find(tvb, o, stop, '\\0')",
        "    if not at then return nil, o end",
        "    if at == o then o = o + 1 break end",
        "    names[#names + 1] = text(tvb(o, at - o))",
        "    o = at + 1",
        "  end",
        "  for number = 1, count * #names do",
        "    local at = find(tvb, o, stop, '\\0')",
        "    if not at then return nil, o end",
        "    local value = at > o and text(tvb(o, at - o)) or ''",
        f"    tree:add({_string(made, path, item)}, tvb(o, at - o + 1), "
        "names[(number - 1) % #names + 1] .. '=' .. value)",
        "    o = at + 1",
        "  end end",
    ]


def field_table(made: StructCode, wire: Any, path: str, item: Item) -> list[str]:
    r"""A table as text, `\fieldcount\N`, before `\final\`: `name=value`."""
    return [
        "do local body = tvb(o, stop - o - 7):raw()",
        "  local width, place = body:match('^\\\\fieldcount\\\\(%d+)()')",
        "  if not width then return nil, o end",
        "  local number, names = 0, {}",
        "  width = tonumber(width)",
        "  for from, value in body:sub(place):gmatch('()\\\\([^\\\\]*)') do",
        "    number = number + 1",
        "    if number <= width then names[number] = latin(value) else",
        f"      tree:add({_string(made, path, item)}, tvb(o + place + from - 2, #value + 1),",
        "        names[(number - 1) % width + 1] .. '=' .. latin(value))",
        "    end",
        "  end",
        "  o = stop - 7 end",
    ]


def listed(made: StructCode, wire: Any, path: str, item: Item) -> list[str]:
    r"""Items before `\final\`."""
    lines = made.array(wire, path, item)
    head = "do local outer = stop; stop = stop - 7"
    return [head, *(f"  {line}" for line in lines), "  stop = outer end"]


def scores(made: StructCode, wire: Any, path: str, item: Item) -> list[str]:
    """As many items as a byte of the head says."""
    return made.array(wire, path, item, f"tvb({PLUS_PLAYERS}, 1):uint()")


def events(made: StructCode, wire: Any, path: str, item: Item) -> list[str]:
    """Items whose length follows from their kind, up to one of which it is not known."""
    sizes = ", ".join(f"[{kind}] = {size}" for kind, size in wire.sizes.items())
    number = made.code.field(f"{path}.event", "uint8", "event")
    body = made.code.field(f"{path}.payload", "bytes", "payload")
    return [
        f"do local sizes = {{{sizes}}}",
        "  while o < stop do",
        "    local size = sizes[tvb(o, 1):uint()]",
        "    if not size or o + 1 + size > stop then break end",
        f"    tree:add({number}, tvb(o, 1))",
        f"    if size > 0 then tree:add({body}, tvb(o + 1, size)) end",
        "    o = o + 1 + size",
        "  end end",
    ]


def but_one(made: StructCode, wire: Any, path: str, item: Item) -> list[str]:
    """Text up to the last byte but one."""
    field = _string(made, path, item)
    return [
        f"if stop - 1 > o then tree:add({field}, tvb(o, stop - 1 - o), "
        "text(tvb(o, stop - 1 - o))) end",
        "o = math.max(o, stop - 1)",
    ]


def ending(made: StructCode, wire: Any, path: str, item: Item) -> list[str]:
    """One of three ends, told by which fits."""
    vanilla, plus, longer = (made.function(cls, path) for cls in (Vanilla, Plus, PlusLong))
    return [
        f"do local f, at = {plus}",
        f"  if stop - o <= 1 then f = {vanilla}",
        f"  elseif {longer}(tvb, o, stop, DRY) == stop then f = {longer} end",
        "  o, at = f(tvb, o, stop, tree)",
        "  if not o then return nil, at end end",
    ]


OWN: dict[str, Make] = {
    "Until": until,
    "Escaped": escaped,
    "Counted": counted,
    "Masked": masked,
    "Spaced": spaced,
    "Form": form,
    "Ids": ids,
    "Texts": texts,
    "Before": before,
    "HexAddress": hex_address,
    "HexNumber": hex_number,
    "Pairs": pairs,
    "Table": rows,
    "FieldTable": field_table,
    "_Listed": listed,
    "Scores": scores,
    "EventList": events,
    "ButOne": but_one,
    "Ending": ending,
}
"""Name of a wire type's class -> what reads it."""
