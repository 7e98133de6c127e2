"""The process that writes a recording: what it finds out, and what happens when somebody dies."""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from recordings import courier
from recordings.courier import Courier
from recordings.errors import UserError
from recordings.ledger import ADD_FLOW
from recordings.lock import is_held
from recordings.model import Direction
from recordings.reader import Reader
from recordings.writer import Recording, RecordingFailed
from tests.recordings.making import flow, frame, names, python, rows, session

PLACE = "tests.recordings.scribbling:Reader"
PATIENCE = 20.0

signals = pytest.mark.skipif(sys.platform == "win32", reason="kill -9 and the like are signals")


def until(true: Callable[[], bool]) -> None:
    end = time.monotonic() + PATIENCE
    while not true():
        assert time.monotonic() < end, "it does not come true"
        time.sleep(0.01)


def scribe_of(recording: Recording) -> int:
    assert isinstance(recording._committer, Courier)
    return recording._committer.process.pid


@pytest.fixture
def recording(tmp_path: Path) -> Iterator[Recording]:
    recording = Recording.open(
        tmp_path / "a.db", scribe=True, annotator=PLACE, queue_limit=1_000_000
    )
    session(recording)
    flow(recording)
    recording.append(1, frame(b"chat:first"))
    recording.flush()
    yield recording
    try:
        recording.close()
    except RecordingFailed:
        assert recording.failed


class Told:
    """Collects what `on_failed` says."""

    def __init__(self, recording: Recording) -> None:
        self.sentences: list[str] = []
        self.event = threading.Event()
        recording.on_failed = self

    def __call__(self, sentence: str) -> None:
        self.sentences.append(sentence)
        self.event.set()


def test_frames_without_a_kind_are_annotated_there(recording: Recording) -> None:
    opaque: list[tuple[int, int, str]] = []
    recording.on_opaque = lambda *found: opaque.append(found)
    recording.append(1, frame(b"odd", derived={"checks": {"x": "ok"}}))
    recording.append(1, frame(b"odd"))
    recording.append(1, frame(b"odd too", error="known already"))
    recording.append(1, frame(b"login:bob", kind="ours", fields="{}"))
    recording.append(1, frame(b"chat:last"))
    recording.flush()
    assert recording.annotates
    assert rows(recording.path, "SELECT kind, fields, error, derived FROM frames") == [
        ("chat", '{"raw-tcp":"first"}', None, None),
        ("Opaque", None, "odd has no colon", '{"checks":{"x":"ok"}}'),
        ("Opaque", None, "odd has no colon", None),
        ("Opaque", None, "known already", None),
        ("ours", "{}", None, None),
        ("chat", '{"raw-tcp":"last"}', None, None),
    ]
    assert opaque == [(1, 2, "odd has no colon")]
    recording.close()
    assert recording.errors == 2


def test_an_annotator_that_fails_stops_nothing(recording: Recording) -> None:
    recording.append(1, frame(b"boom"))
    recording.append(1, frame(b"chat:on"))
    recording.flush()
    found = rows(recording.path, "SELECT kind, error FROM frames WHERE id > 1")
    assert found == [(None, "RuntimeError: a defect"), ("chat", None)]


def test_datagrams_are_dissected_there_in_their_order(recording: Recording) -> None:
    opaque: list[tuple[int, int, str]] = []
    recording.on_opaque = lambda *found: opaque.append(found)
    flow(recording)
    for flow_id, raw in ((1, b"a:1"), (2, b"b:1"), (1, b"odd"), (1, b"boom"), (2, b"b:2")):
        recording.append_unread(flow_id, Direction.TO_CLIENT, 7, raw)
    recording.close_flow(2, 9, "idle")
    recording.flush()
    select = "SELECT flow_id, number, at, direction, raw, kind, error, derived FROM frames"
    assert rows(recording.path, f"{select} WHERE id > 1") == [
        (1, 2, 7, "s>c", b"a:1", "a", None, '{"count":1}'),
        (2, 1, 7, "s>c", b"b:1", "b", None, '{"count":1}'),
        (1, 3, 7, "s>c", b"odd", "Opaque", "odd has no colon", '{"count":2}'),
        (1, 4, 7, "s>c", b"boom", None, "RuntimeError: a defect", None),
        (2, 2, 7, "s>c", b"b:2", "b", None, '{"count":2}'),
    ]
    assert [found[:2] for found in opaque] == [(1, 4), (1, 5)]
    recording.append_unread(2, Direction.TO_CLIENT, 9, b"late:1")  # its flow is over: counts anew
    recording.flush()
    assert rows(recording.path, "SELECT flow_id, number, raw FROM frames WHERE id = 7") == [
        (2, 3, b"late:1")
    ]


