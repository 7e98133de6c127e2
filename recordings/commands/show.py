"""understudy show: one frame, whole."""

from __future__ import annotations

from pathlib import Path

import click

from recordings.choosing import file_argument, open_recording
from recordings.commands._frame_lines import lines
from recordings.errors import UserError
from recordings.frame_report import as_json, make_report
from recordings.text import dump
from recordings.viewing import Viewer


@click.command("show")
@file_argument
@click.argument("frame", type=click.IntRange(min=1))
@click.option("--hex", "as_hex", is_flag=True, help="Print only the raw bytes, as one line of hex.")
@click.option("--json", "as_object", is_flag=True, help="Print one JSON object with everything.")
@click.option("--all", "everything", is_flag=True, help="Shorten nothing.")
@click.pass_obj
def command(
    viewer: Viewer | None,
    file: Path,
    frame: int,
    as_hex: bool,
    as_object: bool,
    everything: bool,
) -> None:
    """Show one frame: its message, its bytes, and what concerns it.

    FRAME is the id that `understudy frames FILE` shows. The letter before a field stands below the
    bytes that hold it. When the frame was deciphered both sides are shown, and when it was changed
    on its way, what was sent instead.

    \b
    Example:
      understudy show evening.understudy.db 17
      understudy show evening.understudy.db 17 --hex | xxd -r -p
    """
    with open_recording(file) as reader:
        found = reader.frame(frame)
        if found is None:
            raise UserError(f"{file} has no frame {frame}: `understudy frames {file}` lists them")
        if as_hex:
            raw = found.raw if found.raw is not None else found.sent
            click.echo((raw or b"").hex())
            return
        report = make_report(reader, found, viewer)
    if as_object:
        click.echo(dump(as_json(report)))
        return
    from rich.console import Console

    console = Console(highlight=False, markup=False, emoji=False)
    for line in lines(report, everything):
        console.print(line, soft_wrap=True)
