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
from proxy.exporting.lua_code import Code
from proxy.exporting.lua_datagrams import bundles, datagrams
from proxy.exporting.lua_text import key_values, tag_fields
from proxy.layouts.codec import Table
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
    "gamespy-natneg": _natneg,
    "gamespy-presence": lambda code, protocol, module: key_values(code, protocol),
    "gamespy-search": lambda code, protocol, module: key_values(code, protocol),
    "kaillera": _kaillera,
}
"""Protocol -> how its frames are laid around its messages."""


def dissector(name: str) -> str:
    """The text of a Lua file; raises UserError for a protocol that none can be made for."""
    protocol = registry.protocol(name)
    family = FAMILIES.get(name)
    if family is None:
        made = ", ".join(sorted(FAMILIES))
        raise UserError(f"no Wireshark dissector can be made of {name}: there are {made}")
    module = importlib.import_module(protocol.make_dissector.__module__)
    code = Code(protocol)
    family(code, protocol, module)
    return code.text()
