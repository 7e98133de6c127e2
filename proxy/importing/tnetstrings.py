"""The encoding of mitmproxy's flow files: `LENGTH:BYTES` and a sign for the type.

    ,  bytes     ;  text     #  whole number     ^  number with fraction
    !  true or false     ~  nothing     ]  list     }  pairs of key and value, in turn

Facts: mitmproxy's flow format, version 21, and the description of typed netstrings.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

DEEP = 24
"""Levels that are believed."""
DIGITS = 10
"""Of a length."""


def head(data: bytes, start: int) -> tuple[int, int] | None:
    """Where the bytes of the element at `start` begin and end; None: more is needed.

    Raises ValueError when none can begin there.
    """
    colon = data.find(b":", start, start + DIGITS + 1)
    digits = data[start:colon] if colon >= 0 else data[start : start + DIGITS + 1]
    if not digits.isdigit() and (colon >= 0 or digits):
        raise ValueError(f"byte {start}: no length stands here")
    if colon < 0:
        if len(digits) > DIGITS:
            raise ValueError(f"byte {start}: a length of more than {DIGITS} digits")
        return None
    return colon + 1, colon + 1 + int(digits)


def loads(data: bytes, start: int = 0, depth: int = DEEP) -> tuple[Any, int]:
    """The element at `start` and the offset behind it; raises ValueError."""
    found = head(data, start)
    if found is None or found[1] >= len(data):
        raise ValueError(f"byte {start}: an element is cut off")
    begin, end = found
    if not depth:
        raise ValueError(f"byte {start}: more than {DEEP} levels")
    sign = data[end : end + 1]
    if sign in b"]}" and sign:
        items = []
        while begin < end:
            item, begin = loads(data, begin, depth - 1)
            items.append(item)
        if begin != end:
            raise ValueError(f"byte {begin}: an item reaches out of its list")
        if sign == b"]":
            return items, end + 1
        if len(items) % 2 or not all(isinstance(key, str | bytes) for key in items[::2]):
            raise ValueError(f"byte {start}: keys and values do not match")
        return dict(zip(items[::2], items[1::2], strict=True)), end + 1
    read = _READERS.get(sign)
    if read is None:
        raise ValueError(f"byte {end}: {sign!r} is no type")
    return read(data[begin:end]), end + 1


_READERS: dict[bytes, Callable[[bytes], Any]] = {
    b",": bytes,
    b";": lambda text: text.decode("utf-8", "replace"),
    b"#": lambda text: int(text[:20]),
    b"^": lambda text: float(text[:40]),
    b"!": lambda text: text == b"true",
    b"~": lambda text: None,
}
