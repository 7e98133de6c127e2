from __future__ import annotations

import json
import sqlite3
import sys
from collections.abc import Iterator
from contextlib import closing
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import quote

import pytest

from recordings.model import Origin
from recordings.samples import FOLDER, load_sample
from recordings.writer import Recording
from tests.recordings.making import flow, frame, rows, session
from tests.recordings.sample import write_sample
from tests.recordings.web.hostile import ATTACKS, FRAMES, write_hostile
from tests.recordings.web.serving import Got, Web, browsed
from tests.running import Command

OURS = ("/", "/session/1", "/session/1/timeline", "/session/1?flow=2", "/frame/8", "/frame/2")
QUESTIONS = (
    "kinds", "unknown_kinds", "slowest_answers", "unanswered", "wrong_checks", "seen_keys",
    "redirects", "changed_frames",
)  # fmt: skip
TABLES = (
    "/recording", "/recording/frames", "/recording/frames/8", "/recording/packets",
    "/recording?sql=select+raw,+fields+from+frames",
    *(f"/recording/{name}" for name in QUESTIONS),
)  # fmt: skip


@pytest.fixture(scope="module")
def web(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Web]:
    from proxy.viewer import VIEWER

    path = tmp_path_factory.mktemp("web") / "evening.db"
    with Recording.open(path) as recording:
        load_sample(next(FOLDER.glob("nascar*.jsonl")), recording, VIEWER)
    with browsed(path) as served:
        yield served


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Web]:
    with browsed(write_hostile(tmp_path_factory.mktemp("web") / "hostile.db")) as served:
        yield served


@pytest.fixture(scope="module")
def changing(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Web]:
    """Serves a file that tests replace: it is opened anew for each request."""
    path = tmp_path_factory.mktemp("web") / "changing.db"
    Recording.open(path).close()
    with browsed(path) as served:
        yield served


@pytest.mark.parametrize("target", [*OURS, *TABLES])
def test_every_page_answers_and_is_guarded(web: Web, target: str) -> None:
    got = web.get(target)
    assert got.status == 200, got.text[:500]
    policy = got.headers["content-security-policy"]
    scripts = "'none'" if target.startswith("/recording") else "'self'"
    assert f"script-src {scripts}" in policy
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "unsafe-inline" not in policy.partition("script-src")[2].partition(";")[0]
    assert got.headers["x-content-type-options"] == "nosniff"
    assert got.headers["cross-origin-resource-policy"] == "same-origin"
    assert got.headers["cache-control"] == "no-store"


class _Outside(HTMLParser):
    """Everything that a page would load or run."""

    def __init__(self) -> None:
        super().__init__()
        self.loaded: list[str] = []
        self.inline = 0
        self.handlers: list[str] = []

    def handle_starttag(self, name: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        self.handlers += [key for key in given if key.startswith("on")]
        if name in ("script", "img", "iframe", "object", "embed"):
            self.loaded.append(given.get("src") or given.get("data") or "")
            self.inline += name == "script" and "src" not in given
        if name == "link":
            self.loaded.append(given.get("href") or "")


def parsed(got: Got) -> _Outside:
    found = _Outside()
    found.feed(got.text)
    return found


@pytest.mark.parametrize("target", [*OURS, *TABLES])
def test_no_page_needs_the_network_or_holds_a_script(web: Web, target: str) -> None:
    found = parsed(web.get(target))
    assert found.loaded, "the parser found no style sheet"
    abroad = [
        one
        for one in found.loaded
        if not one.startswith(("/static/", "/-/static/", "data:,"))
        and not one.startswith(f"{web.address}/recording")
    ]
    assert not abroad
    assert not found.inline
    assert not found.handlers


@pytest.mark.parametrize(
    "target",
    [
        "/", "/session/1", "/session/1/timeline", "/session/1/diagram.html",
        *(f"/frame/{number}" for number in range(1, FRAMES + 1)),
        *(target for target in TABLES if target != "/recording/frames/8"),
        "/recording/frames/1", "/recording/sessions", "/recording/keys", "/recording/events",
        "/recording/notes", "/recording/flows",
        "/session/1?filter=%3Cscript%3Ealert(1)%3C/script%3E",
        "/%3Cscript%3Ealert(1)%3C/script%3E",
        "/recording/%3Cscript%3Ealert(1)%3C/script%3E",
        "/recording?sql=select+'<script>alert(1)</script>'+as+\"<script>alert(2)</script>\"",
        "/recording?sql=%3Cscript%3Ealert(1)%3C/script%3E",
    ],
)  # fmt: skip
def test_hostile_content_is_escaped(hostile: Web, target: str) -> None:
    got = hostile.get(target.replace(" ", "%20").replace('"', "%22").replace("<", "%3C"))
    assert got.status in (200, 400, 404), got.text[:500]
    for attack in ATTACKS:
        if "<" in attack:
            assert attack not in got.text
    assert "<script>alert" not in got.text
    assert "<img src=x" not in got.text
    found = parsed(got)
    assert not found.handlers
    assert found.inline == (1 if target.endswith("diagram.html") else 0)
    assert len(got.body) < 3_000_000, "a field of 1 MB is shortened"
    if not target.startswith("/recording"):  # Datasette's own cells pass the others on as they are
        assert "\x1b" not in got.text
        assert "\u202e" not in got.text


def test_what_is_downloaded_runs_nowhere(hostile: Web) -> None:
    raw = hostile.get("/frame/1/raw.bin")
    assert raw.headers["content-type"] == "application/octet-stream"
    assert raw.headers["content-disposition"].startswith("attachment")
    assert raw.body.endswith(b"\xff\xfe\x00")
    picture = hostile.get("/session/1/diagram.svg")
    assert picture.headers["content-type"] == "image/svg+xml"
    assert "sandbox" in picture.headers["content-security-policy"]
    assert hostile.get("/frame/1.json").headers["content-type"] == "application/json"
    assert (
        hostile.get("/recording/frames.json").headers["content-type"].startswith("application/json")
    )


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("127.0.0.1", 200), ("localhost:80", 200), ("[::1]:9", 200), ("LOCALHOST", 200),
        ("rebound.example", 421), ("127.0.0.1.rebound.example", 421), ("127.0.0.1:x", 421),
        ("localhost@rebound.example", 421), ("", 421), ("0.0.0.0", 421),
    ],
)  # fmt: skip
def test_only_our_own_name_is_answered(web: Web, host: str, status: int) -> None:
    assert web.get("/", Host=host).status == status
    assert web.get("/recording", Host=host).status == status


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "OPTIONS"])
def test_only_reading_is_answered(web: Web, method: str) -> None:
    for target in ("/", "/recording", "/recording/frames", "/nowhere"):
        assert web.get(target, method).status == 405


