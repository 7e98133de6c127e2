"""One way to print rows: a table on a terminal, plain text in a pipe, or a format for programs.

Rows are dicts of what the database holds, and are what `--nl`, `--json` and `--csv` print: BLOBs as
hex, JSON as JSON. Columns say what a person sees of them. Rows are streamed: at most `BATCH` are
held at once, so the widths of the columns are those of the first batch.
"""

from __future__ import annotations

import csv
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import chain, islice
from typing import TYPE_CHECKING, Any, TextIO, TypeVar

import click

from recordings.model import Json
from recordings.text import crop, dump, load, safe
from recordings.upright import print_upright

if TYPE_CHECKING:
    from rich.table import Table

BATCH = 200
"""Rows that are laid out together."""
CELL_LIMIT = 2_000
"""Characters of one cell of a table; the other formats hold all."""
JSON_COLUMNS = frozenset({"fields", "derived"})
"""Columns of the database that hold JSON text."""
GAP = 2
"""Spaces between two columns."""

Row = dict[str, Any]
F = TypeVar("F", bound=Callable[..., Any])


class Output(StrEnum):
    """How a listing is printed."""

    AUTO = "auto"
    TABLE = "table"
    NL = "nl"
    JSON = "json"
    CSV = "csv"


@dataclass(frozen=True, slots=True)
class Column:
    """A column of the table that a person sees."""

    name: str
    show: Callable[[Row], str]
    """One line; it is made safe for a terminal here, whatever it holds."""
    style: str | Callable[[Row], str] = ""
    """A style of rich, for instance `bold red`."""
    right: bool = False
    spare: bool = False
    """Is cropped first where the terminal is narrow."""
    optional: bool = False
    """Left out while no row of the first batch has it."""
    wide: int = 0
    """Left out on terminals narrower than this."""
    narrow: int = 0
    """Only there on terminals narrower than this."""

    def fits(self, room: int) -> bool:
        """Whether the column is shown on a terminal of that width."""
        return room >= self.wide and (not self.narrow or room < self.narrow)


_OPTIONS = (
    (("-t", "--table"), Output.TABLE, "Print a plain table that is never cropped."),
    (("--nl",), Output.NL, "Print one JSON object a line."),
    (("--json",), Output.JSON, "Print one JSON array."),
    (("--csv",), Output.CSV, "Print CSV with a header."),
)


def listing_options(command: F) -> F:
    """Add `-t/--table`, `--nl`, `--json`, `--csv`; the command gets `output`, an Output."""
    for flags, output, text in reversed(_OPTIONS):
        option = click.option(
            *flags, "output", flag_value=output, type=Output, default=Output.AUTO, help=text
        )
        command = option(command)
    return command


def is_terminal() -> bool:
    """Whether a person watches standard output."""
    return sys.stdout.isatty()


def print_rows(
    rows: Iterable[Row], columns: Sequence[Column], names: Sequence[str], output: Output
) -> int:
    """Print the rows and return how many there were. `names` are the keys of every row."""
    out = sys.stdout
    counter = _Counter(rows)
    if output in _WRITERS:
        _WRITERS[output](counter, names, out)
    elif output is Output.AUTO and is_terminal():
        _print_rich(iter(counter), columns)
    else:
        _print_plain(iter(counter), columns, out)
    return counter.count


class _Counter:
    def __init__(self, rows: Iterable[Row]) -> None:
        self.rows = rows
        self.count = 0

    def __iter__(self) -> Iterator[Row]:
        for row in self.rows:
            self.count += 1
            yield row


def portable(row: Row) -> dict[str, Json]:
    """A row as JSON: BLOBs as hex, columns of JSON parsed."""
    return {name: _portable(name, value) for name, value in row.items()}


def _portable(name: str, value: Any) -> Json:
    if isinstance(value, bytes):
        return value.hex()
    if name in JSON_COLUMNS and isinstance(value, str):
        return load(value)
    return value


def _write_nl(rows: Iterable[Row], names: Sequence[str], out: TextIO) -> None:
    for row in rows:
        out.write(dump(portable(row)) + "\n")


def _write_json(rows: Iterable[Row], names: Sequence[str], out: TextIO) -> None:
    before = "["
    for row in rows:
        out.write(before + dump(portable(row)))
        before = ",\n "
    out.write("]\n" if before != "[" else "[]\n")


def _write_csv(rows: Iterable[Row], names: Sequence[str], out: TextIO) -> None:
    clean = safe if is_terminal() else str
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow([clean(name) for name in names])
    for row in rows:
        writer.writerow(
            value.hex() if isinstance(value, bytes) else "" if value is None else clean(str(value))
            for value in row.values()
        )


