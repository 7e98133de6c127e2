"""What a frame says: the interface that every message of every protocol has.

A message is immutable. Fields are addressed by path, `name`, `users[0].name`; a repeated key of a
text protocol by `KEY[1]`. `encode()` of an unchanged message gives back the very bytes that it was
viewed from; lengths, counts and checksums are no fields, they follow from the rest.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any, ClassVar, Self

from recordings.model import Json, Span

OPAQUE = "Opaque"
"""The kind of a frame that cannot be viewed."""


class WireError(ValueError):
    """The peer's bytes do not fit the protocol. The text names place, offset and fact."""


class FieldError(LookupError):
    """A path that the message does not have. The text names the nearest one that it has."""

    def __init__(self, kind: str, path: str, known: Iterable[str]) -> None:
        super().__init__(kind, path, tuple(known))

    def __str__(self) -> str:
        kind, path, known = self.args  # only now: a peer may have sent a hundred thousand names
        near = difflib.get_close_matches(path, sorted(set(known)), 1, 0.4)
        hint = f"; did you mean {near[0]}?" if near else ""
        return f"{kind} has no field {path}{hint}"


_STEP = re.compile(r"([^.\[\]]+)|\[(\d+)\]")


@lru_cache(maxsize=4096)
def split_path(path: str) -> tuple[str | int, ...]:
    """`users[0].name` -> ("users", 0, "name")."""
    return tuple(m[1] if m[1] is not None else int(m[2]) for m in _STEP.finditer(path))


class Message:
    """Base of all messages. Subclasses are immutable and compare by value."""

    __slots__ = ()
    kind: str

    def encode(self) -> bytes:
        """The frame's clear bytes."""
        raise NotImplementedError

    def fields(self) -> dict[str, Json]:
        """Every field in wire order, ready for JSON: text as str, bytes as lower-case hex."""
        raise NotImplementedError

    def get(self, path: str) -> Any:
        """The value at `path`, typed; raises FieldError."""
        raise NotImplementedError

    def set(self, path: str, value: Any) -> Self:
        """A copy with the field changed (added, where the protocol is a list of keys).

        A str is accepted for every type (`0x10`, hex, text). Raises FieldError or ValueError.
        """
        raise NotImplementedError

    def set_all(self, values: Mapping[str, Any]) -> Self:
        """A copy with all of these fields changed, as by one `set` after the other."""
        changed = self
        for path, value in values.items():
            changed = changed.set(path, value)
        return changed

    def delete(self, path: str) -> Self:
        """A copy without the field, where the protocol allows that; raises FieldError."""
        raise FieldError(self.kind, path, ())

    def spans(self) -> list[Span]:
        """Which of the bytes of `encode()` hold which field."""
        return []


class Opaque(Message):
    """A frame that cannot be viewed: recorded, replayed and mutated like the rest."""

    __slots__ = ("body", "error")
    kind: ClassVar[str] = OPAQUE  # type: ignore[misc]

    def __init__(self, body: bytes, error: str | None = None) -> None:
        self.body = body
        self.error = error

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Opaque) and other.body == self.body

    def __hash__(self) -> int:
        return hash(self.body)

    def __repr__(self) -> str:
        return f"Opaque({self.body!r}, {self.error!r})"

    def encode(self) -> bytes:
        return self.body

    def fields(self) -> dict[str, Json]:
        return {}

    def get(self, path: str) -> Any:
        raise FieldError(self.kind, path, ())

    def set(self, path: str, value: Any) -> Self:
        raise FieldError(self.kind, path, ())
