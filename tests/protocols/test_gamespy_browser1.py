"""Server Browser 1: golden bytes, lists of the real engine, lists that are changed and sealed."""

from __future__ import annotations

from typing import Any

import pytest

from proxy.ciphers import enctype2
from proxy.dissector import Dissector
from proxy.keys import SessionKeys
from proxy.message import Message
from proxy.protocols.gamespy_browser1 import PROTOCOLS
from recordings.errors import UserError
from recordings.model import Direction, Frame
from tests.protocols.harness import ProtocolProperties
from tests.reference import vectors
from tests.vectors.gamespy_browser1 import (
    ASK,
    ASK_TABLE,
    CLEAR,
    COMPACT,
    GREETING,
    PACKET,
    TEXT,
    TREE,
    TREE_KEY,
    VECTORS,
    login,
)

UP, DOWN = Direction.TO_SERVER, Direction.TO_CLIENT
BROWSER = PROTOCOLS[0]


class TestBrowser1(ProtocolProperties):
    protocol = BROWSER
    vectors = VECTORS


def _opened(first: bytes, ask: bytes, greeting: bytes = GREETING, **secrets: str) -> Dissector:
    machine = BROWSER.dissector(SessionKeys(secrets=secrets))
    machine.feed(DOWN, greeting, 1)
    assert [frame.error for frame in machine.feed(UP, first + ask, 1)] == [None, None]
    return machine


def _view(frame: Frame) -> Message:
    return BROWSER.view(frame)


def _lists(start: str) -> list[Any]:
    return [one for one in vectors("gamespy") if one["name"].startswith(start)]


@pytest.mark.parametrize(
    "vector",
    [one for one in _lists("sbv1_enctype") if "wire_hex" in one["inputs"]],
    ids=lambda one: one["name"],
)
def test_reference_lists_are_read_however_they_come(vector: Any) -> None:
    wire, plain = bytes.fromhex(vector["inputs"]["wire_hex"]), bytes.fromhex(vector["output_hex"])
    ask = ASK_TABLE if plain.startswith(b"\\") else ASK
    secure = vector["inputs"].get("secure_challenge", "ABCDEF")
    first = login("\\enctype\\1" if "enctype1" in vector["name"] else "\\enctype\\2", "12345678")
    secret = vector["inputs"].get("secret_key", "")
    for at in range(1, len(wire)):
        machine = _opened(first, ask, GREETING.replace(b"ABCDEF", secure.encode()), gmtest=secret)
        frames = machine.feed(DOWN, wire[:at], 2) + machine.feed(DOWN, wire[at:], 3)
        assert [frame.raw for frame in frames] == [wire]
        assert frames[0].plain == plain
    message = _view(frames[0])
    assert message.kind in ("cmp", "fieldcount")
    assert len(message.fields()["servers"]) == (1 if message.kind == "cmp" else 2)


def test_both_requests_in_one_segment_are_two_frames() -> None:
    for at in range(1, len(TREE + ASK)):
        machine = BROWSER.dissector(SessionKeys())
        whole = TREE + ASK
        frames = machine.feed(UP, whole[:at], 1) + machine.feed(UP, whole[at:], 1)
        assert [frame.raw for frame in frames] == [TREE, ASK]


def test_a_login_without_a_query_id() -> None:
    bare = CLEAR[: CLEAR.index(b"\\queryid")]
    frames = BROWSER.dissector(SessionKeys()).feed(UP, bare + ASK, 1)
    assert [frame.raw for frame in frames] == [bare, ASK]


@pytest.mark.parametrize(
    ("first", "ask", "plain", "cipher"),
    [
        (CLEAR, ASK, COMPACT, None),
        (PACKET, ASK_TABLE, TEXT, "enctype1"),
        (TREE, ASK, COMPACT, "enctype2"),
    ],
)
def test_a_changed_list_reaches_the_client(
    first: bytes, ask: bytes, plain: bytes, cipher: str | None
) -> None:
    machine = _opened(first, ask)
    message = _view(Frame(DOWN, 1, plain, derived={"part": "list"}))
    port = "ip" if message.kind == "fieldcount" else "port"
    changed = message.set("servers[0].ip", "127.0.0.1:4000" if port == "ip" else "127.0.0.1")
    wire = machine.seal(DOWN, changed.encode(), cipher)
    (frame,) = _opened(first, ask).feed(DOWN, wire, 2)
    assert (frame.plain or frame.raw, frame.cipher) == (changed.encode(), cipher)
    assert _view(frame).get("servers[0].ip").startswith("127.0.0.1")


def test_the_key_that_the_server_sent_is_sent_again() -> None:
    machine = _opened(TREE, ASK)
    wire = enctype2.encrypt(b"HA6zkS", TREE_KEY, COMPACT)
    (frame,) = machine.feed(DOWN, wire, 1)
    assert machine.seal(DOWN, frame.clear, frame.cipher) == wire


