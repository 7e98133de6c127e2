"""One way to print rows: on a terminal, in a pipe, for programs."""

from __future__ import annotations

import csv
import io
import json
import os
import re
import tracemalloc
from collections.abc import Callable, Iterator
from contextlib import redirect_stdout

import click
import pytest
from click.testing import CliRunner
from rich.text import Text

from recordings import listing
from recordings.listing import Column, Output, Row, columns_of, listing_options, print_rows
from recordings.text import safe
from tests.recordings.sample import HOSTILE

ROWS: list[Row] = [
    {"id": 1, "name": "alice", "raw": b"\x00\xff", "fields": '{"a": [1]}'},
    {"id": 20, "name": None, "raw": None, "fields": None},
    {"id": 300, "name": HOSTILE, "raw": b"", "fields": "{}"},
]
NAMES = ["id", "name", "raw", "fields"]
COLUMNS = [
    Column("id", lambda row: str(row["id"]), "bold", right=True),
    Column("name", lambda row: safe(row["name"] or ""), spare=True),
    Column("none", lambda row: "", optional=True),
]


def printed(*arguments: str, rows: list[Row] = ROWS) -> str:
    @click.command()
    @listing_options
    def command(output: Output) -> None:
        print_rows(rows, COLUMNS, NAMES, output)

    result = CliRunner().invoke(command, arguments)
    assert result.exit_code == 0, result.output
    return result.stdout_bytes.decode()


def test_in_a_pipe_it_is_plain_text() -> None:
    assert printed() == (
        " id  name\n"
        "  1  alice\n"
        " 20\n"
        r"300  \x1b[31mred\x1b]0;title\x07[bold]x[/bold] \u202e\x9b2J\r\n"
        "\n"
    )
    assert printed("-t") == printed("--table") == printed()


def test_one_object_a_line() -> None:
    lines = printed("--nl").splitlines()
    assert all(line.isprintable() for line in lines)
    assert [json.loads(line) for line in lines] == [
        {"id": 1, "name": "alice", "raw": "00ff", "fields": {"a": [1]}},
        {"id": 20, "name": None, "raw": None, "fields": None},
        {"id": 300, "name": HOSTILE, "raw": "", "fields": {}},
    ]


def test_one_array() -> None:
    assert json.loads(printed("--json")) == [json.loads(x) for x in printed("--nl").splitlines()]
    assert json.loads(printed("--json", rows=[])) == []


def test_csv() -> None:
    found = list(csv.reader(io.StringIO(printed("--csv"), newline="")))
    assert found == [
        NAMES,
        ["1", "alice", "00ff", '{"a": [1]}'],
        ["20", "", "", ""],
        ["300", HOSTILE, "", "{}"],
    ]
    assert printed("--csv", rows=[]) == "id,name,raw,fields\n"


@pytest.mark.parametrize("output", list(Output))
def test_rows_are_streamed(output: Output) -> None:
    made = 0

    def rows() -> Iterator[Row]:
        nonlocal made
        for made in range(1, 401):
            yield {"id": made, "name": "x" * 50_000}

    with open(os.devnull, "w", encoding="utf-8") as nowhere, redirect_stdout(nowhere):
        tracemalloc.start()
        try:
            count = print_rows(rows(), COLUMNS[:1], ["id", "name"], output)
            peak = tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()
    assert count == made == 400
    assert peak < 250 * 50_000  # one batch, never all of the 20 MB


def test_columns_for_rows_of_unknown_meaning() -> None:
    columns = columns_of(["id", HOSTILE])
    row = {"id": b"\x0a\x0b", HOSTILE: HOSTILE}
    assert columns[1].name.isprintable()
    assert [column.show(row) for column in columns] == ["0a0b", safe(HOSTILE)]


def test_columns_that_cannot_stand_side_by_side_stand_below_each_other(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    names = ["id", *(f"column_{n}" for n in range(6))]
    rows = [dict.fromkeys(names, value) for value in ("x" * 9, "y" * 90)]
    monkeypatch.setattr(listing, "is_terminal", lambda: True)
    shown = []
    for width in (40, 100):
        monkeypatch.setenv("COLUMNS", str(width))
        assert print_rows(rows, columns_of(names), names, Output.AUTO) == 2
        shown.append([line.rstrip() for line in capsys.readouterr().out.splitlines()])
    upright, table = shown
    assert upright[0] == "id        " + "x" * 9
    assert upright[7:10] == ["", "id        " + "y" * 29 + "…", "column_0  " + "y" * 29 + "…"]
    assert len(upright) == 15
    assert table[0].split() == names
    assert len(table) == 3


@pytest.fixture
def terminal(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[[int, list[Row]], str]:
    """Prints as on a terminal of that width, with colours."""

    def show(width: int, rows: list[Row]) -> str:
        monkeypatch.setattr(listing, "is_terminal", lambda: True)
        monkeypatch.setenv("FORCE_COLOR", "1")
        monkeypatch.setenv("TERM", "xterm")
        monkeypatch.setenv("COLUMNS", str(width))
        monkeypatch.delenv("NO_COLOR", raising=False)
        print_rows(rows, COLUMNS, NAMES, Output.AUTO)
        return capsys.readouterr().out

    return show


def test_on_a_terminal_nothing_is_wider_than_it(
    terminal: Callable[[int, list[Row]], str],
) -> None:
    shown = Text.from_ansi(terminal(30, ROWS)).plain.splitlines()
    assert all(len(line.rstrip()) <= 30 for line in shown)
    assert shown[3].endswith("…")
    assert [line.split()[0] for line in shown] == ["id", "1", "20", "300"]


def test_on_a_terminal_only_colours_are_controlled(
    terminal: Callable[[int, list[Row]], str],
) -> None:
    shown = terminal(200, ROWS)
    assert "\x1b[1m" in shown
    assert r"\x1b[31mred" in shown
    assert "[bold]x[/bold]" in shown
    assert re.sub(r"\x1b\[[\d;]*m", "", shown).replace("\n", "").isprintable()


def test_many_rows_keep_their_columns(terminal: Callable[[int, list[Row]], str]) -> None:
    rows: list[Row] = [{"id": n, "name": f"n{n}"} for n in range(listing.BATCH * 2 + 5)]
    lines = Text.from_ansi(terminal(40, rows)).plain.splitlines()
    assert len(lines) == len(rows) + 1
    assert lines[0].count("name") == 1
    assert len({line.index("n") for line in lines}) == 1


def test_narrow_columns_and_wide_ones() -> None:
    wide, narrow = Column("a", str, wide=120), Column("b", str, narrow=120)
    assert (wide.fits(119), narrow.fits(119)) == (False, True)
    assert (wide.fits(120), narrow.fits(120)) == (True, False)
