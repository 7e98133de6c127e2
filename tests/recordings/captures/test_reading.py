"""Capture files: both formats, every byte order and unit, packed, cut off, lying."""

from __future__ import annotations

import gzip
import random
import struct
import zlib
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recordings.captures import compressed
from recordings.captures.compressed import Source
from recordings.captures.packet import LARGEST, Packet, Remark
from recordings.captures.reading import read_packets
from recordings.errors import UserError
from tests.recordings.captures import making
from tests.recordings.captures.making import AT, block, enhanced, interface, option, section

zstandard = pytest.importorskip("zstandard", reason="zstd has no library here")

TIMED = [(AT + n * 1_000_001, bytes([n]) * (20 + n)) for n in range(5)]
BARE = [Packet(n + 1, at, 101, data, len(data)) for n, (at, data) in enumerate(TIMED)]


def read(data: bytes, folder: Path) -> list[Packet | Remark]:
    path = folder / "capture"
    path.write_bytes(data)
    with Source.open(path) as source:
        return list(read_packets(source))


@pytest.mark.parametrize("order", "<>")
@pytest.mark.parametrize("unit", [1, 1000])
def test_pcap_of_either_order_and_unit(order: str, unit: int, tmp_path: Path) -> None:
    assert read(making.pcap(TIMED, order=order, unit=unit), tmp_path) == BARE


@pytest.mark.parametrize("order", "<>")
def test_pcapng_of_either_order(order: str, tmp_path: Path) -> None:
    assert read(making.pcapng(TIMED, order=order), tmp_path) == BARE


def test_pcapng_interfaces_have_links_and_clocks_of_their_own(tmp_path: Path) -> None:
    ticks = AT // 1_000_000
    data = section() + interface("<", 1, option(9, b"\x09") + option(14, struct.pack("<q", 3)))
    data += interface("<", 113, option(9, b"\x8a")) + interface("<", 276, option(9, b"\x00"))
    data += enhanced(ticks * 10**9 + 1999, b"nano", which=0)
    data += enhanced(ticks << 10 | 512, b"binary", which=1)
    data += enhanced(ticks, b"seconds", which=2)
    assert read(data, tmp_path) == [
        Packet(1, AT + 3_000_001, 1, b"nano", 4),
        Packet(2, AT + 500_000, 113, b"binary", 6),
        Packet(3, AT, 276, b"seconds", 7),
    ]


def test_pcapng_sections_begin_anew(tmp_path: Path) -> None:
    first = section("<") + interface("<", 1) + enhanced(AT, b"one")
    second = section(">") + interface(">", 101) + enhanced(AT, b"two", order=">")
    assert read(first + second, tmp_path) == [
        Packet(1, AT, 1, b"one", 3),
        Packet(2, AT, 101, b"two", 3),
    ]


def test_pcapng_says_more_than_packets(tmp_path: Path) -> None:
    data = section("<", option(1, b"an old tape") + option(0, b""))
    data += interface() + enhanced(AT, b"x", options=option(1, "grüß".encode()) + option(1, b"2"))
    data += block(10, struct.pack("<II", 0x544C534B, 9) + b"CLIENT_R " + bytes(3))
    data += block(4, option(1, bytes((192, 0, 2, 9)) + b"lobby.example\0") + option(0, b""))
    data += block(0xBAD, struct.pack("<I", 32473) + b"ours")
    data += block(5, bytes(12)) + block(77, b"what") + block(3, struct.pack("<I", 3) + b"abc\0")
    assert read(data, tmp_path) == [
        Remark("comment", "an old tape", 0),
        Packet(1, AT, 101, b"x", 1, ("grüß", "2")),
        Remark("decryption-secrets", "TLSK", 1, b"CLIENT_R "),
        Remark("name", "lobby.example", 1, b"192.0.2.9"),
        Remark("custom", "32473", 1, b"ours"),
        Packet(2, AT, 101, b"abc", 3),
    ]


def test_pcapng_of_old_has_packet_blocks(tmp_path: Path) -> None:
    head = struct.pack("<HHIIII", 0, 7, AT >> 32, AT & 0xFFFFFFFF, 3, 9)
    assert read(section() + interface() + block(2, head + b"old\0"), tmp_path) == [
        Packet(1, AT, 101, b"old", 9)
    ]


PACKERS: dict[str, Callable[[bytes], bytes]] = {
    "gzip": gzip.compress,
    "gzip in two members": lambda data: gzip.compress(data[:50]) + gzip.compress(data[50:]) + b"\0",
    "zstd": lambda data: zstandard.ZstdCompressor().compress(data),
    "zstd in two frames": lambda data: b"".join(
        zstandard.ZstdCompressor().compress(part) for part in (data[:50], data[50:])
    ),
}


@pytest.mark.parametrize("how", PACKERS)
def test_packed_files_are_unpacked(how: str, tmp_path: Path) -> None:
    assert read(PACKERS[how](making.pcap(TIMED)), tmp_path) == BARE


