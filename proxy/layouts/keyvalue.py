r"""The text layout of the older GameSpy services: `\key\value\key\value`, ended by `\final\`.

The first key is the command and the kind; its value slot is often empty. Nothing is escaped, so a
value holds no backslash; it may hold anything else, line ends included. Text is Latin-1, byte for
byte. Forms of the end: `\final\`, `\final\\queryid\2.1` (there `final` is a field), nothing, a lone
backslash, NULs. A key without a value slot, as sloppy servers write the command, is None.
Source: gamespy 1.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, ClassVar, Self

from proxy.layouts.values import Value
from proxy.message import FieldError, Message, WireError
from recordings.model import Json, Span

FINAL = "\\final\\"
MARK = FINAL.encode()
"""The seven bytes that end a message in a stream."""

_INDEXED = re.compile(r"(.*)\[(\d{1,6})\]", re.DOTALL)


def command(clear: bytes) -> bytes:
    """The first key, without reading the rest; empty if there is none."""
    return clear[1 : clear.find(b"\\", 1)] if clear[:1] == b"\\" else b""


def lookup(clear: bytes, key: str) -> bytes | None:
    r"""The value as the makers' reader finds it: behind the first `\key\`, up to the next `\`."""
    mark = f"\\{key}\\".encode("latin-1")
    start = clear.find(mark)
    if start < 0:
        return None
    start += len(mark)
    end = clear.find(b"\\", start)
    return clear[start:] if end < 0 else clear[start:end]