def test_a_page_of_another_site_may_not_ask(web: Web) -> None:
    assert web.get("/session/1", Sec_Fetch_Site="cross-site").status == 403
    assert web.get("/recording?sql=select+1", Sec_Fetch_Site="cross-site").status == 403
    assert web.get("/session/1", Sec_Fetch_Site="same-site").status == 403, "another port"
    assert web.get("/", Sec_Fetch_Site="cross-site").status == 200
    assert web.get("/session/1", Sec_Fetch_Site="same-origin").status == 200
    assert web.get("/session/1", Sec_Fetch_Site="none").status == 200


@pytest.mark.parametrize(
    "sql",
    [
        "delete from frames", "drop table frames", "attach 'x.db' as x", "vacuum into 'x.db'",
        "insert into notes values (1,1,1,1,'x','x')", "pragma journal_mode=delete",
        "with a as (select 1) delete from frames", "select load_extension('x')",
        "select writefile('x', 'y')", "select readfile('/etc/passwd')",
    ],
)  # fmt: skip
def test_sql_cannot_write(web: Web, sql: str) -> None:
    before = web.path.read_bytes()
    got = web.get("/recording.json?sql=" + sql.replace(" ", "+"))
    assert got.status == 400, got.text
    assert json.loads(got.text)["ok"] is False
    assert web.path.read_bytes() == before
    assert {one.name for one in web.path.parent.iterdir()} == {web.path.name}


ENDLESS = "with recursive a(x) as (select 1 union all select x + 1 from a) "


@pytest.mark.parametrize(
    "sql",
    [
        "select zeroblob(20000000)",
        ENDLESS + "select hex(zeroblob(1000000)) from a",
        ENDLESS + "select zeroblob(9000000) from a limit 9",
    ],
)
def test_no_statement_answers_without_end(web: Web, sql: str) -> None:
    got = web.get("/recording.json?sql=" + quote(sql))
    assert got.status == 400
    assert "more than 32 MiB" in got.text or "too big" in got.text


def test_errors_are_said_on_the_page_alone(tmp_path: Path) -> None:
    file = write_sample(tmp_path / "a.db")
    with Command(tmp_path, "browse", file.name, "--web", "--no-open") as command:
        line = command.until(lambda text: "http://" in text)
        web = Web(int(line.partition("127.0.0.1:")[2].partition("/")[0]), file)
        assert web.get("/recording.json?sql=pragma+query_only%3Doff").status == 400
        assert web.get("/recording/nowhere").status == 404
        assert command.stop() == 0
        assert command.lines == [line], "the values of variables are not for the terminal"
        assert command.said() == ""


