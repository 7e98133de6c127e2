"""What befalls a recording from outside: locks, readers, removal, remains of other writers."""

from __future__ import annotations

import shutil
import sqlite3
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from recordings import committer, creating
from recordings.errors import UserError
from recordings.lock import is_held
from recordings.reader import Reader
from recordings.writer import Recording
from tests.recordings.making import flow, frame, names, python, session

PATIENCE = 20.0
not_on_windows = pytest.mark.skipif(
    sys.platform == "win32", reason="Windows keeps a file in its place while it is open"
)
signals = pytest.mark.skipif(sys.platform == "win32", reason="kill -9 is a signal")


in_a_scribe = pytest.mark.parametrize("recording", [True], indirect=True, ids=["scribe"])


class Told:
    """Collects sentences."""

    def __init__(self) -> None:
        self.sentences: list[str] = []
        self.event = threading.Event()

    def __call__(self, sentence: str) -> None:
        self.sentences.append(sentence)
        self.event.set()


@pytest.fixture(params=[False, True], ids=["thread", "scribe"])
def recording(request: pytest.FixtureRequest, tmp_path: Path) -> Recording:
    """One that holds a frame."""
    recording = Recording.open(tmp_path / "a.db", scribe=request.param)
    session(recording)
    flow(recording)
    recording.append(1, frame(b"1"))
    recording.flush()
    return recording


def raws(path: Path) -> list[bytes | None]:
    with Reader.open(path) as reader:
        return [one.raw for one in reader.frames()]


@pytest.mark.parametrize(
    "odd",
    [{"kind": "\ud800"}, {"error": "\udc80"}, {"at": 1 << 63}, {"fields": "{broken"}],
    ids=lambda odd: next(iter(odd)),
)
@pytest.mark.parametrize("beside", [False, True], ids=["frames", "mixed"])
def test_one_odd_row_far_into_a_group_costs_no_other(
    recording: Recording, odd: dict[str, Any], beside: bool
) -> None:
    odd_at = 700  # in a later statement of the same transaction
    for number in range(2, 902):
        recording.append(1, frame(b"%d" % number, **(odd if number == odd_at else {})))
        if beside and number % 300 == 0:
            recording.add_event("beside", "", at=1)
    recording.close()
    assert recording.failed is None
    assert raws(recording.path) == [b"%d" % number for number in range(1, 902)]


