"""The list of Kaillera servers: golden bytes, announcements, what servers say in headers."""

from __future__ import annotations

from typing import Any

import pytest

from proxy.keys import SessionKeys
from proxy.layouts.http_message import HttpMessage, SlotsOf
from proxy.layouts.http_places import Slot
from proxy.message import FieldError
from proxy.protocols.kaillera_list import PROTOCOLS
from recordings.model import Frame
from tests.protocols.harness import AT, DOWN, UP, ProtocolProperties
from tests.vectors.kaillera_list import ASK, LIST2, TOUCH, VECTORS, answer

LIST = PROTOCOLS[0]


class TestKailleraList(ProtocolProperties):
    protocol = LIST
    vectors = VECTORS


def asked_for(body: bytes) -> Frame:
    machine = LIST.dissector(SessionKeys())
    machine.feed(UP, ASK, AT)
    (frame,) = machine.feed(DOWN, answer(body), AT)
    return frame


def test_every_server_of_the_list_is_announced_and_can_be_rewritten() -> None:
    (announce,) = LIST.announces
    message = LIST.view(asked_for(LIST2))
    assert (announce.each, announce.host, announce.port) == ("servers", "host", "port")
    for index in range(2):
        message = message.set(f"servers[{index}].host", "198.51.100.1")
        message = message.set(f"servers[{index}].port", 40000 + index)
    body = LIST2.replace(b"192.0.2.7:27888", b"198.51.100.1:40000")
    body = body.replace(b"two.example:27900", b"198.51.100.1:40001")
    assert message.encode() == answer(body)


def test_however_many_servers_change_the_list_is_read_anew_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A list of a thousand, of which many get a relay, must not hold up a game for a second."""
    message = LIST.view(asked_for(LIST2))
    values: dict[str, Any] = {
        "servers[1].port": 40001,
        "servers[0].host": "198.51.100.1",
        "servers[0].port": 40000,
        "servers[1].host": "198.51.100.1",
    }
    one_by_one = message
    for path, value in values.items():
        one_by_one = one_by_one.set(path, value)
    read = HttpMessage._read_body
    times: list[int] = []

    def counted(self: HttpMessage, body: SlotsOf) -> list[Slot]:
        times.append(1)
        return read(self, body)

    monkeypatch.setattr(HttpMessage, "_read_body", counted)
    assert message.set_all(values) == one_by_one
    assert len(times) == 1
    both = message.set_all({"headers.Server": "x", "servers[0].port": 7})
    assert (both.get("headers.Server"), both.get("servers[0].port")) == ("x", 7)
    with pytest.raises(FieldError):
        message.set_all({"servers[9].port": 1})


def test_a_list_that_ends_with_its_connection() -> None:
    machine = LIST.dissector(SessionKeys())
    machine.feed(UP, ASK, AT)
    raw = b"HTTP/1.0 200 OK\r\n\r\n" + LIST2
    assert machine.feed(DOWN, raw, AT) == []
    (frame,) = machine.finish(DOWN, AT)
    message = LIST.view(frame)
    assert (message.kind, message.get("servers[1].port")) == ("Servers", 27900)
    assert message.encode() == raw


def test_games_in_the_headers_of_a_server() -> None:
    (frame,) = LIST.dissector(SessionKeys()).feed(UP, TOUCH, AT)
    assert frame.derived == {
        "playing": [{"rom": "Punch"}, {"rom": "Boom"}],
        "waiting": [
            {"id": "7", "rom": "Boom", "owner": "ann", "emulator": "MAME", "players": "1/2"}
        ],
    }


def test_games_in_the_header_of_a_newer_server() -> None:
    raw = (
        b"GET /touch_list.php?serverName=x&port=27888 HTTP/1.1\r\nHost: h\r\n"
        b"Waiting-games: Boom|ann|MAME|1/2|Punch|bob|Emu|2/4|\r\n\r\n"
    )
    (frame,) = LIST.dissector(SessionKeys()).feed(UP, raw, AT)
    assert LIST.view(frame).kind == "Touch"
    assert frame.derived == {
        "waiting": [
            {"rom": "Boom", "owner": "ann", "emulator": "MAME", "players": "1/2"},
            {"rom": "Punch", "owner": "bob", "emulator": "Emu", "players": "2/4"},
        ]
    }


def test_a_line_that_is_no_server_is_the_name_of_the_next_or_waits() -> None:
    message = LIST.view(asked_for(b"one\ntwo\nh.example:1;1/2;3;0.86;X\nlast\n"))
    assert message.get("servers[0].name") == "two"
    assert message.get("waiting") == ["one", "last"]


def test_what_is_no_http_loses_its_direction_only() -> None:
    machine = LIST.dissector(SessionKeys())
    raw = b"\x16\x03\x01\x00\x05hello\r\n\r\n"
    (lost,) = machine.feed(UP, raw, AT)
    assert (lost.raw, LIST.view(lost).kind) == (raw, "Opaque")
    assert (lost.error or "").startswith("lost: HTTP")
    (frame,) = machine.feed(DOWN, answer(LIST2), AT)
    assert LIST.view(frame).kind == "Servers"
