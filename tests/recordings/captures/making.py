"""Captures with a known truth: link layers, file formats, evenings of disturbed streams."""

from __future__ import annotations

import hashlib
import random
import struct
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from itertools import pairwise

from recordings.captures.pcapng_writer import block, option
from recordings.captures.synthetic import Path
from recordings.captures.tcp import ACK, FIN, PSH, RST, SYN

AT = 1_795_000_000_000_000
CLIENT, SERVER = ("192.0.2.2", 4000), ("203.0.113.9", 10_600)

Timed = tuple[int, bytes]
"""When, in microseconds, and an IP packet."""

# -- link layers -----------------------------------------------------------------------------------


def _type(packet: bytes) -> bytes:
    return b"\x86\xdd" if packet[0] >> 4 == 6 else b"\x08\x00"


def ethernet(packet: bytes) -> bytes:
    padding = b"\0" * max(0, 46 - len(packet))  # a frame has 60 bytes at least
    return b"\x02\0\0\0\0\1\x02\0\0\0\0\2" + _type(packet) + packet + padding


def vlan(packet: bytes) -> bytes:
    return ethernet(packet)[:12] + b"\x88\xa8\0\5\x81\0\0\7" + _type(packet) + packet


def null(packet: bytes) -> bytes:
    return (b"\x1e\0\0\0" if packet[0] >> 4 == 6 else b"\2\0\0\0") + packet


def loop(packet: bytes) -> bytes:
    return null(packet)[3::-1] + packet


def sll(packet: bytes) -> bytes:
    return b"\0\4\0\1\0\6\2\0\0\0\0\1\0\0" + _type(packet) + packet


def sll2(packet: bytes) -> bytes:
    return _type(packet) + b"\0\0\0\0\0\1\0\1\4\6\2\0\0\0\0\1\0\0" + packet


def ppp(packet: bytes) -> bytes:
    return b"\xff\x03" + (b"\0\x57" if packet[0] >> 4 == 6 else b"\0\x21") + packet


def ppp_short(packet: bytes) -> bytes:
    return (b"\x57" if packet[0] >> 4 == 6 else b"\x21") + packet


def pppoe(packet: bytes) -> bytes:
    inner = ppp(packet)[2:]
    head = b"\x11\0\0\1" + struct.pack(">H", len(inner))
    return ethernet(packet)[:12] + b"\x88\x64" + head + inner


LINKS: dict[str, tuple[int, Callable[[bytes], bytes]]] = {
    "ethernet": (1, ethernet),
    "vlan in vlan": (1, vlan),
    "pppoe": (1, pppoe),
    "raw": (101, bytes),
    "raw of BSD": (12, bytes),
    "null": (0, null),
    "loop": (108, loop),
    "sll": (113, sll),
    "sll2": (276, sll2),
    "ppp": (9, ppp),
    "ppp, short": (9, ppp_short),
    "ppp in hdlc": (50, ppp),
}

# -- files -----------------------------------------------------------------------------------------


def pcap(packets: Iterable[Timed], *, link: int = 101, order: str = "<", unit: int = 1) -> bytes:
    """A classic file; `unit` 1000 for nanoseconds."""
    magic = 0xA1B23C4D if unit == 1000 else 0xA1B2C3D4
    out = [struct.pack(order + "IHHiIII", magic, 2, 4, 0, 0, 65_535, link)]
    for at, data in packets:
        seconds, micro = divmod(at, 1_000_000)
        out.append(struct.pack(order + "IIII", seconds, micro * unit, len(data), len(data)) + data)
    return b"".join(out)


def section(order: str = "<", options: bytes = b"") -> bytes:
    """A section header block of pcapng, in either byte order."""
    return _block(order, 0x0A0D0D0A, struct.pack(order + "IHHq", 0x1A2B3C4D, 1, 0, -1) + options)


def interface(order: str = "<", link: int = 101, options: bytes = b"") -> bytes:
    return _block(order, 1, struct.pack(order + "HHI", link, 0, 0) + options)


def enhanced(
    ticks: int, data: bytes, *, order: str = "<", which: int = 0, options: bytes = b""
) -> bytes:
    head = struct.pack(order + "IIIII", which, ticks >> 32, ticks & 0xFFFFFFFF, *[len(data)] * 2)
    return _block(order, 6, head + data + b"\0" * (-len(data) & 3) + options)


def _block(order: str, kind: int, body: bytes) -> bytes:
    if order == "<":
        return block(kind, body)
    size = struct.pack(">I", 12 + len(body))
    return struct.pack(">I", kind) + size + body + size


def pcapng(packets: Iterable[Timed], *, link: int = 101, order: str = "<") -> bytes:
    return b"".join(
        [
            section(order),
            interface(order, link),
            *(enhanced(at, data, order=order) for at, data in packets),
        ]
    )


__all__ = ["block", "option"]

# -- an evening ------------------------------------------------------------------------------------


def ea(kind: str, text: str) -> bytes:
    """A frame of the EA lobby."""
    body = text.encode() + b"\0"
    return kind.encode() + bytes(4) + struct.pack(">I", 12 + len(body)) + body


