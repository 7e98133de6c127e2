"""Server Browser 2: golden bytes, real lists, lists that are changed and enciphered again."""

from __future__ import annotations

import sys
import timeit
from typing import Any

import pytest

from proxy.ciphers.enctypex import CardCipher, mix_key
from proxy.keys import SessionKeys
from proxy.message import FieldError, Message
from proxy.protocols.gamespy_browser2 import PROTOCOLS
from recordings.errors import UserError
from recordings.model import Direction, Frame
from tests.protocols.harness import ProtocolProperties
from tests.reference import captures
from tests.vectors.gamespy_browser2 import (
    CHALLENGE,
    KEEPALIVE,
    LIST,
    PREFIX,
    REQUEST,
    SECRET,
    SERVER_KEY,
    VECTORS,
)

UP, DOWN = Direction.TO_SERVER, Direction.TO_CLIENT
UNTRACED = pytest.mark.skipif(sys.gettrace() is not None, reason="a tracer makes it slow")
BROWSER = PROTOCOLS[0]


class TestBrowser2(ProtocolProperties):
    protocol = BROWSER
    vectors = VECTORS


def _real(name: str) -> bytes:
    (frame,) = [one for one in captures("gamespy")["frames"] if one["name"] == name]
    return bytes.fromhex(frame["hex"])


def _view(frame: Frame) -> Message:
    return BROWSER.view(frame)


def _wire(*parts: bytes) -> bytes:
    cipher = CardCipher(mix_key(SECRET, CHALLENGE, SERVER_KEY))
    return PREFIX + b"".join(map(cipher.encrypt, parts))


@pytest.mark.parametrize(
    ("request_name", "reply_name", "servers"),
    [
        ("qr2+sb-2007/007", "qr2+sb-2007/008", 0),
        ("qr2+sb-2012/007", "qr2+sb-2012/008", 1),
        ("qr2+sb-2012/009", "qr2+sb-2012/010", 0),
    ],
)
def test_real_lists(request_name: str, reply_name: str, servers: int) -> None:
    request, reply = _real(request_name), _real(reply_name)
    for at in range(1, len(reply)):
        machine = BROWSER.dissector(SessionKeys())
        (asked,) = machine.feed(UP, request, 1)
        assert asked.derived == {"checks": {"challenge": "ok"}}
        assert _view(asked).encode() == request
        frames = machine.feed(DOWN, reply[:at], 2) + machine.feed(DOWN, reply[at:], 3)
        assert [_view(frame).kind for frame in frames] == ["ServerKey", "ServerList"]
        assert b"".join(frame.raw or b"" for frame in frames) == reply
        message = _view(frames[1])
    assert len(message.get("servers")) == servers
    assert [key["name"] for key in message.get("keys")] == [
        "hostname",
        "gametype",
        "mapname",
        "numplayers",
        "maxplayers",
    ]
    if servers:
        assert message.get("servers[0]") == {
            "flags": 0x7E,
            "ip": "127.0.0.1",
            "port": 11111,
            "private_ip": "127.0.0.1",
            "private_port": 11111,
            "icmp_ip": "0.0.0.0",
            "keys": {
                "hostname": "GameSpy QR2 Sample",
                "gametype": "arena",
                "mapname": "gmtmap1",
                "numplayers": "8",
                "maxplayers": "32",
            },
        }


def test_a_real_list_without_its_request_says_so() -> None:
    machine = BROWSER.dissector(SessionKeys())
    frames = machine.feed(DOWN, _real("qr2+sb-2007/006"), 1)
    assert [_view(frame).kind for frame in frames] == ["ServerKey", "Opaque"]
    assert "its challenge is unknown" in (frames[1].error or "")


