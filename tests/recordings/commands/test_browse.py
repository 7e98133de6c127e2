"""understudy browse, as far as it needs no screen: what it refuses, and in which words."""

from __future__ import annotations

import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from tests.recordings.commands.running import run
from tests.recordings.making import HOME


def test_without_the_extra(sample: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in sys.modules if name.startswith("recordings.browse")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "textual", None)
    monkeypatch.setitem(sys.modules, "textual.binding", None)
    result = run("browse", sample)
    assert result.exit_code == 1
    assert '-m pip install "understudy[tui]"' in result.stderr
    assert len(result.stderr.splitlines()) == 1


def test_in_a_pipe(sample: Path) -> None:
    pytest.importorskip("textual", reason="the extra tui is not installed")
    assert "needs a terminal: use `understudy frames`" in run("browse", sample).stderr


def test_a_wrong_filter(sample: Path) -> None:
    assert "there is no operator ~zz" in run("browse", sample, "~zz").stderr


def test_files_that_are_no_recordings(sample: Path, tmp_path: Path) -> None:
    pytest.importorskip("textual", reason="the extra tui is not installed")
    newer = Path(shutil.copy(sample, tmp_path / "newer.db"))
    with closing(sqlite3.connect(newer)) as connection:
        connection.execute("PRAGMA user_version = 99")
    cut = tmp_path / "cut.db"
    cut.write_bytes(sample.read_bytes()[:5_000])
    text = tmp_path / "text.db"
    text.write_text("no recording")
    for path, said in (
        (newer, "has format 99, this Understudy reads up to 1: update Understudy"),
        (cut, "cannot be read any further"),
        (text, "is not a recording"),
        (tmp_path / "none.db", "does not exist"),
        (tmp_path, "is a folder"),
    ):
        for command in (["browse"], ["follow"], ["search"], ["note", "list"]):
            result = run(*command, path, *(["x"] if command == ["search"] else []))
            assert result.exit_code == 1, (path, command)
            assert said in result.stderr, (path, command)


def test_a_recording_that_is_locked(sample: Path, tmp_path: Path) -> None:
    locked = Path(shutil.copy(sample, tmp_path / "locked.db"))
    with closing(sqlite3.connect(locked, isolation_level=None)) as connection:
        connection.execute("BEGIN EXCLUSIVE")
        words = [sys.executable, "-c", _IMPATIENT, str(locked)]
        done = subprocess.run(words, capture_output=True, text=True, cwd=HOME, timeout=60)
    assert "is locked by another program: close that one and try again" in done.stderr


_IMPATIENT = """
import sqlite3, sys
connect = sqlite3.connect
sqlite3.connect = lambda *given, **named: connect(*given, **{**named, "timeout": 0.1})
import understudy
understudy.cli(["note", "list", sys.argv[1]])
"""
