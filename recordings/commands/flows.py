"""understudy flows: the connections of a recording."""

from __future__ import annotations

from dataclasses import asdict, fields
from pathlib import Path

import click

from recordings.choosing import check_session, file_argument, open_recording, session_option
from recordings.listing import Column, Output, Row, listing_options, print_rows
from recordings.rows import FlowRow
from recordings.text import local_time, safe, size, span


def _server(row: Row) -> str:
    address, name = row["server"] or "(none)", row["hostname"]
    return safe(f"{address} {name}" if name else address)


def _length(row: Row) -> str:
    if row["closed_at"] is None:
        return "open"
    return span(row["closed_at"] - row["opened_at"])


def _parent(row: Row) -> str:
    parent = row["parent_frame_id"]
    return "" if parent is None else f"frame {parent}"


COLUMNS = (
    Column("id", lambda row: str(row["id"]), "bold", right=True),
    Column("session", lambda row: str(row["session_id"]), right=True, wide=100),
    Column("opened", lambda row: local_time(row["opened_at"]), wide=120),
    Column("opened", lambda row: local_time(row["opened_at"])[11:19], narrow=120),
    Column("length", _length, right=True),
    Column("protocol", lambda row: safe(row["protocol"]), "cyan"),
    Column("over", lambda row: safe(row["transport"]), wide=100),
    Column("client", lambda row: safe(row["client"]), spare=True),
    Column("server", _server, spare=True),
    Column("frames", lambda row: str(row["frames"]), right=True),
    Column("up", lambda row: size(row["bytes_up"]), right=True, wide=100),
    Column("down", lambda row: size(row["bytes_down"]), right=True, wide=100),
    Column("opened by", _parent, optional=True, wide=100),
    Column("closed", lambda row: safe(row["close_reason"] or ""), optional=True, wide=100),
)


@click.command("flows")
@file_argument
@session_option
@listing_options
def command(file: Path, session: int | None, output: Output) -> None:
    """List the flows of a recording: TCP connections and pairs of UDP endpoints.

    "opened by frame 12" says that frame 12 announced the address, and the client was led here.

    \b
    Example:
      understudy flows evening.understudy.db
      understudy flows evening.understudy.db --session 2 --nl
    """
    names = [field.name for field in fields(FlowRow)]
    with open_recording(file) as reader:
        check_session(reader, session)
        found = print_rows(map(asdict, reader.flows(session)), COLUMNS, names, output)
    if not found:
        click.echo(f"{file} holds no flow yet.", err=True)
