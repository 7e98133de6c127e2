"""JSON lines, SQL, Parquet, golden bytes."""

from __future__ import annotations

import ast
import json
import sqlite3
from pathlib import Path

import pytest

from proxy.viewer import VIEWER
from recordings.exporting.choice import Choice
from recordings.exporting.dumping import json_lines, sql
from recordings.exporting.parquet import COLUMNS, export_parquet
from recordings.exporting.vectors import python_vectors
from recordings.reader import Reader
from recordings.samples import FOLDER, load_sample
from recordings.writer import Recording
from tests.importing.making import run
from tests.recordings.making import rows

TABLES = ("sessions", "flows", "frames", "keys", "events", "notes")


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("texts") / "evening.understudy.db"
    with Recording.open(path) as recording:
        load_sample(FOLDER / "nascar-thunder-2004-evening.jsonl", recording, VIEWER)
        recording.add_note("a fine evening", session_id=1)
    return path


def test_json_lines_come_back_as_the_very_recording(path: Path, tmp_path: Path) -> None:
    with Reader.open(path) as reader:
        lines = list(json_lines(reader, None))
        assert list(json_lines(reader, 1)) == lines
        assert list(json_lines(reader, 2)) == []
    assert {json.loads(line)["row"] for line in lines} >= {"session", "flow", "frame", "note"}
    file = tmp_path / "evening.jsonl"
    file.write_text("\n".join(lines), "utf-8")
    done = run("import", file, "-w", tmp_path / "back.db")
    assert done.exit_code == 0, done.output
    for table in TABLES:
        order = "SELECT * FROM {} ORDER BY id".format(table)  # noqa: UP032
        assert rows(tmp_path / "back.db", order) == rows(path, order)


def test_json_lines_that_break_off_give_what_came_before(path: Path, tmp_path: Path) -> None:
    with Reader.open(path) as reader:
        text = "\n".join(json_lines(reader, None))
    file = tmp_path / "cut.jsonl"
    file.write_text(text[: len(text) // 2], "utf-8")
    done = run("import", file, "-w", tmp_path / "cut.db")
    assert done.exit_code == 0, done.output
    assert "cut.jsonl: " in done.output
    count = "SELECT count(*) FROM frames"
    assert 5 < rows(tmp_path / "cut.db", count)[0][0] < rows(path, count)[0][0]


def test_sql_makes_the_recording_anew(path: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy.understudy.db"
    connection = sqlite3.connect(copy)
    connection.executescript("\n".join(sql(path)))
    connection.close()
    for table in TABLES:
        order = "SELECT * FROM {} ORDER BY id".format(table)  # noqa: UP032
        assert rows(copy, order) == rows(path, order)
    with Reader.open(copy) as reader:  # it is a recording
        assert len(reader.sessions()) == 1


def test_parquet_by_game_and_day(path: Path, tmp_path: Path) -> None:
    arrow = pytest.importorskip("pyarrow.parquet", reason="pyarrow is not installed")
    dataset = pytest.importorskip("pyarrow.dataset", reason="pyarrow is not installed")
    steps: list[int] = []
    for _ in range(2):  # a second time replaces
        with Reader.open(path) as reader:
            count = export_parquet(reader, Choice(), tmp_path / "archive", steps.append)
    (file,) = (tmp_path / "archive").rglob("*.*")
    assert file.relative_to(tmp_path / "archive").parts[0] == "game=nascar-thunder-2004"
    assert file.parent.name.startswith("day=20")
    table = arrow.ParquetFile(file).read()
    assert table.column_names == list(COLUMNS)
    assert table.num_rows == count == sum(steps) / 2
    assert [one.as_py() for one in table["raw"]] == [
        raw for (raw,) in rows(path, "SELECT raw FROM frames ORDER BY id")
    ]
    whole = dataset.dataset(tmp_path / "archive", partitioning="hive").to_table()
    assert set(whole["game"].to_pylist()) == {"nascar-thunder-2004"}


def test_parquet_keeps_hostile_names_inside_its_folder(tmp_path: Path) -> None:
    pytest.importorskip("pyarrow", reason="pyarrow is not installed")
    from tests.recordings.making import flow, frame

    path = tmp_path / "odd.understudy.db"
    with Recording.open(path) as recording:
        recording.add_session(game="../../x", client="c", origin="import", uid="../y")  # type: ignore[arg-type]
        recording.append(flow(recording), frame())
    with Reader.open(path) as reader:
        export_parquet(reader, Choice(), tmp_path / "archive", lambda _: None)
    (file,) = tmp_path.rglob("*.parquet")
    assert file.resolve().is_relative_to((tmp_path / "archive").resolve())


def test_golden_bytes_are_python_that_holds_them(path: Path) -> None:
    with Reader.open(path) as reader:
        text = "".join(python_vectors(reader, Choice(), VIEWER, each=2))
        clear = {frame.clear for frame in reader.frames()}
    names: dict[str, object] = {}
    exec(compile(ast.parse(text), "vectors", "exec"), names)
    vectors = names["VECTORS"]
    assert isinstance(vectors, tuple)
    assert len(vectors) > 10
    assert {one.raw for one in vectors} <= clear
    assert "# PROD" in text
    counts: dict[tuple[str, str], int] = {}
    for one in vectors:
        counts[one.kind, one.direction] = counts.get((one.kind, one.direction), 0) + 1
    assert max(counts.values()) == 2