def test_every_announced_server_is_found() -> None:
    for plain, kind in ((COMPACT, "cmp"), (TEXT, "fieldcount")):
        message = _view(Frame(DOWN, 1, plain, derived={"part": "list"}))
        (announce,) = [one for one in BROWSER.announces if one.kind == kind]
        assert announce.when is None or announce.when(message)
        hosts = [message.get(f"servers[{n}].{announce.host}") for n in range(2)]
        assert all(host.startswith("203.0.113.") for host in hosts)


def test_rooms_announce_nothing() -> None:
    rooms = b"\\fieldcount\\1\\groupid\\2166\\final\\"
    message = _view(Frame(DOWN, 1, rooms, derived={"part": "list"}))
    (announce,) = [one for one in BROWSER.announces if one.kind == "fieldcount"]
    assert announce.when
    assert not announce.when(message)


def test_a_backslash_would_end_the_text() -> None:
    message = _view(Frame(DOWN, 1, TEXT, derived={"part": "list"}))
    with pytest.raises(ValueError, match="holds a backslash"):
        message.set("servers[0].hostname", "a\\b")


@pytest.mark.parametrize(
    "text",
    [
        b"\\fieldcount\\2\\ip\\final\\",
        b"\\fieldcount\\0\\final\\",
        b"\\fieldcount\\2\\a\\b\\c\\final\\",
        b"\\fieldcount\\x\\final\\",
    ],
)
def test_tables_that_are_none(text: bytes) -> None:
    assert _view(Frame(DOWN, 1, text, derived={"part": "list"})).kind == "Opaque"


def test_what_is_missing_to_seal_is_said() -> None:
    machine = BROWSER.dissector(SessionKeys())
    machine.feed(UP, login("\\enctype\\2", "x", "nobody") + ASK, 1)
    with pytest.raises(UserError, match="the secret of game nobody is unknown"):
        machine.seal(DOWN, COMPACT, "enctype2")
    machine = BROWSER.dissector(SessionKeys())
    machine.feed(UP, login("\\enctype\\1", "x", "nobody") + ASK, 1)
    with pytest.raises(UserError, match="the greeting, whose secure string is the key, is missing"):
        machine.seal(DOWN, COMPACT, "enctype1")


def test_a_stand_in_greets_and_checks_the_proof() -> None:
    machine = BROWSER.dissector(SessionKeys())
    machine.seal(DOWN, GREETING)
    (frame,) = machine.feed(UP, CLEAR, 1)
    assert frame.derived == {"checks": {"validate": "ok"}}


def test_a_list_under_a_wrong_secret_is_suspected() -> None:
    machine = _opened(TREE, ASK_TABLE, gmtest="wrong!")
    (frame,) = machine.feed(DOWN, enctype2.encrypt(b"HA6zkS", TREE_KEY, TEXT), 1)
    assert "is the secret of game gmtest the right one?" in (frame.error or "")


def test_a_packet_without_its_greeting_is_opaque() -> None:
    machine = BROWSER.dissector(SessionKeys())
    machine.feed(DOWN, b"\\basic\\\\final\\", 1)
    machine.feed(UP, PACKET + ASK_TABLE, 1)
    (vector,) = [one for one in VECTORS if one.cipher == "enctype1"]
    (frame,) = machine.feed(DOWN, vector.raw, 1)
    assert "the greeting was not seen" in (frame.error or "")
    assert frame.raw == vector.raw


def test_an_endless_greeting_is_given_up() -> None:
    (frame,) = BROWSER.dissector(SessionKeys()).feed(DOWN, b"\\" + b"a" * 5000, 1)
    assert "there is no \\secure\\ in it" in (frame.error or "")


@pytest.mark.parametrize("start", [b"\\list\\cmp", b"\\gamename\\gmtest\\final\\\\queryid\\1"])
def test_an_endless_request_is_given_up(start: bytes) -> None:
    """Each piece of it is searched from the beginning: without an end it would take for ever."""
    machine = BROWSER.dissector(SessionKeys())
    pieces = [start] + [b"a" * 8000] * 17
    frames = [frame for piece in pieces for frame in machine.feed(UP, piece, 1)]
    assert frames
    assert b"".join(frame.raw or b"" for frame in frames) == b"".join(pieces)


def test_an_empty_key_of_enctype_2_is_refused() -> None:
    (frame,) = _opened(TREE, ASK).feed(DOWN, b"\xec" + bytes(20), 1)
    assert "EncType2.key, byte 0: it is empty" in (frame.error or "")


def test_an_enctype_that_there_is_not() -> None:
    (frame,) = BROWSER.dissector(SessionKeys()).feed(UP, login("\\enctype\\7", "12345678"), 1)
    assert frame.error == "enctype 7 is unknown"


def test_a_text_list_that_is_none_is_lost() -> None:
    (frame,) = _opened(CLEAR, ASK_TABLE).feed(DOWN, b"hello", 1)
    assert "a list of text begins with a backslash" in (frame.error or "")


@pytest.mark.parametrize("text", [b"a\\fieldcount\\1\\b\\final\\", b"\\fields\\1\\b\\final\\"])
def test_text_without_its_first_word(text: bytes) -> None:
    assert _view(Frame(DOWN, 1, text, derived={"part": "list"})).kind == "Opaque"
