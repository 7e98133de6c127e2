from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.layouts import tagvalues
from tests.reference import vectors

TEXT = st.text(st.characters(max_codepoint=255))


def test_the_reference_vectors() -> None:
    seen = vectors("ea-lobby")
    for one in seen["tagfield_string_decode"]:
        assert tagvalues.decode(one["wire"]) == one["decoded"]
    for one in seen["tagfield_string_encode"]:
        assert tagvalues.encode(one["value"]) == one["wire"]
    for one in seen["tagfield_number_int32"]:
        assert tagvalues.number(one["text"]) == one["value"]
    for one in seen["tagfield_address"]:
        assert tagvalues.address(one["text"]) == one["value"] == int(one["hex"], 16)
    assert seen["flags"]["alphabet"] == tagvalues.FLAGS
    for one in seen["flags"]["vectors"]:
        assert tagvalues.flags(one["text"]) == one["value"] == int(one["hex"], 16)
        assert tagvalues.letters(one["value"]) == one["reencoded"]


@pytest.mark.parametrize(
    ("text", "value"),
    [("7", 7), ("-7", -7), (" 12", 12), ("2147483648", -2147483648), ("9" * 9000, -1), ("x", 0)],
)
def test_number(text: str, value: int) -> None:
    if text == "9" * 9000:
        value = (sum(9 * pow(10, n, 1 << 32) for n in range(9000)) + (1 << 31)) % (1 << 32)
        value -= 1 << 31
    assert tagvalues.number(text) == value


@pytest.mark.parametrize(
    ("value", "wire"),
    [
        ("2004.2.5 16:53:20", "2004.2.5 16:53:20"),
        ("2026-01-28 11:07:46", "2026-01-28 11:07:46"),
        ("2019.7.29-01:46:43", "2019.7.29-01:46:43"),
        ("2004.2.5 16:53:20 or so", '"2004.2.5 16%3a53%3a20 or so"'),
        ("16:53:20", "16%3a53%3a20"),
    ],
)
def test_a_date_is_written_bare_as_its_reader_wants_it(value: str, wire: str) -> None:
    assert tagvalues.encode(value) == wire
    assert tagvalues.decode(wire) == value


def test_a_decimal_address_is_nonsense_to_the_client_too() -> None:
    assert tagvalues.address("3232236155") == 0x00000F7B
    assert tagvalues.address("nowhere") == 0


@pytest.mark.parametrize(
    ("text", "value"),
    [("$00041f82bee5", b"\x00\x04\x1f\x82\xbe\xe5"), ("$", b""), ("0", None), ("$0", None)],
)
def test_binary(text: str, value: bytes | None) -> None:
    assert tagvalues.binary(text) == value


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1076000000", 1076000000),
        ("$40228900", 0x40228900),
        ("2004.2.5 16:53:20", 1076000000),
        ("2004-02-05 16:53:20", 1076000000),
        ("2004.2.5-16:53:20", 1076000000),
        ("2004.13.5 1:1:1", None),
        ("yesterday", None),
        ("", None),
        ("$xyz", None),
    ],
)
def test_time(text: str, value: int | None) -> None:
    assert tagvalues.time(text) == value


@given(TEXT)
def test_no_text_makes_a_reader_raise(text: str) -> None:
    tagvalues.decode(text)
    assert -(1 << 31) <= tagvalues.number(text) < 1 << 31
    assert 0 <= tagvalues.address(text) < 1 << 32
    tagvalues.binary(text)
    tagvalues.time(text)


@given(st.integers(0, (1 << 31) - 1))
def test_flags_and_back(value: int) -> None:
    assert tagvalues.flags(tagvalues.letters(value)) == value


def test_an_apostrophe_in_front_is_no_quote() -> None:
    assert tagvalues.encode("'tis") == '"\'tis"'
    assert tagvalues.encode("it's") == "it's"


@given(TEXT)
def test_a_string_and_back(text: str) -> None:
    wire = tagvalues.encode(text)
    assert tagvalues.decode(wire) == text
    assert all(" " <= char <= "~" for char in wire)
