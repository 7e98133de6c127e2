"""The fields of a message as a flat list, and which of them are volatile by declaration.

A path of the table `Protocol.volatile` is `KIND.PATH` or `*.PATH`, `[]` for any index; it covers
everything below it. The most exact entry wins.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import TypeAlias

from proxy.message import Message
from proxy.protocol import Protocol, Volatile
from recordings.model import Json

Leaf: TypeAlias = tuple[str, Json]
"""Path and value: text, a number, None, an empty list or an empty object."""

_INDEX = re.compile(r"\[\d+\]")
_LAST = re.compile(r"(?:\.?[^.\[\]]+|\[\])$")


def leaves(fields: Mapping[str, Json]) -> list[Leaf]:
    """Every single value of a message's `fields()`, in wire order."""
    flat: list[Leaf] = []
    for name, value in fields.items():
        if isinstance(value, (dict, list)):
            flat.extend(_below(name, value))
        else:
            flat.append((name, value))
    return flat


def _below(path: str, value: Json) -> Iterator[Leaf]:
    if value and isinstance(value, dict):
        for name, inner in value.items():
            yield from _below(f"{path}.{name}", inner)
    elif value and isinstance(value, list):
        for number, inner in enumerate(value):
            yield from _below(f"{path}[{number}]", inner)
    else:
        yield path, value


def leaves_of(message: Message) -> list[Leaf]:
    """See `leaves`; none for an opaque message."""
    return leaves(message.fields())


def last_name(path: str) -> str:
    """`users[0].Name` -> `name`: what a field is called, wherever it stands."""
    return _INDEX.sub("", path).rpartition(".")[2].lower()


class Masks:
    """Which fields of a protocol's messages differ at every run, and how each is renewed.

    `also` are further `KIND.PATH` to mask, given by the user.
    """

    def __init__(self, protocol: Protocol, also: tuple[str, ...] = ()) -> None:
        self._table: dict[str, Volatile] = dict(protocol.volatile)
        self._folded = {name.lower(): rule for name, rule in self._table.items()}
        for name in also:
            self._folded.setdefault(name.lower(), Volatile("learned", "given by the user"))
        self._known: dict[tuple[str, str], Volatile | None] = {}

    def rule(self, kind: str, path: str) -> Volatile | None:
        """How the field is renewed; None: it is the same at every run."""
        try:
            return self._known[kind, path]
        except KeyError:
            rule = self._known[kind, path] = self._look(kind, path)
            return rule

    def _look(self, kind: str, path: str) -> Volatile | None:
        pattern = _INDEX.sub("[]", path)
        while pattern:
            names = (pattern, pattern.removesuffix("[]"))
            for name in (f"{who}.{what}" for who in (kind, "*") for what in names):
                rule = self._table.get(name) or self._folded.get(name.lower())
                if rule is not None:
                    return rule
            shorter = _LAST.sub("", pattern)
            pattern = "" if shorter == pattern else shorter
        return None
