"""Bytes as text that can be read and typed: printable text in which `|` encloses hexadecimal."""

from __future__ import annotations

import re

# up to two printable bytes between others are no text worth showing
_NOT_TEXT = re.compile(rb"[^\x20-\x7b\x7d\x7e\n]+(?:.{0,2}[^\x20-\x7b\x7d\x7e\n]+)*", re.DOTALL)


def to_text(data: bytes) -> str:
    """Bytes as printable text, with what is not printable as hexadecimal between bars."""
    return _NOT_TEXT.sub(lambda found: b"|" + found[0].hex().encode() + b"|", data).decode("ascii")


def to_bytes(text: str) -> bytes:
    """The reverse of `to_text`; raises ValueError."""
    parts = text.split("|")
    if len(parts) % 2 == 0:
        raise ValueError("a | is not closed")
    return b"".join(
        bytes.fromhex(part) if place % 2 else part.encode("ascii")
        for place, part in enumerate(parts)
    )
