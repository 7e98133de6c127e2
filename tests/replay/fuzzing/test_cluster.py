"""replay --fuzz --cluster: the same findings as by one process, also when a worker dies."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

import understudy
from recordings.reader import Reader
from tests.cluster import Cluster, deadly_file
from tests.replay.fuzzing import planted
from tests.replay.fuzzing.planted import running

RUNS, SEED = 24, 3


class Rotten(planted.Sound):
    """Defects: dies on long values in `rank`, hangs up on another text in `mesg`."""

    def look(self, kind: str, body: str) -> None:
        if kind == "rank" and re.search(r"=[^\n]{201,}", body):
            self.world.die()
            self.closing = True
        elif kind == "mesg" and "evening all" not in body:
            self.closing = True


def fuzz(taped: Path, port: int, out: Path, *more: object) -> Result:
    words: list[object] = ["replay", taped, "--to", f"127.0.0.1:{port}", "--fuzz", "-w", out]
    words += ["--deadline", "1", "--grace", "0.1", "--wait-back", "5"]
    words += ["--runs", RUNS, "--seed", SEED, *more]
    return CliRunner().invoke(understudy.cli, [str(word) for word in words])


def found_in(path: Path) -> list[tuple[object, ...]]:
    """Findings, and what was said in their sessions."""
    with Reader.open(path) as reader:
        notes = [(one.session_id, one.detail) for one in reader.events() if one.kind == "finding"]
        said = [
            (session.id, session.note, frame.direction, frame.raw, frame.sent, frame.action)
            for session in reader.sessions()
            for frame in reader.frames(session_id=session.id)
        ]
    return [*notes, *said]


def test_the_same_findings_also_when_a_worker_dies(tmp_path: Path) -> None:
    taped, alone, shared = (tmp_path / name for name in ("taped.db", "alone.db", "shared.db"))
    planted.evening(taped)
    cluster = Cluster(tmp_path)
    try:
        with running(Rotten, away=0.4) as world:
            one = fuzz(taped, world.port, alone, "--json")
            deaths, before = world.died, len(world.seen)
            assert one.exit_code == 1, (one.output, one.exception)
            assert deaths
            words = ("--cluster", cluster.address, "--protocol-file", deadly_file(tmp_path))
            many = fuzz(taped, world.port, shared, "--json", *words)
            assert world.died > deaths
            assert len(world.seen) > before + RUNS
        assert many.exit_code == 1, (many.output, many.exception)
        found = [json.loads(line) for line in one.stdout.splitlines()]
        assert {"refuses connections", "connection dropped"} <= {line["sign"] for line in found}
        assert many.stdout == one.stdout
        assert found_in(shared) == found_in(alone)
        assert sum(worker.poll() is not None for worker in cluster.workers) == 1

        with running(planted.DiesOnLong, away=60) as world:  # nothing starts it again in time
            once = ("--cluster", cluster.address, "--wait-back", "0.2")
            gone = fuzz(taped, world.port, tmp_path / "gone.db", *once)
        assert gone.exit_code == 1
        assert "the server did not come back within 0.2 s of run " in gone.output
    finally:
        cluster.close()


def test_what_cannot_be_is_one_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    taped, out = tmp_path / "taped.db", tmp_path / "out.db"
    planted.evening(taped)
    monkeypatch.setattr("proxy.cluster.PATIENCE", 0.5)
    nobody = ("--cluster", "tcp://127.0.0.1:1")
    with running(planted.Sound) as world:
        said = fuzz(taped, world.port, out, *nobody)
        assert (said.exit_code, said.output.count("\n")) == (1, 1)
        assert "no scheduler answers at tcp://127.0.0.1:1" in said.output
        monkeypatch.setitem(sys.modules, "distributed", None)
        said = fuzz(taped, world.port, out, *nobody)
        assert (said.exit_code, said.output.count("\n")) == (1, 1)
        assert '-m pip install "understudy[cluster]"' in said.output
        said = fuzz(taped, world.port, out, *nobody, "--watch-pid", "1")
        assert (said.exit_code, said.output.count("\n")) == (1, 1)
        assert "--watch-pid takes a file" in said.output
    said = CliRunner().invoke(understudy.cli, ["replay", str(taped), "--to", "x", *nobody])
    assert said.exit_code == 1
    assert "--cluster goes with --fuzz" in said.output
