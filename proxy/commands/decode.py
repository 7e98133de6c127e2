"""`understudy decode`: read a recording again, with keys that were found later."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from proxy.commands._generic import generic_options
from proxy.commands._keys import keys_options, protocol_file_option
from recordings.choosing import file_argument, session_option


@click.command()
@file_argument
@session_option
@keys_options
@protocol_file_option
@generic_options
@click.option(
    "-w",
    "--write",
    type=click.Path(path_type=Path),
    metavar="OUT",
    help="Write everything anew into this recording, instead of into FILE. Needed where a stream "
    "that could not be read is cut into frames now.",
)
def command(
    file: Path,
    session: int | None,
    key: tuple[str, ...],
    game_key: tuple[str, ...],
    keys_file: Path | None,
    protocol_file: tuple[Path, ...],
    write: Path | None,
    **generic: Any,
) -> None:
    """Read a recording again, with keys that were found later.

    \b
    Example:
      understudy decode evening.understudy.db
      understudy decode evening.understudy.db --game-key gmtest=HA6zkS
      understudy decode evening.understudy.db --key rc4+md5-v2@up=BA55778B9E10 -w new.understudy.db

    Works on all sessions unless one is chosen. What came over the wire is never changed: only what
    it means (deciphered bytes, kinds, fields, checks) is written, and the keys. A new release of
    Understudy that reads more needs no key: `understudy decode FILE` alone brings a recording up
    to date.
    """
    from proxy.commands._decode import Wish, decode

    wish = Wish(file, session, key, game_key, keys_file, protocol_file, write, generic)
    for line in decode(wish):
        click.echo(line)
