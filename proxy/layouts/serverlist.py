"""The records of a Server Browser list: servers with their addresses and keys (gamespy 6.3).

A list is the client's own address and the default port, the keys that every record will have, up
to 254 popular values that records may name by one byte, the records, and `00 FF FF FF FF`. What a
record holds follows from its flags. `Layout` (keys and popular values) is needed to read a record.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from typing import Any

import msgspec
from msgspec.structs import replace

from proxy.layouts.given import from_ip, path_steps, text_bytes, to_ip, unsigned
from proxy.message import WireError
from recordings.model import Json

STRING, BYTE, SHORT = 0, 1, 2
TYPES = {STRING: "string", BYTE: "byte", SHORT: "short"}
INLINE = 0xFF
"""In the place of an index into the popular values: the text itself follows."""

OPTIONAL = (
    (0x10, "port", 2),
    (0x02, "private_ip", 4),
    (0x20, "private_port", 2),
    (0x08, "icmp_ip", 4),
)
"""Flag, name and size of what stands behind the address, in this order."""
HAS_KEYS, HAS_RULES = 0x40, 0x80
LAYOUT_FLAGS = HAS_KEYS | HAS_RULES | sum(flag for flag, _, _ in OPTIONAL)
END = b"\0\xff\xff\xff\xff"


class Short(WireError):
    """More bytes are needed."""

    def __init__(self) -> None:
        super().__init__("server list: it is cut off")


class Cursor:
    """Reads on in bytes that may not all be there yet."""

    __slots__ = ("at", "data", "end")

    def __init__(self, data: bytes | bytearray, at: int = 0) -> None:
        self.data, self.at, self.end = data, at, len(data)

    def take(self, size: int) -> bytes:
        """The next bytes; raises Short."""
        start, self.at = self.at, self.at + size
        if self.at > self.end:
            raise Short
        return bytes(self.data[start : self.at])

    def byte(self) -> int:
        """The next byte as a number; raises Short."""
        at = self.at
        self.at = at + 1
        if at >= self.end:
            raise Short
        return self.data[at]

    def text(self) -> bytes:
        """Up to the next NUL, which is skipped; raises Short."""
        start = self.at
        stop = self.data.find(0, start)
        if stop < 0:
            raise Short
        self.at = stop + 1
        return bytes(self.data[start:stop])


class Layout(msgspec.Struct, frozen=True, dict=True):
    """What the records of one list have in common."""

    keys: tuple[tuple[int, bytes], ...] = ()
    """Type and name."""
    popular: tuple[bytes, ...] = ()

    @cached_property
    def names(self) -> tuple[str, ...]:
        """The names of the keys as steps of a path."""
        return tuple(path_steps("key", (name for _, name in self.keys)))

    def encode(self) -> bytes:
        """Keys and popular values as they stand in a list."""
        keys = b"".join(b"%c%b\0" % key for key in self.keys)
        popular = b"".join(value + b"\0" for value in self.popular)
        return b"%c%b%c%b" % (len(self.keys), keys, len(self.popular), popular)

    def to_json(self) -> Json:
        """For a frame's derived facts; `from_json` reads it."""
        keys = [[kind, name.decode("latin-1")] for kind, name in self.keys]
        return {"keys": keys, "popular": [value.decode("latin-1") for value in self.popular]}

    @classmethod
    def from_json(cls, value: Json) -> Layout:
        """What `to_json` made; nothing gives an empty layout."""
        value = value or {"keys": (), "popular": ()}
        keys = tuple((int(kind), name.encode("latin-1")) for kind, name in value["keys"])
        return cls(keys, tuple(text.encode("latin-1") for text in value["popular"]))


def read_keys(cursor: Cursor) -> tuple[tuple[int, bytes], ...]:
    """The keys that records have; raises WireError for a type that there is not."""
    keys = []
    for number in range(cursor.byte()):
        at, kind = cursor.at, cursor.byte()
        if kind not in TYPES:
            raise WireError(f"keys[{number}].type, byte {at}: {kind} is no type")
        keys.append((kind, cursor.text()))
    return tuple(keys)


def read_layout(cursor: Cursor) -> Layout:
    """Keys and popular values; raises WireError and Short."""
    keys = read_keys(cursor)
    return Layout(keys, tuple(cursor.text() for _ in range(cursor.byte())))


Value = int | bytes
"""Of a key: the number, the index of a popular value, or the text itself."""


