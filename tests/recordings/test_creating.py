from __future__ import annotations

import os
import shutil
import sqlite3
import sys
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from recordings import creating
from recordings.errors import UserError
from recordings.reader import Reader
from recordings.writer import Recording
from tests.recordings.making import AT, flow, frame, names, python, rows, session


def test_a_file_that_is_no_recording_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_bytes(b"dear diary, " * 500)
    with pytest.raises(UserError, match=r"a\.txt is not a recording: give the path of one"):
        Recording.open(path)
    assert path.read_bytes() == b"dear diary, " * 500
    assert names(tmp_path) == ["a.txt"]


def test_another_programs_database_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "a.db"
    connection = sqlite3.connect(path)
    connection.execute("CREATE TABLE frames (id)")
    connection.close()
    before = path.read_bytes()
    with pytest.raises(UserError, match="not a recording of Understudy's"):
        Recording.open(path)
    assert path.read_bytes() == before
    assert names(tmp_path) == ["a.db"]


def test_a_newer_format_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.db"
    Recording.open(path).close()
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA user_version = 2")
    connection.close()
    with pytest.raises(UserError, match=r"has format 2.* update Understudy"):
        Recording.open(path)
    with pytest.raises(UserError, match=r"has format 2.* update Understudy"):
        Reader.open(path)


def test_a_trigger_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.db"
    Recording.open(path).close()
    connection = sqlite3.connect(path)
    connection.execute("CREATE TRIGGER evil AFTER INSERT ON frames BEGIN DELETE FROM sessions; END")
    connection.close()
    with pytest.raises(UserError, match=r"has a trigger \(evil\)"):
        Recording.open(path)


def test_places_where_nothing_can_be_recorded(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"the folder .*nowhere does not exist: make it"):
        Recording.open(tmp_path / "nowhere" / "a.db")
    with pytest.raises(UserError, match="is a folder: give the path of a file"):
        Recording.open(tmp_path)


def test_an_empty_file_becomes_a_recording(tmp_path: Path) -> None:
    path = tmp_path / "a.db"
    path.touch()
    Recording.open(path).close()
    with Reader.open(path) as reader:
        assert reader.meta()["format"] == "1"


def test_a_making_that_is_broken_off_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken_off(connection: sqlite3.Connection) -> None:
        connection.execute("CREATE TABLE half (id)")
        raise KeyboardInterrupt

    monkeypatch.setattr(creating, "_migrate", broken_off)
    with pytest.raises(KeyboardInterrupt):
        Recording.open(tmp_path / "a.db")
    assert names(tmp_path) == []


def test_two_writers_on_one_file_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.db"
    link = tmp_path / "link.db"
    with Recording.open(path) as recording:
        session(recording)
        with pytest.raises(UserError, match="is being written by another Understudy"):
            Recording.open(path)
        if sys.platform != "win32":
            link.symlink_to(path)
            with pytest.raises(UserError, match="is being written by another Understudy"):
                Recording.open(link)
    Recording.open(path).close()


@pytest.fixture
def place() -> Iterator[Path]:
    """A folder that other users may enter."""
    with TemporaryDirectory() as name:
        Path(name).chmod(0o755)
        yield Path(name)


LIMITED = """
    import os, sys
    from pathlib import Path
    from recordings.errors import UserError
    from recordings.reader import Reader
    from recordings.writer import Recording

    path = Path(sys.argv[1])
    with Recording.open(Path(sys.argv[2], "first.db")) as recording:
        Reader.open(recording.path).close()  # imports what is imported late
    if os.getuid() == 0:
        os.setuid(65534)  # the rights of folders are nothing to root
    for place in (path, path.with_name("new.db")):
        try:
            Recording.open(place)
        except UserError as error:
            print(error)
    with Reader.open(path) as reader:
        print(reader.notice)
        print([frame.raw for frame in reader.frames()])
"""


