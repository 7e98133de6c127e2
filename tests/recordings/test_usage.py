"""A command that is written wrongly gets a sentence with a cure, and the exit code of a misuse."""

from __future__ import annotations

import pytest
from click.testing import CliRunner

import understudy

MISTAKES = (
    ("recrod x", "`understudy` has no command 'recrod': did you mean record?"),
    ("zzz", "`understudy` has no command 'zzz': see `understudy --help`"),
    ("--verison", "`understudy` has no option --verison: did you mean --version?"),
    ("note ad f.db", "has no command 'ad': did you mean add? there are add, list, remove"),
    ("frames f.db --limti 3", "`understudy frames` has no option --limti: did you mean --limit?"),
    ("sessions", "FILE is missing; for instance: understudy sessions nascar.understudy.db"),
    ("show f.db", "FRAME is missing; for instance: understudy show nascar.understudy.db 17"),
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
