"""Fuzzing: every message of every protocol can be changed, in every way that it offers."""

from __future__ import annotations

from collections import Counter

import pytest

from proxy import registry
from proxy.message import OPAQUE, Message, Opaque
from proxy.mutation.chance import Chance
from proxy.mutation.edits import DeleteField, Replaced, SetField, apply
from proxy.mutation.fuzzing import BYTE_WAYS, FIELD_WAYS, LENGTHS, WAYS, propose
from recordings.model import Frame
from tests.mutation.bench import UP, Bench
from tests.recordings.sample import ea
from tests.replay.diff.sittings import Spoken, spoken

ALL = list(spoken())
LOGIN = ea("auth", "NAME=alice\nTOS=1\n")


def message(one: Spoken, frame: Frame) -> Message:
    return registry.protocol(frame.protocol or one.protocol.name).view(frame)


def login() -> Message:
    return registry.protocol("ea-lobby").view(Frame(UP, 0, LOGIN))


@pytest.mark.parametrize("one", ALL, ids=[one.protocol.name for one in ALL])
def test_every_message_can_be_changed(one: Spoken) -> None:
    for frame in one.frames:
        before = message(one, frame)
        for run in range(3):
            edits = propose(before, Chance(one.protocol.name, frame.id, run))
            assert edits == propose(before, Chance(one.protocol.name, frame.id, run))
            assert apply(edits, before).encode() != before.encode()
            assert all(str(edit) for edit in edits)


@pytest.mark.parametrize("way", WAYS)
def test_every_way_finds_something_in_a_login(way: str) -> None:
    (edit,) = propose(login(), Chance(way), ways=[way])
    assert isinstance(edit, Replaced) is (way in BYTE_WAYS)
    if way in FIELD_WAYS:
        assert apply([edit], login()).kind == "auth", "lengths are made right"


def test_what_the_ways_try() -> None:
    tried: dict[str, set[object]] = {way: set() for way in FIELD_WAYS}
    for way, seen in tried.items():
        for run in range(60):
            (edit,) = propose(login(), Chance(run), ways=[way])
            if isinstance(edit, SetField):
                seen.add(edit.value)
            else:
                assert isinstance(edit, DeleteField)
                seen.add(edit.path)
    assert {"4294967296", "-1"} & tried["numbers"]
    assert {len(str(value)) for value in tried["texts"]} & set(LENGTHS)
    assert any("%n" in str(value) for value in tried["formats"])
    assert any("\n" in str(value) or "\\" in str(value) for value in tried["marks"])
    assert tried["missing"] == {"NAME", "TOS"}


def test_only_the_chosen_fields_are_touched() -> None:
    for run in range(30):
        (edit,) = propose(login(), Chance(run), paths=lambda path: path == "TOS")
        assert isinstance(edit, SetField | DeleteField)
        assert edit.path == "TOS"


def test_several_changes_and_fewer_where_there_are_no_more() -> None:
    assert len(propose(login(), Chance(1), ways=["numbers", "texts"], changes=4)) == 4
    assert propose(Opaque(b""), Chance(1)) == []
    assert propose(login(), Chance(1), paths=lambda path: False) == []
    (only,) = propose(Opaque(b"xyz"), Chance(1), changes=3)
    assert apply([only], Opaque(b"xyz")).kind == OPAQUE


def test_a_rule_of_fuzz_says_what_it_did() -> None:
    rule = {"filter": "~k auth", "fuzz": {"fields": ["auth.NAME"], "ways": ["texts"], "changes": 2}}
    bench = Bench(rule, protocol="ea-lobby")
    sent = bench.send(UP, LOGIN)
    assert sent != LOGIN
    assert b"TOS=1" in sent
    assert bench.notes[0].startswith("rule 1: fuzz NAME = ")
    ways = Counter(note.split(" = ")[0] for note in bench.notes)
    assert ways == {"rule 1: fuzz NAME": 1}
