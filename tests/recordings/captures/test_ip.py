"""IPv4 and IPv6 down to the ports: fragments, extension headers, contradictions."""

from __future__ import annotations

import itertools
import struct

import pytest

from recordings.captures import ip
from recordings.captures.synthetic import Path
from tests.recordings.captures.listening import Heard, hear
from tests.recordings.captures.making import AT, CLIENT, SERVER

V4 = Path(CLIENT, SERVER)
V6 = Path(("2001:db8::2", 4000), ("2001:db8::9", 80))
PAYLOAD = bytes(range(256)) * 8


def fragments_4(packet: bytes, size: int) -> list[bytes]:
    """An IPv4 packet in fragments of `size` bytes, a multiple of 8."""
    head, body = packet[:20], packet[20:]
    pieces = []
    for start in range(0, len(body), size):
        part = body[start : start + size]
        word = start // 8 | (0x2000 if start + size < len(body) else 0)
        pieces.append(head[:2] + struct.pack(">HHH", 20 + len(part), 7, word) + head[8:] + part)
    return pieces


def fragments_6(packet: bytes, size: int, before: bytes = b"", first: int = 44) -> list[bytes]:
    """An IPv6 packet in fragments; `before` are extension headers in front of the fragment's."""
    head, body = packet[:40], packet[40:]
    pieces = []
    for start in range(0, len(body), size):
        part = body[start : start + size]
        more = start + size < len(body)
        extra = before + struct.pack(">BBHI", packet[6], 0, start | more, 77)
        length = struct.pack(">H", len(extra) + len(part))
        pieces.append(head[:4] + length + bytes((first,)) + head[7:] + extra + part)
    return pieces


def payload(heard: Heard) -> bytes:
    return b"".join(one[1].encode("latin-1") for one in heard.of("data"))


@pytest.mark.parametrize("size", [8, 512, 1024])
def test_ipv4_fragments_are_put_together(size: int) -> None:
    assert payload(hear(fragments_4(V4.datagram(PAYLOAD), size))) == PAYLOAD


def test_fragments_come_in_any_order_and_twice() -> None:
    pieces = fragments_4(V4.datagram(PAYLOAD), 1024)
    for order in itertools.permutations(pieces):
        assert payload(hear([order[0], *order])) == PAYLOAD
    pieces = fragments_6(V6.datagram(PAYLOAD), 1024)
    for order in itertools.permutations(pieces):
        assert payload(hear([*order[:2], order[1], order[2]])) == PAYLOAD


def test_ipv6_extension_headers_are_passed() -> None:
    packet = V6.datagram(b"deep")
    body = packet[40:]
    headers = [0, 60, 43, 51]  # hop by hop, destination, routing, authentication
    extra = b"".join(
        bytes((following, 4 if kind == 51 else 1)) + bytes(22 if kind == 51 else 14)
        for kind, following in zip(headers, [*headers[1:], 17], strict=True)
    )
    whole = packet[:4] + struct.pack(">H", len(extra + body)) + bytes((headers[0],)) + packet[7:40]
    assert payload(hear([whole + extra + body])) == b"deep"
    behind = fragments_6(packet, 8, before=bytes((44, 0)) + bytes(6), first=60)
    assert payload(hear(behind)) == b"deep"


def test_fragments_that_overlap_are_refused() -> None:
    pieces = fragments_4(V4.datagram(PAYLOAD), 1024)
    evil = pieces[0][:2] + struct.pack(">HHH", 20 + 16, 7, 0x2000 | 1) + pieces[0][8:20] + bytes(16)
    heard = hear([pieces[0], evil, *pieces[1:]])
    assert payload(heard) == b""
    assert ("2", "it has fragments that overlap") in heard.of("trouble")


@pytest.mark.parametrize(
    ("spoil", "fact"),
    [
        (lambda p: p[:19], "it has 19 bytes of an IPv4 header of 20"),
        (lambda p: b"\x44" + p[1:], "it has an IPv4 header of 16 bytes in a packet of 32"),
        (lambda p: b"\x4f" + p[1:], "it has an IPv4 header of 60 bytes in a packet of 32"),
        (lambda p: b"\x55" + p[1:], "it has an IP header of version 5"),
        (lambda p: p[:2] + b"\0\x16" + p[4:], "it has 2 bytes of a TCP or UDP header"),
        (lambda p: p[:24] + b"\0\x07" + p[26:], "it has a UDP header that says 7 bytes where 12"),
        (lambda p: p[:24] + b"\0\xff" + p[26:], "it has a UDP header that says 255 bytes where 12"),
        (lambda p: p[:9] + b"\x06" + p[10:], "it has 12 bytes of a TCP header"),
        (lambda p: b"", "it has nothing behind the link layer's header"),
    ],
)
def test_a_lying_header_is_said_with_the_packets_number(spoil: object, fact: str) -> None:
    good = V4.datagram(b"good")
    heard = hear([good, spoil(good), good])  # type: ignore[operator]
    assert [one[1] for one in heard.of("data")] == ["good", "good"]
    ((number, text),) = heard.of("trouble")
    assert number == "2"
    assert text.startswith(fact)


def test_what_was_cut_at_capture_is_given_and_said() -> None:
    heard = hear([V4.datagram(b"0123456789")[:-4]])
    assert heard.of("data") == [("0.0", "012345")]
    assert heard.of("trouble") == [("1", "4 of its bytes were cut at capture")]


def test_nested_fragments_and_endless_headers_end() -> None:
    inner = fragments_6(V6.datagram(PAYLOAD), 1024)[0]
    nested = inner[:6] + b"\x2c" + inner[7:40] + b"\x2c\0\0\0\0\0\0\x09" + inner[40:]
    nested = nested[:4] + struct.pack(">H", len(nested) - 40) + nested[6:]
    assert hear([nested] * 3).of("data") == []
    endless = V6.datagram(b"")[:6] + b"\0" + V6.datagram(b"")[7:40] + bytes(8) * 40
    endless = endless[:4] + struct.pack(">H", 320) + endless[6:]
    assert hear([endless]).of("trouble")[0][1] == "it has more than 16 IPv6 extension headers"


def test_fragments_are_bounded() -> None:
    table = ip.Fragments()
    for number in range(5000):
        key = number.to_bytes(4, "big")
        assert table.add(key, 17, 8, False, bytes(8192), AT) is None
    assert len(table.waiting) <= ip.MOST_DATAGRAMS
    assert table.size <= ip.MOST_BYTES
    assert table.lost >= 5000 - ip.MOST_DATAGRAMS


def test_fragments_are_bounded_in_bytes() -> None:
    table, piece = ip.Fragments(), bytes(8192)
    for number in range(ip.MOST_BYTES // len(piece) // 6):
        for place in range(7):  # the last one never comes
            table.add(number.to_bytes(4, "big"), 17, place * len(piece), False, piece, AT)
    held = sum(len(one) for waits in table.waiting.values() for one in waits.pieces.values())
    assert ip.MOST_BYTES // 2 < held <= ip.MOST_BYTES
    assert held == table.size


def test_fragments_wait_a_minute() -> None:
    first, *rest = fragments_4(V4.datagram(PAYLOAD), 1024)
    late = [(AT, first), *((AT + ip.PATIENCE + 1, piece) for piece in rest)]
    heard = hear(late)
    assert heard.of("data") == []
    assert heard.of("trouble") == [(str(len(late)), "2 datagrams lack fragments")]
