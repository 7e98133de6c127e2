"""`understudy redact`: a copy of a recording that can be shared."""

from __future__ import annotations

from inspect import cleandoc
from pathlib import Path

import click

from proxy.commands._keys import keys_options, read_keys
from proxy.personal import CATEGORIES
from recordings.choosing import file_argument


def _categories() -> str:
    lines = [f"  {name:10} {meaning}" for name, meaning in CATEGORIES.items()]
    return "\n".join(["\b", "Categories:", *lines])


@click.command()
@file_argument
@click.option(
    "-w",
    "--write",
    type=click.Path(path_type=Path),
    metavar="OUT",
    required=True,
    help="The recording to write the copy to; it must not exist.",
)
@click.option(
    "--keep", multiple=True, metavar="WHAT", help="Leave a category or a KIND.FIELD as it is."
)
@click.option(
    "--also",
    multiple=True,
    metavar="KIND.FIELD",
    help="Replace this field as well; KIND.FIELD:CATEGORY says what it is.",
)
@keys_options
@click.option("--seed", metavar="TEXT", help="The same TEXT gives the same pseudonyms again.")
def command(
    file: Path,
    write: Path,
    keep: tuple[str, ...],
    also: tuple[str, ...],
    key: tuple[str, ...],
    game_key: tuple[str, ...],
    keys_file: Path | None,
    seed: str | None,
) -> None:
    """Write a copy of a recording without the names, passwords and addresses of its players.

    \b
    Example:
      understudy redact evening.understudy.db -w share.understudy.db
      understudy redact evening.understudy.db -w share.understudy.db --keep address
      understudy redact evening.understudy.db -w share.understudy.db --also '+msg.T'

    Each value gets a pseudonym of the same length and shape, the same everywhere, also inside
    other texts. Lengths, checksums, proofs and ciphers are made to fit, so that the copy decodes
    and replays. FILE is never changed. What players wrote to each other stays, but for the names
    in it, and so do bytes that cannot be deciphered: look at the list of what was done.
    """
    from proxy.commands._redact import redact
    from proxy.redaction.replacing import Wishes

    redact(file, write, Wishes.of(keep, also), *read_keys(keys_file, key, game_key), seed)


command.help = f"{cleandoc(command.help)}\n\n{_categories()}" if command.help else None