@pytest.mark.parametrize("how", ["gzip", "zstd"])
def test_a_packed_file_that_is_cut_off_gives_what_there_is(how: str, tmp_path: Path) -> None:
    many = [(AT, bytes(random.Random(n).randbytes(200))) for n in range(5000)]
    whole = PACKERS[how](making.pcap(many))
    found = read(whole[: len(whole) // 2], tmp_path)
    assert 1000 < sum(isinstance(one, Packet) for one in found) < 4000
    assert isinstance(found[-1], Remark)
    assert found[-1].kind == "damaged"


@pytest.mark.parametrize("how", ["gzip", "zstd"])
def test_a_bomb_is_not_waited_for(
    how: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(compressed, "BOMB_SIZE", 4 << 20)
    zeros = making.pcap([(AT, bytes(200_000))] * 150)
    found = read(PACKERS[how](zeros), tmp_path)
    assert isinstance(found[-1], Remark)
    assert "more than 200 times its size" in found[-1].text
    assert len(found) < 100


def test_every_cut_is_said_with_the_packets_number(tmp_path: Path) -> None:
    for whole in (making.pcap(TIMED), making.pcapng(TIMED)):
        for size in range(4, len(whole)):
            found = read(whole[:size], tmp_path)
            packets = [one for one in found if isinstance(one, Packet)]
            assert packets == BARE[: len(packets)]
            remarks = [one for one in found if isinstance(one, Remark)]
            if remarks:
                assert remarks == found[-1:]
                assert remarks[0].number == len(packets)
            else:
                assert read(whole[: size + 1], tmp_path)  # it ends between two packets


def lying_pcap(size: int) -> bytes:
    return making.pcap(TIMED[:1]) + struct.pack("<IIII", 1, 1, size, size) + bytes(100)


LIES = {
    "a packet of 4 GB": (lying_pcap(0xFFFFFFFF), "packet 2 says that it has 4,294,967,295 bytes"),
    "a packet over the limit": (lying_pcap(LARGEST + 1), "packet 2 says that it has 262,145 bytes"),
    "a block of 4 GB": (
        making.pcapng(TIMED[:1]) + struct.pack("<III", 6, 0xFFFFFFFC, 0),
        "behind packet 1: a block says that it has 4,294,967,292 bytes",
    ),
    "a block of nothing": (
        making.pcapng(TIMED[:1]) + bytes(64),
        "behind packet 1: a block says that it has 0 bytes",
    ),
    "two lengths": (
        making.pcapng(TIMED[:1]) + struct.pack("<III", 77, 12, 16),
        "behind packet 1: a block's two lengths differ",
    ),
    "a packet longer than its block": (
        making.pcapng(TIMED[:1]) + block(6, struct.pack("<IIIII", 0, 0, 0, 99, 99)),
        "behind packet 1: packet 2 says that it has 99 bytes",
    ),
    "an interface that is not there": (
        making.pcapng(TIMED[:1]) + enhanced(1, b"x", which=5),
        "behind packet 1: packet 2 is of an interface that is not described",
    ),
    "a clock of 2^127": (
        section() + interface(options=option(9, b"\xff")),
        "behind packet 0: an interface counts time in units of 127 digits",
    ),
    "a block too short for its type": (
        making.pcapng(TIMED[:1]) + block(6, bytes(8)),
        "behind packet 1: block 4 has the wrong form",
    ),
    "interfaces without end": (
        section() + interface() * 5000,
        "behind packet 0: a section has more than 4096 interfaces",
    ),
}


@pytest.mark.parametrize("lie", LIES)
def test_a_lie_ends_the_file_with_a_sentence(lie: str, tmp_path: Path) -> None:
    data, text = LIES[lie]
    found = read(data, tmp_path)
    assert isinstance(found[-1], Remark)
    assert found[-1].kind == "damaged"
    assert found[-1].text.startswith(text)


@pytest.mark.parametrize(
    "data", [b"", b"\xa1", b"hello world", gzip.compress(b"x", mtime=0), b"\x1f\x8b"]
)
def test_what_is_no_capture_is_refused(data: bytes, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="capture"):
        read(data, tmp_path)


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="cannot be read"):
        Source.open(tmp_path / "nothing")
    with pytest.raises(UserError, match="cannot be read"):
        Source.open(tmp_path)


SEEDS = (
    making.pcap(TIMED),
    making.pcapng(TIMED),
    making.pcapng(TIMED, order=">"),
    zlib.compress(making.pcap(TIMED), wbits=31),
    zstandard.ZstdCompressor().compress(making.pcap(TIMED)),
)


@given(data=st.data())
def test_no_file_raises_anything_but_a_user_error(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    file = bytearray(data.draw(st.sampled_from(SEEDS)))
    for place in data.draw(st.lists(st.integers(0, len(file) - 1), max_size=8)):
        file[place] = data.draw(st.integers(0, 255))
    file += data.draw(st.binary(max_size=40))
    try:
        found = read(bytes(file), tmp_path_factory.mktemp("any"))
    except UserError:
        return
    assert len(found) < 2000
