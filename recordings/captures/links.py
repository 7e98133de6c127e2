"""Link layers: where in a packet its IP header begins.

Each function gives the offset of the IP header, or -1 when the packet carries none. Numbers are
those of the LINKTYPE registry.
"""

from __future__ import annotations

from collections.abc import Callable

IPV4, IPV6 = b"\x08\x00", b"\x86\xdd"
PPPOE = b"\x88\x64"
VLANS = frozenset((b"\x81\x00", b"\x88\xa8", b"\x91\x00"))
MOST_VLANS = 8
RAW = 101
"""The packet begins with its IP header: what an export has."""


def _typed(data: bytes, kind: bytes, offset: int) -> int:
    """Behind an Ethernet type: VLAN tags and PPPoE are looked through."""
    for _ in range(MOST_VLANS):
        if kind in (IPV4, IPV6):
            return offset
        if kind in VLANS:
            kind, offset = data[offset + 2 : offset + 4], offset + 4
        elif kind == PPPOE:
            return _ppp_protocol(data, offset + 6)
        else:
            return -1
    return -1


def ethernet(data: bytes) -> int:
    """Two addresses of 6 bytes and a type."""
    kind = data[12:14]
    return 14 if kind == IPV4 else _typed(data, kind, 14)


def raw(data: bytes) -> int:
    """Nothing before the IP header."""
    return 0


def null(data: bytes) -> int:
    """A loopback: u32 family in the byte order of the machine that captured."""
    family = data[:4].strip(b"\0")
    return 4 if family in _FAMILIES else -1


_FAMILIES = frozenset((b"\x02", b"\x0a", b"\x17", b"\x18", b"\x1a", b"\x1c", b"\x1e"))
"""AF_INET is 2 everywhere, AF_INET6 is 10, 23, 24, 26, 28 or 30."""


def sll(data: bytes) -> int:
    """Linux "cooked": 14 bytes, then an Ethernet type."""
    return _typed(data, data[14:16], 16)


def sll2(data: bytes) -> int:
    """Linux "cooked", second version: an Ethernet type, then 18 bytes."""
    return _typed(data, data[:2], 20)


def ppp(data: bytes) -> int:
    """PPP, with or without its HDLC address and control (FF 03, Cisco's 0F 00)."""
    if data[:2] in (b"\xff\x03", b"\x0f\x00", b"\x8f\x00"):
        if data[:1] != b"\xff":
            return _typed(data, data[2:4], 4)
        return _ppp_protocol(data, 2)
    return _ppp_protocol(data, 0)


def _ppp_protocol(data: bytes, offset: int) -> int:
    if data[offset : offset + 1] in (b"\x21", b"\x57"):  # the short form
        return offset + 1
    return offset + 2 if data[offset : offset + 2] in (b"\x00\x21", b"\x00\x57") else -1


def pppoe(data: bytes) -> int:
    """PPPoE without Ethernet."""
    return _ppp_protocol(data, 6)


LINKS: dict[int, Callable[[bytes], int]] = {
    0: null,
    1: ethernet,
    9: ppp,
    12: raw,
    14: raw,
    50: ppp,
    51: pppoe,
    RAW: raw,
    108: null,
    113: sll,
    228: raw,
    229: raw,
    276: sll2,
}
