"""understudy query: any SQL that only reads."""

from __future__ import annotations

from pathlib import Path

import click

from recordings.choosing import file_argument, open_recording
from recordings.errors import UserError
from recordings.listing import Output, columns_of, listing_options, print_rows, unique


@click.command("query")
@file_argument
@click.argument("sql")
@listing_options
def command(file: Path, sql: str, output: Output) -> None:
    """Run a statement of SQL that reads a recording.

    The tables are sessions, flows, frames, keys, events, state and notes; `at` is Unix time in
    microseconds. Beside SQLite's own functions there are REGEXP and as_number(). Bytes are shown
    as hex.

    \b
    Example:
      understudy query evening.understudy.db "SELECT kind, count(*) FROM frames GROUP BY kind"

    \b
    How often was each kind seen?
      understudy query FILE "SELECT kind, count(*) FROM frames GROUP BY kind ORDER BY 2 DESC"
    Who logged in, and as what?
      understudy query FILE "SELECT at, fields ->> 'NAME' AS name FROM frames WHERE kind = 'auth'"
    What could not be read, and why?
      understudy query FILE "SELECT error, count(*) FROM frames GROUP BY error"
    Which keys were seen?
      understudy query FILE "SELECT name, cipher, key, frame_id FROM keys"
    Where did redirects lead?
      understudy query FILE "SELECT parent_frame_id, protocol, server FROM flows"
    What was changed on its way?
      understudy query FILE "SELECT id, kind, raw, sent FROM frames WHERE sent IS NOT NULL"
    How long did the server take?
      understudy query FILE "SELECT kind, (at - lag(at) OVER w) / 1000.0 AS ms
        FROM frames WINDOW w AS (PARTITION BY flow_id ORDER BY number)"
    What happened beside the frames?
      understudy query FILE "SELECT datetime(at / 1e6, 'unixepoch'), kind, detail FROM events"
    How many frames a second?
      understudy query FILE "SELECT at / 1000000 AS second, count(*) FROM frames GROUP BY 1"
    Which values did a field have?
      understudy query FILE "SELECT DISTINCT fields ->> 'VERS' FROM frames" --csv
    """
    with open_recording(file) as reader:
        result = reader.query(sql)
        if not result.columns:
            raise UserError("this statement gives no rows: write a SELECT")
        names = unique(result.columns)
        rows = (dict(zip(names, row, strict=True)) for row in result.rows)
        print_rows(rows, columns_of(names), names, output)
