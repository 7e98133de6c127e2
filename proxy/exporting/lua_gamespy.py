"""Lua for GameSpy's protocols of structs: game servers, gt2, server browser 2."""

from __future__ import annotations

from types import ModuleType

from proxy.exporting.lua_code import Code, quoted
from proxy.exporting.lua_frames import Frames
from proxy.exporting.lua_pairs import pairs
from proxy.exporting.lua_serverlist import records
from proxy.layouts.gamespy_marks import GT2, NATNEG, QR2
from proxy.layouts.qr1 import QR1_KINDS
from proxy.protocol import Protocol
from recordings.model import Direction

UP, DOWN = Direction.TO_SERVER, Direction.TO_CLIENT


def gt2(code: Code, protocol: Protocol, module: ModuleType) -> None:
    """Datagrams told by their type, and reliable data between buddies."""
    frames = Frames(code)
    frames.table("TYPES", {int(str(tag)): [cls] for tag, cls in module.TABLE[UP].items()})
    peers = [
        f"  {{{quoted(mark)}, {frames.entries([cls, module.PeerText])}}},"
        for mark, cls in module.PEERS.items()
    ]
    code.add("local PEERS = {", *peers, "}")
    entry = {
        "text": frames.entries([module.PeerText]),
        "bare": frames.entries([module.Unreliable]),
        "mark": quoted(GT2),
        "peer": quoted(module.PEER),
        "data": module.AppData.tag,
        "start": module.RELIABLE,
    }
    code.add(*_GT2.format(**entry).splitlines())


_GT2 = """\
local function known(tvb)
  local raw = tvb():raw()
  if raw:sub(1, 2) ~= {mark} or raw:sub(3, 4) == {mark} then return {bare} end
  local tag = raw:byte(3)
  local text = {start} + #{peer}
  if tag ~= {data} or raw:sub({start} + 1, text) ~= {peer} then return TYPES[tag] or {{}} end
  for _, one in ipairs(PEERS) do
    if raw:sub(text + 1, text + #one[1]) == one[1] then return one[2] end
  end
  return {text}
end

function p.dissector(tvb, pinfo, root)
  pinfo.cols.info = ""
  return show(tvb, pinfo, root, known(tvb), 0)
end
"""


def query(code: Code, protocol: Protocol, module: ModuleType) -> None:
    """QR1's texts and QR2's types; other protocols on the port are left to their dissectors."""
    frames = Frames(code)
    for name, to_game in (("TO_GAME", True), ("FROM_GAME", False)):
        found = {tag: classes for (way, tag), classes in module._CLASSES.items() if way is to_game}
        frames.table(name, found)
    pairs(code, QR1_KINDS)
    names = ", ".join(
        f"[{quoted(one.name)}] = true" for one in QR1_KINDS if one.name not in ("reply", "text")
    )
    asked = [frames.entry(cls) for cls in module._CLASSES[True, module.Query.opcode.value[0]]]
    entry = {
        "names": names,
        "available": frames.entries([module.Available]),
        "request": frames.entries([module.AvailableRequest]),
        "replies": frames.entries([module.SplitReply, module.QueryReply]),
        "ids": f"{{{', '.join(asked)}}}",
        "qr2": quoted(QR2),
        "natneg": quoted(NATNEG[:2]),
        "gt2": quoted(GT2),
    }
    code.add(*_QUERY.format(**entry).splitlines())


_QUERY = """\
local NAMES = {{{names}}}
local function kind_of(keys)
  for _, key in ipairs(keys) do
    if key == "queryid" and keys[1] ~= "validate" then return "reply" end
  end
  return NAMES[keys[1]] and keys[1] or "text"
end

-- Whether the newest query asked for all keys: then replies have their names.
local QUERIES, newest, whole = {ids}, {{}}, {{}}
local function ends(pinfo, from, to)
  return tostring(pinfo[from]) .. " " .. pinfo[from .. "_port"] .. " "
    .. tostring(pinfo[to]) .. " " .. pinfo[to .. "_port"]
end

local function note_query(tvb, pinfo)
  for i, one in ipairs(QUERIES) do
    if one[2](tvb, 0, tvb:len(), DRY) == tvb:len() then
      newest[ends(pinfo, "src", "dst")] = tvb(i == 1 and 7 or 11, 1):uint() == 255
      return
    end
  end
end

local function asked_all(pinfo)
  if whole[pinfo.number] == nil then
    whole[pinfo.number] = newest[ends(pinfo, "dst", "src")] or false
  end
  return whole[pinfo.number]
end

local function known(tvb, raw, pinfo)
  local to_game = raw:sub(1, 2) == {qr2}
  local tag, key = raw:byte(to_game and 3 or 1), raw:sub(2, 5)
  local up = to_server(pinfo)
  if to_game and tag == 9 and not up and raw:sub(4, 6) == "\\0\\0\\0" then return {available} end
  if not to_game and tag == 9 and up and key == "\\0\\0\\0\\0" then return {request} end
  if to_game and tag == 0 then note_query(tvb, pinfo) end
  if not to_game and tag == 0 and not asked_all(pinfo) then return {replies} end
  return (to_game and TO_GAME or FROM_GAME)[tag]
end

function p.dissector(tvb, pinfo, root)
  pinfo.cols.info = ""
  local raw = tvb():raw()
  local head = raw:sub(1, 2)
  if head == {natneg} or head == {gt2} or #raw < 5 then return 0 end
  if raw:sub(1, 1) == "\\\\" then
    pairs_of(tvb, pinfo, root, kind_of)
    return #raw
  end
  local found = known(tvb, raw, pinfo)
  return found and show(tvb, pinfo, root, found, 0) or 0
end
"""


