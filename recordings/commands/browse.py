"""understudy browse: look at a recording, in the terminal or in the web browser."""

from __future__ import annotations

from pathlib import Path

import click

from recordings.choosing import file_argument
from recordings.errors import UserError
from recordings.extras import how_to_install
from recordings.filters import compile_filter
from recordings.listing import is_terminal
from recordings.reader import Reader
from recordings.viewing import Viewer


def _lacking(extra: str, error: ImportError) -> UserError:
    """The sentence for a package that is not installed; other failures go on."""
    if not isinstance(error, ModuleNotFoundError) or (error.name or "").startswith("recordings"):
        raise error
    return UserError(
        f"this needs the package {error.name}, which is not installed: {how_to_install(extra)}"
    )


def _web(file: Path, viewer: Viewer | None, port: int, open_browser: bool) -> None:
    try:
        from recordings.web.serving import serve
    except ImportError as error:
        raise _lacking("web", error) from error

    def listening(address: str) -> None:
        click.echo(f"browsing {file.name} at {address} until Ctrl-C")

    serve(file, viewer, port=port, listening=listening, open_browser=open_browser)


def _terminal(file: Path, viewer: Viewer | None, text: str) -> None:
    if text:
        compile_filter(text)
    try:
        from recordings.browse.app import Browser
    except ImportError as error:
        raise _lacking("tui", error) from error
    with Reader.open(file) as reader:  # says what is wrong with it before the screen is taken
        notice = reader.notice or ""
    if not is_terminal():
        raise UserError("the browser needs a terminal: use `understudy frames` in a pipe, or --web")
    Browser(file, viewer, text=text, notice=notice).run()


@click.command("browse")
@file_argument
@click.argument("filter_", metavar="[FILTER]", nargs=-1)
@click.option("--web", is_flag=True, help="Show it in the web browser.")
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    default=0,
    metavar="PORT",
    help="With --web: the port on 127.0.0.1.  [default: any free one]",
)
@click.option("--no-open", is_flag=True, help="With --web: print the address, open no browser.")
@click.pass_obj
def command(
    viewer: Viewer | None,
    file: Path,
    filter_: tuple[str, ...],
    web: bool,
    port: int,
    no_open: bool,
) -> None:
    """Look at the sessions, flows and frames of a recording, also while it is being recorded.

    In the terminal, ? lists the keys; the frames that FILTER finds are shown first, and
    `understudy frames --help` explains it. Marks and notes that you make are written into FILE.

    With --web, pages are served to this machine only until Ctrl-C: every session as a sequence
    diagram, its traffic over time, every frame with its fields and bytes, and tables and SQL.
    Nothing can be changed there.

    \b
    Example:
      understudy browse evening.understudy.db
      understudy browse evening.understudy.db '~k auth | ~e'
      understudy browse evening.understudy.db --web
    """
    if web and filter_:
        raise UserError("--web takes no FILTER: write it on the page of a session")
    if web:
        _web(file, viewer, port, not no_open)
    else:
        _terminal(file, viewer, " ".join(filter_))
