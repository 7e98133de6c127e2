"""Pseudonyms: as long, of the same shape, stable, never shared by two values."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.personal import CATEGORIES
from proxy.redaction.pseudonyms import Pseudonyms


@pytest.fixture
def pseudonyms() -> Pseudonyms:
    return Pseudonyms(b"secret")


@pytest.mark.parametrize(
    ("category", "value", "shape"),
    [
        ("name", "Wanderer99", r"[A-Z][a-z]{7}\d\d"),
        ("name", "x_Ray-7", r"[a-z]_[A-Z][a-z]{2}-\d"),
        ("password", "hunter22", r"[a-z]{6}\d\d"),
        ("password", "$3fcf27540c92935b", r"\$[0-9a-f]{16}"),
        ("email", "bob@example.net", r"[a-z]{3}@[a-z]{7}\.net"),
        ("address", "203.0.113.9", r"2[45]\d\.[1-9]\.[1-2]\d\d\.[1-9]"),
        ("address", "10.20.3.44", r"10\.\d\d\.[1-9]\.\d\d"),
        ("address", "203.0.113.9:6500", r"2[45]\d\.[1-9]\.[1-2]\d\d\.[1-9]:6500"),
        ("address", "2001:db8::7", r"[0-9a-f]{4}:[0-9a-f]{3}::[0-9a-f]"),
        ("mac", "$00041f82bee5", r"\$[0-9a-f]{12}"),
        ("mac", "00:04:1F:82:BE:E5", r"(?i)[0-9a-f]{2}(:[0-9a-f]{2}){5}"),
        ("hardware", "Voodoo 3", r"[A-Z][a-z]{5} \d"),
    ],
)
def test_shapes(pseudonyms: Pseudonyms, category: str, value: str, shape: str) -> None:
    other = pseudonyms.of(category, value)
    assert re.fullmatch(shape, other)
    assert other != value
    assert other == pseudonyms.of(category, value)


@pytest.mark.parametrize(
    "value", ["", "--", "127.0.0.1", "0.0.0.0", "255.255.255.255", "::1", "lobby.example.net"]
)
def test_what_is_nobody(pseudonyms: Pseudonyms, value: str) -> None:
    assert pseudonyms.of("address", value) == value


def test_the_case_of_a_name_follows(pseudonyms: Pseudonyms) -> None:
    name = pseudonyms.of("name", "alice")
    assert pseudonyms.of("name", "ALICE") == name.upper()
    assert pseudonyms.of("password", "Secret") != pseudonyms.of("password", "secret").title()


def test_no_two_values_share_one(pseudonyms: Pseudonyms) -> None:
    names = [f"player{number}" for number in range(500)]
    assert len({pseudonyms.of("name", name) for name in names}) > 490


@given(category=st.sampled_from(sorted(CATEGORIES)), value=st.text(max_size=40))
def test_any_text_keeps_its_length(category: str, value: str) -> None:
    other = Pseudonyms(b"s").of(category, value)
    if value.isascii():
        assert len(other) == len(value)
