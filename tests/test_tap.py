"""The tap: nothing is lost, nothing is changed unless a rule says so, nothing raises."""

from __future__ import annotations

import contextlib
import json
import sqlite3
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy import registry
from proxy.annotate import PLACE
from proxy.flow import Flow, as_json
from proxy.message import Message
from proxy.relay.api import Listen
from proxy.relay.clock import now
from proxy.rules import DROP, Insert, Rule, Swallow, Verdict
from proxy.tap import Tap
from recordings.model import Action, Direction, Frame, Origin, Transport
from recordings.writer import Recording
from tests.toy import DOWN, TOY, UP, Clock, Line, MemoryStore, keys, listen, split
from tests.vectors.kaillera import VECTORS as KAILLERA


def make(store: MemoryStore, rules: Sequence[Rule] = ()) -> Tap:
    flow = Flow(1, 1, TOY, listen(), ("198.51.100.5", 999), ("203.0.113.9", 7), ("192.0.2.1", 7))
    return Tap(flow, keys(), store, now=Clock(), rules=rules)


def kaillera_evening(path: Path, *, apart: bool, rules: Sequence[Rule] = ()) -> list[Any]:
    """The rows of a Kaillera flow whose datagrams are dissected here, or by the scribe."""
    protocol = registry.protocol("kaillera")
    listening = Listen("kaillera", Transport.UDP, "192.0.2.1", 7, None)
    sent: list[bytes] = []
    with Recording.open(path, scribe=True, annotator=PLACE) as recording:
        session = recording.add_session(game=None, client="c", origin=Origin.RECORD, at=0)
        flow_id = recording.add_flow(
            session_id=session, protocol="kaillera", transport=Transport.UDP,
            client="198.51.100.5:999", server=None, opened_at=0,
        )  # fmt: skip
        flow = Flow(flow_id, session, protocol, listening, ("198.51.100.5", 999), None, ("", 7))
        unread = recording.append_unread if apart else None
        tap = Tap(flow, keys(), recording, now=Clock(), rules=rules, unread=unread)
        for vector in (*KAILLERA, *KAILLERA[::-1]):
            for direction, data in (*vector.before, (vector.direction, vector.raw)):
                if tap.held(direction):
                    sent += tap.through(direction, data)
                else:
                    tap.seen(direction, data)
        assert tap.frames > 2 * len(KAILLERA)
    errors = tap.errors + recording.errors
    with contextlib.closing(sqlite3.connect(path)) as db:
        return [errors, sent, *db.execute("SELECT * FROM frames ORDER BY id").fetchall()]


@pytest.mark.parametrize("rule", [None, Swallow("HELLOD00D", DOWN), Swallow("Chat", DOWN)])
def test_who_dissects_a_datagram_makes_no_difference(tmp_path: Path, rule: Rule | None) -> None:
    rules = [rule] if rule else []
    apart = kaillera_evening(tmp_path / "1.db", apart=True, rules=rules)
    assert apart == kaillera_evening(tmp_path / "2.db", apart=False, rules=rules)


class Rewrite:
    """A rule made of a function; holds what goes to the client."""

    def __init__(self, what: Verdict | None = None, kind: str = "A") -> None:
        self.what = what
        self.kind = kind
        self.ids: list[int] = []

    def holds(self, direction: Direction) -> bool:
        return direction is DOWN

    def judge(self, frame: Frame, message: Message) -> Verdict:
        if message.kind != self.kind:
            return message
        if isinstance(self.what, Insert):
            return Insert(message, self.what.before, self.what.after)
        if self.what is None:
            raise RuntimeError("a rule that fails")
        return self.what

    def recorded(self, frame: Frame) -> None:
        self.ids.append(frame.id)


def test_frames_are_recorded_with_kind_fields_time_and_direction() -> None:
    store = MemoryStore()
    tap = make(store)
    tap.seen(UP, b"LOGIN NAME=bob\nPING\nHAL")
    tap.seen(DOWN, b"OK X=1\n")
    assert [(f.direction, f.kind, f.fields, f.at) for f in store.frames] == [
        (UP, "LOGIN", '{"NAME":"bob"}', 1_000_000),
        (UP, "PING", "{}", 1_000_000),
        (DOWN, "OK", '{"X":"1"}', 1_000_000),
    ]
    assert (tap.frames, tap.bytes, tap.errors) == (3, 27, 0)


def test_keys_of_a_frame_are_recorded_with_it() -> None:
    store = MemoryStore()
    make(store).seen(DOWN, b"A B=1\nDIR SESS=77\n")
    assert [(session, key.name, key.key, frame) for session, key, frame in store.keys] == [
        (1, "sess", b"77", 2)
    ]


def test_a_frame_that_cannot_be_viewed_is_opaque_and_says_why() -> None:
    store = MemoryStore()
    tap = make(store)
    tap.seen(UP, b"123\n")
    assert [(f.kind, f.fields, f.error) for f in store.frames] == [
        ("Opaque", None, "kind, byte 0: no letters")
    ]
    assert tap.errors == 1


