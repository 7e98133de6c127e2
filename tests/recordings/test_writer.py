from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from recordings.committer import Committer
from recordings.model import Action, Direction, Frame, Key, Origin
from recordings.reader import Reader
from recordings.statements import SHORT
from recordings.writer import Recording
from tests.recordings.making import (
    AT,
    TO_CLIENT,
    TO_SERVER,
    flow,
    frame,
    names,
    python,
    rows,
    session,
)

Open = Callable[[Path], Recording]


@pytest.fixture(params=[False, True], ids=["thread", "scribe"])
def opened(request: pytest.FixtureRequest) -> Open:
    """Opens a recording that a thread writes, or a process of its own."""
    scribe: bool = request.param
    return lambda path: Recording.open(path, scribe=scribe)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "a.db"


def test_a_frame_comes_back_as_it_was(path: Path, opened: Open) -> None:
    given = Frame(
        Direction.TO_CLIENT,
        AT + 5,
        b"\0wire",
        plain=b"plain",
        cipher="ssc2",
        error="checksum WRONG",
        protocol="kaillera",
        derived={"checks": {"CRC": "ok"}},
        sent=b"sent",
        action=Action.CHANGED,
        kind="Chat",
        fields='{"text":"h\u00e9"}',
    )
    with opened(path) as recording:
        session(recording)
        flow(recording)
        assert recording.append(flow(recording), given) == 1
        assert (given.id, given.number, given.flow_id) == (1, 1, 2)
    with Reader.open(path) as reader:
        assert reader.frame(1) == given
        assert list(reader.frames()) == [given]
        assert reader.frame(2) is None


def test_an_empty_datagram_differs_from_an_inserted_frame(path: Path, opened: Open) -> None:
    with opened(path) as recording:
        session(recording)
        flow(recording)
        recording.append(1, frame(b""))
        recording.append(1, frame(None, sent=b"ours", action=Action.INSERTED))
    assert rows(path, "SELECT raw, sent, action FROM frames") == [
        (b"", None, None),
        (None, b"ours", "inserted"),
    ]


def test_numbers_count_per_flow_and_ids_over_all(path: Path, opened: Open) -> None:
    with opened(path) as recording:
        session(recording)
        one, two = flow(recording), flow(recording)
        given = [recording.append(at, frame()) for at in (one, two, one, one, two)]
    assert given == [1, 2, 3, 4, 5]
    found = rows(path, "SELECT flow_id, number FROM frames ORDER BY id")
    assert found == [(1, 1), (2, 1), (1, 2), (1, 3), (2, 2)]


def test_a_recording_is_appended_to(path: Path, opened: Open) -> None:
    for _ in range(3):
        with opened(path) as recording:
            assert recording.recovered is None
            flow_id = flow(recording, session(recording))
            recording.append(flow_id, frame())
            if flow_id > 1:
                late = frame()
                recording.append(1, late)
                assert late.number == flow_id
    assert rows(path, "SELECT id FROM sessions") == [(1,), (2,), (3,)]
    assert rows(path, "SELECT id, frames FROM flows") == [(1, 3), (2, 1), (3, 1)]
    assert len(rows(path, "SELECT DISTINCT uid FROM sessions")) == 3


def test_a_late_frame_of_a_closed_flow_goes_on_counting(path: Path, opened: Open) -> None:
    with opened(path) as recording:
        session(recording)
        flow(recording)
        recording.append(1, frame())
        recording.close_flow(1, AT + 9, "fin")
        late = frame()
        recording.append(1, late)
        assert late.number == 2
        recording.close_flow(1, AT + 9, "fin")
        assert recording.number_of(1) == 0  # what is over takes no room
        with pytest.raises(ValueError, match="has no flow 7"):
            recording.append(7, frame())
    assert rows(path, "SELECT closed_at, close_reason FROM flows") == [(AT + 9, "fin")]


def test_flows_carry_their_sums(path: Path, opened: Open) -> None:
    with opened(path) as recording:
        session(recording)
        flow(recording)
        flow(recording)
        recording.append(1, frame(b"12345", at=AT + 1))
        recording.append(1, frame(b"123", TO_CLIENT, at=AT + 2))
        recording.append(1, frame(None, TO_CLIENT, sent=b"123456", at=AT + 3))
        recording.flush()
        with Reader.open(path) as reader:  # counted by the reader until the writer has
            live = reader.flows()
    with Reader.open(path) as reader:
        closed = reader.flows()
        (total,) = reader.sessions()
    for first, second in (live, closed):
        assert (first.frames, first.bytes_up, first.bytes_down) == (3, 5, 3)
        assert (first.first_at, first.last_at) == (AT + 1, AT + 3)
        assert (second.frames, second.first_at) == (0, None)
    assert (total.flows, total.frames, total.bytes_up, total.bytes_down) == (2, 3, 5, 3)


