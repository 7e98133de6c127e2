"""The options by which several commands are told what to change: `--set`, `--rules`, `--seed`."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

if TYPE_CHECKING:
    from proxy.mutation.engine import Mutations

F = TypeVar("F", bound=Callable[..., Any])


def set_option(command: F) -> F:
    """`--set KIND.FIELD=VALUE`, repeatable; the command gets `set_`, a tuple of texts.

    `proxy.mutation.rulefile.read_rules` makes rules of them, `split_set` names and values.
    """
    return click.option(
        "--set",
        "set_",
        multiple=True,
        metavar="KIND.FIELD=VALUE",
        help="Set this field in every message of the kind, for instance auth.NAME=bob; lengths, "
        "counts and checksums follow. Repeatable.",
    )(command)


def rules_option(command: F) -> F:
    """`--rules FILE`; the command gets `rules`, a Path or None."""
    return click.option(
        "--rules",
        type=click.Path(path_type=Path, dir_okay=False),
        metavar="FILE",
        help="TOML of rules that change frames on their way (docs/mutations.md).",
    )(command)


def seed_option(command: F) -> F:
    """`--seed N`; the command gets `seed`, an int or None."""
    return click.option(
        "--seed",
        type=int,
        metavar="N",
        help="What all that is left to chance follows from: the same seed, the same bytes.  "
        "[default: that of the rules, else 0]",
    )(command)


def tell_rules(mutations: Mutations) -> None:
    """Print what each rule did; raises UserError for a name of a field that exists nowhere."""
    for rule, count in zip(mutations.rules.rules, mutations.totals(), strict=True):
        click.echo(f"* {rule.title}: changed {count.changed:,} of {count.found:,}", err=True)
    mutations.check()