class KeyValue(Message):
    """One message: ordered pairs. A protocol's subclass says which values hide something.

    `tokens` are keys and values in turn, `bare` is the pair that has no value slot (-1: none),
    `tail` is what follows the last pair.
    """

    __slots__ = ("bare", "kind", "tail", "tokens")
    values: ClassVar[Mapping[str, Value]] = {}
    """Key -> how its value is shown."""

    def __init__(self, tokens: tuple[str, ...], tail: str = FINAL, bare: int = -1) -> None:
        self.tokens = tokens
        self.tail = tail
        self.bare = bare
        self.kind = tokens[0]

    @classmethod
    def make(cls, *pairs: tuple[str, object], tail: str = FINAL) -> Self:
        """A message of these pairs, for whoever writes one; values as `set` takes them."""
        (kind, value), *rest = pairs
        message = cls((kind, ""), tail).set(kind, value)
        for key, value in rest:
            message = message.add(key, value)
        return message

    @classmethod
    def parse(cls, data: bytes) -> Self:
        """Read one message; raises WireError for what has no key."""
        text = data.decode("latin-1")
        if text[:1] != "\\":
            raise WireError("byte 0: a message begins with a backslash")
        tail = ""
        if text[-1] == "\0":
            bare_text = text.rstrip("\0")
            text, tail = bare_text, text[len(bare_text) :]
        if text.endswith(FINAL) and len(text) > len(FINAL):
            tokens = text[1:-7].split("\\")
            tail = FINAL + tail
        else:
            tokens = text[1:].split("\\")
        bare = -1
        if len(tokens) % 2:
            bare, tail = _mend(tokens, tail)
        if not tokens[0]:
            raise WireError("byte 1: the command is empty")
        return cls(tuple(tokens), tail, bare)

    def __eq__(self, other: object) -> bool:
        return (
            type(other) is type(self)
            and isinstance(other, KeyValue)
            and (self.tokens, self.tail, self.bare) == (other.tokens, other.tail, other.bare)
        )

    def __hash__(self) -> int:
        return hash((self.tokens, self.tail, self.bare))

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.encode()!r})"

    def encode(self) -> bytes:
        tokens = self.tokens
        if self.bare >= 0:
            slot = 2 * self.bare + 1
            tokens = tokens[:slot] + tokens[slot + 1 :]
        return ("\\" + "\\".join(tokens) + self.tail).encode("latin-1")

    def pairs(self) -> list[tuple[str, str | None]]:
        """Keys and values as they stand on the wire; None: the key has no value slot."""
        pairs: list[tuple[str, str | None]] = list(
            zip(self.tokens[::2], self.tokens[1::2], strict=True)
        )
        if self.bare >= 0:
            pairs[self.bare] = (pairs[self.bare][0], None)
        return pairs

    def fields(self) -> dict[str, Json]:
        keys = self.tokens[::2]
        shown: dict[str, Json] = dict(zip(keys, self.tokens[1::2], strict=True))
        if len(shown) != len(keys):
            keys = tuple(self._paths())
            shown = dict(zip(keys, self.tokens[1::2], strict=True))
        if self.bare >= 0:
            shown[keys[self.bare]] = None
        for key in self.values.keys() & set(self.tokens[::2]):
            for path, name in zip(keys, self.tokens[::2], strict=True):
                if name == key and shown[path] is not None:
                    shown[path] = self.values[key].show(shown[path])
        return shown

    def get(self, path: str) -> Any:
        """The value as shown; a value that is a list in itself as its text."""
        slot, part = self._find(path)
        if part is not None:
            return self._parts(slot)[part]
        return self._shown(slot)

    def set(self, path: str, value: Any) -> Self:
        """A copy with the value changed; a key that is not there is added behind the last."""
        try:
            slot, part = self._find(path)
        except FieldError:
            return self._add_path(path, value)
        if part is not None:
            value = {**self._parts(slot), part: _text(value)}
        elif value == self._shown(slot):
            return self
        tokens = list(self.tokens)
        tokens[slot + 1] = self._wire(tokens[slot], value)
        return self._like(tokens, -1 if self.bare == slot // 2 else self.bare)

    def add(self, key: str, value: Any) -> Self:
        """A copy with one more pair behind the last, even if the key is there already.

        Raises ValueError for a key with a backslash.
        """
        if "\\" in key:
            raise ValueError(f"{key!r}: a key holds no backslash")
        return self._like([*self.tokens, key, self._wire(key, value)], self.bare)

    def delete(self, path: str) -> Self:
        """A copy without the pair, or without one part of a value; the command cannot go."""
        slot, part = self._find(path)
        if part is not None:
            rest = {name: text for name, text in self._parts(slot).items() if name != part}
            return self.set(path[: -len(part) - 1], rest)
        if not slot:
            raise ValueError(f"{path} is the command: a message cannot be without it")
        bare = self.bare
        if bare >= 0:
            bare = -1 if bare == slot // 2 else bare - (bare > slot // 2)
        return self._like([*self.tokens[:slot], *self.tokens[slot + 2 :]], bare)

    def spans(self) -> list[Span]:
        spans: list[Span] = []
        at = 0
        paths = self._paths()
        for index, path in enumerate(paths):
            key, text = self.tokens[2 * index], self.tokens[2 * index + 1]
            at += 1 + len(key)
            if index == self.bare:
                continue
            at += 1 + self._hidden_before(index)
            spans.append(Span(path, at, at + len(text)))
            if key in self.values and isinstance(self.values[key].show(text), dict):
                spans += [
                    Span(f"{path}.{name}", at + start, at + end)
                    for name, start, end in self.values[key].parts(text)
                ]
            at += len(text)
        return spans

    def _hidden_before(self, index: int) -> int:
        """Bytes on the wire in front of a pair that are no field (its length)."""
        return 0

    def _like(self, tokens: list[str], bare: int) -> Self:
        return type(self)(tuple(tokens), self.tail, bare)

    def _paths(self) -> list[str]:
        seen: dict[str, int] = {}
        paths = []
        for key in self.tokens[::2]:
            count = seen.get(key, 0)
            seen[key] = count + 1
            paths.append(f"{key}[{count}]" if count else key)
        return paths

    def _find(self, path: str) -> tuple[int, str | None]:
        """Index of the key in `tokens`, and the name of the part within its value."""
        slot = self._slot(path)
        if slot is not None:
            return slot, None
        at = path.find(".")
        while at >= 0:
            slot = self._slot(path[:at])
            if slot is not None and path[at + 1 :] in self._parts(slot):
                return slot, path[at + 1 :]
            at = path.find(".", at + 1)
        raise FieldError(self.kind, path, self._paths())

    def _slot(self, path: str) -> int | None:
        keys = self.tokens[::2]
        if path in keys:
            return 2 * keys.index(path)
        indexed = _INDEXED.fullmatch(path)
        if not indexed:
            return None
        slots = [slot for slot, key in enumerate(keys) if key == indexed[1]]
        number = int(indexed[2])
        return 2 * slots[number] if number < len(slots) else None

    def _parts(self, slot: int) -> dict[str, Json]:
        key = self.tokens[slot]
        shown = self.values[key].show(self.tokens[slot + 1]) if key in self.values else None
        return shown if isinstance(shown, dict) else {}

    def _shown(self, slot: int) -> Json:
        """The value as shown, one that is a list in itself as its text."""
        key, text = self.tokens[slot], self.tokens[slot + 1]
        if self.bare == slot // 2:
            return None
        shown = self.values[key].show(text) if key in self.values else text
        return text if isinstance(shown, dict) else shown

    def _add_path(self, path: str, value: Any) -> Self:
        head, dot, part = path.rpartition(".")
        slot = self._slot(head) if dot else None
        if slot is not None and (parts := self._parts(slot)):
            return self.set(head, {**parts, part: _text(value)})
        indexed = _INDEXED.fullmatch(path)
        key = indexed[1] if indexed else path
        if indexed and int(indexed[2]) != self.tokens[::2].count(key):
            raise FieldError(self.kind, path, self._paths())
        return self.add(key, value)

    def _wire(self, key: str, value: Any) -> str:
        """The text on the wire for a value that somebody sets."""
        known = self.values.get(key)
        shown = value if isinstance(value, dict) else _text(value)
        text = known.to_wire(shown) if known else _text(value)
        if "\\" in text and not self._counted(key):
            raise ValueError(f"{key}: a value holds no backslash")
        return text

    def _counted(self, key: str) -> bool:
        """Whether a length stands in front of the value, so that it may hold backslashes."""
        return False


def _mend(tokens: list[str], tail: str) -> tuple[int, str]:
    """An odd number of tokens: which key has no value slot, or a lone backslash at the end."""
    if not tail.startswith(FINAL):
        if not tokens[-1] and len(tokens) > 1:
            tokens.pop()
            return -1, "\\" + tail
        tokens.append("")
        return len(tokens) // 2 - 1, tail
    # `\pi\profileid\1...` leaves out the command's slot, `...\bsrdone\final\` the terminator's
    slot = len(tokens) if tokens[-1].endswith("done") else 1
    tokens.insert(slot, "")
    return slot // 2, tail


def _text(value: Any) -> str:
    if value is None or isinstance(value, (dict, list)):
        raise ValueError(f"{value!r} cannot be written as text")
    if isinstance(value, bytes):
        return value.decode("latin-1")
    text = str(int(value)) if isinstance(value, bool) else str(value)
    try:
        text.encode("latin-1")
    except UnicodeEncodeError as error:
        raise ValueError(
            f"{text[error.start]!r} is no Latin-1 character: give the bytes that it has on the wire"
        ) from None
    return text
