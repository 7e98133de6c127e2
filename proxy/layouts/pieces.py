"""A binary body of named pieces of fixed sizes, for the few in a protocol that is text else."""

from __future__ import annotations

from typing import Any

from proxy.message import FieldError
from recordings.model import Span


class Pieces:
    """One body; the layout is (name, bytes) in order, 0 bytes for the rest. Shown as hex."""

    __slots__ = ("_layout", "_values")

    def __init__(self, layout: tuple[tuple[str, int], ...], body: bytes) -> None:
        self._layout = layout
        self._values: dict[str, bytes] = {}
        for name, size in layout:
            self._values[name] = body[:size] if size else body
            body = body[size:]

    def encode(self) -> bytes:
        """The body's bytes."""
        return b"".join(self._values.values())

    def fields(self) -> dict[str, str]:
        """The pieces as hex."""
        return {name: piece.hex() for name, piece in self._values.items()}

    def names(self) -> list[str]:
        """The names of the pieces."""
        return list(self._values)

    def get(self, path: str) -> str | None:
        """One piece as hex; None: no such piece."""
        return self.fields().get(path)

    def wire(self, path: str) -> str | None:
        """The same as `get`: a piece has no other text on the wire."""
        return self.get(path)

    def set(self, path: str, value: Any) -> Pieces:
        """A copy with one piece replaced, by bytes or hex; raises FieldError, ValueError."""
        if path not in self._values:
            raise FieldError("Pieces", path, self.names())
        piece = value if isinstance(value, bytes) else bytes.fromhex(str(value))
        copy = Pieces(self._layout, b"")
        copy._values = {**self._values, path: piece}
        return copy

    def delete(self, path: str) -> Pieces:
        """A copy with the piece left empty; raises FieldError."""
        return self.set(path, b"")

    def spans(self, offset: int = 0) -> list[Span]:
        """Where each piece lies; `offset` is where the body begins."""
        spans = []
        for name, piece in self._values.items():
            spans.append(Span(name, offset, offset + len(piece)))
            offset += len(piece)
        return spans
