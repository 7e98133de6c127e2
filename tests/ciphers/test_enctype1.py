"""EncType 1 against three independent implementations' vectors, and its packet layout."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.ciphers.enctype1 import HEADER, T1, decrypt, encrypt, layout
from proxy.message import WireError
from tests.reference import vectors


def _named(start: str) -> list[Any]:
    return [one for one in vectors("gamespy") if one["name"].startswith(start)]


@pytest.mark.parametrize("vector", _named("sbv1_enctype1"), ids=lambda one: one["name"])
def test_reference_vectors(vector: Any) -> None:
    wire = bytes.fromhex(vector["inputs"]["wire_hex"])
    secure = vector["inputs"]["secure_challenge"].encode()
    plain = bytes.fromhex(vector["output_hex"])
    assert decrypt(secure, wire) == plain
    where = layout(wire)
    assert where is not None
    assert encrypt(secure, wire[: where.start], plain, wire[where.end :]) == wire


def test_the_substitution_has_a_value_for_every_byte() -> None:
    assert len(T1) == 256


@given(st.binary(max_size=200), st.binary(max_size=60), st.binary(max_size=30))
def test_round_trip(plain: bytes, filler: bytes, behind: bytes) -> None:
    wire = encrypt(b"ABCDEF", bytes(range(HEADER)) + filler, plain, behind)
    assert decrypt(b"ABCDEF", wire) == plain
    where = layout(wire)
    assert where is not None
    assert (where.start, where.end) == (HEADER + len(filler), len(wire) - len(behind))
    assert where.total == len(wire)


def test_more_filler_than_a_byte_can_count() -> None:
    with pytest.raises(ValueError, match="0 to 255 bytes of filler"):
        encrypt(b"ABCDEF", bytes(HEADER + 256), b"")


def test_layout_waits_for_its_six_bytes() -> None:
    wire = encrypt(b"ABCDEF", bytes(HEADER), b"list")
    assert [layout(wire[:length]) is None for length in (0, 5, 6)] == [True, True, False]


def test_a_length_that_cannot_hold_the_header() -> None:
    with pytest.raises(WireError, match=r"EncType1\.length, byte 0: 7 bytes cannot hold"):
        layout(bytes.fromhex("000000072ada"))


@pytest.mark.parametrize("cut", [0, 5, 39, 43])
def test_a_packet_that_is_cut_off(cut: int) -> None:
    wire = encrypt(b"ABCDEF", bytes(HEADER), b"list")
    with pytest.raises(WireError, match=f"cut off at {cut} bytes"):
        decrypt(b"ABCDEF", wire[:cut])
