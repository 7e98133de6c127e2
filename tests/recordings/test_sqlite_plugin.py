"""hexdump() in the SQL of sqlite-utils."""

from __future__ import annotations

from importlib.metadata import entry_points

import pytest
from sqlite_utils import Database
from sqlite_utils.plugins import pm

from recordings import sqlite_plugin
from recordings.sqlite_plugin import hexdump


def test_the_plugin_is_found_and_adds_its_function() -> None:
    named = [one for one in entry_points(group="sqlite_utils") if one.name == "understudy"]
    assert [one.value for one in named] == ["recordings.sqlite_plugin"]
    if not pm.is_registered(sqlite_plugin):
        pm.register(sqlite_plugin, "understudy for this test")
    database = Database(memory=True)
    (row,) = database.query("SELECT hexdump(x'0041ff') AS dump")
    assert row["dump"].startswith("00000000  00 41 ff")
    database.close()


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, None),
        (b"", ""),
        (b"skey\0", f"00000000  73 6b 65 79 00{' ' * 36}|skey.|"),
        ("é", f"00000000  c3 a9{' ' * 45}|..|"),
        (12, f"00000000  31 32{' ' * 45}|12|"),
    ],
)
def test_values(value: object, text: str | None) -> None:
    assert hexdump(value) == text


def test_lines_have_sixteen_bytes() -> None:
    lines = (hexdump(bytes(range(40))) or "").split("\n")
    assert [line[:8] for line in lines] == ["00000000", "00000010", "00000020"]
    assert lines[0].endswith("|................|")
    assert len({line.index("|") for line in lines}) == 1


def test_a_huge_value_is_cut() -> None:
    assert (hexdump(bytes(sqlite_plugin.LIMIT + 7)) or "").endswith("... 7 bytes more")