def test_a_clean_close_leaves_one_file_and_nothing_open(path: Path, opened: Open) -> None:
    with opened(path) as recording:
        session(recording)
        flow(recording)
        recording.append(1, frame(at=AT + 4))
        recording.flush()
        assert "a.db-wal" in names(path.parent)
    recording.close()
    assert names(path.parent) == ["a.db"]
    assert rows(path, "PRAGMA journal_mode") == [("delete",)]
    assert rows(path, "SELECT closed_at, close_reason FROM flows") == [(AT + 4, "recording closed")]
    assert rows(path, "SELECT ended_at FROM sessions") == [("2026-11-18T11:06:40.000004Z",)]
    with pytest.raises(ValueError, match="is closed"):
        session(recording)


def test_rows_are_written_in_groups(path: Path) -> None:
    with Recording.open(path) as recording:
        session(recording)
        flow(recording)
        recording.flush()
        statements: list[str] = []
        assert isinstance(recording._committer, Committer)
        recording._committer._connection.set_trace_callback(statements.append)
        for _ in range(5000):
            recording.append(1, frame(b"x" * 60))
        recording.flush()
        inserts = [one for one in statements if "INSERT INTO frames" in one]
        groups = statements.count("COMMIT")
    assert 5 <= groups <= 12
    assert 5000 / SHORT <= len(inserts) <= 5000 / SHORT + groups
    assert rows(path, "SELECT count(*), max(number) FROM frames") == [(5000, 5000)]


def test_a_row_is_committed_without_being_asked(path: Path, opened: Open) -> None:
    with opened(path) as recording:
        session(recording)
        flow(recording)
        recording.append(1, frame())
        waited = threading.Event()
        for _ in range(100):
            if recording.queued == 0:
                break
            waited.wait(0.02)
        assert rows(path, "SELECT count(*) FROM frames") == [(1,)]


def test_every_other_row_is_written(path: Path, opened: Open) -> None:
    with opened(path) as recording:
        session_id = recording.add_session(
            game=None, client="192.0.2.2", origin=Origin.IMPORT, note="n", uid="u", at=AT
        )
        flow(recording, parent_frame_id=None, hostname="host")
        frame_id = recording.append(1, frame())
        key = Key("skey", b"\1\2", "ssc2", TO_SERVER, "given")
        recording.add_key(session_id, key, flow_id=1, frame_id=frame_id)
        recording.add_event("fault", "lost", at=AT, session_id=session_id, flow_id=1)
        recording.add_note("look here", frame_id=frame_id, session_id=session_id, at=AT)
        recording.keep(session_id, "toy", "a", "1")
        recording.keep(session_id, "toy", "a", "2")
        recording.keep(None, "toy", "b", "3")
        recording.keep(None, "toy", "b", None)
        recording.end_session(session_id, at=AT + 1_000_000)
    with Reader.open(path) as reader:
        (one,) = reader.sessions()
        assert (one.uid, one.origin, one.note, one.game) == ("u", "import", "n", None)
        assert one.started_at == "2026-11-18T11:06:40.000000Z"
        assert one.ended_at == "2026-11-18T11:06:41.000000Z"
        (stored,) = reader.keys(session_id)
        assert (stored.key, stored.cipher, stored.direction) == (b"\1\2", "ssc2", "c>s")
        assert (stored.flow_id, stored.frame_id, stored.source) == (1, frame_id, "given")
        assert [event.kind for event in reader.events(1)] == ["fault"]
        assert [note.text for note in reader.notes()] == ["look here"]
        assert reader.keys(2) == []
        assert reader.state(session_id, "toy") == {"a": "2"}
        assert reader.state(None, "toy") == {}
        assert reader.flows(1)[0].hostname == "host"


def test_annotating_leaves_what_came_over_the_wire(path: Path, opened: Open) -> None:
    with opened(path) as recording:
        session(recording)
        flow(recording)
        one = frame(b"raw", error="no key")
        recording.append(1, one)
        one.raw, one.plain, one.error, one.kind = b"changed", b"plain", None, "login"
        one.derived = {"slot": 3}
        recording.annotate(one)
    found = rows(path, "SELECT raw, plain, error, kind, derived FROM frames")
    assert found == [(b"raw", b"plain", None, "login", '{"slot":3}')]


