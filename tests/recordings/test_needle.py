"""What a person looks for: a text, or bytes as hex."""

from __future__ import annotations

from pathlib import Path

import pytest

from recordings.errors import UserError
from recordings.needle import Needle
from recordings.reader import Reader
from tests.recordings.sample import write_sample


@pytest.mark.parametrize(
    ("said", "pattern"),
    [
        ("hex:deadBEEF", (0xDE, 0xAD, 0xBE, 0xEF)),
        ("0x00 ?? 0a", (0, None, 10)),
        ("HEX: de:ad-??", (0xDE, 0xAD, None)),
        ("alice", None),
    ],
)
def test_parse(said: str, pattern: tuple[int | None, ...] | None) -> None:
    assert Needle.parse(said).pattern == pattern


@pytest.mark.parametrize("said", ["", "  ", "hex:", "hex:abc", "hex:zz", "x" * 2_000])
def test_refused(said: str) -> None:
    with pytest.raises(UserError):
        Needle.parse(said)


@pytest.mark.parametrize(
    ("said", "ids"),
    [
        ("alice", [4, 5]),
        ("AUTH", [4, 5]),
        ("junk", [6]),
        ("hex:ff ?? 6a", [6]),
        ("hex:6175 7468", [4, 5]),
        ("hex:41 75 74 68", []),
        ("hex:41 ?? 69", [5]),
        ("100%", []),
        ("_", []),
    ],
)
def test_where(tmp_path: Path, said: str, ids: list[int]) -> None:
    needle = Needle.parse(said)
    with Reader.open(write_sample(tmp_path / "sample.db")) as reader:
        found = list(reader.rows(needle.where.sql, needle.where.parameters))
        assert [row["id"] for row in found] == ids
        if needle.pattern is not None:
            for row in found:
                assert needle.inside(row["plain"] or row["raw"]) >= 0