class Server(msgspec.Struct, frozen=True):
    """One record. `set` and `pieces` need the layout of its list."""

    flags: int
    ip: bytes
    parts: tuple[bytes, ...]
    """What OPTIONAL names, as far as the flags say so."""
    values: tuple[Value, ...] = ()
    rules: tuple[tuple[bytes, bytes], ...] = ()

    def names(self) -> list[str]:
        """The names of `parts`."""
        return [name for flag, name, _ in OPTIONAL if self.flags & flag]

    def pieces(self, layout: Layout) -> Iterator[tuple[str, bytes]]:
        """Path and bytes in wire order; an empty path for what is no field."""
        yield "flags", bytes((self.flags,))
        yield "ip", self.ip
        yield from zip(self.names(), self.parts, strict=True)
        if self.flags & HAS_KEYS:
            for (kind, _), name, value in zip(layout.keys, layout.names, self.values, strict=True):
                path = f"keys.{name}"
                if isinstance(value, bytes):
                    yield from (("", b"\xff"), (path, value), ("", b"\0"))
                else:
                    yield path, value.to_bytes(2 if kind == SHORT else 1, "big")
        if self.flags & HAS_RULES:
            for name, (key, value) in zip(self.rule_names(), self.rules, strict=True):
                yield from (("", key + b"\0"), (f"rules.{name}", value), ("", b"\0"))
            yield "", b"\0"

    def rule_names(self) -> list[str]:
        """The names of the rules as steps of a path."""
        return path_steps("rule", (key for key, _ in self.rules))

    def encode(self, layout: Layout) -> bytes:
        """The record as it stands in a list: what `pieces` gives, without naming each."""
        out = [bytes((self.flags,)), self.ip, *self.parts]
        if self.flags & HAS_KEYS:
            for (kind, _), value in zip(layout.keys, self.values, strict=True):
                if isinstance(value, bytes):
                    out.append(b"\xff%b\0" % value)
                else:
                    out.append(value.to_bytes(2 if kind == SHORT else 1, "big"))
        if self.flags & HAS_RULES:
            out += (b"%b\0%b\0" % rule for rule in self.rules)
            out.append(b"\0")
        return b"".join(out)

    def show(self, layout: Layout) -> dict[str, Json]:
        """The record for JSON."""
        shown: dict[str, Json] = {"flags": self.flags, "ip": to_ip(self.ip)}
        for name, part in zip(self.names(), self.parts, strict=True):
            shown[name] = to_ip(part) if name.endswith("ip") else int.from_bytes(part, "big")
        if self.flags & HAS_KEYS:
            shown["keys"] = {
                name: _value(layout, kind, value)
                for (kind, _), name, value in zip(
                    layout.keys, layout.names, self.values, strict=True
                )
            }
        if self.flags & HAS_RULES:
            values = (value.decode("latin-1") for _, value in self.rules)
            shown["rules"] = dict(zip(self.rule_names(), values, strict=True))
        return shown

    def set(self, layout: Layout, steps: tuple[str | int, ...], value: Any) -> Server:
        """A copy with one field changed; raises LookupError and ValueError.

        Who moves the public address (or its port) moves the private one too: a client whose own
        public address is the same goes to the private one.
        """
        if len(steps) == 1:
            changed = self._set_part(str(steps[0]), value)
            moved = steps[0] in ("ip", "port") and changed != self
            return changed._moved() if moved else changed
        group, name = steps if len(steps) == 2 else ("", "")
        if group == "keys" and self.flags & HAS_KEYS:
            at = layout.names.index(name) if name in layout.names else -1
            if at >= 0:
                new = self._value_for(layout, at, value)
                return replace(self, values=(*self.values[:at], new, *self.values[at + 1 :]))
        if group == "rules" and name in self.rule_names():
            at = self.rule_names().index(str(name))
            rule = (self.rules[at][0], text_bytes(value))
            return replace(self, rules=(*self.rules[:at], rule, *self.rules[at + 1 :]))
        raise LookupError(name)

    def _value_for(self, layout: Layout, at: int, value: Any) -> Value:
        kind, old = layout.keys[at][0], self.values[at]
        if kind == STRING:
            return old if value == _value(layout, kind, old) else text_bytes(value)
        return unsigned(value, 2 if kind == SHORT else 1)

    def _moved(self) -> Server:
        parts = dict(zip(self.names(), self.parts, strict=True))
        if "private_ip" in parts:
            parts["private_ip"] = self.ip
        if "private_port" in parts and "port" in parts:
            parts["private_port"] = parts["port"]
        return replace(self, parts=tuple(parts.values()))

    def _set_part(self, name: str, value: Any) -> Server:
        if name == "ip":
            return replace(self, ip=from_ip(value))
        if name == "flags":
            flags = unsigned(value, 1)
            if (flags ^ self.flags) & LAYOUT_FLAGS:
                raise ValueError(f"flags {flags:#x} would say that the record holds other fields")
            return replace(self, flags=flags)
        names, parts = self.names(), dict(zip(self.names(), self.parts, strict=True))
        flag = next((flag for flag, known, _ in OPTIONAL if known == name), 0)
        if name not in names and name != "port":
            raise LookupError(name)
        ip = name.endswith("ip")
        parts[name] = from_ip(value) if ip else unsigned(value, 2).to_bytes(2, "big")
        kept = tuple(parts[known] for _, known, _ in OPTIONAL if known in parts)
        return replace(self, flags=self.flags | flag, parts=kept)


def read_server(cursor: Cursor, layout: Layout) -> Server | None:
    """The next record, None at the end of the list; raises WireError and Short."""
    flags = cursor.byte()
    ip = cursor.take(4)
    if not flags and ip == END[1:]:
        return None
    parts = tuple(cursor.take(size) for flag, _, size in OPTIONAL if flags & flag)
    values: list[Value] = []
    for kind, name in layout.keys if flags & HAS_KEYS else ():
        at, value = cursor.at, cursor.byte()
        if kind == SHORT:
            values.append(value << 8 | cursor.byte())
        elif kind == BYTE or value < len(layout.popular):
            values.append(value)
        elif value == INLINE:
            values.append(cursor.text())
        else:
            shown = name.decode("latin-1")
            raise WireError(f"servers.keys.{shown}, byte {at}: no popular value {value}")
    rules = []
    while flags & HAS_RULES and (key := cursor.text()):
        rules.append((key, cursor.text()))
    return Server(flags, ip, parts, tuple(values), tuple(rules))


def _value(layout: Layout, kind: int, value: Value) -> Json:
    if isinstance(value, bytes):
        return value.decode("latin-1")
    return layout.popular[value].decode("latin-1") if kind == STRING else value
