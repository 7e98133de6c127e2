"""`understudy games`: which games are known by name."""

from __future__ import annotations

from collections.abc import Iterator

import click

from proxy import catalog
from recordings.listing import Column, Output, Row, listing_options, print_rows

NAMES = (
    *("game", "title", "platform", "service", "protocol", "transport", "port", "hosts", "legs"),
    *("directory", "notes", "source"),
)
GAMES = (
    Column("game", lambda row: row["game"], "bold"),
    Column("title", lambda row: row["title"], spare=True),
    Column("speaks", lambda row: row["speaks"], "cyan", wide=100),
    Column("platform", lambda row: row["platform"], wide=130),
)
"""A line for each game."""
SERVICES = (
    Column("service", lambda row: row["service"]),
    Column("protocol", lambda row: row["protocol"], "cyan"),
    Column("port", lambda row: f"{row['port']}/{row['transport']}", right=True),
    Column("host", lambda row: row["hosts"].split(" ")[0], wide=100),
    Column("directory", lambda row: row["directory"] or "", "yellow", optional=True, wide=130),
)
"""A line for each service of a game."""
MANY = 2
"""More protocols than these are counted."""


def _rows(chosen: list[catalog.Game]) -> Iterator[Row]:
    for game in chosen:
        for service in game.services:
            values = (
                *(game.name, game.title, game.platform, service.role, service.protocol),
                *(service.transport.value, service.port, " ".join(service.hosts)),
                *(" ".join(leg.role for leg in game.legs), game.directory or None),
                *(" ".join(filter(None, (game.notes, service.note))) or None, game.source),
            )
            yield dict(zip(NAMES, values, strict=True))


def _brief(game: catalog.Game) -> Row:
    spoken = list(dict.fromkeys(service.protocol for service in game.services))
    more = f" and {len(spoken) - 1} more" if len(spoken) > MANY else ""
    speaks = spoken[0] + more if more else " ".join(spoken)
    return {"game": game.name, "title": game.title, "platform": game.platform, "speaks": speaks}


@click.command("games")
@click.argument("game", required=False)
@listing_options
def command(game: str | None, output: Output) -> None:
    """List the games that are known by name, or the services that a client of one looks for.

    GAME is what `understudy record GAME` takes: its listeners, the names that our DNS answers and
    the protocols follow from it. A game that is not listed is recorded with --relay. In host
    names, {game} is the game's name at its service (--game-name). --nl, --json and --csv always
    have a line for each service.

    \b
    Example:
      understudy games
      understudy games nascar-thunder-2004
    """
    chosen = [catalog.game(game)] if game else catalog.games()
    seen = output in (Output.AUTO, Output.TABLE)
    if seen and not game:
        print_rows(map(_brief, chosen), GAMES, [one.name for one in GAMES], output)
        return
    if seen:
        where = f" ({chosen[0].platform})" if chosen[0].platform else ""
        click.echo(f"{chosen[0].name}: {chosen[0].title}{where}\n")
    print_rows(_rows(chosen), SERVICES, NAMES, output)
    if seen:
        for text in (chosen[0].notes, *(service.note for service in chosen[0].services)):
            if text:
                click.echo(f"\n{text}")
