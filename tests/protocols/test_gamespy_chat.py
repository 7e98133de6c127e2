from __future__ import annotations

import pytest

from proxy.keys import SessionKeys
from proxy.message import FieldError
from proxy.protocols.gamespy_chat import PROTOCOLS, ChatDissector, ChatLine
from recordings.model import Direction, Frame
from tests.protocols.harness import AT, ProtocolProperties
from tests.reference import captures
from tests.vectors.gamespy_chat import ADDRESS, CRYPT, KEYS, USRIP, VECTORS

UP, DOWN = Direction.TO_SERVER, Direction.TO_CLIENT
(CHAT,) = PROTOCOLS


class TestChat(ProtocolProperties):
    protocol = CHAT
    vectors = VECTORS


def dissector(**secrets: str) -> ChatDissector:
    return ChatDissector(SessionKeys(secrets=secrets))


def started() -> ChatDissector:
    machine = dissector()
    machine.feed(UP, CRYPT, AT)
    machine.feed(DOWN, KEYS, AT)
    return machine


def texts(frames: list[Frame]) -> list[bytes]:
    return [frame.clear for frame in frames]


def test_several_enciphered_lines_in_one_chunk() -> None:
    sealing, reading = started(), started()
    chunk = b"".join(sealing.seal(UP, text) for text in (b"USRIP\r\n", b"NICK a\r\n", b"QUIT\r\n"))
    frames = reading.feed(UP, chunk, AT)
    assert texts(frames) == [b"USRIP\r\n", b"NICK a\r\n", b"QUIT\r\n"]
    assert b"".join(frame.raw or b"" for frame in frames) == chunk


def test_without_the_secret_it_is_said_once_and_no_byte_is_lost() -> None:
    machine = dissector()
    machine.feed(UP, b"CRYPT des 1 nobody\r\n", AT)
    machine.feed(DOWN, KEYS, AT)
    frames = [
        *machine.feed(UP, USRIP, AT),
        *machine.feed(DOWN, ADDRESS, AT),
        *machine.feed(UP, b"\n\x00", AT),
    ]
    assert [frame.raw for frame in frames] == [USRIP, ADDRESS, b"\n\x00"]
    assert [frame.error for frame in frames] == [
        "enciphered: the secret of game nobody is unknown: give it as --game-key nobody=SECRET",
        "enciphered: see the first such frame of this flow",
        "enciphered: see the first such frame of this flow",
    ]
    assert machine.forward(frames[0]) == USRIP


def test_a_game_that_was_not_named_has_no_secret() -> None:
    machine = dissector()
    machine.feed(DOWN, KEYS, AT)
    (frame,) = machine.feed(DOWN, ADDRESS, AT)
    assert frame.error == "enciphered: the game was not named: CRYPT was not seen"


def test_a_wrong_secret_is_said() -> None:
    machine = dissector(gmtest="wrong!")
    machine.feed(UP, CRYPT, AT)
    machine.feed(DOWN, KEYS, AT)
    chunk = USRIP * 40
    frames = machine.feed(UP, chunk, AT) + machine.finish(UP, AT)
    assert b"".join(frame.raw or b"" for frame in frames) == chunk
    why = "enciphered: the secret of game gmtest is not the one used"
    assert frames[0].error == why
    assert (frames[0].derived or {})["checks"] == {"cipher": f"WRONG: {why}"}
    assert all(frame.plain is None for frame in frames)


def test_a_proxy_that_changes_a_line_stays_in_step() -> None:
    """Client, proxy and server each with a machine of their own; a line grows on the way."""
    proxy, client, server = dissector(), dissector(), dissector()
    for machine in (client, server):
        machine.feed(UP, CRYPT, AT)
        machine.feed(DOWN, KEYS, AT)
    sealing = started()  # the client's own end
    for direction, data in ((UP, CRYPT), (DOWN, KEYS)):
        (frame,) = proxy.feed(direction, data, AT)
        assert proxy.forward(frame) == data
    (first,) = proxy.feed(UP, sealing.seal(UP, b"NICK a\r\n"), AT)
    changed = ChatLine.parse(first.clear).set("nick", "somebody").encode()
    (second,) = proxy.feed(UP, sealing.seal(UP, b"USRIP\r\n"), AT)
    wire = proxy.seal(UP, changed, first.cipher) + proxy.forward(second)
    assert texts(server.feed(UP, wire, AT)) == [b"NICK somebody\r\n", b"USRIP\r\n"]