def test_a_lost_flow_warns_once_and_records_on() -> None:
    store = MemoryStore()
    tap = make(store)
    for chunk in (b"A\n!xx", b"more", b"and more"):
        tap.seen(UP, chunk)
    assert store.raw(UP) == b"A\n!xxmoreand more"
    assert store.events == [("lost", "a line begins with !")]


def test_a_missing_key_warns_once_a_flow() -> None:
    store = MemoryStore()
    make(store).seen(UP, b"SECRET\nSECRET\n")
    assert store.events == [("key-missing", "SECRET.PASS: unknown: no key for it")]


def test_another_doubt_is_no_missing_key() -> None:
    store = MemoryStore()
    make(store).seen(UP, b"DOUBT\n")
    assert store.frames[0].derived == {"checks": {"X": "unknown: the first messages were not seen"}}
    assert store.events == []


@pytest.mark.parametrize("before", [b"", b"B\n", b"HAL"])
def test_a_dissector_that_fails_loses_no_byte(before: bytes) -> None:
    store = MemoryStore()
    tap = make(store)
    if before:
        tap.seen(UP, before)
    tap.seen(DOWN, b"par")
    rest = b"~oops" if not before.startswith(b"HAL") else b"F\n~oops"
    tap.seen(UP, rest)
    tap.seen(UP, b"on\n")
    tap.closed("end")
    assert store.raw(UP) == before + rest + b"on\n"
    assert store.raw(DOWN) == b"par"
    assert [kind for kind, _ in store.events] == ["lost"]
    assert "a defect" in store.events[0][1]


def test_a_dissector_that_fails_in_a_held_direction_loses_no_byte() -> None:
    store = MemoryStore()
    tap = make(store, [Rewrite(DROP, kind="NEVER")])
    out = tap.through(DOWN, b"A\nB")
    out += tap.through(DOWN, b"C\n~oops")
    out += tap.through(DOWN, b"on")
    assert b"".join(out) == store.raw(DOWN) == b"A\nBC\n~oopson"


def test_a_part_frame_is_recorded_at_the_end() -> None:
    store = MemoryStore()
    tap = make(store)
    tap.seen(UP, b"HALF")
    assert tap.ended(UP) == []
    tap.closed("end")
    assert [(f.raw, f.error) for f in store.frames] == [
        (b"HALF", "cut off: the stream ended 4 bytes in")
    ]


def test_only_directions_that_a_rule_holds_are_held() -> None:
    assert not make(MemoryStore()).held(DOWN)
    tap = make(MemoryStore(), [Swallow("TIC", UP)])
    assert tap.held(UP)
    assert not tap.held(DOWN)


def test_a_held_frame_waits_until_it_is_whole() -> None:
    store = MemoryStore()
    tap = make(store, [Rewrite(DROP, kind="NEVER")])
    assert tap.through(DOWN, b"A B=1\nC D") == [b"A B=1\n"]
    assert tap.pending(DOWN) == 3
    assert tap.through(DOWN, b"=2\n") == [b"C D=2\n"]
    assert tap.pending(DOWN) == 0
    assert all(f.sent is None and f.action is None for f in store.frames)


def test_several_frames_of_one_chunk_leave_as_one() -> None:
    tap = make(MemoryStore(), [Rewrite(DROP, kind="NEVER")])
    assert tap.through(DOWN, b"A\nB\nC\n") == [b"A\nB\nC\n"]


def test_a_rewritten_frame_keeps_raw_and_records_what_was_sent() -> None:
    store = MemoryStore()
    rule = Rewrite(Line("A", {"B": "long value"}))
    assert make(store, [rule]).through(DOWN, b"A B=1\nC\n") == [b"A B=long value\nC\n"]
    first, second = store.frames
    assert (first.raw, first.sent, first.action) == (
        b"A B=1\n",
        b"A B=long value\n",
        Action.CHANGED,
    )
    assert first.fields == '{"B":"1"}'
    assert (second.sent, second.action) == (None, None)
    assert rule.ids == [1, 2]


def test_a_dropped_frame_is_recorded_but_not_forwarded() -> None:
    store = MemoryStore()
    assert make(store, [Rewrite(DROP)]).through(DOWN, b"A\nC\n") == [b"C\n"]
    assert [(f.raw, f.action) for f in store.frames] == [(b"A\n", Action.DROPPED), (b"C\n", None)]


def test_inserted_messages_are_frames_without_raw() -> None:
    store = MemoryStore()
    rule = Rewrite(Insert(Line("x", {}), before=(Line("X", {}),), after=(Line("Y", {}),)))
    assert make(store, [rule]).through(DOWN, b"A\n") == [b"X\nA\nY\n"]
    assert [(f.raw, f.sent, f.action, f.kind) for f in store.frames] == [
        (None, b"X\n", Action.INSERTED, "X"),
        (b"A\n", None, None, "A"),
        (None, b"Y\n", Action.INSERTED, "Y"),
    ]


