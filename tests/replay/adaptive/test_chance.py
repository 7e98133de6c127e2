from __future__ import annotations

import re

import pytest

from proxy.ciphers import challenge
from recordings.model import Json
from replay.adaptive.chance import Chance

SECOND = 1_000_000


def chance(seed: int = 1, now: int = 0) -> Chance:
    return Chance(seed, lambda: now)


@pytest.mark.parametrize(
    ("value", "form"),
    [
        ("ABCDEFGHIJ", r"[A-Z]{10}"),
        ("aB3dE6gH", r"[a-z][A-Z]\d[a-z][A-Z]\d[a-z][A-Z]"),
        ("4f2c9b7e13a0d865", r"[1-9a-f]{16}"),
        ("$8f3a51c07be2946d1c0fa8d75e2b6394", r"\$[1-9a-f]{32}"),
        ("1189120374", r"\d{10}"),
    ],
)
def test_a_fresh_value_looks_like_the_recorded_one(value: str, form: str) -> None:
    made = chance().fresh(value)
    assert made != value
    assert re.fullmatch(form, str(made)), made


@pytest.mark.parametrize("value", ["", "1", "abc", "two words", None, True, 5, 999, -7, [], 1.5])
def test_what_is_no_nonce_stays(value: Json) -> None:
    assert chance().fresh(value) == value


@pytest.mark.parametrize("value", [1000, 65535, 0x7FFFFFFF, 2**32 - 1, 74210593])
def test_a_fresh_number_fits_where_the_old_one_did(value: int) -> None:
    made = {chance(seed).fresh(value) for seed in range(50)}
    assert len(made) > 20
    for one in made:
        assert isinstance(one, int)
        assert one.bit_length() == value.bit_length()
        assert len(str(one)) == len(str(value))


def test_a_challenge_keeps_the_parity_rule() -> None:
    made = str(chance().fresh("KI^0&2ZL", "keeps the parity rule"))
    assert len(made) == 8
    assert challenge.fits(made.encode("latin-1"))


def test_the_same_seed_says_the_same() -> None:
    assert chance(7).fresh("ABCDEFGH") == chance(7).fresh("ABCDEFGH")
    assert chance(7).fresh("ABCDEFGH") != chance(8).fresh("ABCDEFGH")


@pytest.mark.parametrize(
    ("value", "unit", "now"),
    [
        (1_000, "ms", 61_000),
        ("1700000000", "s", "1700000060"),
        (0xFFFFFFFF, "s", 59),  # a tick of 32 bits wraps
        ("2004.3.14 19:02:11", "Y.M.D H:M:S", "2004.3.14 19:03:11"),
        ("2004-03-31 23:59:30", "Y.M.D H:M:S", "2004-04-01 00:00:30"),
        ("2019.7.29-01:46:43", "Y.M.D H:M:S", "2019.7.29-01:47:43"),
        ("no time", "s", "no time"),
        ("9999.99.99 99:99:99", "s", "9999.99.99 99:99:99"),
        (None, "s", None),
    ],
)
def test_a_clock_goes_on(value: Json, unit: str, now: Json) -> None:
    assert chance(now=160 * SECOND).clock(value, 100 * SECOND, unit) == now
