"""Every action: what goes on, what is recorded, what is noted."""

from __future__ import annotations

import struct
from typing import Any

import pytest

from proxy import registry
from proxy.layouts.jazz2_datagrams import checksum, sums_fit
from recordings.model import Action, Frame, Transport
from tests.mutation.bench import DOWN, UP, Bench
from tests.recordings.sample import ea

LINES = (b"A X=1 Y=hello\n", b"B X=2\n", b"A X=3 Y=world\n")


def relayed(*rules: dict[str, Any], **kind: Any) -> bytes:
    return Bench(*rules, **kind).send(DOWN, *LINES)


def rule(action: str, value: Any, **rest: Any) -> dict[str, Any]:
    return {"filter": "~k A", action: value, "add": True, **rest}


@pytest.mark.parametrize(
    ("given", "out"),
    [
        (rule("set", {"X": "9"}), b"A X=9 Y=hello\nB X=2\nA X=9 Y=world\n"),
        (rule("set", {"Z": "9"}, count=1), b"A X=1 Y=hello Z=9\nB X=2\nA X=3 Y=world\n"),
        (rule("set", {"X": "9"}, skip=1), b"A X=1 Y=hello\nB X=2\nA X=9 Y=world\n"),
        (rule("delete", "X"), b"A Y=hello\nB X=2\nA Y=world\n"),
        (rule("delete", ["X", "Y"], count=1), b"A\nB X=2\nA X=3 Y=world\n"),
        (rule("drop", True), b"B X=2\n"),
        (rule("duplicate", 2, count=1), LINES[0] * 3 + LINES[1] + LINES[2]),
        (rule("duplicate", True), LINES[0] * 2 + LINES[1] + LINES[2] * 2),
        (rule("insert", {"text": "NEW\n"}, count=1), LINES[0] + b"NEW\n" + LINES[1] + LINES[2]),
        (
            rule("insert", {"hex": "4e0a", "at": "before"}, skip=1),
            LINES[0] + LINES[1] + b"N\n" + LINES[2],
        ),
        (rule("reorder", 1, count=1), LINES[1] + LINES[0] + LINES[2]),
        (rule("reorder", 2, count=1), LINES[1] + LINES[2] + LINES[0]),
        (rule("truncate", 4, raw=True), b"A X=B X=2\nA X="),
        (
            rule("replace", {"regex": "(.)o", "with": r"\1\1"}),
            b"A X=1 Y=helll\nB X=2\nA X=3 Y=wwrld\n",
        ),
        (
            rule("replace", {"text": "l", "with": "LL", "times": 1}),
            b"A X=1 Y=heLLlo\nB X=2\nA X=3 Y=worLLd\n",
        ),
        (
            rule("replace", {"hex": "6c", "with": "", "field": "Y"}),
            b"A X=1 Y=heo\nB X=2\nA X=3 Y=word\n",
        ),
        (
            rule("replace", {"regex": "A", "with": "C"}, raw=True),
            b"C X=1 Y=hello\nB X=2\nC X=3 Y=world\n",
        ),
    ],
)  # fmt: skip
def test_what_an_action_makes_of_a_stream(given: dict[str, Any], out: bytes) -> None:
    assert relayed(given) == out


def test_a_changed_frame_keeps_what_came_and_what_was_sent_and_a_note() -> None:
    bench = Bench(rule("set", {"X": "9"}, name="nines"))
    bench.send(DOWN, *LINES)
    first, second, _ = bench.frames
    assert (first.raw, first.sent, first.action) == (LINES[0], b"A X=9 Y=hello\n", Action.CHANGED)
    assert (second.raw, second.sent, second.action) == (LINES[1], None, None)
    assert bench.notes[0] == "rule 1 (nines): set X: '1' -> '9'"


@pytest.mark.parametrize(
    ("given", "actions"),
    [
        (rule("drop", True, count=1), [Action.DROPPED, None, None]),
        (rule("duplicate", 1, count=1), [None, Action.DUPLICATED, None, None]),
        (rule("insert", {"text": "N\n"}, count=1), [None, Action.INSERTED, None, None]),
        (rule("delay", 2, count=1), [Action.DELAYED, None, None]),
        (rule("reorder", 1, count=1), [Action.DELAYED, None, None]),
    ],
)
def test_the_action_is_recorded_and_raw_stays_what_came(
    given: dict[str, Any], actions: list[Action | None]
) -> None:
    bench = Bench(given)
    bench.send(DOWN, *LINES)
    assert [frame.action for frame in bench.frames] == actions
    assert bench.store.raw(DOWN) == b"".join(LINES)
    assert len(bench.notes) == 1


