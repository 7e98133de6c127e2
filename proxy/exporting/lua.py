"""A Wireshark dissector in Lua, generated from what a protocol file declares.

Fields of binary protocols come from the layouts of their messages, those of text protocols from
their tables of kinds. A field is named `PROTOCOL.KIND.PATH` in small letters: `kaillera.chat.text`;
an item of a list has its list's name before it, `kaillera.serverstatus.users.name`.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from types import ModuleType

from proxy import registry
from proxy.dissector import DatagramDissector
from proxy.exporting.lua_code import Code
from proxy.exporting.lua_datagrams import bare, bundles, datagrams
from proxy.exporting.lua_gamespy import browser2, gt2, query
from proxy.exporting.lua_jazz2 import game, lists
from proxy.exporting.lua_pairs import browser1, key_values, players, statistics
from proxy.exporting.lua_text import lines, tag_fields
from proxy.keys import SessionKeys
from proxy.layouts.codec import Table
from proxy.layouts.http import HttpDissector
from proxy.protocol import Protocol
from recordings.errors import UserError

Family = Callable[[Code, Protocol, ModuleType], None]


def _natneg(code: Code, protocol: Protocol, module: ModuleType) -> None:
    datagrams(code, module.TABLE, start=module.NATNEG, tag_at=module.TYPE_AT)


def _kaillera(code: Code, protocol: Protocol, module: ModuleType) -> None:
    main, table = module.MAIN, module.TABLE
    assert isinstance(main, Table)
    assert isinstance(table, Table)
    bundles(code, main, table)


FAMILIES: dict[str, Family] = {
    "ea-lobby": lambda code, protocol, module: tag_fields(code, protocol),
    "gamespy-browser1": browser1,
    "gamespy-browser2": browser2,
    "gamespy-cdkey": lambda code, protocol, module: players(code, protocol),
    "gamespy-chat": lines,
    "gamespy-gt2": gt2,
    "gamespy-natneg": _natneg,
    "gamespy-presence": lambda code, protocol, module: key_values(code, protocol),
    "gamespy-search": lambda code, protocol, module: key_values(code, protocol),
    "gamespy-query": query,
    "gamespy-stats": lambda code, protocol, module: statistics(code, protocol),
    "jazz2": game,
    "jazz2-list": lists,
    "kaillera": _kaillera,
}
"""Protocol -> how its frames are laid around its messages, where something is."""


def is_http(protocol: Protocol) -> bool:
    """Whether its frames are those of HTTP."""
    return isinstance(protocol.dissector(SessionKeys()), HttpDissector)


def dissector(name: str) -> str:
    """The text of a Lua file; raises UserError for a protocol that none can be made for."""
    protocol = registry.protocol(name)
    family = FAMILIES.get(name)
    if family is None and is_http(protocol):
        port = protocol.ports[0]
        raise UserError(
            f"{name} is HTTP, which Wireshark reads by itself: filter by `http`, at another port "
            f"than {port} by Decode As"
        )
    code = Code(protocol)
    if family is not None:
        family(code, protocol, importlib.import_module(protocol.make_dissector.__module__))
    else:
        bare(code, _table(protocol))
    return code.text()


def _table(protocol: Protocol) -> Table:
    """The messages of a protocol whose datagrams hold one each; raises UserError for another."""
    around = getattr(protocol.view_frame, "__globals__", {})  # a file may be no known module
    table = around.get("TABLE")
    if isinstance(table, Table) and type(protocol.dissector(SessionKeys())) is DatagramDissector:
        return table
    made = ", ".join(sorted(FAMILIES))
    raise UserError(
        f"no Wireshark dissector can be made of {protocol.name}: there are {made}, and every "
        "protocol with datagrams of one message each, described in a `TABLE`"
    )
