"""The browser as a person uses it: keys, mouse, what is on the screen."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

pytest.importorskip("textual", reason="the extra tui is not installed")

from recordings import notes
from recordings.browse.filter_line import FilterLine
from recordings.browse.line_view import LineView
from recordings.browse.narrowing import written
from recordings.filters import compile_filter
from recordings.frame_report import make_report
from recordings.reader import Reader
from recordings.writer import Recording
from tests.recordings import making
from tests.recordings.browse.driving import Driver, drive
from tests.recordings.sample import HOSTILE, write_sample

MANY = 3_000


@pytest.fixture
def sample(tmp_path: Path) -> Path:
    return write_sample(tmp_path / "sample.db")


@pytest.fixture(scope="module")
def long(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One session of two flows whose frames take turns."""
    path = tmp_path_factory.mktemp("long") / "long.db"
    with Recording.open(path) as recording:
        session = making.session(recording)
        flows = [making.flow(recording, session) for _ in range(2)]
        for number in range(MANY):
            kind = "rare" if number == 2_500 else "common"
            recording.append(flows[number % 2], making.frame(b"%d" % number, kind=kind))
    return path


def test_the_screen_of_80_by_24(sample: Path) -> None:
    async def play(driver: Driver) -> None:
        await driver.press("down", "down", "down")
        screen = driver.screen
        assert len(screen) == 24
        assert screen[0].strip() == "sample.db  frame 4, 27%"
        assert screen[3].startswith("├ ▼ 1 nascar 192.0.2.7")
        assert "↳ 2 ea-lobby :10901" in screen[5], "the redirect is below the flow that led to it"
        assert " 4*" in screen[5]
        assert screen[5].rstrip("│█").endswith("→ auth       ! NAME=alice PASS=se…")
        assert "frame 4 → auth  ea-lobby  41 B" in screen[12]
        assert screen[14].startswith("PASS secret  ok")
        assert screen[14].endswith("0000  61 75 74 68  00 00 00 00  auth....")
        assert "WRONG: has nothing" in driver.text
        assert "* the first login" in driver.text
        assert screen[23].startswith("? keys f filter / search a answer b back")

    drive(sample, play)


def test_wide_terminals_show_more(sample: Path) -> None:
    async def play(driver: Driver) -> None:
        assert "40 64 69 72 00 00 00 00  00 00 00 2f 50 52 4f 44  @dir......./PROD" in driver.text
        assert "ea-lobby" in driver.screen[2]

    drive(sample, play, (160, 45))


def test_the_bytes_of_the_selected_field_are_lit(sample: Path) -> None:
    async def play(driver: Driver) -> None:
        await driver.press("#", *"4", "enter", "enter", "down")
        view = driver.app.inspector.query_one("#bytes")
        assert view._lit == (0x1C, 0x22)  # type: ignore[attr-defined]
        await driver.press("v")
        assert "41 53 53 3d  7e 64 70 76" in driver.text, "raw, as it was enciphered"
        await driver.click("#bytes", 9, 2)  # the first byte of NAME
        assert driver.app.inspector.query_one("#message", LineView).index == 0

    drive(sample, play)


def test_filter_and_completion(sample: Path) -> None:
    async def play(driver: Driver) -> None:
        await driver.press("f")
        await driver.type("~k aut")
        assert "auth" in driver.screen[1]
        await driver.press("tab")
        assert driver.app.query_one("#filter").value == "~k auth"  # type: ignore[attr-defined]
        await driver.press("enter")
        assert driver.listed == [4, 5]
        await driver.press("f", *["backspace"] * 7)
        await driver.type("~f NAM")
        await driver.press("tab")
        await driver.type("=alice")
        await driver.press("enter")
        assert driver.listed == [4]

    drive(sample, play)


