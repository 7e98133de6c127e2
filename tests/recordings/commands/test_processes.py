"""The reading commands as real processes: in pipes and on terminals."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.recordings.commands.running import COMMANDS, REST
from tests.recordings.sample import HOSTILE

HOME = Path(__file__).resolve().parents[3]


def process(*arguments: str | Path, **environment: str) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        [sys.executable, "-m", "understudy", *map(str, arguments)],
        capture_output=True,
        check=False,
        cwd=HOME,
        env={**os.environ, "PYTHONPATH": str(HOME), **environment},
        timeout=60,
    )


@pytest.mark.parametrize("command", COMMANDS)
def test_in_a_pipe_no_escape_comes_through(sample: Path, command: str) -> None:
    rest = REST.get(command, [])
    done = process(command, sample, *rest, PYTHONIOENCODING="utf-8")
    assert done.returncode == 0, done.stderr
    text = done.stdout.decode()
    assert text.replace(os.linesep, "").replace("\n", "").isprintable()
    assert HOSTILE not in text
    if command != "stats":
        assert r"\x1b[31mred" in text


@pytest.mark.parametrize(("command", "sign"), [("stats", rb"\u2588"), ("show", rb"\u2026")])
def test_a_pipe_of_few_characters_is_no_error(sample: Path, command: str, sign: bytes) -> None:
    done = process(command, sample, *REST.get(command, []), PYTHONIOENCODING="ascii")
    assert done.returncode == 0, done.stderr
    assert sign in done.stdout


def test_a_pipe_gets_utf_8_whatever_the_code_page(sample: Path) -> None:
    sql = "SELECT char(233, 9733, 128512) AS x"  # e acute, a star, a face
    done = subprocess.run(
        [sys.executable, "-X", "utf8=0", "-m", "understudy", "query", str(sample), sql, "--nl"],
        capture_output=True,
        cwd=HOME,
        env={**os.environ, "LC_ALL": "C", "PYTHONCOERCECLOCALE": "0"},
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout.decode("utf-8")) == {"x": "\xe9\u2605\U0001f600"}


@pytest.mark.parametrize("command", COMMANDS)
def test_help_is_plain_ascii(command: str) -> None:
    assert process(command, "--help", PYTHONIOENCODING="ascii").returncode == 0


def test_a_reader_that_goes_away_is_no_traceback(sample: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-m", "understudy", "show", str(sample), "9", "--all"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        cwd=HOME,
    ) as running:
        assert running.stdout is not None
        assert running.stderr is not None
        assert running.stdout.read(5) == b"frame"
        running.stdout.close()
        assert b"Traceback" not in running.stderr.read()
        running.wait(30)


HEAVY = (
    "asyncio",
    "importlib.metadata",
    "mitmproxy",
    "proxy",
    "rich.console",
    "sqlite_utils",
    "textual",
)
"""What takes a multiple of the time that a listing does."""


@pytest.mark.parametrize("command", ["sessions", "flows"])
def test_a_listing_loads_nothing_that_takes_time(sample: Path, command: str) -> None:
    code = (
        "import sys, understudy;"
        f"understudy.cli([{command!r}, {str(sample)!r}], standalone_mode=False);"
        f"print('loaded', [name for name in {HEAVY} if name in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=HOME
    )
    assert done.stdout.splitlines()[-1] == "loaded []"


Terminal = Callable[[int, list[str]], str]


@pytest.fixture
def terminal() -> Terminal:
    """Runs a command on a terminal of some width and returns all that it wrote."""
    pty = pytest.importorskip("pty")

    def show(width: int, arguments: list[str]) -> str:
        ours, theirs = pty.openpty()
        environment = {**os.environ, "COLUMNS": str(width), "LINES": "24", "TERM": "xterm-256color"}
        environment = {k: v for k, v in environment.items() if k not in ("NO_COLOR", "CI")}
        running = subprocess.Popen(
            [sys.executable, "-m", "understudy", *arguments],
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            cwd=HOME,
            env={**environment, "PYTHONIOENCODING": "utf-8"},
        )
        os.close(theirs)
        out = b""
        try:
            while chunk := os.read(ours, 65536):
                out += chunk
        except OSError:
            pass  # Linux: the other end is closed
        os.close(ours)
        assert running.wait(30) == 0
        return out.decode().replace("\r\n", "\n")

    return show


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize("width", [40, 80, 200])
def test_on_a_terminal(sample: Path, terminal: Terminal, command: str, width: int) -> None:
    shown = terminal(width, [command, str(sample), *REST.get(command, [])])
    assert "\x1b[1m" in shown
    plain = re.sub(r"\x1b\[[\d;]*m", "", shown)
    assert plain.replace("\n", "").isprintable()
    if command != "show" and not (command == "stats" and width == 40):
        assert max(len(line) for line in plain.splitlines()) <= width


def test_on_a_terminal_the_way_is_an_arrow(sample: Path, terminal: Terminal) -> None:
    shown = terminal(120, ["frames", str(sample)])
    assert "c→s" in shown
    assert "c←s" in shown
