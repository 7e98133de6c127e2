"""Which recording and which session a command works on: the arguments that many commands share."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from recordings.errors import UserError
from recordings.reader import Reader
from recordings.rows import SessionRow
from recordings.text import local_iso, safe

F = TypeVar("F", bound=Callable[..., Any])

LISTED = 20
"""Sessions that an error lists."""


def file_argument(command: F) -> F:
    """FILE, the recording that is read; the command gets `file`, a Path."""
    return click.argument("file", type=click.Path(path_type=Path))(command)


def session_option(command: F) -> F:
    """`--session N`; the command gets `session`, an int or None."""
    return click.option(
        "--session",
        type=click.IntRange(min=1),
        metavar="N",
        help="Take this session only; `understudy sessions FILE` lists them.",
    )(command)


def open_recording(file: Path) -> Reader:
    """The recording, opened for reading; says on stderr when it is being written or was cut off."""
    reader = Reader.open(file)
    if reader.notice:
        click.echo(reader.notice, err=True)
    return reader


def _line(session: SessionRow) -> str:
    words = [local_iso(session.started_at), session.client, session.game or "", session.note or ""]
    shown = "  ".join(safe(word[:60]) for word in words if word)
    return f"  {session.id}  {shown}  ({session.frames} frames)"


def check_session(reader: Reader, number: int | None) -> None:
    """Refuse a number that no session has; raises UserError, which lists those that there are."""
    if number is not None:
        one_session(reader, number)


def one_session(reader: Reader, number: int | None) -> SessionRow:
    """The session of that number, or the only one; raises UserError, which lists them."""
    sessions = reader.sessions()
    if not sessions:
        raise UserError(f"{reader.path} holds no session: record one into it first")
    found = [one for one in sessions if number in (one.id, None)]
    if len(found) == 1:
        return found[0]
    listed = [_line(one) for one in sessions[:LISTED]]
    if len(sessions) > LISTED:
        listed.append(f"  … and {len(sessions) - LISTED} more")
    if number is None:
        fact = f"{reader.path} holds {len(sessions)} sessions: choose one by --session N"
    else:
        fact = f"{reader.path} has no session {number}: choose one of these"
    raise UserError("\n".join([fact, *listed]))
