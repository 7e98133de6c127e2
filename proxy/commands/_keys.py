"""The options by which several commands are told what passes by nowhere: keys, further protocols.

A command passes what it gets from `keys_options` to `read_keys`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

if TYPE_CHECKING:
    from recordings.model import Key

F = TypeVar("F", bound=Callable[..., Any])

KEYS_FILE = Path("keys.toml")
"""Read when no other is named and it lies in the working folder."""

_KEYS = (
    click.option(
        "--key",
        multiple=True,
        metavar="CIPHER[@up|@down]=HEX",
        help="A key or password, for a cipher whose key does not pass by. Repeatable.",
    ),
    click.option(
        "--game-key",
        multiple=True,
        metavar="NAME=SECRET",
        help="A game's secret at its service (GameSpy: gmtest=HA6zkS). Repeatable.",
    ),
    click.option(
        "--keys-file",
        type=click.Path(path_type=Path),
        metavar="FILE",
        help='TOML with keys = ["CIPHER=HEX"] and a table [game-keys] of NAME = "SECRET".  '
        f"[default: {KEYS_FILE}, when there is one]",
    ),
)

protocol_file_option = click.option(
    "--protocol-file",
    multiple=True,
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    envvar="UNDERSTUDY_PROTOCOL_FILE",
    metavar="FILE",
    help="A Python file with further protocols; it is run: take none from strangers. Repeatable.",
)
"""`--protocol-file FILE`; the command gets `protocol_file`, a tuple of paths."""


def keys_options(command: F) -> F:
    """`--key`, `--game-key`, `--keys-file`; the command gets two tuples of texts and a path."""
    for option in reversed(_KEYS):
        command = option(command)
    return command


def read_keys(
    file: Path | None, keys: Sequence[str], game_keys: Sequence[str]
) -> tuple[list[Key], dict[str, str]]:
    """The keys and the game secrets of a file and of the command line; raises UserError."""
    from proxy import options  # what asks for --help need not wait for it

    path = file or (KEYS_FILE if KEYS_FILE.is_file() else None)
    found, secrets = options.read_keys_file(path) if path else ([], {})
    found += [options.read_key(text) for text in keys]
    secrets.update(options.read_game_key(text) for text in game_keys)
    return found, secrets
