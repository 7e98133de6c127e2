"""What may be done to a frame on its way: the rules that a held direction is run through.

A rule looks at one frame and its message and gives a verdict: the message itself (nothing to do),
another message, `DROP`, or an `Insert` that puts messages of ours beside it. Rules run in order,
each on what the one before it left over. Redirects, swallowed frames and mutations are rules.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeAlias

from proxy.message import Message
from recordings.model import Direction, Frame


class Drop:
    """Do not forward the frame."""

    __slots__ = ()


DROP = Drop()


@dataclass(frozen=True, slots=True)
class Insert:
    """Forward messages of ours before or after the frame."""

    message: Message
    before: tuple[Message, ...] = ()
    after: tuple[Message, ...] = ()


Verdict: TypeAlias = "Message | Drop | Insert"


class Rule(Protocol):
    """One rule of one flow."""

    def holds(self, direction: Direction) -> bool:
        """Whether this direction must be framed before it is forwarded."""
        ...

    def judge(self, frame: Frame, message: Message) -> Verdict:
        """What to do with a frame; the very same message: nothing."""
        ...

    def recorded(self, frame: Frame) -> None:
        """The frame that was judged last is in the recording now and has its id."""
        ...


def judge(
    rules: Sequence[Rule],
    frame: Frame,
    message: Message,
    failed: Callable[[Exception], None],
) -> tuple[list[Message], Message | Drop, list[Message]]:
    """What all rules make of a frame: messages before it, its own or DROP, messages after it.

    A rule that fails is told to `failed` and changes nothing: it must not end a game.
    """
    before: list[Message] = []
    after: list[Message] = []
    for rule in rules:
        try:
            verdict = rule.judge(frame, message)
        except Exception as error:
            failed(error)
            continue
        if isinstance(verdict, Insert):
            before += verdict.before
            after[:0] = verdict.after
            verdict = verdict.message
        if isinstance(verdict, Drop):
            return before, DROP, after
        message = verdict
    return before, message, after


class Swallow:
    """Drops every frame of one kind in one direction (`@tic`: the client then stays in clear)."""

    __slots__ = ("direction", "kind")

    def __init__(self, kind: str, direction: Direction) -> None:
        self.kind = kind
        self.direction = direction

    def holds(self, direction: Direction) -> bool:
        """See `Rule.holds`."""
        return direction is self.direction

    def judge(self, frame: Frame, message: Message) -> Verdict:
        """See `Rule.judge`."""
        if message.kind == self.kind and frame.direction is self.direction:
            return DROP
        return message

    def recorded(self, frame: Frame) -> None:
        """See `Rule.recorded`."""