def kaillera(number: int, text: str) -> bytes:
    """A datagram of one Kaillera chat line."""
    body = b"\x07" + b"nue\0" + text.encode() + b"\0"
    return b"\x01" + struct.pack("<HH", number & 0xFFFF, len(body)) + body


@dataclass
class Truth:
    """What a capture holds."""

    streams: dict[tuple[str, str, int, int], list[bytes]] = field(default_factory=dict)
    """Client, server, number among flows of these endpoints, side -> what was sent."""
    gaps: int = 0
    """Bytes that are missing."""

    def said(self, flow: tuple[str, str, int], side: int, data: bytes) -> None:
        self.streams.setdefault((*flow, side), []).append(data)

    def digests(self) -> dict[tuple[str, str, int, int], str]:
        return {
            key: hashlib.sha256(b"".join(parts)).hexdigest() for key, parts in self.streams.items()
        }


class Talk:
    """One TCP connection of an evening, whose segments suffer on their way."""

    def __init__(self, chance: random.Random, truth: Truth, client: int, number: int) -> None:
        self.chance, self.truth = chance, truth
        ends = (f"10.0.0.{client}", 3000 + number % 7), ("159.153.0.1", 10_600 + client % 2)
        self.flow = f"{ends[0][0]}:{ends[0][1]}", f"{ends[1][0]}:{ends[1][1]}", number // 7
        self.paths = Path(*ends), Path(ends[1], ends[0])
        wraps = number % 3 == 0
        self.next = [0xFFFF_FF00 if wraps else chance.getrandbits(31), chance.getrandbits(31)]
        self.said = 0

    def segment(self, side: int, flags: int, data: bytes = b"", seq: int | None = None) -> bytes:
        seq = self.next[side] if seq is None else seq
        return self.paths[side].segment(seq, self.next[1 - side], flags, data)

    def greet(self, *, seen: bool) -> list[bytes]:
        packets = [self.segment(0, SYN), self.segment(1, SYN | ACK)]
        self.next = [self.next[0] + 1, self.next[1] + 1]
        return packets if seen else []

    def turn(self, size: int) -> list[bytes]:
        """One frame of either side, in one to three segments, perhaps disturbed."""
        side = self.chance.random() < 0.6
        self.said += 1
        data = ea("+msg", f"N={self.said}\nTEXT={'x' * size}\n")
        self.truth.said(self.flow, side, data)
        cuts = sorted(self.chance.sample(range(1, len(data)), self.chance.randrange(3)))
        places = [0, *cuts, len(data)]
        parts = [(self.next[side] + a, data[a:b]) for a, b in pairwise(places)]
        start = self.next[side]
        self.next[side] += len(data)
        fate = self.chance.random()
        if fate < 0.02 and len(parts) > 1:
            parts.reverse()  # out of order
        elif fate < 0.03:
            parts.append(parts[-1])  # sent again
        elif fate < 0.035 and len(parts) > 1:
            parts.insert(1, (start, data[: places[1] + 1]))  # sent again with one byte more
        return [self.segment(side, ACK | PSH, part, seq) for seq, part in parts]

    def part(self) -> list[bytes]:
        if self.chance.random() < 0.2:
            return [self.segment(0, RST)]
        packets = [self.segment(0, FIN | ACK)]
        self.next[0] += 1
        packets.append(self.segment(1, FIN | ACK))
        self.next[1] += 1
        return [*packets, self.segment(0, ACK)]


def evening(
    count: int, seed: int = 1, *, size: int = 180, talks: int = 8
) -> Iterator[tuple[int, bytes, Truth]]:
    """`count` packets: EA lobbies over TCP, Kaillera over UDP; and what they say."""
    chance = random.Random(seed)
    truth = Truth()
    at = AT
    made = 0
    number = [0] * (talks + 1)
    running: list[tuple[int, Talk]] = []
    players = [Path((f"10.0.1.{n}", 27_000 + n), ("198.51.100.7", 27_888)) for n in range(4)]
    answers = [Path(("198.51.100.7", 27_888), (f"10.0.1.{n}", 27_000 + n)) for n in range(4)]
    while made < count:
        at += chance.randrange(1, 4000)
        packets: list[bytes] = []
        if chance.random() < 0.3:
            n, up = chance.randrange(4), chance.random() < 0.5
            data = kaillera(made, "y" * chance.randrange(size))
            flow = f"10.0.1.{n}:{27_000 + n}", "198.51.100.7:27888", 0
            truth.said(flow, not up, data)
            packets = [(players if up else answers)[n].datagram(data)]
        elif len(running) < talks and chance.random() < 0.2:
            client = 1 + next(n for n in range(talks) if n not in {c for c, _ in running})
            talk = Talk(chance, truth, client, number[client])
            packets = talk.greet(seen=number[client] % 5 != 4)
            number[client] += 1
            running.append((client - 1, talk))
        elif running:
            which = chance.randrange(len(running))
            talk = running[which][1]
            if talk.said > 400 and chance.random() < 0.02:
                packets = talk.part()
                del running[which]
            else:
                packets = talk.turn(chance.randrange(2 * size))
        for packet in packets:
            at += 10
            made += 1
            yield at, packet, truth
