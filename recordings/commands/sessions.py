"""understudy sessions: which sessions a recording holds."""

from __future__ import annotations

from dataclasses import asdict, fields
from datetime import datetime
from pathlib import Path

import click

from recordings.choosing import file_argument, open_recording
from recordings.listing import Column, Output, Row, listing_options, print_rows
from recordings.rows import SessionRow
from recordings.text import local_iso, safe, size, span


def _length(row: Row) -> str:
    if row["ended_at"] is None:
        return "open"
    try:
        began, ended = (datetime.fromisoformat(row[name]) for name in ("started_at", "ended_at"))
        return span(round((ended - began).total_seconds() * 1e6))
    except (ValueError, TypeError):
        return "?"


COLUMNS = (
    Column("id", lambda row: str(row["id"]), "bold", right=True),
    Column("started", lambda row: local_iso(row["started_at"]), wide=120),
    Column("started", lambda row: local_iso(row["started_at"])[:16], narrow=120),
    Column("length", _length, right=True),
    Column("game", lambda row: safe(row["game"] or ""), "cyan", spare=True, optional=True),
    Column("client", lambda row: safe(row["client"]), spare=True),
    Column("origin", lambda row: safe(row["origin"]), wide=110),
    Column("flows", lambda row: str(row["flows"]), right=True, wide=70),
    Column("frames", lambda row: str(row["frames"]), right=True),
    Column("up", lambda row: size(row["bytes_up"]), right=True, wide=110),
    Column("down", lambda row: size(row["bytes_down"]), right=True, wide=110),
    Column("note", lambda row: safe(row["note"] or ""), spare=True, optional=True, wide=70),
)


@click.command("sessions")
@file_argument
@listing_options
def command(file: Path, output: Output) -> None:
    """List the sessions of a recording.

    A session is one sitting of one client: all its flows, the ones opened by a redirect included.
    Up and down are the bytes that the client and the servers sent.

    \b
    Example:
      understudy sessions evening.understudy.db
      understudy sessions evening.understudy.db --json
    """
    names = [field.name for field in fields(SessionRow)]
    with open_recording(file) as reader:
        found = print_rows(map(asdict, reader.sessions()), COLUMNS, names, output)
    if not found:
        click.echo(f"{file} holds no session yet.", err=True)
