from __future__ import annotations

import pytest

from proxy.keys import SessionKeys
from proxy.protocols.gamespy_stats import PROTOCOLS, CountedStats, StatsDissector, read
from recordings.model import Direction, Frame, Key
from tests.protocols.harness import AT, ProtocolProperties
from tests.reference import captures
from tests.vectors.gamespy_stats import VECTORS, wire

UP, DOWN = Direction.TO_SERVER, Direction.TO_CLIENT
(STATS,) = PROTOCOLS
FINAL = b"\\final\\"


class TestStats(ProtocolProperties):
    protocol = STATS
    vectors = VECTORS


def dissector(*keys: Key) -> StatsDissector:
    return StatsDissector(SessionKeys(keys))


def checks(frame: Frame) -> dict[str, str]:
    found: dict[str, str] = (frame.derived or {}).get("checks", {})
    return found


def test_a_mark_by_accident_in_enciphered_data_does_not_cut() -> None:
    """Data that are enciphered to `\\final\\`: only the count tells where the message ends."""
    head = rb"\setpd\\pid\1\kv\0\lid\1\length\9\data" + b"\\"
    data = bytes(
        byte ^ b"GameSpy3D"[(len(head) + place) % 9] for place, byte in enumerate(b"\\final\\..")
    )
    raw = wire(head + data)
    assert raw.count(FINAL) == 2
    for at in range(1, len(raw)):
        machine = dissector()
        frames = machine.feed(UP, raw[:at], AT) + machine.feed(UP, raw[at:], AT)
        assert [frame.raw for frame in frames] == [raw], at
        assert STATS.view(frames[0]).get("data") == data.decode("latin-1")


def test_many_messages_behind_counted_data() -> None:
    raw = wire(rb"\setpd\\lid\1\length\2\data\ab") + wire(b"\\ka\\") + wire(b"\\ka\\")
    frames = dissector().feed(UP, raw, AT)
    assert [STATS.view(frame).kind for frame in frames] == ["setpd", "ka", "ka"]


@pytest.mark.parametrize(
    "body",
    [
        rb"\setpd\\lid\1\length\5\data\abc",  # a count that ends within the mark
        rb"\setpd\\lid\1\length\1\data\abc",  # a count that is too small
        rb"\setpd\\lid\1\length\99999999\data\abc",  # more than a frame may hold
        rb"\setpd\\lid\1\length\x\data\abc",  # no number
        rb"\setpd\\lid\1\length\03\data\abc",  # a number that would not be written so
    ],
)
def test_a_wrong_count_is_a_field_like_others(body: bytes) -> None:
    (frame,) = dissector().feed(UP, wire(body), AT)
    message = STATS.view(frame)
    assert message.fields()["data"] == "abc"
    assert "length" in message.fields()


def test_a_count_of_data_that_never_come_waits_and_is_cut_off() -> None:
    machine = dissector()
    assert machine.feed(UP, wire(rb"\setpd\\length\50\data\abc"), AT) == []
    (frame,) = machine.finish(UP, AT)
    assert "cut off" in (frame.error or "")


def test_changed_data_are_counted_again() -> None:
    message = read(rb"\getpdr\1\lid\1\length\9\data\\rank\99" + b"\0" + rb"\x\y" + FINAL)
    assert isinstance(message, CountedStats)
    assert message.fields() == {
        "getpdr": "1",
        "lid": "1",
        "data": {"rank": "99"},
        "x": "y",
    }
    changed = message.set("data.rank", "4")
    assert changed.encode() == rb"\getpdr\1\lid\1\length\8\data\\rank\4" + b"\0\\x\\y" + FINAL
    assert b"\\length\\3\\data\\a\\b\\" in message.set("data", "a\\b").encode()
    assert b"length" not in message.delete("data").encode()
    with pytest.raises(ValueError, match="length follows from data"):
        message.set("length", 5)


def test_gamedata_are_set_by_name() -> None:
    message = read(b"\\updgame\\\\gamedata\\\x01a\x011\x01b\x012" + FINAL)
    assert message.set("gamedata.b", 3).get("gamedata") == "\x01a\x011\x01b\x013"
    assert message.set("gamedata.c", 4).get("gamedata.c") == "4"
    assert message.delete("gamedata.a").get("gamedata") == "\x01b\x012"


