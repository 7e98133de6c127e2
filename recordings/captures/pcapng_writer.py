"""Writes pcapng: one section, one interface of raw IP packets, times in microseconds.

What only Understudy knows (flows, keys, where a session begins) stands in custom blocks, which
other programs pass over. Their number is the one that RFC 5612 sets aside for documentation; a
word behind it says whose they are.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable
from ipaddress import ip_address

from recordings.captures.links import RAW
from recordings.captures.packet import LARGEST
from recordings.captures.pcapng import COMMENT, CUSTOM, ENHANCED, INTERFACE, NAMES, SECRETS, SECTION

ENTERPRISE = 32_473
WORD = b"understudy "
"""What our custom blocks begin with."""
LONGEST_COMMENT = 4000

_END = b"\0\0\0\0"
_PACKET = struct.Struct("<IIIIIII").pack
_U32 = struct.Struct("<I").pack
_PAIR = struct.Struct("<HH").pack


def padded(data: bytes) -> bytes:
    """Up to a multiple of four."""
    return data + b"\0" * (-len(data) & 3)


def block(kind: int, body: bytes) -> bytes:
    """A block with its two lengths."""
    size = _U32(12 + len(body))
    return b"".join((_U32(kind), size, body, size))


def option(code: int, value: bytes) -> bytes:
    """One option."""
    return _PAIR(code, len(value)) + padded(value)


def header(program: str, comment: str = "") -> bytes:
    """The beginning of a file: section and interface."""
    options = option(COMMENT, _text(comment)) if comment else b""
    options += option(4, _text(program)) + _END  # 4: the program that wrote it
    section = struct.pack("<IHHq", 0x1A2B3C4D, 1, 0, -1) + options
    interface = struct.pack("<HHI", RAW, 0, LARGEST) + option(9, b"\x06") + _END
    return block(SECTION, section) + block(INTERFACE, interface)


def _text(text: str) -> bytes:
    return text.encode("utf-8", "replace")[:LONGEST_COMMENT]


def names(known: Iterable[tuple[str, str]]) -> bytes:
    """Addresses and their names, so that they are shown by name."""
    records = b""
    for host, name in known:
        packed = ip_address(host).packed
        records += option(1 if len(packed) == 4 else 2, packed + _text(name) + b"\0")
    return block(NAMES, records + _END) if records else b""


def secrets(kind: int, data: bytes) -> bytes:
    """Secrets by which other programs decipher what follows: a TLS key log, for instance."""
    return block(SECRETS, _U32(kind) + _U32(len(data)) + padded(data))


def custom(text: bytes) -> bytes:
    """What only Understudy reads."""
    return block(CUSTOM, _U32(ENTERPRISE) + padded(WORD + text))


def packet(at: int, data: bytes, comment: bytes = b"") -> bytes:
    """One packet; `at` in microseconds, of a clock before 1970 the first one that there is."""
    size, at = len(data), max(0, at)
    fill = b"\0" * (-size & 3)
    options = option(COMMENT, comment) + _END if comment else b""
    total = 32 + size + len(fill) + len(options)
    head = _PACKET(ENHANCED, total, 0, at >> 32, at & 0xFFFFFFFF, size, size)
    return b"".join((head, data, fill, options, _U32(total)))
