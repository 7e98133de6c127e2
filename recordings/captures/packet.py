"""What a capture file gives: packets, and remarks about what is no packet."""

from __future__ import annotations

from typing import NamedTuple

LARGEST = 1 << 18
"""Bytes of the longest packet that is believed; other programs have the same limit."""


class Packet(NamedTuple):
    """One captured packet."""

    number: int
    """Counts from 1 in the file, as other tools show it."""
    at: int
    """Unix time in microseconds."""
    link: int
    """What its bytes begin with: a LINKTYPE number, see `recordings.captures.links`."""
    data: bytes
    length: int
    """How long it was on the wire; more than `data` has when it was cut at capture."""
    comments: tuple[str, ...] = ()


class Remark(NamedTuple):
    """Something of a file that is no packet, and what is wrong with it."""

    kind: str
    """`comment`, `decryption-secrets`, `name`, `custom`, `damaged`."""
    text: str
    number: int
    """Of the last packet before it."""
    data: bytes = b""
