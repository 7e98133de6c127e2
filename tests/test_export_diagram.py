"""`understudy export --svg` and `--html`, as a user runs them."""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree

import pytest
from click.testing import CliRunner, Result

import understudy
from tests.recordings.sample import HOSTILE, write_sample


@pytest.fixture
def sample(tmp_path: Path) -> Path:
    return write_sample(tmp_path / "sample.understudy.db")


def run(*words: str | Path) -> Result:
    return CliRunner().invoke(understudy.cli, ["export", *map(str, words)])


@pytest.mark.parametrize("kind", ["svg", "html"])
def test_a_session_becomes_a_file(sample: Path, tmp_path: Path, kind: str) -> None:
    out = tmp_path / f"out.{kind}"
    result = run(sample, f"--{kind}", "--session", "1", "-w", out)
    assert result.exit_code == 0, result.output
    text = out.read_text("utf-8")
    assert "PROD=NASCAR-PS2-2004" in text
    assert text.count("frame 6, ") >= 1
    assert "hello there" not in text, "that is the other session"


def test_a_filter_chooses_messages(sample: Path) -> None:
    result = run(sample, "~k skey | ~k @dir", "--svg", "--session", "1", "-w", "-")
    assert result.exit_code == 0, result.output
    root = ElementTree.fromstring(result.stdout.partition("\n")[2])
    ids = [one.text for one in root.iter() if one.get("class") == "id"]
    assert ids == ["1", "2", "3"]


def test_hostile_names_are_escaped(sample: Path) -> None:
    for kind in ("svg", "html"):
        result = run(sample, f"--{kind}", "--session", "2", "-w", "-")
        assert result.exit_code == 0, result.output
        assert HOSTILE not in result.stdout
        assert "\x1b" not in result.stdout


def test_several_sessions_are_listed(sample: Path) -> None:
    result = run(sample, "--svg")
    assert result.exit_code == 1
    assert "--session N" in result.output


def test_a_wrong_filter_writes_nothing(sample: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.svg"
    result = run(sample, "~q", "--svg", "--session", "1", "-w", out)
    assert result.exit_code == 1
    assert not out.exists()
