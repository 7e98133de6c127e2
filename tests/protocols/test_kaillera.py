"""Kaillera: golden bytes, real captures, repetition, wrap, and the list of inputs."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pytest

from proxy.keys import SessionKeys
from proxy.layouts.bundle import Bundle, Numbered
from proxy.layouts.codec import Struct
from proxy.message import FieldError, Message
from proxy.protocols.kaillera import (
    PROTOCOLS,
    TABLE,
    AllReady,
    CachedData,
    Chat,
    ClientAck,
    GameData,
    Hello,
    KeepAlive,
    Quit,
    StartGame,
    UserInfo,
)
from recordings.model import Direction, Frame
from tests.protocols.harness import AT, DOWN, UP, ProtocolProperties
from tests.reference import captures
from tests.vectors.kaillera import VECTORS

KAILLERA = PROTOCOLS[0]


class TestKaillera(ProtocolProperties):
    protocol = KAILLERA
    vectors = VECTORS


class Flow:
    """A flow that is fed messages."""

    def __init__(self) -> None:
        self.machine = KAILLERA.dissector(SessionKeys())

    def say(self, way: Direction, *messages: tuple[int, Struct]) -> Frame:
        """A bundle of messages, newest first."""
        return self.feed(way, Bundle(tuple(Numbered(*one) for one in messages)).encode())

    def feed(self, way: Direction, raw: bytes) -> Frame:
        (frame,) = self.machine.feed(way, raw, AT)
        assert frame.error is None
        return frame


def kind(frame: Frame) -> str:
    return KAILLERA.view(frame).kind


def derived(frame: Frame) -> dict[str, Any]:
    assert frame.derived is not None
    return frame.derived


# -- real captures ---------------------------------------------------------------------------------

CAPTURES = captures("kaillera")
RENAMED = {
    "user": "username",
    "emu": "emulator",
    "conn": "connection",
    "uid": "user_id",
    "msg": "text",
    "gid": "game_id",
    "gid_ptr": "game_id",
    "vals": "values",
    "n": "players",
    "max": "max_players",
    "total": "players",
}
"""Names of the captures -> ours."""
DERIVED = {"nu", "ng", "len", "number", "type", "type_name", "length"}
"""What follows from the rest, or stands beside the fields."""


def ours(decoded: Any) -> Any:
    if isinstance(decoded, list):
        return [ours(one) for one in decoded]
    if isinstance(decoded, dict):
        return {RENAMED.get(k, k): ours(v) for k, v in decoded.items() if k not in DERIVED}
    return decoded


def of_kind(*kinds: str) -> Iterable[Any]:
    return [pytest.param(e, id=e["name"]) for e in CAPTURES if e["kind"] in kinds]


@pytest.mark.parametrize("entry", of_kind("bundle"))
def test_real_bundles(entry: dict[str, Any]) -> None:
    raw = bytes.fromhex(entry["hex"])
    frame = Flow().feed(Direction(entry["direction"]), raw)
    message = KAILLERA.view(frame)
    decoded = entry["decoded"]["messages"]
    assert message.kind == decoded[0]["type_name"], getattr(message, "error", None)
    assert message.encode() == raw
    shown = message.fields()["messages"]
    assert len(shown) == entry["decoded"]["count"]
    for one, expected in zip(shown, decoded, strict=True):
        assert (one["number"], one["kind"]) == (expected["number"], expected["type_name"])
        assert one["fields"] == ours(expected)


@pytest.mark.parametrize("entry", of_kind("payload"))
def test_real_bodies(entry: dict[str, Any]) -> None:
    body, way = bytes.fromhex(entry["hex"]), entry["direction"]
    for direction in Direction if way == "both" else (Direction(way),):
        message = TABLE[direction][entry["type"]].decode(body)
        assert message.kind == entry["type_name"]
        assert message.fields() == ours(entry["decoded"])
        assert message.encode() == body


@pytest.mark.parametrize("entry", of_kind("plain"))
def test_real_texts_of_the_main_port(entry: dict[str, Any]) -> None:
    raw = bytes.fromhex(entry["hex"])
    message = KAILLERA.view(Flow().feed(Direction(entry["direction"]), raw))
    text = entry["decoded"]["text"]
    assert text.startswith(message.kind)
    assert message.encode() == raw
    values = [str(value) for value in message.fields().values() if value is not None]
    assert text == message.kind + ("\0" if "\0" in text[:5] else "") + "".join(
        f"{value}\0" for value in values
    )


# -- what is new and what is repeated --------------------------------------------------------------


def test_the_newest_message_not_seen_before_gives_the_kind() -> None:
    flow = Flow()
    first = flow.say(UP, (0, UserInfo("ann", "Emu", 1)))
    assert (kind(first), derived(first)) == ("UserInfo", {"new": [0], "seen": []})
    second = flow.say(UP, (1, ClientAck()), (0, UserInfo("ann", "Emu", 1)))
    assert (kind(second), derived(second)) == ("ClientAck", {"new": [1], "seen": [0]})
    again = flow.say(UP, (1, ClientAck()), (0, UserInfo("ann", "Emu", 1)))
    assert (kind(again), derived(again)) == ("ClientAck", {"new": [], "seen": [0, 1]})


def test_a_message_that_was_overtaken_is_new_when_it_comes() -> None:
    flow = Flow()
    flow.say(UP, (0, KeepAlive()))
    ahead = flow.say(UP, (2, Chat("", "two")), (0, KeepAlive()))
    assert derived(ahead) == {"new": [2], "seen": [0]}
    late = flow.say(UP, (2, Chat("", "two")), (1, KeepAlive()), (0, KeepAlive()))
    assert (kind(late), derived(late)) == ("KeepAlive", {"new": [1], "seen": [0, 2]})


def test_the_oldest_first_is_understood_too() -> None:
    flow = Flow()
    frame = flow.say(UP, (0, KeepAlive()), (1, Chat("", "x")))
    assert (kind(frame), derived(frame)["new"]) == ("Chat", [0, 1])


def test_numbers_wrap() -> None:
    flow = Flow()
    for number in range(66_000):
        numbers = [(number - back) & 0xFFFF for back in range(min(3, number + 1))]
        if not (number < 5 or 65_500 < number < 65_600):
            flow.machine._numbers[UP].take(numbers)  # type: ignore[attr-defined]
            continue
        frame = flow.say(UP, *((n, KeepAlive()) for n in numbers))
        assert derived(frame) == {"new": [numbers[0]], "seen": numbers[:0:-1]}


def test_a_session_that_begins_anew_on_the_same_port() -> None:
    flow = Flow()
    flow.say(UP, (0, UserInfo("ann", "Emu", 1)))
    flow.say(UP, (1, Quit("", 65535, "")), (0, UserInfo("ann", "Emu", 1)))
    again = flow.say(UP, (0, UserInfo("ann", "Emu", 1)))
    assert derived(again)["new"] == [0]
    flow.feed(UP, Hello("0.83").encode())
    assert derived(flow.say(UP, (0, UserInfo("ann", "Emu", 1))))["new"] == [0]


def test_a_wild_number_does_not_blind_the_flow() -> None:
    flow = Flow()
    flow.say(UP, (10, KeepAlive()))
    assert derived(flow.say(UP, (40_000, KeepAlive())))["new"] == [40_000]
    assert derived(flow.say(UP, (11, KeepAlive())))["new"] == [11]
    assert derived(flow.say(UP, (12, KeepAlive())))["new"] == [12]


def test_directions_count_for_themselves() -> None:
    flow = Flow()
    flow.say(UP, (0, KeepAlive()))
    assert derived(flow.say(DOWN, (0, Chat("ann", "x"))))["new"] == [0]


# -- inputs ----------------------------------------------------------------------------------------


def started() -> Flow:
    flow = Flow()
    flow.say(UP, (0, AllReady()))
    flow.say(DOWN, (1, AllReady()), (0, StartGame("", 1, 1, 2)))
    return flow


def test_300_distinct_inputs_run_through_256_slots() -> None:
    flow, sent = started(), []
    number = 1
    for value in range(300):
        data = value.to_bytes(2, "big")
        sent.append(data)
        frame = flow.say(UP, (number, GameData("", data)))
        assert derived(frame)["input"] == {str(number): data.hex()}
        number += 1
    held = sent[-256:]
    for slot in range(256):
        frame = flow.say(UP, (number, CachedData("", slot)))
        assert derived(frame)["input"] == {str(number): held[slot].hex()}
        number += 1
    flow.say(UP, (number, GameData("", b"more")))
    moved = flow.say(UP, (number + 1, CachedData("", 0)))
    assert derived(moved)["input"] == {str(number + 1): held[1].hex()}


def test_the_same_input_twice_takes_two_slots() -> None:
    flow = started()
    flow.say(DOWN, (4, GameData("", b"b")), (3, GameData("", b"a")), (2, GameData("", b"a")))
    frame = flow.say(DOWN, (6, CachedData("", 2)), (5, CachedData("", 1)))
    assert derived(frame)["input"] == {"5": b"a".hex(), "6": b"b".hex()}


def test_a_repeated_input_is_not_appended_again() -> None:
    flow = started()
    flow.say(UP, (1, GameData("", b"a")))
    flow.say(UP, (2, GameData("", b"b")), (1, GameData("", b"a")))
    frame = flow.say(UP, (3, CachedData("", 1)), (2, GameData("", b"b")), (1, GameData("", b"a")))
    assert derived(frame)["input"] == {"3": b"b".hex()}


def test_each_direction_has_a_list_of_its_own() -> None:
    flow = started()
    flow.say(UP, (1, GameData("", b"up")))
    flow.say(DOWN, (2, GameData("", b"down")))
    assert derived(flow.say(UP, (2, CachedData("", 0))))["input"] == {"2": b"up".hex()}
    assert derived(flow.say(DOWN, (3, CachedData("", 0))))["input"] == {"3": b"down".hex()}


def test_a_game_begins_with_empty_lists() -> None:
    flow = started()
    flow.say(UP, (1, GameData("", b"old")))
    flow.say(DOWN, (3, AllReady()), (2, StartGame("", 1, 1, 2)))
    frame = flow.say(UP, (2, CachedData("", 0)))
    fact = "unknown: slot 0 is empty, 0 are filled"
    assert derived(frame)["checks"] == {"messages[0].fields.slot": fact}
    assert "input" not in derived(frame)


def test_behind_a_lost_message_a_slot_is_not_guessed_until_the_next_game() -> None:
    flow = started()
    flow.say(UP, (1, GameData("", b"a")))
    flow.say(UP, (3, GameData("", b"c")))
    frame = flow.say(UP, (4, CachedData("", 0)))
    assert derived(frame)["checks"] == {
        "messages[0].fields.slot": "unknown: messages before 3 were not seen"
    }
    flow.say(DOWN, (3, AllReady()), (2, StartGame("", 1, 1, 2)))
    flow.say(UP, (5, GameData("", b"z")))
    assert derived(flow.say(UP, (6, CachedData("", 0))))["input"] == {"6": b"z".hex()}


def test_a_recording_that_began_within_a_game_does_not_guess() -> None:
    flow = Flow()
    flow.say(UP, (700, GameData("", b"a")))
    frame = flow.say(UP, (701, CachedData("", 0)))
    fact = "unknown: the first messages were not seen"
    assert derived(frame)["checks"] == {"messages[0].fields.slot": fact}


def test_a_damaged_bundle_leaves_the_machine_as_it_was() -> None:
    flow = started()
    flow.say(UP, (1, GameData("", b"a")))
    damaged = flow.feed(UP, bytes.fromhex("02 0200 0200 09 00"))
    assert (damaged.derived, kind(damaged)) == (None, "Opaque")
    assert derived(flow.say(UP, (2, CachedData("", 0))))["input"] == {"2": b"a".hex()}


# -- paths -----------------------------------------------------------------------------------------


def a_bundle() -> Bundle:
    return Bundle((Numbered(7, Chat("", "hi")), Numbered(6, KeepAlive())))


def test_a_bare_path_speaks_of_the_message_that_gives_the_kind() -> None:
    changed = a_bundle().set("text", "ho")
    assert changed.get("text") == changed.get("messages[0].fields.text") == "ho"
    assert changed.get("messages[1].kind") == "KeepAlive"
    assert changed.set("messages[1].number", "0x10").get("messages[1].number") == 16
    assert changed != a_bundle()


def test_a_message_can_be_taken_out_but_not_the_last() -> None:
    alone = a_bundle().delete("messages[1]")
    assert [one.number for one in alone.messages] == [7]
    with pytest.raises(FieldError):
        alone.delete("messages[0]")


@pytest.mark.parametrize("path", ["texd", "messages[2].number", "messages[0].fields.texd"])
def test_a_wrong_path_names_a_near_one(path: str) -> None:
    message: Message = a_bundle()
    with pytest.raises(FieldError, match="did you mean") as caught:
        message.get(path)
    assert path.removeprefix("messages[0].fields.") in str(caught.value)


@pytest.mark.parametrize(
    ("path", "value"), [("messages[0].number", 1 << 16), ("messages[0].kind", "Quit")]
)
def test_what_cannot_be_set_says_so(path: str, value: object) -> None:
    with pytest.raises(ValueError, match="messages"):
        a_bundle().set(path, value)


def test_the_port_of_a_session_is_announced() -> None:
    (announce,) = KAILLERA.announces
    message = KAILLERA.view(Flow().feed(DOWN, b"HELLOD00D34850\0"))
    assert (announce.kind, announce.host) == (message.kind, None)
    assert announce.port is not None
    assert message.get(announce.port) == 34850
    assert message.set(announce.port, 9).encode() == b"HELLOD00D9\0"
