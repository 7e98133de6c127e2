"""Lua for what is laid around the messages of a datagram: a tag at its place, a bundle, nothing."""

from __future__ import annotations

from proxy.exporting.lua_code import Code, quoted
from proxy.exporting.lua_struct import StructCode
from proxy.layouts.codec import Table
from recordings.model import Direction


def _tables(code: Code, table: Table) -> list[str]:
    """Lua tables UP and DOWN: tag -> {name, function}."""
    made = StructCode(code)
    lines, functions = [], {}
    for way, name in ((Direction.TO_SERVER, "UP"), (Direction.TO_CLIENT, "DOWN")):
        lines.append(f"local {name} = {{}}")
        for tag, cls in table[way].items():
            if cls not in functions:
                functions[cls] = made.function(cls, cls.kind)
            lines.append(f"{name}[{tag}] = {{{quoted(cls.kind)}, {functions[cls]}}}")
    return lines


def _listed(code: Code, table: Table, name: str) -> list[str]:
    """A Lua table: whether to the server -> list of {name, function}, to be tried in turn."""
    made = StructCode(code)
    functions = {
        cls: made.function(cls, cls.kind) for way in Direction for cls in table[way].values()
    }
    lines = [f"local {name} = {{"]
    for way in Direction:
        known = (f"{{{quoted(cls.kind)}, {functions[cls]}}}" for cls in table[way].values())
        lines.append(f"  [{str(way is Direction.TO_SERVER).lower()}] = {{{', '.join(known)}}},")
    return [*lines, "}"]


def bare(code: Code, table: Table) -> None:
    """Datagrams of one message each: it is the first of its direction that fits to the last byte.

    Nothing is known of tags here, so this does for any protocol whose messages are in one table.
    """
    kind = code.field("kind", "string", "message")
    code.add(
        *_listed(code, table, "MESSAGES"),
        "function p.dissector(tvb, pinfo, root)",
        "  pinfo.cols.protocol = p.name",
        "  local tree, stop = root:add(p, tvb()), tvb:len()",
        "  for _, known in ipairs(MESSAGES[to_server(pinfo)]) do",
        "    if known[2](tvb, 0, stop, DRY) == stop then",
        "      pinfo.cols.info = known[1]",
        f"      tree:add({kind}, known[1]):set_generated()",
        "      known[2](tvb, 0, stop, tree)",
        "      return stop",
        "    end",
        "  end",
        "  return stop",
        "end",
    )


def datagrams(code: Code, table: Table, *, start: bytes, tag_at: int) -> None:
    """Datagrams that begin with the same bytes and hold a tag at one place."""
    kind = code.field("kind", "string", "message")
    tables = _tables(code, table)
    code.add(
        *tables,
        "function p.dissector(tvb, pinfo, root)",
        f"  if tvb:len() <= {tag_at} or tvb(0, {len(start)}):raw() ~= {quoted(start)} then",
        "    return 0 end",
        f"  local tag = tvb({tag_at}, 1):uint()",
        "  local way = to_server(pinfo) and UP or DOWN",
        "  local known = way[tag] or UP[tag] or DOWN[tag]",
        "  pinfo.cols.protocol = p.name",
        "  local tree = root:add(p, tvb())",
        "  if not known then return tvb:len() end",
        "  pinfo.cols.info = known[1]",
        f"  tree:add({kind}, known[1]):set_generated()",
        "  local o, at = known[2](tvb, 0, tvb:len(), tree)",
        "  if o ~= tvb:len() then malformed(tree, tvb, at or o) end",
        "  return tvb:len()",
        "end",
    )


def bundles(code: Code, main: Table, table: Table) -> None:
    """Texts of a main port, and bundles of numbered messages (see `proxy.layouts.bundle`)."""
    kind = code.field("kind", "string", "message")
    number = code.field("number", "uint16", "number of the message")
    tag = code.field("type", "uint8", "type of the message")
    body = code.field("body", "bytes", "body that is not known")
    code.add(*_listed(code, main, "TEXTS"), *_tables(code, table))
    code.add(
        *_BUNDLE.format(kind=kind, number=number, tag=tag, body=body).splitlines(),
        'p:register_heuristic("udp", function(tvb, pinfo, root)',
        "  if not whole(tvb) then return false end",
        "  p.dissector(tvb, pinfo, root)",
        "  return true",
        "end)",
    )


_BUNDLE = """\
-- Whether a datagram is a bundle: its lengths add up, and its types are known.
function whole(tvb)
  local stop, o = tvb:len(), 1
  if stop < 6 then return false end
  for _ = 1, tvb(0, 1):uint() do
    if stop - o < 5 or tvb(o + 2, 2):le_uint() == 0 then return false end
    local tag = tvb(o + 4, 1):uint()
    if not UP[tag] and not DOWN[tag] then return false end
    o = o + 4 + tvb(o + 2, 2):le_uint()
    if o > stop then return false end
  end
  return o == stop
end

local function of_main(tvb, tree, up)
  for _, known in ipairs(TEXTS[up]) do
    local o = known[2](tvb, 0, tvb:len(), tree)
    if o == tvb:len() then
      tree:add({kind}, known[1]):set_generated()
      return known[1]
    end
  end
end

function p.dissector(tvb, pinfo, root)
  local tree = root:add(p, tvb())
  local stop, o, said = tvb:len(), 1, {{}}
  if not whole(tvb) then
    local name = of_main(tvb, tree, to_server(pinfo))
    if not name then return 0 end
    pinfo.cols.protocol = p.name
    pinfo.cols.info = name
    return stop
  end
  pinfo.cols.protocol = p.name
  local way = to_server(pinfo) and UP or DOWN
  for index = 1, tvb(0, 1):uint() do
    local size = tvb(o + 2, 2):le_uint()
    local known = way[tvb(o + 4, 1):uint()]
    local sub = tree:add(p, tvb(o, size + 4), "messages[" .. (index - 1) .. "]")
    sub:add_le({number}, tvb(o, 2))
    sub:add({tag}, tvb(o + 4, 1))
    if known then
      sub:add({kind}, known[1]):set_generated()
      said[#said + 1] = known[1]
      local reached, at = known[2](tvb, o + 5, o + 4 + size, sub)
      if reached ~= o + 4 + size then malformed(sub, tvb, at or reached) end
    elseif size > 1 then
      sub:add({body}, tvb(o + 5, size - 1))
    end
    o = o + 4 + size
  end
  pinfo.cols.info = table.concat(said, ", ")
  return stop
end
"""
