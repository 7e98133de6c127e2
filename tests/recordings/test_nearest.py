"""What somebody may have meant."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

import understudy
from recordings.nearest import meant, nearest
from recordings.opening import beside
from recordings.writer import Recording

GAMES = ("kaillera", "madden-nfl-06", "madden-nfl-2005", "nascar-thunder-2004", "need-for-speed")


@pytest.mark.parametrize(
    ("word", "found"),
    [
        ("NASCAR-Thunder-2004", ["nascar-thunder-2004"]),  # the same but for its case
        ("madden", ["madden-nfl-06", "madden-nfl-2005"]),  # begins with it
        ("thunder", ["nascar-thunder-2004"]),  # holds it
        ("nascra-thunder-2004", ["nascar-thunder-2004"]),
        ("kailera", ["kaillera"]),  # others are much less like it
        ("zork", []),
        ("", []),
    ],
)
def test_the_nearest_come_first(word: str, found: list[str]) -> None:
    assert nearest(word, GAMES) == found


def test_of_equals_the_one_in_the_same_case_comes_first() -> None:
    assert nearest("auht", ("AUTH", "auth", "news")) == ["auth", "AUTH"]
    assert nearest("AUHT", ("auth", "AUTH")) == ["AUTH", "auth"]
    assert nearest("auth", ("AUTH", "auth")) == ["AUTH", "auth"], "known, only not as this"
    assert nearest("a", tuple("aAbc")) == ["a", "A"]


def test_the_question() -> None:
    assert meant("kailera", GAMES) == "did you mean kaillera?"
    assert meant("madden", GAMES, "`{}`".format) == (
        "did you mean `madden-nfl-06` or `madden-nfl-2005`?"
    )
    assert meant("n", ("n1", "n2", "n3", "n4")) == "did you mean n1, n2 or n3?"
    assert meant("zork", GAMES) == ""


def test_a_recording_beside_the_one_that_is_missing(tmp_path: Path) -> None:
    Recording.open(tmp_path / "evening.understudy.db").close()
    for words in (["sessions"], ["serve"]):
        result = CliRunner().invoke(
            understudy.cli, [*words, str(tmp_path / "evning.understudy.db")]
        )
        assert result.exit_code == 1
        assert f"did you mean {tmp_path / 'evening.understudy.db'}?" in result.stderr
        result = CliRunner().invoke(understudy.cli, [*words, str(tmp_path)])
        assert f"{tmp_path} is a folder: give the path of a recording" in result.stderr
    assert beside(tmp_path / "none" / "x.db") == beside(tmp_path / "zzz") == ""
