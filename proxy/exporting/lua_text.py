"""Lua that reads the text protocols: `KEY=VALUE` frames, and lines of IRC."""

from __future__ import annotations

from collections.abc import Sequence
from types import ModuleType

from proxy.exporting.lua_code import Code, quoted
from proxy.layouts.ircline import MORE
from proxy.protocol import Kind, Protocol


def _fields(code: Code, kinds: Sequence[Kind]) -> list[str]:
    """A Lua table KNOWN: kind -> key -> field, of everything that these describe."""
    lines = ["local KNOWN = {}"]
    seen: dict[tuple[str, str], str] = {}
    for kind in kinds:
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


def shared(code: Code, kinds: Sequence[Kind]) -> None:
    """The fields that kinds of text describe, and how Lua adds them."""
    kind = code.field("kind", "string", "kind of the message")
    other = code.field("field", "string", "field that is not described")
    code.add(*_fields(code, kinds))
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
    shared(code, protocol.kinds)
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


def lines(code: Code, protocol: Protocol, module: ModuleType) -> None:
    """Lines of IRC, as long as they are clear."""
    shared(code, protocol.kinds)
    dark = code.field("unreadable", "bytes", "enciphered")
    names = module.ChatLine.names
    for kind, params in names.items():
        for name in ("prefix", MORE, *params):
            code.field(f"{kind}.{name.lstrip(':')}", "string", name.lstrip(":"))
    rows = [
        f"  [{quoted(kind)}] = {{{', '.join(map(quoted, params))}}},"
        for kind, params in names.items()
    ]
    code.add("local NAMES = {", *rows, "}")
    code.add(*_LINES.format(dark=dark, more=quoted(MORE)).splitlines())


_LINES = """\
local function put(tree, kind, name, range)
  local field = F[kind:lower() .. "." .. name]
  local value = range and text(range) or ""
  if field and range then tree:add(field, range, value)
  elseif range then tree:add(F["field"], range, name .. "=" .. value) end
end

local function one(tvb, pinfo, root)
  local raw = tvb():raw():gsub("\\r?\\n$", "")
  local o, prefix = 0, raw:match("^:([^ ]*) ?")
  if prefix then o = math.min(#raw, #prefix + 2) end
  local command = raw:match("^%w+", o + 1)
  if not command then return end
  local kind = command:upper()
  local tree = begin(tvb, pinfo, root, kind)
  if prefix and #prefix > 0 then put(tree, kind, "prefix", tvb(1, #prefix)) end
  o = o + #command
  local colon = raw:find(" :", o + 1, true)
  local stop, params = colon and colon - 1 or #raw, {{}}
  while o < stop do
    local last = raw:find(" ", o + 2, true)
    last = last and last <= stop and last - 1 or stop
    params[#params + 1] = {{o + 1, last - o - 1}}
    o = last
  end
  local names, behind = {{}}, nil
  for _, name in ipairs(NAMES[kind] or {{}}) do
    if colon and name:sub(1, 1) == ":" then behind = name:sub(2)
    else names[#names + 1] = name:gsub("^:", "") end
  end
  for i, place in ipairs(params) do
    if place[2] > 0 then put(tree, kind, names[i] or {more}, tvb(place[1], place[2])) end
  end
  if colon and #raw > colon + 1 then
    local name = behind or names[#params + 1] or {more}
    put(tree, kind, name, tvb(colon + 1, #raw - colon - 1))
  end
end

function p.dissector(tvb, pinfo, root)
  pinfo.cols.info = ""
  local o, stop = 0, tvb:len()
  while o < stop do
    local at = find(tvb, o, stop, "\\n")
    local raw = tvb(o, (at or stop) - o):raw()
    local known = raw:find(at and "^:[^ ]+ +%w" or "^:[^ ]*") or raw:find("^%w+[ \\r]?")
    if raw:find("[%z\\1-\\8\\14-\\31\\127]") or not known then
      pinfo.cols.protocol = p.name
      root:add(p, tvb(o, stop - o)):add({dark}, tvb(o, stop - o))
      return stop
    end
    if not at then
      pinfo.desegment_offset = o
      pinfo.desegment_len = DESEGMENT_ONE_MORE_SEGMENT
      return stop
    end
    one(tvb(o, at + 1 - o):tvb(), pinfo, root)
    o = at + 1
  end
  return stop
end
"""