def test_the_queue_tells_when_it_is_full_and_when_it_is_relieved(path: Path) -> None:
    relieved = threading.Event()
    calls: list[int] = []

    def relieve() -> None:
        calls.append(recording.queued)
        relieved.set()

    with Recording.open(path, queue_limit=100_000) as recording:
        recording.on_relieved = relieve
        session(recording)
        flow(recording)
        recording.flush()
        assert not recording.congested
        gate = threading.Event()
        assert isinstance(recording._committer, Committer)
        recording._committer._connection.set_progress_handler(lambda: 0 * gate.wait(5), 1)
        before = recording.queued
        recording.append(1, Frame(Direction.TO_SERVER, AT, b"x" * 5, plain=b"y" * 9, sent=b"z" * 7))
        bare = recording.queued - before
        recording.append(1, Frame(Direction.TO_SERVER, AT, b""))
        held = 2 * bare - (recording.queued - before)
        while not recording.congested:
            recording.append(1, frame(b"x" * 10_000))
        assert recording.queued > 100_000
        assert not relieved.is_set()
        gate.set()
        assert held == 21  # what a frame holds counts
        assert relieved.wait(5)
        assert calls[0] <= 50_000
        recording.flush()
        assert not recording.congested
        assert len(calls) == 1


def test_what_sqlite_cannot_store_is_mended(path: Path, opened: Open) -> None:
    with opened(path) as recording:
        session(recording)
        flow(recording)
        for one in (
            frame(b"1"),
            frame(b"2", error="half \ud800"),
            frame(b"3", kind="x", fields='{"broken'),
            frame(b"4", derived={"x": {1, 2}}),
        ):
            recording.append(1, one)
        recording.add_event("odd", "\udc80", at=AT)
    assert rows(path, "SELECT raw, error, kind, fields, derived FROM frames") == [
        (b"1", None, None, None, None),
        (b"2", "half \\ud800", None, None, None),
        (b"3", None, "x", None, None),
        (b"4", None, None, None, '{"x":[1,2]}'),
    ]
    with Reader.open(path) as reader:
        warning, odd = reader.events()
        assert (warning.kind, warning.frame_id) == ("warning", 3)
        assert odd.detail == "\\udc80"


def test_any_name_of_a_file_will_do(tmp_path: Path) -> None:
    path = tmp_path / "50% of #1 & more.db"
    with Recording.open(path) as recording:
        session(recording)
        recording.flush()
        with Reader.open(path) as reader:
            assert len(reader.sessions()) == 1
            assert "is being written" in (reader.notice or "")
    assert names(tmp_path) == [path.name]


FORGETFUL = """
    import sys
    from pathlib import Path
    from recordings.writer import Recording
    from tests.recordings.making import flow, frame, session
    recording = Recording.open(Path(sys.argv[1]), scribe=sys.argv[2] == "True")
    flow(recording, session(recording))
    recording.append(1, frame())
    raise SystemExit("forgot to close")
"""


@pytest.mark.parametrize("scribe", [False, True])
def test_a_program_that_forgets_to_close_loses_nothing(path: Path, scribe: bool) -> None:
    with python(FORGETFUL, path, scribe) as process:
        _, err = process.communicate(timeout=20)
    assert err == "forgot to close\n"
    assert names(path.parent) == ["a.db"]
    assert rows(path, "SELECT frames, close_reason FROM flows") == [(1, "recording closed")]


def test_another_program_may_write_meanwhile(path: Path, opened: Open) -> None:
    import sqlite3

    with opened(path) as recording:
        session(recording)
        flow(recording)
        recording.flush()
        other = sqlite3.connect(path)
        other.execute("INSERT INTO notes (text, created_at) VALUES ('mine', '')")
        recording.append(1, frame())
        other.commit()
        other.close()
        recording.flush()
    assert rows(path, "SELECT text FROM notes") == [("mine",)]
    assert rows(path, "SELECT count(*) FROM frames") == [(1,)]


@settings(max_examples=20)
@given(
    st.lists(
        st.lists(st.tuples(st.integers(1, 3), st.sampled_from(Direction), st.binary(max_size=50))),
        min_size=1,
        max_size=3,
    )
)
def test_each_direction_of_a_flow_comes_back_byte_for_byte(
    sittings: list[list[tuple[int, Direction, bytes]]],
) -> None:
    given_bytes: dict[tuple[int, Direction], list[bytes]] = {}
    with TemporaryDirectory() as folder:
        path = Path(folder, "a.db")
        for sitting in sittings:  # the file is closed and opened again between them
            with Recording.open(path) as recording:
                if not given_bytes:
                    session(recording)
                while recording._last["flows"] < 3:
                    flow(recording)
                for flow_id, direction, raw in sitting:
                    recording.append(flow_id, frame(raw, direction))
                    given_bytes.setdefault((flow_id, direction), []).append(raw)
        with Reader.open(path) as reader:
            found: dict[tuple[int, Direction], list[bytes | None]] = {}
            for one in reader.frames():
                found.setdefault((one.flow_id, one.direction), []).append(one.raw)
            numbers = {
                number: [one.number for one in reader.frames(flow_id=number)]
                for number in (1, 2, 3)
            }
            counted = {row.id: row.frames for row in reader.flows()}
    assert found == given_bytes
    for flow_id, there in numbers.items():
        assert there == list(range(1, counted[flow_id] + 1))
