from __future__ import annotations

import pytest

from proxy import registry
from replay.adaptive.fields import Masks, last_name, leaves


def test_leaves_are_single_values_in_wire_order() -> None:
    fields = {"a": 1, "users": [{"name": "x", "ids": [7, 8]}, {}], "none": None, "empty": []}
    assert leaves(fields) == [
        ("a", 1),
        ("users[0].name", "x"),
        ("users[0].ids[0]", 7),
        ("users[0].ids[1]", 8),
        ("users[1]", {}),
        ("none", None),
        ("empty", []),
    ]


@pytest.mark.parametrize(
    ("path", "name"), [("NAME", "name"), ("users[3].Name", "name"), ("KEY[1]", "key")]
)
def test_a_field_is_called_the_same_wherever_it_stands(path: str, name: str) -> None:
    assert last_name(path) == name


@pytest.mark.parametrize(
    ("protocol", "kind", "path", "how"),
    [
        ("ea-lobby", "@dir", "SESS", "fresh"),
        ("ea-lobby", "@dir", "sess", "fresh"),  # found in any case, as the client does
        ("ea-lobby", "auth", "NAME", None),
        ("ea-lobby", "anything", "TICK", "fresh"),  # of every kind
        ("kaillera", "ServerStatus", "users[2].ping", "fresh"),  # below what is masked
        ("kaillera", "Chat", "text", None),
        ("jazz2", "PlayerList", "players[3].socket", "learned"),  # any index
        ("gamespy-presence", "lc", "sesskey", "fresh"),  # the most exact entry wins
        ("gamespy-presence", "status", "sesskey", "key"),
    ],
)
def test_the_declared_rule_is_found(protocol: str, kind: str, path: str, how: str | None) -> None:
    rule = Masks(registry.protocol(protocol)).rule(kind, path)
    assert (rule.how if rule else None) == how


def test_the_user_masks_more() -> None:
    masks = Masks(registry.protocol("ea-lobby"), ("auth.MAIL",))
    assert masks.rule("auth", "MAIL") is not None
    assert masks.rule("acct", "MAIL") is None
