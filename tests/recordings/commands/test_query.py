"""Any SQL that only reads."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import understudy
from tests.recordings.commands.running import lines, objects, run


def test_query(sample: Path) -> None:
    sql = "SELECT kind, count(*) AS n, max(raw) FROM frames WHERE kind REGEXP '^AUTH' GROUP BY kind"
    (row,) = objects("query", sample, sql)
    assert (row["kind"], row["n"]) == ("auth", 2)
    assert bytes.fromhex(row["max(raw)"]).startswith(b"auth")
    assert objects("query", sample, "SELECT 1 AS a, 2 AS a") == [{"a": 1, "a_2": 2}]
    assert lines("query", sample, "SELECT NULL AS none, x'0aff' AS bytes") == [
        "none  bytes", "      0aff"
    ]  # fmt: skip


def _examples() -> list[str]:
    context = understudy.cli.make_context("understudy", ["query", "--help"], resilient_parsing=True)
    assert isinstance(understudy.cli, understudy.House)
    command = understudy.cli.get_command(context, "query")
    assert command is not None
    return re.findall(r'query FILE "([^"]+)"', command.help or "")


@pytest.mark.parametrize("sql", _examples())
def test_every_query_of_the_manual_runs(sample: Path, sql: str) -> None:
    assert run("query", sample, sql).exit_code == 0


def test_the_manual_has_ten_queries() -> None:
    assert len(_examples()) >= 10


WRITING = [
    "DELETE FROM frames",
    "UPDATE sessions SET note = 'x'",
    "INSERT INTO notes (text, created_at) VALUES ('a', 'b')",
    "DROP TABLE frames",
    "CREATE TABLE x (y)",
    "PRAGMA user_version = 7",
    "PRAGMA journal_mode = WAL",
    "VACUUM",
    "VACUUM INTO '{folder}/copy.db'",
    "ATTACH '{folder}/other.db' AS other",
]


@pytest.mark.parametrize("sql", WRITING)
def test_a_writing_statement_is_refused(sample: Path, tmp_path: Path, sql: str) -> None:
    before = sample.read_bytes()
    result = run("query", sample, sql.format(folder=tmp_path))
    assert result.exit_code == 1
    assert "a query only reads" in result.stderr
    assert sample.read_bytes() == before
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("sql", "says"),
    [
        ("selec", "syntax error"),
        ("SELECT 1; SELECT 2", "one statement"),
        ("", "gives no rows"),
        ("BEGIN", "gives no rows"),
        ("SELECT json('{') FROM frames", "malformed JSON"),
        ("SELECT 'a' REGEXP '('", "no regular expression"),
    ],
)
def test_a_wrong_statement_is_one_sentence(sample: Path, sql: str, says: str) -> None:
    result = run("query", sample, sql)
    assert result.exit_code == 1
    assert says in result.stderr
    assert len(result.stderr.strip().splitlines()) == 1
