"""understudy follow: a conversation, said by said."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from pathlib import Path

import click

from recordings import lock
from recordings.choosing import file_argument, one_session, open_recording, session_option
from recordings.conversation import SHOWN, Conversation, Form, as_ascii, as_hex, as_message
from recordings.errors import UserError
from recordings.filters import Where, compile_filter
from recordings.frame_columns import NAMES
from recordings.listing import is_terminal, portable
from recordings.model import Direction
from recordings.reader import Reader, frame_of
from recordings.rows import FlowRow
from recordings.text import dump
from recordings.viewing import Viewer

LOOK = 0.2
"""Seconds between two looks at a recording that grows."""
ENOUGH = 1 << 62
STYLES = {Direction.TO_SERVER: "red", Direction.TO_CLIENT: "blue", None: "dim"}
FORMS: dict[str, Form] = {"message": as_message, "hex": as_hex, "ascii": as_ascii}


class _Protocols:
    """Which protocol a flow speaks; flows may be added while this is asked."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader
        self._known: dict[int, str] = {}

    def __call__(self, flow_id: int) -> str:
        if flow_id not in self._known:
            self._known.update((flow.id, flow.protocol) for flow in self._reader.flows())
        return self._known.get(flow_id, "?")


def _rows(
    reader: Reader, where: Where | None, session: int | None, flow: int | None, live: bool
) -> Iterator[dict[str, object]]:
    """Rows of frames; of a recording that grows until nobody writes it any more."""
    after = 0
    while True:
        writing = live and lock.is_held(reader.path.resolve())
        for row in reader.rows(
            where.sql if where else "",
            where.parameters if where else (),
            session_id=session,
            flow_id=flow,
            after=after,
        ):
            after = row["id"]
            yield {**{name: row[name] for name in NAMES}, "row": row}
        if not writing:
            return
        sys.stdout.flush()
        reader.rest()  # its writer can end the recording now
        try:
            time.sleep(LOOK)
        except KeyboardInterrupt:  # how one leaves
            return


def _print(rows: Iterator[dict[str, object]], conversation: Conversation) -> int:
    from rich.console import Console
    from rich.text import Text

    console = Console(highlight=False, markup=False, emoji=False) if is_terminal() else None
    count = 0
    for count, row in enumerate(rows, 1):  # noqa: B007
        for said in conversation.lines(frame_of(row["row"])):  # type: ignore[arg-type]
            if console is not None:
                heading = not said.text.startswith(" ")
                style = f"bold {STYLES[said.direction]}" if heading else STYLES[said.direction]
                console.print(Text(said.text, style), soft_wrap=True)
            else:
                sys.stdout.write(said.text + "\n")
    return count


def _one_flow(reader: Reader, number: int | None) -> FlowRow | None:
    if number is None:
        return None
    found = [flow for flow in reader.flows() if flow.id == number]
    if not found:
        raise UserError(f"{reader.path} has no flow {number}: `understudy flows` lists them")
    return found[0]


@click.command("follow")
@file_argument
@click.argument("filter_", metavar="[FILTER]", nargs=-1)
@session_option
@click.option("--flow", type=click.IntRange(min=1), metavar="N", help="Follow this flow only.")
@click.option("--hex", "form", flag_value="hex", help="Show the bytes as a hexdump.")
@click.option("--ascii", "form", flag_value="ascii", help="Show the bytes as text.")
@click.option("--json", "form", flag_value="json", help="Print one JSON object a frame.")
@click.option("--all", "everything", is_flag=True, help="Shorten no frame.")
@click.option("--live", is_flag=True, help="Go on while the recording is being written.")
@click.pass_obj
def command(
    viewer: Viewer | None,
    file: Path,
    filter_: tuple[str, ...],
    session: int | None,
    flow: int | None,
    form: str | None,
    everything: bool,
    live: bool,
) -> None:
    """Read a session as a conversation: what the client said and what the servers answered.

    Bytes are shown deciphered. A recording of several sessions needs --session N, or --flow N.

    \b
    Example:
      understudy follow evening.understudy.db
      understudy follow evening.understudy.db --session 2 '!~k ~png' --ascii
      understudy follow evening.understudy.db --live
    """
    where = compile_filter(" ".join(filter_)) if any(filter_) else None
    with open_recording(file) as reader:
        chosen = _one_flow(reader, flow)
        if chosen is None and not (live and session is None):
            session = one_session(reader, session).id
        rows = _rows(reader, where, session if chosen is None else None, flow, live)
        if form == "json":
            count = 0
            for count, row in enumerate(rows, 1):  # noqa: B007
                del row["row"]
                sys.stdout.write(dump(portable(row)) + "\n")
        else:
            limit = ENOUGH if everything else SHOWN
            lines = Conversation(_Protocols(reader), viewer, FORMS[form or "message"], limit)
            count = _print(rows, lines)
    if not count:
        click.echo("There is no such frame in the recording.", err=True)
