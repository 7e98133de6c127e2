"""Lua that reads the text protocols: `KEY=VALUE` frames, and messages of `\\key\\value`."""

from __future__ import annotations

from proxy.exporting.lua_code import Code, abbreviation, quoted
from proxy.protocol import Protocol


def _fields(code: Code, protocol: Protocol) -> list[str]:
    """A Lua table KNOWN: kind -> key -> field, of everything that the protocol describes."""
    lines = ["local KNOWN = {}"]
    seen: dict[tuple[str, str], str] = {}
    for kind in protocol.kinds:
        for field in kind.fields:
            if "[" in field.name or (kind.name, field.name) in seen:
                continue
            name = code.field(f"{kind.name}.{field.name}", "string", field.meaning or field.name)
            seen[kind.name, field.name] = name
    for kind_name in dict.fromkeys(kind for kind, _ in seen):
        keys = ", ".join(
            f"[{quoted(key)}] = {name}" for (kind, key), name in seen.items() if kind == kind_name
        )
        lines.append(f"KNOWN[{quoted(kind_name)}] = {{{keys}}}")
    return lines


def _shared(code: Code, protocol: Protocol) -> None:
    kind = code.field("kind", "string", "kind of the message")
    other = code.field("field", "string", "field that is not described")
    code.add(*_fields(code, protocol))
    code.add(*_ADD.format(kind=kind, other=other).splitlines())


_ADD = """\
-- One field of a message: by its own name when the kind is described, else as KEY=VALUE.
local function add_field(tree, kind, key, range, value)
  local known = KNOWN[kind] and KNOWN[kind][key]
  if known then tree:add(known, range, value)
  else tree:add({other}, range, key .. "=" .. value) end
end

local function begin(tvb, pinfo, root, kind)
  pinfo.cols.protocol = p.name
  pinfo.cols.info:append(kind .. " ")
  local tree = root:add(p, tvb())
  tree:append_text(", " .. kind)
  tree:add({kind}, kind):set_generated()
  return tree
end
"""


def tag_fields(code: Code, protocol: Protocol) -> None:
    """Frames of four characters, a word, a length, and TagField text (`proxy.layouts.tagfield`)."""
    _shared(code, protocol)
    ident = code.field("ident", "string", "error or number of the frame")
    code.add(*_TAG_FIELDS.format(ident=ident).splitlines())


_TAG_FIELDS = """\
local function decode(wire)
  if wire:sub(1, 1) == " " then wire = wire:sub(2) end
  local quote = wire:sub(1, 1)
  if quote == '"' or quote == "'" then
    wire = wire:sub(2)
    wire = wire:sub(1, (wire:find(quote, 1, true) or #wire + 1) - 1)
  end
  return (wire:gsub("%%(%%?)(%x?%x?)", function(percent, hex)
    if percent == "%" then return "%" .. hex end
    if #hex == 2 then return string.char(tonumber(hex, 16)) end
  end))
end

local function read_items(tvb, kind, tree)
  local body = tvb(12):raw()
  local stop = body:find("\\0", 1, true) or #body + 1
  local place = 1
  while place < stop do
    local first = body:find("[^\\1-\\32]", place)
    if not first or first >= stop then return end
    local _, equals, key = body:find("^([%a_~@][%w_~@.+-]*)=", first)
    local last = stop
    if equals then
      local at = equals + 1
      local quote = body:match("^ ?([\\"'])", at)
      if quote then at = (body:find(quote, body:find(quote, at, true) + 1, true) or at) + 1 end
      last = math.min(body:find("[\\1-\\31]", at) or stop, stop)
      local blank = body:find(" +[%a_~@][%w_~@.+-]*=", at)
      if blank and blank < last then last = blank end
      local range = tvb(11 + first, last - first)
      add_field(tree, kind, key, range, latin(decode(body:sub(equals + 1, last - 1))))
    else
      last = math.min(body:find("[\\1-\\31]", first) or stop, stop)
      add_field(tree, kind, "line", tvb(11 + first, last - first), latin(body:sub(first, last - 1)))
    end
    place = last + 1
  end
end

local function ident(range)
  local raw = range:raw()
  if raw:find("^[\\32-\\126]+$") then return raw end
  return string.format("0x%08x", range:uint())
end

local function one(tvb, pinfo, root)
  local kind = tvb(0, 4):raw()
  if not kind:find("^[\\32-\\126]+$") then return 0 end
  local tree = begin(tvb, pinfo, root, kind)
  if tvb(4, 4):uint() ~= 0 then tree:add({ident}, tvb(4, 4), ident(tvb(4, 4))) end
  if tvb:len() > 12 then read_items(tvb, kind, tree) end
  return tvb:len()
end

function p.dissector(tvb, pinfo, root)
  pinfo.cols.info = ""
  dissect_tcp_pdus(tvb, root, 12, function(buffer, _, offset)
    return math.max(12, buffer(offset + 8, 4):uint())
  end, one)
  return tvb:len()
end
"""


def key_values(code: Code, protocol: Protocol) -> None:
    r"""A stream of messages `\key\value\...\final\` (see `proxy.layouts.keyvalue`)."""
    _shared(code, protocol)
    code.add(*_KEY_VALUES.splitlines())


_KEY_VALUES = """\
local FINAL = "\\\\final\\\\"

local function one(tvb, pinfo, root)
  local raw = tvb():raw()
  local body = raw:sub(1, #raw - #FINAL) .. "\\\\"
  local kind = body:match("^\\\\([^\\\\]*)")
  if not kind then return end
  local tree = begin(tvb, pinfo, root, kind)
  local place = 1
  while true do
    local first, last, key, value = body:find("^\\\\([^\\\\]*)\\\\([^\\\\]*)", place)
    if not first or last - 1 > #raw - #FINAL then return end
    local size = math.min(last, #raw) - first + 1
    add_field(tree, kind, key, tvb(first - 1, size), latin(value))
    place = last + 1
  end
end

function p.dissector(tvb, pinfo, root)
  pinfo.cols.info = ""
  local offset, stop = 0, tvb:len()
  while offset < stop do
    local at = find(tvb, offset, stop, FINAL)
    if not at then
      pinfo.desegment_offset = offset
      pinfo.desegment_len = DESEGMENT_ONE_MORE_SEGMENT
      return stop
    end
    one(tvb(offset, at + #FINAL - offset):tvb(), pinfo, root)
    offset = at + #FINAL
  end
  return stop
end
"""

__all__ = ["abbreviation", "key_values", "tag_fields"]