def test_a_planted_view_answers_so_much(changing: Web) -> None:
    write_sample(changing.path.with_name("planted.db"))
    with closing(sqlite3.connect(changing.path.with_name("planted.db"))) as connection:
        connection.execute(f"CREATE VIEW harmless AS {ENDLESS} SELECT zeroblob(1000000) FROM a")
        connection.commit()
    changing.path.with_name("planted.db").replace(changing.path)
    got = changing.get("/recording/harmless")
    assert got.status in (400, 500)
    assert len(got.body) < 100_000


def test_datasettes_other_pages_are_not_there(web: Web) -> None:
    for target in (
        "/-/auth-token?token=x", "/-/permissions", "/-/messages", "/-/versions", "/-/settings",
        "/_internal", "/_memory", "/recording.db", "/-/static/../app.py", "/-/allow-debug",
    ):  # fmt: skip
        assert web.get(target).status in (403, 404), target


def test_sql_of_the_users_own(web: Web) -> None:
    got = web.get("/recording.json?_shape=array&sql=select+count(*)+as+n+from+frames")
    assert json.loads(got.text) == [{"n": 74}]
    found = web.get(
        "/recording.json?_shape=array&sql=select+id+from+frames+where+kind+regexp+'^@d'"
    )
    assert [row["id"] for row in json.loads(found.text)] == [1, 2]


def test_the_canned_queries_find_what_there_is(web: Web) -> None:
    def asked(name: str) -> list[dict[str, object]]:
        found: list[dict[str, object]] = json.loads(
            web.get(f"/recording/{name}.json?_shape=array").text
        )
        return found

    slow = asked("slowest_answers")
    assert slow[0]["frame"] == 8
    assert slow[0]["answer"] == 9
    assert slow[0]["milliseconds"] == 66.0
    assert [row["frame"] for row in asked("redirects")] == [2, 21]
    names = {row["name"] for row in asked("seen_keys")}
    expected = {row[0] for row in rows(web.path, "SELECT name FROM keys")}
    assert names == expected
    assert asked("unknown_kinds") == []
    total = sum(int(str(row["frames"])) for row in asked("kinds"))
    assert total == 74


def test_wrong_checks_and_unread_kinds_are_found(hostile: Web) -> None:
    wrong = json.loads(hostile.get("/recording/wrong_checks.json?_shape=array").text)
    assert [row["frame"] for row in wrong] == list(range(1, FRAMES + 1))
    changed = json.loads(hostile.get("/recording/changed_frames.json?_shape=array").text)
    assert [row["frame"] for row in changed] == [6]


def test_the_filter_of_the_frames_command_works(web: Web) -> None:
    got = web.get("/session/1?filter=~k+auth")
    assert 'href="/frame/8"' in got.text
    assert 'href="/frame/1"' not in got.text
    assert "2 messages" in got.text
    assert 'href="/session/1/diagram.svg?filter=~k+auth"' in got.text
    picture = web.get("/session/1/diagram.svg?filter=~k+auth").text
    assert "2 messages" in picture


def test_a_wrong_filter_is_explained(web: Web) -> None:
    got = web.get("/session/1?filter=~q")
    assert got.status == 200
    assert 'role="alert"' in got.text
    assert "~q" in got.text


@pytest.mark.parametrize(
    "target",
    [
        "/session/99", "/frame/9999", "/frame/9999.json", "/frame/1/plain.bin", "/nowhere",
        "/session/99999999999999999999", "/session/99/timeline", "/session/99/diagram.svg",
        "/static/../app.py", "/static/nothing.css",
    ],
)  # fmt: skip
def test_what_is_not_there(web: Web, target: str) -> None:
    got = web.get(target)
    assert got.status == 404
    assert "<h1>" in got.text


def test_a_frame_page_ties_fields_to_bytes(web: Web) -> None:
    text = web.get("/frame/8").text
    assert 'id="raw1"' in text  # the bytes of NAME
    assert 'href="#raw1"' in text  # from its row
    assert 'href="#f1"' in text  # and back
    assert "64 72 69 76 65 72 34 38" in text  # driver48
    assert "its answer" in text
    assert 'href="/frame/9"' in text


