from __future__ import annotations

import pytest

from recordings.model import Json
from replay.adaptive.memory import Memory, distinctive


def test_what_one_field_calls_otherwise_every_field_does() -> None:
    memory = Memory()
    memory.learn("NAME", "alice", "bob")
    assert memory.expect("NAME", "alice") == "bob"
    assert memory.expect("USER", "alice") == "bob"
    assert memory.expect("USER", "carol") == "carol"


@pytest.mark.parametrize(
    ("text", "now"),
    [
        ("alice/cso/nascar-ps2-2004", "bob/cso/nascar-ps2-2004"),
        ("carol,alice", "carol,bob"),
        ("hello alice!", "hello bob!"),
        ("malice", "malice"),  # part of a word is another word
        ("alice2", "alice2"),
    ],
)
def test_a_known_value_within_a_longer_one(text: str, now: str) -> None:
    memory = Memory()
    memory.learn("NAME", "alice", "bob")
    assert memory.expect("TEXT", text) == now


@pytest.mark.parametrize("short", ["0", "1", "", "42", "en", "9999"])
def test_short_values_mean_nothing_elsewhere(short: str) -> None:
    assert not distinctive(short)
    memory = Memory()
    memory.learn("ID", short, "77")
    assert memory.expect("ID", short) == short
    assert memory.expect("COUNT", short) == short


def test_a_short_value_is_taken_over_between_volatile_fields_of_one_name() -> None:
    memory = Memory()
    memory.learn("user_id", 5, 7, volatile=True)
    assert memory.expect("user_id", 5, volatile=True) == 7
    assert memory.expect("user_id", 5) == 5
    assert memory.expect("game_id", 5, volatile=True) == 5
    assert memory.expect("player", 5, volatile=True, of="StartGame.user_id") == 7


def test_types_stay() -> None:
    memory = Memory()
    memory.learn("port", 54321, 12345)
    assert memory.expect("port", 54321) == 12345
    assert memory.expect("PORT", "54321") == "12345"


def test_the_parts_of_a_list_are_known_by_themselves() -> None:
    memory = Memory()
    memory.learn("list", "20011,20022", "31111,31122")
    assert memory.expect("t", "20022") == "31122"


def test_two_fields_that_disagree_speak_for_themselves_alone() -> None:
    memory = Memory()
    memory.learn("map", "oval-1", "dirt-9")
    memory.learn("host", "oval-1", "server-3")
    assert memory.expect("map", "oval-1") == "dirt-9"
    assert memory.expect("host", "oval-1") == "server-3"
    assert memory.expect("text", "oval-1") == "oval-1"


def test_a_field_that_keeps_its_value_keeps_it() -> None:
    memory = Memory()
    memory.learn("GAME", "NASCAR", "nascar04")
    memory.learn("PROD", "NASCAR", "NASCAR")
    assert memory.expect("PROD", "NASCAR") == "NASCAR"
    assert memory.expect("GAME", "NASCAR") == "nascar04"


def test_the_newest_name_wins() -> None:
    memory = Memory()
    memory.learn("NAME", "alice", "bob")
    memory.learn("NAME", "alice", "eve")
    assert memory.expect("USER", "alice") == "eve"


@pytest.mark.parametrize("value", [None, True, 1.5, [], {}])
def test_what_is_no_single_value_is_left_alone(value: Json) -> None:
    memory = Memory()
    memory.learn("x", value, "something")
    memory.learn("NAME", "alice", "bob")
    assert memory.expect("x", value) == value


def test_it_forgets_what_is_too_much() -> None:
    memory = Memory()
    for number in range(10_000):
        memory.learn("NAME", f"old{number}", f"new{number}")
    assert memory.expect("NAME", "old9999") == "new9999"
    assert memory.expect("NAME", "old0") == "old0"
