from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any

import pytest

from recordings import reader as reading
from recordings.errors import UserError
from recordings.reader import Reader
from recordings.writer import Recording
from tests.recordings.making import AT, TO_CLIENT, flow, frame, names, rows, session


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Two sessions; the flows 1 and 2 of the first take turns, flow 3 is the second's."""
    path = tmp_path / "a.db"
    with Recording.open(path) as recording:
        session(recording)
        flow(recording)
        flow(recording, protocol="kaillera")
        for number in range(1, 41):
            recording.append(2 - number % 2, frame(b"%d" % number, at=AT + number))
        flow(recording, session(recording))
        for number in range(41, 51):
            recording.append(3, frame(b"%d" % number, TO_CLIENT, kind="late"))
    return path


@pytest.mark.parametrize("window", [1, 7, 20_000])
@pytest.mark.parametrize("page", [1, 3, 500])
@pytest.mark.parametrize(
    ("asked", "ids"),
    [
        ({}, range(1, 51)),
        ({"after": 10, "before": 45}, range(11, 45)),
        ({"session_id": 2}, range(41, 51)),
        ({"session_id": 1, "after": 30}, range(31, 41)),
        ({"flow_id": 1}, range(1, 41, 2)),
        ({"flow_id": 2, "after": 10, "before": 20}, range(12, 20, 2)),
        ({"limit": 4}, range(1, 5)),
        ({"limit": 0}, range(0)),
        ({"newest_first": True}, range(50, 0, -1)),
        ({"newest_first": True, "limit": 3, "flow_id": 1}, range(39, 33, -2)),
        ({"session_id": 9}, range(0)),
        ({"flow_id": 9}, range(0)),
        ({"where": "frames.kind = ?", "params": ("late",)}, range(41, 51)),
        ({"where": "flows.protocol = 'kaillera' OR 0", "after": 30}, range(32, 41, 2)),
    ],
)
def test_frames_come_in_pages(
    path: Path,
    monkeypatch: pytest.MonkeyPatch,
    window: int,
    page: int,
    asked: dict[str, Any],
    ids: range,
) -> None:
    monkeypatch.setattr(reading, "WINDOW", window)
    monkeypatch.setattr(reading, "PAGE_ROWS", page)
    with Reader.open(path) as reader:
        assert [one.id for one in reader.frames(**asked)] == list(ids)


def test_a_page_holds_a_bounded_number_of_bytes(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reading, "PAGE_BYTES", 5)
    with Reader.open(path) as reader:
        assert len(list(reader.frames())) == 50


def test_a_row_knows_its_flow(path: Path) -> None:
    with Reader.open(path) as reader:
        row = next(reader.rows(flow_id=2))
        assert (row["session_id"], row["flow_protocol"], row["raw"]) == (1, "kaillera", b"2")


def test_no_transaction_stays_open_between_pages(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reading, "PAGE_ROWS", 2)
    with Reader.open(path) as reader:
        frames = reader.frames()
        next(frames)
        writer = sqlite3.connect(path, timeout=0)  # no WAL here: a reader would be in its way
        writer.execute("DELETE FROM frames WHERE id > 4")
        writer.commit()
        writer.close()
        assert [one.id for one in frames] == [2, 3, 4]


def test_a_recording_is_read_while_it_is_written(tmp_path: Path) -> None:
    path = tmp_path / "a.db"
    with Recording.open(path) as recording:
        session(recording)
        flow(recording)
        recording.append(1, frame(b"1"))
        recording.flush()
        reader = Reader.open(path)
        assert reader.notice == "a.db is being written: this is what it held a moment ago"
        assert [one.raw for one in reader.frames()] == [b"1"]
        recording.append(1, frame(b"2"))
        recording.flush()
        assert [one.raw for one in reader.frames(after=1)] == [b"2"]
        assert reader.sessions()[0].frames == 2
        reader.rest()
    assert names(tmp_path) == ["a.db"]
    assert [one.raw for one in reader.frames()] == [b"1", b"2"]
    assert reader.notice is None
    reader.close()


