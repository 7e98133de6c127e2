"""The list servers of Jazz Jackrabbit 2: golden bytes, real captures, every kind of list."""

from __future__ import annotations

from typing import Any

import pytest

from proxy.keys import SessionKeys
from proxy.protocols.jazz2_list import PROTOCOLS
from recordings.model import Direction, Frame
from tests.protocols.harness import AT, DOWN, UP, ProtocolProperties
from tests.reference import captures
from tests.vectors.jazz2_list import LISTING, VECTORS

LIST = PROTOCOLS[0]


class TestJazz2List(ProtocolProperties):
    protocol = LIST
    vectors = VECTORS
    # The border of the chunk is what ends a name, so that it cannot be cut: tested below.
    without_vector = frozenset({"NameUpdate"})


def feed(way: Direction, *chunks: bytes) -> list[Frame]:
    machine = LIST.dissector(SessionKeys())
    frames = [frame for chunk in chunks for frame in machine.feed(way, chunk, AT)]
    return frames + machine.finish(way, AT)


def seen(frames: list[Frame]) -> list[tuple[str, dict[str, Any]]]:
    messages = [LIST.view(frame) for frame in frames]
    for frame, message in zip(frames, messages, strict=True):
        assert message.encode() == frame.raw
    return [(message.kind, message.fields()) for message in messages]


REAL = {one["name"]: one for one in captures("jazz2") if one["proto"].startswith("tcp-list")}


def real(name: str) -> bytes:
    return bytes.fromhex(REAL[name]["hex"])


def test_the_real_record_of_the_game() -> None:
    ((kind, fields),) = seen(feed(UP, real("listing_article27")))
    wanted = dict(REAL["listing_article27"]["decoded"])
    wanted |= {"port": wanted.pop("game_port"), "name": wanted.pop("server_name")}
    assert (kind, fields) == ("Listing", wanted)


def test_a_real_record_and_its_update() -> None:
    frames = feed(UP, real("listing_loop"), real("listing_update_players"))
    (_, listing), update = seen(frames)
    assert (listing["name"], listing["port"], listing["limit"]) == ("Loop Stand", 10052, 32)
    assert update == ("PlayersUpdate", {"players": 1})


def test_the_real_binary_list() -> None:
    raw = real("binary_list")
    (_, header), *servers = seen(feed(DOWN, raw))
    assert header == {"version": "0101"}
    assert [kind for kind, _ in servers] == ["Server"] * 4
    assert servers[-1][1] == {"host": "127.0.0.1", "port": 10052, "name": "Loop Stand"}
    assert servers[0][1]["name"] == "Get JJ2 Plus, a mod for Jazz 2!"
    assert [fields["host"] for _, fields in servers[:3]] == ["192.0.2.0", "192.0.2.1", "192.0.2.2"]


def test_every_capture_of_a_list_is_tested_here() -> None:
    assert set(REAL) == {
        "listing_article27",
        "listing_loop",
        "listing_update_players",
        "binary_list",
    }


def test_a_name_is_what_came_at_once() -> None:
    frames = feed(UP, LISTING, b"\x02Boom 2", b"\x00\x05")
    assert seen(frames)[1:] == [
        ("NameUpdate", {"name": "Boom 2"}),
        ("PlayersUpdate", {"players": 5}),
    ]


def test_pings_and_a_refusal_on_one_stream() -> None:
    frames = feed(DOWN, b"\0", b"\0/!\\ GURU MEDITATION /!\\ no\n")
    assert seen(frames) == [
        ("Ping", {}),
        ("Ping", {}),
        ("Line", {"text": "/!\\ GURU MEDITATION /!\\ no\n"}),
    ]


def test_statistics_as_lines() -> None:
    text = b"+----+\n\n  Servers in list : 3\n"
    assert [fields["text"] for _, fields in seen(feed(DOWN, text))] == [
        "+----+\n",
        "\n",
        "  Servers in list : 3\n",
    ]


def test_a_text_without_a_last_line_end() -> None:
    assert seen(feed(DOWN, b"hello\nwor", b"ld")) == [
        ("Line", {"text": "hello\n"}),
        ("Line", {"text": "world"}),
    ]


def test_a_binary_list_that_is_cut_off_says_so() -> None:
    frames = feed(DOWN, real("binary_list")[:-3])
    assert (frames[-1].error or "").startswith("cut off")
    assert LIST.view(frames[-1]).kind == "Opaque"


@pytest.mark.parametrize("index", [0, 1])
def test_servers_are_announced_and_can_be_rewritten(index: int) -> None:
    announce = LIST.announces[index]
    (raw,) = (one.raw for one in VECTORS if one.kind == announce.kind)
    before = real("binary_list")[:7] if announce.kind == "Server" else b""
    message = LIST.view(feed(DOWN, before + raw)[-1])
    assert message.kind == announce.kind
    assert announce.host is not None
    assert announce.port is not None
    assert (message.get(announce.host), message.get(announce.port)) == ("192.0.2.7", 10052)
    changed = message.set(announce.host, "127.0.0.1").set(announce.port, "40000")
    again = LIST.view(feed(DOWN, before + changed.encode())[-1])
    assert (again.get("host"), again.get("port")) == ("127.0.0.1", 40000)
    assert again.get("name") == message.get("name")