# -- time ------------------------------------------------------------------------------------------


def test_what_follows_a_delayed_frame_in_a_stream_waits_behind_it() -> None:
    bench = Bench(rule("delay", 2, count=1))
    assert bench.send(DOWN, *LINES) == b""
    bench.wait(1.9)
    assert bench.out[DOWN] == []
    bench.wait(0.2)
    assert b"".join(bench.out[DOWN]) == b"".join(LINES)


def test_datagrams_overtake_a_delayed_one() -> None:
    bench = Bench({"filter": "~b first", "delay": 2}, protocol="raw-udp", transport=Transport.UDP)
    bench.send(UP, b"first", b"second")
    assert bench.out[UP] == [b"second"]
    bench.wait(2)
    assert bench.out[UP] == [b"second", b"first"]


def test_jitter_stays_within_its_bounds() -> None:
    bench = Bench({"delay": {"seconds": 1, "jitter": 1}}, protocol="raw-udp",
                  transport=Transport.UDP)  # fmt: skip
    bench.send(UP, *(bytes([n]) for n in range(20)))
    bench.wait(0.99)
    assert bench.out[UP] == []
    bench.wait(0.5)
    assert 2 < len(bench.out[UP]) < 18
    bench.wait(0.51)
    assert sorted(bench.out[UP]) == [bytes([n]) for n in range(20)]


def test_a_frame_that_nothing_follows_waits_a_second_for_others() -> None:
    bench = Bench(rule("reorder", 1, skip=1))
    assert bench.send(DOWN, *LINES) == LINES[0] + LINES[1]
    bench.wait(1.1)
    assert b"".join(bench.out[DOWN]) == b"".join(LINES)


def test_the_end_of_the_flow_cuts_delays_short() -> None:
    bench = Bench(rule("delay", 60))
    bench.send(DOWN, *LINES, b"PART")
    assert b"".join(bench.tap.ended(DOWN)) == b"".join(LINES) + b"PART"
    bench.wait(61)
    assert bench.out[DOWN] == []


# -- lengths, checksums, ciphers -------------------------------------------------------------------


def test_a_length_follows_unless_raw() -> None:
    given = {"set": {"auth.NAME": "somebody else"}}
    frame = ea("auth", "NAME=alice\nMAC=\n")
    sent = Bench(given, protocol="ea-lobby").send(UP, frame)
    assert sent == ea("auth", 'NAME="somebody else"\nMAC=\n')
    raw = Bench({**given, "raw": True}, protocol="ea-lobby").send(UP, frame)
    assert raw[8:12] == frame[8:12]
    assert b'NAME=somebody else"\n'.replace(b'"', b"") in raw.replace(b'"', b"")


def test_a_checksum_follows_unless_raw() -> None:
    rest = bytes([3, 7]) + b"cook" + b"1.24"  # Ping, index 7
    data = checksum(rest) + rest
    for raw in (False, True):
        given = {"set": {"jazz2.Ping.index": 9}, "raw": raw}
        sent = Bench(given, protocol="jazz2", transport=Transport.UDP).send(UP, data)
        assert sent[3] == 9
        assert sums_fit(sent) is not raw


def test_a_truncated_message_is_still_one_unless_raw() -> None:
    frame = ea("auth", "NAME=alice\nMAIL=alice@example.net\n")
    sent = Bench({"truncate": 33}, protocol="ea-lobby").send(UP, frame)
    assert sent == ea("auth", "NAME=alice\nMAIL=alice\n")
    assert Bench({"truncate": 33, "raw": True}, protocol="ea-lobby").send(UP, frame) == frame[:33]


@pytest.mark.parametrize(
    "text", ["NAME", "auth.NAME", "ea-lobby.auth.NAME", "auth.name", "a*.NAME"]
)
def test_a_field_is_found_by_every_form_of_its_name(text: str) -> None:
    bench = Bench({"set": {text: "bob"}, "filter": "~k auth"}, protocol="ea-lobby")
    assert bench.send(UP, ea("auth", "NAME=alice\n")) == ea("auth", "NAME=bob\n")
    assert bench.notes == [f"rule 1: set {text.split('.')[-1]}: 'alice' -> 'bob'"]


def test_a_field_of_another_kind_is_left_alone() -> None:
    bench = Bench({"set": {"auth.NAME": "bob"}}, protocol="ea-lobby")
    other = ea("news", "NAME=1\n")
    assert bench.send(UP, other) == other
    assert bench.frames[0].action is None


