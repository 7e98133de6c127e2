"""One harness for the vectors of every protocol: golden bytes are run through every property.

Golden bytes live in tests/vectors/<protocol file>.py, one comment per field:

    VECTORS = (
        Vector("a chat line", Direction.TO_CLIENT, bytes.fromhex("..."), "Chat", {"text": "hi"}),
    )

and are put to the test in tests/protocols/test_<protocol file>.py by one class per protocol:

    class TestKaillera(ProtocolProperties):
        protocol = PROTOCOLS[0]
        vectors = VECTORS

Every vector is one frame. It is viewed, encoded back, fed byte by byte and at every split, its
spans are compared with its values, each field is set to its own value, it is sealed and fed again,
and whatever Hypothesis makes of it never raises and never loses a byte. The tables of the protocol
are checked against its kinds, and every kind needs a vector.
"""

from __future__ import annotations

import functools
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

from hypothesis import given
from hypothesis import strategies as st

from proxy import registry
from proxy.dissector import Dissector
from proxy.keys import SessionKeys
from proxy.message import OPAQUE, Message
from proxy.protocol import Protocol
from recordings.model import Direction, Frame, Json, Key, Transport
from tests.protocols.spoiling import chunks, depends, leaves, looks_like

AT = 1_700_000_000_000_000
"""The time, in microseconds, at which every chunk of a vector arrives."""

UP, DOWN = Direction.TO_SERVER, Direction.TO_CLIENT


@dataclass(frozen=True)
class Vector:
    """The golden bytes of one frame and what they mean."""

    name: str
    direction: Direction
    raw: bytes
    """The whole frame as on the wire."""
    kind: str
    """`Opaque` for a frame that must be refused; then `error` says why."""
    fields: Mapping[str, Json] | None = None
    """What `Message.fields()` must give, completely; None leaves it uncompared."""
    before: tuple[tuple[Direction, bytes], ...] = ()
    """Frames that the flow carried earlier: handshakes that start a cipher or yield a nonce."""
    keys: tuple[Key, ...] = ()
    """Keys that the session knows before the flow opens."""
    secrets: Mapping[str, str] = field(default_factory=dict)
    """Game secrets by game name."""
    plain: bytes | None = None
    """The frame after deciphering; None: as on the wire."""
    cipher: str | None = None
    checks: Mapping[str, str] | None = None
    """What `derived["checks"]` must be; None leaves it uncompared."""
    learned: Mapping[str, bytes] | None = None
    """Keys (name -> bytes) that the frame gives away; None leaves it uncompared."""
    error: str = ""
    """Part of the frame's or the view's error text."""
    spans: Mapping[str, bytes] = field(default_factory=dict)
    """Path -> bytes that its span must cover, where value and bytes do not look alike."""
    transport: Transport | None = None
    """None: the first transport of the protocol."""
    protocol: str | None = None
    """The frame's own protocol, when it differs from the flow's."""


def every_vector(check: Callable[[Any, Vector], None]) -> Callable[[Any], None]:
    """A test that puts each vector of the class to a check; what fails names its vector.

    One test for all of them: there are many, and each takes less time than a test of its own does.
    """

    @functools.wraps(check)
    def test(self: ProtocolProperties) -> None:
        failures = []
        for vector in self.vectors:
            try:
                check(self, vector)
            except Exception as error:
                error.add_note(f"in the vector {vector.name!r}")
                failures.append(error)
        if len(failures) == 1:
            raise failures[0]
        if failures:
            raise ExceptionGroup(f"{len(failures)} of {len(self.vectors)} vectors", failures)

    del test.__wrapped__  # or pytest asks for a fixture `vector`
    return test