def test_a_wrong_filter_says_where(sample: Path) -> None:
    async def play(driver: Driver) -> None:
        await driver.press("f")
        await driver.type("~nosuch")
        await driver.press("enter")
        assert "there is no operator" in driver.app.said
        assert len(driver.listed) == 12

    drive(sample, play)


def test_a_filter_that_finds_nothing_says_why(sample: Path) -> None:
    async def play(driver: Driver) -> None:
        await driver.press("f", *"~k atuh", "enter")
        assert "no frame here" in driver.text
        assert "no kind atuh is known here; did you mean ~k auth?" in driver.app.said

    drive(sample, play)


def test_a_filter_may_be_given(sample: Path) -> None:
    async def play(driver: Driver) -> None:
        assert driver.listed == [6, 9]

    drive(sample, play, text="~e")


def test_the_tree_chooses_what_is_listed(sample: Path) -> None:
    async def play(driver: Driver) -> None:
        await driver.click("#tree", 8, 5)  # flow 3, in session 2
        assert driver.listed == [7, 8]
        await driver.click("#tree", 8, 1)
        assert driver.listed == [1, 2, 3, 4, 5, 6]
        assert "session 1" in driver.screen[0]

    drive(sample, play)


def test_answers_and_back(sample: Path) -> None:
    async def play(driver: Driver) -> None:
        await driver.press("#", "4", "enter", "a")
        assert driver.selected == 5
        await driver.press("a")
        assert driver.selected == 4, "the request of the answer"
        await driver.press("b", "b")
        assert driver.selected == 4

    drive(sample, play)


def test_a_line_that_leads_elsewhere(sample: Path) -> None:
    async def play(driver: Driver) -> None:
        await driver.press("down", "enter", "end")
        assert "led to flow 2" in driver.text
        while "led to flow" not in str(driver.app.inspector.item):
            await driver.press("up")
        await driver.press("enter")
        assert driver.listed == [3, 4, 5, 6]
        await driver.press("b")
        assert driver.selected == 2

    drive(sample, play)


def test_search(sample: Path) -> None:
    async def play(driver: Driver) -> None:
        await driver.press("/")
        await driver.type("bob")
        await driver.press("enter")
        assert driver.selected == 7
        await driver.press("n")
        assert "no further frame has 'bob'" in driver.app.said
        await driver.press("/", *["backspace"] * 3)
        await driver.type("hex:ff ?? 6a")
        await driver.press("enter", "N")
        assert driver.selected == 6

    drive(sample, play)


def test_search_goes_round(long: Path) -> None:
    async def play(driver: Driver) -> None:
        await driver.press("G", "/")
        await driver.type("251")
        await driver.press("enter")
        assert driver.selected == 252
        assert driver.app.said == "'251': from the beginning again"
        await driver.press("N")
        assert driver.selected == 2520
        assert driver.app.said == "'251': from the end again"

    drive(long, play)


def test_a_filter_is_written_from_what_is_selected(sample: Path) -> None:
    async def play(driver: Driver) -> None:
        line = driver.app.query_one(FilterLine)
        await driver.press("down", "down", "down", "=")
        assert (line.value, line.has_focus) == ("~k auth", True)
        await driver.press("escape")
        assert line.value == "", "Escape leaves the filter as it was"
        await driver.press("enter", "=")
        assert line.value == "~k auth & ~f NAME=alice"
        await driver.press("enter")
        assert driver.listed == [4]
        await driver.press("f", "x", "escape")
        assert line.value == "~k auth & ~f NAME=alice"
        await driver.press("ctrl+c")
        assert "q quits" in driver.app.said

    drive(sample, play)