def test_a_changed_list_is_enciphered_as_a_whole() -> None:
    """What follows the change comes out right too, with the cipher state of our own side."""
    machine = BROWSER.dissector(SessionKeys())
    machine.feed(UP, REQUEST * 2, 1)
    frames = machine.feed(DOWN, _wire(LIST, KEEPALIVE, LIST), 2)
    changed = _view(frames[1]).set("servers[0].ip", "127.0.0.1").set("servers[1].port", 4000)
    sent = machine.forward(frames[0])
    sent += machine.seal(DOWN, changed.encode(), frames[1].cipher)
    sent += machine.forward(frames[2]) + machine.forward(frames[3])
    reader = BROWSER.dissector(SessionKeys())
    reader.feed(UP, REQUEST * 2, 1)
    kinds = [_view(frame) for frame in reader.feed(DOWN, sent, 2)]
    assert [one.kind for one in kinds] == ["ServerKey", "ServerList", "KeepAlive", "ServerList"]
    assert kinds[1].get("servers[0].ip") == "127.0.0.1"
    assert kinds[1].get("servers[1].port") == 4000
    assert kinds[1].get("servers[1].flags") == 0xC1 | 0x10


def test_an_unchanged_stream_is_forwarded_as_it_came() -> None:
    machine = BROWSER.dissector(SessionKeys())
    machine.feed(UP, REQUEST, 1)
    wire = _wire(LIST, KEEPALIVE)
    frames = machine.feed(DOWN, wire, 2)
    assert b"".join(map(machine.forward, frames)) == wire


def test_a_stand_in_seals_under_the_clients_challenge() -> None:
    machine = BROWSER.dissector(SessionKeys())
    machine.feed(UP, REQUEST.replace(CHALLENGE, b"AHl='lhI"), 1)
    sent = machine.seal(DOWN, PREFIX) + machine.seal(DOWN, LIST, "enctypex")
    cipher = CardCipher(mix_key(SECRET, b"AHl='lhI", SERVER_KEY))
    assert sent == PREFIX + cipher.encrypt(LIST)


def test_a_list_cannot_be_sealed_before_its_key() -> None:
    machine = BROWSER.dissector(SessionKeys())
    with pytest.raises(UserError, match="before the server's key has been sent"):
        machine.seal(DOWN, LIST, "enctypex")


def test_the_users_secret_is_used() -> None:
    machine = BROWSER.dissector(SessionKeys(secrets={"nobody": "HA6zkS"}))
    machine.feed(UP, REQUEST.replace(b"gmtest\0D", b"nobody\0D"), 1)
    frames = machine.feed(DOWN, _wire(LIST), 2)
    assert _view(frames[1]).get("servers[0].port") == 11111


def test_a_wrong_secret_is_suspected() -> None:
    machine = BROWSER.dissector(SessionKeys(secrets={"gmtest": "wrong!"}))
    machine.feed(UP, REQUEST, 1)
    frames = machine.feed(DOWN, _wire(LIST), 2)
    assert "is the secret of game gmtest the right one?" in (frames[1].error or "")


def test_the_end_of_the_stream_decides_what_was_open() -> None:
    machine = BROWSER.dissector(SessionKeys())
    machine.feed(UP, REQUEST, 1)
    assert len(machine.feed(DOWN, _wire(LIST[:6]), 2)) == 1
    (frame,) = machine.finish(DOWN, 3)
    assert _view(frame).fields() == {"ip": "203.0.113.9", "port": 6500}
    machine = BROWSER.dissector(SessionKeys())
    assert machine.feed(DOWN, b"Query Error: too old", 1) == []
    (frame,) = machine.finish(DOWN, 2)
    assert _view(frame).fields() == {"text": "Query Error: too old"}
    machine = BROWSER.dissector(SessionKeys())
    machine.feed(DOWN, PREFIX[:5], 1)
    (frame,) = machine.finish(DOWN, 2)
    assert "cut off" in (frame.error or "")


SEND = bytes.fromhex(
    "0009"  # length of the fixed part
    "02"  # send message
    "cb007107"  # 203.0.113.7
    "2b67"  # port 11111
)
CALL = bytes.fromhex("fdfc1e666ab20000029a")  # NatNeg's magic, cookie 666
INFO = b"\0\x09\x01" + SEND[3:]  # length 9, server info, the same address and port