def test_a_reader_that_stays_does_not_keep_the_writer_from_closing(tmp_path: Path) -> None:
    path = tmp_path / "a.db"
    recording = Recording.open(path)
    session(recording)
    recording.flush()
    with Reader.open(path) as reader:
        reader.sessions()
        recording.close()
        assert len(reader.sessions()) == 1
    Recording.open(path).close()
    assert names(tmp_path) == ["a.db"]


def test_a_statement_of_the_users_only_reads(path: Path) -> None:
    with Reader.open(path) as reader:
        result = reader.query("SELECT count(*) AS n, 'x' AS y FROM frames WHERE id > ?", (10,))
        assert result.columns == ["n", "y"]
        assert list(result.rows) == [(40, "x")]
        for sql, why in (
            ("DELETE FROM frames", "would write a file"),
            ("PRAGMA user_version = 9", "would write a file"),
            ("ATTACH 'other.db' AS other", "would write a file"),
            (f"VACUUM INTO '{path}2'", "would write a file"),
            ("SELECT load_extension('x')", "not authorized|no such function"),
            ("SELECT * FROM missing", "no such table"),
            ("SELECT 1; SELECT 2", "one statement"),
        ):
            with pytest.raises(UserError, match=why):
                list(reader.query(sql).rows)
    assert names(path.parent) == ["a.db"]


def test_what_is_no_recording_is_refused(tmp_path: Path, path: Path) -> None:
    text = tmp_path / "a.txt"
    text.write_text("no database" * 100)
    other = tmp_path / "other.db"
    sqlite3.connect(other).executescript("CREATE TABLE t (a)").connection.close()
    for place, why in (
        (tmp_path / "nothing.db", "does not exist"),
        (tmp_path, "is a folder"),
        (text, "is not a recording"),
        (other, "not a recording of Understudy's"),
    ):
        with pytest.raises(UserError, match=why):
            Reader.open(place)


def test_a_listing_is_bounded(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "MOST_ROWS", 2)
    with Reader.open(path) as reader:
        assert len(reader.sessions()) == 2
        with pytest.raises(UserError, match="holds more than 2 of these rows"):
            reader.flows()


def change(path: Path, *statements: str) -> None:
    connection = sqlite3.connect(path)
    for statement in statements:
        connection.execute(statement)
    connection.commit()
    connection.close()


def test_a_view_in_place_of_a_table_is_refused(path: Path) -> None:
    change(
        path,
        "DROP VIEW packets",
        "ALTER TABLE frames RENAME TO hidden",
        "CREATE VIEW frames AS SELECT * FROM hidden",
    )
    with pytest.raises(UserError, match="it has no table frames"):
        Reader.open(path)


def test_a_damaged_file_is_named(path: Path) -> None:
    ((page, size),) = rows(
        path,
        "SELECT rootpage, page_size FROM sqlite_master, pragma_page_size WHERE name = 'frames'",
    )
    with path.open("r+b") as file:
        file.seek((page - 1) * size)
        file.write(bytes(size))
    with Reader.open(path) as reader, pytest.raises(UserError, match="damaged; save what is left"):
        list(reader.frames())


def test_values_that_are_too_long_or_wrong_are_refused(path: Path) -> None:
    change(path, "UPDATE frames SET raw = zeroblob(70000000) WHERE id = 7")
    with Reader.open(path) as reader:
        assert len(list(reader.frames(before=7))) == 6
        with pytest.raises(UserError, match="too big"):
            list(reader.frames())
    change(
        path,
        "PRAGMA ignore_check_constraints = ON",
        "UPDATE frames SET raw = NULL, direction = 'up', derived = '[1]' WHERE id = 7",
    )
    with (
        Reader.open(path) as reader,
        pytest.raises(UserError, match=r"unknown word in frames\.direction"),
    ):
        list(reader.frames())


def test_an_expression_in_a_foreign_schema_has_no_effect(path: Path) -> None:
    change(path, "CREATE VIEW evil AS SELECT load_extension('x'), as_number('7') FROM frames")
    with Reader.open(path) as reader, pytest.raises(UserError, match="refuses the statement"):
        list(reader.query("SELECT * FROM evil").rows)
