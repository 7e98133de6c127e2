"""The harness itself must fail where a protocol or a vector is wrong."""

from __future__ import annotations

from dataclasses import replace

import pytest

from proxy.dissector import DatagramDissector, Dissector
from proxy.message import Message, Opaque
from proxy.protocol import Kind, Protocol
from recordings.model import Direction, Frame, Json, Span, Transport
from tests.protocols.harness import ProtocolProperties, Vector
from tests.protocols.spoiling import leaves, looks_like

UP = Direction.TO_SERVER


class Byte(Message):
    """One byte, the field `value`."""

    kind = "Byte"

    def __init__(self, value: int, shift: int = 0) -> None:
        self.value = value
        self.shift = shift

    def encode(self) -> bytes:
        return bytes([1, self.value, 2])

    def fields(self) -> dict[str, Json]:
        return {"value": self.value}

    def get(self, path: str) -> int:
        return self.value

    def set(self, path: str, value: object) -> Byte:
        return Byte(int(str(value)), self.shift)

    def spans(self) -> list[Span]:
        return [Span("value", 1 + self.shift, 2 + self.shift)]


def protocol(shift: int = 0, machine: type[Dissector] = DatagramDissector) -> Protocol:
    return Protocol(
        name="byte",
        title="one byte",
        transports=(Transport.UDP,),
        ports=(),
        make_dissector=machine,
        view_frame=lambda frame: Byte(frame.clear[1], shift),
        kinds=(Kind("Byte", (UP,), "a byte", source="nowhere"),),
    )


ONE = protocol()
GOOD = Vector("seven", UP, b"\1\7\2", "Byte", {"value": 7})


def properties(one: Protocol, vector: Vector = GOOD) -> ProtocolProperties:
    class Properties(ProtocolProperties):
        protocol = one
        vectors = (vector,)

    return Properties()


class Swallowing(DatagramDissector):
    def feed(self, direction: Direction, data: bytes, at: int) -> list[Frame]:
        return super().feed(direction, data[:3], at)


class Sealing(DatagramDissector):
    def seal(self, direction: Direction, plain: bytes, cipher: str | None = None) -> bytes:
        return plain[:-1]


def test_what_is_right_passes() -> None:
    good = properties(protocol())
    good.test_view_and_encode()
    good.test_fields_are_json_and_every_path_leads_somewhere()
    good.test_each_field_set_to_its_own_value_changes_nothing()
    good.test_spans()
    good.test_sealed_again_it_says_the_same()
    good.test_nothing_raises_and_no_byte_is_lost()
    good.test_every_kind_has_a_vector()
    good.test_every_kind_says_what_it_means_and_where_that_is_from()


@pytest.mark.parametrize(
    "wrong",
    [
        replace(GOOD, raw=b"\1\1\2"),
        replace(GOOD, raw=b"\1\7\3"),
        replace(GOOD, fields={"value": 7, "more": 1}),
        replace(GOOD, kind="Bit"),
        replace(GOOD, cipher="rc4"),
        replace(GOOD, learned={"key": b""}),
        replace(GOOD, checks={"value": "ok"}),
        replace(GOOD, kind="Opaque", fields=None),
    ],
)
def test_a_wrong_vector_fails(wrong: Vector) -> None:
    with pytest.raises(AssertionError):
        properties(protocol(), wrong).test_view_and_encode()


@pytest.mark.parametrize("shift", [-1, 1, 7])
def test_a_span_beside_the_field_fails(shift: int) -> None:
    with pytest.raises(AssertionError):
        properties(protocol(shift)).test_spans()


def test_a_lost_byte_fails() -> None:
    with pytest.raises(AssertionError):
        properties(protocol(machine=Swallowing)).test_nothing_raises_and_no_byte_is_lost()


def test_a_seal_that_says_something_else_fails() -> None:
    with pytest.raises(AssertionError):
        properties(protocol(machine=Sealing)).test_sealed_again_it_says_the_same()


def test_a_kind_without_vector_fails() -> None:
    more = replace(protocol(), kinds=(*protocol().kinds, Kind("Bit", (UP,))))
    with pytest.raises(AssertionError):
        properties(more).test_every_kind_has_a_vector()
    with pytest.raises(AssertionError):
        properties(more).test_every_kind_says_what_it_means_and_where_that_is_from()


def test_each_failure_names_its_vector() -> None:
    class Two(ProtocolProperties):
        protocol = ONE
        vectors = (replace(GOOD, name="one", kind="Bit"), GOOD, replace(GOOD, name="two", raw=b""))

    with pytest.raises(ExceptionGroup, match="2 of 3 vectors") as caught:
        Two().test_view_and_encode()
    notes = [error.__notes__ for error in caught.value.exceptions]
    assert notes == [["in the vector 'one'"], ["in the vector 'two'"]]


def test_leaves() -> None:
    fields = {"a": 1, "b": [{"c": "x"}, {}], "d": []}
    assert dict(leaves(fields)) == {"a": 1, "b[0].c": "x", "b[1]": {}, "d": []}


@pytest.mark.parametrize(
    ("value", "covered", "alike"),
    [
        (7, b"\7\0", True),
        (-1, b"\xff\xff", True),
        (42, b"42", True),
        ("caf\xe9", "caf\xe9".encode(), True),
        ("x", b"x\0", True),
        ("00ff", b"\x00\xff", True),
        ("x", b"y", False),
        (True, b"\1", False),
    ],
)
def test_looks_like(value: Json, covered: bytes, alike: bool) -> None:
    assert looks_like(value, covered) is alike


def test_an_opaque_vector_needs_a_reason() -> None:
    refused = replace(protocol(), view_frame=lambda frame: Opaque(frame.clear, "no"))
    vector = Vector("refused", UP, b"\1\7\2", "Opaque", error="no")
    properties(refused, vector).test_view_and_encode()
    silent = replace(vector, error="")
    with pytest.raises(AssertionError, match="say in the vector"):
        properties(refused, silent).test_view_and_encode()
