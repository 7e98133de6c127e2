"""understudy search: words by the index, bytes by reading, several recordings at once."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from recordings.search_index import index_path
from tests.recordings.commands.running import lines, objects, run
from tests.recordings.sample import write_sample


@pytest.fixture
def own(tmp_path: Path) -> Path:
    return write_sample(tmp_path / "own.db")


def test_words(own: Path) -> None:
    found = lines("search", own, "alice")
    assert len(found) == 3
    assert '{"NAME": "alice", "PASS"' in found[1]
    assert index_path(own).exists()
    assert [row["id"] for row in objects("search", own, "alice", "--limit", "1")] == [4]


@pytest.mark.parametrize(
    ("text", "more", "ids"),
    [
        ("lice", [], []),
        ("lice", ["--scan"], [4, 5]),
        ("hex:ff ?? 6a", [], [6]),
        ("hello there", ["--rebuild"], [7]),
        ("***", [], []),
    ],
)
def test_ways_to_search(own: Path, text: str, more: list[str], ids: list[int]) -> None:
    assert [row["id"] for row in objects("search", own, text, *more)] == ids


def test_several_recordings(own: Path, tmp_path: Path) -> None:
    other = Path(shutil.copy(own, tmp_path / "other.db"))
    found = objects("search", own, other, "secret")
    assert [(Path(row["recording"]).name, row["id"]) for row in found] == [
        ("own.db", 4),
        ("other.db", 4),
    ]
    assert "own.db" in lines("search", own, other, "secret")[1]


def test_hostile_content(own: Path) -> None:
    result = run("search", own, "red")
    assert result.exit_code == 0
    assert "\x1b" not in result.stdout
    assert r"\u001b[31mred" in result.stdout


def test_nothing_found(own: Path) -> None:
    result = run("search", own, "nobody")
    assert result.exit_code == 0
    assert "nobody is not in" in result.stderr


def test_a_damaged_index_is_said(own: Path) -> None:
    run("search", own, "alice")
    index_path(own).write_bytes(b"SQLite format 3\x00" + b"x" * 5_000)
    result = run("search", own, "alice")
    assert "cannot be used (file is not a database): reading all frames" in result.stderr
    assert len(result.stdout.splitlines()) == 3
    assert run("search", own, "alice", "--rebuild").stderr == ""


def test_where_no_index_can_be_kept_all_is_read(own: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        "recordings.search_index.index_path", lambda path: own.parent / "none" / "index"
    )
    result = run("search", own, "alice", "--nl")
    assert "reading all frames" in result.stderr
    assert len(result.stdout.splitlines()) == 2


def test_refused(own: Path, tmp_path: Path) -> None:
    assert "no pattern of bytes" in run("search", own, "hex:xyz").stderr
    assert "does not exist" in run("search", tmp_path / "none.db", "x").stderr
    assert run("search", own).exit_code == 2