@pytest.mark.skipif(not hasattr(os, "setuid"), reason="folders have no such rights on Windows")
@pytest.mark.parametrize("left", [(), ("-wal",), ("-wal", "-shm")])
def test_a_read_only_folder_can_be_read_but_not_recorded_to(
    place: Path, left: tuple[str, ...]
) -> None:
    folder = place / "medium"
    folder.mkdir()
    path = folder / "a.db"
    with Recording.open(place / "a.db") as recording:
        session(recording)
        flow(recording)
        recording.append(1, frame())
        recording.flush()
        for end in ("", *left):
            shutil.copy(f"{recording.path}{end}", f"{path}{end}")
    if not left:
        shutil.copy(recording.path, path)
        connection = sqlite3.connect(path)
        connection.execute("PRAGMA journal_mode = WAL")
        connection.close()
    for one in folder.iterdir():
        one.chmod(0o444)
    folder.chmod(0o555)
    try:
        with python(LIMITED, path, place) as process:
            out, err = process.communicate(timeout=20)
    finally:
        folder.chmod(0o755)
    assert process.returncode == 0, err
    lines = out.splitlines()
    assert "a.db may not be written: see to its rights" in lines[0]
    assert "medium may not be written: see to its rights" in lines[1]
    assert "was cut off" in lines[2] if left else lines[2] == "None"
    assert lines[3] == "[b'raw']"


WRITE_FOR_EVER = """
    import itertools, sys, time
    from pathlib import Path
    from recordings.writer import Recording
    from tests.recordings.making import flow, frame, session

    recording = Recording.open(Path(sys.argv[1]))
    flow(recording, session(recording))
    flow_id = recording._last["flows"]
    for number in itertools.count(1):
        frame_id = recording.append(flow_id, frame(b"x" * 60, at=time.time_ns() // 1000))
        if number % 100 == 0:
            time.sleep(0.001)
            sys.stdout.write(f"{time.monotonic()} {frame_id}\\n")
            sys.stdout.flush()
"""


MARGIN = 0.15
"""Seconds; the promise is 0.1, but the machine may be busy with other tests."""


def test_a_killed_writer_loses_nothing_older_than_a_moment(tmp_path: Path) -> None:
    path = tmp_path / "a.db"
    kept = 0
    for turn in range(6):
        with python(WRITE_FOR_EVER, path) as process:
            assert process.stdout is not None
            given: list[tuple[float, int]] = []
            while not given or given[-1][0] - given[0][0] < 0.3 + 0.03 * turn:
                at, frame_id = process.stdout.readline().split()
                given.append((float(at), int(frame_id)))
            process.kill()
            *lines, _ = process.stdout.read().split("\n")
        given += [(float(at), int(number)) for at, number in map(str.split, lines)]
        safe = max(frame_id for at, frame_id in given if at < given[-1][0] - MARGIN)
        assert safe > kept
        with Recording.open(path) as recording:
            assert "had been cut off" in (recording.recovered or "")
        ((kept, numbers),) = rows(path, "SELECT max(id), count(*) FROM frames")
        assert kept >= safe
        assert kept == numbers
        assert names(tmp_path) == ["a.db"]
    assert rows(path, "PRAGMA integrity_check") == [("ok",)]
    assert rows(path, "SELECT sum(frames) FROM flows") == [(kept,)]


def test_what_was_open_is_closed_at_its_last_frame(tmp_path: Path) -> None:
    path, copy = tmp_path / "a.db", tmp_path / "copy.db"
    with Recording.open(path) as recording:
        session(recording)
        flow(recording)
        flow(recording, opened_at=AT + 3)
        recording.append(1, frame(at=AT + 8))
        done = flow(recording)
        recording.close_flow(done, AT + 2, "fin")
        recording.flush()
        for end in ("", "-wal"):
            shutil.copy(f"{path}{end}", f"{copy}{end}")
    with Reader.open(copy) as reader:
        assert reader.notice == "copy.db was cut off while it was being written: " + (
            "this is what was saved"
        )
        assert reader.sessions()[0].frames == 1
    with Recording.open(copy) as recording:
        assert recording.recovered == (
            "copy.db had been cut off: it holds 1 frames, the last at 2026-11-18T11:06:40.000008Z;"
            " 2 flows and 1 session that were open have been closed there"
        )
    assert rows(copy, "SELECT closed_at, close_reason FROM flows") == [
        (AT + 8, "cut off"),
        (AT + 3, "cut off"),
        (AT + 2, "fin"),
    ]
    assert rows(copy, "SELECT ended_at FROM sessions") == [("2026-11-18T11:06:40.000008Z",)]
    assert rows(copy, "SELECT kind, detail FROM events") == [("recovered", recording.recovered)]
    with Recording.open(copy) as recording:
        assert recording.recovered is None
