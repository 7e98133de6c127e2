"""understudy frames: what was said, frame by frame, filtered."""

from __future__ import annotations

import json
from collections.abc import Iterator
from inspect import cleandoc
from pathlib import Path

import click

from recordings.choosing import check_session, file_argument, open_recording, session_option
from recordings.errors import UserError
from recordings.filter_syntax import OPERATORS
from recordings.filters import compile_filter
from recordings.frame_columns import NAMES, frame_columns
from recordings.hints import nothing
from recordings.listing import Output, Row, listing_options, print_rows
from recordings.reader import frame_of
from recordings.viewing import Viewer


def _viewed(found: Iterator[Row], viewer: Viewer | None) -> Iterator[Row]:
    """Rows for printing; a frame that was recorded without a view gets it now."""
    for row in found:
        protocol = row["protocol"] or row["flow_protocol"]
        new = {name: row[name] for name in NAMES}
        new["protocol"] = protocol
        if row["kind"] is None and viewer is not None:
            shown = viewer.view(protocol, frame_of(row))  # type: ignore[arg-type]
            new["kind"], new["fields"] = shown.kind, json.dumps(shown.fields)
            new["error"] = row["error"] or shown.error
        yield new


def _operators() -> str:
    lines = [f"  {f'~{name} {wanted}':16}{text}" for name, (wanted, text) in OPERATORS.items()]
    return "\n".join(["\b", "Filter:", *lines])


@click.command("frames")
@file_argument
@click.argument("filter_", metavar="[FILTER]", nargs=-1)
@session_option
@click.option("--flow", type=click.IntRange(min=1), metavar="N", help="Take this flow only.")
@click.option(
    "--after", type=click.IntRange(min=0), default=0, metavar="ID", help="Begin behind that frame."
)
@click.option("--limit", type=click.IntRange(min=1), metavar="N", help="Show N frames at most.")
@listing_options
@click.pass_obj
def command(
    viewer: Viewer | None,
    file: Path,
    filter_: tuple[str, ...],
    session: int | None,
    flow: int | None,
    after: int,
    limit: int | None,
    output: Output,
) -> None:
    """List the frames of a recording, all or those that a filter finds.

    The way c>s is what the client sent, s>c what it got; a leading ! (and red) marks what cannot be
    read or fails a check. `understudy show FILE ID` shows one frame whole.

    \b
    Example:
      understudy frames evening.understudy.db
      understudy frames evening.understudy.db '~k skey | ~k auth'
      understudy frames evening.understudy.db '~d up ~f NAME=alice' --nl
      understudy frames evening.understudy.db '~f users[0].name~^bob !~e' --limit 20
    """
    text = " ".join(filter_)
    where = compile_filter(text) if any(filter_) else None
    with open_recording(file) as reader:
        check_session(reader, session)
        flows = reader.flows(session)
        if flow is not None:
            flows = [one for one in flows if one.id == flow]
            if not flows:
                raise UserError(f"{file} has no flow {flow} here: `understudy flows` lists them")
        found = reader.rows(
            where.sql if where else "",
            where.parameters if where else (),
            session_id=session,
            flow_id=flow,
            after=after,
            limit=limit,
        )
        mixed = len({one.protocol for one in flows}) > 1
        columns = frame_columns(mixed, len({one.session_id for one in flows}) > 1)
        count = print_rows(_viewed(found, viewer), columns, NAMES, output)  # type: ignore[arg-type]
        if not count:
            why = nothing(reader, text) if where else "There is no such frame in the recording."
            click.echo(why, err=True)


command.help = f"{cleandoc(command.help)}\n\n{_operators()}" if command.help else None
