"""Whole captures: an evening with a known truth; hostile ones are bounded."""

from __future__ import annotations

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recordings.captures import flows as flows_module
from recordings.captures.flows import Flows
from recordings.captures.packet import Packet
from recordings.captures.synthetic import Path
from recordings.captures.tcp import ACK, SYN
from tests.recordings.captures.listening import Heard, hear
from tests.recordings.captures.making import AT, CLIENT, LINKS, SERVER, Truth, evening


def test_an_evening_comes_out_exactly() -> None:
    heard, flows, truth = Heard(), None, Truth()
    flows = Flows(heard)
    for number, (at, data, known) in enumerate(evening(20_000, seed=7), 1):
        flows.feed(Packet(number, at, 101, data, len(data)))
        truth = known
    flows.finish()
    counts: dict[tuple[str, str], int] = {}
    found = {}
    for which, conversation in enumerate(heard.conversations):
        order = (0, 1) if conversation.ends[1][1] in (10_600, 10_601, 27_888) else (1, 0)
        names = [f"{conversation.ends[end][0]}:{conversation.ends[end][1]}" for end in order]
        ends = names[0], names[1]
        number = counts.get(ends, 0)
        counts[ends] = number + 1
        for side, end in enumerate(order):
            stream = heard.streams.get((which, end))
            if stream:
                found[*ends, number, side] = hashlib.sha256(stream).hexdigest()
    assert found == truth.digests()
    assert not heard.of("gap")
    assert not heard.of("trouble")


def test_udp_conversations_end_when_they_are_idle() -> None:
    path = Path(CLIENT, SERVER)
    heard = hear([(AT, path.datagram(b"a")), (AT + 300_000_001, path.datagram(b"b"))])
    assert heard.of("data") == [("0.0", "a"), ("1.0", "b")]
    assert heard.of("closed")[0] == ("0", "idle")


def test_empty_datagrams_and_talking_to_oneself() -> None:
    heard = hear([Path(CLIENT, SERVER).datagram(b""), Path(CLIENT, CLIENT).datagram(b"me")])
    assert heard.of("data") == [("0.0", ""), ("1.0", "me")]


def test_conversations_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(flows_module, "MOST_OPEN", 100)
    packets = [Path((f"10.1.{n // 200}.{n % 200}", 5), SERVER).datagram(b"x") for n in range(1000)]
    packets += [
        Path((f"10.2.{n // 200}.{n % 200}", 5), SERVER).segment(1, 0, SYN) for n in range(1000)
    ]
    heard = Heard()
    flows = Flows(heard)
    for number, data in enumerate(packets, 1):
        flows.feed(Packet(number, AT + number, 101, data, len(data)))
        assert len(flows._tcp) + len(flows._udp) <= 402
    flows.finish()
    assert len(heard.of("data")) == 1000
    assert len(heard.of("closed")) == 2000  # each exactly once


def test_bytes_behind_holes_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(flows_module, "MOST_WAITING", 10_000)
    heard = Heard()
    flows = Flows(heard)
    number = 0
    for n in range(50):
        path = Path((f"10.1.0.{n}", 5), SERVER)
        for seq, flags, data in ((0, SYN, b""), (500, ACK, bytes(1000))):
            number += 1
            packet = path.segment(seq, 0, flags, data)
            flows.feed(Packet(number, AT + number, 101, packet, len(packet)))
        assert flows._streams.waiting <= 11_000
    flows.finish()
    assert flows._streams.waiting == 0
    assert len(heard.of("gap")) == 50


@pytest.mark.parametrize("name", LINKS)
@given(data=st.data())
def test_nothing_in_a_packet_raises(name: str, data: st.DataObject) -> None:
    link, wrap = LINKS[name]
    good = [
        wrap(Path(CLIENT, SERVER).segment(1, 2, ACK, b"hello")),
        wrap(Path(("::1", 1), ("::2", 2)).datagram(b"hello")),
    ]
    packets = []
    for _ in range(data.draw(st.integers(1, 6))):
        packet = bytearray(data.draw(st.sampled_from(good)))
        for place in data.draw(st.lists(st.integers(0, len(packet) - 1), max_size=6)):
            packet[place] = data.draw(st.integers(0, 255))
        packets.append(bytes(packet[: data.draw(st.integers(0, len(packet)))]))
    packets.append(data.draw(st.binary(max_size=80)))
    heard = hear(packets, link=link)
    assert len(heard.of("closed")) >= len(heard.conversations)
