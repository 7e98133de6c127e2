from __future__ import annotations

import pytest

from proxy.keys import SessionKeys
from proxy.message import FieldError
from proxy.protocols.gamespy_presence import PROTOCOLS, Presence, PresenceDissector
from recordings.model import Direction, Frame, Key
from tests.protocols.harness import AT, ProtocolProperties
from tests.reference import captures
from tests.vectors import gamespy_presence as golden
from tests.vectors.gamespy_presence import VECTORS

UP, DOWN = Direction.TO_SERVER, Direction.TO_CLIENT
(PRESENCE,) = PROTOCOLS


class TestPresence(ProtocolProperties):
    protocol = PRESENCE
    vectors = VECTORS


def dissector(*keys: Key) -> PresenceDissector:
    return PresenceDissector(SessionKeys(keys))


def feed(machine: PresenceDissector, direction: Direction, data: bytes) -> list[Frame]:
    return machine.feed(direction, data, AT)


def checks(frame: Frame) -> dict[str, str]:
    found: dict[str, str] = (frame.derived or {})["checks"]
    return found


def test_several_messages_in_one_write() -> None:
    frames = feed(dissector(), DOWN, golden.GREETING + rb"\ka\\final" + b"\\" + golden.GREETING)
    assert [PRESENCE.view(frame).kind for frame in frames] == ["lc", "ka", "lc"]


def kinds(machine: PresenceDissector, data: bytes) -> list[str]:
    return [PRESENCE.view(frame).kind for frame in feed(machine, DOWN, data)]


def test_padding_between_messages_is_a_frame_of_its_own() -> None:
    machine = dissector()
    assert kinds(machine, b"\0\r\n" + golden.GREETING + b"\0") == ["Opaque", "lc", "Opaque"]
    assert kinds(machine, golden.GREETING) == ["lc"]


def test_another_protocol_is_recorded_at_once() -> None:
    machine = dissector()
    assert kinds(machine, b"GET / HTTP/1.1\r\n") == ["Opaque"]
    assert machine.pending(DOWN) == 0


def test_a_stream_whose_beginning_was_missed_makes_sense_again() -> None:
    missed = rb"nge\ABC\id\1" + golden.FINAL
    assert kinds(dissector(), missed + golden.GREETING) == ["Opaque", "lc"]


def test_a_password_seen_earlier_checks_the_login() -> None:
    machine = dissector()
    feed(machine, DOWN, golden.GREETING)
    feed(machine, UP, rb"\newuser\\nick\ann\passwordenc\ZYWbgE[9hd8R\final" + b"\\")
    (login,) = feed(machine, UP, golden.LOGIN)
    assert checks(login) == {"response": "ok"}


def test_any_of_several_passwords_will_do_and_none_is_no_verdict() -> None:
    first, second = (Key("gp.password", name) for name in (b"swordfish", b"other"))
    for keys, verdict in (
        ((first, second), "ok"),
        ((second, Key("gp.password", b"third")), "unknown: none of the passwords seen gives it"),
    ):
        machine = dissector(*keys)
        feed(machine, DOWN, golden.GREETING)
        assert checks(feed(machine, UP, golden.LOGIN)[0]) == {"response": verdict}


@pytest.mark.parametrize(
    ("raw", "field", "name"),
    [
        (rb"\error\\err\260\errmsg\x", "err", "0x104 login: bad password"),
        (rb"\error\\err\1539\errmsg\x", "err", "0x603 addbuddy: already a buddy"),
        (rb"\bm\100\f\1\msg\x", "bm", "status"),
        (rb"\bm\204\f\1\msg\x", "bm", "file transfer"),
    ],
)
def test_codes_have_names(raw: bytes, field: str, name: str) -> None:
    (frame,) = feed(dissector(), DOWN, raw + golden.FINAL)
    assert (frame.derived or {})["names"] == {field: name}


def test_an_unknown_code_has_none() -> None:
    (frame,) = feed(dissector(), DOWN, rb"\error\\err\99999\errmsg\x" + golden.FINAL)
    assert frame.derived is None


def test_digests_are_made_anew_for_this_session() -> None:
    """Playback and stand-in: the recorded proofs do not fit this session's challenges."""
    player, server = dissector(*golden.PASSWORD), dissector(*golden.PASSWORD)
    greeting = golden.GREETING.replace(b"KLMNOPQRST", b"AAAAAAAAAA")
    server.seal(DOWN, greeting)
    feed(player, DOWN, greeting)
    login = player.digest(UP, golden.LOGIN)
    assert login != golden.LOGIN
    player.seal(UP, login)
    assert checks(feed(server, UP, login)[0]) == {"response": "ok"}
    answer = server.digest(DOWN, golden.accepted(b"0" * 32))
    assert checks(feed(player, DOWN, answer)[0]) == {"proof": "ok"}