@pytest.mark.parametrize(
    ("chunks", "frames"),
    [
        ([SEND + b"hello there"], [SEND + b"hello there"]),
        ([SEND, b"hello there"], [SEND + b"hello there"]),
        ([SEND + b"hello there", INFO], [SEND + b"hello there", INFO]),
        ([SEND[:4], SEND[4:] + b"\xfd\xfc is no NatNeg", SEND + CALL + INFO],
         [SEND + b"\xfd\xfc is no NatNeg", SEND + CALL, INFO]),
        ([SEND + INFO], [SEND, INFO]),  # an empty one
    ],
)  # fmt: skip
def test_a_payload_of_the_games_own_goes_as_far_as_it_came(
    chunks: list[bytes], frames: list[bytes]
) -> None:
    """Its length is told by nothing; requests behind it are read again."""
    machine = BROWSER.dissector(SessionKeys())
    cut = [frame for chunk in chunks for frame in machine.feed(UP, chunk, 1)]
    assert [frame.raw for frame in cut] == frames
    for frame in cut:
        message = _view(frame)
        assert message.kind == ("SendMessage" if frame.clear[2] == 2 else "ServerInfoRequest")
        assert message.encode() == frame.raw
        if message.kind == "SendMessage":
            assert message.get("payload") == frame.clear[9:]


class TestListMessage:
    def message(self) -> Message:
        frame = Frame(DOWN, 1, LIST, derived={"part": "list"})
        message = _view(frame)
        assert message.encode() == LIST
        return message

    def test_every_announced_endpoint_can_be_read_and_rewritten(self) -> None:
        message = self.message()
        announce = next(one for one in BROWSER.announces if one.each)
        places = [
            (f"{announce.each}[{n}].{announce.host}", f"{announce.each}[{n}].{announce.port}")
            for n in range(len(message.get(announce.each or "")))
        ]
        assert [(message.get(host), message.get(port)) for host, port in places] == [
            ("203.0.113.7", 11111),
            ("203.0.113.10", 6500),  # the default port
        ]
        for host, port in places:
            message = message.set(host, "127.0.0.1").set(port, 7777)
        again = _view(Frame(DOWN, 1, message.encode(), derived={"part": "list"}))
        assert again == message
        assert [one["port"] for one in again.get("servers")] == [7777, 7777]
        assert BROWSER.held(DOWN)
        assert not BROWSER.held(UP)

    def test_the_private_address_moves_with_the_public_one(self) -> None:
        """A client with the same public address would go to the private one, past a relay."""
        message = self.message().set("servers[0].ip", "127.0.0.1").set("servers[0].port", 4000)
        assert message.get("servers[0].private_ip") == "127.0.0.1"
        assert message.get("servers[0].private_port") == 4000
        assert message.get("servers[0].icmp_ip") == "203.0.113.8"
        again = message.set("servers[0].private_ip", "10.0.0.1")
        assert again.get("servers[0].ip") == "127.0.0.1"
        assert again.set("servers[0].ip", "127.0.0.1") == again

    def test_keys_and_rules(self) -> None:
        message = (
            self.message()
            .set("servers[0].keys.hostname", "New")
            .set("servers[1].rules.mapname", "dm2")
        )
        assert message.set("servers[0].keys.ping", "7").get("servers[0].keys.ping") == 7
        assert b"\xffNew\0\x08" in message.encode()
        assert b"mapname\0dm2\0" in message.encode()
        assert message.set("popular[0]", "Best").get("popular[0]") == "Best"

    def test_a_server_can_be_left_out(self) -> None:
        message = self.message().delete("servers[0]")
        assert message.get("servers[0].ip") == "203.0.113.10"

    @pytest.mark.parametrize(
        ("path", "value", "fact"),
        [
            ("servers[0].flags", 0, "would say that the record holds other fields"),
            ("servers[0].ip", "1.2.3", "is no IPv4 address"),
            ("servers[1].rules.mapname", "a\0b", "holds a NUL"),
            ("keys[0].type", "short", "how every record is laid out"),
        ],
    )
    def test_values_that_are_refused(self, path: str, value: Any, fact: str) -> None:
        with pytest.raises(ValueError, match=fact):
            self.message().set(path, value)

    @pytest.mark.parametrize(
        "path", ["servers[9].ip", "servers[0].kees.a", "name", "servers[0].keys.x"]
    )
    def test_fields_that_there_are_not(self, path: str) -> None:
        with pytest.raises(FieldError):
            self.message().set(path, "1")
        with pytest.raises(FieldError):
            self.message().get(path)


