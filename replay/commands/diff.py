"""`understudy diff`: two sessions side by side."""

from __future__ import annotations

from pathlib import Path

import click

from proxy.commands._keys import protocol_file_option
from recordings.errors import UserError


@click.command("diff")
@click.argument("file_a", metavar="FILE_A[:SESSION]")
@click.argument("file_b", metavar="FILE_B[:SESSION]")
@click.option(
    "--mask",
    "masks",
    multiple=True,
    metavar="KIND.FIELD",
    help="Do not compare this field either, for instance news.line; * stands for every kind. "
    "Repeatable.",
)
@click.option("--all", "every", is_flag=True, help="List every difference, not the first twenty.")
@click.option("--json", "as_json", is_flag=True, help="Print the report as one JSON object.")
@click.option(
    "--junit",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="Write the report as JUnit XML too, which CI servers show.",
)
@click.option(
    "--html",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="Write the report as one web page too.",
)
@click.option("-q", "--quiet", is_flag=True, help="Print nothing; the exit code says it.")
@protocol_file_option
def command(
    file_a: str,
    file_b: str,
    masks: tuple[str, ...],
    every: bool,
    as_json: bool,
    junit: Path | None,
    html: Path | None,
    quiet: bool,
    protocol_file: tuple[Path, ...],
) -> None:
    """Compare two recorded sessions: what differs, and where it first did.

    \b
    Example:
      understudy diff evening.understudy.db replayed.understudy.db
      understudy diff all.understudy.db:3 all.understudy.db:7 --html report.html
      understudy diff evening.understudy.db replayed.understudy.db --junit report.xml

    The flows of both sessions are paired by protocol, role and order, their messages by kind and
    fields. Fields that differ at every run (nonces, clocks, ports, ids) are masked, as the
    protocol declares them; so is a value that the client called otherwise earlier on, and another
    number of keepalives.

    Shown are the first difference with what was said around it, further differences, and how each
    kind of request was answered: as it was, differently, never. Exit code as of diff(1): 0 when
    nothing differs, 1 when something does, 2 when the sessions cannot be compared.
    """
    from replay.commands._diff import show
    from replay.diff.opening import compare_files, read_which

    try:
        from proxy import registry

        for path in protocol_file:
            registry.add_file(path)
        report = compare_files(read_which(file_a), read_which(file_b), masks)
        show(report, every=every, as_json=as_json, junit=junit, html=html, quiet=quiet)
    except UserError as error:
        click.echo(f"Error: {error}", err=True)
        raise SystemExit(2) from error
    raise SystemExit(report.exit_code)