def test_the_password_of_a_changed_login_is_enciphered_anew() -> None:
    plain = ea("auth", "NAME=alice\nPASS=secret\n")
    skey = ea("skey", "SKEY=$8f3a51c07be2946d1c0fa8d75e2b6394\n")
    honest = Bench(protocol="ea-lobby")
    honest.send(DOWN, skey)
    login = honest.tap.dissector.seal(UP, plain, "ssc2")
    assert b"secret" not in login
    bench = Bench({"set": {"auth.PASS": "other", "auth.NAME": "bob"}}, protocol="ea-lobby")
    bench.send(DOWN, skey)
    sent = bench.send(UP, login)
    reader = Bench(protocol="ea-lobby")
    reader.send(DOWN, skey)
    reader.send(UP, sent)
    assert reader.frames[-1].clear == ea("auth", "NAME=bob\nPASS=other\n")
    assert reader.frames[-1].cipher == "ssc2"
    assert b"other" not in sent


# -- bundles ---------------------------------------------------------------------------------------


def chat(number: int, text: str) -> bytes:
    body = b"\x07" + b"\0" + text.encode() + b"\0"
    return struct.pack("<HH", number, len(body)) + body


def test_a_name_with_a_kind_means_every_message_of_the_kind_in_a_bundle() -> None:
    kaillera: dict[str, Any] = {"protocol": "kaillera", "transport": Transport.UDP}
    bench = Bench({"set": {"Chat.text": "changed"}}, **kaillera)
    data = b"\x02" + chat(2, "two") + chat(1, "one")
    assert bench.send(UP, data) == b"\x02" + chat(2, "changed") + chat(1, "changed")
    assert "messages[0].fields.text: 'two' -> 'changed'" in bench.notes[0]
    lead = Bench({"filter": "~k Chat", "set": {"text": "changed"}}, **kaillera)
    assert lead.send(UP, data) == b"\x02" + chat(2, "changed") + chat(1, "one")


# -- what a peer sends that makes no sense ---------------------------------------------------------


def test_an_opaque_frame_is_mutated_as_bytes() -> None:
    bench = Bench({"filter": "~k Opaque", "replace": {"hex": "00", "with": "ff"}})
    assert bench.send(DOWN, b"12\x0034\n") == b"12\xff34\n"
    assert bench.frames[0].sent == b"12\xff34\n"


@pytest.mark.parametrize("action", ["corrupt", "truncate"])
def test_spoilt_fields_still_make_a_message(action: str) -> None:
    vectors = [ea("auth", f"NAME=player{n}\nTOS=1\nMAIL=a@example.net\n") for n in range(20)]
    bench = Bench({action: 30 if action == "truncate" else 2}, protocol="ea-lobby")
    bench.send(UP, *vectors)
    protocol = registry.protocol("ea-lobby")
    for frame in bench.frames:
        assert frame.sent is not None
        assert protocol.view(Frame(UP, 0, frame.sent)).kind == "auth"


def test_corrupt_bits_on_the_wire() -> None:
    bench = Bench({"corrupt": 3, "raw": True}, protocol="raw-udp", transport=Transport.UDP)
    data = bytes(64)
    sent = bench.send(UP, data)
    assert len(sent) == 64
    assert 0 < sum(byte.bit_count() for byte in sent) <= 3


# -- rules that fail -------------------------------------------------------------------------------


def test_a_value_that_cannot_be_is_said_and_the_game_goes_on() -> None:
    bench = Bench(rule("set", {"ADDR": "a:b"}))
    assert bench.send(DOWN, *LINES) == b"".join(LINES)
    assert bench.store.events == [("rule-failed", "rules.toml, rule 1: no room for IPv6")]


def test_a_regular_expression_that_would_run_for_ever_is_stopped(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("proxy.mutation.reading.REGEX_SECONDS", 0.05)
    bench = Bench({"replace": {"regex": "^((a|a)+)+$", "with": "x"}})
    line = b"A X=" + b"a" * 20_000 + b"!\n"
    assert bench.send(DOWN, line) == line
    assert "took over 0.05 s" in bench.store.events[0][1]
    assert bench.mutations.resting == {0}, "it holds up no other frame"
    assert bench.send(DOWN, b"A X=1\n") == line + b"A X=1\n"


def test_a_filter_that_would_run_for_ever_is_stopped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("recordings.filter_values.SEARCH_SECONDS", 0.05)
    bench = Bench({"filter": "~b '^((a|a)+)+$'", "drop": True})
    line = b"a" * 20_000 + b"!\n"
    assert bench.send(DOWN, line) == line
    assert bench.store.events[0][1].startswith("rules.toml, rule 1: the search for")
    assert bench.mutations.resting == {0}
