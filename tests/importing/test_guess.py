"""Which protocol a flow speaks, told by its first bytes: golden frames, and other programs'."""

from __future__ import annotations

import importlib
from pathlib import Path

import pytest

from proxy import registry
from proxy.importing.guess import RAW, Fit, Guesser, fits, game_of
from recordings.model import Direction, Transport

VECTORS = Path(__file__).resolve().parent.parent / "vectors"
ENDS = ("192.0.2.2", 50_001), ("203.0.113.9", 50_002)

OTHERS = {
    "http": b"GET / HTTP/1.1\r\nHost: example.com\r\n\r\n",
    "tls": bytes.fromhex("160301020001fc0303") + bytes(range(200)),
    "ssh": b"SSH-2.0-OpenSSH_9.6\r\n",
    "smtp": b"220 mail.example ESMTP\r\n",
    "ftp": b"USER anonymous\r\n",
    "irc": b"NICK bob\r\nUSER bob 0 * :Bob\r\n",
    "dns": bytes.fromhex("1234010000010000000000000377777706676f6f676c6503636f6d0000010001"),
    "ntp": b"\x1b" + bytes(47),
    "rtp": b"\x80\x60" + bytes(range(170)),
    "json": b'{"a": 1}\n',
    "ssdp": b"M-SEARCH * HTTP/1.1\r\nHOST: 239.255.255.250:1900\r\n\r\n",
    "source engine": b"\xff\xff\xff\xffTSource Engine Query\0",
    "bittorrent": b"\x13BitTorrent protocol" + bytes(48),
    "zeros": bytes(60),
    "one byte": b"\0",
    "text": b"hello world\n",
    "quic": b"\xc3\0\0\0\1\x08" + bytes(range(250)),
    "mdns": bytes.fromhex("000000000001000000000000055f68747470045f746370056c6f63616c00000c0001"),
}


def guess(transport: Transport, data: bytes, sender: int = 0, initiator: int | None = 0) -> str:
    return Guesser().guess(transport, ENDS, sender, data, initiator).protocol


@pytest.mark.parametrize("transport", Transport)
@pytest.mark.parametrize("name", OTHERS)
def test_other_programs_are_not_taken_for_games(name: str, transport: Transport) -> None:
    for sender in (0, 1):
        assert guess(transport, OTHERS[name], sender) == RAW[transport]


GREETING = b"\\lc\\1\\"
"""Presence greets so; the search server must not, but some do."""


def _golden() -> list[tuple[str, Transport, Direction, bytes]]:
    found = []
    for file in sorted(VECTORS.glob("[a-z]*.py")):
        name = file.stem.replace("_", "-")
        known = registry.protocols().get(name)
        if known is None or not known.begins:
            continue
        vectors = getattr(importlib.import_module(f"tests.vectors.{file.stem}"), "VECTORS", ())
        for one in vectors:
            if name == "gamespy-search" and one.raw.startswith(GREETING):
                continue
            if one.kind != "Opaque" and not one.before and not one.keys:
                transport = one.transport or known.transports[0]
                found.append((name, transport, one.direction, one.raw))
    return found


def test_golden_frames_are_taken_for_their_own_protocol_or_for_none() -> None:
    wrong, right = [], dict.fromkeys((name for name, *_ in _golden()), 0)
    for name, transport, direction, raw in _golden():
        sender = int(direction is Direction.TO_CLIENT)
        found = guess(transport, raw, sender)
        right[name] += found == name
        if found not in (name, RAW[transport]):
            wrong.append((name, found, raw[:20]))
    assert not wrong
    assert all(right.values()), right


def test_every_protocol_says_how_it_begins_or_is_known_by_port() -> None:
    for name, protocol in registry.protocols().items():
        assert protocol.begins or protocol.ports or name in RAW.values()


def test_the_usual_port_tells_unless_the_bytes_speak_against_it() -> None:
    ends = ENDS[0], ("203.0.113.9", 10_600)
    guesser = Guesser()
    assert guesser.guess(Transport.TCP, ends, 0, b"@dir", 0).protocol == "ea-lobby"
    assert guesser.guess(Transport.TCP, ends, 0, OTHERS["http"], 0).protocol == "raw-tcp"
    middle = guesser.guess(Transport.TCP, ends[::-1], 0, b"\xee" * 40, None)
    assert (middle.protocol, middle.server) == ("ea-lobby", 0)


def test_a_port_that_is_everybodys_is_not_enough() -> None:
    ends = ENDS[0], ("203.0.113.9", 80)
    guesser = Guesser()
    assert guesser.guess(Transport.TCP, ends, 0, OTHERS["http"], 0).protocol == "raw-tcp"
    lists = b"GET /raw_server_list2.php HTTP/1.1\r\nHost: kaillera.com\r\n\r\n"
    assert guesser.guess(Transport.TCP, ends, 0, lists, 0).protocol == "kaillera-list"


def test_trials_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("proxy.importing.guess.MOST_TRIALS", 3)
    guesser = Guesser()
    found = [guesser.guess(Transport.UDP, ENDS, 0, b"HELLO0.83\0", 0) for _ in range(5)]
    assert [one.protocol for one in found] == ["kaillera"] * 3 + ["raw-udp"] * 2


def test_fits_never_raises() -> None:
    for protocol in registry.protocols().values():
        for transport in protocol.transports:
            for data in OTHERS.values():
                fit = fits(protocol, transport, Direction.TO_SERVER, data, 0)
                assert fit in (Fit.NO, Fit.MAYBE, Fit.YES)


def test_games_by_the_names_of_their_servers() -> None:
    assert game_of("PS2NASCAR04.ea.com") == "nascar-thunder-2004"
    assert game_of("gmtest.master.gamespy.com") == "gamespy"
    assert game_of("example.com") is None
    assert game_of(None) is None
