"""Packets that we make: headers and checksums, compared with what RFCs and other tools say."""

from __future__ import annotations

import shutil
import struct
import subprocess
from pathlib import Path as File

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recordings.captures import pcapng_writer as blocks
from recordings.captures.conversation import Endpoint
from recordings.captures.synthetic import Connection, Path, checksum
from recordings.captures.tcp import ACK
from tests.recordings.captures.listening import hear
from tests.recordings.captures.making import AT, CLIENT, SERVER

Ends = tuple[Endpoint, Endpoint]

V6 = ("2001:db8::2", 4000), ("2001:db8::9", 80)
MIXED = CLIENT, ("2001:db8::9", 80)


def folded(data: bytes) -> int:
    """The sum of RFC 1071, word by word."""
    total: int = sum(struct.unpack(f">{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return total


@given(st.binary(max_size=400))
def test_the_checksum_is_that_of_rfc_1071(data: bytes) -> None:
    even = data + b"\0" * (len(data) & 1)
    assert checksum(data) == folded(even) ^ 0xFFFF or not any(data)


@given(st.binary(max_size=60))
def test_a_packet_adds_up(payload: bytes) -> None:
    for packet in (
        Path(CLIENT, SERVER).datagram(payload),
        Path(CLIENT, SERVER).segment(7, 9, ACK, payload),
    ):
        assert folded(packet[:20]) == 0xFFFF
        pseudo = packet[12:20] + bytes((0, packet[9])) + struct.pack(">H", len(packet) - 20)
        body = packet[20:] + b"\0" * (len(packet) & 1)
        assert folded(pseudo + body) == 0xFFFF


@pytest.mark.parametrize("ends", [(CLIENT, SERVER), V6, MIXED], ids=["4", "6", "mixed"])
def test_a_connection_is_read_again(ends: Ends) -> None:
    connection = Connection(*ends, 0xFFFFFFF0)
    packets = connection.greeting()
    for n in range(40):
        packets += connection.data(n % 2, bytes([n]) * 5000)
    packets += connection.data(1, b"z" * 200_000) + connection.ending("closed")
    heard = hear(packets)
    said = heard.of("data")
    assert [len(one[1]) for one in said] == [5000] * 40 + [200_000]
    assert heard.conversations[0].ends == ends
    assert heard.of("closed") == [("0", "closed")]
    assert not heard.of("gap")


def test_tshark_finds_no_fault(tmp_path: File) -> None:
    tshark = shutil.which("tshark")
    if tshark is None:
        pytest.skip("tshark is not installed")
    file = tmp_path / "ours.pcapng"
    with file.open("wb") as out:
        out.write(blocks.header("test"))
        at = AT
        for ends in ((CLIENT, SERVER), V6, MIXED):
            connection = Connection(*ends, 0xFFFFFFF0)
            packets = connection.greeting()
            for n in range(60):
                packets += connection.data(n % 7 == 0, bytes([n]) * 7001)
            packets += connection.data(1, b"z" * 200_000) + connection.ending("closed")
            packets += [Path(*ends).datagram(bytes([n]) * 2 * n) for n in range(60)]
            for packet in packets:
                at += 1000
                out.write(blocks.packet(at, packet, b"said"))
    checks = [f"{name}.check_checksum:TRUE" for name in ("ip", "tcp", "udp")]
    wrong = "tcp.analysis.flags || _ws.malformed || ip.checksum.status == 0"
    wrong += " || tcp.checksum.status == 0 || udp.checksum.status == 0"

    def count(wanted: str) -> int:
        words = [tshark, "-r", str(file), *(w for c in checks for w in ("-o", c)), "-Y", wanted]
        done = subprocess.run(words, capture_output=True, text=True, check=True, timeout=60)
        return len(done.stdout.splitlines())

    assert count(wrong) == 0
    assert count("tcp.checksum.status == 1") > 180
    assert count("udp.checksum.status == 1") == 180
    assert count('frame.comment == "said"') > 360