def test_a_long_list_is_read_once_however_it_comes() -> None:
    """Chunk by chunk costs about as much as all at once: nothing starts over."""
    record = LIST[LIST.index(b"\x7e\xcb") : LIST.index(b"\xc1\xcb")]
    wire = _wire(LIST[:-5] + record * 2000 + LIST[-5:])

    def run(size: int) -> float:
        machine = BROWSER.dissector(SessionKeys())
        machine.feed(UP, REQUEST, 1)
        chunks = [wire[at : at + size] for at in range(0, len(wire), size)]
        frames: list[Frame] = []

        def feed() -> None:
            for chunk in chunks:
                frames.extend(machine.feed(DOWN, chunk, 1))

        seconds = timeit.timeit(feed, number=1)
        assert len(_view(frames[-1]).get("servers")) == 2002
        return seconds

    assert min(run(1400) for _ in range(3)) < 6 * min(run(len(wire)) for _ in range(3))


@UNTRACED
def test_a_view_takes_at_most_ten_microseconds() -> None:
    (request,) = [one for one in VECTORS if one.name == "a list request"]
    frame = Frame(UP, 1, request.raw)
    best = min(timeit.repeat(lambda: BROWSER.view(frame), number=500, repeat=7)) / 500
    assert best < 20e-6  # twice the promise: the machine may be busy


def test_pushed_keys_that_are_cut_off_are_opaque() -> None:
    machine = BROWSER.dissector(SessionKeys())
    machine.feed(UP, REQUEST, 1)
    frames = machine.feed(DOWN, _wire(LIST, bytes.fromhex("00070101006e61")), 2)
    assert [_view(frame).kind for frame in frames] == ["ServerKey", "ServerList", "Opaque"]
    assert frames[2].error == "server list: it is cut off"


@pytest.mark.parametrize(
    ("way", "part", "raw", "fact"),
    [
        (DOWN, None, LIST, "which part of the stream this is, is unknown"),
        (DOWN, "list", LIST + b"x", "the list ends elsewhere than its frame"),
        (DOWN, "list", LIST[:-1], "the list ends elsewhere than its frame"),
        (DOWN, "push", bytes.fromhex("000309"), "no message has the type 9"),
        (DOWN, "push", bytes.fromhex("00070200cb0071"), "the record is cut off"),
        (DOWN, "push", bytes.fromhex("00080200ffffffff"), "the record ends elsewhere"),
        (DOWN, "push", bytes.fromhex("00090200cb007107ee"), "the record ends elsewhere"),
        (DOWN, "key", PREFIX[:4], "are too few"),
        (UP, None, b"\0\x03", "needs 3 bytes, 2 left"),
        (UP, None, bytes.fromhex("000309"), "no message has the type 9"),
        (UP, None, bytes.fromhex("000401cb"), "ServerInfoRequest.ip at offset 3: needs"),
        (UP, None, bytes.fromhex("00040303"), "KeepAlive, byte 3: 1 bytes left over"),
        (UP, None, bytes.fromhex("000b01cb0071072b67ffff"), "2 bytes left over"),
        (UP, None, bytes.fromhex("000a01cb0071072b67"), "does not encode back"),
    ],
)
def test_frames_that_are_no_messages(
    way: Direction, part: str | None, raw: bytes, fact: str
) -> None:
    message = _view(Frame(way, 1, raw, derived={"part": part} if part else None))
    assert fact in getattr(message, "error", "")


def test_a_record_can_be_read_before_any_list() -> None:
    raw = bytes.fromhex("00080200cb007107")
    assert _view(Frame(DOWN, 1, raw, derived={"part": "push"})).fields() == {
        "flags": 0,
        "ip": "203.0.113.7",
    }
