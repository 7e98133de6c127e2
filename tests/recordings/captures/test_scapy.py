"""Packets of a program that is not ours: what scapy writes comes out as scapy says it."""

# scapy is typed in part only.
# mypy: disable-error-code="no-untyped-call, attr-defined"

from __future__ import annotations

import random
import warnings
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from recordings.captures.compressed import Source
from recordings.captures.flows import Flows
from recordings.captures.packet import Packet
from recordings.captures.reading import read_packets
from tests.recordings.captures.listening import Heard

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    pytest.importorskip("scapy", reason="scapy is not installed (extra `dev`)")
    from scapy.layers import inet, inet6, l2, ppp
    from scapy.packet import Raw
    from scapy.utils import PcapNgWriter, PcapWriter

FOUR: dict[str, Any] = {"src": "192.0.2.2", "dst": "203.0.113.9"}
SIX: dict[str, Any] = {"src": "2001:db8::2", "dst": "2001:db8::9"}
HEADERS = (
    lambda: inet6.IPv6ExtHdrHopByHop(options=[inet6.PadN(optdata=b"\0" * 4)]),
    lambda: inet6.IPv6ExtHdrRouting(addresses=["2001:db8::7", "2001:db8::8"], segleft=0),
    lambda: inet6.IPv6ExtHdrDestOpt(options=[inet6.PadN(optdata=b"\0" * 20)]),
)


def _ethernet(packet: Any) -> Any:
    return l2.Ether(src="02:00:00:00:00:01", dst="02:00:00:00:00:02") / packet


def _vlans(packet: Any) -> Any:
    inside = l2.Dot1AD(vlan=5) / l2.Dot1Q(vlan=7) / packet
    return l2.Ether(src="02:00:00:00:00:01", dst="02:00:00:00:00:02") / inside


def _pppoe(packet: Any) -> Any:
    return _ethernet(ppp.PPPoE(sessionid=1) / ppp.PPP() / packet)


def _null(packet: Any) -> Any:
    return l2.Loopback(type=2 if packet.version == 4 else 24) / packet


LINKS = {
    "ethernet": _ethernet,
    "vlan in vlan": _vlans,
    "pppoe": _pppoe,
    "sll": lambda packet: l2.CookedLinux() / packet,
    "sll2": lambda packet: l2.CookedLinuxV2() / packet,
    "null": _null,
    "ppp": lambda packet: ppp.PPP() / packet,
    "ppp in hdlc": lambda packet: ppp.HDLC() / ppp.PPP() / packet,
    "raw": lambda packet: packet,
}
LINKTYPES = {"raw": 101}
"""Where scapy does not choose the number that its file says."""


class Evening:
    """Datagrams and streams; the streams' segments come in any order."""

    def __init__(self, seed: int) -> None:
        self.chance = random.Random(seed)
        self.packets: list[Any] = []
        self.datagrams: dict[tuple[str, int], list[bytes]] = {}
        self.streams: dict[tuple[str, int], bytes] = {}
        for number in range(16):
            self._datagram(number)
        for number in range(3):
            self._stream(number)

    def _datagram(self, number: int) -> None:
        chance, six = self.chance, bool(number % 2)
        data = chance.randbytes(chance.choice((1, 7, 60, 900, 3000)))
        port = 3000 + number % 5
        ends = SIX if six else FOUR
        self.datagrams.setdefault((ends["src"], port), []).append(data)
        carried = inet.UDP(sport=port, dport=27_888) / Raw(data)
        if not six:
            options = chance.choice(([], [inet.IPOption_NOP()] * 4))
            packet: Any = inet.IP(**FOUR, id=number + 1, options=options) / carried
            pieces = inet.fragment(packet, fragsize=chance.choice((1000, 200)))
        else:
            packet = inet6.IPv6(**SIX)
            for make in chance.sample(HEADERS, chance.randrange(3)):
                packet = packet / make()
            pieces = [packet / carried]
            if len(data) > 1000:
                whole = packet / inet6.IPv6ExtHdrFragment(id=number) / carried
                pieces = inet6.fragment6(whole, 1280)
        chance.shuffle(pieces)
        self.packets += pieces

    def _stream(self, number: int) -> None:
        chance, port = self.chance, 4000 + number
        make, ends = (inet6.IPv6, SIX) if number % 2 else (inet.IP, FOUR)
        first = chance.choice((5, (1 << 32) - 300))
        data = chance.randbytes(4000)
        self.streams[ends["src"], port] = data

        def segment(flags: str, seq: int, body: bytes = b"") -> Any:
            head = inet.TCP(sport=port, dport=10_600, flags=flags, seq=seq & 0xFFFFFFFF)
            head.options = [("NOP", None), ("Timestamp", (1, 2))] if chance.random() < 0.5 else []
            return make(**ends) / head / Raw(body) if body else make(**ends) / head

        cuts = sorted({0, len(data), *chance.sample(range(len(data)), 9)})
        parts = [(a, data[a:b]) for a, b in pairwise(cuts)]
        parts += [(at, data[at : at + 700]) for at in chance.sample(range(3000), 3)]  # again
        chance.shuffle(parts)
        self.packets.append(segment("S", first))
        self.packets += [segment("PA", first + 1 + at, body) for at, body in parts]
        self.packets.append(segment("FA", first + 1 + len(data)))


@pytest.mark.parametrize("name", LINKS)
def test_what_scapy_writes_is_read(name: str, tmp_path: Path) -> None:
    evening = Evening(sorted(LINKS).index(name))
    path = tmp_path / "scapy"
    packets = [LINKS[name](packet) for packet in evening.packets]
    for number, packet in enumerate(packets):
        packet.time = 1_795_000_000 + number / 1000
    ng = evening.chance.random() < 0.5
    writer: Any = PcapNgWriter(str(path)) if ng else PcapWriter(str(path), LINKTYPES.get(name))
    if ng and name in LINKTYPES:
        writer.linktype = LINKTYPES[name]
    with writer:
        writer.write(packets)
    heard = Heard()
    flows = Flows(heard)
    with Source.open(path) as source:
        for one in read_packets(source):
            assert isinstance(one, Packet)
            flows.feed(one)
    flows.finish()
    assert flows.packets == len(packets)
    assert not heard.of("trouble")
    assert not heard.of("gap")
    datagrams: dict[tuple[str, int], list[bytes]] = {}
    streams = {}
    for which, conversation in enumerate(heard.conversations):
        if conversation.ends[1][1] == 10_600:
            streams[conversation.ends[0]] = bytes(heard.streams[which, 0])
        else:
            datagrams[conversation.ends[0]] = [
                text.encode("latin-1") for side, text in heard.of("data") if side == f"{which}.0"
            ]
    assert streams == evening.streams
    assert datagrams == evening.datagrams
