"""One recording behind another."""

from __future__ import annotations

from pathlib import Path

import pytest

from recordings.errors import UserError
from recordings.merging import append_recording
from recordings.reader import Reader
from recordings.writer import Recording
from tests.recordings.making import AT, flow, frame, rows, session
from tests.recordings.sample import write_sample

SAME = (  # what was open is closed by the closing of the recording
    "SELECT direction, at, raw, plain, sent, action, protocol, kind, fields, error, cipher,"
    " number FROM frames WHERE flow_id > {flows} ORDER BY id",
    "SELECT id - {flows}, session_id - {sessions}, parent_frame_id - {frames}, protocol, transport,"
    " client, server, hostname, opened_at, closed_at, close_reason FROM flows WHERE id > {flows}"
    " AND close_reason <> 'recording closed'",
    "SELECT id - {sessions}, uid, started_at, game, client, origin, note FROM sessions"
    " WHERE id > {sessions}",
    "SELECT session_id - {sessions}, flow_id - {flows}, frame_id - {frames}, name, cipher,"
    " direction, key, source FROM keys",
    "SELECT session_id - {sessions}, flow_id - {flows}, frame_id - {frames}, at, kind, detail"
    " FROM events WHERE kind = 'redirect' OR session_id IS NULL",
)


def test_everything_follows_with_the_next_ids(tmp_path: Path) -> None:
    sample = write_sample(tmp_path / "sample.db")
    target = tmp_path / "target.db"
    with Recording.open(target) as recording:
        session(recording)
        flow(recording)
        for number in range(3):
            recording.append(1, frame(bytes([number])))
        with Reader.open(sample) as reader:
            append_recording(reader, recording)
        assert recording.append(1, frame(b"last", at=AT)) == 3 + 12 + 1
    with Recording.open(target), Reader.open(target) as reader:
        assert len(reader.sessions()) == 3
    merged = {"flows": 1, "sessions": 1, "frames": 3}
    alone = dict.fromkeys(merged, 0)
    for sql in SAME:
        assert rows(target, sql.format_map(merged)) == rows(sample, sql.format_map(alone))


def test_a_recording_that_does_not_hold_together(tmp_path: Path) -> None:
    from sqlite_utils import Database

    sample = write_sample(tmp_path / "sample.db")
    database = Database(sample)
    database.execute("UPDATE sessions SET started_at = 'yesterday'")
    database.conn.commit()
    database.close()
    with (
        Recording.open(tmp_path / "target.db") as recording,
        Reader.open(sample) as reader,
        pytest.raises(UserError, match="does not hold together"),
    ):
        append_recording(reader, recording)
