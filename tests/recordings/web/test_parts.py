"""Parts of the web application, without a server."""

from __future__ import annotations

import sqlite3
import sys
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from click.testing import CliRunner

import understudy
from recordings.markup import Markup
from recordings.model import Span
from recordings.reader import Reader
from recordings.turns import Answers
from recordings.web.bytes_view import PAGE, Dump, number_fields, owners
from recordings.web.canned import canned
from recordings.web.guard import refusal
from tests.recordings.sample import write_sample


def test_fields_are_numbered_in_the_order_of_their_bytes() -> None:
    spans = [Span("b", 4, 6), Span("a", 0, 4), Span("a.x", 1, 2), Span("none", 6, 6)]
    assert number_fields(spans) == {"a": 1, "a.x": 2, "b": 3, "none": 4}
    assert number_fields(spans, [Span("c", 0, 1), Span("b", 0, 1)])["c"] == 5


def test_the_innermost_field_comes_first() -> None:
    spans = [Span("a", 0, 4), Span("a.x", 1, 2)]
    found = owners(spans, number_fields(spans), 0, 100)
    assert found == {0: (1,), 1: (2, 1), 2: (1,), 3: (1,)}
    assert owners(spans, number_fields(spans), 2, 3) == {2: (1,)}


def dump(data: bytes, spans: list[Span], offset: int = 0) -> Markup:
    return Dump("raw", data, spans, number_fields(spans), offset).draw("/frame/1")


def test_a_dump_shows_every_byte_and_whose_it_is() -> None:
    made = dump(bytes(range(0x30, 0x50)), [Span("name", 2, 20)])
    assert "000000" in made
    assert "000010" in made
    assert 'href="#f1" id="raw1" class="c1" data-fields="1">32 33' in made
    assert made.count('id="raw1"') == 1, "the field goes on in the second line"
    assert "<span>30 31</span>" in made


def test_a_large_dump_comes_in_pages() -> None:
    data = bytes(3 * PAGE + 1)
    assert "offset=4096#raw" in dump(data, [])
    last = dump(data, [], 3 * PAGE)
    assert f"bytes {3 * PAGE} to {3 * PAGE} of {len(data)}" in last
    assert last.count('class="line"') == 1
    assert "next bytes" not in last
    assert dump(data, [], 10**9) == dump(data, [])
    assert len(dump(bytes(PAGE), [])) < 200_000


def test_spans_beyond_the_bytes_do_no_harm() -> None:
    made = dump(b"ab", [Span("far", 1, 1 << 60), Span("outside", 90, 99)])
    assert 'data-fields="1">62' in made


class Declaring:
    def answers(self, protocol: str) -> Answers:
        return {"it's": ("o'k",), "skey": ("skey",)}


def test_canned_queries_run_also_with_hostile_names(tmp_path: Path) -> None:
    path = write_sample(tmp_path / "sample.db")
    for viewer in (None, Declaring()):
        queries = canned(["ea-lobby", "x'); DROP TABLE frames; --", "nul\0"], viewer)  # type: ignore[arg-type]
        assert len({one.name for one in queries}) == len(queries) == 8
        with Reader.open(path) as reader:
            for one in queries:
                result = reader.query(one.sql)
                assert result.columns
                list(result.rows)


def test_unanswered_requests_need_a_declaration(tmp_path: Path) -> None:
    path = write_sample(tmp_path / "sample.db")
    asked = {one.name: one.sql for one in canned(["ea-lobby"], Declaring())}  # type: ignore[arg-type]
    with Reader.open(path) as reader:
        rows = list(reader.query(asked["unanswered"]).rows)
        assert [row[0] for row in rows] == [3]
        assert list(reader.query(asked["slowest_answers"]).rows) == []


def asked(method: str = "GET", *hosts: bytes, **headers: bytes) -> tuple[int, str] | None:
    given = [(b"host", host) for host in hosts or (b"127.0.0.1:80",)]
    given += [(name.replace("_", "-").encode(), value) for name, value in headers.items()]
    return refusal({"method": method, "headers": given, "path": "/session/1"})


def test_the_guard() -> None:
    assert asked() is None
    assert asked("HEAD") is None
    refused = [
        asked("POST"), asked("GET", b"127.0.0.1", b"rebound.example"), asked("GET", b"\xff"),
        asked(sec_fetch_site=b"cross-site"), asked("GET", b"127.0.0.1:80:80"),
    ]  # fmt: skip
    assert [status for status, _ in filter(None, refused)] == [405, 421, 421, 403, 421]
    assert refusal({"method": "GET", "headers": [], "path": "/"}) is not None


def test_a_database_that_cannot_be_written() -> None:
    from recordings.web.tables import make_datasette

    made = make_datasette(Path("nowhere.db"), None)
    assert list(made.databases) == ["_internal", "recording"]
    with pytest.raises(sqlite3.OperationalError):
        made.get_database("recording").connect(write=True)


def test_without_the_extra(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    path = write_sample(tmp_path / "sample.db")
    monkeypatch.delitem(sys.modules, "recordings.web.serving", raising=False)
    monkeypatch.setitem(sys.modules, "uvicorn", None)
    result = CliRunner().invoke(understudy.cli, ["browse", str(path), "--web", "--no-open"])
    assert result.exit_code == 1
    assert '-m pip install "understudy[web]"' in result.output
    assert "Traceback" not in result.output


@pytest.mark.parametrize("content", [b"", b"no database", b"SQLite format 3\0" + bytes(84)])
def test_what_is_no_recording_is_said_at_once(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "wrong.db"
    path.write_bytes(content)
    result = CliRunner().invoke(understudy.cli, ["browse", str(path), "--web", "--no-open"])
    assert result.exit_code == 1
    assert result.output.startswith("Error: ")


def test_a_port_that_is_taken(tmp_path: Path) -> None:
    from tests.running import serving

    path = write_sample(tmp_path / "sample.db")
    with serving(lambda connection: None) as other:
        result = CliRunner().invoke(
            understudy.cli, ["browse", str(path), "--web", "--no-open", "--port", str(other.port)]
        )
    assert result.exit_code == 1
    assert f"port {other.port}" in result.output
    assert "--port" in result.output


def test_one_copy_is_made_where_only_a_copy_can_be_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from recordings.opening import open_to_read
    from recordings.web import serving

    path = write_sample(tmp_path / "sample.db")
    copy = TemporaryDirectory()
    copied = Path(copy.name, path.name)
    copied.write_bytes(path.read_bytes())
    given: list[Path] = []

    def run(readable: Path, *more: object) -> None:
        given.append(readable)
        assert readable.exists()

    monkeypatch.setattr(serving, "open_to_read", lambda _: replace(open_to_read(copied), copy=copy))
    monkeypatch.setattr(serving, "_run", run)
    serving.serve(path, None, listening=print, open_browser=False)
    assert given == [copied]
    assert not copied.exists(), "the copy is gone in the end"


def test_a_filter_is_not_silently_left_out(tmp_path: Path) -> None:
    path = write_sample(tmp_path / "sample.db")
    result = CliRunner().invoke(understudy.cli, ["browse", str(path), "~e", "--web", "--no-open"])
    assert result.exit_code == 1
    assert "on the page of a session" in result.output