class ProtocolProperties:
    """Base of the test class of a protocol; see the top of this file."""

    protocol: ClassVar[Protocol]
    vectors: ClassVar[tuple[Vector, ...]]
    unset: ClassVar[frozenset[str]] = frozenset()
    """`KIND.PATH` of fields that follow from others and refuse to be set."""
    without_vector: ClassVar[frozenset[str]] = frozenset()
    """Kinds of which no golden bytes exist; say why where you name one."""

    # -- what a test stands on ---------------------------------------------------------------------

    def dissector(self, vector: Vector, *, forward: bool = False) -> Dissector:
        """A dissector that has seen what came before the vector, and forwarded it if asked."""
        machine = self.protocol.dissector(
            SessionKeys(vector.keys, vector.secrets), vector.transport
        )
        for direction, data in vector.before:
            for frame in machine.feed(direction, data, AT):
                if forward:
                    assert machine.forward(frame) == frame.raw
        return machine

    def is_stream(self, vector: Vector) -> bool:
        return (vector.transport or self.protocol.transports[0]) is Transport.TCP

    def own(self, frame: Frame) -> Protocol:
        """The protocol that views this frame: its own when a family shares the port."""
        named = frame.protocol
        return registry.protocol(named) if named else self.protocol

    def frame(self, vector: Vector) -> Frame:
        frames = self.dissector(vector).feed(vector.direction, vector.raw, AT)
        assert len(frames) == 1, f"{vector.name}: {len(frames)} frames instead of one"
        return frames[0]

    def view(self, vector: Vector) -> Message:
        frame = self.frame(vector)
        return self.own(frame).view(frame)

    # -- one frame ---------------------------------------------------------------------------------

    @every_vector
    def test_view_and_encode(self, vector: Vector) -> None:
        frame = self.frame(vector)
        message = self.own(frame).view(frame)
        error = getattr(message, "error", None)
        assert message.kind == vector.kind, error
        assert message.encode() == frame.clear == (vector.plain or vector.raw)
        assert (frame.raw, frame.cipher) == (vector.raw, vector.cipher)
        assert frame.protocol in (None, vector.protocol or self.protocol.name)
        assert vector.protocol in (None, frame.protocol)
        if vector.error or vector.kind == OPAQUE:
            assert vector.error, "say in the vector why it is opaque"
            assert vector.error in (error or frame.error or "")
        else:
            assert frame.error is None
        if vector.fields is not None:
            assert message.fields() == vector.fields
            assert list(message.fields()) == list(vector.fields), "fields in wire order"
        if vector.checks is not None:
            assert (frame.derived or {}).get("checks", {}) == vector.checks
        if vector.learned is not None:
            assert {key.name: key.key for key in frame.keys} == vector.learned

    @every_vector
    def test_fields_are_json_and_every_path_leads_somewhere(self, vector: Vector) -> None:
        message = self.view(vector)
        fields = message.fields()
        assert json.loads(json.dumps(fields)) == fields
        for path, _ in leaves(fields):
            if path:
                message.get(path)

    @every_vector
    def test_each_field_set_to_its_own_value_changes_nothing(self, vector: Vector) -> None:
        message = self.view(vector)
        fields = message.fields()
        for path, value in leaves(fields):
            if not path or f"{message.kind}.{path}" in self.unset:
                continue
            assert message.set(path, message.get(path)).fields() == fields, path
            if isinstance(value, (str, int)) and not isinstance(value, bool):
                assert message.set(path, str(value)).fields() == fields, f"{path} from text"

    @every_vector
    def test_spans(self, vector: Vector) -> None:
        """Spans lie inside the frame and cover the bytes that the field depends on."""
        frame = self.frame(vector)
        protocol = self.own(frame)
        clear, fields = frame.clear, dict(leaves(protocol.view(frame).fields()))
        spans = protocol.spans(frame)
        assert len({span.path for span in spans}) == len(spans), "one span per field"
        for span in spans:
            assert 0 <= span.start <= span.end <= len(clear), span
            if span.path not in fields:
                assert any(re.match(rf"{re.escape(span.path)}[.\[]", path) for path in fields), span
                continue
            covered = clear[span.start : span.end]
            if span.path in vector.spans:
                assert covered == vector.spans[span.path], span
            elif covered and not looks_like(fields[span.path], covered):
                assert depends(protocol, frame, span, fields[span.path]), span
        assert set(vector.spans) <= {span.path for span in spans}

    # -- however the bytes come --------------------------------------------------------------------

    @every_vector
    def test_byte_by_byte(self, vector: Vector) -> None:
        self._in_pieces(vector, [vector.raw[n : n + 1] for n in range(len(vector.raw))])

    @every_vector
    def test_every_split(self, vector: Vector) -> None:
        for at in range(1, len(vector.raw)):
            self._in_pieces(vector, [vector.raw[:at], vector.raw[at:]])

    def _in_pieces(self, vector: Vector, pieces: list[bytes]) -> None:
        """The same frame; of a stream that is lost, the same bytes and the same reason.

        A datagram is never cut, so each piece of one is a frame of its own.
        """
        machine, once = self.dissector(vector), self.frame(vector)
        frames = [frame for piece in pieces for frame in machine.feed(vector.direction, piece, AT)]
        if not self.is_stream(vector):
            assert [frame.raw for frame in frames] == pieces
            return
        if (once.error or "").startswith("lost"):
            assert b"".join(frame.raw or b"" for frame in frames) == vector.raw
            assert frames[0].error == once.error
            return
        assert [(f.raw, f.clear, f.error) for f in frames] == [(once.raw, once.clear, once.error)]

    @every_vector
    def test_sealed_again_it_says_the_same(self, vector: Vector) -> None:
        """What `seal` makes of the clear bytes is read back by another dissector of the session."""
        frame = self.frame(vector)
        machine = self.dissector(vector, forward=True)
        if frame.error:
            assert machine.forward(frame) == vector.raw
            return
        sealed = machine.seal(vector.direction, frame.clear, frame.cipher)
        if frame.plain is None:
            assert sealed == vector.raw
        (again,) = self.dissector(vector).feed(vector.direction, sealed, AT)
        assert (again.clear, again.cipher, again.error) == (frame.clear, frame.cipher, None)

    # -- whatever the bytes are --------------------------------------------------------------------

    def test_nothing_raises_and_no_byte_is_lost(self) -> None:
        vectors, raws = self.vectors, tuple(vector.raw for vector in self.vectors)

        @given(data=st.data())
        def check(data: st.DataObject) -> None:
            vector = data.draw(st.sampled_from(vectors))
            machine = self.dissector(vector)
            sent: dict[Direction, list[bytes]] = {UP: [], DOWN: []}
            got: dict[Direction, list[bytes]] = {UP: [], DOWN: []}
            for direction, chunk in data.draw(chunks(vector.raw, vector.direction, raws)):
                sent[direction].append(chunk)
                frames = machine.feed(direction, chunk, AT)
                if not self.is_stream(vector):
                    assert [frame.raw for frame in frames] == [chunk]
                got[direction] += [frame.raw or b"" for frame in frames]
                for frame in frames:
                    self._never_raises(frame)
                    machine.forward(frame)
            for direction in Direction:
                got[direction] += [f.raw or b"" for f in machine.finish(direction, AT)]
                assert b"".join(got[direction]) == b"".join(sent[direction])
                assert machine.pending(direction) == 0

        check()

    def _never_raises(self, frame: Frame) -> None:
        message = self.own(frame).view(frame)
        json.dumps(message.fields())
        assert message.encode() == frame.clear
        for span in message.spans():
            assert 0 <= span.start <= span.end <= len(frame.clear)

    # -- the tables --------------------------------------------------------------------------------

    def test_every_vector_has_a_name_of_its_own(self) -> None:
        names = [vector.name for vector in self.vectors]
        assert len(set(names)) == len(names), "two vectors share a name"

    def test_every_vector_is_of_a_declared_kind(self) -> None:
        for vector in self.vectors:
            name = vector.protocol or self.protocol.name
            protocol = self.protocol if name == self.protocol.name else registry.protocol(name)
            declared = {(kind.name, way) for kind in protocol.kinds for way in kind.directions}
            assert vector.kind == OPAQUE or (vector.kind, vector.direction) in declared, vector.name

    def test_every_kind_has_a_vector(self) -> None:
        kinds = {kind.name for kind in self.protocol.kinds}
        assert kinds, "the protocol declares no kinds"
        seen = {vector.kind for vector in self.vectors}
        assert kinds - seen - self.without_vector == set()
        assert not self.without_vector & seen, "these have a vector by now"

    def test_tables_speak_of_declared_kinds(self) -> None:
        kinds = {kind.name for kind in self.protocol.kinds}
        named = {announce.kind for announce in self.protocol.announces}
        named |= {rhythm.kind for rhythm in self.protocol.rhythm}
        named |= {path.split(".")[0] for path in (*self.protocol.volatile, *self.protocol.keys)}
        named |= {v.of.split(".")[0] for v in self.protocol.volatile.values() if v.how == "echo"}
        named |= set(self.protocol.answers).union(*self.protocol.answers.values())
        assert named - kinds <= {"*", ""}

    def test_every_kind_says_what_it_means_and_where_that_is_from(self) -> None:
        for kind in self.protocol.kinds:
            assert kind.meaning, kind.name
            assert kind.source, kind.name
            names = [one.name for one in kind.fields]
            assert len(set(names)) == len(names), kind.name
