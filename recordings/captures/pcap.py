"""Classic pcap: a header of 24 bytes, then records of 16 bytes and a packet each.

    header  u32 magic, u16 major, u16 minor, 8 bytes, u32 longest packet, u32 link type
    record  u32 seconds, u32 microseconds or nanoseconds, u32 bytes here, u32 bytes on the wire

The magic tells the byte order and the unit.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator

from recordings.captures.compressed import Damaged, Source
from recordings.captures.packet import LARGEST, Packet, Remark

MAGICS = {
    bytes.fromhex("a1b2c3d4"): (">", 1),
    bytes.fromhex("d4c3b2a1"): ("<", 1),
    bytes.fromhex("a1b23c4d"): (">", 1000),
    bytes.fromhex("4d3cb2a1"): ("<", 1000),
}
"""Byte order, and by what the fraction is divided to be microseconds."""
HEADER = 24
RECORD = 16
LINK_MASK = 0xFFFF  # the upper bits say how long a checksum ends the frame
STEP = 1 << 20
"""Bytes that are read at once."""


def read_pcap(head: bytes, source: Source) -> Iterator[Packet | Remark]:
    """The packets of a file of which `head` has been read already."""
    order, divisor = MAGICS[head[:4]]
    record = struct.Struct(order + "IIII").unpack_from
    buffer, start, number = head, 0, 0
    try:
        while len(buffer) < HEADER:
            more = source.read(STEP)
            if not more:
                yield Remark("damaged", f"the file ends in its header, {len(buffer)} bytes in", 0)
                return
            buffer += more
        link = struct.unpack_from(order + "I", buffer, 20)[0] & LINK_MASK
        start = HEADER
        while True:
            end = start + RECORD
            if end <= len(buffer):
                seconds, fraction, size, length = record(buffer, start)
                if size > LARGEST:
                    text = f"packet {number + 1} says that it has {size:,} bytes: the rest is lost"
                    yield Remark("damaged", text, number)
                    return
                end += size
            if end > len(buffer):
                more = source.read(STEP)
                if not more:
                    break
                buffer, start = buffer[start:] + more, 0
                continue
            number += 1
            at = seconds * 1_000_000 + fraction // divisor
            yield Packet(number, at, link, buffer[start + RECORD : end], length)
            start = end
    except Damaged as error:
        yield Remark("damaged", f"behind packet {number}: {error}", number)
        return
    if start < len(buffer):
        left = len(buffer) - start
        text = f"packet {number + 1} is cut off: the file ends {left} bytes in"
        yield Remark("damaged", text, number)
