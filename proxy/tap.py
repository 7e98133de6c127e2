"""The tap on one flow: what passed is dissected, viewed and recorded; held frames meet the rules.

Pass first: a direction that no rule holds has been forwarded before the tap sees it, so that
nothing here can break a game. A held direction is framed first; the tap answers what to forward.
Nothing that a peer sends, and no fault of a protocol file, raises out of here.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from proxy import annotate, registry
from proxy.dissector import LOST, Dissector
from proxy.faults.fate import Fate
from proxy.flow import Flow, Store, Unread, Watch
from proxy.held import Held
from proxy.keys import FlowKeys, SessionKeys
from proxy.message import Message
from proxy.relay.api import Pipe
from proxy.rules import Rule, chosen
from recordings.errors import UserError
from recordings.model import Direction, Frame, Transport


class _Broken(Dissector):
    """Stands in for a dissector that failed: every chunk is one opaque frame."""

    def feed(self, direction: Direction, data: bytes, at: int) -> list[Frame]:
        return [Frame(direction, at, data, error=LOST)]


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
        unread: Unread | None = None,
    ) -> None:
        """`unread` records a datagram that others dissect, if the protocol lets them."""
        self.flow = flow
        self.frames = self.bytes = self.errors = 0
        self.protocol = flow.protocol
        self.dissector = flow.protocol.dissector(keys, flow.listen.transport)
        self.store = store
        self._now = now
        self.rules = rules
        self._watch = watch
        self._on_closed = on_closed
        self._on_refused = on_refused
        self._warned: set[str] = set()
        self.stream = flow.listen.transport is Transport.TCP
        self.pipe: Pipe | None = None
        self._direct: Pipe | None = None
        """The pipe, when what is sent by it goes to the socket: then frames are sent first and
        recorded afterwards."""
        self.fate: Fate | None = None
        """What the faults of the transport do to the frames that are recorded now."""
        self._elsewhere = store.annotates and not registry.is_added(flow.protocol.name)
        """Whether others say what frames mean, so that this need not."""
        apart = self._elsewhere and self.dissector.apart and chosen(rules) is not None
        self._unread = unread if apart else None
        self._held = {d: Held(self, d) for d in Direction if any(r.holds(d) for r in rules)}

    # What it says by itself (see `Actor`)

    def started(self, pipe: Pipe) -> None:
        """See `Actor.started`."""
        self.pipe = pipe
        self._direct = pipe if getattr(pipe, "direct", False) else None

    def takes_over(self, reason: str) -> bool:
        """See `Actor.takes_over`: a tap answers nobody."""
        return False

    # What passed already

    def held(self, direction: Direction) -> bool:
        """See `Sink.held`."""
        return direction in self._held

    def seen(self, direction: Direction, data: bytes) -> None:
        """See `Sink.seen`."""
        at = self._now()
        if self._unread is not None and self.fate is None:
            self.frames += 1
            self.bytes += len(data)
            try:
                self._unread(self.flow.id, direction, at, data)
            except UserError as error:
                self.refused(str(error))
            return
        try:
            frames = self.dissector.feed(direction, data, at)
        except Exception as error:  # see _feed
            frames = self._broken(direction, data, at, error)
        for frame in frames:
            self.record(frame)

    # What waits for an answer

    def through(self, direction: Direction, data: bytes) -> list[bytes]:
        """See `Sink.through`."""
        side = self._held[direction]
        direct = self._direct if self.fate is None else None
        if direct is not None and not self.stream and side.passes(data):
            direct.send(direction, data)
            self.seen(direction, data)
            return []
        side.came(data)
        frames = self._feed(direction, data, self._now())
        if direct is not None and side.all_pass(frames, data):
            direct.send(direction, data)
            for frame in frames:
                self.record(frame)
            return []
        out: list[bytes] = []
        for frame in frames:
            side.take(frame, out)
        out += side.overtaken()
        if len(out) > 1 and self.stream:
            return [b"".join(out)]
        return out

    def pending(self, direction: Direction) -> int:
        """See `Sink.pending`."""
        side = self._held.get(direction)
        return side.pending if side else 0

    def flush(self, direction: Direction) -> list[bytes]:
        """See `Sink.flush`: the frame goes on as it came, what is still missing of it too."""
        side = self._held.get(direction)
        return side.flush() if side else []

    def ended(self, direction: Direction) -> list[bytes]:
        """See `Sink.ended`."""
        for frame in self._finish(self.dissector, direction):
            self.record(frame)
        return self.flush(direction)

    # What happens beside the bytes

    def event(self, kind: str, detail: str) -> None:
        """See `Sink.event`."""
        self.note(kind, detail)

    def note(self, kind: str, detail: str, frame_id: int | None = None) -> None:
        """Record an event of this flow, and show it."""
        self._keep_event(kind, detail, frame_id)
        if self._watch:
            self._watch.event(self.flow, kind, detail)

    def _keep_event(self, kind: str, detail: str, frame_id: int | None) -> None:
        """Record an event without showing it."""
        flow = self.flow
        try:
            self.store.add_event(
                kind,
                detail,
                at=self._now(),
                session_id=flow.session,
                flow_id=flow.id,
                frame_id=frame_id,
            )
        except UserError as error:
            self.refused(str(error))

    def closed(self, reason: str) -> None:
        """See `Sink.closed`."""
        for direction in Direction:
            self.ended(direction)
        if self._on_closed:
            self._on_closed(self, reason)
        # what points back here, so that it is freed at once: the garbage collector comes rarely
        keys, self.dissector = self.dissector.keys, _Broken(SessionKeys())
        if isinstance(keys, FlowKeys):
            keys.over()
        self.rules, self._held = (), {}

    # One frame

    def _feed(self, direction: Direction, data: bytes, at: int) -> list[Frame]:
        try:
            return self.dissector.feed(direction, data, at)
        except Exception as error:  # a fault of the protocol file must not reach the game
            return self._broken(direction, data, at, error)

    def _broken(self, direction: Direction, data: bytes, at: int, error: Exception) -> list[Frame]:
        """The dissector failed: what it holds and all that follows is opaque."""
        reason = f"lost: {self.protocol.name} failed: {type(error).__name__}: {error}"
        failed, self.dissector = self.dissector, _Broken(self.dissector.keys)
        kept = b"".join(frame.raw or b"" for frame in self._finish(failed, direction))
        if direction in self._held and self.stream:
            kept = self._held[direction].all()
        for frame in self._finish(failed, direction.other):
            self.record(frame)
        return [Frame(direction, at, kept or data, error=reason)]

    def _finish(self, dissector: Dissector, direction: Direction) -> list[Frame]:
        try:
            return dissector.finish(direction, self._now())
        except Exception as error:
            self.warn("lost", f"{self.protocol.name} failed: {error}", None)
            return []

    def view(self, frame: Frame) -> Message:
        return annotate.view(self.protocol, frame)

    def record(self, frame: Frame, message: Message | None = None) -> None:
        """Write a frame down; `message` is what it says, if somebody had to know before."""
        if not self._elsewhere:
            if message is None:
                message = annotate.view(self.protocol, frame)
            annotate.fill(frame, message)
        self.frames += 1
        if frame.raw:
            self.bytes += len(frame.raw)
        fate, flow = self.fate, self.flow
        if fate is not None:
            fate.mark(frame)
        try:
            if self._unread is not None and frame.raw is not None and frame.action is None:
                frame.id = self._unread(flow.id, frame.direction, frame.at, frame.raw)
                frame.error = frame.derived = None  # which is found out there
            else:
                self.store.append(flow.id, frame)
            for key in frame.keys:
                self.store.add_key(flow.session, key, flow_id=flow.id, frame_id=frame.id)
        except UserError as error:
            self.refused(str(error))
        derived = frame.derived
        if frame.error is not None or (derived is not None and "checks" in derived):
            self._look(frame)
        if self._watch:
            try:
                self._watch.frame(flow, frame, message)
            except Exception as error:  # what cannot be shown is recorded all the same
                self.warn("defect", f"a frame cannot be shown: {error}", frame.id)
        if fate is not None:
            self._befell(frame, message, fate)

    def _befell(self, frame: Frame, message: Message | None, fate: Fate) -> None:
        """Record what the faults did to a frame, and the copies that they made of it."""
        for note in fate.notes:
            self.note("fault", note, frame.id)
        self.fate = None  # a copy has no fate of its own
        for copy in fate.doubles(frame):
            self.record(copy, message)
        self.fate = fate

    def _look(self, frame: Frame) -> None:
        """Warn once a flow when it is lost, and once when a cipher's key is missing."""
        error = frame.error
        if error is not None:
            self.errors += 1
            if annotate.lacks_key(error):
                self.warn("key-missing", error, frame.id)
            elif error.startswith("lost: ") and error != LOST:
                self.warn("lost", error[len("lost: ") :], frame.id)
        checks: dict[str, str] = (frame.derived or {}).get("checks") or {}
        for field, verdict in checks.items():
            if "key-missing" in self._warned:
                return
            if verdict.startswith("unknown") and annotate.lacks_key(verdict):
                kind = frame.kind or self.view(frame).kind
                self.warn("key-missing", f"{kind}.{field}: {verdict}", frame.id)

    def warn(self, kind: str, detail: str, frame_id: int | None) -> None:
        if kind not in self._warned:
            self._warned.add(kind)
            self.note(kind, detail, frame_id)

    def refused(self, reason: str) -> None:
        if self._on_refused:
            self._on_refused(reason)
