"""A report shown, and written in the forms that were asked for; `replay --diff` uses it too."""

from __future__ import annotations

import json
import os
from pathlib import Path

import click

from recordings.errors import UserError
from replay.diff.junit import to_junit
from replay.diff.page import to_page
from replay.diff.report import Report
from replay.diff.terminal import lines


def show(
    report: Report,
    *,
    every: bool = False,
    as_json: bool = False,
    junit: Path | None = None,
    html: Path | None = None,
    quiet: bool = False,
) -> None:
    """Print a report and write its files; raises UserError for one that cannot be written."""
    if as_json:
        click.echo(json.dumps(report.to_json(), ensure_ascii=True))
    elif not quiet:
        color = False if os.environ.get("NO_COLOR") else None
        for line in lines(report, every=every):
            click.echo(line, color=color)
    for path, text in ((junit, to_junit), (html, to_page)):
        if path is not None:
            _write(path, text(report))


def _write(path: Path, text: str) -> None:
    try:
        path.write_text(text, "utf-8")
    except OSError as error:
        raise UserError(f"{path} cannot be written: {error.strerror or error}") from error
