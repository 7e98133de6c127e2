"""A file that says it is a recording, and is made to harm whoever reads it."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from recordings import schema
from recordings.errors import UserError
from recordings.model import Direction
from recordings.reader import Reader
from recordings.rows import EventRow, KeyRow
from tests.recordings.commands.running import run
from tests.recordings.sample import write_sample

EVIL = "\x1b]0;title\x07\u202e"
FAR = 2**62
Change = Callable[[sqlite3.Connection], object]


def lying(path: Path, sql: str, *values: object) -> Path:
    """The sample, with values that its tables, which say that they are STRICT, cannot hold."""
    write_sample(path)
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("PRAGMA writable_schema = ON")
        honest = connection.execute("SELECT name, sql FROM sqlite_master WHERE type = 'table'")
        said = dict(honest.fetchall())
        for name, text in said.items():
            loose = text.replace("STRICT", "").replace(" NOT NULL", "")
            connection.execute("UPDATE sqlite_master SET sql = ? WHERE name = ?", (loose, name))
        connection.execute("PRAGMA writable_schema = RESET")
        connection.execute("PRAGMA ignore_check_constraints = ON")
        connection.execute(sql, values)
        connection.execute("PRAGMA writable_schema = ON")
        for name, text in said.items():
            connection.execute("UPDATE sqlite_master SET sql = ? WHERE name = ?", (text, name))
    return path


@pytest.mark.parametrize(
    ("column", "value", "commands"),
    [
        ("flows.session_id", EVIL, ["flows"]),
        ("flows.parent_frame_id", EVIL, ["flows", "show"]),
        ("flows.protocol", None, ["flows", "show", "stats", "stats --latency"]),
        ("flows.opened_at", b"\xff", ["flows", "show"]),
        ("flows.transport", EVIL, ["flows"]),
        ("sessions.uid", b"\xff", ["sessions", "show --json"]),
        ("sessions.origin", EVIL, ["sessions"]),
        ("frames.kind", b"\xff", ["frames", "show", "frames --nl"]),
        ("frames.at", EVIL, ["frames", "follow", "show"]),
        ("frames.direction", EVIL, ["frames", "frames --csv", "show", "stats"]),
        ("frames.fields", b"\xff", ["search"]),
        ("frames.plain", EVIL, ["search"]),
        ("events.kind", b"\xff", ["show"]),
        ("notes.text", None, ["note list"]),
        ("notes.created_at", EVIL, ["note list", "export --jsonl"]),
    ],
)
def test_values_of_other_types_are_not_shown(
    tmp_path: Path, column: str, value: object, commands: list[str]
) -> None:
    table, _, name = column.partition(".")
    file = lying(tmp_path / "lie.db", f"UPDATE {table} SET {name} = ?", value)
    for command in commands:
        first, *rest = command.split()
        if first == "note":
            result = run("note", "list", file)
        else:
            rest = ["2", *rest] if first == "show" else rest
            rest = ["--session", "1", *rest] if first == "follow" else rest
            rest = ["alice"] if first == "search" else rest
            result = run(first, file, *rest)
        assert result.exception is None or isinstance(result.exception, SystemExit), command
        assert result.exit_code in (0, 1)
        assert result.output.replace("\n", "").isprintable()
        if result.exit_code:
            assert "recording has" in result.output or "is no time" in result.output


def test_tables_that_hold_anything_are_refused(tmp_path: Path) -> None:
    file = tmp_path / "loose.db"
    with closing(sqlite3.connect(file)) as connection:
        for statement in schema.FORMAT_1:
            connection.execute(statement.replace(") STRICT", ")"))
        connection.commit()
    with pytest.raises(UserError, match="is not STRICT"):
        Reader.open(file)


def test_a_gap_of_any_width_ends_at_once(tmp_path: Path) -> None:
    file = lying(
        tmp_path / "gap.db", "UPDATE frames SET id = ?, number = ? WHERE id = 12", FAR, FAR
    )
    with Reader.open(file) as reader:
        forward = [row["id"] for row in reader.rows()]
        assert forward == [*range(1, 12), FAR]
        assert [row["id"] for row in reader.rows(newest_first=True)] == forward[::-1]
        assert [row["id"] for row in reader.rows("frames.id > 11")] == [FAR]
        assert [row["id"] for row in reader.rows(session_id=2)][-1] == FAR
    for words in (["nowhere"], ["hex:00ff00ff"]):
        assert "is not in" in run("search", file, *words).output


def test_a_walk_through_one_flow_knows_gaps_too(tmp_path: Path) -> None:
    from recordings.browse.pages import Pages, Scope

    file = lying(tmp_path / "gap.db", "UPDATE frames SET number = ? WHERE id = 6", FAR)
    with Reader.open(file) as reader:
        for newest_first in (False, True):
            found = reader.rows(flow_id=2, newest_first=newest_first)
            assert sorted(row["number"] for row in found) == [1, 2, 3, FAR]
        pages = Pages(reader, Scope(flow_id=2))
        assert [line.number for line in pages.after(0, 9).lines] == [1, 2, 3, FAR]
        assert [line.number for line in pages.before(FAR, 9).lines] == [1, 2, 3]


def test_a_number_that_is_none_is_not_compared(tmp_path: Path) -> None:
    file = lying(tmp_path / "lie.db", "UPDATE frames SET number = ? WHERE id = 2", EVIL)
    for result in (run("show", file, "1"), run("frames", file)):
        assert isinstance(result.exception, SystemExit | None)


def test_a_key_of_no_known_direction_is_for_both() -> None:
    row = KeyRow(1, 1, None, None, "skey", None, EVIL, b"k", "seen")
    assert row.as_key().direction is None
    assert KeyRow(1, 1, None, None, "skey", None, "c>s", b"k", "seen").as_key().direction == (
        Direction.TO_SERVER
    )
    with pytest.raises(UserError, match=r"a BLOB in events\.kind"):
        EventRow(1, 1, 1, 1, 1, b"kind", "detail")  # type: ignore[arg-type]


def test_a_schema_that_is_no_text_is_damage(tmp_path: Path) -> None:
    file = write_sample(tmp_path / "damaged.db")
    data = file.read_bytes()
    assert data.count(b"CREATE TABLE notes") == 1
    file.write_bytes(data.replace(b"CREATE TABLE notes", b"CREATE TABLE no\x83es".ljust(18)))
    result = run("frames", file)
    assert result.exit_code == 1
    assert "is damaged" in result.output


def test_a_protocol_of_a_long_name_is_looked_for_nowhere(tmp_path: Path) -> None:
    file = lying(tmp_path / "long.db", "UPDATE flows SET protocol = ?", "x-" * 1_000_000)
    result = run("show", file, "2")
    assert result.exit_code == 0
    assert len(result.output) < 5_000_000
