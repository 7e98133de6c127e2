"""`understudy games`: which games are known by name."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import click

from proxy import catalog
from recordings.listing import Column, Row, listing_options, print_rows

COLUMNS = (
    Column("game", lambda row: row["game"], "bold"),
    Column("title", lambda row: row["title"], spare=True),
    Column("platform", lambda row: row["platform"], wide=90),
    Column("service", lambda row: row["service"]),
    Column("protocol", lambda row: row["protocol"]),
    Column("port", lambda row: f"{row['port']}/{row['transport']}", right=True),
    Column("host", lambda row: " ".join(row["hosts"][:1]), wide=110),
    Column("directory", lambda row: row["directory"] or "", "yellow", optional=True, wide=110),
)


def _rows(name: str | None) -> Iterator[Row]:
    chosen = [catalog.game(name)] if name else catalog.games()
    for game in chosen:
        for service in game.services:
            row: dict[str, Any] = {
                "game": game.name,
                "title": game.title,
                "platform": game.platform,
                "service": service.role,
                "protocol": service.protocol,
                "transport": service.transport.value,
                "port": service.port,
                "hosts": list(service.hosts),
                "legs": [leg.role for leg in game.legs],
                "directory": game.directory or None,
                "notes": " ".join(note for note in (game.notes, service.note) if note) or None,
                "source": game.source,
            }
            yield row


@click.command()
@click.argument("game", required=False)
@listing_options
def command(game: str | None, output: str) -> None:
    """List the games that are known by name, one line for each service that a client looks for.

    Example: understudy games

    Example: understudy games nascar-thunder-2004

    GAME is what `understudy record GAME` takes: its listeners, the names that our DNS answers and
    the protocols follow from it. A game that is not listed is recorded with `--relay`.
    """
    print_rows(_rows(game), COLUMNS, output)
    if game and output in ("auto", "table"):
        chosen = catalog.game(game)
        notes = [chosen.notes, *(service.note for service in chosen.services)]
        for note in filter(None, notes):
            click.echo(f"\n{note}")
