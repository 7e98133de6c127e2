"""TagField text, `KEY=VALUE` items: the body of every EA lobby frame (ea-lobby 2).

    items    separated by newline, TAB or blank; clients also end the last one with a newline
    end      one 00 byte, or none; what follows the first 00 is kept but never read
    key      case-insensitive, the first match wins, behind `=` (or `:` at the start of a line)
    value    optional quotes, `%xx` and `%%` escapes; runs to the next byte below 0x20
    line     free text without a key (`news`): addressed as `line`, `line[1]`

Text is Latin-1, so that any bytes are some text. A body is kept as the very pieces that it was cut
into: whatever it holds encodes back to the same bytes, and a change rewrites one value only.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Self

from proxy.layouts.tagvalues import QUOTES, decode, encode, number, text_of
from proxy.message import FieldError
from recordings.model import Span

LINE = "line"
"""The name of a free text line among the keys."""

_NAME = r"[A-Za-z_~@][A-Za-z0-9_~@.+\-]*"
# Blanks alone separate only before `KEY=`: dates hold `20:01:45`, texts end in blanks. A run of
# blanks is tried once, from its first, else a megabyte of them would take for ever.
_ITEM = re.compile(rf"([\x01-\x20](?<!  ) *+)({_NAME})(=)")
_COLON = re.compile(r"([A-Za-z_~@][A-Za-z0-9_~@]*)(:)([^\x00-\x1f]*)")
_BREAK = re.compile(r"([\x01-\x1f]+)")
_CONTROLS = "".join(map(chr, range(1, 32)))
_PATH = re.compile(r"(.+?)\[(\d{1,6})\]")


class TagField:
    """One immutable body.

    `_parts` is [head, separator, key, `=`, value, separator, key, ...], where a free line has an
    empty key and `=`. Joined, less the one newline that parsing puts in front, it is the body.
    """

    __slots__ = ("_parts", "_plain", "_tail")

    def __init__(self, parts: list[str], tail: str, plain: bool) -> None:
        self._parts = parts
        self._tail = tail
        self._plain = plain  # no value has quotes, escapes or a blank in front

    @classmethod
    def parse(cls, body: bytes) -> Self:
        """Cut a body; there is none that cannot be cut."""
        return cls.of(body.decode("latin-1"))

    @classmethod
    def of(cls, text: str) -> Self:
        """Cut a body given as Latin-1 text."""
        end = text.find("\0")
        kept = (text if end < 0 else text[:end]).rstrip(_CONTROLS)
        if not kept:
            return cls([""], text, True)
        parts = _ITEM.split("\n" + kept)
        values = parts[4::4]
        plain = "%" not in kept and '"' not in kept and "'" not in kept and "= " not in kept
        if parts[0] or not "".join(values).isprintable() or (not plain and any(map(_open, values))):
            parts = _recut(kept)
        return cls(parts, text[len(kept) :], plain)

    @classmethod
    def lines(cls, body: bytes) -> Self:
        """Cut a body that is nothing but free text lines."""
        text = body.decode("latin-1")
        kept = text.partition("\0")[0].rstrip(_CONTROLS)
        parts = [""]
        if kept:
            pieces = _BREAK.split("\n" + kept)
            for separator, line in zip(pieces[1::2], pieces[2::2], strict=True):
                parts += [separator, "", "", line]
        return cls(parts, text[len(kept) :], True)

    def encode(self) -> bytes:
        """The body's bytes."""
        return ("".join(self._parts)[1:] + self._tail).encode("latin-1")

    def __eq__(self, other: object) -> bool:
        return isinstance(other, TagField) and other.encode() == self.encode()

    def __hash__(self) -> int:
        return hash(self.encode())

    def __repr__(self) -> str:
        return f"TagField({self.encode()!r})"

    # -- reading -----------------------------------------------------------------------------------

    def fields(self) -> dict[str, str]:
        """Decoded values in wire order; the second item of a key is `KEY[1]`."""
        keys, values = self._parts[2::4], self._parts[4::4]
        if "" not in keys:
            fast = dict(zip(keys, values if self._plain else map(decode, values), strict=True))
            if len(fast) == len(keys):
                return fast
        return {name: self._value(at) for name, at in self._named()}

    def _named(self) -> Iterator[tuple[str, int]]:
        """Unique name and index into `_parts` of every item."""
        seen: dict[str, int] = {}
        for at in range(1, len(self._parts), 4):
            name = self._parts[at + 1] or LINE
            count = seen.get(name, 0)
            seen[name] = count + 1
            yield (f"{name}[{count}]" if count else name), at

    def _value(self, at: int) -> str:
        wire = self._parts[at + 3]
        return decode(wire) if self._parts[at + 2] else wire

    def _find(self, path: str) -> int:
        """Index of the item, 0 for none: as written, else in any case."""
        match = _PATH.fullmatch(path)
        key, count = (match[1], int(match[2])) if match else (path, 0)
        keys = [name or LINE for name in self._parts[2::4]]
        if key not in keys:
            key, keys = key.upper(), [name.upper() for name in keys]
        places = [at for at, name in enumerate(keys) if name == key]
        return places[count] * 4 + 1 if count < len(places) else 0

    def __contains__(self, path: str) -> bool:
        return bool(self._find(path))

    def get(self, path: str, default: str | None = None) -> str | None:
        """The decoded value of `KEY` (any case), `KEY[1]`, or of a nested `KEY.INNER`."""
        at = self._find(path)
        if at:
            return self._value(at)
        outer, _, inner = path.partition(".")
        at = self._find(outer) if inner else 0
        return TagField.of(self._value(at)).get(inner, default) if at else default

    def wire(self, path: str) -> str | None:
        """The wire text of a value, with its quotes and escapes; None: no such key."""
        at = self._find(path)
        return self._parts[at + 3] if at else None

    def number(self, path: str) -> int:
        """See `number`; 0 for a missing key."""
        return number(self.get(path) or "")

    def nested(self, path: str) -> TagField:
        """The value read as TagField text itself (`STAT`); empty for a missing key."""
        return TagField.of(self.get(path) or "")

    def names(self) -> list[str]:
        """The unique names of all items, as `fields` gives them."""
        return [name for name, _ in self._named()]

    def spans(self, offset: int = 0) -> list[Span]:
        """Where each value lies, quotes excluded; `offset` is where the body begins."""
        spans, names = [], {at: name for name, at in self._named()}
        place = offset - 1
        for index, part in enumerate(self._parts):
            name = names.get(index - 3)
            if name is not None:
                quoted = len(part) > 1 and part[0] in QUOTES and part[0] == part[-1]
                spans.append(Span(name, place + quoted, place + len(part) - quoted))
            place += len(part)
        return spans

    # -- changing ----------------------------------------------------------------------------------

    def set(self, path: str, value: Any) -> Self:
        """A copy with one value changed, or added at the end; the other items stay as they are."""
        at = self._find(path)
        outer, _, inner = path.partition(".")
        if not at and inner and self._find(outer):
            nested = TagField.of(self.get(outer) or "").set(inner, value)
            return self.set(outer, nested.encode().decode("latin-1"))
        if not at:
            return self._add(path, text_of(value))
        text = text_of(value)
        return self.set_wire(path, encode(text) if self._parts[at + 2] else text)

    def set_wire(self, path: str, wire: str) -> Self:
        """A copy with the wire text of one value replaced; raises FieldError."""
        at = self._find(path)
        if not at:
            raise FieldError("TagField", path, self.names())
        return self._copy([*self._parts[: at + 3], wire, *self._parts[at + 4 :]], self._tail)

    def _add(self, key: str, value: str) -> Self:
        if not re.fullmatch(_NAME, key):
            raise FieldError("TagField", key, self.names())
        empty = len(self._parts) == 1
        separator = "\n" if empty else self._parts[-4]
        item = ["", "", value] if key == LINE else [key, "=", encode(value)]
        tail = "\n\0" if empty and not self._tail.strip("\n\0") else self._tail
        return self._copy([*self._parts, separator, *item], tail)

    def delete(self, path: str) -> Self:
        """A copy without the item; raises FieldError."""
        at = self._find(path)
        if not at:
            raise FieldError("TagField", path, self.names())
        return self._copy([*self._parts[:at], *self._parts[at + 4 :]], self._tail)

    def _copy(self, parts: list[str], tail: str) -> Self:
        return type(self)(parts, tail, False)


def _open(value: str) -> bool:
    """Whether a value has an opening quote and no closing one."""
    return value[:1] in QUOTES and value.find(value[0], 1) < 0


def _recut(kept: str) -> list[str]:
    """The slow way, for free lines, `KEY:VALUE`, and blanks with `=` inside of quotes."""
    parts = [""]
    pieces = _BREAK.split("\n" + kept)
    for separator, line in zip(pieces[1::2], pieces[2::2], strict=True):
        head, *items = _ITEM.split("\n" + line)
        if head:
            match = _COLON.fullmatch(head, 1)
            parts += [separator, *(match.groups() if match else ("", "", head[1:]))]
        else:
            parts += [separator + items[0][1:], *items[1:4]]
            del items[:4]
        for at in range(0, len(items), 4):
            if _open(parts[-1]):
                parts[-1] += "".join(items[at : at + 4])
            else:
                parts += items[at : at + 4]
    return parts
