"""Values as a person gives them, for fields of messages that no struct lays out."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

_SAFE = re.compile(r"[^.\[\]]+")


def path_steps(other: str, names: Iterable[bytes]) -> list[str]:
    """Names as steps of a path; one that cannot be a step, or comes twice, is numbered."""
    seen: set[str] = set()
    steps = []
    for number, name in enumerate(names):
        text = name.decode("latin-1")
        steps.append(text if _SAFE.fullmatch(text) and text not in seen else f"{other}{number}")
        seen.add(text)
    return steps


def to_ip(data: bytes) -> str:
    """Four bytes as text."""
    return ".".join(map(str, data))


def from_ip(value: Any) -> bytes:
    """The four bytes of an address; raises ValueError."""
    parts = str(value).strip().split(".")
    digits = all(part.isascii() and part.isdigit() and int(part) < 256 for part in parts)
    if len(parts) != 4 or not digits:
        raise ValueError(f"{value!r} is no IPv4 address")
    return bytes(map(int, parts))


def unsigned(value: Any, size: int) -> int:
    """A number that fits in so many bytes; raises ValueError."""
    number = int(str(value), 0)
    if not 0 <= number < 1 << 8 * size:
        raise ValueError(f"{value!r} does not fit in {size} bytes")
    return number


def text_bytes(value: Any) -> bytes:
    """Text for a place that a NUL ends; raises ValueError."""
    text = str(value).encode("latin-1")
    if 0 in text:
        raise ValueError(f"{value!r} holds a NUL, which would end the text")
    return text
