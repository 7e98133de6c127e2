"""Values that are called otherwise in the second session: by the client, by the server, by id."""

from __future__ import annotations

import pytest

from replay.diff.learned import Learned
from tests.replay.diff.sittings import compared


@pytest.mark.parametrize(
    ("one", "other", "differing"),
    [
        # an id in messages of two kinds, always the same other one
        ("< +who I=48 R=783245\n< +msg T=783245", "< +who I=48 R=637350\n< +msg T=637350", []),
        # in messages of one kind only
        ("< +msg T=783245\n< +msg T=783245", "< +msg T=637350\n< +msg T=637350", ["+msg", "+msg"]),
        # once only
        ("< +who R=783245\n< +msg T=x", "< +who R=637350\n< +msg T=x", ["+who"]),
        # once another one, once the same
        ("< +who R=783245\n< +msg T=783245", "< +who R=637350\n< +msg T=783245", ["+who"]),
        # twice another one, not the same
        ("< +who R=783245\n< +msg T=783245", "< +who R=637350\n< +msg T=111111", ["+who", "+msg"]),
        # two of them become one
        (
            "< +who R=783245 N=555555\n< +msg T=783245 N=555555",
            "< +who R=637350 N=637350\n< +msg T=637350 N=637350",
            ["+who", "+msg"],
        ),
        # a word is no id
        ("< +who R=Lobby\n< +msg T=Lobby", "< +who R=Foyer\n< +msg T=Foyer", ["+who", "+msg"]),
        # nor is a small number
        ("< +who R=12\n< +msg T=12", "< +who R=13\n< +msg T=13", ["+who", "+msg"]),
        # an address, a token
        ("< +who R=192.0.2.7\n< +msg T=192.0.2.7", "< +who R=10.1.1.1\n< +msg T=10.1.1.1", []),
        ("< +who R=w893mA017\n< +msg T=w893mA017", "< +who R=x11aB9c8d\n< +msg T=x11aB9c8d", []),
    ],
)
def test_ids_that_are_others_throughout(one: str, other: str, differing: list[str]) -> None:
    report = compared(one, other)
    assert [entry.kind for entry in report.differences] == differing


def test_a_learned_value_within_others() -> None:
    learned = Learned()
    learned.learn("NAME", "alice", "bob")
    assert learned.same("USER", "alice/cso/nascar", "bob/cso/nascar")
    assert learned.same("LIST", "eve,alice,max", "eve,bob,max")
    assert not learned.same("USER", "alice/cso/nascar", "bob/cso/other")
    assert not learned.same("USER", "alice", "carol")
    assert not learned.same("COUNT", 5, 6)


def test_parts_of_a_learned_value_mean_something_by_themselves() -> None:
    learned = Learned()
    learned.learn("user", "Xp7sFva9X|42", "Q1q2Q3q4Q|42", volatile=True)
    assert learned.same("prefix", "racer!Xp7sFva9X|42@*", "racer!Q1q2Q3q4Q|42@*")


def test_a_short_value_means_something_in_its_own_field_only() -> None:
    learned = Learned()
    learned.learn("id", 1, 7, volatile=True)
    assert learned.same("id", 1, 7)
    assert not learned.same("count", 1, 7)


def test_much_is_learned_in_bounded_memory() -> None:
    learned = Learned()
    for number in range(50_000):
        learned.learn("X", f"value{number}", f"other{number}")
    assert learned.same("X", "value5", "other5")
    assert len(learned._anywhere) <= 16_384
