"""understudy archive: many recordings as Parquet, and SQL over all of them."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from recordings.errors import UserError
from recordings.listing import Output, columns_of, listing_options, print_rows, unique


@click.group("archive")
def command() -> None:
    """Put many recordings into one archive, and ask all of them at once.

    An archive is a folder of Parquet files, one table each of frames, flows, sessions and keys, by
    game and day. DuckDB, Dask, Spark and pandas read it too (docs/archive.md). Needs
    `pip install 'understudy[archive]'`.

    \b
    Example:
      understudy archive build attic *.understudy.db
      understudy archive query attic "SELECT game, count(*) FROM frames GROUP BY game"
    """


@command.command("build")
@click.argument("folder", type=click.Path(path_type=Path), metavar="DIR")
@click.argument(
    "files", nargs=-1, required=True, type=click.Path(path_type=Path), metavar="FILES..."
)
@click.option("-q", "--quiet", is_flag=True, help="Print nothing but what could not be read.")
def build_command(folder: Path, files: tuple[Path, ...], quiet: bool) -> None:
    """Add recordings to an archive, which is made when there is none.

    Sessions that are in it already are not written again, unless they have grown: give it the same
    recordings every night. It holds the keys of the sessions too.

    \b
    Example:
      understudy archive build attic evening.understudy.db
    """
    from recordings.archiving.building import build

    shown = not quiet and sys.stderr.isatty()
    with click.progressbar(
        length=len(files), label="archive", file=sys.stderr, hidden=not shown
    ) as bar:
        built = build(folder, files, lambda path: bar.update(1))
    for doubt in built.doubts:
        click.echo(f"understudy: {doubt}", err=True)
    if not quiet:
        click.echo(
            f"archived {folder}: {_count(built.sessions, 'session')}, "
            f"{_count(built.frames, 'frame')}; {built.known:,} known already"
        )
    if built.doubts:
        raise UserError(
            f"{_count(len(built.doubts), 'recording')} of {len(files):,} could not be archived: "
            "see above; the others are"
        )


@command.command("query")
@click.argument("words", nargs=-1, required=True, metavar="[DIR] SQL")
@listing_options
def query_command(words: tuple[str, ...], output: Output) -> None:
    """Run a statement of SQL that reads an archive, by DuckDB.

    The tables are frames, flows, sessions and keys; they join by session_uid. Times are timestamps
    in UTC; the column "at" is written in quotes. Without DIR the archive is the folder that you
    are in. Nothing outside the archive can be read.

    \b
    Example:
      understudy archive query attic "SELECT game, day, count(*) FROM frames GROUP BY ALL"

    \b
    Which kinds are there, in which game?
      understudy archive query DIR "SELECT game, kind, count(*) FROM frames GROUP BY ALL"
    Who logged in, in which session?
      understudy archive query DIR "SELECT session_uid, fields ->> 'NAME' FROM frames
        WHERE kind = 'auth'"
    How many frames a day?
      understudy archive query DIR "SELECT day, count(*) FROM frames GROUP BY day ORDER BY day"
    """
    from recordings.archiving.asking import ask

    if len(words) > 2:
        raise UserError("archive query takes a folder and one statement: put the SQL in quotes")
    folder = Path(words[0]) if len(words) == 2 else Path()
    result = ask(folder, words[-1])
    names = unique(result.columns)
    rows = (dict(zip(names, row, strict=True)) for row in result.rows)
    print_rows(rows, columns_of(names), names, output)


def _count(number: int, what: str) -> str:
    return f"{number:,} {what}{'' if number == 1 else 's'}"
