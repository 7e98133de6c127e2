from __future__ import annotations

import pytest

from proxy.ciphers import rc4md5, ssc2
from proxy.ciphers.rc4 import Rc4
from proxy.dissector import LOST
from proxy.keys import SessionKeys
from proxy.layouts.tagfield import TagField
from proxy.message import FieldError, Message
from proxy.protocol import Announce
from proxy.protocols.ea_lobby import PROTOCOLS, LobbyMessage, read
from recordings.model import Direction, Frame, Key
from tests.protocols.harness import AT, ProtocolProperties
from tests.reference import captures, vectors
from tests.vectors.ea_lobby import CLIENT_KEY, SKEY, SKEY_REPLY, STREAM_KEYS, TICKET, VECTORS

EA = PROTOCOLS[0]
UP, DOWN = Direction.TO_SERVER, Direction.TO_CLIENT
WAYS = {"C->S": UP, "S->C": DOWN}
STREAM = "rc4+md5-v2"


class TestEaLobby(ProtocolProperties):
    protocol = EA
    vectors = VECTORS


def message(kind: str, text: str = "", ident: int = 0) -> bytes:
    """A frame's bytes; the items of `text` are separated by blanks."""
    body = "".join(f"{item}\n" for item in text.split()) + "\0" if text else ""
    return LobbyMessage(kind, ident, TagField.of(body)).encode()


def one(keys: SessionKeys, direction: Direction, raw: bytes) -> Frame:
    (frame,) = EA.dissector(keys).feed(direction, raw, AT)
    return frame


# -- captures --------------------------------------------------------------------------------------


def test_every_captured_frame_says_what_is_listed_and_encodes_back() -> None:
    good = [c for c in captures("ea-lobby")["frames"] if "fields" in c]
    assert len(good) > 40
    for seen in good:
        raw = bytes.fromhex(seen["hex"])
        frame = one(SessionKeys(), WAYS[seen["direction"]], raw)
        view = EA.view(frame)
        assert (view.kind, len(raw), frame.error) == (seen["type"], seen["length"], None)
        assert view.encode() == raw
        fields = view.fields()
        ident = fields.pop("ident", None)
        assert ident == (seen["ident_4cc"] or (f"0x{i:08x}" if (i := ident_of(seen)) else None))
        fields.pop("line", None)  # a bare word in one emulator's reply
        assert fields == dict(seen["fields"]), seen["name"]


def ident_of(seen: dict[str, str]) -> int:
    return int(seen["ident_hex"], 16)


def test_a_length_that_leaves_out_the_header_loses_the_stream() -> None:
    bad = [c for c in captures("ea-lobby")["frames"] if "fields" not in c]
    assert len(bad) == 1
    raw = bytes.fromhex(bad[0]["hex"])
    cut, lost = EA.dissector(SessionKeys()).feed(DOWN, raw, AT)
    assert (cut.raw, lost.raw) == (raw[:27], raw[27:])
    assert EA.view(cut).fields() == {"NAME": "VTSTech", "S": ""}
    assert lost.error == "lost: length, byte 8: 1026624000 bytes is above 1048576"
    assert EA.view(lost).kind == "Opaque"


def test_the_captured_passwords_come_out_by_the_mask() -> None:
    seen = {c["name"]: bytes.fromhex(c["hex"]) for c in captures("ea-lobby")["frames"]}
    directory = seen["nascar @dir reply (emulator)"]
    login = seen["nascar auth, PASS public-key path, MASK=int32(SESS)"]
    keys = SessionKeys()
    first = one(keys, DOWN, directory)
    frame = one(keys, UP, login)  # another flow: the lobby's
    assert frame.cipher == "mask"
    assert EA.view(frame).get("PASS") == "AAAA"
    assert {k.key for k in first.keys if k.name == "sess"} == {k.key for k in frame.keys}
    assert EA.session_keys == ("sess",)
    assert EA.dissector(keys).seal(UP, frame.clear, frame.cipher) == login


