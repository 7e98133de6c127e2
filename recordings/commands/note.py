"""understudy note: what a user has to say about sessions, flows and frames."""

from __future__ import annotations

from dataclasses import asdict, fields
from pathlib import Path

import click

from recordings import notes
from recordings.choosing import check_session, file_argument, open_recording, session_option
from recordings.errors import UserError
from recordings.listing import Column, Output, Row, listing_options, print_rows
from recordings.rows import NoteRow
from recordings.text import local_iso, safe


def _subject(row: Row) -> str:
    for name in ("frame", "flow", "session"):
        if row[f"{name}_id"] is not None:
            return f"{name} {row[f'{name}_id']}"
    return "recording"


COLUMNS = (
    Column("id", lambda row: str(row["id"]), "bold", right=True),
    Column("about", _subject, "cyan"),
    Column("written", lambda row: local_iso(row["created_at"]), "dim", wide=60),
    Column("note", lambda row: safe(row["text"]), spare=True),
)


@click.group("note")
def command() -> None:
    """Write, list and remove notes on sessions, flows and frames.

    Notes are part of the recording; they can be written while it is being recorded. A mark that
    the browser sets is a note as well.

    \b
    Example:
      understudy note add evening.understudy.db --frame 17 "here it asks for the lobby"
      understudy note list evening.understudy.db
      understudy note remove evening.understudy.db 3
    """


@command.command("add")
@file_argument
@click.argument("text")
@click.option("--session", type=click.IntRange(min=1), metavar="N", help="About this session.")
@click.option("--flow", type=click.IntRange(min=1), metavar="N", help="About this flow.")
@click.option("--frame", type=click.IntRange(min=1), metavar="ID", help="About this frame.")
def add(file: Path, text: str, session: int | None, flow: int | None, frame: int | None) -> None:
    """Write a note about one session, flow or frame.

    \b
    Example:
      understudy note add evening.understudy.db --session 2 "the evening it crashed"
    """
    given = {"sessions": session, "flows": flow, "frames": frame}
    subjects = [notes.Subject(table, id_) for table, id_ in given.items() if id_ is not None]
    if len(subjects) != 1:
        raise UserError("say what the note is about by one of --session N, --flow N, --frame ID")
    number = notes.add(file, subjects[0], text)
    click.echo(f"note {number} is written")


@command.command("list")
@file_argument
@session_option
@listing_options
def list_(file: Path, session: int | None, output: Output) -> None:
    """List the notes of a recording.

    \b
    Example:
      understudy note list evening.understudy.db --session 2
    """
    names = [field.name for field in fields(NoteRow)]
    with open_recording(file) as reader:
        check_session(reader, session)
        found = print_rows(map(asdict, reader.notes(session)), COLUMNS, names, output)
    if not found:
        click.echo(f"{file} holds no note here.", err=True)


@command.command("remove")
@file_argument
@click.argument("ids", metavar="ID...", nargs=-1, required=True, type=click.IntRange(min=1))
def remove(file: Path, ids: tuple[int, ...]) -> None:
    """Remove notes, by the numbers that `note list` shows.

    \b
    Example:
      understudy note remove evening.understudy.db 3 4
    """
    notes.remove(file, list(ids))
    click.echo(f"removed {len(ids)} {'note' if len(ids) == 1 else 'notes'}")
