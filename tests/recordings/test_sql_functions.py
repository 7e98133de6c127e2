"""The functions that our SQL needs beyond SQLite's own."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing

import pytest

from recordings import sql_functions
from recordings.sql_functions import SEARCH_LIMIT, Functions, refused

Value = sql_functions.SqlValue


@pytest.fixture
def connection() -> Iterator[sqlite3.Connection]:
    with closing(sqlite3.connect(":memory:", check_same_thread=False)) as opened:
        yield opened


@pytest.fixture
def functions(connection: sqlite3.Connection) -> Functions:
    return Functions(connection)


def matches(connection: sqlite3.Connection, value: Value, pattern: str) -> bool:
    return bool(connection.execute("SELECT ? REGEXP ?", (value, pattern)).fetchone()[0])


@pytest.mark.usefixtures("functions")
@pytest.mark.parametrize(
    ("value", "pattern", "found"),
    [
        ("Alice", "^alice$", True),
        ("Alice", "(?-i:^alice$)", False),
        ("a\nb", "a.b", True),
        (b"\xff\x00A", r"\xff.a", True),
        ("é".encode(), "é", True),
        (12, "^1", True),
        (None, "", False),
        ("x", "[[]", False),
        ("x" * SEARCH_LIMIT + "y", "y", False),
    ],
)
def test_regexp(connection: sqlite3.Connection, value: Value, pattern: str, found: bool) -> None:
    assert matches(connection, value, pattern) is found


def test_a_wrong_expression_says_why(connection: sqlite3.Connection, functions: Functions) -> None:
    with pytest.raises(sqlite3.Error):
        matches(connection, "x", "(")
    assert "is no regular expression" in str(functions.failure())
    assert functions.failure() is None


def test_a_failure_is_said_once(
    connection: sqlite3.Connection, capfd: pytest.CaptureFixture[str]
) -> None:
    sqlite3.enable_callback_tracebacks(True)
    functions = Functions(connection)
    with pytest.raises(sqlite3.Error):
        matches(connection, "x", "(")
    assert functions.failure() is not None
    assert capfd.readouterr().err == ""


def test_another_thread_may_search(connection: sqlite3.Connection, functions: Functions) -> None:
    found: list[bool] = []
    thread = threading.Thread(target=lambda: found.append(matches(connection, "abc", "B")))
    thread.start()
    thread.join(10)
    assert found == [True]
    assert functions.failure() is None


def test_a_long_search_is_ended_in_any_thread(
    connection: sqlite3.Connection, functions: Functions, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sql_functions, "SEARCH_SECONDS", 0.05)
    said: list[str] = []

    def search() -> None:
        with pytest.raises(sqlite3.Error):
            matches(connection, "A" * 5000, "(A|A)*(A+)+$(?<!A)")
        said.append(str(functions.failure()))

    thread = threading.Thread(target=search)
    thread.start()
    thread.join(10)
    assert "took over 0.05 s on one value" in said[0]


def test_what_sqlite_refuses_is_a_sentence(connection: sqlite3.Connection) -> None:
    connection.execute("PRAGMA query_only = ON")
    with pytest.raises(sqlite3.Error) as caught:
        connection.execute("CREATE TABLE x (y)")
    assert "a query only reads" in str(refused(caught.value))
    with pytest.raises(sqlite3.Error) as caught:
        connection.execute("selec")
    assert str(refused(caught.value)).startswith("SQLite refuses the statement (near")
    for sql, cure in (
        ("SELECT * FROM frame", "(no such table: frame): did you mean frames?"),
        ("SELECT 1 FROM zzz", ": the tables are meta, sessions, flows, frames, keys, events, "),
        ("SELECT kin FROM (SELECT 1 AS a)", "(no such column: kin): did you mean kind?"),
        ("SELECT zzzzz FROM (SELECT 1 AS a)", "(no such column: zzzzz): correct it"),
    ):
        with pytest.raises(sqlite3.Error) as caught:
            connection.execute(sql)
        assert cure in str(refused(caught.value))


@pytest.mark.parametrize(
    ("value", "number"),
    [("12", 12), ("-1.5", -1.5), ("0x1F", 31), (" 7 ", 7), ("1e3", 1000.0), (3, 3), (2.5, 2.5),
     ("12a", None), ("", None), ("1.2.3.4", None), (b"1", None), (None, None), ("9" * 200, None),
     ("9007199254740993", 9007199254740993)],
)  # fmt: skip
def test_as_number(value: sql_functions.SqlValue, number: float | None) -> None:
    assert sql_functions.as_number(value) == number
