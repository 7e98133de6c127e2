"""QR1, QR2 and availability: golden bytes, every real datagram, and what shares the port."""

from __future__ import annotations

import sys
import timeit
from typing import Any

import pytest

from proxy import registry
from proxy.keys import SessionKeys
from proxy.message import OPAQUE, FieldError, Message
from proxy.protocols.gamespy_query import PROTOCOLS
from recordings.model import Direction, Frame
from tests.protocols.harness import ProtocolProperties
from tests.reference import captures
from tests.vectors.gamespy_query import CHALLENGE, HEARTBEAT, QUERY, RESPONSE, STATUS, VECTORS

UP, DOWN = Direction.TO_SERVER, Direction.TO_CLIENT
UNTRACED = pytest.mark.skipif(sys.gettrace() is not None, reason="a tracer makes it slow")
QUERY_PROTOCOL = PROTOCOLS[0]
WAYS = {"C>S": UP, "S>C": DOWN, "gameserver>master": UP, "master>gameserver": DOWN}


class TestQuery(ProtocolProperties):
    protocol = QUERY_PROTOCOL
    vectors = VECTORS


def _real(*servers: str) -> list[Any]:
    return [one for one in captures("gamespy")["frames"] if one["server"] in servers]


def _view(frame: Frame) -> Message:
    return registry.protocol(frame.protocol or "gamespy-query").view(frame)


@pytest.mark.parametrize("entry", _real("QR2/available", "QR1"), ids=lambda one: one["name"])
def test_reads_and_writes_every_real_datagram(entry: Any) -> None:
    raw, way = bytes.fromhex(entry["hex"]), WAYS[entry["direction"]]
    (frame,) = QUERY_PROTOCOL.dissector(SessionKeys()).feed(way, raw, 1)
    message = _view(frame)
    assert message.kind != OPAQUE, getattr(message, "error", "")
    assert message.encode() == raw
    declared = {kind.name: kind.directions for kind in QUERY_PROTOCOL.kinds}
    assert way in declared[message.kind]


@pytest.mark.parametrize("name", ["qr2+sb-2007", "qr2+sb-2012", "qr1"])
def test_real_conversations_prove_their_secrets(name: str) -> None:
    machine = QUERY_PROTOCOL.dissector(SessionKeys())
    checks, kinds = [], []
    for entry in _real("QR2/available", "QR1"):
        if entry["name"].startswith(f"{name}/"):
            (frame,) = machine.feed(WAYS[entry["direction"]], bytes.fromhex(entry["hex"]), 1)
            kinds.append(_view(frame).kind)
            checks += list((frame.derived or {}).get("checks", {}).values())
    assert checks == ["ok"] * (2 if name == "qr1" else 1)
    first = ["heartbeat", "secure"] if name == "qr1" else ["Heartbeat", "Challenge"]
    assert kinds[:2] == first


def test_a_real_heartbeat_has_its_players_and_teams() -> None:
    (entry,) = [one for one in _real("QR2/available") if one["name"] == "qr2+sb-2007/001"]
    message = QUERY_PROTOCOL.view(Frame(UP, 1, bytes.fromhex(entry["hex"])))
    assert message.get("server.hostname") == "GameSpy QR2 Sample"
    assert message.get("server.publicip") == "0.0.0.0"
    assert len(message.fields()["players"]) == int(message.get("server.numplayers"))
    assert len(message.fields()["teams"]) == int(message.get("server.numteams"))
    assert "player_" in message.fields()["players"][0]


class TestShared:
    @pytest.mark.parametrize("entry", _real("CDKey"), ids=lambda one: one["name"])
    def test_cd_keys_on_the_same_socket(self, entry: Any) -> None:
        raw, way = bytes.fromhex(entry["hex"]), WAYS[entry["direction"]]
        machine = QUERY_PROTOCOL.dissector(SessionKeys())
        (frame,) = machine.feed(way, raw, 1)
        assert frame.protocol == "gamespy-cdkey"
        assert frame.clear.decode("latin-1") == entry["clear"]
        assert _view(frame).kind != OPAQUE
        assert machine.seal(way, frame.clear, frame.cipher) == raw

    @pytest.mark.parametrize(
        ("raw", "owner"),
        [
            (bytes.fromhex("fdfc1e666ab20301000012340000"), "gamespy-natneg"),
            (bytes.fromhex("fefe0400010002"), "gamespy-gt2"),
        ],
    )
    def test_others_are_named_and_readable(self, raw: bytes, owner: str) -> None:
        (frame,) = QUERY_PROTOCOL.dissector(SessionKeys()).feed(DOWN, raw, 1)
        assert frame.protocol == owner
        assert _view(frame).kind in ("INITACK", "Accept")