def test_the_captured_cipher_stream_has_only_good_macs() -> None:
    seen = captures("ea-lobby")["rc4_md5_v2"]
    given = [
        Key("a", bytes.fromhex(seen["key_c2s_hex"]), STREAM, UP, "given"),
        Key("b", bytes.fromhex(seen["key_s2c_hex"]), STREAM, DOWN, "given"),
    ]
    alone = [f for f in seen["frames"] if "note" in f]
    for group in ([f for f in seen["frames"] if "note" not in f], alone):
        machine = EA.dissector(SessionKeys(given))
        wire = bytes.fromhex(seen["tic_frame_hex"] + "".join(f["wire_hex"] for f in group))
        tic, *frames = machine.feed(UP, wire, AT)
        assert machine.forward(tic) == tic.raw
        assert len(frames) == len(group) > 0
        for frame, listed in zip(frames, group, strict=True):
            assert frame.derived == {"checks": {"MAC": "ok"}}
            view = EA.view(frame)
            assert isinstance(view, LobbyMessage)
            assert (view.kind, view.ident) == (listed["type"], ident_of(listed))
            assert view.body.encode() == listed["payload"].encode()
            assert machine.forward(frame) == frame.raw == bytes.fromhex(listed["wire_hex"])


# -- PASS ------------------------------------------------------------------------------------------


def test_captured_ssc2_passwords_are_opened_and_sealed_again() -> None:
    for seen in vectors("ea-lobby")["ssc2_captured"]:
        machine = EA.dissector(SessionKeys())
        machine.feed(DOWN, message("skey", f"SKEY=${seen['key_hex']}"), AT)
        wire = "~" + bytes.fromhex(seen["ciphertext_hex"]).decode("latin-1")
        body = TagField.of("NAME=x\n\0").set("PASS", wire)
        raw = LobbyMessage("auth", 0, body).encode()
        (frame,) = machine.feed(UP, raw, AT)
        assert EA.view(frame).fields() == {"NAME": "x", "PASS": seen["decodes_to"]}
        assert (frame.cipher, frame.derived) == (
            "ssc2",
            {"checks": {"PASS": "ok"}, "wire": {"PASS": body.wire("PASS")}},
        )
        assert machine.seal(UP, frame.clear, frame.cipher) == raw


def test_a_login_is_sealed_under_the_keys_of_another_session() -> None:
    clear = message("auth", "NAME=nora PASS=hunter2")
    for cipher in ("ssc2", "rc4", "mask"):
        keys = SessionKeys([Key("mask", b"another", "mask")])
        machine = EA.dissector(keys)
        machine.feed(DOWN, SKEY_REPLY, AT)
        sealed = machine.seal(UP, clear, cipher)
        assert b"hunter2" not in sealed
        frame = one(keys, UP, sealed)
        assert (frame.clear, frame.cipher) == (clear, cipher)


def test_the_padding_of_ssc2_goes_on_within_a_flow() -> None:
    machine = EA.dissector(SessionKeys([Key("skey", SKEY, "ssc2")]))
    clear = message("auth", "PASS=hunter2")
    twice = [machine.seal(UP, clear, "ssc2") for _ in range(2)]
    encoder = ssc2.Encoder()
    values = ["~" + encoder.encipher(SKEY, b"hunter2").decode() for _ in range(2)]
    assert [read(sealed, UP).get("PASS") for sealed in twice] == values
    assert values[0] != values[1]


def test_a_password_that_two_ciphers_fit_says_so() -> None:
    keys = SessionKeys([Key("skey", SKEY, "ssc2"), Key("mask", b"4294967295", "mask")])
    frame = one(keys, UP, message("auth", "PASS=$ffff"))
    assert frame.derived == {
        "checks": {"PASS": "ok"},
        "notes": ["PASS could also be rc4"],
        "wire": {"PASS": "$ffff"},
    }


def test_what_has_no_password_or_no_sense_is_sealed_as_it_is() -> None:
    machine = EA.dissector(SessionKeys([Key("skey", SKEY, "ssc2")]))
    for clear in (message("auth", "NAME=x"), b"auth", b"auth" + bytes(8) + b"PASS=x"):
        assert machine.seal(UP, clear, "ssc2") == clear
    login = message("auth", "PASS=hunter2")
    assert machine.seal(UP, login) == login


