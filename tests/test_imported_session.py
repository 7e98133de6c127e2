"""A session that comes from a capture is replayed and served like a recorded one."""

from __future__ import annotations

from pathlib import Path

import pytest

from proxy.viewer import VIEWER
from recordings.samples import FOLDER, load_sample
from recordings.writer import Recording
from tests.importing.making import run
from tests.running import Command


@pytest.fixture
def imported(tmp_path: Path) -> Path:
    """An evening, exported as a capture and imported again."""
    live, capture = tmp_path / "live.understudy.db", tmp_path / "evening.pcapng"
    with Recording.open(live) as recording:
        load_sample(FOLDER / "nascar-thunder-2004-evening.jsonl", recording, VIEWER)
    for words in (
        ("export", live, "--pcapng", "-w", capture),
        ("import", capture, "-w", tmp_path / "imported.understudy.db"),
    ):
        done = run(*words)
        assert done.exit_code == 0, done.output
    return tmp_path / "imported.understudy.db"


def test_it_does_not_differ_from_the_live_one(imported: Path) -> None:
    done = run("diff", imported.with_name("live.understudy.db"), imported)
    assert done.exit_code == 0, done.output
    assert "no difference in 74 messages" in done.output


def test_it_is_replayed_against_a_stand_in_that_it_feeds(imported: Path, tmp_path: Path) -> None:
    serving = ["serve", imported.name, "--relay", "ea-lobby:0", "--dns-port", "0"]
    serving += ["-w", "served.db"]
    with Command(tmp_path, *serving) as server:
        port = server.ready()["ea-lobby", "tcp"]
        playing = ["replay", imported.name, "--to", f"127.0.0.1:{port}", "--timing", "fast"]
        with Command(tmp_path, *playing) as player:
            code = player.wait()
            assert code == 0, (player.lines, player.said())
        assert server.stop() == 0
    assert "said 25 of 25 frames, every answer came" in player.lines[-1]
    assert server.lines[-1].endswith("everything answered")
