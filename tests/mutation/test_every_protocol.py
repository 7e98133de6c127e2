"""Every field of every protocol's golden bytes, set on its way: the other side reads it.

What goes on is read by a dissector of its own that saw all that went before: lengths, counts,
checksums and ciphers must fit.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterator
from typing import Any

import pytest

import tests.vectors
from proxy import registry
from proxy.keys import SessionKeys
from proxy.message import OPAQUE, FieldError, Message
from proxy.protocol import Protocol
from recordings.model import Json
from replay.adaptive.fields import leaves
from tests.mutation.bench import Bench
from tests.protocols.harness import Vector
from tests.replay.diff.sittings import other

FRAMING = ("headers.Content-Length", "headers.Content-Length[1]", "status", "final")
"""Fields that say where a message ends: another value makes it end elsewhere, as it should."""

TELLING = {
    ("a second list on the same connection", "ip"),
    ("a second list on the same connection", "port"),
    ("a refusal in clear", "text"),
}
"""Vector and field by which a reader tells what it is: another value is another message."""


def vectors() -> dict[str, list[Vector]]:
    """Golden bytes by protocol."""
    found: dict[str, list[Vector]] = {}
    for info in pkgutil.iter_modules(tests.vectors.__path__):
        name = info.name
        while name.replace("_", "-") not in registry.protocols():
            name = name.rpartition("_")[0]
        module = importlib.import_module(f"tests.vectors.{info.name}")
        known = found.setdefault(name.replace("_", "-"), [])
        for value in vars(module).values():
            if isinstance(value, tuple) and value and isinstance(value[0], Vector):
                known += [one for one in value if one not in known and one.kind != OPAQUE]
    return found


ALL = vectors()


def bench(protocol: Protocol, vector: Vector, *rules: dict[str, Any]) -> Bench:
    """A relay that has seen what came before the vector."""
    transport = vector.transport or protocol.transports[0]
    made = Bench(*rules, protocol=protocol, transport=transport)
    made.keys.secrets = vector.secrets
    for key in vector.keys:
        made.keys.learn(key)
    for direction, data in vector.before:
        made.send(direction, data)
    return made


def view(protocol: Protocol, vector: Vector, wire: bytes) -> Message:
    """What the other side reads."""
    machine = protocol.dissector(SessionKeys(vector.keys, vector.secrets), vector.transport)
    for direction, data in vector.before:
        machine.feed(direction, data, 0)
    frames = machine.feed(vector.direction, wire, 0)
    assert len(frames) == 1, f"{len(frames)} frames"
    own = registry.protocol(frames[0].protocol) if frames[0].protocol else protocol
    return own.view(frames[0])


def relayed(protocol: Protocol, vector: Vector, path: str, new: Json) -> bytes:
    """What goes on for the vector when that field of it is set."""
    before = len(bench(protocol, vector).frames)
    rule = {"filter": "~all", "set": {path: new}, "add": True, "skip": before}
    relay = bench(protocol, vector, rule)
    passed = len(relay.out[vector.direction])
    relay.send(vector.direction, vector.raw)
    return b"".join(relay.out[vector.direction][passed:])


def settable(message: Message) -> Iterator[tuple[str, Json]]:
    """Fields with another value that they take."""
    for path, value in leaves(message.fields()):
        if path in FRAMING:
            continue
        new = other(value, 2)
        try:
            if message.set(path, new).encode() != message.encode():
                yield path, new
        except (FieldError, ValueError, TypeError, LookupError):
            continue


@pytest.mark.parametrize("name", ALL)
def test_a_field_that_is_set_is_read_by_the_other_side(name: str) -> None:
    protocol, tried = registry.protocol(name), 0
    for vector in ALL[name]:
        before = view(protocol, vector, vector.raw)
        for path, new in settable(before):
            if (vector.name, path) in TELLING:
                continue
            where = (vector.name, path, new)
            tried += 1
            wire = relayed(protocol, vector, path, new)
            read = view(protocol, vector, wire)
            assert read.encode() == before.set(path, new).encode(), where
    print(f"{name}: {tried} fields set and read")
    assert tried
