"""Servers of our own that are other ones in every run: honest runs show no difference."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from replay.diff.opening import Which, compare_files
from replay.diff.report import Report
from tests.replay.servers.stage import Stage
from tests.replay.test_playback import PROTOCOLS, Run, ea_lobby, replay


def serving(name: str, stage: Stage, seed: int) -> Run:
    """The servers of a protocol, which push what the recorded one pushed."""
    if name == "ea-lobby":
        return ea_lobby(stage, seed, chatty=True)
    return PROTOCOLS[name][1](stage, seed)


def reports(name: str, folder: Path) -> Iterator[tuple[str, Report]]:
    """What was recorded beside two runs, and the runs beside each other."""
    record = PROTOCOLS[name][0]
    taped = record(folder / "taped.db")
    runs = []
    for seed in (21, 22):
        path = folder / f"run{seed}"
        path.mkdir()
        with Stage() as stage:
            run = serving(name, stage, seed)
            result = replay(path, taped, run.to, "--seed", str(seed), "--grace", "0.3")
        assert result.exit_code == 0, result.output
        runs.append(Which(path / "again.db"))
    yield "recorded and first run", compare_files(Which(taped.path), runs[0])
    yield "first and second run", compare_files(runs[0], runs[1])


@pytest.mark.parametrize("name", PROTOCOLS)
def test_honest_runs_show_no_difference(name: str, tmp_path: Path) -> None:
    for what, report in reports(name, tmp_path):
        found = [
            (one.sentence(), [(c.path, c.a, c.b) for c in one.changes])
            for one in report.differences
        ]
        assert report.same, (what, found)
        print(f"{name}, {what}: {report.sentence()}")
