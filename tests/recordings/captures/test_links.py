"""Every link layer leads to the same datagram and the same segment, of either IP version."""

from __future__ import annotations

import pytest

from recordings.captures.links import LINKS as KNOWN
from recordings.captures.synthetic import Path
from recordings.captures.tcp import ACK
from tests.recordings.captures.listening import hear
from tests.recordings.captures.making import CLIENT, LINKS, SERVER

V6 = ("2001:db8::2", 4000), ("2001:db8::9", 80)


@pytest.mark.parametrize("name", LINKS)
@pytest.mark.parametrize("ends", [(CLIENT, SERVER), V6], ids=["ipv4", "ipv6"])
def test_a_packet_is_found_behind_its_link_layer(name: str, ends: tuple) -> None:  # type: ignore[type-arg]
    link, wrap = LINKS[name]
    packets = [Path(*ends).datagram(b"over UDP"), Path(*ends).segment(1, 0, ACK, b"over TCP")]
    heard = hear(map(wrap, packets), link=link)
    assert [one[1] for one in heard.of("data")] == ["over UDP", "over TCP"]
    assert all(one.ends == ends for one in heard.conversations)


def test_every_known_link_layer_is_tested() -> None:
    assert {*KNOWN} - {link for link, _ in LINKS.values()} == {14, 51, 228, 229}  # twins of these


@pytest.mark.parametrize("link", KNOWN)
@pytest.mark.parametrize("size", [0, 1, 3, 15, 40])
def test_what_is_cut_off_is_no_packet(link: int, size: int) -> None:
    assert hear([b"\0" * size], link=link).of("data") == []


@pytest.mark.parametrize(
    "data",
    [
        b"\xff" * 12 + b"\x08\x06" + bytes(28),  # ARP
        b"\xff" * 12 + b"\x81\0\0\1" * 20 + b"\x08\0",  # VLAN without end
        b"\xff" * 12 + b"\x88\x64\x11\0\0\1\0\4\xc0\x21\1\1",  # PPPoE with link control
    ],
)
def test_other_protocols_are_passed_over(data: bytes) -> None:
    assert hear([data], link=1).said == []


def test_a_link_layer_that_is_not_known_is_said() -> None:
    assert hear([b"x"], link=147).of("trouble") == [
        ("1", "it has a link layer that is not known, number 147")
    ]
