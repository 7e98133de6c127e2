"""What the user's rules make of a message that is about to be said (`proxy.rules`).

A changed frame keeps both: `raw` is what would have been said (before any cipher), `sent` what was.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from proxy.dissector import PEER_FAULTS
from proxy.message import Message
from proxy.protocol import Protocol
from proxy.rules import Change, Drop, Rule, Unsealed, judge
from recordings.errors import UserError
from recordings.model import Action, Direction, Frame

Seal = Callable[[Direction, bytes, str | None], bytes]
_FAULTS = (*PEER_FAULTS, UserError)


@dataclass(slots=True)
class Part:
    """Bytes that go to the peer, and the frame that is recorded of them."""

    wire: bytes | None
    """None: nothing goes."""
    frame: Frame
    message: Message
    delay: float = 0.0
    """Seconds."""
    behind: int = 0
    """Frames that go before it."""


class Mutator:
    """The rules of one flow."""

    def __init__(
        self,
        protocol: Protocol,
        rules: Sequence[Rule],
        seal: Seal,
        failed: Callable[[str], None],
    ) -> None:
        self._protocol = protocol
        self._rules = rules
        self._seal = seal
        self._failed = failed

    def parts(
        self,
        direction: Direction,
        clear: bytes,
        cipher: str | None,
        at: int,
        *,
        sealed: bool = False,
    ) -> list[Part] | None:
        """What is said instead of a clear frame, in order; None: it stays as it is.

        `sealed`: the bytes are those of the wire already, nobody can read them.
        """
        frame = Frame(direction, at, clear)
        message = self._protocol.view(frame)
        made = judge(self._rules, frame, message, lambda error: self._failed(str(error)))
        if made == Change(message) and made.message is message:
            return None
        seal = _as_is if sealed else self._seal_safely
        beside = (direction, cipher, at, seal)
        parts = list(self._inserted(made.before, Action.INSERTED, *beside))
        parts.append(self._main(frame, message, made, cipher, seal))
        if isinstance(made.message, Message):
            copies = [made.message] * made.copies
            parts += self._inserted(copies, Action.DUPLICATED, *beside)
        parts += self._inserted(made.after, Action.INSERTED, *beside)
        return parts

    def recorded(self, frame: Frame) -> None:
        """The frame that was judged last is in the recording."""
        for rule in self._rules:
            rule.recorded(frame)

    def _main(
        self, frame: Frame, message: Message, made: Change, cipher: str | None, seal: Seal
    ) -> Part:
        if isinstance(made.message, Drop):
            frame.action = Action.DROPPED
            return Part(None, frame, message)
        wire = _wire(frame.direction, made.message, cipher, seal)
        for edit in made.wire:
            wire = edit(wire)
        if made.message is not message or made.wire:
            frame.action = Action.CHANGED
        if made.delay or made.behind:
            frame.action = frame.action or Action.DELAYED
        if wire != frame.raw:
            frame.sent = wire
        return Part(wire, frame, message, made.delay, made.behind)

    def _inserted(
        self,
        messages: Iterable[Message],
        action: Action,
        direction: Direction,
        cipher: str | None,
        at: int,
        seal: Seal,
    ) -> Iterable[Part]:
        for message in messages:
            wire = _wire(direction, message, cipher, seal)
            yield Part(wire, Frame(direction, at, None, sent=wire, action=action), message)

    def _seal_safely(self, direction: Direction, clear: bytes, cipher: str | None) -> bytes:
        try:
            return self._seal(direction, clear, cipher)
        except _FAULTS as error:
            self._failed(f"what was changed cannot be enciphered: {error}")
            return clear


def _as_is(direction: Direction, clear: bytes, cipher: str | None) -> bytes:
    return clear


def _wire(direction: Direction, message: Message, cipher: str | None, seal: Seal) -> bytes:
    clear = message.encode()
    return clear if isinstance(message, Unsealed) else seal(direction, clear, cipher)
