"""The sink of one flow of a stand-in: hears the client, has it answered, records both sides.

Where there is an upstream it is a plain tap, until the upstream is found absent: then the stand-in
takes over. What nobody could answer is told at once, counted, and recorded as an event.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from proxy import registry
from proxy.flow import Flow
from proxy.keys import SessionKeys
from proxy.message import Message, Opaque
from proxy.protocol import Protocol
from proxy.relay.api import Address, Listen, Pipe
from proxy.rules import Drop, judge
from proxy.tap import Tap
from recordings.model import Direction, Frame
from replay.adaptive.lines import Line
from replay.standin.live import Upstream
from replay.standin.pacing import Pace
from replay.standin.speech import SILENCE, Speech
from replay.standin.world import Client, Gone, Sitting

if TYPE_CHECKING:
    from replay.standin.cast import Cast
    from replay.standin.tape import Tape

UP, DOWN = Direction.TO_SERVER, Direction.TO_CLIENT
UNANSWERED = "unanswered"
"""Kind of the event for what could not be answered."""
MOST_EVENTS = 10_000
"""Events for unanswered messages of one flow that are recorded; all of them are counted."""
PATIENCE = 3.0
"""Seconds that a server may take for its first datagram before the stand-in takes over."""
MOST_ASKED = 64
"""Messages that are kept for a stand-in that takes over."""


class Performer(Tap):
    """One flow."""

    def __init__(self, cast: Cast, flow: Flow, keys: SessionKeys, **tap: Any) -> None:
        super().__init__(flow, keys, cast.store, **tap)
        self.cast = cast
        self.playing = flow.listen.upstream is None
        """Whether the stand-in answers, not a server."""
        self.tape: Tape | None = None
        self.upstream: Upstream | None = None
        """A live server that says what the recording does not know."""
        self.client = Client(
            self,
            flow.protocol,
            flow.client,
            flow.local,
            transport=flow.listen.transport,
            role=flow.listen.role,
            hostname=flow.listen.hostname,
        )
        self.key: tuple[Listen, Address] | None = None
        """By what the cast finds it."""
        self.unanswered = 0
        self._told: set[tuple[str, str]] = set()
        self._events = 0
        self._pace = Pace(self._now, self._hear)
        self._begun = False
        self._asked: list[tuple[Frame, Message]] = []
        self._heard = False
        self.over = False
        self.speech: Speech = Speech(self)

    # The relay

    def started(self, pipe: Pipe) -> None:
        """See `Actor.started`."""
        super().started(pipe)
        if self.playing:
            self._begin()
            return
        if not self.stream:
            pipe.later(PATIENCE, self._waited)
        self.upstream = self.cast.beside(self)

    def _waited(self) -> None:
        """A server that is absent refuses no datagram: it is silent."""
        if self._asked and not self._heard and not self.over:
            self.takes_over(f"the server has not answered for {PATIENCE:g} seconds")

    def takes_over(self, reason: str) -> bool:
        """See `Actor.takes_over`."""
        if not self.playing:
            self.playing, self.upstream = True, None
            said = self.flow.listen.upstream in self.cast.gone
            self.cast.gone.add(self.flow.listen.upstream)
            tell = self._keep_event if said else self.note
            tell("stand-in", f"the stand-in takes over: {reason}", None)
            if self.pipe is not None:
                self._begin()
        return True

    def held(self, direction: Direction) -> bool:
        """See `Sink.held`: the stand-in forwards nothing; beside a live server it decides."""
        return not self.playing and (self.upstream is not None or super().held(direction))

    def seen(self, direction: Direction, data: bytes) -> None:
        """See `Sink.seen`."""
        if not self.playing or direction is DOWN:
            self._look_on(direction, data)
            return
        self.speech.heard()
        for frame in self._feed(direction, data, self._now()):
            message = self.view(frame)
            self.record(frame, message)
            self._pace.came(self.pipe, frame, message)

    def through(self, direction: Direction, data: bytes) -> list[bytes]:
        """See `Sink.through`."""
        self._heard = self._heard or direction is DOWN
        if self.upstream is None:
            return super().through(direction, data)
        return (self._both if direction is UP else self._live)(self.upstream, data)

    def _both(self, upstream: Upstream, data: bytes) -> list[bytes]:
        """The client speaks: the recording answers what it knows, the upstream hears all."""
        out = []
        for frame in self._feed(UP, data, self._now()):
            message = self.view(frame)
            self.record(frame, message)
            self.client.frame = frame
            told: list[Line] | None = None
            if self.tape is not None:
                told = self.tape.hear_only(frame, message)
            if told is not None:
                for key in self.dissector.keys:
                    upstream.tell(key.name, key.key)
            out.append(upstream.say(frame, message, told))
        return out

    def _live(self, upstream: Upstream, data: bytes) -> list[bytes]:
        """The upstream speaks: what the recording has not answered is passed on."""
        out = []
        for frame, message in upstream.heard(data, self._now()):
            made = judge(self.rules, frame, message, lambda error: None).message
            if isinstance(made, Drop):
                continue
            clear = made.encode()
            if not isinstance(made, Opaque):
                clear = self.dissector.seal(DOWN, clear, frame.cipher)
            for mine in self._feed(DOWN, clear, frame.at):
                self.recorded(mine, self.view(mine))
                for rule in self.rules:
                    rule.recorded(mine)
            out.append(clear)
        return out

    def _look_on(self, direction: Direction, data: bytes) -> None:
        """A server answers; what it has not answered yet is remembered, it may be gone."""
        self._heard = self._heard or direction is DOWN
        for frame in self._feed(direction, data, self._now()):
            message = self.view(frame)
            self.record(frame, message)
            if not self._heard and len(self._asked) < MOST_ASKED:
                self._asked.append((frame, message))

    def closed(self, reason: str) -> None:
        """See `Sink.closed`."""
        self.over = True
        self._pace.stop()
        super().closed(reason)
        if self.tape is not None:
            self.tape.stop()
        if self._begun:
            self.cast.stage.closed(self.client)
        # see Tap.closed
        self.tape, self.speech, self.client.port = None, SILENCE, Gone(self.sitting)

    def _begin(self) -> None:
        if self._begun:
            return
        self._begun = True
        self.cast.began(self)
        self.cast.stage.opened(self.client, mute=self.tape is not None)
        if self.tape is not None:
            self.tape.greet()
        asked, self._asked = self._asked, []
        for frame, message in asked:
            self._hear(frame, message)

    # What the client says

    def _hear(self, frame: Frame, message: Message) -> None:
        self.client.frame, self.client.said = frame, message.kind
        protocol = self.protocol if frame.protocol is None else registry.protocol(frame.protocol)
        rules = self.cast.stage.rules(protocol.name)
        tape = self.tape
        if tape is not None and not (rules and rules.beside and rules.claims(self.client, message)):
            missing = tape.hear(frame, message)
        else:
            missing = message.kind
        if rules is not None and (tape is None or rules.beside):
            turn = self.cast.stage.heard(
                self.client, message, protocol=protocol.name, mute=missing is None
            )
            if missing is not None and turn.known:
                missing = turn.unanswered
        if missing is not None and self._awaits(protocol, message):
            how = tape.guess() if tape is not None else None
            if how is not None:
                self._tell_once("guessed", how, frame.id)
                return
            self._unanswered(frame, message, missing if missing != message.kind else None)

    def _awaits(self, protocol: Protocol, message: Message) -> bool:
        """Whether a client waits for an answer to that."""
        if isinstance(message, Opaque) or not protocol.answers:
            return True
        if message.kind in protocol.answers:
            return True
        return all(kind.name != message.kind for kind in protocol.kinds)  # nobody knows

    def _unanswered(self, frame: Frame, message: Message, why: str | None) -> None:
        if why is None:
            why = getattr(message, "error", None) or "no rule and no recording knows it"
        self.unanswered += 1
        self.cast.unanswered += 1
        detail = why if why.startswith(message.kind) else f"{message.kind}: {why}"
        self._tell_once(UNANSWERED, detail, frame.id)

    def _tell_once(self, kind: str, detail: str, frame_id: int) -> None:
        """Record an event; show it only the first time."""
        if (kind, detail) not in self._told and len(self._told) < 1000:
            self._told.add((kind, detail))
            self.note(kind, detail, frame_id)
        elif self._events < MOST_EVENTS:
            self._events += 1
            self._keep_event(kind, detail, frame_id)

    # What it is told (see `replay.standin.world.Port`)

    @property
    def sitting(self) -> Sitting:
        """See `Port`."""
        return self.cast.sitting(self.flow.session)

    def say(self, message: Message, cipher: str | None, digest: bool) -> None:
        """See `Port.say`."""
        clear = message.encode()
        clear = self.dissector.digest(DOWN, clear) if digest else clear
        opaque = isinstance(message, Opaque)
        if not self.speech.changed(clear, cipher, sealed=opaque):
            self.send(clear if opaque else self.dissector.seal(DOWN, clear, cipher))

    def send(self, wire: bytes) -> None:
        """Send bytes of ours and record the frames that they make."""
        if self.speech.passes(wire):
            for frame in self._feed(DOWN, wire, self._now()):
                self.recorded(frame, None if self._elsewhere else self.view(frame))

    def deliver(self, wire: bytes, frames: list[tuple[Frame, Message]]) -> None:
        """Send bytes whose frames the flow's dissector has seen already, and record those."""
        if self.speech.passes(wire):
            for frame, message in frames:
                self.recorded(frame, message)
                self.cast.stage.told(self.client, message)

    def recorded(self, frame: Frame, message: Message | None) -> None:
        """Record a frame of ours; what was announced before hangs from it."""
        self.record(frame, message)
        self.cast.doors.hang(self, frame.id)

    def close(self, reason: str, reset: bool) -> None:
        """See `Port.close`."""
        if self.pipe is not None:
            self.speech.rest()
            self.pipe.close(reason, reset=reset)
