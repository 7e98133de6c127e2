"""The types of values in the record store of GameSpy's web services (gamespy 12)."""

from __future__ import annotations

import base64
import binascii
import re

from replay.servers._gs_web import whole

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