def test_a_stand_in_gives_keys_and_speaks_by_them() -> None:
    stand_in, client = dissector(), dissector()
    stand_in.feed(UP, CRYPT, AT)
    client.seal(UP, CRYPT)
    keys = stand_in.seal(DOWN, KEYS)
    assert keys == KEYS
    client.feed(DOWN, keys, AT)
    assert texts(stand_in.feed(UP, client.seal(UP, b"USRIP\r\n"), AT)) == [b"USRIP\r\n"]
    answer = stand_in.seal(DOWN, b":s 302  :=+@192.0.2.1\r\n")
    assert answer == ADDRESS
    assert texts(client.feed(DOWN, answer, AT)) == [b":s 302  :=+@192.0.2.1\r\n"]


def test_a_proxy_may_give_the_client_other_keys() -> None:
    proxy, client, server = dissector(), dissector(), dissector()
    other = KEYS.replace(b"0123456789abcdef", b"AAAAAAAAAAAAAAAA")
    for machine in (proxy, client, server):
        machine.feed(UP, CRYPT, AT)
    client.feed(DOWN, other, AT)
    server.seal(DOWN, KEYS)
    proxy.feed(DOWN, KEYS, AT)
    assert proxy.seal(DOWN, other) == other
    (frame,) = proxy.feed(UP, client.seal(UP, b"USRIP\r\n"), AT)
    assert frame.clear == b"USRIP\r\n"
    assert texts(server.feed(UP, proxy.forward(frame), AT)) == [b"USRIP\r\n"]


def test_the_user_line_names_the_address_that_the_server_told() -> None:
    machine = dissector()
    line = b"USER XaaaaaaaaX|7 a b :c\r\n"
    assert machine.digest(UP, line) == line
    machine.feed(DOWN, b":s 302  :=+@192.0.2.1\r\n", AT)
    renewed = machine.digest(UP, line)
    assert ChatLine.parse(renewed).get("user.ip") == "192.0.2.1"
    assert machine.digest(UP, b"USER somebody a b :c\r\n") == b"USER somebody a b :c\r\n"


def test_parameters_are_set_and_deleted() -> None:
    line = ChatLine.parse(b"PRIVMSG #a x\r\n")
    assert line.set("text", "two words").encode() == b"PRIVMSG #a :two words\r\n"
    assert line.delete("text").encode() == b"PRIVMSG #a\r\n"
    assert ChatLine.parse(b":s 001 a :b\r\n").delete("prefix").encode() == b"001 a :b\r\n"
    assert ChatLine.parse(b"SETKEY :\\a\\1\r\n").set("keys.a", 2).encode() == b"SETKEY :\\a\\2\r\n"
    with pytest.raises(ValueError, match="only the last parameter holds spaces"):
        line.set("target", "a b")
    with pytest.raises(ValueError, match="holds no line end"):
        line.set("text", "a\r\nQUIT")
    with pytest.raises(FieldError, match="did you mean text"):
        line.set("txt", "a")


def test_a_captured_session() -> None:
    """The whole session is deciphered to what the capture says, and enciphers back."""
    machine, sealing = dissector(), dissector()
    seen = [frame for frame in captures("gamespy")["frames"] if frame["server"] == "Peerchat"]
    assert len(seen) == 15
    for captured in seen:
        direction = DOWN if captured["direction"] == "S>C" else UP
        raw = bytes.fromhex(captured["hex"])
        frames = machine.feed(direction, raw, AT)
        assert b"".join(texts(frames)).decode("latin-1") == captured["clear"]
        for frame in frames:
            message = CHAT.view(frame)
            assert message.kind in {kind.name for kind in CHAT.kinds}
            assert message.encode() == frame.clear
            assert machine.forward(frame) == frame.raw
        for frame in frames:
            sealing.feed(direction, frame.raw or b"", AT)
            assert sealing.seal(direction, frame.clear) == frame.raw


def test_real_keys_of_a_retail_game_need_its_secret() -> None:
    machine = dissector(redalert3pc="uBZwpf")
    machine.feed(UP, b"CRYPT des 1 redalert3pc\r\n", AT)
    machine.feed(DOWN, b":s 705 * 0000000000000000 tT`l?BH`rbRf?PE\\\r\n", AT)
    raw = bytes.fromhex("74c088137bf0656cd046f3a8183f6ae06bf78e9535b18dcee59e42")
    (frame,) = machine.feed(DOWN, raw, AT)
    assert CHAT.view(frame).get("text") == "=+@216.40.74.112"