def test_a_recording_that_grows_is_shown_as_it_grows(tmp_path: Path) -> None:
    path = tmp_path / "growing.db"
    with Recording.open(path) as recording:
        session(recording)
        flow(recording)
        recording.append(1, frame(b"first"))
        recording.flush()
        with browsed(path) as web:
            first = web.get("/session/1")
            assert "1 of 1 messages" in first.text
            assert "is being written" in first.text
            recording.append(1, frame(b"second"))
            recording.flush()
            assert "2 of 2 messages" in web.get("/session/1").text
            count = web.get("/recording.json?_shape=array&sql=select+count(*)+as+n+from+frames")
            assert json.loads(count.text) == [{"n": 2}]
            followed = web.get("/session/1?follow=1")
            assert followed.headers["refresh"] == "2"
            assert "stop following" in followed.text
            assert "follow=1" in web.get("/session/1").text
            recording.close()
            assert "refresh" not in web.get("/session/1?follow=1").headers
            # nobody is in the writer's way: what it leaves is one file
            assert [one.name for one in tmp_path.iterdir()] == [path.name]
            assert "is being written" not in web.get("/session/1").text


def test_pages_of_a_long_session(tmp_path: Path, changing: Web) -> None:
    path, web = tmp_path / "long.db", changing
    with Recording.open(path) as recording:
        recording.add_session(game="toy", client="192.0.2.2", origin=Origin.RECORD)
        flow(recording)
        for number in range(4_100):
            recording.append(1, frame(b"%d" % number, at=1_795_000_000_000_000 + number))
    path.replace(web.path)
    first = web.get("/session/1").text
    assert "2,000 of 4,100 messages, frames 1 to 2000" in first
    assert "/session/1?after=2000" in first
    last = web.get("/session/1?after=4000").text
    assert "100 of 4,100 messages, frames 4001 to 4100" in last
    assert "/session/1?after=2000" in last
    assert "next</a>" not in last
    newest = web.get("/session/1?follow=1").text
    assert "200 of 4,100 messages, frames 3901 to 4100" in newest


def test_an_empty_recording_says_so(changing: Web) -> None:
    changing.path.unlink(missing_ok=True)
    Recording.open(changing.path).close()
    assert "no session yet" in changing.get("/").text
    assert changing.get("/recording").status == 200


def test_a_file_that_vanishes_is_said_in_a_sentence(changing: Web) -> None:
    changing.path.unlink(missing_ok=True)
    got = changing.get("/")
    assert got.status == 500
    assert "does not exist" in got.text


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE frames SET kind = CAST(x'fffe41' AS TEXT), error = CAST(x'ff' AS TEXT)",
        "UPDATE sessions SET game = CAST(x'fffe41' AS TEXT), started_at = 'never', ended_at = 'x'",
        "UPDATE frames SET direction = 'x' WHERE id = 4",
        "UPDATE frames SET fields = '{', derived = '[' WHERE id = 4",
        "UPDATE frames SET fields = '{\"messages\":[1,null,{}]}', derived = '\"x\"' WHERE id = 4",
        "UPDATE frames SET fields = replace(hex(zeroblob(2000)), '0', '[') WHERE id = 4",
        "UPDATE frames SET at = 9223372036854775807 * (id % 2 * 2 - 1)",
        "UPDATE flows SET opened_at = -9223372036854775807, closed_at = 9223372036854775807",
        "UPDATE flows SET parent_frame_id = 3",
        "DELETE FROM flows WHERE id = 2",
        "DELETE FROM sessions WHERE id = 1",
    ],
)
def test_what_no_writer_of_ours_wrote_is_shown_or_said(
    tmp_path: Path, changing: Web, change: str
) -> None:
    path, web = write_sample(tmp_path / "odd.db"), changing
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA ignore_check_constraints = ON")
    connection.execute(change)
    connection.commit()
    connection.close()
    path.replace(web.path)
    for target in (
        "/", "/session/1", "/session/2", "/session/1/timeline", "/frame/4", "/frame/4.json",
        "/session/1/diagram.svg", "/recording/frames", "/recording/kinds",
        "/recording/slowest_answers", "/recording/wrong_checks", "/recording/sessions",
    ):  # fmt: skip
        got = web.get(target)
        assert got.status in (200, 400, 404, 500)
        assert "Traceback" not in got.text
        assert got.text != "Internal Server Error"
        if got.status >= 400:
            assert "<h1>" in got.text, target
    assert web.get("/").status == 200


def test_it_opens_the_browser_and_ends_quietly(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write_sample(tmp_path / "sample.db")
    script, told = tmp_path / "opened.py", tmp_path / "told"
    script.write_text(f"import sys; open({str(told)!r}, 'w').write(sys.argv[1])")
    monkeypatch.setenv("BROWSER", f"{sys.executable} {script} %s")
    with Command(tmp_path, "browse", path.name, "--web") as command:
        line = command.until(lambda text: "http://" in text)
        address = line.split()[3]
        port = int(address.rsplit(":", 1)[1].strip("/"))
        assert Web(port).get("/").status == 200
        assert command.stop() == 0
    assert told.read_text() == address
    assert command.errors == ""
    assert sorted(one.name for one in tmp_path.iterdir()) == ["opened.py", "sample.db", "told"]