def test_the_clients_constant_is_no_key() -> None:
    frame = one(SessionKeys(), UP, message("skey", "SKEY=$5075626c6963204b6579"))
    assert frame.keys == ()


# -- the stream cipher -----------------------------------------------------------------------------


def encipher(frames: list[tuple[Direction, bytes]]) -> list[bytes]:
    """What another program under the same keys would put on the wire."""
    machine = EA.dissector(SessionKeys(STREAM_KEYS))
    machine.feed(UP, message("?tic")[:8] + b"\0\0\0\x40" + TICKET, AT)
    return [machine.seal(way, clear) for way, clear in frames]


def test_keys_of_the_directory_leg_serve_the_lobby_leg() -> None:
    keys = SessionKeys()
    answer = b"@tic\0\0\0\0\0\0\0\x60" + bytes(range(32)) + TICKET
    assert len(one(keys, DOWN, answer).keys) == 2
    lobby = EA.dissector(keys)
    up, down = encipher([(UP, message("pers", "PERS=a")), (DOWN, message("pers", "PERS=b"))])
    tic, first = lobby.feed(UP, b"?tic\0\0\0\0\0\0\0\x40" + TICKET + up, AT)
    (second,) = lobby.feed(DOWN, down, AT)
    assert EA.view(tic).fields() == {"ticket": TICKET.hex()}
    assert [EA.view(frame).get("PERS") for frame in (first, second)] == ["a", "b"]
    assert {frame.cipher for frame in (first, second)} == {STREAM}


def test_a_rewritten_stream_stays_in_step() -> None:
    """The second frame is changed and longer; client and server both understand what they get."""
    clears = [message("pers", f"PERS=number{n}") for n in range(4)]
    wire = encipher([(UP, clear) for clear in clears])
    proxy, server = (EA.dissector(SessionKeys(STREAM_KEYS)) for _ in range(2))
    tic = b"?tic\0\0\0\0\0\0\0\x40" + TICKET
    (first,) = proxy.feed(UP, tic, AT)
    server.feed(UP, proxy.forward(first), AT)
    got = []
    for number, raw in enumerate(wire):
        (frame,) = proxy.feed(UP, raw, AT)
        if number == 1:
            changed = EA.view(frame).set("PERS", "somebody quite different").encode()
            sent = proxy.seal(UP, changed, frame.cipher)
        else:
            sent = proxy.forward(frame)
            assert (sent == raw) is (number == 0)
        got += server.feed(UP, sent, AT)
    assert [EA.view(frame).get("PERS") for frame in got] == [
        "number0",
        "somebody quite different",
        "number2",
        "number3",
    ]
    assert all(frame.derived == {"checks": {"MAC": "ok"}} for frame in got)


def test_a_password_inside_of_the_stream_is_opened_and_forwarded_unchanged() -> None:
    keys = SessionKeys([*STREAM_KEYS, Key("skey", SKEY, "ssc2")])
    encoder = ssc2.Encoder()
    encoder.encipher(SKEY, b"an earlier login, so that the padding is another")
    value = "~" + encoder.encipher(SKEY, b"secret").decode()
    login = LobbyMessage("auth", 0, TagField.of("\0").set("PASS", value)).encode()
    machine = EA.dissector(keys)
    machine.feed(UP, b"?tic\0\0\0\0\0\0\0\x40" + TICKET, AT)
    (wire,) = encipher([(UP, login)])
    (frame,) = machine.feed(UP, wire, AT)
    assert frame.cipher == f"{STREAM},ssc2"
    assert frame.derived is not None
    assert frame.derived["checks"] == {"MAC": "ok", "PASS": "ok"}
    assert EA.view(frame).fields() == {"PASS": "secret"}
    assert machine.forward(frame) == wire


