from __future__ import annotations

from recordings.model import Direction
from recordings.turns import WAITING, Answers, Said, answers_of, find_turns

UP, DOWN = Direction.TO_SERVER, Direction.TO_CLIENT


class Knowing:
    """A viewer that declares answers for the protocol `known`."""

    def answers(self, protocol: str) -> Answers:
        return {"ask": ("told", "error"), "same": ("same",)} if protocol == "known" else {}


def said(*what: tuple[Direction, str], protocol: str = "known", flow: int = 1) -> list[Said]:
    return [Said(i, flow, way, protocol, kind) for i, (way, kind) in enumerate(what, 1)]


def test_declared_answers_are_paired_first_come_first_served() -> None:
    turns = find_turns(
        said((UP, "ask"), (UP, "ask"), (DOWN, "told"), (DOWN, "error"), (DOWN, "told")), Knowing()
    )
    assert turns.answered_by == {1: 3, 2: 4}
    assert turns.answers == {3: 1, 4: 2}
    assert turns.pushes == {5}


def test_what_answers_nothing_is_a_push() -> None:
    turns = find_turns(said((UP, "ask"), (DOWN, "+news"), (DOWN, "told")), Knowing())
    assert turns.pushes == {2}
    assert turns.answers == {3: 1}


def test_a_kind_of_one_name_both_ways() -> None:
    turns = find_turns(said((UP, "same"), (DOWN, "same"), (UP, "same"), (DOWN, "same")), Knowing())
    assert turns.answered_by == {1: 2, 3: 4}
    assert turns.pushes == set()


def test_the_server_may_ask_too() -> None:
    turns = find_turns(said((DOWN, "ask"), (UP, "told")), Knowing())
    assert turns.answered_by == {1: 2}
    assert turns.pushes == {1}


def test_flows_do_not_answer_each_other() -> None:
    turns = find_turns(
        [Said(1, 1, UP, "known", "ask"), Said(2, 2, DOWN, "known", "told")], Knowing()
    )
    assert turns.answered_by == {}
    assert turns.pushes == {2}


def test_without_declarations_the_next_frame_answers_all_that_wait() -> None:
    frames = said((UP, "a"), (UP, "b"), (DOWN, "c"), (DOWN, "d"), protocol="other")
    for viewer in (Knowing(), None, object()):
        turns = find_turns(frames, viewer)
        assert turns.answered_by == {1: 3, 2: 3}
        assert turns.answers == {3: 1}
        assert turns.pushes == {4}


def test_what_waits_is_bounded() -> None:
    asked = said(*[(UP, "ask")] * (WAITING + 10))
    answer = Said(9_999, 1, DOWN, "known", "told")
    turns = find_turns([*asked, answer], Knowing())
    assert turns.answered_by == {11: 9_999}


def test_a_viewer_may_know_nothing() -> None:
    assert answers_of(None, "known") == {}
    assert answers_of(Knowing(), "known")["same"] == ("same",)
