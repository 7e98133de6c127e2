"""Reads pcapng: blocks of u32 type, u32 length, body, u32 length again; sections and interfaces.

A section begins with its byte order; interfaces belong to a section and say link type and unit of
time. Comments, names of addresses, decryption secrets and custom blocks come out as remarks. Facts:
the IETF's draft "PCAP Now Generic (pcapng) Capture File Format".
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from ipaddress import ip_address
from itertools import islice

from recordings.captures.compressed import Damaged, Source
from recordings.captures.packet import LARGEST, Packet, Remark

SECTION = 0x0A0D0D0A
MAGIC = SECTION.to_bytes(4, "big")
INTERFACE, OLD_PACKET, SIMPLE, NAMES, ENHANCED = 1, 2, 3, 4, 6
SECRETS = 10
CUSTOM, CUSTOM_KEPT = 0x00000BAD, 0x40000BAD
LARGEST_BLOCK = 4 << 20
"""Bytes of the longest block that is believed."""
MOST_INTERFACES = 4096
MOST_OPTIONS = 256
STEP = 1 << 20

COMMENT, TIME_UNIT, TIME_OFFSET = 1, 9, 14


@dataclass(slots=True)
class _Interface:
    link: int
    snap: int
    per_second: int = 1_000_000
    offset: int = 0


@dataclass(slots=True)
class _Section:
    order: str = "<"
    interfaces: list[_Interface] = field(default_factory=list)
    number: int = 0
    at: int = 0

    def unpack(self, form: str, body: bytes, offset: int = 0) -> tuple[int, ...]:
        return struct.unpack_from(self.order + form, body, offset)

    def options(self, body: bytes, offset: int) -> Iterator[tuple[int, bytes]]:
        for _ in range(MOST_OPTIONS):
            if offset + 4 > len(body):
                return
            code, size = self.unpack("HH", body, offset)
            offset += 4
            if not code or offset + size > len(body):
                return
            yield code, body[offset : offset + size]
            offset += -(-size // 4) * 4

    def comments(self, body: bytes, offset: int) -> tuple[str, ...]:
        return tuple(
            value.decode("utf-8", "replace")
            for code, value in self.options(body, offset)
            if code == COMMENT
        )

    def time(self, interface: _Interface, high: int, low: int) -> int:
        """Microseconds of a packet's time."""
        ticks = high << 32 | low
        if interface.per_second != 1_000_000:
            ticks = ticks * 1_000_000 // interface.per_second
        return ticks + interface.offset * 1_000_000


def read_pcapng(head: bytes, source: Source) -> Iterator[Packet | Remark]:
    """The packets and remarks of a file of which `head` has been read already."""
    section = _Section()
    count = 0
    try:
        for kind, body in _blocks(section, head, source):
            count += 1
            if kind == ENHANCED:
                yield _enhanced(section, body)
            elif kind in _READERS:
                yield from _READERS[kind](section, body)
    except Damaged as error:
        yield Remark("damaged", f"behind packet {section.number}: {error}", section.number)
    except (struct.error, IndexError) as error:
        text = f"behind packet {section.number}: block {count} has the wrong form ({error})"
        yield Remark("damaged", text, section.number)


def _blocks(section: _Section, head: bytes, source: Source) -> Iterator[tuple[int, bytes]]:
    """Type and body of every block; raises Damaged."""
    buffer, start = head, 0
    while True:
        end = start + 12
        if end <= len(buffer):
            if buffer[start : start + 4] == MAGIC:
                section.order = ">" if buffer[start + 8 : start + 12] == _BIG else "<"
                section.interfaces = []
            kind, size = struct.unpack_from(section.order + "II", buffer, start)
            if size < 12 or size % 4 or size > LARGEST_BLOCK:
                raise Damaged(f"a block says that it has {size:,} bytes")
            end = start + size
        if end > len(buffer):
            more = source.read(STEP)
            if not more:
                break
            buffer, start = buffer[start:] + more, 0
            continue
        if buffer[end - 4 : end] != buffer[start + 4 : start + 8]:
            raise Damaged("a block's two lengths differ")
        yield kind, buffer[start + 8 : end - 4]
        start = end
    if start < len(buffer):
        raise Damaged(f"the next block is cut off: the file ends {len(buffer) - start} bytes in")


