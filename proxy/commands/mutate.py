"""`understudy mutate`: a changed copy of a recorded session."""

from __future__ import annotations

from pathlib import Path

import click

from proxy.commands._changes import rules_option, seed_option, set_option
from proxy.commands._keys import keys_options, read_keys
from recordings.choosing import file_argument, session_option


@click.command()
@file_argument
@session_option
@set_option
@rules_option
@seed_option
@click.option(
    "-w",
    "--write",
    type=click.Path(path_type=Path),
    metavar="OUT",
    required=True,
    help="The recording to write the copy to; one that exists is appended to.",
)
@keys_options
def command(
    file: Path,
    session: int | None,
    set_: tuple[str, ...],
    rules: Path | None,
    seed: int | None,
    write: Path,
    key: tuple[str, ...],
    game_key: tuple[str, ...],
    keys_file: Path | None,
) -> None:
    """Write a copy of a recorded session in which fields or frames are changed.

    \b
    Example:
      understudy mutate evening.understudy.db --set auth.NAME=bob -w bob.understudy.db
      understudy mutate evening.understudy.db --rules storm.toml --seed 7 -w storm.understudy.db

    The copy decodes like any recording: lengths, counts and checksums fit, passwords and streams
    are enciphered anew under the session's own keys. FILE itself is never changed. What was done
    is noted: `understudy frames OUT ~changed` lists the frames, `understudy show OUT FRAME` what
    each was before.

    --set has no filter: it changes every message of the kind. Everything else (conditions, other
    actions, how often) is said in a file of --rules, see docs/mutations.md.
    """
    from proxy.commands._mutate import mutate

    keys, secrets = read_keys(keys_file, key, game_key)
    for line in mutate(file, session, set_, rules, seed, write, keys, secrets):
        click.echo(line)
