"""Copies of whole sessions of many protocols: they decode, and only what was changed differs."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

import understudy
from recordings.model import Action, Frame
from recordings.reader import Reader
from tests.replay.test_playback import PROTOCOLS

RULES = """
[[rule]]
filter = "~d down & !~k Opaque"
fuzz = { ways = ["flags"] }
count = 3
"""


def frames(path: Path) -> list[Frame]:
    with Reader.open(path) as reader:
        return list(reader.frames())


@pytest.mark.parametrize("name", PROTOCOLS)
def test_a_changed_copy_decodes(name: str, tmp_path: Path) -> None:
    taped = PROTOCOLS[name][0](tmp_path / "taped.db")
    rules, out = tmp_path / "rules.toml", tmp_path / "out.db"
    rules.write_text(RULES)
    words = ["mutate", taped.path, "--rules", rules, "--seed", 3, "-w", out]
    keys = [word for pair in _pairs(taped.options) for word in pair]
    result = CliRunner().invoke(understudy.cli, [*map(str, words), *keys])
    assert result.exit_code == 0, result.output
    assert "could not be deciphered" not in result.output
    old, new = frames(taped.path), frames(out)
    assert [(f.at, f.direction) for f in old] == [(f.at, f.direction) for f in new]
    changed = [f.action is Action.CHANGED for f in new]
    assert 0 < sum(changed) <= 3
    for was, now, altered in zip(old, new, changed, strict=True):
        assert (now.error is None) is (was.error is None), now.error
        assert (now.raw == was.raw or now.clear == was.clear) is not altered


def _pairs(options: list[str]) -> list[tuple[str, str]]:
    """The options that `mutate` has too."""
    pairs = list(zip(options[::2], options[1::2], strict=True))
    return [pair for pair in pairs if pair[0] in ("--key", "--game-key")]
