"""Jazz Jackrabbit 2: golden bytes over both transports, real captures, sums, JJ2+."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.keys import SessionKeys
from proxy.layouts.jazz2_datagrams import UDP, Events, Password, checksum
from proxy.message import Message, Opaque
from proxy.protocols.jazz2 import PROTOCOLS, Chat, JoinRequest
from recordings.model import Direction, Frame, Transport
from tests.protocols.harness import AT, DOWN, UP, ProtocolProperties
from tests.reference import captures
from tests.vectors.jazz2 import VECTORS

JAZZ2 = PROTOCOLS[0]


class TestJazz2(ProtocolProperties):
    protocol = JAZZ2
    vectors = VECTORS


def feed(
    raw: bytes, way: Direction, transport: Transport, keys: SessionKeys | None = None
) -> list[Frame]:
    return JAZZ2.dissector(keys or SessionKeys(), transport).feed(way, raw, AT)


# -- real captures ---------------------------------------------------------------------------------

GAME = [one for one in captures("jazz2") if one["proto"] in ("udp", "tcp-game")]
TRANSPORTS = {"udp": Transport.UDP, "tcp-game": Transport.TCP}
RENAMED = {
    "seq": "sequence",
    "extended_flag": "extended",
    "server_name": "name",
    "udp_count": "count",
    "byte4": "echo",
    "chat_type": "type",
    "trailing": "end.trailing",
    "custom_mode": "end.custom_mode",
    "max_score": "end.max_score",
    "level": "end.level",
    "last_byte": "end.junk",
}
"""Names of the captures -> our paths, where they differ."""
RENAMED_IN = {
    "ping_sgip": {"tail": "version"},
    "reply_vanilla": {"players": "clients", "byte13": "players"},
    "reply_plus_ext": {"flags": "end.flags", "team_scores": "end.team_scores"},
}
BESIDE = {"checksum", "id", "password_len", "subpackets", "bytes3", "note", "count", "player"}
"""What the captures say of the whole frame, or in words; the tests below look at those."""
LISTS = {("join_details_two", "players"), ("reply_plus_ext", "player0")}


def named(entry: dict[str, Any]) -> Any:
    return pytest.param(entry, id=entry["name"])


@pytest.mark.parametrize("entry", [named(e) for e in GAME if e.get("checksum_ok", True)])
def test_real_frames(entry: dict[str, Any]) -> None:
    raw = bytes.fromhex(entry["hex"])
    (frame,) = feed(raw, Direction(entry["direction"]), TRANSPORTS[entry["proto"]])
    message = JAZZ2.view(frame)
    assert not isinstance(message, Opaque), message.error
    assert message.encode() == raw
    for name, value in entry["decoded"].items():
        if name in BESIDE or (entry["name"], name) in LISTS:
            continue
        ours = message.get(RENAMED_IN.get(entry["name"], {}).get(name, RENAMED.get(name, name)))
        if name == "tail":
            ours = ours.encode("latin-1")
        assert (bytes(ours).hex() if isinstance(ours, bytes | tuple) else ours) == value, name
    if "framing" in entry:
        (framing,) = entry["framing"]
        assert message.get("form") == ("short" if framing["header_bytes"] == 1 else "long")
        assert raw.endswith(bytes((framing["id"],)) + bytes.fromhex(framing["payload"]))


def real(name: str) -> Message:
    (entry,) = (one for one in GAME if one["name"] == name)
    (frame,) = feed(
        bytes.fromhex(entry["hex"]), Direction(entry["direction"]), TRANSPORTS[entry["proto"]]
    )
    return JAZZ2.view(frame)


def test_the_real_reply_of_the_original_game() -> None:
    reply = real("reply_vanilla")
    assert [reply.get(path) for path in ("clients", "players", "end.kind", "end.trailing")] == [
        1,
        0,
        "Vanilla",
        b"\0",
    ]


def test_the_real_reply_of_plus() -> None:
    end = real("reply_plus_ext").fields()["end"]
    assert end == {
        "kind": "PlusLong",
        "custom_mode": 0,
        "flags": 0,
        "max_score": 10,
        "team_scores": [0, 0, 0, 0],
        "players": [{"name": "Host", "score": 0, "team": 1}],
        "level": "battle1.j2l",
        "junk": "5a",
    }


def test_real_players() -> None:
    assert real("join_details_two").fields()["players"] == [
        {"player_id": 1, "team_character": 17, "fur": "40404040", "name": "GrytolleCC "},
        {"player_id": 2, "team_character": 17, "fur": "28282828", "name": "player2"},
    ]
    assert real("player_joined").get("players[0].name") == "BotB"
    assert real("join_details_lib").get("players[0].name") == "BotA"


def test_the_real_events() -> None:
    assert real("plus_event").fields()["events"] == [
        {"event": 3, "payload": "000000"},
        {"event": 21, "payload": "6e2504"},
    ]


@pytest.mark.parametrize("entry", [named(e) for e in GAME if not e.get("checksum_ok", True)])
def test_real_datagrams_with_wrong_sums_are_refused(entry: dict[str, Any]) -> None:
    raw = bytes.fromhex(entry["hex"])
    (frame,) = feed(raw, Direction(entry["direction"]), Transport.UDP)
    needs = checksum(raw[2:]).hex()
    wanted = f"checksum WRONG: has {entry['decoded']['checksum']}, needs {needs}"
    assert frame.error == wanted
    message = JAZZ2.view(frame)
    assert isinstance(message, Opaque)
    assert message.error == wanted
    mended = Frame(frame.direction, AT, bytes.fromhex(needs) + raw[2:])
    assert JAZZ2.view(mended).kind != "Opaque"


# -- sums ------------------------------------------------------------------------------------------


@given(rest=st.binary(min_size=1, max_size=600))
def test_the_sums_are_those_of_the_reference(rest: bytes) -> None:
    one = two = 1
    for byte in rest:
        one += byte
        two += one
    assert checksum(rest) == bytes((one % 251, two % 251))


def test_encode_computes_the_sums_anew() -> None:
    changed = real("password_sex").set("password", "tea")
    assert changed.encode() == checksum(b"\x0a\x03tea") + b"\x0a\x03tea"
    assert changed == Password("tea")


def test_every_one_of_a_datagrams_bits_is_covered_by_the_sums() -> None:
    raw = bytes.fromhex("6d220307c0ffee0032342020")
    for bit in range(len(raw) * 8):
        spoilt = bytearray(raw)
        spoilt[bit // 8] ^= 1 << bit % 8
        (frame,) = feed(bytes(spoilt), UP, Transport.UDP)
        assert (frame.error or "").startswith("checksum WRONG")


# -- two transports --------------------------------------------------------------------------------


def test_a_packet_that_looks_like_a_datagram_stays_a_packet() -> None:
    raw = next(
        raw
        for number in range(1 << 24)
        for raw in [Chat(number & 255, number >> 8 & 255, "x" + chr(number >> 16)).encode()]
        if checksum(raw[2:]) == raw[:2]
    )
    (frame,) = feed(raw, UP, Transport.TCP)
    assert JAZZ2.view(frame).kind == "Chat"
    (frame,) = feed(raw, UP, Transport.UDP)
    assert JAZZ2.view(frame).kind != "Chat"


def test_the_first_transport_is_tcp() -> None:
    chat = Chat(1, 0, "hi")
    assert JAZZ2.dissector(SessionKeys()).feed(UP, chat.encode()[:3], AT) == []


def test_a_packet_grows_into_the_long_form() -> None:
    short = Chat(1, 0, "x" * 251)
    assert short.encode()[0] == 255
    long = short.set("text", "x" * 252)
    assert long.encode()[:4] == b"\0\xff\x00\x1b"
    (frame,) = feed(long.encode(), UP, Transport.TCP)
    view = JAZZ2.view(frame)
    assert (view.kind, view.get("form"), view.encode()) == ("Chat", "long", long.encode())


def test_packets_of_both_forms_in_one_segment() -> None:
    stream = b"".join(
        one.encode() for one in (Chat(1, 0, "a"), Chat(2, 0, "b", form="long"), Chat(3, 0, "c"))
    )
    frames = feed(stream + b"\0\0\0", UP, Transport.TCP)
    assert [JAZZ2.view(f).kind for f in frames] == ["Chat", "Chat", "Chat", "Padding"]
    assert b"".join(frame.raw or b"" for frame in frames) == stream + b"\0\0\0"


# -- what JJ2+ agrees on ---------------------------------------------------------------------------


def test_events_of_a_session_with_plus_have_the_lengths_of_plus() -> None:
    keys = SessionKeys()
    rest = b"\x07\x01\x03\x00\x00\x00"  # vanilla: 03 00, 00, 00; JJ2+: 03 000000
    raw = checksum(rest) + rest
    vanilla = bytes.fromhex("0701 0a0102 0a0102")
    ambiguous = checksum(vanilla) + vanilla
    before = JAZZ2.view(feed(ambiguous, DOWN, Transport.UDP, keys)[0])
    assert [one.payload for one in before.get("events")] == [b"\1\2", b"\1\2"]
    feed(bytes.fromhex("083f200399000500"), UP, Transport.TCP, keys)
    (frame,) = feed(raw, DOWN, Transport.UDP, keys)
    assert frame.derived == {"plus": True}
    assert [one.payload for one in JAZZ2.view(frame).get("events")] == [bytes(3)]
    after = JAZZ2.view(feed(ambiguous, DOWN, Transport.UDP, keys)[0])
    assert [one.payload for one in after.get("events")] == [b"\1\2\x0a"]


def test_the_clients_port_is_announced() -> None:
    (announce,) = JAZZ2.announces
    assert (announce.direction, announce.transport, announce.host) == (UP, Transport.UDP, None)
    assert announce.port is not None
    assert announce.kind == JoinRequest.kind
    changed = real("join_request_21").set(announce.port, 10099)
    assert changed.encode() == bytes.fromhex("090f 7327 32312020 01")


def test_both_tables_have_every_id_of_the_reference() -> None:
    ids = {tag for way in Direction for tag in UDP[way]}
    assert ids == {1, 2, 3, 4, 5, 6, 7, 9, 0x0A, 0x0B}
    assert UDP[UP][7] is UDP[DOWN][7] is Events