def test_what_is_derived_may_be_anything(recording: Recording) -> None:
    recording.append(1, frame(b"a:1", derived={"x": {1, 2}}))
    recording.append(1, frame(b"a:2", derived={"x": recording}))
    recording.flush()
    found = rows(recording.path, "SELECT derived FROM frames WHERE id > 1")
    assert found[0] == ('{"x":[1,2]}',)
    assert "Recording object" in found[1][0]


def test_a_recording_that_cannot_be_opened_is_refused(tmp_path: Path, recording: Recording) -> None:
    with pytest.raises(UserError, match="does not exist: make it"):
        Recording.open(tmp_path / "no" / "a.db", scribe=True)
    with pytest.raises(UserError, match="is being written by another Understudy"):
        Recording.open(recording.path, scribe=True)


def test_a_scribe_that_cannot_be_started_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "executable", str(tmp_path / "python"))
    with pytest.raises(UserError, match="that writes the recording cannot be started"):
        Recording.open(tmp_path / "a.db", scribe=True)


@signals
def test_a_scribe_that_is_killed_stops_the_recording_loudly(recording: Recording) -> None:
    told = Told(recording)
    os.kill(scribe_of(recording), signal.SIGKILL)
    assert told.event.wait(PATIENCE)
    (sentence,) = told.sentences
    assert "has stopped: the process that writes it has ended (-9): start again" in sentence
    with pytest.raises(RecordingFailed, match="has stopped"):
        recording.append(1, frame())
    with pytest.raises(RecordingFailed, match="has stopped"):
        recording.flush()
    assert recording.queued == 0
    recording.close()
    assert told.sentences == [sentence]
    with Recording.open(recording.path) as again:
        assert "had been cut off: it holds 1 frames" in (again.recovered or "")


def test_a_defect_of_the_scribe_is_loud_and_costs_nothing_before_it(recording: Recording) -> None:
    told = Told(recording)
    for number in range(10):
        recording.append(1, frame(b"n:%d" % number))
    recording._order(ADD_FLOW, ())  # a flow without an id
    assert told.event.wait(PATIENCE)
    assert "has stopped: IndexError(" in told.sentences[0]
    recording.close()
    assert rows(recording.path, "SELECT count(*) FROM frames WHERE kind = 'n'") == [(10,)]
    assert rows(recording.path, "SELECT close_reason FROM flows") == [("cut off",)]


@signals
def test_nobody_who_flushes_waits_for_a_dead_scribe(recording: Recording) -> None:
    pid = scribe_of(recording)
    os.kill(pid, signal.SIGSTOP)
    recording.append(1, frame())
    threading.Timer(0.2, os.kill, (pid, signal.SIGKILL)).start()
    with pytest.raises(RecordingFailed, match="has ended"):
        recording.flush()


@signals
def test_a_slow_scribe_congests_and_relieves(recording: Recording) -> None:
    relieved = threading.Event()
    recording.on_relieved = relieved.set
    pid = scribe_of(recording)
    os.kill(pid, signal.SIGSTOP)
    try:
        given = 1
        while not recording.congested:
            recording.append(1, frame(b"x:" + b"y" * 10_000))
            given += 1
            assert given < 1000
        assert not relieved.wait(0.1)
    finally:
        os.kill(pid, signal.SIGCONT)
    assert relieved.wait(PATIENCE)
    recording.flush()
    assert not recording.congested
    assert rows(recording.path, "SELECT count(*), max(number) FROM frames") == [(given, given)]


