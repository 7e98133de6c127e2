"""IP headers, version 4 and 6, down to TCP and UDP; fragments are put together.

A packet that makes no sense is a `Malformed`; one that carries something else is None.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass, field
from typing import NamedTuple

TCP, UDP = 6, 17
HEADERS = frozenset((0, 43, 60, 135))
"""IPv6 extension headers of one form: next header, length in 8 bytes less one."""
AUTHENTICATION, FRAGMENT = 51, 44
MOST_HEADERS = 16

MOST_DATAGRAMS = 1024
MOST_FRAGMENTS = 2048
"""Of one datagram."""
MOST_BYTES = 16 << 20
PATIENCE = 60_000_000
"""Microseconds of capture time that a datagram waits for its fragments."""
WHOLE = 65_535


class Malformed(Exception):
    """A packet whose headers contradict it; the text says how."""


class Carried(NamedTuple):
    """A TCP segment or UDP datagram with its header, as the network layer carried it."""

    protocol: int
    key: bytes
    """Source, destination, source port, destination port: 12 bytes, or 36 for IPv6."""
    data: bytes
    start: int
    """Where the header of TCP or UDP begins in `data`."""
    end: int
    """Where it ends on the wire; beyond `data` when the packet was cut at capture."""


@dataclass(slots=True)
class _Datagram:
    since: int
    protocol: int = 0
    end: int = -1
    """Its length, once the last fragment is there."""
    pieces: dict[int, bytes] = field(default_factory=dict)
    size: int = 0
    spoiled: bool = False


@dataclass(slots=True)
class Fragments:
    """Datagrams of which fragments are missing, bounded in number, size and time."""

    waiting: dict[bytes, _Datagram] = field(default_factory=dict)
    size: int = 0
    lost: int = 0
    """Datagrams that were given up."""

    def add(
        self, key: bytes, protocol: int, offset: int, last: bool, data: bytes, at: int
    ) -> tuple[int, bytes] | None:
        """Protocol and bytes of the datagram that this fragment completes.

        Raises Malformed for one that contradicts the others; its datagram is given up.
        """
        datagram = self.waiting.get(key)
        if datagram is None or at - datagram.since > PATIENCE:
            self._drop(key)
            self._make_room()
            datagram = self.waiting[key] = _Datagram(at)
        try:
            self._put(datagram, offset, last, data)
        except Malformed:
            datagram.spoiled = True
            self.size -= datagram.size
            datagram.size, datagram.pieces = 0, {}
            raise
        if not offset:
            datagram.protocol = protocol
        if datagram.end < 0 or datagram.size < datagram.end:
            return None
        del self.waiting[key]
        self.size -= datagram.size
        return datagram.protocol, b"".join(datagram.pieces[at] for at in sorted(datagram.pieces))

    def _put(self, datagram: _Datagram, offset: int, last: bool, data: bytes) -> None:
        end = offset + len(data)
        if datagram.spoiled:
            return
        if datagram.pieces.get(offset) == data:
            return  # it came twice
        if end > WHOLE or len(datagram.pieces) >= MOST_FRAGMENTS:
            raise Malformed(f"fragments of more than {WHOLE} bytes")
        if not last and (not data or len(data) % 8):
            raise Malformed(f"a fragment of {len(data)} bytes that is not the last")
        if last and datagram.end not in (-1, end):
            raise Malformed("two fragments that are both the last")
        known_end = end if last else datagram.end
        for start, piece in datagram.pieces.items():
            if start < end and offset < start + len(piece):
                raise Malformed("fragments that overlap")
            if 0 <= known_end < start + len(piece):
                raise Malformed("a fragment behind the last")
        if 0 <= known_end < end:
            raise Malformed("a fragment behind the last")
        datagram.end = known_end
        datagram.pieces[offset] = data
        datagram.size += len(data)
        self.size += len(data)

    def _make_room(self) -> None:
        while self.waiting and (
            len(self.waiting) >= MOST_DATAGRAMS or self.size + WHOLE > MOST_BYTES
        ):
            self._drop(next(iter(self.waiting)))

    def _drop(self, key: bytes) -> None:
        dropped = self.waiting.pop(key, None)
        if dropped is not None:
            self.size -= dropped.size
            self.lost += not dropped.spoiled


_V4 = struct.Struct(">BBHHH").unpack_from
_V6 = struct.Struct(">IHBB").unpack_from


def carried(data: bytes, start: int, at: int, fragments: Fragments) -> Carried | None:
    """What an IP packet carries, when it is whole and TCP or UDP; raises Malformed."""
    if start >= len(data):
        raise Malformed("nothing behind the link layer's header")
    version = data[start] >> 4
    if version == 4:
        return _carried_4(data, start, at, fragments)
    if version == 6:
        return _carried_6(data, start, at, fragments)
    raise Malformed(f"an IP header of version {version}")


def _carried_4(data: bytes, start: int, at: int, fragments: Fragments) -> Carried | None:
    if len(data) - start < 20:
        raise Malformed(f"{len(data) - start} bytes of an IPv4 header of 20")
    first, _, total, _, fragment = _V4(data, start)
    head = (first & 15) * 4
    end = start + total if total else len(data)  # 0: the network card was to cut it
    body = start + head
    if head < 20 or body > end or body > len(data):
        raise Malformed(f"an IPv4 header of {head} bytes in a packet of {total}")
    protocol = data[start + 9]
    if fragment & 0x3FFF:
        key = data[start + 12 : start + 20] + data[start + 4 : start + 6] + bytes((protocol,))
        offset = (fragment & 0x1FFF) * 8
        if end > len(data):
            raise Malformed("a fragment that was cut at capture")
        whole = fragments.add(key, protocol, offset, not fragment & 0x2000, data[body:end], at)
        if whole is None:
            return None
        return _ported(whole[0], data[start + 12 : start + 20], whole[1], 0, len(whole[1]))
    return _ported(protocol, data[start + 12 : start + 20], data, body, end)


def _ported(protocol: int, hosts: bytes, data: bytes, start: int, end: int) -> Carried | None:
    if protocol not in (TCP, UDP):
        return None
    if min(end, len(data)) - start < 8:
        raise Malformed(f"{min(end, len(data)) - start} bytes of a TCP or UDP header")
    return Carried(protocol, hosts + data[start : start + 4], data, start, end)


def _carried_6(data: bytes, start: int, at: int, fragments: Fragments) -> Carried | None:
    if len(data) - start < 40:
        raise Malformed(f"{len(data) - start} bytes of an IPv6 header of 40")
    _, size, kind, _ = _V6(data, start)
    hosts = data[start + 8 : start + 40]
    place = start + 40
    end = place + size if size else len(data)
    for _ in range(MOST_HEADERS):
        if kind in (TCP, UDP):
            return _ported(kind, hosts, data, place, end)
        if kind not in HEADERS and kind not in (AUTHENTICATION, FRAGMENT):
            return None
        if min(end, len(data)) - place < 8:
            raise Malformed("an IPv6 extension header that is cut off")
        following, length = data[place], data[place + 1]
        if kind == FRAGMENT:
            if end > len(data):
                raise Malformed("a fragment that was cut at capture")
            word = data[place + 2] << 8 | data[place + 3]
            key = hosts + data[place + 4 : place + 8]
            piece = data[place + 8 : end]
            whole = fragments.add(key, following, word & 0xFFF8, not word & 1, piece, at)
            if whole is None:
                return None
            return _of_whole(hosts, *whole)
        place += (length + 2) * 4 if kind == AUTHENTICATION else (length + 1) * 8
        kind = following
    raise Malformed(f"more than {MOST_HEADERS} IPv6 extension headers")


def _of_whole(hosts: bytes, kind: int, data: bytes) -> Carried | None:
    """What the fragments of an IPv6 packet made; a fragment within a fragment is nothing."""
    place = 0
    for _ in range(MOST_HEADERS):
        if kind not in HEADERS:
            return _ported(kind, hosts, data, place, len(data))
        if len(data) - place < 8:
            raise Malformed("an IPv6 extension header that is cut off")
        kind, place = data[place], place + (data[place + 1] + 1) * 8
    raise Malformed(f"more than {MOST_HEADERS} IPv6 extension headers")
