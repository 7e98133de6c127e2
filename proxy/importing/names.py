"""Names of servers, from the DNS answers that a capture holds."""

from __future__ import annotations

import struct
from ipaddress import ip_address

PORT = 53
MOST_RECORDS = 64
MOST_JUMPS = 16
ADDRESS = {1: 4, 28: 16}
"""Record type -> bytes of its address (RFC 1035, RFC 3596)."""


def answers(data: bytes) -> dict[str, str]:
    """Numeric host -> the name that was asked for, of one DNS answer; empty for anything else."""
    try:
        _, flags, questions, count = struct.unpack_from(">HHHH", data)
        if not flags & 0x8000 or questions != 1:
            return {}
        name, place = _name(data, 12)
        place += 4
        found = {}
        for _ in range(min(count, MOST_RECORDS)):
            _, place = _name(data, place)
            kind, _, _, size = struct.unpack_from(">HHIH", data, place)
            place += 10
            if ADDRESS.get(kind) == size and place + size <= len(data):
                found[str(ip_address(data[place : place + size]))] = name
            place += size
        return found
    except (struct.error, IndexError):
        return {}


def _name(data: bytes, place: int) -> tuple[str, int]:
    """A name and the offset behind it; raises IndexError."""
    labels: list[str] = []
    behind = -1
    for _ in range(128):
        size = data[place]
        if size >= 0xC0:
            behind = place + 2 if behind < 0 else behind
            place = (size & 0x3F) << 8 | data[place + 1]
            if len(labels) > MOST_JUMPS:
                raise IndexError("a name that leads in a circle")
            continue
        place += 1
        if not size:
            break
        labels.append(data[place : place + size].decode("latin-1"))
        place += size
    return ".".join(labels), place if behind < 0 else behind