class TestMessages:
    def heartbeat(self) -> Message:
        return QUERY_PROTOCOL.view(Frame(UP, 1, HEARTBEAT))

    def test_addresses_are_announced_and_rewritten(self) -> None:
        message = self.heartbeat()
        found = [
            (message.get(one.host or ""), message.get(one.port or ""))
            for one in QUERY_PROTOCOL.announces
            if one.kind == "Heartbeat"
        ]
        assert found == [("192.168.0.5", "11111"), ("127.0.0.1", "11111")]
        changed = message.set("server.publicip", "203.0.113.7").set("server.localport", 7000)
        assert b"publicip\x00124846283\0" in changed.encode()
        assert changed.get("server.localport") == "7000"
        assert not QUERY_PROTOCOL.held(UP)

    def test_keys_and_players(self) -> None:
        message = self.heartbeat().set("players[1].score_", "8").set("server.new", "x")
        assert message.get("players[1].score_") == "8"
        assert message.encode().count(b"new\0x\0") == 1
        assert message.delete("server.new").get("players[0]") == {"player_": "Joe", "score_": "5"}
        assert b"Joe" not in message.delete("players[0]").encode()

    @pytest.mark.parametrize(
        "path", ["players[2].score_", "players[0].x", "players.x", "server[0]", "teams[0]"]
    )
    def test_fields_that_there_are_not(self, path: str) -> None:
        with pytest.raises(FieldError):
            self.heartbeat().get(path)

    @pytest.mark.parametrize("path", ["players[0].score_", "server.hostname"])
    def test_a_nul_would_end_the_text(self, path: str) -> None:
        with pytest.raises(ValueError, match="holds a NUL"):
            self.heartbeat().set(path, "a\0b")

    def test_query_ids_are_named(self) -> None:
        message = QUERY_PROTOCOL.view(Frame(UP, 1, QUERY))
        assert message.get("server[1]") == "gamever"
        assert message.set("server[1]", "mapname").encode()[8:10] == b"\1\5"
        assert message.set("server", "all").encode()[7:8] == b"\xff"
        assert message.set("server", '["key50", "hostname"]').encode()[7:10] == b"\2\x32\1"
        with pytest.raises(ValueError, match="is no key"):
            message.set("server[0]", "key255")

    def test_a_challenge_names_the_address_that_the_master_sees(self) -> None:
        message = QUERY_PROTOCOL.view(Frame(DOWN, 1, CHALLENGE))
        changed = message.set("ip", "203.0.113.7").set("port", 6500).set("options", "0x80")
        assert changed.encode().endswith(b"xg2C1X80CB0071071964\0")
        for path, value in (("ip", "1.2.3"), ("port", 70000)):
            with pytest.raises(ValueError, match=r"no IPv4 address|does not fit"):
                message.set(path, value)

    def test_replies_are_told_what_was_asked(self) -> None:
        machine = QUERY_PROTOCOL.dissector(SessionKeys())
        machine.feed(UP, QUERY, 1)
        (frame,) = machine.feed(DOWN, bytes.fromhex("000a0b0c0d") + b"Host\x001.0\0", 2)
        assert frame.derived == {
            "asked": {"server": ["hostname", "gamever"], "player": ["player_"], "team": []},
            "names": {"texts[0]": "hostname", "texts[1]": "gamever"},
        }

    def test_what_is_sealed_is_known_when_it_is_answered(self) -> None:
        """A stand-in that sends its own challenge can check the answer."""
        machine = QUERY_PROTOCOL.dissector(SessionKeys())
        machine.feed(UP, HEARTBEAT, 1)
        machine.seal(DOWN, CHALLENGE)
        (frame,) = machine.feed(UP, RESPONSE, 2)
        assert frame.derived == {"checks": {"response": "ok"}}


def test_memory_is_bounded() -> None:
    machine = QUERY_PROTOCOL.dissector(SessionKeys())
    for number in range(5000):
        machine.feed(UP, b"\x03" + number.to_bytes(4, "big") + b"\0gamename\0x\0", 1)
    sizes = [len(value) for value in vars(machine).values() if isinstance(value, dict)]
    assert 0 < max(sizes) <= 1024


@UNTRACED
@pytest.mark.parametrize(("raw", "limit"), [(CHALLENGE, 10e-6), (STATUS, 30e-6), (RESPONSE, 10e-6)])
def test_views_are_quick(raw: bytes, limit: float) -> None:
    frame = Frame(DOWN, 1, raw)
    best = min(timeit.repeat(lambda: QUERY_PROTOCOL.view(frame), number=300, repeat=7)) / 300
    assert best < 2 * limit  # twice the promise: the machine may be busy
