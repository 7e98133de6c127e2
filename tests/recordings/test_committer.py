"""What happens when writing fails: recording stops at once, loudly, and nobody waits for ever."""

from __future__ import annotations

import sqlite3
import sys
import threading
from pathlib import Path

import pytest

from recordings.committer import Committer
from recordings.reader import Reader
from recordings.writer import Recording, RecordingFailed
from tests.recordings.making import flow, frame, names, python, rows, session


class Told:
    """Collects what `on_failed` says."""

    def __init__(self, recording: Recording) -> None:
        self.sentences: list[str] = []
        self.event = threading.Event()
        recording.on_failed = self

    def __call__(self, sentence: str) -> None:
        self.sentences.append(sentence)
        self.event.set()


@pytest.fixture
def recording(tmp_path: Path) -> Recording:
    recording = Recording.open(tmp_path / "a.db")
    session(recording)
    flow(recording)
    recording.append(1, frame(b"first"))
    recording.flush()
    return recording


def test_frames_of_another_program_stop_the_recording(recording: Recording) -> None:
    told = Told(recording)
    other = sqlite3.connect(recording.path)
    other.execute("INSERT INTO frames (id, flow_id, number, direction, at) VALUES (2,1,2,'c>s',0)")
    other.commit()
    other.close()
    recording.append(1, frame(b"second"))
    assert told.event.wait(5)
    (sentence,) = told.sentences
    assert "another program has written frames into it: record to another file" in sentence
    assert recording.failed == sentence
    with pytest.raises(RecordingFailed, match="has stopped"):
        recording.append(1, frame())
    with pytest.raises(RecordingFailed, match="has stopped"):
        recording.flush()
    assert recording.queued == 0
    assert not recording.congested
    recording.close()
    assert told.sentences == [sentence]
    assert rows(recording.path, "SELECT count(*) FROM frames") == [(2,)]
    assert "a.db-lock" not in names(recording.path.parent)


@pytest.mark.skipif(sys.platform == "win32", reason="Windows moves no file that is open")
@pytest.mark.parametrize("deleted", [False, True])
def test_a_file_that_is_lost_is_noticed(recording: Recording, deleted: bool) -> None:
    told = Told(recording)
    elsewhere = recording.path.with_name("moved.db")
    if deleted:
        recording.path.unlink()
    else:
        recording.path.rename(elsewhere)
    recording.append(1, frame(b"second"))
    assert told.event.wait(5)
    assert "was moved, deleted or replaced while it was being written" in told.sentences[0]
    recording.close()
    if not deleted:
        with Reader.open(elsewhere) as reader:
            assert [one.raw for one in reader.frames()] == [b"first", b"second"]
        with Recording.open(elsewhere) as again:
            assert "had been cut off: it holds 2 frames" in (again.recovered or "")


def test_a_failure_while_closing_is_raised(recording: Recording) -> None:
    assert isinstance(recording._committer, Committer)
    recording._committer._connection.execute("DROP TABLE sessions")
    with pytest.raises(RecordingFailed, match="no such table: sessions"):
        recording.close()
    recording.close()


def test_nobody_who_flushes_waits_for_ever(recording: Recording) -> None:
    assert isinstance(recording._committer, Committer)
    recording._committer._connection.execute("DROP TABLE frames")
    recording.append(1, frame())
    with pytest.raises(RecordingFailed, match="start again with a new file"):
        recording.flush()
    recording.close()


FULL = """
    import resource, sys, threading
    from pathlib import Path
    from recordings.errors import UserError
    from recordings.writer import Recording
    from tests.recordings.making import flow, frame, session

    told = threading.Event()
    recording = Recording.open(Path(sys.argv[1]))
    recording.on_failed = lambda sentence: (print(sentence), told.set())
    session(recording); flow(recording); recording.append(1, frame(b"safe")); recording.flush()
    resource.setrlimit(resource.RLIMIT_FSIZE, (400_000, 400_000))
    try:
        for _ in range(2000):
            recording.append(1, frame(b"x" * 1000))
        recording.flush()
    except UserError as error:
        print(type(error).__name__)
    assert told.wait(5)
    recording.close()
"""


def test_a_full_disk_stops_the_recording(tmp_path: Path) -> None:
    pytest.importorskip("resource", reason="this system cannot limit the size of a file")
    path = tmp_path / "a.db"
    with python(FULL, path) as process:
        out, err = process.communicate(timeout=20)
    assert process.returncode == 0, err
    assert "RecordingFailed" in out
    assert f"recording to {path.resolve()} has stopped: the disk" in out
    with Recording.open(path) as recording:
        assert "had been cut off" in (recording.recovered or "")
    assert rows(path, "SELECT raw FROM frames WHERE id = 1") == [(b"safe",)]
    ((frames, last),) = rows(path, "SELECT count(*), max(number) FROM frames")
    assert frames == last
