"""What may be done to a frame on its way: the rules that a held direction is run through.

A rule looks at one frame and its message and gives a verdict: the message itself (nothing to do),
another message, `DROP`, an `Insert` that puts messages of ours beside it, or a `Change` that does
more. Rules run in order, each on what the one before it left over. Redirects, swallowed frames and
mutations are rules.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeAlias, runtime_checkable

from proxy.message import Message, Opaque
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


class Unsealed(Opaque):
    """Bytes to insert as they are, on the wire: no cipher is applied to them."""

    __slots__ = ()


WireEdit: TypeAlias = Callable[[bytes], bytes]
"""Changes a frame's bytes on the wire, after all ciphers."""


@dataclass(frozen=True, slots=True)
class Change:
    """Everything that may be done to a frame at once."""

    message: Message | Drop
    before: tuple[Message, ...] = ()
    after: tuple[Message, ...] = ()
    copies: int = 0
    """How often the frame is sent once more, right behind itself."""
    wire: tuple[WireEdit, ...] = ()
    delay: float = 0.0
    """Seconds that it goes on later; what follows in a stream waits behind it."""
    behind: int = 0
    """Frames of its direction that go on before it."""

    def then(self, later: Change) -> Change:
        """Both: `later` was judged on this one's message."""
        return Change(
            later.message,
            self.before + later.before,
            later.after + self.after,
            self.copies + later.copies,
            self.wire + later.wire,
            self.delay + later.delay,
            max(self.behind, later.behind),
        )


Verdict: TypeAlias = "Message | Drop | Insert | Change"


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


@runtime_checkable
class Choosy(Protocol):
    """A rule that leaves all frames alone but those of a few kinds, which a protocol announces."""

    kinds: frozenset[str]


def chosen(rules: Sequence[Rule]) -> frozenset[str] | None:
    """The kinds that any of the rules looks at; None: all."""
    found: set[str] = set()
    for rule in rules:
        if not isinstance(rule, Choosy):
            return None
        found |= rule.kinds
    return frozenset(found)


def judge(
    rules: Sequence[Rule],
    frame: Frame,
    message: Message,
    failed: Callable[[Exception], None],
) -> Change:
    """What all rules together make of a frame.

    A rule that fails is told to `failed` and changes nothing: it must not end a game.
    """
    made = Change(message)
    for rule in rules:
        try:
            verdict = rule.judge(frame, message)
        except Exception as error:
            failed(error)
            continue
        if isinstance(verdict, Insert):
            verdict = Change(verdict.message, verdict.before, verdict.after)
        if isinstance(verdict, Change):
            made = made.then(verdict)
        elif verdict is not message:
            made = made.then(Change(verdict))
        if isinstance(made.message, Drop):
            return made
        message = made.message
    return made


class Swallow:
    """Drops every frame of one kind in one direction (`@tic`: the client then stays in clear)."""

    __slots__ = ("direction", "kind", "kinds")

    def __init__(self, kind: str, direction: Direction) -> None:
        self.kind = kind
        self.kinds = frozenset((kind,))
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
