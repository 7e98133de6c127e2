"""The work of `understudy redact`, and the list of what it did."""

from __future__ import annotations

import itertools
import secrets
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import click

from proxy.redaction.pseudonyms import Pseudonyms
from proxy.redaction.replacing import Replacer, Tally, Wishes
from proxy.redaction.session import Redacting
from recordings.choosing import open_recording
from recordings.drafting import drafted
from recordings.errors import UserError
from recordings.listing import Column, Output, print_rows
from recordings.model import Key
from recordings.reader import Reader
from recordings.text import safe

LONG = 20_000
"""Frames from which on a bar is shown."""
STEP = 1_000

COLUMNS = (
    Column("protocol", lambda row: safe(row["protocol"]), "dim", spare=True),
    Column("field", lambda row: safe(row["field"]), "cyan", spare=True),
    Column("category", lambda row: row["category"]),
    Column("replaced", lambda row: str(row["replaced"]), right=True),
)


def redact(
    file: Path,
    write: Path,
    wishes: Wishes,
    keys: Sequence[Key],
    game_secrets: Mapping[str, str],
    seed: str | None,
) -> None:
    """Write the copy; raises UserError."""
    if write.exists():
        raise UserError(f"{write} exists already: choose another name with -w")
    secret = secrets.token_bytes(32) if seed is None else seed.encode("utf-8", "surrogateescape")
    replacer = Replacer(Pseudonyms(secret), wishes)
    with open_recording(file) as reader, _bar(reader) as tell:
        sessions = [
            Redacting(reader, session, replacer, keys, game_secrets, tell)
            for session in reader.sessions()
        ]
        for session in sessions:
            session.learn()
        replacer.ready()
        with drafted(write) as recording:
            for session in sessions:
                session.write(recording)
    _tell(replacer, write)


@contextmanager
def _bar(reader: Reader) -> Iterator[Callable[[], None]]:
    """A progress bar on stderr, for long work that a person watches."""
    frames = sum(session.frames for session in reader.sessions())
    if frames < LONG or not sys.stderr.isatty():
        yield lambda: None
        return
    with click.progressbar(length=frames * 2, label="redacting", file=sys.stderr) as bar:
        count = itertools.count(1)

        def tell() -> None:
            if next(count) % STEP == 0:
                bar.update(STEP)

        yield tell


def _tell(replacer: Replacer, write: Path) -> None:
    tally = replacer.tally
    rows = [
        {"protocol": protocol, "field": name, "category": category, "replaced": count}
        for (protocol, name, category), count in sorted(tally.replaced.items())
    ]
    if rows:
        print_rows(rows, COLUMNS, list(rows[0]), Output.AUTO)
    values: dict[str, int] = {}
    for category, value, other in replacer.pseudonyms.values():
        if value != other.lower():
            values[category] = values.get(category, 0) + 1
    listed = ", ".join(f"{count} of {name}" for name, count in values.items()) or "nothing"
    click.echo(f"\n{tally.changed} of {tally.frames} frames changed; values replaced: {listed}")
    _warn(tally)
    click.echo(f"written to {write}")


def _warn(tally: Tally) -> None:
    if tally.opaque:
        click.echo(
            f"{tally.opaque} frames could not be read: only the values above were looked for in "
            f"them, and in {tally.hidden} that are enciphered nothing; see `understudy frames -t`"
        )
    for what, count in tally.stubborn.items():
        click.echo(f"not replaced, {count} times: {safe(what)}", err=True)