def browser2(code: Code, protocol: Protocol, module: ModuleType) -> None:
    """Requests, and the clear prefix of the answer; what follows it where it is deciphered."""
    frames = Frames(code, stream=True)
    frames.table("REQUESTS", {int(str(tag)): [cls] for tag, cls in module.TABLE[UP].items()})
    frames.table("PUSHES", {int(str(tag)): [cls] for tag, cls in module.TABLE[DOWN].items()})
    variants = [f"  [{bits}] = {frames.entries([cls])}," for bits, cls in module._VARIANTS.items()]
    code.add("local VARIANTS = {", *variants, "}")
    records(code)
    entry = {
        "key": frames.entries([module.ServerKey]),
        "refusal": frames.entries([module.PlainError]),
        "error": frames.entries([module.QueryError]),
        "word": quoted(module.REFUSAL),
        "natneg": quoted(NATNEG),
        "send": module.SEND_MESSAGE,
        "push": module.PUSH_SERVER,
        "header": module.HEADER,
        "payload": module.PAYLOAD,
    }
    code.add(*_BROWSER2.format(**entry).splitlines())


_BROWSER2 = """\
local KEY = {key}
local LIST = {{{{"ServerList", list}}}}
PUSHES[{push}] = {{{{"PushServer", pushed}}}}

local function fits(known, tvb, o, stop)
  return known[1][2](tvb, o, stop, DRY) == stop
end

local function length(tvb, o, stop, up, pinfo)
  if up then
    if stop - o < {header} then return nil end
    if tvb(o, {header}):raw() == ({natneg}):sub(1, {header}) then return {payload} end
    local size = math.max({header}, tvb(o, 2):uint())
    if tvb(o + 2, 1):uint() ~= {send} or stop - o <= size then return size end
    local tail = tvb(o + size, math.min(#{natneg}, stop - o - size)):raw()
    return ({natneg}):sub(1, #tail) == tail and size + {payload} or size
  end
  local noted = note(pinfo)
  if tvb(o, math.min(#{word}, stop - o)):raw() == {word} then return stop - o end
  if o > 0 or (noted.keyed or pinfo.number) ~= pinfo.number then return stop - o end
  local reached = KEY[1][2](tvb, o, stop, DRY)
  if reached then noted.keyed = pinfo.number end
  return reached and reached - o
end

local function request(tvb, pinfo, root)
  local tag, stop = tvb(2, 1):uint(), tvb:len()
  if tvb(0, {header}):raw() == ({natneg}):sub(1, {header}) then  -- of a message before
    return unreadable(tvb, pinfo, root)
  end
  if tag > 0 then return show(tvb, pinfo, root, REQUESTS[tag] or {{}}, {header}) end
  local reached = VARIANTS[0][1][2](tvb, {header}, stop, DRY)
  local options = reached and bit.band(tvb(reached - 4, 4):uint(), 0x88) or 0
  return show(tvb, pinfo, root, VARIANTS[options], {header})
end

-- What a frame behind the prefix is, and where its fields begin; nil where it is enciphered.
local function deciphered(tvb, noted)
  local stop = tvb:len()
  layout = noted.layout or {{keys = {{}}, popular = {{}}}}
  noted.layout = layout
  if fits({error}, tvb, 0, stop) then return {error}, 0 end
  if fits(LIST, tvb, 0, stop) then return LIST, 0 end
  if stop < {header} or tvb(0, 2):uint() ~= stop then return nil end
  local known = PUSHES[tvb(2, 1):uint()]
  if not known or not fits(known, tvb, {header}, stop) then return nil end
  if known[1][1] == "PushKeys" then
    local _, keys = keys_of(tvb, {header}, stop, DRY)
    layout.keys, layout.popular = keys, {{}}
  end
  return known, {header}
end

local function one(tvb, pinfo, root, up)
  if up then return request(tvb, pinfo, root) end
  if tvb():raw():sub(1, #{word}) == {word} then return show(tvb, pinfo, root, {refusal}, 0) end
  local noted = note(pinfo)
  if noted.keyed == pinfo.number and fits(KEY, tvb, 0, tvb:len()) then
    return show(tvb, pinfo, root, KEY, 0)
  end
  local known, start = deciphered(tvb, noted)
  if known then return show(tvb, pinfo, root, known, start) end
  unreadable(tvb, pinfo, root)
end

function p.dissector(tvb, pinfo, root)
  return cut(tvb, pinfo, root, length, one)
end
"""
