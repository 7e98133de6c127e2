"""The line of IRC: `[:prefix ]COMMAND[ param]...[ :last]`, ended by a line feed.

Only the last parameter may hold spaces, behind ` :`. Parameters may be empty, as two spaces in a
row; nothing is trimmed, so that a line encodes back exactly. Text is Latin-1, byte for byte.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, ClassVar, Self

from proxy.layouts.values import Value
from proxy.message import FieldError, Message, WireError
from recordings.model import Json, Span

_COMMAND = re.compile(r"[A-Za-z0-9]+")
_ENDS = ("\r\n", "\n", "")
_FORBIDDEN = re.compile(r"[\r\n\0]")
MORE = "more"
"""Where parameters beyond the named ones are."""


class IrcLine(Message):
    """One line; a protocol's subclass names the parameters of its commands."""

    __slots__ = ("colon", "command", "end", "kind", "params", "prefix")
    names: ClassVar[Mapping[str, tuple[str, ...]]] = {}
    """Kind -> names of the parameters in order; `:name` is the one behind ` :` if there is one."""
    values: ClassVar[Mapping[str, Value]] = {}
    """`KIND.name` -> how that parameter is shown."""

    def __init__(
        self,
        prefix: str | None,
        command: str,
        params: tuple[str, ...],
        colon: bool = False,
        end: str = "\r\n",
    ) -> None:
        self.prefix = prefix
        self.command = command
        self.params = params
        self.colon = colon
        self.end = end
        self.kind = command.upper()

    @classmethod
    def parse(cls, data: bytes) -> Self:
        """Read one line; raises WireError for one without a command."""
        text = data.decode("latin-1")
        end = next(end for end in _ENDS if text.endswith(end))
        text = text[: len(text) - len(end)]
        prefix = None
        if text.startswith(":"):
            prefix, _, text = text[1:].partition(" ")
        command, space, rest = text.partition(" ")
        if not _COMMAND.fullmatch(command):
            raise WireError(f"byte {0 if prefix is None else len(prefix) + 2}: no command")
        rest = space + rest
        middle, colon, last = rest.partition(" :")
        params = middle.split(" ")[1:]
        if colon:
            params.append(last)
        return cls(prefix, command, tuple(params), bool(colon), end)

    def _state(self) -> tuple[object, ...]:
        return (type(self), self.prefix, self.command, self.params, self.colon, self.end)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, IrcLine) and self._state() == other._state()

    def __hash__(self) -> int:
        return hash(self._state())

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.encode()!r})"

    def encode(self) -> bytes:
        return ("".join(text for _, text in self._pieces()) + self.end).encode("latin-1")

    def _pieces(self) -> list[tuple[int | None, str]]:
        """The line in pieces: number of the parameter (-1: the prefix, None: neither), and text."""
        pieces: list[tuple[int | None, str]] = []
        if self.prefix is not None:
            pieces += [(None, ":"), (-1, self.prefix), (None, " ")]
        pieces.append((None, self.command))
        for number, param in enumerate(self.params):
            last = self.colon and number == len(self.params) - 1
            pieces += [(None, " :" if last else " "), (number, param)]
        return pieces

    def paths(self) -> dict[str, int]:
        """Path -> number of the parameter; -1 is the prefix."""
        paths = {} if self.prefix is None else {"prefix": -1}
        names = list(self.names.get(self.kind, ()))
        last = next((name for name in names if name.startswith(":")), None)
        count = len(self.params)
        behind = None
        if last and self.colon:
            names.remove(last)
            behind, count = last[1:], count - 1
        for number in range(count):
            surplus = number - len(names)
            name = names[number].lstrip(":") if surplus < 0 else f"{MORE}[{surplus}]"
            paths[name] = number
        if behind:
            paths[behind] = count
        return paths

    def fields(self) -> dict[str, Json]:
        shown: dict[str, Json] = {}
        for path, number in self.paths().items():
            if path.startswith(f"{MORE}["):
                shown.setdefault(MORE, []).append(self.params[number])
            else:
                shown[path] = self._whole(path, number)
        return shown

    def get(self, path: str) -> Any:
        """The parameter as shown; one that is a list in itself as its text."""
        name, number, part = self._find(path)
        whole = self._whole(name, number)
        if part is not None:
            return whole[part]
        return self._text(number) if isinstance(whole, dict) else whole

    def set(self, path: str, value: Any) -> Self:
        """A copy with a parameter changed; raises FieldError for one that is not there."""
        name, number, part = self._find(path)
        known = self.values.get(f"{self.kind}.{name}")
        if part is not None:
            value = {**self._whole(name, number), part: _plain(value)}
        text = known.to_wire(value) if known else _plain(value)
        if text == self._text(number):
            return self
        text.encode("latin-1")
        if _FORBIDDEN.search(text):
            raise ValueError(f"{path}: a line holds no line end and no NUL")
        if number < 0:
            if " " in text:
                raise ValueError(f"{path}: holds no space")
            return self._like(text, self.params, self.colon)
        last = number == len(self.params) - 1
        if not last and (" " in text or text.startswith(":")):
            raise ValueError(f"{path}: only the last parameter holds spaces or begins with a colon")
        colon = self.colon or (last and (" " in text or text.startswith(":")))
        params = (*self.params[:number], text, *self.params[number + 1 :])
        return self._like(self.prefix, params, colon)

    def delete(self, path: str) -> Self:
        """A copy without the prefix or a parameter."""
        _, number, part = self._find(path)
        if part is not None:
            raise FieldError(self.kind, path, self.paths())
        if number < 0:
            return self._like(None, self.params, self.colon)
        last = number == len(self.params) - 1
        params = (*self.params[:number], *self.params[number + 1 :])
        return self._like(self.prefix, params, self.colon and not last)

    def spans(self) -> list[Span]:
        paths = {number: path for path, number in self.paths().items()}
        spans, at = [], 0
        for number, text in self._pieces():
            if number is not None:
                path = paths[number]
                spans.append(Span(path, at, at + len(text)))
                if isinstance(self._whole(path, number), dict):
                    parts = self.values[f"{self.kind}.{path}"].parts(text)
                    spans += [Span(f"{path}.{one}", at + a, at + b) for one, a, b in parts]
            at += len(text)
        return spans

    def _like(self, prefix: str | None, params: tuple[str, ...], colon: bool) -> Self:
        return type(self)(prefix, self.command, params, colon, self.end)

    def _text(self, number: int) -> str:
        return (self.prefix or "") if number < 0 else self.params[number]

    def _whole(self, path: str, number: int) -> Json:
        known = self.values.get(f"{self.kind}.{path}")
        text = self._text(number)
        return known.show(text) if known else text

    def _find(self, path: str) -> tuple[str, int, str | None]:
        paths = self.paths()
        if path in paths:
            return path, paths[path], None
        name, _, part = path.partition(".")
        if name in paths:
            whole = self._whole(name, paths[name])
            if isinstance(whole, dict) and part in whole:
                return name, paths[name], part
        raise FieldError(self.kind, path, paths)


def _plain(value: Any) -> str:
    if value is None or isinstance(value, (dict, list)):
        raise ValueError(f"{value!r} cannot be written as text")
    return value.decode("latin-1") if isinstance(value, bytes) else str(value)
