"""understudy redact as a command: what it refuses, what it lists."""

from __future__ import annotations

from pathlib import Path

from click.testing import CliRunner, Result

import understudy
from recordings.writer import Recording
from tests.recordings.sample import HOSTILE, write_sample
from tests.redaction.recording import UP, add


def run(*arguments: str | Path) -> Result:
    return CliRunner().invoke(understudy.cli, ["redact", *map(str, arguments)])


def test_what_was_done_is_listed(tmp_path: Path) -> None:
    with Recording.open(tmp_path / "a.db") as recording:
        body = b"NAME=Wanderer\n\0"
        frame = b"auth" + bytes(4) + (12 + len(body)).to_bytes(4, "big") + body
        add(recording, "ea-lobby", [(UP, frame), (UP, b"junk")])
    done = run(tmp_path / "a.db", "-w", tmp_path / "b.db")
    assert done.exit_code == 0, done.output
    lines = done.stdout.splitlines()
    assert lines[1].split() == ["ea-lobby", "auth.NAME", "name", "1"]
    assert "1 of 1 frames changed" in done.stdout
    assert lines[-1] == f"written to {tmp_path / 'b.db'}"
    assert "Wanderer" not in done.stdout


def test_hostile_content(tmp_path: Path) -> None:
    path = write_sample(tmp_path / "sample.db")
    done = run(path, "-w", tmp_path / "copy.db")
    assert done.exit_code == 0, done.output
    assert "\x1b" not in done.output
    assert HOSTILE not in done.output
    shown = CliRunner().invoke(understudy.cli, ["frames", str(tmp_path / "copy.db")])
    assert shown.exit_code == 0


def test_refused(tmp_path: Path) -> None:
    path = write_sample(tmp_path / "sample.db")
    assert "exists already" in run(path, "-w", path).stderr
    assert "--keep nose" in run(path, "-w", tmp_path / "x.db", "--keep", "nose").stderr
    assert "--also NAME" in run(path, "-w", tmp_path / "x.db", "--also", "NAME").stderr
    assert "does not exist" in run(tmp_path / "none.db", "-w", tmp_path / "x.db").stderr
    assert not (tmp_path / "x.db").exists()
