"""The tap on one flow: what passed is dissected, viewed and recorded; held frames meet the rules.

Pass first: a direction that no rule holds has been forwarded before the tap sees it, so that
nothing here can break a game. A held direction is framed first; the tap answers what to forward.
Nothing that a peer sends, and no fault of a protocol file, raises out of here.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence

from proxy import registry
from proxy.dissector import LOST, Dissector
from proxy.flow import Flow, Store, Watch, as_json
from proxy.keys import SessionKeys
from proxy.message import Message, Opaque
from proxy.rules import Drop, Rule, judge
from recordings.errors import UserError
from recordings.model import Action, Direction, Frame, Transport

_KEYED = re.compile(r"encipher|secret|challenge|\b(?:s?key|mask)\b")
"""What the doubts of a dissector speak of when a key is missing."""


class _Broken(Dissector):
    """Stands in for a dissector that failed: every chunk is one opaque frame."""

    def feed(self, direction: Direction, data: bytes, at: int) -> list[Frame]:
        return [Frame(direction, at, data, error=LOST)]


class _Held:
    """A direction that is framed before it is forwarded."""

    __slots__ = ("ahead", "kept")

    def __init__(self) -> None:
        self.kept = bytearray()  # raw bytes that no frame has held yet
        self.ahead = 0  # how many of them were forwarded by a flush


class Tap:
    """The sink of one flow (see `proxy.relay.api.Sink`)."""

    def __init__(
        self,
        flow: Flow,
        keys: SessionKeys,
        store: Store,
        *,
        now: Callable[[], int],
        rules: Sequence[Rule] = (),
        watch: Watch | None = None,
        on_closed: Callable[[Tap, str], None] | None = None,
        on_refused: Callable[[str], None] | None = None,
    ) -> None:
        self.flow = flow
        self.frames = self.bytes = self.errors = 0
        self._protocol = flow.protocol
        self._dissector = flow.protocol.dissector(keys, flow.listen.transport)
        self._store = store
        self._now = now
        self._rules = rules
        self._watch = watch
        self._on_closed = on_closed
        self._on_refused = on_refused
        self._warned: set[str] = set()
        self._held = {d: _Held() for d in Direction if any(r.holds(d) for r in rules)}
        self._stream = flow.listen.transport is Transport.TCP

    # What passed already

    def held(self, direction: Direction) -> bool:
        """See `Sink.held`."""
        return direction in self._held

    def seen(self, direction: Direction, data: bytes) -> None:
        """See `Sink.seen`."""
        for frame in self._feed(direction, data, self._now()):
            self._record(frame, self._view(frame))

    # What waits for an answer

    def through(self, direction: Direction, data: bytes) -> list[bytes]:
        """See `Sink.through`."""
        side = self._held[direction]
        if self._stream:
            side.kept += data
        out: list[bytes] = []
        for frame in self._feed(direction, data, self._now()):
            self._pass(side, frame, out)
        if side.ahead and len(side.kept) > side.ahead:
            out += self.flush(direction)  # the rest of a frame that is on its way already
        if len(out) > 1 and self._stream:
            return [b"".join(out)]
        return out

    def pending(self, direction: Direction) -> int:
        """See `Sink.pending`."""
        side = self._held.get(direction)
        return len(side.kept) - side.ahead if side else 0

    def flush(self, direction: Direction) -> list[bytes]:
        """See `Sink.flush`: the frame goes on as it came, what is still missing of it too."""
        side = self._held.get(direction)
        if not side or len(side.kept) == side.ahead:
            return []
        rest = bytes(side.kept[side.ahead :])
        side.ahead = len(side.kept)
        return [rest]

    def ended(self, direction: Direction) -> list[bytes]:
        """See `Sink.ended`."""
        for frame in self._finish(self._dissector, direction):
            self._record(frame, self._view(frame))
        return self.flush(direction)

    # What happens beside the bytes

    def event(self, kind: str, detail: str) -> None:
        """See `Sink.event`."""
        self.note(kind, detail)

    def note(self, kind: str, detail: str, frame_id: int | None = None) -> None:
        """Record an event of this flow."""
        flow = self.flow
        try:
            self._store.add_event(
                kind,
                detail,
                at=self._now(),
                session_id=flow.session,
                flow_id=flow.id,
                frame_id=frame_id,
            )
        except UserError as error:
            self._refused(str(error))
        if self._watch:
            self._watch.event(flow, kind, detail)

    def closed(self, reason: str) -> None:
        """See `Sink.closed`."""
        for direction in Direction:
            self.ended(direction)
        if self._on_closed:
            self._on_closed(self, reason)

    # One frame

    def _feed(self, direction: Direction, data: bytes, at: int) -> list[Frame]:
        try:
            return self._dissector.feed(direction, data, at)
        except Exception as error:  # a fault of the protocol file must not reach the game
            return self._broken(direction, data, at, error)

    def _broken(self, direction: Direction, data: bytes, at: int, error: Exception) -> list[Frame]:
        """The dissector failed: what it holds and all that follows is opaque."""
        reason = f"lost: {self._protocol.name} failed: {type(error).__name__}: {error}"
        failed, self._dissector = self._dissector, _Broken(self._dissector.keys)
        kept = b"".join(frame.raw or b"" for frame in self._finish(failed, direction))
        if direction in self._held and self._stream:
            kept = bytes(self._held[direction].kept)
        for frame in self._finish(failed, direction.other):
            self._record(frame, self._view(frame))
        return [Frame(direction, at, kept or data, error=reason)]

    def _finish(self, dissector: Dissector, direction: Direction) -> list[Frame]:
        try:
            return dissector.finish(direction, self._now())
        except Exception as error:
            self._warn("lost", f"{self._protocol.name} failed: {error}", None)
            return []

    def _view(self, frame: Frame) -> Message:
        try:
            if frame.protocol is None:
                return self._protocol.view(frame)
            return registry.protocol(frame.protocol).view(frame)
        except Exception as error:  # see _feed
            return Opaque(frame.clear, f"{type(error).__name__}: {error}")

    def _record(self, frame: Frame, message: Message) -> None:
        frame.kind = message.kind
        if message.__class__ is Opaque:
            frame.error = frame.error or message.error
        else:
            frame.fields = as_json(message.fields())
        self.frames += 1
        if frame.raw:
            self.bytes += len(frame.raw)
        flow = self.flow
        try:
            self._store.append(flow.id, frame)
            for key in frame.keys:
                self._store.add_key(flow.session, key, flow_id=flow.id, frame_id=frame.id)
        except UserError as error:
            self._refused(str(error))
        if frame.error is not None or frame.derived is not None:
            self._look(frame)
        if self._watch:
            self._watch.frame(flow, frame, message)

    def _look(self, frame: Frame) -> None:
        """Warn once a flow when it is lost, and once when a cipher's key is missing."""
        error = frame.error
        if error is not None:
            self.errors += 1
            if _KEYED.search(error):
                self._warn("key-missing", error, frame.id)
            elif error.startswith("lost: ") and error != LOST:
                self._warn("lost", error[len("lost: ") :], frame.id)
        checks: dict[str, str] = (frame.derived or {}).get("checks") or {}
        for field, verdict in checks.items():
            if verdict.startswith("unknown") and _KEYED.search(verdict):
                self._warn("key-missing", f"{frame.kind}.{field}: {verdict}", frame.id)

    def _warn(self, kind: str, detail: str, frame_id: int | None) -> None:
        if kind not in self._warned:
            self._warned.add(kind)
            self.note(kind, detail, frame_id)

    def _refused(self, reason: str) -> None:
        if self._on_refused:
            self._on_refused(reason)

    # One held frame

    def _pass(self, side: _Held, frame: Frame, out: list[bytes]) -> None:
        """Judge a frame, record it, and add what to forward for it to `out`."""
        raw = frame.raw or b""
        ahead = min(side.ahead, len(raw))
        message = self._view(frame)
        if self._stream:
            del side.kept[: len(raw)]
            side.ahead -= ahead
        if ahead or frame.error is not None:
            self._record(frame, message)
            out.append(self._forward(frame)[ahead:])
            return
        before, verdict, after = judge(self._rules, frame, message, self._rule_failed)
        self._insert(frame, before, out)
        if isinstance(verdict, Drop):
            frame.action = Action.DROPPED
        else:
            wire = self._wire(frame, message, verdict)
            if wire != raw:
                frame.sent = wire
            out.append(wire)
        self._record(frame, message)
        for rule in self._rules:
            rule.recorded(frame)
        self._insert(frame, after, out)

    def _wire(self, frame: Frame, was: Message, now: Message) -> bytes:
        """What to forward for a frame whose message is `now`."""
        if now is not was:
            try:
                wire = self._dissector.seal(frame.direction, now.encode(), frame.cipher)
            except Exception as error:  # see _feed
                self._warn("rule-failed", f"{was.kind} cannot be rewritten: {error}", None)
            else:
                frame.action = Action.CHANGED
                return wire
        return self._forward(frame)

    def _rule_failed(self, error: Exception) -> None:
        self._warn("rule-failed", f"{type(error).__name__}: {error}", None)

    def _forward(self, frame: Frame) -> bytes:
        try:
            return self._dissector.forward(frame)
        except Exception as error:  # see _feed
            self._warn("lost", f"{self._protocol.name} failed: {error}", None)
            return frame.raw or b""

    def _insert(self, beside: Frame, messages: Iterable[Message], out: list[bytes]) -> None:
        for message in messages:
            clear = message.encode()
            wire = self._dissector.seal(beside.direction, clear, beside.cipher)
            frame = Frame(beside.direction, beside.at, None, sent=wire, action=Action.INSERTED)
            if wire != clear:
                frame.plain, frame.cipher = clear, beside.cipher
            out.append(wire)
            self._record(frame, message)
