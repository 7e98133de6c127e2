"""What goes to the client of one flow: by the rules of the user, and no faster than it reads.

A stand-in says messages, by its rules or from a recording. What the user's own rules (`--rules`,
a fuzz run) make of one is sealed, sent and recorded here; a frame that is delayed, or put behind
others, waits in an outbox.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from proxy.outbox import Outbox
from proxy.redirect import Redirect
from proxy.rules import Swallow
from recordings.model import Direction
from replay.adaptive.conversation import Conversation
from replay.adaptive.mutated import Mutator, Part

if TYPE_CHECKING:
    from replay.standin.performer import Performer

DOWN = Direction.TO_CLIENT
SLOW_LIMIT = 8 << 20
"""Bytes that may wait for a client that does not read; then its flow is ended."""
UNHEARD_LIMIT = 128 << 10
"""Bytes of datagrams for a client that has said nothing since: who is at that address may never
have asked, so that a recording's long speech is not aimed at a stranger by one datagram."""


class Speech:
    """The mouth of one flow."""

    def __init__(self, performer: Performer) -> None:
        self._performer = performer
        self._unheard = 0
        self._rules = [
            rule
            for rule in performer.rules
            if not isinstance(rule, Redirect | Swallow) and rule.holds(DOWN)
        ]
        self._mutator = (
            Mutator(performer.protocol, self._rules, self._seal, self._failed)
            if self._rules
            else None
        )
        self._box = Outbox(performer.stream, self._send, self._later) if self._rules else None

    def heard(self) -> None:
        """The client has said something."""
        self._unheard = 0

    def teach(self, conversation: Conversation) -> None:
        """What a recording says obeys the rules, too."""
        conversation.obey(self._rules, self._failed)

    def changed(self, clear: bytes, cipher: str | None, *, sealed: bool) -> bool:
        """Say a message as the rules want it; False: as it is, which nobody has done yet."""
        if self._mutator is None:
            return False
        at = self._performer.cast.world.now()
        parts = self._mutator.parts(DOWN, clear, cipher, at, sealed=sealed)
        if parts is None:
            return False
        for part in parts:
            if part.wire is not None:
                self._performer.dissector.feed(DOWN, part.wire, at)
        self.perform(parts)
        return True

    def perform(self, parts: Iterable[Part]) -> None:
        """Send and record what the rules made of a message; the dissector has seen it."""
        for part in parts:
            self._put(part)
            self._performer.recorded(part.frame, part.message)
            if (
                self._mutator is not None and part.frame.raw is not None
            ):  # the message itself: what was inserted has none
                self._mutator.recorded(part.frame)

    def passes(self, wire: bytes) -> bool:
        """Send wire bytes, behind those that wait; False: the flow is over."""
        if not self._ready():
            return False
        box = self._box
        for data in box.put(wire) + box.passed() if box is not None else (wire,):
            self._send(data)
        return True

    def rest(self) -> None:
        """Send what still waits: the flow is about to end."""
        for data in self._box.flush() if self._box is not None else ():
            self._send(data)

    def _put(self, part: Part) -> None:
        box, wire = self._box, part.wire
        if wire is None or box is None or not self._ready():
            return
        if part.behind:
            box.keep(part.behind, lambda: wire)
        elif part.delay:
            box.delay(wire, part.delay)
        else:
            self.passes(wire)

    def _ready(self) -> bool:
        performer = self._performer
        pipe = performer.pipe
        if pipe is None or performer.over:
            return False
        waiting = getattr(pipe, "waiting", None)  # a stream tells, datagrams never wait
        if waiting is not None and waiting(DOWN) > SLOW_LIMIT:
            performer.note("slow", f"the client has not read {SLOW_LIMIT} bytes, its flow is ended")
            performer.close("too slow", True)
            return False
        return True

    def _send(self, data: bytes) -> None:
        performer = self._performer
        if performer.pipe is None or performer.over:
            return
        if not performer.stream:
            before, self._unheard = self._unheard, self._unheard + len(data)
            if self._unheard > UNHEARD_LIMIT:
                if before <= UNHEARD_LIMIT:
                    fact = f"{UNHEARD_LIMIT} bytes went to a client that says nothing: no more goes"
                    performer.note("unheard", fact, None)
                return
        performer.pipe.send(DOWN, data)

    def _later(self, seconds: float, call: Callable[[], None]) -> None:
        if self._performer.pipe is not None:
            self._performer.pipe.later(seconds, call)

    def _seal(self, direction: Direction, clear: bytes, cipher: str | None) -> bytes:
        return self._performer.dissector.seal(direction, clear, cipher)

    def _failed(self, reason: str) -> None:
        self._performer.warn("rule-failed", reason, None)


class Silence(Speech):
    """Of a flow that is over: nothing is said, and the flow is not held."""

    def __init__(self) -> None:
        """There is no flow."""

    def heard(self) -> None:
        """See `Speech.heard`."""

    def teach(self, conversation: Conversation) -> None:
        """See `Speech.teach`."""

    def changed(self, clear: bytes, cipher: str | None, *, sealed: bool) -> bool:
        """See `Speech.changed`."""
        return True

    def perform(self, parts: Iterable[Part]) -> None:
        """See `Speech.perform`."""

    def passes(self, wire: bytes) -> bool:
        """See `Speech.passes`."""
        return False

    def rest(self) -> None:
        """See `Speech.rest`."""


SILENCE = Silence()
