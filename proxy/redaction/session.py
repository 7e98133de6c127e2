"""One session, redacted: every frame is read, changed and sealed again, in the order it came.

Two dissectors stand at each flow. One reads what was recorded and seals what goes out, so that
ciphers run on as they did; the other reads what comes out, makes the proofs in it anew for the
passwords and names that are in it now, and fills the copy, which so decodes by itself.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from proxy import registry
from proxy.annotate import annotate
from proxy.dissector import PEER_FAULTS, Dissector
from proxy.keys import SessionKeys
from proxy.message import OPAQUE
from proxy.protocol import Protocol
from proxy.redaction.replacing import Replacer
from recordings.model import Direction, Frame, Key, Origin, Transport
from recordings.reader import Reader
from recordings.rows import FlowRow, SessionRow
from recordings.times import micros
from recordings.writer import Recording


@dataclass(slots=True)
class _Flow:
    row: FlowRow
    protocol: Protocol
    old: Dissector
    new: Dissector
    id: int = 0
    """In the copy."""
    waiting: dict[Direction, deque[Frame]] = field(
        default_factory=lambda: {way: deque() for way in Direction}
    )
    """Recorded frames whose copy has not come out yet."""


class Redacting:
    """Copies one session through a replacer. `learn` all sessions before the first `write`."""

    def __init__(
        self,
        reader: Reader,
        session: SessionRow,
        replacer: Replacer,
        keys: Sequence[Key] = (),
        secrets: Mapping[str, str] | None = None,
        tell: Callable[[], None] = lambda: None,
    ) -> None:
        self._reader = reader
        self._session = session
        self._replacer = replacer
        self._rows = reader.flows(session.id)
        given = (row for row in reader.keys(session.id) if row.source == "given")
        self._given = [*(row.as_key() for row in given), *keys]
        self._secrets = secrets or {}
        self._tell = tell  # called for every frame, twice
        self._frames: dict[int, int] = {}
        self._named = {row.parent_frame_id for row in self._rows}
        for notes in (reader.notes(session.id), reader.events(session.id)):
            self._named |= {row.frame_id for row in notes}

    def learn(self) -> None:
        """Note what is personal in this session."""
        self._replacer.learn_address(f"{self._session.client}:0")
        for row in self._rows:
            for address in (row.client, row.server):
                if address:
                    self._replacer.learn_address(address)
        flows = self._flows(self._keys(self._given))
        for stored in self._reader.frames(session_id=self._session.id):
            self._tell()
            flow = flows[stored.flow_id]
            for frame in self._cut(flow, stored):
                protocol = _protocol(flow, frame)
                self._replacer.learn(protocol, protocol.view(frame))

    def _keys(self, given: Sequence[Key]) -> SessionKeys:
        return SessionKeys(given, self._secrets)

    def _flows(self, keys: SessionKeys, new: SessionKeys | None = None) -> dict[int, _Flow]:
        flows = {}
        for row in self._rows:
            protocol, transport = registry.protocol(row.protocol), Transport(row.transport)
            old = protocol.dissector(keys, transport)
            flows[row.id] = _Flow(row, protocol, old, protocol.dissector(new or keys, transport))
        return flows

    def _cut(self, flow: _Flow, stored: Frame) -> Iterator[Frame]:
        if stored.raw is None:
            yield replace(stored)  # inserted by us: no dissector saw it
        else:
            yield from flow.old.feed(stored.direction, stored.raw, stored.at)

    def write(self, recording: Recording) -> None:
        """Write the redacted session."""
        session, text = self._session, self._replacer.text
        session_id = recording.add_session(
            game=session.game,
            client=self._address(session.client),
            origin=Origin(session.origin),
            note=text(session.note) if session.note else None,
            at=micros(session.started_at),
        )
        flows = self._flows(self._keys(self._given), self._keys(_harmless(self._given)))
        for key in _harmless(self._given):
            recording.add_key(session_id, key)
        for stored in self._reader.frames(session_id=session.id):
            self._frame(recording, session_id, flows[stored.flow_id], stored)
        for flow in flows.values():
            for way in Direction:
                at = flow.row.last_at or flow.row.opened_at
                for frame in flow.old.finish(way, at):
                    raw = self._replacer.data(frame.raw or b"")
                    for made in flow.new.feed(way, raw, at):
                        self._append(recording, session_id, flow, made)
                for made in flow.new.finish(way, at):
                    self._append(recording, session_id, flow, made)
            self._open(recording, session_id, flow)
            if flow.row.closed_at is not None:
                reason = self._replacer.text(flow.row.close_reason or "closed")
                recording.close_flow(flow.id, flow.row.closed_at, reason)
        self._beside(recording, session_id, flows)
        if session.ended_at:
            recording.end_session(session_id, at=micros(session.ended_at))

    def _open(self, recording: Recording, session_id: int, flow: _Flow) -> int:
        if not flow.id:
            server = self._address(flow.row.server) if flow.row.server else None
            row = replace(flow.row, client=self._address(flow.row.client), server=server)
            flow.id = recording.copy_flow(
                row,
                session_id=session_id,
                parent_frame_id=self._frames.get(row.parent_frame_id or 0),
            )
        return flow.id

    def _frame(self, recording: Recording, session_id: int, flow: _Flow, stored: Frame) -> None:
        self._tell()
        self._replacer.tally.frames += 1
        if stored.raw is None:
            made = replace(stored, id=0, sent=self._sent(flow, stored), derived=None, keys=())
            self._append(recording, session_id, flow, made, stored)
            return
        flow.waiting[stored.direction].append(stored)
        for frame in self._cut(flow, stored):
            raw = self._changed(flow, frame)
            if raw != frame.raw:
                self._replacer.tally.changed += 1
            for made in flow.new.feed(stored.direction, raw, stored.at):
                waiting = flow.waiting[stored.direction]
                of = waiting.popleft() if waiting else stored
                made.sent, made.action = self._sent(flow, of), of.action
                self._append(recording, session_id, flow, made, of)

    def _changed(self, flow: _Flow, frame: Frame) -> bytes:
        """The wire bytes of a frame with pseudonyms in it."""
        protocol, clear = _protocol(flow, frame), frame.clear
        message = protocol.view(frame)
        if message.kind == OPAQUE:
            self._replacer.tally.opaque += 1
            if frame.plain is not None or frame.cipher:
                self._replacer.tally.hidden += 1
                return flow.old.forward(frame)
            return self._replacer.data(frame.raw or b"")
        try:
            plain = self._replacer.message(protocol, message).encode()
            if not _alike(protocol, frame, plain, message.kind):  # a word of the protocol's
                plain = self._replacer.message(protocol, message, texts=False).encode()
            if self._replacer.tally.replaced:
                plain = flow.new.digest(frame.direction, plain)
            if plain == clear:
                return flow.old.forward(frame)
            return flow.old.seal(frame.direction, plain, frame.cipher)
        except PEER_FAULTS as error:
            self._replacer.tally.stubborn[f"{protocol.name} {message.kind}: {error}"] += 1
            return flow.old.forward(frame)

    def _sent(self, flow: _Flow, stored: Frame) -> bytes | None:
        """What was forwarded instead, where it can be read without a cipher."""
        if stored.sent is None or stored.cipher:
            return None
        protocol = _protocol(flow, stored)
        forwarded = Frame(stored.direction, stored.at, stored.sent, protocol=stored.protocol)
        message = protocol.view(forwarded)
        if message.kind == OPAQUE:
            return self._replacer.data(stored.sent)
        return self._replacer.message(protocol, message).encode()

    def _append(
        self,
        recording: Recording,
        session_id: int,
        flow: _Flow,
        made: Frame,
        of: Frame | None = None,
    ) -> None:
        flow_id = self._open(recording, session_id, flow)
        annotate(flow.row.protocol, made)
        recording.append(flow_id, made)
        for key in made.keys:
            recording.add_key(session_id, key, flow_id=flow_id, frame_id=made.id)
        if of is not None and of.id in self._named:
            self._frames[of.id] = made.id

    def _beside(self, recording: Recording, session_id: int, flows: dict[int, _Flow]) -> None:
        """What stands beside the frames."""
        text = self._replacer.text
        for event in self._reader.events(self._session.id):
            recording.add_event(
                event.kind,
                text(event.detail),
                at=event.at,
                session_id=session_id,
                flow_id=flows[event.flow_id].id if event.flow_id in flows else None,
                frame_id=self._frames.get(event.frame_id or 0),
            )
        for note in self._reader.notes(self._session.id):
            recording.add_note(
                text(note.text),
                session_id=session_id,
                flow_id=flows[note.flow_id].id if note.flow_id in flows else None,
                frame_id=self._frames.get(note.frame_id or 0),
            )

    def _address(self, address: str) -> str:
        if "address" in self._replacer.wishes.keep:
            return address
        host, colon, port = address.rpartition(":")
        if not colon or (address.count(":") > 1 and not address.startswith("[")):
            host, colon, port = address, "", ""
        bare = host.strip("[]")
        return host.replace(bare, self._replacer.pseudonyms.of("address", bare)) + colon + port


def _protocol(flow: _Flow, frame: Frame) -> Protocol:
    return registry.protocol(frame.protocol) if frame.protocol else flow.protocol


def _alike(protocol: Protocol, frame: Frame, plain: bytes, kind: str) -> bool:
    """Whether changed bytes still are a message of that kind."""
    if plain == frame.clear:
        return True
    changed = replace(frame, raw=plain, plain=None)
    return protocol.view(changed).kind == kind


def _harmless(keys: Sequence[Key]) -> list[Key]:
    """The keys that a user gave, passwords left out."""
    return [key for key in keys if "password" not in key.name]
