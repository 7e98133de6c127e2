"""What is made of something else is whole or not there; what was there before is unharmed."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from recordings.drafting import drafted
from recordings.errors import UserError
from recordings.model import Key
from recordings.writer import Recording
from tests.recordings.making import AT, flow, frame, names, python, rows, session

TABLES = ("sessions", "flows", "frames", "keys", "events", "notes")


def fill(recording: Recording) -> None:
    """One of everything."""
    session_id = session(recording)
    flow_id = flow(recording, session_id)
    frame_id = recording.append(flow_id, frame())
    recording.add_key(session_id, Key("k", b"1"), flow_id=flow_id, frame_id=frame_id)
    recording.add_event("odd", "of a flow", at=AT, flow_id=flow_id)
    recording.add_event("odd", "of a session", at=AT, session_id=session_id)
    recording.add_note("mine", session_id=session_id, at=AT)


def counts(path: Path) -> list[int]:
    return [rows(path, f"SELECT count(*) FROM {table}")[0][0] for table in TABLES]


@pytest.mark.parametrize("error", [KeyboardInterrupt, UserError])
def test_what_was_broken_off_leaves_nothing(tmp_path: Path, error: type[BaseException]) -> None:
    path = tmp_path / "a.db"
    with pytest.raises(error), drafted(path) as recording:  # noqa: PT012
        fill(recording)
        recording.flush()
        assert names(tmp_path)[0] == "a.db-part"
        raise error
    assert names(tmp_path) == []
    with drafted(path) as recording:
        fill(recording)
    assert names(tmp_path) == ["a.db"]
    assert counts(path) == [1, 1, 1, 1, 2, 1]


@pytest.mark.parametrize("scribe", [False, True])
def test_what_was_added_and_broken_off_is_taken_back(tmp_path: Path, scribe: bool) -> None:
    path = tmp_path / "a.db"
    with drafted(path) as recording:
        fill(recording)
    whole = [rows(path, f"SELECT * FROM {table}") for table in TABLES]
    with pytest.raises(KeyboardInterrupt), drafted(path, scribe=scribe) as recording:  # noqa: PT012
        fill(recording)
        raise KeyboardInterrupt
    assert [rows(path, f"SELECT * FROM {table}") for table in TABLES] == whole
    assert names(tmp_path) == ["a.db"]
    with drafted(path) as recording:
        fill(recording)
    assert counts(path) == [2, 2, 2, 2, 4, 2]
    assert rows(path, "SELECT frames FROM flows") == [(1,), (1,)]


KILLED = """
    import os, sys
    from pathlib import Path
    from recordings.drafting import drafted
    from tests.recordings.test_drafting import fill
    with drafted(Path(sys.argv[1])) as recording:
        fill(recording)
        recording.flush()
        os.kill(os.getpid(), 9)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="kill -9 is a signal")
def test_a_draft_of_one_that_was_killed_is_no_recording_and_begun_anew(tmp_path: Path) -> None:
    path = tmp_path / "a.db"
    with python(KILLED, path) as process:
        assert process.wait(20) == -9
    assert not path.exists()
    assert "a.db-part" in names(tmp_path)
    with drafted(path) as recording:
        assert recording.recovered is None
        fill(recording)
    assert names(tmp_path) == ["a.db"]
    assert counts(path)[0] == 1


def test_two_at_once_and_somebody_who_was_faster(tmp_path: Path) -> None:
    path = tmp_path / "a.db"
    faster = r"made by somebody else meanwhile: this one is .*a\.db-part"
    with pytest.raises(UserError, match=faster), drafted(path) as recording:  # noqa: PT012
        fill(recording)
        with pytest.raises(UserError, match="is being written by another"), drafted(path):
            pass
        path.write_bytes(b"mine")
    assert path.read_bytes() == b"mine"
    assert counts(tmp_path / "a.db-part")[0] == 1
