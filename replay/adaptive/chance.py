"""Values that are made anew: fresh ones that look like the recorded ones, and times.

Randomness is seeded and the clock is handed in, so that the same seed says the same.
"""

from __future__ import annotations

import random
import re
import string
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from proxy.ciphers import challenge
from recordings.model import Json

_HEX = re.compile(r"[0-9a-f]+|[0-9A-F]+")
_DATE = re.compile(r"(\d{4})([.-])(\d{1,2})[.-](\d{1,2})([ -])(\d{1,2}):(\d{1,2}):(\d{1,2})")
_SHORTEST = 4
"""Characters below which a text is a choice of few, not a nonce."""
_LOWEST_NONCE = 1000
PARITY = "parity"
"""In the hint of a rule: the value is a challenge that keeps the parity rule (gamespy 6.2)."""

CHALLENGE = 32
"""Bytes of a challenge of gt2, shown as hexadecimal (gamespy 13)."""

_UNITS = {"s": 1_000_000, "seconds": 1_000_000, "ms": 1_000}
"""Unit of a clock -> microseconds."""


class Chance:
    """Fresh values and shifted times of one session; `now` gives Unix microseconds."""

    def __init__(self, seed: int | str, now: Callable[[], int]) -> None:
        self.random = random.Random(seed)
        self.now = now

    def fresh(self, value: Json, hint: str = "") -> Json:
        """A value of the same form; the value itself where it is no nonce."""
        if isinstance(value, bool) or value is None:
            return value
        if isinstance(value, int):
            return self._number(value) if value >= _LOWEST_NONCE else value
        if not isinstance(value, str) or len(value) < _SHORTEST or " " in value:
            return value
        if PARITY in hint and len(value) == 2 * CHALLENGE and _HEX.fullmatch(value):
            return challenge.fit(self.random.randbytes(CHALLENGE)).hex()
        if PARITY in hint:
            noise = self.random.randbytes(len(value))
            return challenge.fit(noise).decode("latin-1")
        return self._text(value)

    def _number(self, value: int) -> int:
        """As many digits and as many bits, so that it fits wherever the old one did."""
        bit, digit = 1 << value.bit_length() - 1, 10 ** (len(str(value)) - 1)
        return self.random.randint(max(bit, digit), min(2 * bit, 10 * digit) - 1)

    def _text(self, value: str) -> str:
        pick = self.random.choice
        if value.isdigit():
            return str(self._number(int(value))).zfill(len(value)) if int(value) else value
        if value[:1] == "$" and _HEX.fullmatch(value[1:]):
            return "$" + self._hex(value[1:])
        if len(value) % 2 == 0 and len(value) >= 8 and _HEX.fullmatch(value):
            return self._hex(value)
        return "".join(pick(letters) if (letters := _alphabet(one)) else one for one in value)

    def _hex(self, value: str) -> str:
        """Digits without 0: no byte of it is zero, and a number keeps its length."""
        digits = "123456789" + ("ABCDEF" if any(c in "ABCDEF" for c in value) else "abcdef")
        return "".join(self.random.choice(digits) for _ in value)

    def clock(self, value: Json, recorded_at: int, unit: str) -> Json:
        """The time `value` said at `recorded_at`, as it is now; text keeps its form."""
        passed = self.now() - recorded_at
        if isinstance(value, int) and not isinstance(value, bool):
            return (value + passed // _UNITS.get(unit, 1_000_000)) & 0xFFFFFFFF
        if not isinstance(value, str):
            return value
        if value.isdigit():
            width = (1 << 32) - 1 if int(value) < 1 << 32 else (1 << 64) - 1
            return str((int(value) + passed // _UNITS.get(unit, 1_000_000)) & width)
        return _shifted(value, passed)


def _alphabet(char: str) -> str:
    if "a" <= char <= "z":
        return string.ascii_lowercase
    if "A" <= char <= "Z":
        return string.ascii_uppercase
    return string.digits if "0" <= char <= "9" else ""


def _shifted(text: str, passed: int) -> str:
    """A date `2003.11.2 20:01:45` later by so many microseconds; other text as it is."""
    match = _DATE.fullmatch(text)
    if match is None:
        return text
    year, mark, month, day, gap, hour, minute, second = match.groups()
    try:
        was = datetime(
            int(year), int(month), int(day), int(hour), int(minute), int(second), tzinfo=UTC
        )
        now = was + timedelta(microseconds=passed)
    except (ValueError, OverflowError):
        return text
    form = "{:02d}" if month[0] == "0" or day[0] == "0" else "{}"
    date = mark.join((str(now.year), form.format(now.month), form.format(now.day)))
    return f"{date}{gap}{now:%H:%M:%S}"
