"""Lua for Jazz Jackrabbit 2: the game server over TCP and UDP, and the list servers."""

from __future__ import annotations

from types import ModuleType

from proxy.exporting.lua_code import Code
from proxy.exporting.lua_frames import Frames
from proxy.layouts import jazz2_datagrams as udp
from proxy.layouts.codec import Table
from proxy.protocol import Protocol
from recordings.model import Direction

UP, DOWN = Direction.TO_SERVER, Direction.TO_CLIENT


def _ways(frames: Frames, name: str, table: Table) -> None:
    for way, word in ((UP, "UP"), (DOWN, "DOWN")):
        found = {int(str(tag)): [cls] for tag, cls in table[way].items()}
        frames.table(f"{name}_{word}", found)


def game(code: Code, protocol: Protocol, module: ModuleType) -> None:
    """One number, two transports."""
    frames = Frames(code, stream=True)
    _ways(frames, "TCP", module.TCP)
    _ways(frames, "UDP", udp.UDP)
    entry = {
        "tcp_other": frames.entries([module.UnknownPacket]),
        "udp_other": frames.entries([udp.UnknownDatagram]),
        "events": frames.entries([udp.Events]),
        "plus": frames.entries([udp.PlusEvents]),
        "padding": frames.entries([module.Padding]),
        "sizes": _sizes(udp.VANILLA_SIZES),
        "plus_sizes": _sizes(udp.PLUS_SIZES),
        "tag": udp.Events.tag,
    }
    code.add(*_GAME.format(**entry).splitlines())


def _sizes(sizes: dict[int, int]) -> str:
    return "{" + ", ".join(f"[{kind}] = {size}" for kind, size in sizes.items()) + "}"


_GAME = """\
-- What of a datagram of events is left unread by a table of sizes, and how many events are read.
local function left(tvb, sizes)
  local o, stop, count = 4, tvb:len(), 0
  while o < stop do
    local size = sizes[tvb(o, 1):uint()]
    if not size or o + 1 + size > stop then break end
    o, count = o + 1 + size, count + 1
  end
  return stop - o, count
end

local function datagram(tvb, pinfo, root)
  pinfo.cols.info = ""
  if tvb:len() < 3 then return 0 end
  local tag = tvb(2, 1):uint()
  local known = (to_server(pinfo) and UDP_UP or UDP_DOWN)[tag]
  if not known then return show(tvb, pinfo, root, {udp_other}, 2) end
  if tag == {tag} and tvb:len() > 3 then
    local rest, count = left(tvb, {sizes})
    local less, fewer = left(tvb, {plus_sizes})
    local plus = less < rest or (less == rest and fewer < count)
    known = plus and {plus} or {events}
  end
  return show(tvb, pinfo, root, known, 3)
end

local function length(tvb, o, stop)
  local size = tvb(o, 1):uint()
  if size > 0 then return math.max(2, size) end
  return stop - o >= 3 and 3 + tvb(o + 1, 2):le_uint() or nil
end

local function one(tvb, pinfo, root, up)
  if tvb:len() == 3 and tvb(0, 3):uint() == 0 then
    return show(tvb, pinfo, root, {padding}, 0)
  end
  local at = tvb(0, 1):uint() > 0 and 1 or 3
  local known = (up and TCP_UP or TCP_DOWN)[tvb(at, 1):uint()]
  if known then return show(tvb, pinfo, root, known, at + 1) end
  return show(tvb, pinfo, root, {tcp_other}, at)
end

function p.dissector(tvb, pinfo, root)
  if pinfo.port_type == 3 then return datagram(tvb, pinfo, root) end
  return cut(tvb, pinfo, root, length, one)
end
"""


def lists(code: Code, protocol: Protocol, module: ModuleType) -> None:
    """Records and updates up; a binary list or lines of text down."""
    frames = Frames(code, stream=True)
    updates = module.UPDATES[UP]
    frames.table("UPDATES", {int(str(tag)): [cls] for tag, cls in updates.items()})
    entry = {
        "listing": frames.entries([module.Listing]),
        "ping": frames.entries([module.Ping]),
        "header": frames.entries([module.ListHeader]),
        "server": frames.entries([module.Server]),
        "line": frames.entries([module.ServerLine, module.Line]),
        "size": module.LISTING,
        "rename": module.RENAME,
        "update": module.UPDATE,
        "shortest": module.SHORTEST,
    }
    code.add(*_LISTS.format(**entry).splitlines())


_LISTS = """\
local HEADER = "\\7LIST"

local function length(tvb, o, stop, up, pinfo)
  local first = tvb(o, 1):uint()
  if up then
    if stop - o >= {size} and first ~= {rename} then return {size} end
    return first == {rename} and stop - o or {update}
  end
  local noted = note(pinfo)
  if stop - o >= {shortest} and tvb(o, #HEADER):raw() == HEADER then
    noted.binary = true
    return {shortest}
  end
  if first == 0 then return 1 end
  if noted.binary then return first end
  local at = find(tvb, o, stop, "\\n")
  if first == stop - o and first >= {shortest} and not at then return first end
  return at and at + 1 - o
end

local function one(tvb, pinfo, root, up)
  local first, size = tvb(0, 1):uint(), tvb:len()
  if up then
    if size == {size} and first ~= {rename} then return show(tvb, pinfo, root, {listing}, 0) end
    return show(tvb, pinfo, root, UPDATES[first] or {{}}, 1)
  end
  if size == 1 and first == 0 then return show(tvb, pinfo, root, {ping}, 0) end
  if tvb():raw():sub(1, #HEADER) == HEADER then return show(tvb, pinfo, root, {header}, 0) end
  if first == size and tvb(size - 1, 1):uint() ~= 10 then
    return show(tvb, pinfo, root, {server}, 1)
  end
  return show(tvb, pinfo, root, {line}, 0)
end

function p.dissector(tvb, pinfo, root)
  return cut(tvb, pinfo, root, length, one)
end
"""
