"""understudy search: where a text or a pattern of bytes is, in one recording or in many."""

from __future__ import annotations

import sqlite3
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import Any

import click

from recordings.choosing import open_recording
from recordings.frame_columns import NAMES, clear_bytes, frame_columns
from recordings.gaps import behind
from recordings.listing import Column, Output, Row, listing_options, print_rows
from recordings.needle import Needle
from recordings.reader import Reader
from recordings.search_index import Progress, SearchIndex, index_path, searchable
from recordings.text import ascii_text, safe

STEP = 100_000
"""Frames of a search without an index between two looks at the bar."""
AROUND = 24
"""Characters on either side of what was found."""
READ_AT_ONCE = 200


def _context(row: Row, needle: Needle) -> str:
    """What was found, with what stands around it."""
    data = clear_bytes(row)
    word = needle.text.split()[0].strip('"').lower() if needle.pattern is None else ""
    fields = row["fields"] or ""
    at = fields.lower().find(word) if word else -1
    if at >= 0:
        text, size = fields, len(word)
    else:
        at = needle.inside(data) if needle.pattern is not None else data.lower().find(word.encode())
        text, size = ascii_text(data), len(needle.pattern or word)
    if at < 0:
        return ""
    start, end = max(0, at - AROUND), at + size + AROUND
    before, after = "…" if start else "", "…" if end < len(text) else ""
    return safe(f"{before}{text[start:end]}{after}")


@contextmanager
def _bar(what: str, length: int, least: int) -> Iterator[Progress | None]:
    """A progress bar on stderr, for long work that a person watches."""
    if length < least or not sys.stderr.isatty():
        if length >= least:
            click.echo(f"{what} …", err=True)
        yield None
        return
    with click.progressbar(length=length, label=what, file=sys.stderr) as bar:
        yield lambda done, of: bar.update(done - bar.pos)


def _by_index(reader: Reader, text: str, rebuild: bool) -> Iterator[sqlite3.Row]:
    """The frames that the index names; raises sqlite3.Error where there can be none."""
    if rebuild:
        index_path(reader.path.resolve()).unlink(missing_ok=True)
    with SearchIndex(reader.path) as index:
        with _bar(
            f"reading the words of {reader.path.name}", index.missing(reader), 200_000
        ) as tell:
            index.update(reader, tell)
        ids = index.find(text)
        while some := list(islice(ids, READ_AT_ONCE)):
            marks = ", ".join("?" * len(some))
            yield from reader.rows(f"frames.id IN ({marks})", some, **_between(some))


def _between(ids: list[int]) -> Any:
    return {"after": ids[0] - 1, "before": ids[-1] + 1}


def _by_reading(reader: Reader, needle: Needle) -> Iterator[sqlite3.Row]:
    """The frames that hold it, by looking at every one."""
    (last,) = reader.select("SELECT ifnull(max(id), 0) FROM frames")[0]
    where = needle.where
    with _bar(f"searching {reader.path.name}", last, 1_000_000) as tell:
        end = 0
        while start := behind(reader.select, end):
            end = min(last, start - 1 + STEP)
            yield from reader.rows(where.sql, where.parameters, after=start - 1, before=end + 1)
            if tell is not None:
                tell(end, last)


def _found(file: Path, needle: Needle, every: bool, rebuild: bool) -> Iterator[Row]:
    with open_recording(file) as reader:
        rows: Iterator[sqlite3.Row]
        if needle.pattern is None and not every and searchable(needle.text):
            try:
                rows = _by_index(reader, needle.text, rebuild)
                first = next(rows, None)
            except sqlite3.Error as error:
                index = index_path(file)
                click.echo(f"{index} cannot be used ({error}): reading all frames", err=True)
                rows, first = _by_reading(reader, needle), None
            if first is not None:
                yield _row(file, first, needle)
        else:
            rows = _by_reading(reader, needle)
        for row in rows:
            yield _row(file, row, needle)


def _row(file: Path, row: sqlite3.Row, needle: Needle) -> Row:
    new: Row = {"recording": str(file), **{name: row[name] for name in NAMES}}
    new["protocol"] = row["protocol"] or row["flow_protocol"]
    new["found"] = _context(new, needle)
    return new


def _columns(many: bool) -> list[Column]:
    found = Column("found", lambda row: row["found"], "green", spare=True)
    columns = [one for one in frame_columns(True, False) if one.name not in ("what", "size")]
    if many:
        columns.insert(0, Column("recording", lambda row: safe(row["recording"]), spare=True))
    return [*columns, found]


@click.command("search")
@click.argument(
    "files", metavar="FILE...", nargs=-1, required=True, type=click.Path(path_type=Path)
)
@click.argument("text")
@click.option("--limit", type=click.IntRange(min=1), metavar="N", help="Show N frames at most.")
@click.option("--scan", is_flag=True, help="Look at every frame; finds parts of words as well.")
@click.option("--rebuild", is_flag=True, help="Make the index anew before.")
@listing_options
def command(
    files: tuple[Path, ...], text: str, limit: int | None, scan: bool, rebuild: bool, output: Output
) -> None:
    """Find a text or bytes in the frames of one or more recordings.

    A text is looked for in kinds, fields and printable bytes: all its words, each as the beginning
    of one, whatever the case; "in quotes" they must follow each other. The first search of a
    recording makes an index beside it (FILE-search), later ones add what is new; remove it as you
    like. hex:DE AD ?? EF is a pattern of bytes, ?? any byte; for it, and with --scan, every frame
    is read.

    \b
    Example:
      understudy search evening.understudy.db alice
      understudy search *.understudy.db '"good race"' --limit 20
      understudy search evening.understudy.db 'hex:7e 64 ?? 76' --nl
    """
    needle = Needle.parse(text)
    rows = (row for file in files for row in _found(file, needle, scan, rebuild))
    names = ["recording", *NAMES, "found"]
    if not print_rows(islice(rows, limit), _columns(len(files) > 1), names, output):
        where = str(files[0]) if len(files) == 1 else f"{len(files)} recordings"
        click.echo(f"{safe(text)} is not in {where}.", err=True)
