"""The values of TagField text: strings, numbers, addresses, binary, time, flags, pop lists.

Each reader does what the client's reader does, its oddities included (ea-lobby 2).
"""

from __future__ import annotations

import calendar
import re
from typing import Any

FLAGS = "@ABCDEFGHIJKLMNOPQRSTUVWXYZ0123"
"""Letter of bit n, from bit 0 on: `0` is bit 27, not "no flags" (ea-lobby 2)."""

QUOTES = ('"', "'")
_ESCAPE = re.compile(r"%(?:(%)|([0-9A-Fa-f]{2}))")
_SPECIAL = re.compile(r"[^ !#$&-9;<>-~]")  # `=`, `"`, `:`, `%` and all outside 0x20..0x7e
_DIGITS = re.compile(r"[0-9]+")
_NUMBER = re.compile(r" ?([+-]?)([0-9]*)")
_DATE = re.compile(r"(\d{4})[.-](\d{1,2})[.-](\d{1,2})[ -](\d{1,2}):(\d{1,2}):(\d{1,2})")


def _unescape(match: re.Match[str]) -> str:
    return match[1] or chr(int(match[2], 16))


def decode(wire: str) -> str:
    """A value's wire text to its string: one blank skipped, quotes off, escapes resolved.

    A broken escape is literal; what follows a closing quote is not read.
    """
    if wire[:1] == " ":
        wire = wire[1:]
    if wire[:1] in QUOTES:
        wire = wire[1:].partition(wire[0])[0]
    return _ESCAPE.sub(_unescape, wire) if "%" in wire else wire


def _escape(match: re.Match[str]) -> str:
    char = match[0]
    octets = bytes([ord(char)]) if ord(char) < 256 else char.encode("utf-8", "replace")
    return "".join(f"%{octet:02x}" for octet in octets)


def encode(value: str) -> str:
    """A string to wire text as the client's writer does it: escapes, quotes around blanks.

    Quotes also hide an apostrophe in front, which the reader would take for a quote. A date stays
    bare, as every server writes it: the reader of dates knows neither quotes nor escapes.
    """
    if value[:1].isdigit() and _DATE.fullmatch(value):
        return value
    wire = _SPECIAL.sub(_escape, value)
    return f'"{wire}"' if " " in wire or wire[:1] == "'" else wire


def text_of(value: Any) -> str:
    """The string that stands for a value: bytes as `$hex`, a dict as nested TagField text."""
    if isinstance(value, (bytes, bytearray)):
        return f"${value.hex()}"
    if isinstance(value, dict):
        return "".join(f"{key}={encode(text_of(one))}\n" for key, one in value.items())
    return str(int(value)) if isinstance(value, bool) else str(value)


def number(text: str) -> int:
    """Sign and digits up to the first other byte, wrapped to signed 32 bit like the client's."""
    match = _NUMBER.match(text)
    sign, digits = (match[1], match[2]) if match else ("", "")
    value = 0
    for start in range(0, len(digits), 9):  # in steps: Python refuses to read huge integers
        part = digits[start : start + 9]
        value = (value * 10 ** len(part) + int(part)) & 0xFFFFFFFF
    value = -value if sign == "-" else value
    return (value + 0x80000000 & 0xFFFFFFFF) - 0x80000000


def address(text: str) -> int:
    """A dotted quad as a number; like the client's reader it makes nonsense of a decimal one."""
    value = 0
    for char in text.strip(" "):
        if char == ".":
            value = value << 8 & 0xFFFFFFFF
        elif "0" <= char <= "9":
            value = value & ~0xFF | (value & 0xFF) * 10 + int(char)
        else:
            break
    return value & 0xFFFFFFFF


def binary(text: str) -> bytes | None:
    """`$` and hex pairs as bytes; None for anything else, where the client keeps its buffer."""
    if text[:1] != "$":
        return None
    try:
        return bytes.fromhex(text[1:])
    except ValueError:
        return None


def time(text: str) -> int | None:
    """Unix seconds of `$hex`, plain seconds, or `Y.M.D H:M:S` (also with `-`); None: no time."""
    found = _DATE.match(text)
    try:
        if found:
            parts = tuple(int(part) for part in found.groups())
            return calendar.timegm((*parts, 0, 0, 0)) if 1 <= parts[1] <= 12 else None
        if text[:1] == "$":
            return int(text[1:17], 16)
    except (ValueError, OverflowError):
        return None
    return int(text[:18]) if text[:1].isdecimal() and _DIGITS.fullmatch(text[:18]) else None


def flags(text: str) -> int:
    """Letters to a bit mask, up to the first character that is no flag."""
    value = 0
    for char in text:
        bit = FLAGS.find(char)
        if bit < 0:
            break
        value |= 1 << bit
    return value


def letters(value: int) -> str:
    """A bit mask to its letters, lowest bit first."""
    return "".join(letter for bit, letter in enumerate(FLAGS) if value >> bit & 1)
