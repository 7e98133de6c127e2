"""An archive: built, built again, asked, and read by others."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

import understudy
from recordings.archiving.columns import TABLES, file_name
from recordings.exporting.parquet import COLUMNS
from recordings.model import Origin
from recordings.writer import Recording
from tests.recordings.making import AT, flow, frame, rows, session
from tests.recordings.sample import write_sample

pytest.importorskip("pyarrow", reason="pyarrow is not installed (extra `archive`)")
duckdb = pytest.importorskip("duckdb", reason="DuckDB is not installed (extra `archive`)")

DAY = 86_400_000_000


def run(*words: object) -> Result:
    return CliRunner().invoke(understudy.cli, ["archive", *map(str, words)])


def ask(folder: Path, sql: str) -> list[dict[str, Any]]:
    done = run("query", folder, sql, "--json")
    assert done.exit_code == 0, (done.output, done.exception)
    found: list[dict[str, Any]] = json.loads(done.output)
    return found


@pytest.fixture
def sample(tmp_path: Path) -> Path:
    return write_sample(tmp_path / "evening.understudy.db")


@pytest.fixture
def attic(tmp_path: Path, sample: Path) -> Path:
    folder = tmp_path / "attic"
    done = run("build", folder, sample)
    assert done.exit_code == 0, (done.output, done.exception)
    assert done.output == f"archived {folder}: 2 sessions, 12 frames; 0 known already\n"
    return folder


def files(folder: Path) -> dict[Path, int]:
    return {path: path.stat().st_mtime_ns for path in folder.rglob("*.parquet")}


def test_the_tables_hold_what_the_recording_holds(attic: Path, sample: Path) -> None:
    for archived, recorded in (
        (
            "SELECT frame_id, flow_id, number, direction, raw, plain, kind, error FROM frames"
            " ORDER BY frame_id",
            "SELECT id, flow_id, number, direction, raw, plain, kind, error FROM frames",
        ),
        (
            "SELECT flow_id, session_id, parent_frame_id, client, server FROM flows ORDER BY 1",
            "SELECT id, session_id, parent_frame_id, client, server FROM flows",
        ),
        ("SELECT session_id, name, key FROM keys", "SELECT session_id, name, key FROM keys"),
        (
            "SELECT session_id, session_uid, client, origin FROM sessions ORDER BY 1",
            "SELECT id, uid, client, origin FROM sessions",
        ),
    ):
        found = [tuple(row.values()) for row in ask(attic, archived)]
        wanted = [
            tuple(value.hex() if isinstance(value, bytes) else value for value in row)
            for row in rows(sample, recorded)
        ]
        assert found == wanted


def test_times_and_partitions(attic: Path) -> None:
    (row,) = ask(attic, 'SELECT "at", game, day FROM frames WHERE frame_id = 1')
    assert row == {"at": "2026-11-18T11:06:40.012345", "game": "nascar", "day": "2026-11-18"}
    (row,) = ask(attic, "SELECT started_at, ended_at FROM sessions WHERE session_uid = 'u-1'")
    assert row == {"started_at": "2026-11-18T11:33:20", "ended_at": "2026-11-18T11:34:25"}
    found = ask(attic, "SELECT DISTINCT game FROM frames ORDER BY 1")
    assert found == [{"game": "nascar"}, {"game": "unknown"}]


def test_tables_join_and_fields_are_json(attic: Path) -> None:
    sql = """
        SELECT origin, fields ->> 'NAME' AS name, flows.server
        FROM frames JOIN flows USING (session_uid, flow_id) JOIN sessions USING (session_uid)
        WHERE kind = 'auth' ORDER BY number"""
    server = "203.0.113.9:10901"
    assert ask(attic, sql) == [
        {"origin": "record", "name": "alice", "server": server},
        {"origin": "record", "name": "Alice", "server": server},
    ]


def test_what_is_there_is_not_written_again(attic: Path, sample: Path, tmp_path: Path) -> None:
    before = files(attic)
    assert "0 sessions, 0 frames; 2 known already" in run("build", attic, sample).output
    copy = tmp_path / "copy.db"
    shutil.copy(sample, copy)  # the sessions tell, not the file
    assert "0 sessions, 0 frames; 4 known already" in run("build", attic, copy, copy).output
    assert files(attic) == before


def test_a_session_that_has_grown_is_replaced(tmp_path: Path) -> None:
    path, attic = tmp_path / "live.db", tmp_path / "attic"
    with Recording.open(path) as recording:
        session(recording)
        flow(recording)
        recording.append(1, frame(b"one"))
    assert "1 session, 1 frame;" in run("build", attic, path).output
    with Recording.open(path) as recording:
        recording.append(1, frame(b"two", at=AT + DAY))
        recording.append(1, frame(b"three"))  # the clock went back over midnight
    assert "1 session, 3 frames;" in run("build", attic, path).output
    assert "0 sessions, 0 frames; 1 known" in run("build", attic, path).output
    assert len(list((attic / "frames").rglob("*.parquet"))) == 3
    assert ask(attic, "SELECT count(*) AS n, sum(octet_length(raw)) AS b FROM frames") == [
        {"n": 3, "b": 11}
    ]


def test_a_build_that_was_cut_off_is_taken_up(attic: Path, sample: Path) -> None:
    for path in (attic / "sessions").rglob("*u-1.parquet"):
        path.unlink()  # it is written last
    assert "1 session, 6 frames; 1 known" in run("build", attic, sample).output
    assert ask(attic, "SELECT count(*) AS n FROM frames") == [{"n": 12}]


def test_a_damaged_file_of_the_archive_is_written_anew(attic: Path, sample: Path) -> None:
    (path,) = (attic / "sessions").rglob("u-1.parquet")
    path.write_bytes(b"PAR1")
    assert "1 session, 6 frames; 1 known" in run("build", attic, sample).output


def test_what_cannot_be_read_keeps_nothing_else_out(tmp_path: Path, sample: Path) -> None:
    (tmp_path / "text.db").write_text("hello")
    done = run("build", tmp_path / "attic", tmp_path / "text.db", sample)
    assert done.exit_code == 1
    assert "text.db is not a recording" in done.output
    assert "2 sessions, 12 frames" in done.output
    assert "1 recording of 2 could not be archived" in done.output


def test_hostile_names_stay_inside_and_apart(tmp_path: Path) -> None:
    path, attic = tmp_path / "odd.db", tmp_path / "attic"
    with Recording.open(path) as recording:
        for uid in ("../../x", ".._.._x", "U", "u", "u~2", "x" * 300):
            recording.add_session(game="../*", client="c", origin=Origin.IMPORT, uid=uid, at=AT)
    assert run("build", attic, path).exit_code == 0
    assert len({file_name(uid).lower() for uid in ("a/b", "a_b", "A_b")}) == 3
    assert len(ask(attic, "SELECT DISTINCT session_uid FROM sessions")) == 6
    assert all(file.resolve().is_relative_to(attic.resolve()) for file in tmp_path.rglob("*.parq*"))


def test_a_folder_of_odd_name_and_without_rows(tmp_path: Path) -> None:
    attic = tmp_path / "a[1]*'b"
    path = tmp_path / "empty.db"
    with Recording.open(path):
        pass
    assert run("build", attic, path).exit_code == 0
    for table, columns in TABLES.items():
        assert ask(attic, f"SELECT * FROM {table}") == []
        found = ask(attic, f"DESCRIBE {table}")
        assert [row["column_name"] for row in found] == [*columns, "game", "day"]
    assert run("build", attic, write_sample(tmp_path / "s.db")).exit_code == 0
    for table, columns in TABLES.items():
        found = ask(attic, f"DESCRIBE {table}")
        assert [row["column_name"] for row in found] == [*columns, "game", "day"]


@pytest.mark.parametrize(
    ("sql", "says"),
    [
        ("SELECT * FROM read_text('{outside}')", "Cannot access file"),
        ("SELECT * FROM read_csv('{outside}')", "Cannot access file"),
        ("SELECT * FROM glob('/*')", "Cannot access file"),
        ("SELECT * FROM '{outside}'", "does not exist"),
        ("SELECT * FROM '{outside}.parquet'", "Cannot access file"),
        ("SELECT * FROM read_text('{attic}/../outside.txt')", "Cannot access file"),
        ("SELECT * FROM 'https://192.0.2.1/x.parquet'", "Cannot access file"),
        ("COPY (SELECT 1) TO '{attic}/x.csv'", "only read"),
        ("COPY frames TO '{outside}'", "only read"),
        ("EXPLAIN ANALYZE COPY (SELECT 1) TO '{attic}/x.csv'", "only read"),
        ("ATTACH '{attic}/x.db'", "only read"),
        ("INSTALL httpfs", "only read"),
        ("LOAD httpfs", "only read"),
        ("SET enable_external_access = true", "only read"),
        ("CREATE TABLE x AS SELECT 1", "only read"),
        ("SELECT 1; SELECT 2", "only read"),
        ("", "only read"),
        ("SELECT * FROM columns", "does not exist"),  # no variable of Python's
        ("SELECT at 1 FROM frames", 'is written "at"'),
        ("SELECT '\ud800'", "no text in Unicode"),
        ("SELECT nothing FROM frames", "nothing"),
        ("SELECT now()", "zone"),
        (
            "SELECT * FROM enable_logging(storage='file', storage_path='{attic}/l')",
            "enable_logging",
        ),
    ],
)
def test_it_only_reads_and_only_the_archive(sql: str, says: str, attic: Path) -> None:
    outside = attic.parent / "outside.txt"
    outside.write_text("secret")
    before = sorted(attic.rglob("*"))
    done = run("query", attic, sql.format(outside=outside, attic=attic))
    assert (done.exit_code, "secret" in done.output) == (1, False), done.output
    assert says in done.output, done.output
    assert done.output.count("\n") == 1
    assert outside.read_text() == "secret"
    assert sorted(attic.rglob("*")) == before


def test_a_large_question_leaves_nothing_behind(
    attic: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    before = sorted(tmp_path.rglob("*"))
    sql = "SELECT count(*) AS n FROM (SELECT DISTINCT range % 9 FROM range(1000))"
    assert ask(attic, sql) == [{"n": 9}]
    assert sorted(tmp_path.rglob("*")) == before


def test_values_of_every_kind_are_printed(attic: Path) -> None:
    sql = "SELECT {'a': [1, 2]} AS s, 1.5::DECIMAL AS d, 'x'::BLOB AS b, DATE '2026-11-21' AS t"
    assert ask(attic, sql) == [{"s": '{"a": [1, 2]}', "d": 1.5, "b": "78", "t": "2026-11-21"}]
    done = run("query", attic, "SELECT INTERVAL 2 SECOND AS i, uuid() AS u, 1 AS i", "--csv")
    assert done.output.startswith("i,u,i_2\n2.0,"), done.output


def test_the_folder_that_one_is_in(attic: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(attic)
    assert run("query", "SELECT 1 AS one", "--csv").output == "one\n1\n"
    monkeypatch.chdir(attic.parent)
    assert "is no archive" in run("query", "SELECT 1").output
    assert "in quotes" in run("query", "attic", "SELECT", "1").output


def test_folders_that_are_something_else(tmp_path: Path, attic: Path, sample: Path) -> None:
    assert "holds other files" in run("build", tmp_path, sample).output
    assert "cannot be written" in run("build", sample, sample).output
    (attic / "_understudy.json").write_text('{"format": 2}')
    assert "update Understudy" in run("build", attic, sample).output
    assert "update Understudy" in run("query", attic, "SELECT 1").output


def test_one_build_at_a_time(attic: Path, sample: Path) -> None:
    from recordings.archiving.building import opened

    with opened(attic):
        assert "another build" in run("build", attic, sample).output
    assert run("build", attic, sample).exit_code == 0


def test_the_schema_is_what_the_page_says() -> None:
    text = (Path(__file__).parents[3] / "docs/archive.md").read_text("utf-8")
    for table, columns in TABLES.items():
        (line,) = [line for line in text.splitlines() if line.startswith(f"| `{table}` |")]
        told = [part.split(" ")[0] for part in line.split("|")[2].strip().split(", ")]
        assert told == list(columns)


@pytest.mark.filterwarnings("ignore")  # of pandas, about Dask
def test_dask_reads_it(attic: Path) -> None:
    frame = pytest.importorskip("dask.dataframe", reason="dask.dataframe is not installed")
    table = frame.read_parquet(str(attic / "frames"), columns=["direction", "game"])
    counts = table.groupby("direction").size().compute(scheduler="synchronous").to_dict()
    found = ask(attic, "SELECT direction, count(*) AS n FROM frames GROUP BY 1")
    assert counts == {row["direction"]: row["n"] for row in found}


def test_dask_takes_the_files_as_tasks(attic: Path) -> None:
    """What Dask does without pandas: a task for each file of the dataset."""
    dask = pytest.importorskip("dask", reason="Dask is not installed (extra `cluster`)")
    dataset = pytest.importorskip("pyarrow.dataset", reason="pyarrow has no dataset")
    whole = dataset.dataset(attic / "frames", partitioning="hive")
    assert set(whole.schema.names) == {*COLUMNS, "game", "day"}
    parts = [dask.delayed(part.count_rows)() for part in whole.get_fragments()]
    assert dask.delayed(sum)(parts).compute(scheduler="synchronous") == 12
