"""One change of one message, as a value: a field set or deleted, or bytes replaced.

Fields are changed through the message, so that lengths, counts and checksums follow; `raw` writes
a field's new bytes over its old ones instead and leaves all others as they were.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from proxy.message import Message, Opaque
from recordings.model import Span
from recordings.text import crop, safe

SHOWN = 60
"""Characters of a value in a note."""


def show(value: Any) -> str:
    """A value for a note."""
    text = value.hex() if isinstance(value, bytes) else str(value)
    return crop(repr(safe(text)) if isinstance(value, str) else safe(text), SHOWN)


@dataclass(frozen=True, slots=True)
class SetField:
    """Set a field, or add it where the message is a list of keys."""

    path: str
    value: Any

    def apply(self, message: Message) -> Message:
        """The changed message; raises FieldError or ValueError."""
        return message.set(self.path, self.value)

    def __str__(self) -> str:
        return f"{self.path} = {show(self.value)}"


@dataclass(frozen=True, slots=True)
class DeleteField:
    """Leave a field out."""

    path: str

    def apply(self, message: Message) -> Message:
        """The changed message; raises FieldError or ValueError."""
        return message.delete(self.path)

    def __str__(self) -> str:
        return f"{self.path} deleted"


@dataclass(frozen=True, slots=True)
class Replaced:
    """Other clear bytes instead of `length` of them at `start`."""

    start: int
    length: int
    data: bytes

    def apply(self, message: Message) -> Message:
        """The frame with these bytes, as nothing but bytes."""
        clear = message.encode()
        return Opaque(clear[: self.start] + self.data + clear[self.start + self.length :])

    def __str__(self) -> str:
        was = f"{self.length} bytes at {self.start}"
        return f"{was} = {crop(self.data.hex(), SHOWN)}" if self.data else f"{was} left out"


Edit: TypeAlias = SetField | DeleteField | Replaced


def apply(edits: Sequence[Edit], message: Message, *, raw: bool = False) -> Message:
    """All edits, one after the other; raises FieldError or ValueError.

    With `raw` what follows from the fields stays as it was, and the result is only bytes.
    """
    for edit in edits:
        changed = edit.apply(message)
        if raw and not isinstance(edit, Replaced):
            changed = _spliced(message, changed, edit.path)
        message = changed
    return message


def _spliced(was: Message, now: Message, path: str) -> Message:
    """The old bytes with the new bytes of one field in place of its old ones."""
    old, new = was.encode(), now.encode()
    before, after = _span(was.spans(), path), _span(now.spans(), path)
    if before is None:
        return Opaque(new)  # the field was not there: there is nothing to write over
    data = new[after.start : after.end] if after else b""
    return Opaque(old[: before.start] + data + old[before.end :])


def _span(spans: Sequence[Span], path: str) -> Span | None:
    return next((one for one in spans if one.path.casefold() == path.casefold()), None)


def leaf_spans(message: Message) -> list[Span]:
    """Fields whose bytes are known, those within others instead of these, in order of the bytes."""
    spans = message.spans()
    paths = {span.path for span in spans}
    return sorted(
        (
            span
            for span in spans
            if span.end > span.start
            and not any(other.startswith((f"{span.path}.", f"{span.path}[")) for other in paths)
        ),
        key=lambda span: span.start,
    )


def readable(message: Message) -> bool:
    """Whether the message has fields to change."""
    return not isinstance(message, Opaque)