@pytest.mark.parametrize("value", ["a b", 'say "so"', "", "x&y | !", "back\\slash", "(", 7, True])
def test_every_value_is_found_by_its_filter(value: str | int, tmp_path: Path) -> None:
    path = tmp_path / "values.db"
    with Recording.open(path) as recording:
        flow = making.flow(recording, making.session(recording))
        for one in (value, "other"):
            recording.append(
                flow, making.frame(b"x", kind="my kind", fields=json.dumps({"N": one}))
            )
    with Reader.open(path) as reader:
        frame = reader.frame(1)
        assert frame is not None
        report = make_report(reader, frame, None)
        where = compile_filter(written(report, "N", value))
        assert [row.id for row in reader.frames(where.sql, where.parameters)] == [1]


def test_marks_and_notes(sample: Path) -> None:
    async def play(driver: Driver) -> None:
        await driver.press("m")
        assert " 1*" in driver.screen[2]
        await driver.press("m")
        assert " 1*" not in driver.screen[2]
        await driver.press("e")
        await driver.type("look here")
        await driver.press("enter")
        assert "* look here" in driver.text
        await driver.press("M")
        assert driver.selected == 4
        await driver.click("#tree", 8, 1)
        driver.app.tree_of_sessions.focus()
        await driver.press("e")
        await driver.type("an evening")
        await driver.press("enter")

    drive(sample, play)
    with Reader.open(sample) as reader:
        found = [(one.session_id, one.frame_id, one.text) for one in reader.notes()]
    assert found == [(1, 4, "the first login"), (1, 1, "look here"), (1, None, "an evening")]


def test_compare_two_frames(sample: Path) -> None:
    async def play(driver: Driver) -> None:
        await driver.press("#", "4", "enter", "x")
        assert "comparing frame 4 with" in driver.screen[0]
        await driver.press("down", "x")
        assert driver.screen[0].startswith(" frames 4 and 5: ")
        rows = [row for row in driver.screen if row.startswith(("NAME ", "TOS"))]
        assert '"alice"' in rows[0]
        assert '≠ NAME    "Alice"' in rows[0]
        await driver.press("escape")
        assert driver.selected == 5

    drive(sample, play)


def test_compare_two_sessions(sample: Path) -> None:
    async def play(driver: Driver) -> None:
        driver.app.tree_of_sessions.focus()
        await driver.press("down", "x", "down", "down", "down", "x")
        assert driver.screen[0].startswith(" sessions 1 and 2: ")
        assert "@dir" in driver.screen[1]
        assert " ≠ " in driver.screen[1]

    drive(sample, play)


def test_copy(sample: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)

    async def play(driver: Driver) -> None:
        await driver.press("c", "h")
        assert driver.app.clipboard.startswith("40646972000000000000002f")
        await driver.press("c", "P")
        assert "written to frame-1-dir.py" in driver.app.said

    drive(sample, play)
    written = (tmp_path / "frame-1-dir.py").read_text()
    assert '"4e41534341522d505332' in written
    assert "# PROD NASCAR-PS2-2004" in written


def test_keys_are_listed(sample: Path) -> None:
    async def play(driver: Driver) -> None:
        await driver.press("?")
        assert "go to the answer of a request" in driver.text
        assert "call off a search" in driver.text
        await driver.press("end")
        assert "quit" in driver.text
        assert "~f FIELD" in driver.text, "the filters stand below the keys"
        await driver.press("escape", "t", "z")
        assert "frame 1 " not in driver.screen[12]
        await driver.press("z")
        assert "frame 1 " in driver.screen[12]

    drive(sample, play)


def test_long_lists_are_read_page_by_page(long: Path) -> None:
    async def play(driver: Driver) -> None:
        window = driver.app.frames.window
        assert len(window.lines) < 500
        await driver.press("G")
        assert driver.selected == MANY
        await driver.press("pageup")
        assert driver.selected == MANY - 9
        await driver.press("g")
        assert driver.selected == 1
        await driver.press("pagedown", "space")
        for _ in range(10):
            driver.app.frames.action_page(1)
            await driver.settle()
        assert driver.selected == 12 * 9 + 1
        driver.app.frames.go(1_500)
        await driver.settle()
        for _ in range(60):
            driver.app.frames.action_page(-1)  # faster than the lines can be read
        await driver.settle()
        assert driver.selected == 1500 - 60 * 9
        driver.app.frames.action_move(2_000)
        await driver.settle()
        assert driver.selected == 1500 - 60 * 9 + 2_000
        assert len(driver.app.frames.window.lines) < 2_500

    drive(long, play)