def test_digests_are_made_anew_for_this_session() -> None:
    password = Key("password", b"swordfish", "password", source="given")
    player, server = dissector(password), dissector(password)
    greeting = server.seal(DOWN, rb"\lc\1\challenge\AAAAAAAAAA\id\1" + FINAL)
    player.feed(DOWN, greeting, AT)
    auth = player.digest(UP, rb"\auth\\gamename\gmtest\response\00\id\1" + FINAL)
    (seen,) = server.feed(UP, player.seal(UP, auth), AT)
    assert checks(seen) == {"response": "ok"}
    player.feed(DOWN, server.seal(DOWN, rb"\lc\2\sesskey\77\proof\0\id\1" + FINAL), AT)
    authp = player.digest(UP, rb"\authp\\pid\1\resp\00\lid\1" + FINAL)
    (seen,) = server.feed(UP, player.seal(UP, authp), AT)
    assert checks(seen) == {"resp": "ok"}


def test_a_digest_that_cannot_be_made_stays() -> None:
    auth = rb"\auth\\gamename\nobody\response\00\id\1" + FINAL
    assert dissector().digest(UP, auth) == auth


CAPTURED = [frame for frame in captures("gamespy")["frames"] if frame["server"] == "GStats"]


@pytest.mark.parametrize("run", ["gstats-2007", "gstats-2012"])
def test_captured_sessions(run: str) -> None:
    """Every captured message is deciphered to what the capture says, and encodes back."""
    machine = dissector()
    verdicts = []
    for captured in CAPTURED:
        if not captured["name"].startswith(f"{run}/"):
            continue
        direction = DOWN if captured["direction"] == "S>C" else UP
        frames = machine.feed(direction, bytes.fromhex(captured["hex"]), AT)
        texts = [text + "\\final\\" for text in captured["clear"].split("\\final\\")[:-1]]
        messages = [STATS.view(frame) for frame in frames]
        assert [message.encode().decode("latin-1") for message in messages] == texts
        for frame, message in zip(frames, messages, strict=True):
            assert message.kind in {kind.name for kind in STATS.kinds}
            assert machine.seal(frame.direction, frame.clear, frame.cipher) == frame.raw
            if message.kind == "updgame":
                assert "hostname" in message.fields()["gamedata"]
            verdicts += list(checks(frame).items())
    assert verdicts[0] == ("response", "ok")


def test_a_session_key_beyond_32_bits_is_read_as_clients_do() -> None:
    """The game that follows names the connection that the client made of it."""
    machine = dissector()
    machine.feed(DOWN, wire(rb"\lc\2\sesskey\6244425389\proof\0\id\1"), AT)
    assert machine._connection == 1949458093


@pytest.mark.parametrize(
    ("body", "keys", "verdict"),
    [
        (rb"\auth\\gamename\gmtest\response\00", (), "the server's challenge was not seen"),
        (rb"\authp\\pid\1\resp\00", (), "the server's session key was not seen"),
    ],
)
def test_checks_that_lack_what_came_before(
    body: bytes, keys: tuple[Key, ...], verdict: str
) -> None:
    (frame,) = dissector(*keys).feed(UP, wire(body), AT)
    assert list(checks(frame).values()) == [f"unknown: {verdict}"]


def test_any_of_several_passwords_will_do_and_none_is_no_verdict() -> None:
    names = (b"swordfish", b"other", b"third")
    right, other, third = (Key("gp.password", name) for name in names)
    body = rb"\authp\\pid\1\resp\ab678123e4f8d28f56deb04e8dfd7e2b\lid\1"
    for keys, verdict in (
        ((right, other), "ok"),
        ((other, third), "unknown: none of the passwords seen gives it"),
    ):
        machine = dissector(*keys)
        machine.feed(DOWN, wire(rb"\lc\2\sesskey\1478683090\proof\0"), AT)
        (frame,) = machine.feed(UP, wire(body), AT)
        assert checks(frame) == {"resp": verdict}


def test_messages_without_a_response_have_no_check() -> None:
    for body in (rb"\auth\\gamename\gmtest", rb"\authp\\pid\1"):
        (frame,) = dissector().feed(UP, wire(body), AT)
        assert frame.derived is None


def test_counted_data_may_be_anywhere() -> None:
    raw = rb"\setpdr\1\length\3\data\a\b\lid\4" + FINAL
    message = read(raw)
    assert message.fields() == {"setpdr": "1", "data": "a\\b", "lid": "4"}
    assert message.set("more", "x").encode() == raw[: -len(FINAL)] + rb"\more\x" + FINAL
    spans = {span.path: raw[span.start : span.end] for span in message.spans()}
    assert spans == {"setpdr": b"1", "data": b"a\\b", "lid": b"4"}


def test_data_under_another_key_are_not_counted() -> None:
    """`length` and `data` as a value and a key do not stand as keys."""
    raw = rb"\x\length\3\data\abc\y\z" + FINAL
    assert read(raw).encode() == raw


def test_what_is_sealed_without_a_mark() -> None:
    assert dissector().seal(UP, b"\\ka\\") == wire(b"\\ka\\")[: -len(FINAL)]
