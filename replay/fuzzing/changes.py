"""What one run does otherwise: changes of one message, or of its place among the others."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum

from proxy.message import FieldError, Message
from proxy.mutation.edits import Edit, Replaced, SetField, apply

UNFIT = "unfit"
"""A field changed while the lengths stay."""
SHOWN = 12
"""Characters of a repeated one above which it is counted."""
FAULTS = (FieldError, ValueError, TypeError, LookupError, OverflowError)
"""What an edit raises that a message cannot take."""


class Move(Enum):
    """A message in another place than it has."""

    SKIP = "left out"
    LATE = "said behind the next one"
    TWICE = "said twice"

    def __str__(self) -> str:
        return self.value


@dataclass(frozen=True, slots=True)
class Changed:
    """One edit of the message."""

    edit: Edit
    unfit: bool = False
    """Lengths, counts and checksums stay what they were."""

    def __str__(self) -> str:
        text = str(self.edit)
        value = self.edit.value if isinstance(self.edit, SetField) else ""
        if isinstance(value, str) and len(value) > SHOWN and isinstance(self.edit, SetField):
            if len(set(value)) == 1:
                text = f"{self.edit.path} = {value[0]!a} x {len(value):,}"
            else:
                text = f"{text} ({len(value):,} characters)"
        return f"{text}, the lengths as they were" if self.unfit else text


OneChange = Move | Changed
Changes = tuple[OneChange, ...]


def shown(changes: Sequence[OneChange]) -> str:
    """Changes for a person."""
    return "; ".join(map(str, changes)) or "nothing"


def place_of(change: OneChange) -> str:
    """What a change is about: findings at the same place are likely the same defect."""
    if isinstance(change, Move):
        return change.name
    if isinstance(change.edit, Replaced):
        return f"byte {change.edit.start}"
    return UNFIT if change.unfit else change.edit.path


def changed(message: Message, changes: Sequence[OneChange], prefix: str = "") -> Message:
    """The message with the edits that it takes; `prefix` leads to it within a bundle."""
    for one in changes:
        if isinstance(one, Move):
            continue
        edit = one.edit
        if prefix and not isinstance(edit, Replaced):
            edit = _within(edit, prefix)
        try:
            message = apply([edit], message, raw=one.unfit)
        except FAULTS:
            continue  # this server's message has no such field, or cannot say it
    return message


def _within(edit: Edit, prefix: str) -> Edit:
    if isinstance(edit, SetField):
        return SetField(prefix + edit.path, edit.value)
    return edit if isinstance(edit, Replaced) else type(edit)(prefix + edit.path)
