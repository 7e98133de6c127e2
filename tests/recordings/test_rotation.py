"""A recording that goes on in further files: nothing is lost, nothing is there twice."""

from __future__ import annotations

from pathlib import Path

import pytest

from recordings.errors import UserError
from recordings.model import Direction, Frame, Key, Origin, Transport
from recordings.rotation import Limit, Rotating, paths, read_limit
from recordings.writer import Recording
from tests.running import rows

UP = Direction.TO_SERVER


def _flow(recording: Rotating, session: int, client: str, parent: int | None = None) -> int:
    return recording.add_flow(
        session_id=session,
        protocol="raw-udp",
        transport=Transport.UDP,
        client=client,
        server="192.0.2.1:7",
        parent_frame_id=parent,
        opened_at=5,
    )


def test_what_is_open_goes_along(tmp_path: Path) -> None:
    recording = Rotating(Recording.open(tmp_path / "evening.understudy.db"))
    over = recording.add_session(game="g", client="192.0.2.5", origin=Origin.RECORD)
    going = recording.add_session(game="g", client="192.0.2.6", origin=Origin.RECORD, note="n")
    closed = _flow(recording, over, "192.0.2.5:1")
    first = recording.append(closed, Frame(UP, 10, b"closed"))
    recording.close_flow(closed, 11, "idle")
    recording.end_session(over)
    opened = _flow(recording, over, "192.0.2.6:2", parent=first)
    recording.move_flow(opened, going)
    recording.add_key(going, Key("skey", b"secret", "ssc2"), flow_id=opened)
    late = Frame(UP, 12, b"late")
    recording.append(opened, late)
    before = recording.rotate(recording.open_next())
    assert recording.append(opened, Frame(UP, 13, b"next")) == late.id + 1
    late.sent = b"sent later"
    recording.forwarded(late)
    another = _flow(recording, going, "192.0.2.6:3")
    assert another == opened + 1
    recording.append(another, Frame(UP, 14, b"new"))
    before.close()
    recording.forwarded(late)  # too late now, and harmless
    recording.close()
    one, two = tmp_path / "evening.understudy.db", tmp_path / "evening.2.understudy.db"
    sql = "SELECT id, flow_id, number, raw FROM frames ORDER BY id"
    assert [tuple(row) for row in rows(one, sql) + rows(two, sql)] == [
        (1, closed, 1, b"closed"),
        (2, opened, 1, b"late"),
        (3, opened, 2, b"next"),
        (4, another, 1, b"new"),
    ]
    sql = "SELECT id, uid, started_at, note FROM sessions WHERE client = '192.0.2.6'"
    assert [tuple(r) for r in rows(one, sql)] == [tuple(r) for r in rows(two, sql)]
    assert len(rows(two, "SELECT * FROM sessions")) == 1
    sql = "SELECT name, key, flow_id FROM keys"
    assert [tuple(row) for row in rows(two, sql)] == [("skey", b"secret", opened)]
    (sent,) = rows(one, "SELECT sent FROM frames WHERE id = 2")
    assert sent["sent"] == b"sent later"
    reasons = [row["close_reason"] for row in rows(one, "SELECT close_reason FROM flows")]
    assert reasons == ["idle", "rotated"]
    (flow, _) = rows(two, "SELECT * FROM flows ORDER BY id")
    assert (flow["id"], flow["parent_frame_id"], flow["opened_at"]) == (opened, None, 5)
    for file, said in ((one, "it goes on in"), (two, "it goes on from")):
        (event,) = rows(file, "SELECT detail FROM events WHERE kind = 'rotated'")
        assert said in event["detail"]


def test_size_and_time_make_a_file_full(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    recording = Rotating(Recording.open(tmp_path / "f.db"), Limit(bytes=200_000))
    session = recording.add_session(game=None, client="c", origin=Origin.RECORD)
    flow = _flow(recording, session, "c:1")
    assert not recording.full()
    for _ in range(300):
        recording.append(flow, Frame(UP, 1, bytes(1000)))
    recording.flush()
    assert recording.full()
    recording.limit = Limit(seconds=60)
    assert not recording.full()
    recording.limit = Limit(seconds=0.0)
    assert recording.full()
    recording.close()


def test_callbacks_follow_the_current_file(tmp_path: Path) -> None:
    recording = Rotating(Recording.open(tmp_path / "f.db"))
    said: list[str] = []
    recording.on_failed = said.append
    recording.rotate(recording.open_next()).close()
    assert recording.current.on_failed is not None
    assert recording.path.name == "f.2.db"
    recording.close()


@pytest.mark.parametrize(
    ("text", "limit"),
    [
        ("100MB", Limit(bytes=100_000_000)),
        ("1.5 GiB", Limit(bytes=1_610_612_736)),
        ("24h", Limit(seconds=86_400)),
        ("30m", Limit(seconds=1800)),
        ("90s", Limit(seconds=90)),
    ],
)
def test_limits_as_they_are_written(text: str, limit: Limit) -> None:
    assert read_limit(text) == limit


@pytest.mark.parametrize("text", ["", "100", "MB", "0h", "5 parsecs"])
def test_what_is_no_limit_is_said(text: str) -> None:
    with pytest.raises(UserError, match="100MB or 24h"):
        read_limit(text)


def test_names_that_are_taken_are_passed_over(tmp_path: Path) -> None:
    (tmp_path / "a.2.understudy.db").touch()
    found = paths(tmp_path / "a.understudy.db")
    assert [next(found).name for _ in range(2)] == ["a.3.understudy.db", "a.4.understudy.db"]
    assert next(paths(tmp_path / "b.db")).name == "b.2.db"
