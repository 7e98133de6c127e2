"""Notes are written into closed recordings and into those that are being written."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from recordings import notes
from recordings.errors import UserError
from recordings.notes import Subject
from recordings.writer import Recording
from tests.recordings import making
from tests.recordings.sample import write_sample

ALL = "SELECT session_id, flow_id, frame_id, text FROM notes ORDER BY id"


@pytest.fixture
def sample(tmp_path: Path) -> Path:
    return write_sample(tmp_path / "sample.db")


def test_add_and_remove(sample: Path) -> None:
    first = notes.add(sample, Subject("sessions", 2), "an evening")
    notes.add(sample, Subject("flows", 3), "udp")
    notes.add(sample, Subject("frames", 7), "two users\x1b[2J")
    assert making.rows(sample, ALL) == [
        (1, 2, 4, "the first login"),
        (2, None, None, "an evening"),
        (2, 3, None, "udp"),
        (2, 3, 7, "two users\x1b[2J"),
    ]
    notes.remove(sample, [1, first])
    assert len(making.rows(sample, ALL)) == 2


def test_marks(sample: Path) -> None:
    assert notes.toggle_mark(sample, 7) is True
    assert making.rows(sample, ALL)[1] == (2, 3, 7, notes.MARK)
    assert notes.toggle_mark(sample, 7) is False
    assert len(making.rows(sample, ALL)) == 1


@pytest.mark.parametrize("table", ["sessions", "flows", "frames"])
def test_what_does_not_exist(sample: Path, table: str) -> None:
    with pytest.raises(UserError, match=rf"has no {table[:-1]} 99"):
        notes.add(sample, Subject(table, 99), "x")


def test_refused(sample: Path, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="is empty"):
        notes.add(sample, Subject("frames", 1), " ")
    with pytest.raises(UserError, match="has no note 99"):
        notes.remove(sample, [1, 99])
    assert len(making.rows(sample, ALL)) == 1, "all or none"
    with pytest.raises(UserError, match="does not exist"):
        notes.remove(tmp_path / "none.db", [1])
    with closing(sqlite3.connect(sample)) as connection, connection:
        connection.execute(
            "CREATE TRIGGER evil AFTER INSERT ON notes BEGIN DELETE FROM frames; END"
        )
    with pytest.raises(UserError, match=r"has a trigger \(evil\)"):
        notes.add(sample, Subject("frames", 1), "x")


def test_while_it_is_recorded(tmp_path: Path) -> None:
    path = tmp_path / "live.db"
    with Recording.open(path) as recording:
        flow = making.flow(recording, making.session(recording))
        recording.append(flow, making.frame(b"one"))
        recording.flush()
        notes.add(path, Subject("frames", 1), "seen")
        recording.append(flow, making.frame(b"two"))
    assert making.rows(path, ALL) == [(1, 1, 1, "seen")]
    assert making.rows(path, "SELECT count(*) FROM frames") == [(2,)]