def test_a_login_by_ticket_is_made_anew_without_a_password() -> None:
    machine = dissector()
    machine.seal(DOWN, golden.GREETING)
    made = golden.login(golden.TICKET, b"228e545306778c9b38567d331aa1c454")
    assert machine.digest(UP, golden.login(golden.TICKET, b"0" * 32)) == made


def test_keys_of_a_flow_are_limited() -> None:
    machine = dissector()
    for number in range(machine.key_limit + 10):
        feed(machine, DOWN, rb"\lc\2\sesskey\%d" % number + golden.FINAL)
    assert len(list(machine.keys)) == machine.key_limit


def test_without_a_password_a_digest_stays_as_it_was() -> None:
    machine = dissector()
    machine.seal(DOWN, golden.GREETING)
    assert machine.digest(UP, golden.LOGIN) == golden.LOGIN
    assert machine.digest(UP, rb"\ka\\final" + b"\\") == rb"\ka\\final" + b"\\"


def test_setting_a_hidden_field_hides_it() -> None:
    message = Presence.parse(rb"\updateui\\sesskey\1\passwordenc\eJeD\final" + b"\\")
    assert message.get("passwordenc") == "new"
    assert b"ZYWbgE[9hd8R" in message.set("passwordenc", "swordfish").encode()


def test_what_is_no_obfuscation_is_shown_as_it_is() -> None:
    message = Presence.parse(rb"\updateui\\passwordenc\not base64!\final" + b"\\")
    assert message.get("passwordenc") == "not base64!"


def test_parts_of_a_status_are_set_and_deleted() -> None:
    message = Presence.parse(rb"\bm\100\f\1\msg\|s|2|ss|Playing\final" + b"\\")
    assert message.get("msg") == "|s|2|ss|Playing"
    assert message.get("msg.ss") == "Playing"
    assert message.set("msg.s", 3).get("msg") == "|s|3|ss|Playing"
    assert message.set("msg.ip", "1").get("msg") == "|s|2|ss|Playing|ip|1"
    assert message.delete("msg.ss").get("msg") == "|s|2"
    assert message.set("msg", "free text").fields()["msg"] == "free text"
    with pytest.raises(FieldError, match=r"did you mean msg\?"):
        message.get("msgg")


CAPTURED = [frame for frame in captures("gamespy")["frames"] if frame["server"] == "GPCM"]


@pytest.mark.parametrize("run", sorted({frame["name"].split("/")[0] for frame in CAPTURED}))
def test_captured_sessions(run: str) -> None:
    """Every captured message is read, says what the capture says, and encodes back."""
    frames = [frame for frame in CAPTURED if frame["name"].startswith(f"{run}/")]
    machine = dissector()
    for captured in frames:
        direction = DOWN if captured["direction"] == "S>C" else UP
        raw = bytes.fromhex(captured["hex"])
        cut = feed(machine, direction, raw)
        assert b"".join(frame.raw or b"" for frame in cut) == raw
        assert machine.pending(direction) == 0
        texts = [text + "\\final\\" for text in captured["text"].split("\\final\\")[:-1]]
        messages = [PRESENCE.view(frame) for frame in cut]
        assert [message.encode().decode("latin-1") for message in messages] == texts
        for message, text in zip(messages, texts, strict=True):
            assert message.kind == text.split("\\")[1]
            for key, value in message.fields().items():
                assert f"\\{key}" + ("" if value is None else f"\\{value}\\") in text


@pytest.mark.parametrize(
    ("run", "password", "verdicts"),
    [
        # the sample client logged in with a password of the sample; the server knew another
        ("gptestc-2007", b"gptestc", ("ok", "ok")),
        ("gp-dwc", b"AbCdEf12", ("ok", "ok")),
        ("gp-section8", b"secret123", ("ok", "ok")),
        ("gp-badpw", b"secret123", ("WRONG", "ok")),
    ],
)
def test_captured_proofs(run: str, password: bytes, verdicts: tuple[str, str]) -> None:
    machine = dissector(Key("password", password, "password", source="given"))
    found = {}
    for captured in CAPTURED:
        if captured["name"].startswith(f"{run}/"):
            direction = DOWN if captured["direction"] == "S>C" else UP
            for frame in feed(machine, direction, bytes.fromhex(captured["hex"])):
                found.update((frame.derived or {}).get("checks", {}))
    assert (found["response"].split(":")[0], found["proof"].split(":")[0]) == verdicts