def test_a_frame_with_a_wrong_mac_is_forwarded_as_it_came() -> None:
    machine = EA.dissector(SessionKeys(STREAM_KEYS))
    machine.feed(UP, b"?tic\0\0\0\0\0\0\0\x40" + TICKET, AT)
    bad, good = encipher([(UP, message("pers", "PERS=a")), (UP, message("pers", "PERS=b"))])
    bad = bad[:-1] + bytes([bad[-1] ^ 1])
    for raw, error in ((bad, "MAC WRONG"), (good, "None")):
        (frame,) = machine.feed(UP, raw, AT)
        assert str(frame.error).startswith(error)
        assert machine.forward(frame) == raw


def test_unknown_keys_are_told_once_in_each_direction() -> None:
    machine = EA.dissector(SessionKeys())
    (tic,) = machine.feed(UP, b"?tic\0\0\0\0\0\0\0\x40" + TICKET, AT)
    assert tic.error is None
    for way, word in ((UP, "up"), (DOWN, "down")):
        frames = [machine.feed(way, bytes([n]) * 30, AT)[0] for n in range(3)]
        assert [frame.error for frame in frames[1:]] == [LOST, LOST]
        assert frames[0].error == (
            "lost: enciphered by RC4+MD5-V2 from here on and the key is unknown; "
            f"decode again with --key rc4+md5-v2@{word}=HEX"
        )
        assert [frame.raw for frame in frames] == [bytes([n]) * 30 for n in range(3)]


def test_a_wrong_key_is_suspected() -> None:
    wrong = Key("mine", b"another key", STREAM, None, "given")
    machine = EA.dissector(SessionKeys([*STREAM_KEYS, wrong]))  # what the user gives counts
    machine.feed(UP, b"?tic\0\0\0\0\0\0\0\x40" + TICKET, AT)
    (frame,) = machine.feed(UP, encipher([(UP, message("pers", "PERS=a"))])[0], AT)
    assert str(frame.error).endswith("is above 1048576, or the key is a wrong one")


def test_a_second_ticket_does_not_start_the_streams_again() -> None:
    tic, stream = b"?tic\0\0\0\0\0\0\0\x0d\0", Rc4(CLIENT_KEY)
    login = message("pers", "PERS=a")
    machine = EA.dissector(SessionKeys(STREAM_KEYS))
    wire = tic + stream(rc4md5.add_mac(tic)) + stream(rc4md5.add_mac(login))
    frames = machine.feed(UP, wire, AT)
    assert [frame.clear for frame in frames] == [tic, tic, login]
    assert b"".join(machine.forward(frame) for frame in frames) == wire


def test_a_declined_offer_leaves_the_stream_clear() -> None:
    machine = EA.dissector(SessionKeys())
    machine.feed(UP, b"@tic\0\0\0\0\0\0\0\x17RC4+MD5-V2\0", AT)
    (frame,) = machine.feed(DOWN, message("@tic"), AT)
    assert (frame.keys, frame.error, frame.plain) == ((), None, None)
    assert EA.swallow == (("@tic", UP),)


# -- what is declared ------------------------------------------------------------------------------


def announced(raw: bytes, direction: Direction, *, peer: bool = False) -> list[tuple[str, ...]]:
    """(role, host, port) of every announcement that a frame makes."""
    view = EA.view(one(SessionKeys(), direction, raw))
    fields = view.fields()
    return [
        (a.role, fields[a.host or ""], fields.get(a.port or "", ""))
        for a in EA.announces
        if (a.kind, a.direction, a.peer) == (view.kind, direction, peer) and fits(a, view)
    ]


def fits(announce: Announce, view: Message) -> bool:
    paths = [path for path in (announce.host, announce.port) if path]
    return set(paths) <= set(view.fields()) and (announce.when is None or announce.when(view))


