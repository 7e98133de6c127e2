"""understudy note: add, list, remove."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.recordings.commands.running import lines, objects, run
from tests.recordings.sample import HOSTILE, write_sample


@pytest.fixture
def own(tmp_path: Path) -> Path:
    return write_sample(tmp_path / "own.db")


def test_add_list_remove(own: Path) -> None:
    assert lines("note", "add", own, "--frame", "7", "users") == ["note 2 is written"]
    assert lines("note", "add", own, "--flow", "3", "udp") == ["note 3 is written"]
    assert lines("note", "add", own, "--session", "2", HOSTILE) == ["note 4 is written"]
    shown = lines("note", "list", own)
    assert [line.split()[:3] for line in shown[1:]] == [
        ["1", "frame", "4"],
        ["2", "frame", "7"],
        ["3", "flow", "3"],
        ["4", "session", "2"],
    ]
    assert "\x1b" not in "".join(shown)
    assert [row["id"] for row in objects("note", "list", own, "--session", "2")] == [2, 3, 4]
    assert lines("note", "remove", own, "2", "3") == ["removed 2 notes"]
    assert [row["text"] for row in objects("note", "list", own)] == ["the first login", HOSTILE]


def test_refused(own: Path) -> None:
    assert "say what the note is about" in run("note", "add", own, "x").stderr
    both = run("note", "add", own, "--flow", "1", "--frame", "1", "x")
    assert "say what the note is about" in both.stderr
    assert "has no frame 99" in run("note", "add", own, "--frame", "99", "x").stderr
    assert "has no note 9" in run("note", "remove", own, "9").stderr
    assert "has no session 9" in run("note", "list", own, "--session", "9").stderr


def test_no_notes(own: Path) -> None:
    lines("note", "remove", own, "1")
    assert "holds no note here" in run("note", "list", own).stderr


@pytest.mark.parametrize("name", ["add", "list", "remove"])
def test_every_part_has_a_manual(name: str) -> None:
    text = run("note", name, "--help").stdout
    assert f"understudy note {name}" in text