def test_the_bar_goes_to_a_place(long: Path) -> None:
    async def play(driver: Driver) -> None:
        await driver.click("#frames", 52, 5)
        assert abs(driver.selected - MANY * 5 / 9) < 20
        await driver.click("#frames", 52, 9)
        assert driver.selected == MANY

    drive(long, play)


def test_a_flow_of_a_long_recording(long: Path) -> None:
    async def play(driver: Driver) -> None:
        await driver.press("f")
        await driver.type("~k rare")
        await driver.press("enter")
        assert driver.listed == [2_501]
        await driver.press("f", *["backspace"] * 7, "enter")
        assert driver.selected == 2_501, "one stays where one was"
        await driver.click("#tree", 8, 3)
        await driver.press("G")
        assert driver.selected == MANY

    drive(long, play)


def test_a_recording_that_grows_is_followed(tmp_path: Path) -> None:
    path = tmp_path / "live.db"
    recording = Recording.open(path)
    session = making.session(recording)
    flow = making.flow(recording, session)
    recording.append(flow, making.frame(b"first", kind="one"))
    recording.flush()

    async def play(driver: Driver) -> None:
        assert driver.listed == [1]
        assert "being written" in driver.screen[0]
        await driver.press("F")
        for number in range(500):
            recording.append(flow, making.frame(b"%d" % number, kind="more"))
        other = making.flow(recording, session)
        recording.append(other, making.frame(b"last", kind="last"))
        recording.flush()
        driver.app._tick()
        await driver.settle()
        assert driver.selected == 502
        assert "last" in driver.text
        assert "  2 raw-tcp" in driver.text or "2 raw-tcp" in driver.text
        notes.add(path, notes.Subject("frames", 502), "seen while it was recorded")
        recording.append(flow, making.frame(b"end", kind="end"))
        recording.close()
        assert making.names(tmp_path) == ["live.db"], "the writer could make one file of it"
        driver.app._tick()
        await driver.settle()
        assert driver.selected == 503, "the last look is after the end"
        assert "being written" not in driver.screen[0]

    try:
        drive(path, play)
    finally:
        recording.close()
    assert making.rows(path, "SELECT frame_id FROM notes") == [(502,)]


def test_hostile_content_is_harmless(
    sample: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)

    async def play(driver: Driver) -> None:
        await driver.press("#", "9", "enter", "enter", "end")
        assert all(char.isprintable() for row in driver.screen for char in row)
        assert HOSTILE[:6] not in driver.text
        await driver.press("enter")
        assert "1,000,000 characters" in driver.text
        await driver.press("escape", "c", "j")
        assert "A" * 100 not in driver.text
        assert "written to frame-9-Chat2J.json" in driver.app.said, "too long for a terminal"

    drive(sample, play)


def test_a_recording_that_goes_away_is_said(sample: Path) -> None:
    async def play(driver: Driver) -> None:
        with closing(sqlite3.connect(sample)) as connection, connection:
            connection.execute("DROP TABLE frames")
        await driver.press("#", "9", "9", "enter")
        assert "it has no table frames" in driver.app.said

    drive(sample, play)


def test_an_empty_recording(tmp_path: Path) -> None:
    Recording.open(tmp_path / "empty.db").close()

    async def play(driver: Driver) -> None:
        assert "no frame here" in driver.text
        for key in ("down", "G", "a", "b", "m", "x", "c", "n", "escape", "v", "enter"):
            await driver.press(key)
        await driver.press("escape")
        assert "no frame here" in driver.text

    drive(tmp_path / "empty.db", play)
