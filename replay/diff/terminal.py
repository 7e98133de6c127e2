"""The report for a person at a terminal, and in a log: lines with styles."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import click

from recordings.model import Direction
from recordings.text import crop, safe
from replay.diff.report import Entry, Report, State, show_said, show_value
from replay.diff.said import Said

LISTED = 20
"""Differences that are listed unless all are asked for."""
WIDE = 150
"""Characters of one message."""

A, B, HEAD, FAINT, GOOD, BAD = "red", "green", "bold", "dim", "green", "red"


def style(text: str, how: str) -> str:
    """Text in one of the styles."""
    if how in ("bold", "dim"):
        return click.style(text, **{how: True})
    return click.style(text, fg=how)


def lines(report: Report, *, every: bool = False) -> Iterator[str]:
    """The report, line by line; `every` difference, or the first few."""
    yield style(f"--- {safe(report.a)}", A)
    yield style(f"+++ {safe(report.b)}", B)
    for notice in report.notices:
        yield style(f"note: {safe(notice)}", FAINT)
    if report.first is not None:
        yield ""
        yield from _first(report)
        yield ""
        yield from _rest(report, every)
        yield from _answers(report)
        yield from _kinds(report)
        yield ""
    yield style(report.sentence(), GOOD if report.same else BAD)


def _arrow(said: Said) -> str:
    return "c>s" if said.direction is Direction.TO_SERVER else "s>c"


def _line(said: Said) -> str:
    return f"{_arrow(said)}  {crop(show_said(said), WIDE)}"


def _first(report: Report) -> Iterator[str]:
    first = report.first
    assert first is not None
    yield f"{style('first difference', HEAD)}  {_where(first)}  {first.sentence()}"
    for entry in report.context:
        yield from _entry(entry, of=first)


def _where(entry: Entry) -> str:
    frames = [
        f"{side} frame {said.frame}"
        for side, said in (("a", entry.a), ("b", entry.b))
        if said is not None
    ]
    return f"{safe(entry.leg)}, {', '.join(frames)}:"


def _entry(entry: Entry, of: Entry | None = None) -> Iterator[str]:
    """A message of both sides: once where it is the same, else one line a side."""
    if not entry.state.differs:
        yield style(f"    {_line(entry.said)}", FAINT)
        return
    mark = ">" if entry is of else " "
    if entry.a is not None:
        yield style(f"{mark} - {_line(entry.a)}", A)
    if entry.b is not None:
        yield style(f"{mark} + {_line(entry.b)}", B)
    yield from _changes(entry)


def _changes(entry: Entry) -> Iterator[str]:
    for change in entry.changes[:12]:
        a, b = style(show_value(change.a), A), style(show_value(change.b), B)
        yield f"        {safe(change.path)}: {a} -> {b}"
    if len(entry.changes) > 12:
        yield f"        and {len(entry.changes) - 12} more fields"


def _rest(report: Report, every: bool) -> Iterator[str]:
    found = [entry for entry in report.differences if entry is not report.first]
    shown = found if every else found[:LISTED]
    if shown:
        yield style("further differences", HEAD)
    for entry in shown:
        yield f"  {_where(entry)} {entry.sentence()}"
        yield from _changes(entry)
    total = sum(count for state, count in report.counts.items() if state.differs) - 1
    if total > len(shown):
        cure = "" if every else " (--all lists them)"
        yield f"  and {total - len(shown):,} more{cure}"
    if shown:
        yield ""


def _table(head: Sequence[str], rows: Sequence[Sequence[object]]) -> Iterator[str]:
    """Names on the left, numbers on the right; 0 is a dot."""
    cells = [[("." if cell == 0 else str(cell)) for cell in row] for row in rows]
    widths = [max(len(row[n]) for row in [list(head), *cells]) for n in range(len(head))]
    yield style("  ".join(_put(c, w, n) for n, (c, w) in enumerate(zip(head, widths, strict=True))),
                FAINT)  # fmt: skip
    for row in cells:
        yield "  ".join(_put(c, w, n) for n, (c, w) in enumerate(zip(row, widths, strict=True)))


def _put(cell: str, width: int, column: int) -> str:
    return cell.rjust(width) if column else cell.ljust(width)


def _answers(report: Report) -> Iterator[str]:
    if not report.answers:
        return
    yield style("how requests were answered", HEAD)
    head = ("request", "asked", "answered", "differently", "never", "extra", "not asked")
    yield from _table(
        head,
        [
            (safe(r.kind), r.asked, r.answered, r.differently, r.never, r.extra, r.not_asked)
            for r in report.answers
        ],
    )
    yield ""


def _kinds(report: Report) -> Iterator[str]:
    rows = [row for row in report.kinds if row.differs]
    yield style("kinds that differ", HEAD)
    yield from _table(
        ("kind", "way", *(state.value for state in State)),
        [
            (safe(row.kind), row.direction.value, *(row.counts[state] for state in State))
            for row in rows
        ],
    )
