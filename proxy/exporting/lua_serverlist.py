"""Lua that reads the lists of server browser 2, where they are deciphered."""

from __future__ import annotations

from proxy.exporting.lua_code import Code, quoted
from proxy.layouts.serverlist import END, HAS_KEYS, HAS_RULES, INLINE, OPTIONAL, SHORT, TYPES


def records(code: Code) -> None:
    """Functions `list`, `pushed` and `keys_of`, which reads what later records have."""
    columns = [
        _column(code, "ServerList.servers"),
        _column(code, "PushServer"),
    ]
    entry = {
        "types": ", ".join(f"[{number}] = {quoted(name)}" for number, name in TYPES.items()),
        "optional": ", ".join(f'{{{flag}, "{name}", {size}}}' for flag, name, size in OPTIONAL),
        "of_list": columns[0],
        "of_push": columns[1],
        "own": code.field("ServerList.ip", "ipv4", "the client's own address"),
        "default": code.field("ServerList.port", "uint16", "default port of queries"),
        "key_type": code.field("ServerList.keys.type", "string", "type of a key"),
        "key_name": code.field("ServerList.keys.name", "string", "name of a key"),
        "popular": code.field("ServerList.popular", "string", "popular value"),
        "short": SHORT,
        "inline": INLINE,
        "has_keys": HAS_KEYS,
        "has_rules": HAS_RULES,
        "end": quoted(END),
        "end_size": len(END),
    }
    code.add(*_RECORDS.format(**entry).splitlines())


def _column(code: Code, path: str) -> str:
    """A Lua table: name of a field of a record -> the field."""
    kinds = {"flags": "uint8", "ip": "ipv4", "keys": "string", "rules": "string"}
    for _, name, size in OPTIONAL:
        kinds[name] = "ipv4" if size == 4 else "uint16"
    fields = (
        f"{name} = {code.field(f'{path}.{name}', kind, name)}" for name, kind in kinds.items()
    )
    return f"{{{', '.join(fields)}}}"


_RECORDS = """\
local TYPES = {{{types}}}
local OPTIONAL = {{{optional}}}
local OF_LIST = {of_list}
local OF_PUSH = {of_push}
local layout = {{keys = {{}}, popular = {{}}}}   -- of the connection at hand

-- Counted texts, each behind a byte that `head` looks at.
local function counted(tvb, o, stop, add)
  if o >= stop then return nil, o end
  local count = tvb(o, 1):uint()
  o = o + 1
  for number = 1, count do
    local at
    o, at = add(o, number)
    if not o then return nil, at end
  end
  return o
end

local function keys_of(tvb, o, stop, tree)
  local keys = {{}}
  o = counted(tvb, o, stop, function(from, number)
    local at = from < stop and find(tvb, from + 1, stop, "\\0")
    local kind = at and tvb(from, 1):uint()
    if not kind or not TYPES[kind] then return nil, from end
    keys[number] = {{kind, at > from + 1 and text(tvb(from + 1, at - from - 1)) or ""}}
    tree:add({key_type}, tvb(from, 1), TYPES[kind])
    tree:add({key_name}, tvb(from + 1, at - from), keys[number][2])
    return at + 1
  end)
  return o, keys
end

local function values_of(tvb, o, stop, tree, fields)
  for _, key in ipairs(layout.keys) do
    if o >= stop then return nil, o end
    local from, value = o, tvb(o, 1):uint()
    o = o + 1
    if key[1] == {short} then
      if o >= stop then return nil, o end
      value, o = value * 256 + tvb(o, 1):uint(), o + 1
    elseif key[1] == 0 and layout.popular[value + 1] then
      value = layout.popular[value + 1]
    elseif key[1] == 0 then
      local at = value == {inline} and find(tvb, o, stop, "\\0")
      if not at then return nil, from end
      value = at > o and text(tvb(o, at - o)) or ""
      o = at + 1
    end
    tree:add(fields.keys, tvb(from, o - from), key[2] .. "=" .. value)
  end
  return o
end

local function rules_of(tvb, o, stop, tree, fields)
  while true do
    local at = find(tvb, o, stop, "\\0")
    if not at then return nil, o end
    if at == o then return o + 1 end
    local last = find(tvb, at + 1, stop, "\\0")
    if not last then return nil, at end
    local said = latin((tvb(o, last - o):raw():gsub("%z", "=", 1)))
    tree:add(fields.rules, tvb(o, last - o), said)
    o = last + 1
  end
end

local function record(tvb, o, stop, tree, fields)
  if stop - o < 5 then return nil, o end
  local flags, at = tvb(o, 1):uint(), o
  tree:add(fields.flags, tvb(o, 1))
  tree:add(fields.ip, tvb(o + 1, 4))
  o = o + 5
  for _, one in ipairs(OPTIONAL) do
    if bit.band(flags, one[1]) > 0 then
      if stop - o < one[3] then return nil, o end
      tree:add(fields[one[2]], tvb(o, one[3]))
      o = o + one[3]
    end
  end
  if bit.band(flags, {has_keys}) > 0 then
    o, at = values_of(tvb, o, stop, tree, fields)
    if not o then return nil, at end
  end
  if bit.band(flags, {has_rules}) > 0 then return rules_of(tvb, o, stop, tree, fields) end
  return o
end

local function list(tvb, o, stop, tree)
  if stop - o < 8 then return nil, o end
  tree:add({own}, tvb(o, 4))
  tree:add({default}, tvb(o + 4, 2))
  local at, keys, popular = o, nil, {{}}
  o, keys = keys_of(tvb, o + 6, stop, tree)
  if not o then return nil, at end
  o = counted(tvb, o, stop, function(from, number)
    local last = find(tvb, from, stop, "\\0")
    if not last then return nil, from end
    popular[number] = last > from and text(tvb(from, last - from)) or ""
    tree:add({popular}, tvb(from, last - from + 1), popular[number])
    return last + 1
  end)
  if not o then return nil, at end
  layout.keys, layout.popular = keys, popular
  while stop - o >= {end_size} and tvb(o, {end_size}):raw() ~= {end} do
    at = o
    o = record(tvb, o, stop, tree, OF_LIST)
    if not o then return nil, at end
  end
  if stop - o < {end_size} then return nil, o end
  return o + {end_size}
end

local function pushed(tvb, o, stop, tree)
  return record(tvb, o, stop, tree, OF_PUSH)
end
"""