_BIG = bytes.fromhex("1a2b3c4d")


def _section(section: _Section, body: bytes) -> Iterator[Remark]:
    for comment in section.comments(body, 16):
        yield Remark("comment", comment, section.number)


def _interface(section: _Section, body: bytes) -> Iterator[Remark]:
    link, _, snap = section.unpack("HHI", body)
    if len(section.interfaces) >= MOST_INTERFACES:
        raise Damaged(f"a section has more than {MOST_INTERFACES} interfaces")
    new = _Interface(link, snap)
    for code, value in section.options(body, 8):
        if code == TIME_UNIT and value:
            power = value[0] & 0x7F
            if power > 64:
                raise Damaged(f"an interface counts time in units of {power} digits")
            new.per_second = 1 << power if value[0] & 0x80 else 10**power
        elif code == TIME_OFFSET and len(value) == 8:
            (new.offset,) = section.unpack("q", value)
        elif code == COMMENT:
            yield Remark("comment", value.decode("utf-8", "replace"), section.number)
    section.interfaces.append(new)


def _enhanced(section: _Section, body: bytes) -> Packet:
    which, high, low, size, length = struct.unpack_from(section.order + "IIIII", body)
    if which >= len(section.interfaces):
        raise Damaged(f"packet {section.number + 1} is of an interface that is not described")
    end = 20 + size
    if end > len(body) or size > LARGEST:
        raise Damaged(f"packet {section.number + 1} says that it has {size:,} bytes")
    interface = section.interfaces[which]
    section.number += 1
    section.at = at = section.time(interface, high, low)
    options = end + (-size & 3)
    comments = section.comments(body, options) if options + 4 < len(body) else ()
    return Packet(section.number, at, interface.link, body[20:end], length, comments)


def _old_packet(section: _Section, body: bytes) -> Iterator[Packet]:
    (which,) = section.unpack("H", body)
    yield _enhanced(section, struct.pack(section.order + "I", which) + body[4:])


def _simple(section: _Section, body: bytes) -> Iterator[Packet]:
    if not section.interfaces:
        raise Damaged(f"packet {section.number + 1} is of an interface that is not described")
    (length,) = section.unpack("I", body)
    interface = section.interfaces[0]
    size = min(length, interface.snap or length, len(body) - 4)
    section.number += 1  # it has no time of its own: that of the packet before
    yield Packet(section.number, section.at, interface.link, body[4 : 4 + size], length)


def _names(section: _Section, body: bytes) -> Iterator[Remark]:
    """Address and name of what somebody resolved; record types 1 (IPv4) and 2 (IPv6)."""
    for code, value in islice(section.options(body, 0), MOST_OPTIONS):
        size = {1: 4, 2: 16}.get(code, 0)
        if size and len(value) > size:
            name = value[size:].split(b"\0")[0].decode("utf-8", "replace")
            yield Remark("name", name, section.number, str(ip_address(value[:size])).encode())


def _secrets(section: _Section, body: bytes) -> Iterator[Remark]:
    kind, size = section.unpack("II", body)
    yield Remark("decryption-secrets", secrets_name(kind), section.number, body[8 : 8 + size])


def secrets_name(kind: int) -> str:
    """What kind of secrets: `TLSK` for TLS, else letters like these, or eight hex digits."""
    name = kind.to_bytes(4, "big")
    return name.decode("latin-1") if name.isalnum() and name.isascii() else name.hex()


def secrets_kind(name: str) -> int:
    """The number of that name; raises ValueError."""
    data = name.encode("ascii") if len(name) == 4 else bytes.fromhex(name)
    return int.from_bytes(data, "big")


def _custom(section: _Section, body: bytes) -> Iterator[Remark]:
    (enterprise,) = section.unpack("I", body)
    yield Remark("custom", str(enterprise), section.number, body[4:])


_READERS: dict[int, Callable[[_Section, bytes], Iterator[Packet | Remark]]] = {
    SECTION: _section,
    INTERFACE: _interface,
    OLD_PACKET: _old_packet,
    SIMPLE: _simple,
    NAMES: _names,
    SECRETS: _secrets,
    CUSTOM: _custom,
    CUSTOM_KEPT: _custom,
}
