r"""Lua that reads messages of `\key\value\...` (see `proxy.layouts.keyvalue`), clear or XORed."""

from __future__ import annotations

from collections.abc import Sequence
from types import ModuleType

from proxy.ciphers.repeating import CDKEY, CDKEY_MARK, GSTATS
from proxy.exporting.lua_code import Code, quoted
from proxy.exporting.lua_frames import Frames
from proxy.exporting.lua_text import shared
from proxy.protocol import Kind, Protocol
from recordings.model import Direction

_PAIRS = """\
local FINAL = "\\\\final\\\\"

-- Shows \\key\\value\\... ; `kind_of` makes the kind of all keys, which else is the first.
local function pairs_of(tvb, pinfo, root, kind_of)
  local raw = tvb():raw():gsub("%z+$", "")
  if #raw > #FINAL and raw:sub(-#FINAL) == FINAL then raw = raw:sub(1, -#FINAL - 1) end
  local size, keys, found = #raw, {}, {}
  raw = raw .. "\\\\"
  local place = 1
  while place <= size do
    local first, last, key, value = raw:find("^\\\\([^\\\\]*)\\\\([^\\\\]*)", place)
    if not first or last > size + 1 then break end
    local count = key == "length" and tonumber(value)
    if count and raw:sub(last + 1, last + 6) == "\\\\data\\\\" then  -- counted: anything is in it
      key, first, last = "data", last + 1, last + 6 + count
      value = raw:sub(last - count + 1, last)
    end
    keys[#keys + 1] = key
    found[#found + 1] = {key, value, first, math.min(last, size)}
    place = last + 1
  end
  if #keys == 0 or keys[1] == "" then return end
  local kind = kind_of and kind_of(keys) or keys[1]
  local tree = begin(tvb, pinfo, root, kind)
  for _, one in ipairs(found) do
    add_field(tree, kind, one[1], tvb(one[3] - 1, one[4] - one[3] + 1), latin(one[2]))
  end
end
"""

_XOR = """
-- The bytes with a key that repeats, but for some at the end.
local function xored(raw, key, kept)
  local out = {}
  for i = 1, #raw - kept do
    out[i] = string.char(bit.bxor(raw:byte(i), key:byte((i - 1) % #key + 1)))
  end
  return table.concat(out) .. raw:sub(#raw - kept + 1)
end

local function deciphered(raw)
  return ByteArray.new(raw, true):tvb("Deciphered")
end
"""


def pairs(code: Code, kinds: Sequence[Kind]) -> None:
    """What all these protocols share, for the kinds that are such messages."""
    shared(code, kinds)
    code.add(*_PAIRS.splitlines())


def key_values(code: Code, protocol: Protocol) -> None:
    """A stream of messages that end in a mark."""
    pairs(code, protocol.kinds)
    code.add(*_STREAM.splitlines())


_STREAM = """\
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
    pairs_of(tvb(offset, at + #FINAL - offset):tvb(), pinfo, root)
    offset = at + #FINAL
  end
  return stop
end
"""


def players(code: Code, protocol: Protocol) -> None:
    """One message a datagram, XORed as a whole; or clear, in an export."""
    pairs(code, protocol.kinds)
    text = _PLAYERS.format(mark=CDKEY_MARK, key=quoted(CDKEY))
    code.add(*_XOR.splitlines(), *text.splitlines())


_PLAYERS = """\
function p.dissector(tvb, pinfo, root)
  pinfo.cols.info = ""
  local raw = tvb():raw()
  if raw:byte(1) == {mark} then tvb = deciphered(xored(raw, {key}, 0)) end
  pairs_of(tvb, pinfo, root)
  return #raw
end
"""


def statistics(code: Code, protocol: Protocol) -> None:
    """A stream of messages, each XORed anew but for the mark at its end."""
    pairs(code, protocol.kinds)
    Frames(code, stream=True)  # for what it writes
    text = _STATISTICS.format(key=quoted(GSTATS))
    code.add(*_XOR.splitlines(), *text.splitlines())


