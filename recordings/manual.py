"""The manual of a command that has many options: they stand by what they are for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import click


class Sectioned(click.Command):
    """A command whose `--help` has sections of options; what no section names comes last."""

    def __init__(self, *args: Any, sections: Mapping[str, str], **rest: Any) -> None:
        """`sections`: title -> long names of options without `--`, with spaces between."""
        super().__init__(*args, **rest)
        self.sections = {title: names.split() for title, names in sections.items()}

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the sections."""
        left = {long_name(param): param for param in self.get_params(ctx) if _shown(param, ctx)}
        listed = {
            title: [left.pop(name) for name in names if name in left]
            for title, names in self.sections.items()
        }
        for title, params in {**listed, "Other options": list(left.values())}.items():
            rows = [row for param in params if (row := param.get_help_record(ctx))]
            if rows:
                with formatter.section(title):
                    formatter.write_dl(rows)


def long_name(param: click.Parameter) -> str:
    """`listen-host` for `--listen-host`."""
    return max(param.opts, key=len).lstrip("-")


def _shown(param: click.Parameter, ctx: click.Context) -> bool:
    return param.get_help_record(ctx) is not None
