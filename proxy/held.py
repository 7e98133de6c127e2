"""A held direction of a tap: each frame is judged by the rules before it goes on.

What no rule touches goes on as it came. What the rules make of a frame is sealed under the flow's
own ciphers; a rule or a protocol file that fails changes nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from proxy.message import Message
from proxy.outbox import Outbox
from proxy.rules import Change, Drop, Unsealed, chosen, judge
from recordings.errors import UserError
from recordings.model import Action, Direction, Frame

if TYPE_CHECKING:
    from proxy.tap import Tap


class Held:
    """What of one direction has come and is not forwarded yet."""

    def __init__(self, tap: Tap, direction: Direction) -> None:
        self._tap = tap
        self._kept = bytearray()  # raw bytes that no frame has held yet
        self._ahead = 0  # how many of them were forwarded by a flush
        self._gone = False  # the frame that is judged now has been forwarded, or dropped

        def send(data: bytes) -> None:
            if tap.pipe is not None:
                tap.pipe.send(direction, data)

        def later(seconds: float, call: Callable[[], None]) -> None:
            if tap.pipe is not None:
                tap.pipe.later(seconds, call)

        self._box = Outbox(tap.stream, send, later)
        self._peek = tap.protocol.peek
        self._wanted = chosen(tap.rules)
        self._kinds = self._wanted if self._peek is not None else None
        self._direction = direction

    def passes(self, datagram: bytes) -> bool:
        """Whether it goes on as it is, which one look tells: no rule cares for such a kind."""
        kinds, peek = self._kinds, self._peek
        if kinds is None or peek is None or not self._box.idle:
            return False
        try:
            return peek(self._direction, datagram) not in kinds
        except Exception as error:  # a fault of the protocol file
            self._rule_failed(error)
            return False

    def all_pass(self, frames: list[Frame], data: bytes) -> bool:
        """The same of frames that are exactly what came last; they are no longer kept then."""
        kinds, peek, kept = self._kinds, self._peek, self._kept
        if kinds is None or peek is None or self._ahead or len(kept) != len(data):
            return False
        left = len(data)
        try:
            for frame in frames:
                raw = frame.raw
                if raw is None or frame.plain is not None or peek(self._direction, raw) in kinds:
                    return False
                left -= len(raw)
        except Exception as error:  # see `passes`
            self._rule_failed(error)
            return False
        if left or not self._box.idle:
            return False
        kept.clear()
        return True

    def came(self, data: bytes) -> None:
        """Keep what came until a frame holds it."""
        if self._tap.stream:
            self._kept += data

    @property
    def pending(self) -> int:
        """Bytes that came and that neither a frame nor a flush has forwarded."""
        return len(self._kept) - self._ahead

    def all(self) -> bytes:
        """Everything that no frame has held yet."""
        return bytes(self._kept)

    def overtaken(self) -> list[bytes]:
        """The rest of a frame whose beginning a flush has forwarded already."""
        return self.flush() if self._ahead and self.pending > 0 else []

    def flush(self) -> list[bytes]:
        """Give up waiting: what is delayed, and what came of a frame, to be forwarded now."""
        late = self._box.flush()
        if not self.pending:
            return late
        rest = bytes(self._kept[self._ahead :])
        self._ahead = len(self._kept)
        return [*late, rest]

    def take(self, frame: Frame, out: list[bytes]) -> None:
        """Judge a frame, record it, and add what to forward for it to `out`."""
        ahead = min(self._ahead, len(frame.raw or b""))
        self._gone = False
        try:
            self._take(frame, out)
        except Exception as error:  # a fault of a rule, a protocol file, or ours
            self._rule_failed(error)
            if not self._gone:
                out += self._box.put((frame.raw or b"")[ahead:])

    def _take(self, frame: Frame, out: list[bytes]) -> None:
        raw = frame.raw or b""
        ahead = min(self._ahead, len(raw))
        message = self._tap.view(frame)
        if self._tap.stream:
            del self._kept[: len(raw)]
            self._ahead -= ahead
        if ahead:
            out.append(self._forward(frame)[ahead:])
            self._gone = True
            self._tap.record(frame, message)
            if self._wanted is None or message.kind in self._wanted:
                text = "came with a pause in it: its beginning went on, so that it passes unchanged"
                self._tap.warn("late", f"{message.kind} {text}", frame.id)
            return
        made = judge(self._tap.rules, frame, message, self._rule_failed)
        self._insert(frame, made.before, Action.INSERTED, out)
        if isinstance(made.message, Drop):
            self._gone = True
            frame.action = Action.DROPPED
            self._tap.record(frame, message)
        else:
            self._send(frame, message, made, out)
            self._insert(frame, [made.message] * made.copies, Action.DUPLICATED, out)
        for rule in self._tap.rules:
            rule.recorded(frame)
        self._insert(frame, made.after, Action.INSERTED, out)
        out += self._box.passed()

    def _send(self, frame: Frame, message: Message, made: Change, out: list[bytes]) -> None:
        """Record a frame and forward it: now, after a while, or behind others."""
        if (made.behind or made.delay) and self._tap.pipe is not None:
            frame.action = Action.DELAYED
        if made.behind and self._tap.pipe is not None:
            self._tap.record(frame, message)
            self._box.keep(made.behind + 1, lambda: self._late(frame, message, made))
            self._gone = True
            return
        wire = self._wire(frame, message, made)
        if wire != frame.raw:
            frame.sent = wire
        self._tap.record(frame, message)
        self._gone = True
        if made.delay and self._tap.pipe is not None:
            self._box.delay(wire, made.delay)
        else:
            out += self._box.put(wire)

    def _late(self, frame: Frame, message: Message, made: Change) -> bytes:
        """The bytes of a frame whose turn has come; a cipher has gone on meanwhile."""
        wire = self._wire(frame, message, made)
        if wire != frame.raw:
            frame.sent = wire
            try:
                self._tap.store.forwarded(frame)
            except UserError as error:
                self._tap.refused(str(error))
        return wire

    def _wire(self, frame: Frame, was: Message, made: Change) -> bytes:
        """What to forward for a frame."""
        wire, now = None, made.message
        if now is not was and isinstance(now, Message):
            try:
                wire = self._sealed(frame, now)
            except Exception as error:  # a fault of the protocol file
                self._tap.warn("rule-failed", f"{was.kind} cannot be rewritten: {error}", None)
        changed = wire is not None
        if wire is None:
            wire = self._forward(frame)
        for edit in made.wire:
            try:
                changed, wire = True, edit(wire)
            except Exception as error:  # a fault of the rule
                self._rule_failed(error)
        if changed and frame.action is None:
            frame.action = Action.CHANGED
        return wire

    def _sealed(self, beside: Frame, message: Message) -> bytes:
        """A message as bytes on the wire, enciphered like the frame beside it."""
        clear = message.encode()
        if isinstance(message, Unsealed) or (beside.error is not None and beside.plain is None):
            return clear
        return self._tap.dissector.seal(beside.direction, clear, beside.cipher)

    def _rule_failed(self, error: Exception) -> None:
        named = isinstance(error, UserError)  # its text says all
        text = str(error) if named else f"{type(error).__name__}: {error}"
        self._tap.warn("rule-failed", text, None)

    def _forward(self, frame: Frame) -> bytes:
        try:
            return self._tap.dissector.forward(frame)
        except Exception as error:  # a fault of the protocol file
            self._tap.warn("lost", f"{self._tap.protocol.name} failed: {error}", None)
            return frame.raw or b""

    def _insert(
        self,
        beside: Frame,
        messages: Iterable[Message],
        action: Action,
        out: list[bytes],
    ) -> None:
        for message in messages:
            try:
                wire = self._sealed(beside, message)
            except Exception as error:  # a fault of the protocol file
                self._tap.warn("rule-failed", f"{message.kind} cannot be inserted: {error}", None)
                continue
            frame = Frame(beside.direction, beside.at, None, sent=wire, action=action)
            clear = message.encode()
            if wire != clear:
                frame.plain, frame.cipher = clear, beside.cipher
            out += self._box.put(wire)
            self._tap.record(frame, message)
