"""The types and the order of values in the record store of GameSpy's web services (gamespy 12)."""

from __future__ import annotations

import base64
import binascii
import re

from replay.servers._gs_web import whole
from replay.servers._gs_web_vault import Record

MOST_ORDERS = 4
_SORT = re.compile(r"(\w{1,64})(?:\s+(asc|desc))?", re.ASCII | re.IGNORECASE)
NUMBER = re.compile(r"[+-]?\d{1,15}(?:\.\d{0,15})?(?:[eE][+-]?\d{1,3})?", re.ASCII)
_DATE = re.compile(r"\d{4}-\d\d-\d\d(?:T\d\d:\d\d:\d\d(?:\.\d{1,7})?(?:Z|[+-]\d\d:\d\d)?)?")

INTEGERS = {"byteValue": (0, 1 << 8), "shortValue": (-(1 << 15), 1 << 15)} | {
    "intValue": (-(1 << 31), 1 << 31),
    "int64Value": (-(1 << 63), 1 << 63),
}
"""Type -> its first value, and the one behind its last."""
ZEROS = {
    **dict.fromkeys([*INTEGERS, "floatValue"], "0"),
    "booleanValue": "false",
    "dateAndTimeValue": "1970-01-01T00:00:00",
    "asciiStringValue": "",
    "unicodeStringValue": "",
    "binaryDataValue": "",
}
"""Type -> what a record that never set such a field is said to have."""


def fits(kind: str, text: str) -> bool:
    """Whether a text is a value of a type."""
    if kind in INTEGERS:
        first, behind = INTEGERS[kind]
        return first <= whole(text.strip(), behind) < behind
    if kind == "binaryDataValue":
        try:
            base64.b64decode(text, validate=True)
        except (binascii.Error, ValueError):
            return False
        return True
    forms = {"floatValue": NUMBER, "dateAndTimeValue": _DATE}
    if kind in forms:
        return forms[kind].fullmatch(text.strip()) is not None
    return kind != "booleanValue" or text.strip().lower() in ("true", "false", "0", "1")


def in_order(found: list[Record], order: str) -> list[Record] | None:
    """Records in an order, `score desc, name`; None for one that is none. Numbers before texts."""
    keys = [_SORT.fullmatch(part.strip()) for part in order.split(",") if part.strip()]
    if len(keys) > MOST_ORDERS:
        return None
    for key in reversed(keys):  # the last of several is sorted by first
        if key is None:
            return None
        name, down = key[1], (key[2] or "").lower() == "desc"
        found = sorted(found, key=lambda one, name=name: _rank(one, name), reverse=down)
    return found


def _rank(one: Record, name: str) -> tuple[int, float, str]:
    text = one.facts().get(name, "")
    number = NUMBER.fullmatch(text)
    return (0, float(text), "") if number else (1, 0.0, text.lower())
