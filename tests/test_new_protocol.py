"""The two files that scripts/new_protocol writes are whole: they pass all that is asked of any."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

HOME = Path(__file__).resolve().parent.parent
ROOMS = ("proxy", "recordings", "replay", "tests", "scripts")


def copy(into: Path) -> Path:
    """The project, without what a new protocol does not touch."""
    home = into / "house"
    skip = shutil.ignore_patterns("__pycache__", "test_*.py", "samples")
    for room in ROOMS:
        shutil.copytree(HOME / room, home / room, ignore=skip)
    for name in ("understudy.py", "pyproject.toml"):
        shutil.copy(HOME / name, home)
    shutil.copy(HOME / "tests/protocols/test_others.py", home / "tests/protocols")
    return home


def run(home: Path, *words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, *words]
    return subprocess.run(command, cwd=home, capture_output=True, text=True, timeout=100)


@pytest.mark.parametrize("transport", ["tcp", "udp"])
def test_it_passes_the_harness_and_the_linters(tmp_path: Path, transport: str) -> None:
    home = copy(tmp_path)
    done = run(home, "scripts/new_protocol", "my-game", transport, "4000")
    assert done.returncode == 0, done.stderr
    files = ["proxy/protocols/my_game.py", "tests/vectors/my_game.py"]
    lint = run(home, "-m", "ruff", "check", *files)
    assert lint.returncode == 0, lint.stdout
    form = run(home, "-m", "ruff", "format", "--check", *files)
    assert form.returncode == 0, form.stdout
    tests = run(home, "-m", "pytest", "-q", "tests/protocols/test_others.py", "-k", "MyGame")
    assert tests.returncode == 0, tests.stdout


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ([], "usage"),
        (["my-game", "sctp", "1"], "usage"),
        (["My Game", "udp", "1"], "no name for a protocol"),
        (["kaillera", "udp", "1"], "exists"),
    ],
)
def test_what_it_refuses(words: list[str], said: str) -> None:
    done = run(HOME, "scripts/new_protocol", *words)
    assert done.returncode == 1
    assert said in done.stderr
