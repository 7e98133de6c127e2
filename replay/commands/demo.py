"""`understudy demo`: the main job on one machine, with a recording of our own making."""

from __future__ import annotations

from pathlib import Path

import click


@click.command()
@click.option(
    "-w",
    "--write",
    "file",
    type=click.Path(path_type=Path),
    help="Where to keep the recording.  [default: demo-DATE.understudy.db in this folder]",
)
def command(file: Path | None) -> None:
    """See it work: an evening of NASCAR Thunder 2004 goes through the proxy and is recorded.

    Example: understudy demo

    Needs no game, no console and no internet; everything stays on 127.0.0.1. A server plays its
    side of a sample recording; `understudy record nascar-thunder-2004` stands in front of it, with
    its DNS; a client asks that DNS for ps2nascar04.ea.com and plays the evening: directory, lobby
    and buddy server. Then the recording is shown.
    """
    from replay.demo import run

    run(file)
