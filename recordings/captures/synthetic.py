"""Packets made from what a recording holds: IP, TCP and UDP headers with right checksums.

There is no link layer: a packet begins with its IP header.
"""

from __future__ import annotations

import struct
from ipaddress import IPv4Address, IPv6Address, ip_address

from recordings.captures.conversation import Endpoint
from recordings.captures.ip import TCP, UDP
from recordings.captures.tcp import ACK, FIN, MASK, PSH, RST, SYN

WINDOW = 65_535
LARGEST_PAYLOAD = {4: 65_495, 6: 65_495}
LARGEST_DATAGRAM = 65_507
"""Bytes of payload that fit into one packet of either version."""
MSS = struct.pack(">BBH", 2, 4, 65_495)

_V4 = struct.Struct(">BBHHHBBH8s").pack
_V6 = struct.Struct(">IHBB32s").pack
_TCP = struct.Struct(">HHIIBBHHH").pack
_UDP = struct.Struct(">HHHH").pack


def checksum(data: bytes, start: int = 0) -> int:
    """The Internet checksum (RFC 1071): the sum of 16-bit words modulo 65535, inverted.

    One large number modulo 65535 is that sum: 65536 is 1 modulo 65535.
    """
    if len(data) & 1:
        data += b"\0"
    total = (start + int.from_bytes(data, "big")) % 65_535
    return 65_535 - total if total else 0


class Path:
    """One direction between two endpoints: what its packets have in common."""

    def __init__(self, source: Endpoint, target: Endpoint) -> None:
        hosts = ip_address(source[0]), ip_address(target[0])
        if hosts[0].version != hosts[1].version:
            hosts = _as_v6(hosts[0]), _as_v6(hosts[1])
        self.version = hosts[0].version
        self.ports = source[1], target[1]
        self._hosts = hosts[0].packed + hosts[1].packed
        self._sum = int.from_bytes(self._hosts, "big") % 65_535
        self._id = 0

    def _packet(self, protocol: int, head: bytes, payload: bytes, fill: int) -> bytes:
        """A packet whose TCP or UDP checksum, `fill` bytes into `head`, is 0 as yet."""
        size = len(head) + len(payload)
        body = head + payload
        value = checksum(body, self._sum + protocol + size)
        if protocol == UDP and not value:
            value = 65_535
        body = b"".join((head[:fill], value.to_bytes(2, "big"), head[fill + 2 :], payload))
        if self.version == 6:
            return _V6(6 << 28, size, protocol, 64, self._hosts) + body
        self._id = (self._id + 1) & 0xFFFF
        ip = (0x45, 0, 20 + size, self._id, 0x4000, 64, protocol)
        return _V4(*ip, checksum(_V4(*ip, 0, self._hosts)), self._hosts) + body

    def datagram(self, payload: bytes) -> bytes:
        """A UDP datagram."""
        head = _UDP(*self.ports, 8 + len(payload), 0)
        return self._packet(UDP, head, payload, 6)

    def segment(
        self, seq: int, ack: int, flags: int, payload: bytes = b"", options: bytes = b""
    ) -> bytes:
        """A TCP segment."""
        words = (5 + len(options) // 4) << 4
        head = _TCP(*self.ports, seq & MASK, ack & MASK, words, flags, WINDOW, 0, 0)
        return self._packet(TCP, head + options, payload, 16)


def _as_v6(address: IPv4Address | IPv6Address) -> IPv6Address:
    if isinstance(address, IPv6Address):
        return address
    return IPv6Address(b"\0" * 10 + b"\xff\xff" + address.packed)


class Connection:
    """A TCP connection from its first packet to its last; side 0 is the client."""

    def __init__(self, client: Endpoint, server: Endpoint, first: int) -> None:
        """`first`: the sequence number of the client's SYN."""
        self._paths = Path(client, server), Path(server, client)
        self._next = [first & MASK, (first * 31 + 7) & MASK]
        self._unseen = [0, 0]  # bytes that the other side has not acknowledged
        self._over = [False, False]

    def _send(self, side: int, flags: int, payload: bytes = b"", options: bytes = b"") -> bytes:
        ack = self._next[1 - side] if flags & ACK else 0
        packet = self._paths[side].segment(self._next[side], ack, flags, payload, options)
        self._next[side] += len(payload) + bool(flags & (SYN | FIN))
        if flags & ACK:
            self._unseen[1 - side] = 0
        return packet

    def greeting(self) -> list[bytes]:
        """The three packets that open it."""
        return [
            self._send(0, SYN, options=MSS),
            self._send(1, SYN | ACK, options=MSS),
            self._send(0, ACK),
        ]

    def data(self, side: int, payload: bytes) -> list[bytes]:
        """The packets of one frame, PSH on the last; an acknowledgement where one is due."""
        packets = []
        largest = LARGEST_PAYLOAD[self._paths[side].version]
        for start in range(0, len(payload), largest):
            part = payload[start : start + largest]
            if self._unseen[side] + len(part) > WINDOW:
                packets.append(self._send(1 - side, ACK))
            flags = ACK | (PSH if start + largest >= len(payload) else 0)
            packets.append(self._send(side, flags, part))
            self._unseen[side] += len(part)
        return packets

    def ending(self, reason: str | None) -> list[bytes]:
        """The packets that close it, a reset when the reason says so."""
        if reason and "reset" in reason:
            return [self._send(1, RST | ACK)]
        return [self._send(0, FIN | ACK), self._send(1, FIN | ACK), self._send(0, ACK)]
