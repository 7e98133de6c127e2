"""EncType 1, the oldest cipher of the server list: three ciphers over one another (gamespy 7).

A packet is the total length (u32, big-endian), a header of 36 bytes with filler, the payload and
filler behind it. The payload's first half minus 17 bytes goes through the tree generator of
EncType 2, its first quarter minus 5 through the card cipher, all of it through an RC4-like stream.
The key of the card cipher is the secure string of the greeting: no game secret is needed.
"""

from __future__ import annotations

from typing import NamedTuple

from proxy.ciphers.enctype2 import TreeStream
from proxy.ciphers.enctypex import CardCipher
from proxy.message import WireError

T1 = bytes.fromhex(  # gamespy 15
    "01bafab25100548075168e8e020836a52d050d165207b4228ce909d6b9260004"
    "0605001318c41e5b1d7674fc5051061600512800040a2978510001115216064a"
    "208401a21e16471632519ac4032a73e12d4f184b934c0f390a0004c0120c9a5e"
    "02b318b8070ccd2105c0a94143043c5275ec98801d08021d5884014e3b6a537a"
    "5556571e7fecb8ad00701f82d8fc978bf083fe0e7603be39297730e02bffb79e"
    "0104f8010ee853ff940cb2459e0ac706180164b0039801eb02b001b41249071f"
    "5f5e5da04f5ba05a5958cf5254d0b83402fc0e4229b8da00bab1f012fd23aeb6"
    "45a9bb06b8881424a90014cb2412aecc5756eefd0830d9fd8b3e0a8446fa77b8"
)
"""The substitution that EncType 1 uses for its keys and for the validate answer."""

HEADER = 40
"""Bytes before the filler in front of the payload."""
KEY_AT, KEY_END = 19, 35
TREE_AT, TREE_END = 36, 40


class Layout(NamedTuple):
    """Where the payload of a packet lies."""

    start: int
    end: int
    total: int


def layout(data: bytes | bytearray) -> Layout | None:
    """Read the head of a packet; None: more bytes are needed. Raises WireError when absurd."""
    if len(data) < 6:
        return None
    total = int.from_bytes(data[:4], "big")
    behind = ((data[4] ^ 62) - 20) & 255
    before = ((data[5] ^ 205) - 5) & 255
    start, end = HEADER + before, total - behind
    if end < start:
        raise WireError(f"EncType1.length, byte 0: {total} bytes cannot hold the header")
    return Layout(start, end, total)


def _backward_rc4(key: bytes, data: bytes) -> bytes:
    """RC4 over a pack that starts as 255 to 0."""
    pack = list(range(255, -1, -1))
    y = 0
    for x in range(256):
        y = (y + pack[x] + key[x % len(key)]) & 255
        pack[x], pack[y] = pack[y], pack[x]
    out = bytearray(data)
    x = y = 0
    for place, byte in enumerate(data):
        x = (x + 1) & 255
        y = (y + pack[x]) & 255
        pack[x], pack[y] = pack[y], pack[x]
        out[place] = byte ^ pack[(pack[x] + pack[y]) & 255]
    return bytes(out)


def _heads(length: int) -> tuple[int, int]:
    """How many bytes the card cipher and the tree generator cover."""
    return max(0, length // 4 - 5), max(0, length // 2 - 17)


def _stream_key(wire: bytes) -> bytes:
    return wire[KEY_AT:KEY_END].translate(T1)


def decrypt(secure: bytes, wire: bytes) -> bytes:
    """The clear list of one whole packet; raises WireError when it is no packet."""
    where = layout(wire)
    if where is None or len(wire) < where.total or where.start > len(wire):
        raise WireError(f"EncType1.length, byte 0: the packet is cut off at {len(wire)} bytes")
    data = wire[where.start : where.end]
    cards, tree = _heads(len(data))
    data = CardCipher(secure).decrypt(data[:cards]) + data[cards:]
    data = TreeStream(wire[TREE_AT:TREE_END]).apply(data[:tree]) + data[tree:]
    return _backward_rc4(_stream_key(wire), data)


def encrypt(secure: bytes, header: bytes, plain: bytes, behind: bytes = b"") -> bytes:
    """One packet as it goes over the wire.

    `header` is what stands before the payload (40 bytes and the filler of another packet, or
    zeros), of which only the lengths are renewed; `behind` is the filler after the payload. Raises
    ValueError for more filler than the header can count.
    """
    before = len(header) - HEADER
    if not 0 <= before <= 255 or len(behind) > 255:
        raise ValueError("EncType 1 has room for 0 to 255 bytes of filler")
    total = len(header) + len(plain) + len(behind)
    marks = bytes((((len(behind) + 20) & 255) ^ 62, ((before + 5) & 255) ^ 205))
    head = total.to_bytes(4, "big") + marks + header[6:]
    cards, tree = _heads(len(plain))
    data = _backward_rc4(_stream_key(head), plain)
    data = TreeStream(head[TREE_AT:TREE_END]).apply(data[:tree]) + data[tree:]
    data = CardCipher(secure).encrypt(data[:cards]) + data[cards:]
    return head + data + behind
