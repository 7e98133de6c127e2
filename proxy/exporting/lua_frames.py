"""Lua that cuts streams into frames, and shows a frame by the first message that fits it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from proxy.exporting.lua_code import Code, quoted
from proxy.exporting.lua_struct import StructCode
from proxy.layouts.codec import Struct

_SHOW = """\
-- Shows a frame by the first of some messages {{name, function}} that fits, else by the last.
local function show(tvb, pinfo, root, known, start)
  local tree, stop = root:add(p, tvb()), tvb:len()
  pinfo.cols.protocol = p.name
  local one
  for i = 1, #known do
    one = known[i]
    if i == #known or one[2](tvb, start, stop, DRY) == stop then break end
  end
  if not one then return stop end
  pinfo.cols.info:append(one[1] .. " ")
  tree:append_text(", " .. one[1])
  tree:add({kind}, one[1]):set_generated()
  local o, at = one[2](tvb, start, stop, tree)
  if o ~= stop then malformed(tree, tvb, at or o) end
  return stop
end

local function unreadable(tvb, pinfo, root)
  pinfo.cols.protocol = p.name
  root:add(p, tvb()):add({dark}, tvb())
end
"""

_CUT = """\
-- Cuts a stream: length(tvb, o, stop, up, pinfo) is a frame's length, nil when more is needed.
local function cut(tvb, pinfo, root, length, one)
  pinfo.cols.info = ""
  local o, stop, up = 0, tvb:len(), to_server(pinfo)
  while o < stop do
    local size = length(tvb, o, stop, up, pinfo)
    if not size or o + size > stop then
      pinfo.desegment_offset = o
      pinfo.desegment_len = size and o + size - stop or DESEGMENT_ONE_MORE_SEGMENT
      return stop
    end
    size = math.max(1, size)
    one(tvb(o, size):tvb(), pinfo, root, up)
    o = o + size
  end
  return stop
end

-- What was noted of a connection; its ends are in the order of their names.
local notes = {}
local function note(pinfo)
  local a = tostring(pinfo.src) .. " " .. pinfo.src_port
  local b = tostring(pinfo.dst) .. " " .. pinfo.dst_port
  local key = a < b and a .. " " .. b or b .. " " .. a
  notes[key] = notes[key] or {}
  return notes[key]
end
"""


class Frames:
    """Writes the parts that the dissectors of structs share."""

    def __init__(self, code: Code, *, stream: bool = False) -> None:
        self._code = code
        self._made = StructCode(code)
        kind = code.field("kind", "string", "message")
        dark = code.field("unreadable", "bytes", "enciphered, or not known")
        code.add(*_SHOW.format(kind=kind, dark=dark).splitlines())
        if stream:
            code.add(*_CUT.splitlines())

    def entry(self, cls: type[Struct]) -> str:
        """`{name, function}` of a message."""
        return f"{{{quoted(cls.kind)}, {self._made.function(cls, cls.kind)}}}"

    def entries(self, classes: Iterable[type[Struct]]) -> str:
        """A Lua list of messages, to be tried in this order."""
        return f"{{{', '.join(map(self.entry, classes))}}}"

    def table(self, name: str, found: Mapping[int, Iterable[type[Struct]]]) -> None:
        """A Lua table: number -> messages to be tried."""
        lines = [f"  [{tag}] = {self.entries(classes)}," for tag, classes in found.items()]
        self._code.add(f"local {name} = {{", *lines, "}")
