"""What several rules make of one frame: each goes on from what the one before it left over."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from proxy.message import Message
from proxy.rules import DROP, Change, Drop, Insert, Verdict, judge
from recordings.model import Direction, Frame
from tests.toy import Line

FRAME = Frame(Direction.TO_CLIENT, 1, b"A\n")
A, B, C, D = (Line(kind, {}) for kind in "ABCD")


class Rule:
    """One that says what it is told to, and remembers what it saw."""

    def __init__(self, say: Callable[[Message], Verdict]) -> None:
        self.say = say
        self.saw: list[str] = []

    def holds(self, direction: Direction) -> bool:
        return True

    def judge(self, frame: Frame, message: Message) -> Verdict:
        self.saw.append(message.kind)
        return self.say(message)

    def recorded(self, frame: Frame) -> None:
        raise AssertionError("nothing is recorded here")


def fail(message: Message) -> Verdict:
    raise KeyError(message.kind)


def made(*says: Callable[[Message], Verdict]) -> tuple[Change, list[str], list[Exception]]:
    """What became of A, what each rule saw, and what failed."""
    rules, failed = [Rule(say) for say in says], list[Exception]()
    change = judge(rules, FRAME, A, failed.append)
    return change, [kind for rule in rules for kind in rule.saw], failed


def test_a_message_of_a_rule_is_what_the_next_one_sees() -> None:
    assert made(lambda m: B, lambda m: m, lambda m: C) == (Change(C), ["A", "B", "B"], [])
    assert made(lambda m: m) == (Change(A), ["A"], [])


def test_nothing_is_asked_about_what_was_dropped() -> None:
    change, saw, _ = made(lambda m: Insert(m, before=(B,)), lambda m: DROP, lambda m: C)
    assert isinstance(change.message, Drop)
    assert change.before == (B,)
    assert saw == ["A", "A"]


def test_a_rule_that_fails_changes_nothing_and_is_told_of() -> None:
    change, saw, failed = made(lambda m: B, fail, lambda m: Insert(m, after=(C,)))
    assert change == Change(B, after=(C,))
    assert saw == ["A", "B", "B"]
    assert [str(error) for error in failed] == ["'B'"]


@pytest.mark.parametrize(
    ("first", "second", "both"),
    [
        (Change(A, copies=2), Change(A, copies=3), Change(A, copies=5)),
        (Change(A, delay=0.5), Change(B, delay=0.25), Change(B, delay=0.75)),
        (
            Insert(A, before=(B,), after=(C,)),
            Insert(A, before=(C,), after=(D,)),
            Change(A, before=(B, C), after=(D, C)),
        ),
        (Change(A, behind=1), Change(A, behind=3), Change(A, behind=3)),
    ],
)
def test_changes_add_up(first: Verdict, second: Verdict, both: Change) -> None:
    assert made(lambda m: first, lambda m: second) == (both, ["A", "A"], [])
