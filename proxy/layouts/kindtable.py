"""Tables of kinds as plain text, for protocols with many kinds of a few named fields each.

    > @dir | 3 | asks the directory for a lobby
      PROD string game and platform; LANG string language
    = ~png | 1, 3 | keepalive

A kind's line has its direction (`>` c>s, `<` s>c, `=` both), name, section and meaning; the
indented lines below it its fields: name, type, meaning. Volatile fields have a table of their own:

    @dir       ADDR ours host; PORT ours port; SESS fresh
    user,onln  PERS echo

A type is one of `TYPES`, so that a `;` within a meaning cannot make a field of its own.
Several kinds of one line are joined by commas; an `echo` of nothing is one of the same field.
"""

from __future__ import annotations

from itertools import product
from typing import cast, get_args

from proxy.protocol import Field, Kind, Renewal, Volatile
from recordings.model import Direction

_WAYS = {
    ">": (Direction.TO_SERVER,),
    "<": (Direction.TO_CLIENT,),
    "=": (Direction.TO_SERVER, Direction.TO_CLIENT),
}
TYPES = frozenset(["string", "number", "address", "binary", "time", "flags", "pop", "tagfield"])
"""What a field can be (ea-lobby 2)."""


def _field(text: str) -> Field:
    name, kind, *meaning = text.split(None, 2)
    if kind not in TYPES:
        raise ValueError(f"{name}: {kind!r} is no type of a field")
    return Field(name, kind, meaning[0] if meaning else "")


def kinds_of(table: str, reference: str) -> tuple[Kind, ...]:
    """The kinds of a table; their source is `REFERENCE SECTION`. A broken table is a ValueError."""
    heads: list[tuple[str, list[Field]]] = []
    for line in table.strip("\n").splitlines():
        if line[0] != " ":
            heads.append((line, []))
        else:
            heads[-1][1].extend(_field(text) for text in line.split(";") if text.strip())
    kinds = []
    for head, fields in heads:
        title, section, meaning = (part.strip() for part in head.split("|"))
        way, names = title.split()
        source = f"{reference} {section}"
        kinds += [
            Kind(name, _WAYS[way], meaning, tuple(fields), source) for name in names.split(",")
        ]
    return tuple(kinds)


def volatile_of(table: str) -> dict[str, Volatile]:
    """The volatile fields of a table, as `Protocol.volatile` wants them; ValueError if broken."""
    rules = {}
    for line in table.strip().splitlines():
        kinds, fields = line.split(None, 1)
        for kind, field in product(kinds.split(","), fields.split(";")):
            name, how, *hint = field.split(None, 2)
            if how not in get_args(Renewal):
                raise ValueError(f"{kind}.{name}: {how!r} is no way to renew a field")
            of = hint[0] if hint else f"{kind}.{name}" if how == "echo" else ""
            rules[f"{kind}.{name}"] = Volatile(cast(Renewal, how), of.strip())
    return rules