_WRITERS = {Output.NL: _write_nl, Output.JSON: _write_json, Output.CSV: _write_csv}


def _cells(row: Row, columns: Sequence[Column]) -> list[str]:
    return [crop(safe(column.show(row)), CELL_LIMIT) for column in columns]


def _shown(columns: Sequence[Column], first: list[Row], room: int | None) -> list[Column]:
    """The columns that this listing has."""
    return [
        column
        for column in columns
        if (not column.narrow if room is None else column.fits(room))
        and (not column.optional or any(column.show(row) for row in first))
    ]


def _widths(columns: Sequence[Column], laid: list[list[str]]) -> list[int]:
    from rich.cells import cell_len

    return [
        max([cell_len(column.name), *(cell_len(cells[i]) for cells in laid)])
        for i, column in enumerate(columns)
    ]


def _print_plain(rows: Iterator[Row], columns: Sequence[Column], out: TextIO) -> None:
    from rich.cells import cell_len

    first = list(islice(rows, BATCH))
    columns = _shown(columns, first, None)
    laid = [_cells(row, columns) for row in first]
    widths = _widths(columns, laid)

    def line(cells: Sequence[str]) -> str:
        padded = []
        for cell, column, width in zip(cells, columns, widths, strict=True):
            gap = " " * max(0, width - cell_len(cell))
            padded.append(gap + cell if column.right else cell + gap)
        return (" " * GAP).join(padded).rstrip() + "\n"

    out.write(line([column.name for column in columns]))
    for cells in chain(laid, (_cells(row, columns) for row in rows)):
        out.write(line(cells))


def _print_rich(rows: Iterator[Row], columns: Sequence[Column]) -> None:
    from rich.console import Console
    from rich.text import Text

    console = Console(highlight=False)
    batch = list(islice(rows, BATCH))
    columns = _shown(columns, batch, console.width)
    widths: list[int] = []
    while batch:
        laid = [_cells(row, columns) for row in batch]
        table = _table(columns, widths, not widths)
        if not widths:
            widths = _fit(columns, _widths(columns, laid), console.width)
            wide = sum(widths) + GAP * (len(columns) - 1) > console.width
            if wide and all(column.spare for column in columns):  # no one of them says most
                every = (_cells(row, columns) for row in chain(batch, rows))
                return print_upright(console, [column.name for column in columns], every)
            table = _table(columns, widths, True)
        for row, cells in zip(batch, laid, strict=True):
            styles = [c.style(row) if callable(c.style) else c.style for c in columns]
            table.add_row(*(Text(t, style=s) for t, s in zip(cells, styles, strict=True)))
        console.print(table)
        batch = list(islice(rows, BATCH))


def _table(columns: Sequence[Column], widths: list[int], header: bool) -> Table:
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, show_header=header, padding=(0, GAP, 0, 0), pad_edge=False)
    for column, width in zip(columns, widths, strict=False):
        table.add_column(
            Text(column.name),
            justify="right" if column.right else "left",
            no_wrap=True,
            overflow="ellipsis",
            width=width,
            header_style="bold",
        )
    return table


def _fit(columns: Sequence[Column], widths: list[int], room: int) -> list[int]:
    """Widths that fit the terminal: spare columns give first, the widest of them most."""
    widths = list(widths)
    over = sum(widths) + GAP * (len(columns) - 1) - room
    for able in ([i for i, c in enumerate(columns) if c.spare], list(range(len(columns)))):
        floors = {i: max(8, len(columns[i].name)) for i in able}
        while over > 0:
            giving = [i for i in able if widths[i] > floors[i]]
            if not giving:
                break
            widths[max(giving, key=lambda i: widths[i])] -= 1
            over -= 1
    return widths


def columns_of(names: Sequence[str]) -> list[Column]:
    """A column for each key, for rows of unknown meaning."""

    def show(name: str) -> Callable[[Row], str]:
        return lambda row: _plain_value(row[name])

    return [Column(name=safe(name), show=show(name), spare=True) for name in names]


def unique(names: list[str]) -> list[str]:
    """Names for the keys of a row: the second `id` is `id_2`."""
    out: list[str] = []
    for name in names:
        key, count = name, 1
        while key in out:
            count += 1
            key = f"{name}_{count}"
        out.append(key)
    return out


def _plain_value(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bytes):
        return value[:CELL_LIMIT].hex()
    return safe(str(value)[: CELL_LIMIT + 1])
