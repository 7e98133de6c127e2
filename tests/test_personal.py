"""The tables of fields that tell who somebody is."""

from __future__ import annotations

import pytest

from proxy import registry
from proxy.personal import CATEGORIES, category_of, personal_of, plain_path


def test_tables() -> None:
    table = personal_of("name: auth.NAME *.users.name", "password: *.PASS; email: *.mail.*")
    assert category_of(table, "auth", "NAME") == "name"
    assert category_of(table, "room", "NAME") is None
    assert category_of(table, "Status", "users[3].name") == "name"
    assert category_of(table, "any", "PASS[1]") == "password"
    assert category_of(table, "any", "mail.home") == "email"
    assert plain_path("a[0].b[12].c") == "a.b.c"


@pytest.mark.parametrize("text", ["", "nose: a.B", "name a.B", "name: NAME"])
def test_broken_tables(text: str) -> None:
    with pytest.raises(ValueError, match="is no"):
        personal_of(text)


@pytest.mark.parametrize("name", sorted(registry.protocols()))
def test_every_category_is_known(name: str) -> None:
    assert set(registry.protocol(name).personal.values()) <= CATEGORIES.keys()


@pytest.mark.parametrize(
    ("protocol", "kind", "field", "category"),
    [
        ("ea-lobby", "auth", "PASS", "password"),
        ("ea-lobby", "auth", "MID", "mac"),
        ("ea-lobby", "+who", "N", "name"),
        ("ea-lobby", "+rom", "N", None),
        ("ea-lobby", "+ses", "HOST", "name"),
        ("ea-lobby", "chal", "HOST", None),  # 1: the client hosts
        ("ea-lobby", "cper", "ALTS", None),  # how many other names to offer
        ("gamespy-presence", "newuser", "email", "email"),
        ("gamespy-presence", "login", "response", "password"),
        ("gamespy-cdkey", "auth", "resp", "cdkey"),
        ("kaillera", "ServerStatus", "users[0].name", "name"),
        ("kaillera", "Chat", "username", "name"),
        ("jazz2", "Password", "password", "password"),
    ],
)
def test_known_fields(protocol: str, kind: str, field: str, category: str | None) -> None:
    assert category_of(registry.protocol(protocol).personal, kind, field) == category
