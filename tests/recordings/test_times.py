from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recordings.times import FIRST, LAST, iso, micros


@pytest.mark.parametrize(
    ("at", "text"),
    [
        (0, "1970-01-01T00:00:00.000000Z"),
        (1_795_000_000_000_007, "2026-11-18T11:06:40.000007Z"),
        (LAST, "9999-12-31T00:00:00.000000Z"),
        (FIRST, "1000-01-01T00:00:00.000000Z"),
    ],
)
def test_a_time_is_iso_8601(at: int, text: str) -> None:
    assert iso(at) == text
    assert micros(text) == at


@given(st.integers(0, 4_000_000_000_000_000))
def test_every_microsecond_survives(at: int) -> None:
    assert micros(iso(at)) == at


def test_a_clock_that_is_broken_is_shown_as_well_as_it_can_be() -> None:
    assert iso((1 << 63) - 1) == iso(LAST)
    assert iso(-(1 << 63)) == iso(FIRST)


def test_text_without_a_zone_is_utc_and_others_are_converted() -> None:
    assert micros("1970-01-01 00:00:01") == 1_000_000
    assert micros("1970-01-01T01:00:01+01:00") == 1_000_000
    with pytest.raises(ValueError, match="soon"):
        micros("soon")
