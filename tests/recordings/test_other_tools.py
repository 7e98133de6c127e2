"""Recordings in other people's tools: sqlite-utils, plain Datasette, any SQLite; and the page."""

from __future__ import annotations

import csv
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from recordings import schema
from recordings.reader import Reader
from recordings.writer import Recording
from tests.recordings import making
from tests.recordings.sample import write_sample

HOME = Path(__file__).resolve().parents[2]
PAGE = (HOME / "docs" / "recording-format.md").read_text("utf-8")


@pytest.fixture
def sample(tmp_path: Path) -> Path:
    return write_sample(tmp_path / "sample.db")


def sqlite_utils(*arguments: object) -> str:
    words = [sys.executable, "-W", "ignore", "-m", "sqlite_utils", *map(str, arguments)]
    environment = {**os.environ, "PYTHONIOENCODING": "utf-8"}
    done = subprocess.run(
        words, capture_output=True, encoding="utf-8", check=True, timeout=60, env=environment
    )
    return done.stdout


def test_sqlite_utils_rows(sample: Path) -> None:
    rows = json.loads(sqlite_utils("rows", sample, "frames", "--limit", "5"))
    assert [row["id"] for row in rows] == [1, 2, 3, 4, 5]
    assert json.loads(rows[3]["fields"])["NAME"] == "alice"
    assert rows[0]["raw"]["encoded"].startswith("QGRpcg")


def test_sqlite_utils_packets(sample: Path) -> None:
    rows = list(csv.DictReader(sqlite_utils("rows", sample, "packets", "--csv").splitlines()))
    assert rows[0]["timestamp"] == "2026-11-18 11:06:40.012345"
    assert [row["direction"] for row in rows[:3]] == ["0", "1", "0"]
    assert rows[0]["opcode"] == str(int.from_bytes(b"@dir", "big"))


def test_sqlite_utils_while_it_is_recorded(tmp_path: Path) -> None:
    with Recording.open(tmp_path / "live.db") as recording:
        flow = making.flow(recording, making.session(recording))
        recording.append(flow, making.frame(b"one"))
        recording.flush()
        out = sqlite_utils("rows", tmp_path / "live.db", "frames", "-c", "id", "--csv")
        assert out.split() == ["id", "1"]
        recording.append(flow, making.frame(b"two"))
    assert making.names(tmp_path) == ["live.db"]


def datasette(path: Path, page: str) -> str:
    pytest.importorskip("datasette", reason="the extra web is not installed")
    words = [sys.executable, "-m", "datasette", str(path), "--get", page]
    done = subprocess.run(words, capture_output=True, encoding="utf-8", check=True, timeout=60)
    return done.stdout


def test_plain_datasette(sample: Path) -> None:
    found = json.loads(datasette(sample, "/sample/frames.json?kind=auth&_shape=objects"))
    assert [row["id"] for row in found["rows"]] == [4, 5]
    packets = json.loads(datasette(sample, "/sample/packets.json?_shape=objects&_size=1"))
    assert list(packets["rows"][0]) == ["id", "timestamp", "direction", "opcode", "data"]


def test_plain_datasette_and_hostile_content(tmp_path: Path) -> None:
    script = "<script>alert(1)</script>"
    with Recording.open(tmp_path / "evil.db") as recording:
        flow = making.flow(recording, making.session(recording))
        recording.append(flow, making.frame(script.encode(), kind=script, error=script))
    page = datasette(tmp_path / "evil.db", "/evil/frames")
    assert "&lt;script&gt;alert(1)" in page
    assert script not in page


def queries() -> list[str]:
    return re.findall(r"```sql\n(.*?)\n```", PAGE, re.DOTALL)


def test_ten_queries() -> None:
    assert len(queries()) == 10


@pytest.mark.parametrize("sql", queries())
def test_the_queries_of_the_page_run(sample: Path, sql: str) -> None:
    with Reader.open(sample) as reader:
        assert reader.query(sql).columns
    out = sqlite_utils("query", sample, sql)
    assert json.loads(out)


def test_the_page_names_every_column() -> None:
    for table, columns in schema.expected().items():
        part = PAGE.partition(f"### `{table}`")[2].partition("###")[0]
        named = re.findall(r"^\| `(\w+)` \| (\w+) \| \S", part, re.MULTILINE)
        assert named == list(columns.items())