@signals
def test_a_scribe_that_does_not_get_on_is_said_once(
    recording: Recording, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(courier, "SLOW_SECONDS", 0.1)
    told = Told(recording)
    recording.on_failed, recording.on_warned = None, told
    pid = scribe_of(recording)
    os.kill(pid, signal.SIGSTOP)
    recording.append(1, frame(b"n:2"))
    assert told.event.wait(PATIENCE)
    recording.append(1, frame(b"n:3"))
    os.kill(pid, signal.SIGCONT)
    recording.close()
    (sentence,) = told.sentences
    assert sentence.startswith(f"nothing could be written to {recording.path} for 0 s (does its")
    assert rows(recording.path, "SELECT count(*) FROM frames") == [(3,)]


RECORDER = """
    import sys, time
    from pathlib import Path
    from recordings.writer import Recording
    from tests.recordings.making import flow, frame, session
    recording = Recording.open(Path(sys.argv[1]), scribe=True, annotator=sys.argv[2])
    session(recording); flow(recording)
    for number in range(3000):
        recording.append(1, frame(b"n:%d" % number))
    print(recording._committer.process.pid, flush=True)
    time.sleep(float(sys.argv[3]))
    for number in range(5):
        recording.append(1, frame(b"late"))
    print("late", flush=True)
    time.sleep(60)
"""


@signals
def test_what_a_killed_recorder_gave_is_written_and_the_file_closed(tmp_path: Path) -> None:
    path = tmp_path / "a.db"
    with python(RECORDER, path, PLACE, 0.1) as process:
        assert process.stdout
        process.stdout.readline()
        assert process.stdout.readline() == "late\n"
        process.kill()
    until(lambda: not is_held(path))
    ((kept,),) = rows(path, "SELECT count(*) FROM frames WHERE kind = 'n'")
    assert kept == 3000
    assert names(tmp_path) == ["a.db"]
    assert rows(path, "SELECT close_reason FROM flows") == [("cut off",)]
    assert rows(path, "SELECT kind, detail FROM events") == [
        ("cut off", "the recorder ended without closing: what it had sent here is written")
    ]
    with Recording.open(path) as again:
        assert again.recovered is None


@signals
def test_when_both_are_killed_nothing_old_is_lost(tmp_path: Path) -> None:
    path = tmp_path / "a.db"
    with python(RECORDER, path, PLACE, 1.0) as process:
        assert process.stdout
        scribe = int(process.stdout.readline())
        assert process.stdout.readline() == "late\n"
        os.kill(scribe, signal.SIGKILL)
        process.kill()
    with Recording.open(path) as again:
        assert "had been cut off" in (again.recovered or "")
    with Reader.open(path) as reader:
        assert [one.raw for one in reader.frames()][:3000] == [b"n:%d" % n for n in range(3000)]


def fill(recording: Recording) -> None:
    for _ in range(2000):
        recording.append(1, frame(b"x:" + b"x" * 1000))
    recording.flush()


def test_a_full_disk_stops_the_recording(recording: Recording) -> None:
    resource = pytest.importorskip("resource", reason="this system limits no file sizes")
    if not hasattr(resource, "prlimit"):
        pytest.skip("this system limits no other process")
    told = Told(recording)
    resource.prlimit(scribe_of(recording), resource.RLIMIT_FSIZE, (400_000, 400_000))
    with pytest.raises(RecordingFailed, match="has stopped: the disk"):
        fill(recording)
    assert told.event.wait(PATIENCE)
    recording.close()
    until(lambda: not is_held(recording.path))
    ((frames, last),) = rows(recording.path, "SELECT count(*), max(number) FROM frames")
    assert frames == last >= 1


@signals
def test_a_scribe_hears_no_ctrl_c(recording: Recording) -> None:
    pid = scribe_of(recording)
    assert os.getsid(pid) != os.getsid(0)
    for one in (signal.SIGINT, signal.SIGTERM):
        os.kill(pid, one)
    recording.append(1, frame(b"n:2"))
    recording.flush()
    assert rows(recording.path, "SELECT count(*) FROM frames") == [(2,)]