def test_a_lock_of_another_program_is_said_and_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(creating, "BEGIN_SECONDS", 0.05)
    recording = Recording.open(tmp_path / "a.db")
    told = Told()
    recording.on_warned = told
    session(recording)
    flow(recording)
    recording.flush()
    other = sqlite3.connect(recording.path, isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")
    recording.append(1, frame(b"1"))
    assert told.event.wait(PATIENCE)
    closing = threading.Thread(target=recording.close)
    closing.start()
    closing.join(0.2)
    assert closing.is_alive()
    other.execute("ROLLBACK")
    other.close()
    closing.join(PATIENCE)
    assert recording.failed is None
    (sentence,) = told.sentences
    assert "keeps" in sentence
    assert "locked, so that nothing can be written: close that one" in sentence
    assert raws(recording.path) == [b"1"]
    assert names(tmp_path) == ["a.db"]


def test_a_lock_that_stays_stops_the_recording(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(creating, "BEGIN_SECONDS", 0.02)
    monkeypatch.setattr(committer, "LOCKED_SECONDS", 0.1)
    recording = Recording.open(tmp_path / "a.db")
    told = Told()
    recording.on_failed = told
    other = sqlite3.connect(recording.path, isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")
    session(recording)
    assert told.event.wait(PATIENCE)
    other.close()
    assert "another program keeps it locked: close that one" in told.sentences[0]
    recording.close()


@not_on_windows
@in_a_scribe
def test_a_file_that_is_deleted_is_rescued(recording: Recording) -> None:
    told = Told()
    recording.on_failed = told
    recording.append(1, frame(b"2"))
    recording.path.unlink()
    assert told.event.wait(PATIENCE)
    rescued = recording.path.with_name("rescued-a.db")
    assert (
        f"deleted or replaced while it was being written, what it held is saved as {rescued}"
        in (told.sentences[0])
    )
    recording.close()
    assert raws(rescued) == [b"1", b"2"]
    with Recording.open(rescued) as again:
        assert "had been cut off: it holds 2 frames" in (again.recovered or "")


@not_on_windows
@in_a_scribe
def test_a_file_that_is_overwritten_in_place_is_noticed(recording: Recording) -> None:
    told = Told()
    recording.on_failed = told
    recording.path.write_bytes(b"")
    assert told.event.wait(PATIENCE)
    assert "was overwritten by something else while it was written" in told.sentences[0]
    recording.close()


@in_a_scribe
def test_a_reader_in_the_way_at_the_end_is_said(
    recording: Recording, tmp_path_factory: pytest.TempPathFactory
) -> None:
    told = Told()
    recording.on_warned = told
    path = recording.path
    other = sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True, isolation_level=None)
    other.execute("BEGIN")
    other.execute("SELECT * FROM frames").fetchall()
    recording.append(1, frame(b"2"))
    recording.close()
    (sentence,) = told.sentences
    assert "so that the end of it is still in a.db-wal: copy or move both" in sentence
    alone = tmp_path_factory.mktemp("copied") / "alone.db"
    shutil.copy(path, alone)
    with Reader.open(alone) as reader:
        assert "alone.db was cut off" in (reader.notice or "")
        assert "copy alone.db-wal as well" in (reader.notice or "")
    assert raws(path) == [b"1", b"2"]  # beside that reader
    other.close()
    assert raws(path) == [b"1", b"2"]
    assert names(path.parent) == ["a.db"]


def test_a_log_of_a_recording_that_is_gone_is_not_mixed_into_a_new_one(tmp_path: Path) -> None:
    path = tmp_path / "a.db"
    with Recording.open(tmp_path / "b.db") as before:
        session(before)
        flow(before)
        before.append(1, frame(b"of another one"))
        before.flush()
        shutil.copy(f"{before.path}-wal", f"{path}-wal")
    log = Path(f"{path}-wal").read_bytes()
    with Recording.open(path) as recording:
        assert "a.db-wal was left of a recording that is gone" in (recording.recovered or "")
        session(recording)
    assert raws(path) == []
    assert path.with_name("a.db-wal-old").read_bytes() == log


KILLED_WHILE_CHANGING = """
    import os, sqlite3, sys
    connection = sqlite3.connect(sys.argv[1], isolation_level=None)
    connection.execute("PRAGMA cache_size = 5")
    connection.execute("BEGIN IMMEDIATE")
    connection.execute("UPDATE frames SET raw = zeroblob(900)")
    os.kill(os.getpid(), 9)
"""


@signals
@pytest.mark.parametrize("use", [raws, lambda path: Recording.open(path).close()])
def test_a_change_that_was_cut_off_is_undone(tmp_path: Path, use: Callable[[Path], object]) -> None:
    path = tmp_path / "a.db"
    with Recording.open(path) as recording:
        session(recording)
        flow(recording)
        for _ in range(500):
            recording.append(1, frame(b"x" * 500))
    with python(KILLED_WHILE_CHANGING, path) as process:
        assert process.wait(PATIENCE) == -9
    assert "a.db-journal" in names(tmp_path)
    use(path)
    assert names(tmp_path) == ["a.db"]
    assert raws(path) == [b"x" * 500] * 500


INTERRUPTED = """
    import os, signal, sys, threading
    from pathlib import Path
    from recordings.writer import Recording
    from tests.recordings.making import flow, frame, session
    with Recording.open(Path(sys.argv[1]), scribe=True) as recording:
        session(recording); flow(recording)
        recording.flush()
        scribe = recording._committer.process.pid
        os.kill(scribe, signal.SIGSTOP)  # a slow disk
        threading.Timer(0.3, os.kill, (os.getpid(), signal.SIGINT)).start()
        threading.Timer(0.6, os.kill, (scribe, signal.SIGCONT)).start()
        for number in range(5000):
            recording.append(1, frame(b"x" * 1000))
"""


@signals
def test_ctrl_c_while_it_is_closed_loses_nothing(tmp_path: Path) -> None:
    path = tmp_path / "a.db"
    with python(INTERRUPTED, path) as process:
        _, err = process.communicate(timeout=PATIENCE)
    assert "KeyboardInterrupt" in err
    assert not is_held(path)
    assert len(raws(path)) == 5000
    assert names(tmp_path) == ["a.db"]


def test_ids_that_leave_no_room_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.db"
    with Recording.open(path) as recording:
        session(recording)
        flow(recording)
        recording.append(1, frame())
    connection = sqlite3.connect(path)
    connection.execute(f"UPDATE frames SET id = {(1 << 63) - 2}")
    connection.commit()
    connection.close()
    with pytest.raises(UserError, match="no room for more ids: record to another file"):
        Recording.open(path)
    assert names(tmp_path) == ["a.db"]