@pytest.mark.parametrize(
    ("kind", "text", "ident", "found"),
    [
        ("@dir", "ADDR=1.2.3.4 PORT=5 DIRECT=1", 0, [("lobby", "1.2.3.4", "5")]),
        ("@dir", "DIRECT=1", 0, []),
        ("news", "BUDDY_URL=1.2.3.4 BUDDY_PORT=5", 0x6E657730, [("buddy", "1.2.3.4", "5")]),
        ("news", "BUDDY_SERVER=a.example BUDDY_PORT=5", 0, [("buddy", "a.example", "5")]),
        ("news", "BUDDYSERVERNAME=a BUDDYPORT=5", 0, [("buddy", "a", "5")]),
        ("news", "BUDDYSERVERNAME=a BUDDYSERVERPORT=5", 0, [("buddy", "a", "5")]),
        ("news", "1.2.3.4:5", 0x6E657730, [("buddy", "1.2.3.4:5", "1.2.3.4:5")]),
        ("news", "Welcome!", 0x6E657731, []),
        ("news", "NAME=0", 0, []),
    ],
)
def test_announcements(kind: str, text: str, ident: int, found: list[tuple[str, ...]]) -> None:
    assert announced(message(kind, text, ident), DOWN) == found


def test_the_directory_rewrite_drops_direct() -> None:
    (lobby,) = (a for a in EA.announces if a.kind == "@dir")
    assert (lobby.protocol, lobby.drop) == ("ea-lobby", ("DIRECT",))
    assert EA.held(DOWN)
    assert not EA.held(UP)


@pytest.mark.parametrize(
    ("kind", "text", "hosts"),
    [
        ("+ses", "ADDR=192.0.2.8 FROM=192.0.2.9", ["192.0.2.8", "192.0.2.9"]),
        ("+ses", "ADDR=192.0.2.8 FROM=Theo", ["192.0.2.8"]),
        ("+usr", "I=1 A=192.0.2.8", ["192.0.2.8"]),
        ("+rom", "I=1 A=", []),
        ("+who", "N=Nora", []),
    ],
)
def test_peers(kind: str, text: str, hosts: list[str]) -> None:
    assert [host for _, host, _ in announced(message(kind, text), DOWN, peer=True)] == hosts


# -- the ident word --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "ident", "shown"),
    [
        ("new0", 0x6E657730, "new0"),
        (0x11, 0x11, "0x00000011"),
        ("0x11", 0x11, "0x00000011"),
        ("17", 0x11, "0x00000011"),
        ("0x30783131", 0x30783131, "0x30783131"),  # its four characters are `0x11`
        (0, 0, None),
    ],
)
def test_ident(value: str | int, ident: int, shown: str | None) -> None:
    view = read(message("news"), DOWN).set("ident", value)
    assert view.ident == ident
    assert view.fields().get("ident") == shown
    assert view.set("ident", view.get("ident")) == view
    assert view.delete("ident").ident == 0


@pytest.mark.parametrize("value", [-1, 1 << 32, "a word"])
def test_no_ident(value: str | int) -> None:
    with pytest.raises(ValueError, match="neither four characters nor 32 bits"):
        read(message("news"), DOWN).set("ident", value)


def test_a_key_named_ident_does_not_hide_the_word() -> None:
    view = read(message("move", "ident=7 NAME=x"), DOWN)
    assert (view.fields(), view.get("ident")) == ({"NAME": "x", "IDENT": "7"}, "0")
    assert view.set("IDENT", "8").get("IDENT") == "8"


def test_messages_compare_by_value() -> None:
    view = read(message("move", "NAME=x"), UP)
    assert view == read(message("move", "NAME=x"), DOWN)
    assert len({view, view.set("NAME", "y").set("NAME", "x")}) == 1
    assert view not in (view.set("NAME", "y"), view.set("ident", 1), "move")
    assert repr(view) == "LobbyMessage('move', 0x0, TagField(b'NAME=x\\n\\x00'))"


def test_an_unknown_kind_is_read_like_the_others() -> None:
    view = EA.view(one(SessionKeys(), DOWN, message("zzzz", "A=1")))
    assert (view.kind, view.fields()) == ("zzzz", {"A": "1"})


def test_a_field_that_is_missing_names_the_nearest() -> None:
    view = read(message("auth", "NAME=x TOS=1"), UP)
    for act in (view.get, view.delete):
        with pytest.raises(FieldError, match="auth has no field NAMES; did you mean NAME"):
            act("NAMES")
