from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from recordings import schema
from recordings.writer import Recording
from tests.recordings.making import TO_CLIENT, flow, frame, rows, session

DOCUMENTED = {
    "meta": "key value",
    "sessions": "id uid started_at ended_at game client origin note",
    "flows": "id session_id parent_frame_id protocol transport client server hostname opened_at"
    " closed_at close_reason frames bytes_up bytes_down first_at last_at",
    "frames": "id flow_id number direction at raw plain sent action protocol kind fields error"
    " cipher derived",
    "keys": "id session_id flow_id frame_id name cipher direction key source",
    "events": "id session_id flow_id frame_id at kind detail",
    "state": "session_id protocol key value",
    "notes": "id session_id flow_id frame_id text created_at",
}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "a.db"
    with Recording.open(path) as recording:
        session(recording)
        flow(recording)
    return path


def test_a_new_recording_has_the_documented_tables(path: Path) -> None:
    connection = sqlite3.connect(path)
    found = schema.columns(connection)
    strict = connection.execute("SELECT name FROM pragma_table_list WHERE strict").fetchall()
    pragmas = [
        connection.execute(f"PRAGMA {name}").fetchone()[0]
        for name in ("user_version", "application_id", "integrity_check", "foreign_key_check(1)")[
            :3
        ]
    ]
    connection.close()
    assert {name: " ".join(found[name]) for name in DOCUMENTED} == DOCUMENTED
    assert {name for (name,) in strict} == set(DOCUMENTED)
    assert pragmas == [1, int.from_bytes(b"Undy", "big"), "ok"]
    assert rows(path, "SELECT value FROM meta WHERE key = 'format'") == [("1",)]
    assert schema.expected() == {name: found[name] for name in DOCUMENTED}


def test_the_migration_is_noted(path: Path) -> None:
    found = rows(path, "SELECT migration_set, name FROM _sqlite_migrations")
    assert found == [("understudy", "format_1")]


@pytest.mark.parametrize(
    "values",
    [
        "99, 1, 1, 'up', 0, NULL, NULL",
        "99, 1, 1, 'c>s', 'now', NULL, NULL",
        "99, 1, 1, 'c>s', 0, 'text', NULL",
        "99, 1, 1, 'c>s', 0, NULL, '{'",
    ],
)
def test_what_does_not_fit_is_refused_by_the_file_itself(path: Path, values: str) -> None:
    connection = sqlite3.connect(path)
    with pytest.raises(sqlite3.IntegrityError):
        connection.execute(
            "INSERT INTO frames (id, flow_id, number, direction, at, raw, fields)"
            f" VALUES ({values})"
        )
    connection.close()


@pytest.mark.parametrize(
    ("sql", "lack"),
    [
        ("DROP TABLE keys", "it has no table keys"),
        ("ALTER TABLE frames DROP COLUMN cipher", "its table frames has no column cipher"),
    ],
)
def test_a_difference_is_named(path: Path, sql: str, lack: str) -> None:
    connection = sqlite3.connect(path)
    assert schema.difference(connection) is None
    connection.execute("DROP VIEW packets")
    connection.execute("ALTER TABLE frames ADD COLUMN mine TEXT")
    assert schema.difference(connection) is None
    connection.execute(sql)
    found = schema.difference(connection)
    connection.close()
    assert found is not None
    assert found.startswith(lack)


def test_listings_scan_no_frames(path: Path) -> None:
    from recordings.rows import SESSIONS

    connection = sqlite3.connect(path)
    plan = [row[3] for row in connection.execute(f"EXPLAIN QUERY PLAN {SESSIONS}")]
    connection.close()
    assert [step for step in plan if "frames" in step] == [
        "SEARCH frames USING INTEGER PRIMARY KEY (rowid>?)"
    ]


def test_packets_shows_what_readers_of_sniffs_expect(path: Path) -> None:
    with Recording.open(path) as recording:
        for one in (
            frame(b"skeySKEY=1", kind="skey"),
            frame(b"@dir", TO_CLIENT, kind="@dir", at=1_795_000_000_000_007),
            frame(b"\x02abc", kind="GameData", derived={"tag": 18}),
            frame(b"\xf1abc", kind="Ping", derived={"checks": {}, "tag": 300}),
            frame(b"\xf1abc", kind="abcd", derived={"tag": "x"}),
            frame(b"cipher", plain=b"\x07plain"),
            frame(None, sent=b"\x09sent", action=None),
            frame(b""),
        ):
            recording.append(1, one)
    found = rows(path, "SELECT direction, opcode, data FROM packets ORDER BY id")
    assert found == [
        (0, 0x736B6579, b"skeySKEY=1"),
        (1, 0x40646972, b"@dir"),
        (0, 18, b"\x02abc"),
        (0, 300, b"\xf1abc"),
        (0, 0xF1, b"\xf1abc"),
        (0, 7, b"\x07plain"),
        (0, 9, b"\x09sent"),
        (0, 0, b""),
    ]
    ((text,),) = rows(path, "SELECT timestamp FROM packets WHERE id = 2")
    assert text == "2026-11-18 11:06:40.000007"
