"""understudy stats: how many frames of which kind, how large, how many that nobody could read."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from recordings.choosing import check_session, file_argument, open_recording, session_option
from recordings.commands import _coverage, _latency, _unanswered
from recordings.filters import compile_filter
from recordings.listing import Column, Output, Row, listing_options, print_rows
from recordings.reader import Reader
from recordings.text import safe, size
from recordings.viewing import Viewer

NAMES = ("protocol", "kind", "direction", "frames", "bytes", "errors", "average_bytes", "share")
BAR = 16
"""Characters of the longest bar."""

# Only lengths are read of the BLOBs, and an inserted frame counts as what was sent.
_SQL = """
SELECT COALESCE(frames.protocol, flows.protocol) AS protocol,
  COALESCE(kind, 'Opaque') AS kind, direction,
  count(*) AS frames,
  sum(COALESCE(length(raw), length(sent), 0)) AS bytes,
  sum(error IS NOT NULL) AS errors
FROM frames JOIN flows ON flows.id = frames.flow_id
WHERE (?1 IS NULL OR flows.session_id = ?1) AND {where}
GROUP BY 1, 2, 3 ORDER BY frames DESC, 1, 2, 3
"""


def _bar(row: Row) -> str:
    return "█" * max(1, round(BAR * float(row["_of_most"])))


COLUMNS = (
    Column("protocol", lambda row: safe(str(row["protocol"])), "dim", spare=True),
    Column("kind", lambda row: safe(row["kind"]), "cyan", spare=True),
    Column("way", lambda row: str(row["direction"])),
    Column("frames", lambda row: str(row["frames"]), right=True),
    Column("share", lambda row: f"{row['share']:.1%}", right=True),
    Column("", _bar, "green", wide=80),
    Column("bytes", lambda row: size(row["bytes"]), right=True),
    Column("average", lambda row: size(round(row["average_bytes"])), right=True, wide=100),
    Column("errors", lambda row: str(row["errors"] or ""), "red", right=True, optional=True),
)


def _rows(found: list[tuple[Any, ...]]) -> list[Row]:
    total = sum(row[3] for row in found)
    most = max((row[3] for row in found), default=1)
    return [
        {
            **dict(zip(NAMES, row, strict=False)),
            "average_bytes": round(row[4] / row[3], 1),
            "share": round(row[3] / total, 6),
            "_of_most": row[3] / most,
        }
        for row in found
    ]


def _total(rows: list[Row]) -> str:
    frames = sum(row["frames"] for row in rows)
    if not frames:
        return "There is no such frame in the recording."
    opaque = sum(row["frames"] for row in rows if row["kind"] == "Opaque")
    errors = sum(row["errors"] for row in rows)
    up, down = (
        sum(row["bytes"] for row in rows if row["direction"] == way) for way in ("c>s", "s>c")
    )
    return (
        f"{frames:,} frame{'' if frames == 1 else 's'}, {size(up)} up, {size(down)} down; "
        f"{opaque} opaque ({opaque / frames:.1%}), {errors} with an error"
    )


@click.command("stats")
@file_argument
@click.argument("filter_", metavar="[FILTER]", nargs=-1)
@session_option
@click.option("--latency", is_flag=True, help="Tell how long servers took to answer instead.")
@click.option(
    "--unanswered", is_flag=True, help="List what a stand-in could not answer instead, and why."
)
@click.option(
    "--coverage",
    metavar="GAME",
    help="List instead which kinds of the game's messages were never recorded: what to do next "
    "while its server lives.",
)
@listing_options
@click.pass_obj
def command(
    viewer: Viewer | None,
    file: Path,
    filter_: tuple[str, ...],
    session: int | None,
    latency: bool,
    unanswered: bool,
    coverage: str | None,
    output: Output,
) -> None:
    """Count the frames and bytes of a recording by protocol, kind and direction.

    Opaque frames are those that no protocol could read; `understudy frames --help` explains FILTER.

    \b
    Example:
      understudy stats evening.understudy.db
      understudy stats evening.understudy.db '~d up' --session 2 --json
      understudy stats evening.understudy.db --latency
      understudy stats again.understudy.db --unanswered
      understudy stats evening.understudy.db --coverage nascar-thunder-2004

    Latency is the time from a request to the answer that its protocol names; of a kind without one
    ("any") to the next frame of the server's. 95 of 100 answers are faster than "slow"; the chart
    has a bar for what took up to 1 ms, 3 ms, 10 ms and so on up to 10 s, and for what took longer.
    """
    where = compile_filter(" ".join(filter_)) if any(filter_) else None
    condition, values = (where.sql, where.parameters) if where else ("1", [])
    with open_recording(file) as reader:
        check_session(reader, session)
        if unanswered or coverage is not None:
            if where:
                raise click.UsageError("FILTER goes with neither --unanswered nor --coverage")
            _missing(reader, session, coverage, viewer, output)
            return
        if latency:  # its filter stands before the number of the session
            sql = _latency.SQL.format(where=condition).replace("?1", f"?{len(values) + 1}")
            found = reader.query(sql, [*values, session]).rows
            rows = (
                _latency.latencies(found, viewer.answers) if viewer else _latency.latencies(found)
            )
            if not print_rows(rows, _latency.COLUMNS, _latency.NAMES, output):
                click.echo("The client sent no such frame.", err=True)
            return
        counted = reader.query(_SQL.format(where=condition), [session, *values])
        rows = _rows(list(counted.rows))
    if output in (Output.AUTO, Output.TABLE):
        print_rows(rows, COLUMNS, NAMES, output)
        click.echo(f"\n{_total(rows)}" if rows else _total(rows))
    else:
        clean = [{name: row[name] for name in NAMES} for row in rows]
        print_rows(clean, COLUMNS, NAMES, output)


def _missing(
    reader: Reader, session: int | None, game: str | None, viewer: object, output: Output
) -> None:
    """The listings of what a stand-in, or a recording, lacks."""
    if game is None:
        found = list(reader.query(_unanswered.SQL, [session]).rows)
        if not print_rows(
            _unanswered.rows_of(found), _unanswered.COLUMNS, _unanswered.NAMES, output
        ):
            click.echo("Everything was answered.", err=True)
        return
    counts = [
        row
        for sql in (_coverage.SQL, _coverage.BUNDLED)
        for row in reader.query(sql, [session]).rows
    ]
    rows = _coverage.rows_of(viewer, game, counts)
    if output in (Output.AUTO, Output.TABLE):
        print_rows(
            [row for row in rows if row["missing"]], _coverage.COLUMNS, _coverage.NAMES, output
        )
        click.echo(f"\n{_coverage.sentence(game, rows)}")
    else:
        print_rows(rows, _coverage.COLUMNS, _coverage.NAMES, output)