_STATISTICS = """\
local function clear(raw)
  if raw:sub(1, 1) == "\\\\" then return raw end
  return xored(raw, {key}, #FINAL)
end

local function length(tvb, o, stop)
  local from = o
  while true do
    local at = find(tvb, from, stop, FINAL)
    if not at then return nil end
    local size = at + #FINAL - o
    local said = clear(tvb(o, size):raw())
    local _, last, count = said:find("\\\\length\\\\(%d+)\\\\data\\\\")
    if not count or last + tonumber(count) <= size - #FINAL then return size end
    from = at + 1  -- the mark is within counted data
  end
end

local function one(tvb, pinfo, root)
  local raw = tvb():raw()
  local said = clear(raw)
  pairs_of(said == raw and tvb or deciphered(said), pinfo, root)
end

function p.dissector(tvb, pinfo, root)
  return cut(tvb, pinfo, root, length, one)
end
"""


def browser1(code: Code, protocol: Protocol, module: ModuleType) -> None:
    """A greeting and requests as text; lists as text or as addresses, clear or enciphered."""
    lists = {cls.kind for cls in module.TABLE[Direction.TO_CLIENT].values()}
    pairs(code, [kind for kind in protocol.kinds if kind.name not in lists])
    frames = Frames(code, stream=True)
    text = _BROWSER1.format(
        compact=frames.entries([module.CompactList]),
        rows=frames.entries([module.TextList]),
        login=quoted(module.LOGIN),
        query=quoted(module.QUERY_ID),
        secure=quoted(module.SECURE),
        after=module.SECURE_LENGTH,
        record=module.RECORD,
    )
    code.add(*text.splitlines())


_BROWSER1 = """\
local function request(tvb, o, stop, noted)
  if stop - o >= #{query} and tvb(o, #{query}):raw() == {query} then  -- of a request before
    local closing = find(tvb, o + #{query}, stop, "\\\\")
    return closing and closing + 1 - o
  end
  local at = find(tvb, o, stop, FINAL)
  if not at then return nil end
  local last = at + #FINAL
  local raw = tvb(o, last - o):raw()
  if raw:sub(1, #{login}) ~= {login} then return last - o end
  noted.enctype = tonumber(raw:match("\\\\enctype\\\\(%d)")) or 0
  local tail = last < stop and tvb(last, math.min(#{query}, stop - last)):raw() or ""
  if tail == {query} then
    local closing = find(tvb, last + #{query}, stop, "\\\\")
    return closing and closing + 1 - o
  end
  if #tail > 0 and ({query}):sub(1, #tail) == tail then return nil end
  return last - o
end

-- Where a list of addresses ends, if it is one.
local function addresses(tvb, o, stop)
  for at = o, stop - #FINAL, {record} do
    if tvb(at, #FINAL):raw() == FINAL then return at + #FINAL - o end
  end
end

local function length(tvb, o, stop, up, pinfo)
  local noted = note(pinfo)
  if up then return request(tvb, o, stop, noted) end
  local at = find(tvb, o, stop, FINAL)
  if tvb(o, 1):uint() == 92 then
    local secure = find(tvb, o, stop, {secure})
    if secure and not (at and at < secure) then return secure + #{secure} + {after} - o end
    if at then return at + #FINAL - o end
    return nil
  end
  return addresses(tvb, o, stop) or (noted.enctype or 0) > 0 and stop - o or nil
end

local function one(tvb, pinfo, root, up)
  local raw = tvb():raw()
  if raw:sub(1, 12) == "\\\\fieldcount\\\\" then return show(tvb, pinfo, root, {rows}, 0) end
  if raw:sub(1, 1) == "\\\\" then return pairs_of(tvb, pinfo, root) end
  if addresses(tvb, 0, #raw) == #raw then return show(tvb, pinfo, root, {compact}, 0) end
  unreadable(tvb, pinfo, root)
end

function p.dissector(tvb, pinfo, root)
  return cut(tvb, pinfo, root, length, one)
end
"""