def test_a_rule_that_fails_changes_nothing_and_is_said_once() -> None:
    store = MemoryStore()
    assert make(store, [Rewrite(None)]).through(DOWN, b"A\nA\n") == [b"A\nA\n"]
    assert store.events == [("rule-failed", "RuntimeError: a rule that fails")]


def test_swallowed_kinds_do_not_reach_the_server() -> None:
    store = MemoryStore()
    assert make(store, [Swallow("TIC", UP)]).through(UP, b"TIC X=1\nDIR\n") == [b"DIR\n"]
    assert store.raw(UP) == b"TIC X=1\nDIR\n"


def test_a_flushed_frame_goes_on_as_it_came_and_is_not_rewritten() -> None:
    store = MemoryStore()
    tap = make(store, [Rewrite(Line("A", {"B": "2"}))])
    assert tap.through(DOWN, b"A B") == []
    assert tap.flush(DOWN) == [b"A B"]
    assert tap.flush(DOWN) == []
    assert tap.pending(DOWN) == 0
    assert tap.through(DOWN, b"=1") == [b"=1"]  # what is missing of it does not wait either
    assert tap.through(DOWN, b"1\nA B=1\nA ") == [b"1\nA B=2\n"]
    assert tap.ended(DOWN) == [b"A "]
    assert [(f.raw, f.action) for f in store.frames] == [
        (b"A B=11\n", None),
        (b"A B=1\n", Action.CHANGED),
        (b"A ", None),
    ]
    late = "A came with a pause in it: its beginning went on, so that it passes unchanged"
    assert store.events == [("late", late)]


def test_of_a_flushed_frame_that_no_rule_cares_for_nothing_is_said() -> None:
    store = MemoryStore()
    tap = make(store, [Swallow("TIC", UP)])
    assert tap.through(UP, b"DI") == []
    assert tap.flush(UP) == [b"DI"]
    assert tap.through(UP, b"R\n") == [b"R\n"]
    assert store.events == []


def test_a_store_that_refuses_does_not_stop_the_bytes() -> None:
    store = MemoryStore(refuses="the disk is full")
    said: list[str] = []
    flow = Flow(1, 1, TOY, listen(), ("198.51.100.5", 999), None, ("192.0.2.1", 7))
    rules = [Rewrite(Line("A", {"B": "2"}))]
    tap = Tap(flow, keys(), store, now=Clock(), rules=rules, on_refused=said.append)
    assert tap.through(DOWN, b"A B=1\n") == [b"A B=2\n"]
    assert said == ["the disk is full"]


def test_fields_that_utf8_or_64_bits_cannot_hold_are_json_all_the_same() -> None:
    assert json.loads(as_json({"a": "\udcff"})) == {"a": "\udcff"}
    assert json.loads(as_json({"a": 1 << 70})) == {"a": 1 << 70}


LINES = st.lists(
    st.one_of(
        st.sampled_from([b"A B=1\n", b"C\n", b"123\n", b"A X=\xff\n"]),
        st.sampled_from([b"!lost", b"no end"]),
    ),
    max_size=8,
).map(b"".join)


@given(
    LINES,
    LINES,
    st.lists(st.integers(0, 200), max_size=8),
    st.lists(st.integers(0, 3), max_size=20),
)
def test_what_is_recorded_is_what_the_transport_delivered(
    tmp_path_factory: pytest.TempPathFactory,
    up: bytes,
    down: bytes,
    cuts: list[int],
    flushes: list[int],
) -> None:
    """Design 5: raw in number order is the stream, in a real recording, held or not."""
    path = tmp_path_factory.mktemp("tap") / "r.db"
    with Recording.open(path) as recording:
        session = recording.add_session(game=None, client="c", origin=Origin.RECORD)
        flow_id = recording.add_flow(
            session_id=session,
            protocol="toy",
            transport=Transport.TCP,
            client="198.51.100.5:999",
            server=None,
            opened_at=now(),
        )
        flow = Flow(flow_id, session, TOY, listen(), ("c", 1), None, ("192.0.2.1", 7))
        tap = Tap(flow, keys(), recording, now=now, rules=[Rewrite(DROP, kind="NEVER")])
        forwarded = b""
        for number, chunk in enumerate(split(up, cuts)):
            tap.seen(UP, chunk)
            assert number < len(cuts) + 2
        for number, chunk in enumerate(split(down, cuts)):
            forwarded += b"".join(tap.through(DOWN, chunk))
            if number in flushes:
                forwarded += b"".join(tap.flush(DOWN))
        forwarded += b"".join(tap.ended(DOWN))
        tap.closed("end")
    assert forwarded == down
    assert _stored(path, "c>s") == up
    assert _stored(path, "s>c") == down


def _stored(path: Path, direction: str) -> bytes:
    import sqlite3

    connection = sqlite3.connect(path)
    try:
        rows = connection.execute(
            "SELECT raw, number FROM frames WHERE direction = ? ORDER BY number", (direction,)
        ).fetchall()
    finally:
        connection.close()
    return b"".join(raw for raw, _ in rows)
