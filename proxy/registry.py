"""Which protocols there are: every file in proxy/protocols, and every installed plugin.

Nothing is listed: a protocol is found by its file, `gamespy-presence` in gamespy_presence.py;
a file may hold several protocols in `PROTOCOLS`.
"""

from __future__ import annotations

import importlib
import importlib.util
import pkgutil
from collections.abc import Iterator
from functools import lru_cache
from importlib.metadata import entry_points
from pathlib import Path
from types import ModuleType

import proxy.protocols
from proxy.protocol import Protocol
from recordings.errors import UserError
from recordings.nearest import meant

LONGEST_NAME = 100
"""Characters of a protocol's name; a recording may hold any."""
GROUP = "understudy.protocols"
"""The entry-point group in which an installed package names modules that hold `PROTOCOLS`."""

_added: dict[str, Protocol] = {}
_asked: dict[str, Protocol] = {}
"""Protocols that were found by name already; asked for once a frame."""


def _of(module: ModuleType) -> Iterator[Protocol]:
    yield from module.PROTOCOLS


@lru_cache(maxsize=1)
def _found() -> dict[str, Protocol]:
    found: dict[str, Protocol] = {}
    modules = [
        importlib.import_module(f"proxy.protocols.{info.name}")
        for info in pkgutil.iter_modules(proxy.protocols.__path__)
    ]
    modules += [point.load() for point in entry_points(group=GROUP)]
    for module in modules:
        for protocol in _of(module):
            if protocol.name in found:
                raise UserError(f"two protocols are named {protocol.name}: uninstall one of them")
            found[protocol.name] = protocol
    return found


def protocols() -> dict[str, Protocol]:
    """Every protocol by name."""
    return {**_found(), **_added}


def protocol(name: str) -> Protocol:
    """The protocol of that name; raises UserError, which lists what there is."""
    if len(name) > LONGEST_NAME:
        raise UserError(f"no protocol has a name of {len(name):,} characters: see its flow's row")
    known = _added.get(name) or _asked.get(name)
    if known is not None:
        return known
    for module in _likely(name):
        for found in _of(importlib.import_module(module)):
            if found.name == name:
                _asked[name] = found
                return found
    try:
        return protocols()[name]
    except KeyError:
        names = sorted(protocols())
        hint = meant(name, names) or f"there are {', '.join(names)}"
        raise UserError(f"no protocol is named {name!r}: {hint}") from None


def is_added(name: str) -> bool:
    """Whether a protocol is one that only this run knows: other processes do not have it."""
    return name in _added


def _likely(name: str) -> Iterator[str]:
    """Modules that may hold a protocol, so that not all need to be imported: `raw` for raw-udp."""
    words = name.split("-")
    for end in range(len(words), 0, -1):
        stem = "_".join(words[:end])
        if stem.isidentifier() and importlib.util.find_spec(f"proxy.protocols.{stem}"):
            yield f"proxy.protocols.{stem}"


def replace(protocol: Protocol) -> None:
    """Use this one for its name from now on, in this process."""
    _added[protocol.name] = protocol


def add_file(path: Path) -> list[Protocol]:
    """Load a protocol file that is not part of the house (`--protocol-file`)."""
    spec = importlib.util.spec_from_file_location(f"understudy_{path.stem}", path)
    if spec is None or spec.loader is None:
        raise UserError(f"{path} is no Python file: give the path of a protocol file")
    module = importlib.util.module_from_spec(spec)
    try:
        spec.loader.exec_module(module)
        added = list(_of(module))
    except (OSError, SyntaxError, AttributeError, ImportError, TypeError) as error:
        raise UserError(f"{path} cannot be used as a protocol file: {error}") from error
    _added.update({one.name: one for one in added})
    return added
