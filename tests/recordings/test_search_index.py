"""The index of words: what it finds, that it stays current, that it can be made again."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from recordings.reader import Reader
from recordings.search_index import SearchIndex, expression, index_path, printable
from recordings.writer import Recording
from tests.recordings import making
from tests.recordings.sample import HOSTILE, write_sample

with closing(sqlite3.connect(":memory:")) as _connection:
    _OPTIONS = {row[0] for row in _connection.execute("PRAGMA compile_options")}
pytestmark = pytest.mark.skipif("ENABLE_FTS5" not in _OPTIONS, reason="this SQLite has no FTS5")


def find(path: Path, text: str) -> list[int]:
    with Reader.open(path) as reader, SearchIndex(path) as index:
        index.update(reader)
        assert index.missing(reader) == 0
        return list(index.find(text))


@pytest.mark.parametrize(
    ("text", "ids"),
    [
        ("alice", [4, 5]),
        ("ALI", [4, 5]),
        ("lice", []),
        ("alice secret", [4]),
        ('"hello there"', [7]),
        ('"there hello"', []),
        ("junk", [6]),
        ("203.0.113.9", [2]),
        ("@dir", [1, 2]),
        ("GameData", [8]),
        ("red|blue", [12]),
        ('"', []),
        ("***", []),
        ("a' OR 1=1 --", []),
        ("NEAR(alice secret)", []),
        ("kind:auth", []),
    ],
)
def test_find(tmp_path: Path, text: str, ids: list[int]) -> None:
    assert find(write_sample(tmp_path / "sample.db"), text) == ids


@pytest.mark.parametrize("text", [HOSTILE, "\x00", "é\u202e", "a" * 5_000, '""""', "( ) * ^ : -"])
def test_any_text_may_be_asked_for(tmp_path: Path, text: str) -> None:
    find(write_sample(tmp_path / "sample.db"), text)


def test_printable() -> None:
    assert printable(b"\x00\x01hello there\xffab\x00name=bob\x00", '{"x": "name=bob"}') == (
        "hello there"
    )
    assert expression('two "a phrase" words') == '"two" * AND "a phrase" AND "words" *'


def test_it_stays_current(tmp_path: Path) -> None:
    path = tmp_path / "live.db"
    with Recording.open(path) as recording:
        flow = making.flow(recording, making.session(recording))
        recording.append(flow, making.frame(b"\x00the first one\x00"))
        recording.flush()
        assert find(path, "first") == [1]
        recording.append(flow, making.frame(b"\x00and the second one\x00"))
        recording.flush()
        assert find(path, "one") == [1, 2]
    assert find(path, "second") == [2]
    assert making.names(tmp_path) == ["live.db", "live.db-search"]


def test_another_recording_of_that_name(tmp_path: Path) -> None:
    path = write_sample(tmp_path / "sample.db")
    assert find(path, "alice") == [4, 5]
    path.unlink()
    with Recording.open(path) as recording:
        flow = making.flow(recording, making.session(recording))
        recording.append(flow, making.frame(b"\x00bob alone\x00"))
    assert find(path, "alice") == []
    assert find(path, "alone") == [1]


def test_a_file_of_another_version_is_made_anew(tmp_path: Path) -> None:
    path = write_sample(tmp_path / "sample.db")
    find(path, "alice")
    with closing(sqlite3.connect(index_path(path))) as connection, connection:
        connection.execute("UPDATE about SET value = '0' WHERE key = 'version'")
        connection.execute("UPDATE about SET value = '3' WHERE key = 'done'")
    assert find(path, "junk") == [6]
