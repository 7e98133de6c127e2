"""A frame that a rule is to change, and what every action gives back."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from proxy.message import Message
from proxy.mutation.chance import Chance
from proxy.mutation.edits import DeleteField, Edit, SetField, apply
from proxy.mutation.reading import Given
from proxy.rules import Change, WireEdit
from recordings.model import Frame


@dataclass(slots=True)
class Occasion:
    """A frame that a rule was asked about and that it is to change."""

    frame: Frame
    message: Message
    protocol: str
    chance: Chance


Done: TypeAlias = tuple[Change, str] | None
"""What is to be done, and the note of it."""
Action: TypeAlias = Callable[[Occasion], Done]


def edited(given: Given, occasion: Occasion, edits: Sequence[Edit], what: str) -> Done:
    """A message with edits made to it, unless that leaves it as it was."""
    now = apply(edits, occasion.message, raw=given.raw)
    if now.encode() == occasion.message.encode():
        return None
    return Change(now), what


def on_wire(edit: WireEdit, occasion: Occasion, what: str) -> Done:
    """The bytes on the wire changed, whatever they are."""
    return Change(occasion.message, wire=(edit,)), what


def paths(edits: Sequence[Edit]) -> str:
    """The fields that edits change."""
    return ", ".join(one.path for one in edits if isinstance(one, SetField | DeleteField))
