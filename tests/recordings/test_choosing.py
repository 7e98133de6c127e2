"""Which session a command works on."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from recordings.choosing import LISTED, check_session, one_session
from recordings.errors import UserError
from recordings.reader import Reader
from tests.recordings.sample import write_sample


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return write_sample(tmp_path / "sample.db")


@pytest.fixture
def reader(path: Path) -> Iterator[Reader]:
    with Reader.open(path) as opened:
        yield opened


def test_by_its_number(reader: Reader) -> None:
    assert one_session(reader, 2).origin == "stand-in"
    check_session(reader, 1)
    check_session(reader, None)


def test_several_are_listed(reader: Reader) -> None:
    with pytest.raises(UserError) as caught:
        one_session(reader, None)
    fact, first, second = str(caught.value).split("\n")
    assert fact.endswith("holds 2 sessions: choose one by --session N")
    assert "192.0.2.7  nascar  (6 frames)" in first
    assert second.isprintable()


def test_a_wrong_number_lists_the_right_ones(reader: Reader) -> None:
    for wrong in (one_session, check_session):
        with pytest.raises(UserError, match="has no session 9: choose one of these\n  1  "):
            wrong(reader, 9)


def change(path: Path, *statements: str) -> None:
    with closing(sqlite3.connect(path)) as connection, connection:
        for statement in statements:
            connection.execute(statement)


def test_the_only_one_needs_no_number(path: Path) -> None:
    change(path, "DELETE FROM sessions WHERE id = 1")
    with Reader.open(path) as reader:
        assert one_session(reader, None).id == 2


def test_none_at_all(path: Path) -> None:
    change(path, "DELETE FROM sessions")
    with Reader.open(path) as reader, pytest.raises(UserError, match="holds no session"):
        one_session(reader, None)


def test_very_many_are_not_all_listed(path: Path) -> None:
    change(
        path,
        "WITH RECURSIVE n(i) AS (SELECT 10 UNION ALL SELECT i + 1 FROM n WHERE i < 109)"
        " INSERT INTO sessions SELECT i, 'u' || i, '2026-11-18T12:00:00Z', NULL, NULL,"
        " '192.0.2.9', 'record', NULL FROM n",
    )
    with Reader.open(path) as reader, pytest.raises(UserError) as caught:
        one_session(reader, None)
    lines = str(caught.value).split("\n")
    assert len(lines) == LISTED + 2
    assert lines[-1] == f"  … and {102 - LISTED} more"
