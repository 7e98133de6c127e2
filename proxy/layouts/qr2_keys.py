"""Wire types of QR2's heartbeats and replies: keys with values, tables of players (gamespy 5.2).

All text is Latin-1 and ended by a NUL; numbers are big-endian.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import chain
from typing import Any

import msgspec

from proxy.layouts.given import path_steps
from proxy.layouts.layout import Misfit, Steps, Wire
from proxy.layouts.values import DecimalAddress
from recordings.model import Json

_DECIMAL = DecimalAddress()


def _tokens(data: bytes, offset: int, end: int) -> list[str]:
    """Every text that a NUL ends, and behind them what no NUL ends."""
    return data[offset:end].decode("latin-1").split("\0")


def _size(tokens: list[str]) -> int:
    return sum(map(len, tokens)) + len(tokens)


def _no_nul(offset: int, tokens: list[str]) -> Misfit:
    return Misfit("", offset + _size(tokens[:-1]), "the text has no NUL at its end")


def _joined(texts: list[str]) -> bytes:
    """Texts as they stand on the wire; raises ValueError."""
    written = "\0".join([*texts, ""]).encode("latin-1")
    if written.count(0) != len(texts):
        raise ValueError("a text holds a NUL, which would end it")
    return written


def nul_text(text: Any) -> bytes:
    """A text as it stands on the wire; raises ValueError."""
    written = str(text).encode("latin-1")
    if 0 in written:
        raise ValueError(f"{text!r} holds a NUL, which would end the text")
    return written + b"\0"


class Pairs(Wire):
    """Keys and values, each ended by a NUL, and an empty key at the end.

    The value is a tuple of pairs. `publicip` is shown as an address, though the wire has the
    decimal value of its little-endian read.
    """

    name = "keys and values, an empty key"

    def read(self, data: bytes, offset: int, end: int) -> tuple[Any, int]:
        tokens = _tokens(data, offset, end)
        for at in range(0, len(tokens) - 1, 2):
            if not tokens[at]:
                pairs = tuple(zip(tokens[:at:2], tokens[1:at:2], strict=True))
                return pairs, offset + _size(tokens[: at + 1])
        raise _no_nul(offset, tokens)

    def write(self, value: Any) -> bytes:
        return _joined([*chain.from_iterable(value), ""])

    def _names(self, value: Any) -> list[str]:
        return path_steps("key", (key.encode("latin-1") for key, _ in value))

    def show(self, value: Any) -> Json:
        return {
            name: _shown(key, text)
            for name, (key, text) in zip(self._names(value), value, strict=True)
        }

    def parse(self, value: Any) -> Any:
        if isinstance(value, str):
            value = msgspec.json.decode(value)
        pairs = value.items() if isinstance(value, Mapping) else value
        return tuple((str(key), _unshown(str(key), text)) for key, text in pairs)

    def child(self, value: Any, step: str | int) -> tuple[Wire, Any]:
        at = self._names(value).index(str(step)) if step in self._names(value) else -1
        if at < 0:
            raise LookupError(step)
        return LEAF, _shown(*value[at])

    def put(self, value: Any, steps: Steps, new: Any) -> Any:
        if not steps:
            return super().put(value, steps, new)
        if len(steps) != 1:
            raise LookupError(steps[1])
        step, names = str(steps[0]), self._names(value)
        if step not in names:
            text = _unshown(step, new)
            _joined([step, text])
            return (*value, (step, text))
        at = names.index(step)
        pair = (value[at][0], _unshown(value[at][0], new))
        nul_text(pair[1])
        return (*value[:at], pair, *value[at + 1 :])

    def drop(self, value: Any, steps: Steps) -> Any:
        names = self._names(value)
        if len(steps) != 1 or steps[0] not in names:
            raise LookupError(steps)
        at = names.index(str(steps[0]))
        return (*value[:at], *value[at + 1 :])

    def parts(self, value: Any, path: str, start: int) -> Iterator[tuple[str, int, int]]:
        for name, (key, text) in zip(self._names(value), value, strict=True):
            start += len(key) + 1
            yield f"{path}.{name}", start, start + len(text)
            start += len(text) + 1


def _shown(key: str, text: str) -> Json:
    return _DECIMAL.show(text) if key == "publicip" else text


def _unshown(key: str, value: Any) -> str:
    text = str(value)
    return _DECIMAL.write(text) if key == "publicip" and text.count(".") == 3 else text


class _Leaf(Wire):
    """A text within a list of texts."""

    name = "text, NUL"

    def write(self, value: Any) -> bytes:
        return nul_text(value)


LEAF = _Leaf()


@dataclass(frozen=True, slots=True)
class Grid:
    """Rows of values under named columns."""

    names: tuple[str, ...] = ()
    rows: tuple[tuple[str, ...], ...] = ()


class Table(Wire):
    """A number of rows (u16), the names of the columns, an empty name, the values row by row."""

    name = "u16be count, names, an empty name, values"

    def read(self, data: bytes, offset: int, end: int) -> tuple[Any, int]:
        if end - offset < 2:
            raise Misfit("", offset, f"needs 2 bytes, {end - offset} left")
        count = int.from_bytes(data[offset : offset + 2], "big")
        offset += 2
        tokens = _tokens(data, offset, end)
        width = tokens.index("") if "" in tokens else len(tokens)
        last = width + 1 + count * width
        if last >= len(tokens):
            raise _no_nul(offset, tokens)
        names, values = tuple(tokens[:width]), iter(tokens[width + 1 : last])
        rows = tuple(zip(*[values] * width, strict=True)) if width else ((),) * count
        return Grid(names, rows), offset + _size(tokens[:last])

    def write(self, value: Any) -> bytes:
        texts = _joined([*value.names, "", *chain.from_iterable(value.rows)])
        return len(value.rows).to_bytes(2, "big") + texts

    def _names(self, value: Any) -> list[str]:
        return path_steps("key", (name.encode("latin-1") for name in value.names))

    def show(self, value: Any) -> Json:
        names = self._names(value)
        return [dict(zip(names, row, strict=True)) for row in value.rows]

    def parse(self, value: Any) -> Any:
        if isinstance(value, Grid):
            return value
        rows = msgspec.json.decode(value) if isinstance(value, str) else value
        names = tuple(map(str, rows[0])) if rows else ()
        return Grid(names, tuple(tuple(str(row[name]) for name in names) for row in rows))

    def _at(self, value: Any, steps: Steps) -> tuple[int, int]:
        row, name = steps
        names = self._names(value)
        if not isinstance(row, int) or row >= len(value.rows) or name not in names:
            raise LookupError(name)
        return row, names.index(str(name))

    def child(self, value: Any, step: str | int) -> tuple[Wire, Any]:
        if not isinstance(step, int):
            raise LookupError(step)
        return _ROW, dict(zip(self._names(value), value.rows[step], strict=True))

    def put(self, value: Any, steps: Steps, new: Any) -> Any:
        if not steps:
            return super().put(value, steps, new)
        if len(steps) != 2:
            raise LookupError(steps[0])
        at, column = self._at(value, steps)
        nul_text(new)
        row = value.rows[at]
        row = (*row[:column], str(new), *row[column + 1 :])
        return Grid(value.names, (*value.rows[:at], row, *value.rows[at + 1 :]))

    def drop(self, value: Any, steps: Steps) -> Any:
        at = steps[0]
        if len(steps) != 1 or not isinstance(at, int) or at >= len(value.rows):
            raise LookupError(at)
        return Grid(value.names, (*value.rows[:at], *value.rows[at + 1 :]))

    def parts(self, value: Any, path: str, start: int) -> Iterator[tuple[str, int, int]]:
        start += 3 + sum(len(name) + 1 for name in value.names)
        names = self._names(value)
        for number, row in enumerate(value.rows):
            for name, text in zip(names, row, strict=True):
                yield f"{path}[{number}].{name}", start, start + len(text)
                start += len(text) + 1


class _Row(Wire):
    """A row, as names and values."""

    name = "row"

    def child(self, value: Any, step: str | int) -> tuple[Wire, Any]:
        return LEAF, value[step]


_ROW = _Row()
