"""A command that is written wrongly gets a sentence with a cure, and the exit code of a misuse."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

import understudy
from recordings.usage import named_files

MISTAKES = (
    ("recrod x", "`understudy` has no command 'recrod': did you mean record?"),
    ("zzz", "`understudy` has no command 'zzz': see `understudy --help`"),
    ("--verison", "`understudy` has no option --verison: did you mean --version?"),
    ("note ad f.db", "has no command 'ad': did you mean add? there are add, list, remove"),
    ("frames f.db --limti 3", "`understudy frames` has no option --limti: did you mean --limit?"),
    ("sessions", "FILE is missing; for instance: understudy sessions evening.understudy.db"),
    ("show f.db", "FRAME is missing; for instance: understudy show evening.understudy.db 17"),
    ("search f.db", "FILE and TEXT are both needed; for instance: understudy search evening."),
    ("redact f.db", "--write OUT is missing; for instance: understudy redact "),
    ("show f.db x", "invalid value for 'FRAME': 'x' is no whole number (see `understudy show"),
    ("frames f.db --limit 0", "0 is too small, the least is 1 (see `understudy frames --help`)"),
    ("record --dns-port 99999", "99999 is not from 0 to 65535 (see `understudy record --help`)"),
    ("record --else srve", "'srve' is not 'serve': did you mean serve? (see"),
    ("record game more", "got unexpected extra argument (more) (see `understudy record --help`)"),
)


@pytest.mark.parametrize(("words", "said"), MISTAKES)
def test_a_mistake_is_one_sentence(words: str, said: str) -> None:
    result = CliRunner().invoke(understudy.cli, words.split(), prog_name="understudy")
    assert (result.exit_code, result.stdout) == (2, "")
    assert said in result.stderr
    assert result.stderr.startswith("Error: ")
    assert len(result.stderr.splitlines()) == 1


def test_without_anything_the_manual_is_shown() -> None:
    for words in ([], ["note"], ["archive"]):
        result = CliRunner().invoke(understudy.cli, words, prog_name="understudy")
        assert result.exit_code == 2
        assert result.output.startswith(f"Usage: {' '.join(['understudy', *words])} [OPTIONS]")


MISPLACED = (
    (["frames", "~k auth", "here.db", "--limit", "3"], "frames here.db '~k auth'"),
    (["show", "8", "here.db"], "show here.db 8"),
    (["query", "SELECT 1", "here.db", "--nl"], "query here.db 'SELECT 1'"),
    (["search", "alice", "here.db"], "search here.db alice"),
    (["note", "add", "--frame", "3", "hi", "here.db"], "note add here.db hi"),
    (["note", "remove", "3", "here.db"], "note remove here.db 3"),
)


@pytest.mark.parametrize(("words", "right"), MISPLACED)
def test_who_names_the_recording_last_is_told_where_it_belongs(
    words: list[str], right: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("here.db").write_bytes(b"")
    result = CliRunner().invoke(understudy.cli, words, prog_name="understudy")
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr.endswith(f"is no file: FILE comes first, `understudy {right}`\n")
    assert len(result.stderr.splitlines()) == 1


def test_a_recording_that_is_missing_is_only_that(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for words in (
        ["frames", "gone.db"],
        ["frames", "gone.db", "~k auth"],
        ["show", "gone.db", "8"],
    ):
        result = CliRunner().invoke(understudy.cli, words, prog_name="understudy")
        assert (result.exit_code, "gone.db does not exist" in result.stderr) == (1, True)


def test_patterns_of_files_are_read_where_no_shell_does_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("b.db", "a.db"):
        Path(name).write_bytes(b"")
    kept = [
        "~k +*",
        "!~k ~png",
        "hex:7e ?? 76",
        "SELECT * FROM frames",
        "%TEMP%",
        "$HOME",
        "--as=*",
    ]
    assert named_files(["search", "*.db", *kept]) == ["search", "a.db", "b.db", *kept]


def test_the_command_line_is_taken_as_it_comes(monkeypatch: pytest.MonkeyPatch) -> None:
    """click itself would make `~k auth` somebody's home on Windows."""
    taken: list[Any] = []
    monkeypatch.setattr(understudy, "cli", lambda words, **rest: taken.append(words))
    monkeypatch.setattr(sys, "argv", ["understudy", "frames", "f.db", "~k auth", "$HOME"])
    monkeypatch.setattr(sys, "excepthook", sys.excepthook)
    understudy.main()
    assert taken == [["frames", "f.db", "~k auth", "$HOME"]]
