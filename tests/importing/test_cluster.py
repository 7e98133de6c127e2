"""import --cluster: the same recording as by one process, also when a worker dies."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from proxy.importing.cluster import APART, groups_of
from tests.cluster import Cluster, deadly_file
from tests.importing.making import Tape, directory_and_lobby, run
from tests.recordings.making import rows

ROWS = (
    "SELECT id, flow_id, number, direction, at, raw, plain, sent, action, protocol, kind, fields,"
    " error, cipher, derived FROM frames",
    "SELECT id, session_id, parent_frame_id, protocol, transport, client, server, hostname,"
    " opened_at, closed_at, close_reason, frames, bytes_up, bytes_down FROM flows",
    "SELECT id, started_at, ended_at, game, client, origin, note FROM sessions",
    "SELECT id, session_id, flow_id, frame_id, name, cipher, direction, key, source FROM keys",
    "SELECT session_id, flow_id, frame_id, at, kind, detail FROM events ORDER BY at, id",
)


@pytest.fixture
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    cluster = Cluster(tmp_path_factory.mktemp("cluster"))
    try:
        yield cluster
    finally:
        cluster.close()


@pytest.fixture
def evenings(tmp_path: Path) -> list[Path]:
    """Six evenings; the third is in two files, cut in the middle of a connection."""
    files = []
    for number in range(6):
        tape = Tape()
        tape.at += number * 2 * APART
        for player in range(5):
            directory_and_lobby(tape, f"192.0.2.{10 + player}")
        if number == 2:
            late = Tape()
            late.packets = tape.packets[5:]
            tape.packets = tape.packets[:5]
            files.append(late.write(tmp_path, "late.pcap"))
        files.append(tape.write(tmp_path, f"evening{number}.pcap"))
    return files


def compare(one: Path, other: Path) -> None:
    for sql in ROWS:
        assert rows(one, sql) == rows(other, sql)


def test_the_same_recording_also_when_a_worker_dies(
    cluster: Cluster, evenings: list[Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    alone, shared, again = tmp_path / "alone.db", tmp_path / "shared.db", tmp_path / "again.db"
    said = run("import", *evenings, "-w", alone)
    assert said.exit_code == 0, said.output
    assert rows(alone, "SELECT count(*) FROM flows") == [(60,)]
    done = run("import", *evenings, "-w", shared, "--cluster", cluster.address)
    assert done.exit_code == 0, (done.output, done.exception)
    assert done.output == said.output.replace("alone", "shared")
    compare(shared, alone)

    deadly = deadly_file(tmp_path)
    words = ("--cluster", cluster.address, "--protocol-file", deadly)
    done = run("import", *evenings, "-w", again, *words)
    assert done.exit_code == 0, (done.output, done.exception)
    assert sum(worker.poll() is not None for worker in cluster.workers) == 1
    compare(again, alone)

    done = run(
        "import", evenings[0], tmp_path / "nothing", "-w", tmp_path / "x.db", "--cluster", words[1]
    )
    assert (done.exit_code, done.output.count("\n")) == (1, 1)
    assert "nothing cannot be read" in done.output

    monkeypatch.setattr("proxy.cluster.PATIENCE", 1)
    cluster.end_workers()
    done = run("import", evenings[0], "-w", tmp_path / "x.db", "--cluster", cluster.address)
    assert (done.exit_code, done.output.count("\n")) == (1, 1)
    assert "workers" in done.output


def test_captures_that_touch_are_read_as_one() -> None:
    a, b, c, d, e = map(Path, "abcde")
    spans = [(5 * APART, 6 * APART), (0, APART), None, (2 * APART, 2 * APART), None]
    assert groups_of([a, b, c, d, e], spans) == [(b, d), (a,), (c,), (e,)]
    assert groups_of([a, b], [(0, 9 * APART), (APART, APART)]) == [(a, b)]


def test_no_scheduler_is_one_sentence(
    evenings: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(evenings[0].parent)
    monkeypatch.setattr("proxy.cluster.PATIENCE", 0.5)
    done = run("import", evenings[0], "-w", "x.db", "--cluster", "tcp://127.0.0.1:1")
    assert (done.exit_code, done.output.count("\n")) == (1, 1)
    assert "no scheduler answers at tcp://127.0.0.1:1" in done.output
