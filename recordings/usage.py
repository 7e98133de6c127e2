"""A command that was written wrongly, said in a sentence with a cure."""

from __future__ import annotations

import re
from typing import IO, Any

import click
from click.exceptions import NoArgsIsHelpError, NoSuchCommand, NoSuchOption

from recordings.nearest import meant

_EXAMPLE = re.compile(r"^ *Example:\s*\n((?: +\S.*\n?)+)|^ *Example: (.+)$", re.MULTILINE)
_PLAINER = (
    ("is not a valid integer range", "is no whole number"),
    ("is not a valid integer", "is no whole number"),
    ("is not a valid float range", "is no number"),
    ("is not a valid float", "is no number"),
    (r"is not in the range x>=([\d.]+)", r"is too small, the least is \1"),
    (r"is not in the range ([\d.]+)<=x<=([\d.]+)", r"is not from \1 to \2"),
)


class Misused(click.ClickException):
    """Printed as other errors are, without a block of usage; the exit code is that of a misuse."""

    exit_code = 2

    def show(self, file: IO[Any] | None = None) -> None:
        """Print it."""
        click.echo(f"Error: {self.message}", file=file, err=file is None)


def explained(error: click.UsageError) -> click.ClickException:
    """The sentence for a command that click does not take."""
    context = error.ctx
    if isinstance(error, NoArgsIsHelpError):
        return error
    if context is None:
        return Misused(error.format_message())
    path, command = context.command_path, context.command
    if isinstance(error, NoSuchCommand) and isinstance(command, click.Group):
        return Misused(_unknown(error.command_name, path, command.list_commands(context)))
    if isinstance(error, NoSuchOption):
        known = [one for param in command.get_params(context) for one in param.opts]
        hint = meant(error.option_name, [one for one in known if one.startswith("--")])
        return Misused(
            f"`{path}` has no option {error.option_name}: {hint or f'see `{path} --help`'}"
        )
    if isinstance(error, click.MissingParameter) and error.param is not None:
        return Misused(_missing(error.param, path, command))
    text = error.format_message().rstrip(".")
    for theirs, ours in _PLAINER:
        text = re.sub(theirs, ours, text)
    return Misused(f"{text[:1].lower()}{text[1:]}{_choice(error)} (see `{path} --help`)")


def _unknown(name: str, path: str, known: list[str]) -> str:
    hint = meant(name, known)
    if len(known) < 8:
        hint = f"{hint} there are {', '.join(known)}".strip()
    return f"`{path}` has no command {name!r}: {hint or f'see `{path} --help`'}"


def _missing(param: click.Parameter, path: str, command: click.Command) -> str:
    if isinstance(param, click.Option):
        name = max(param.opts, key=len)
        given = param.make_metavar(click.Context(command))
        name = f"{name} {given}"
    else:
        name = param.make_metavar(click.Context(command)).rstrip(".")
    example = _example(command, param)
    cure = f"; for instance: {example}" if example else f": see `{path} --help`"
    return f"{name} is missing{cure}"


def _example(command: click.Command, param: click.Parameter) -> str:
    """The first example of the manual, with the option if that is what is missing."""
    lines: list[str] = []
    for block, line in _EXAMPLE.findall(command.help or ""):
        text = re.sub(r"\\\n\s*", "", block) or line
        lines += [one.strip() for one in text.splitlines() if one.strip()]
    if isinstance(param, click.Option):
        lines.sort(key=lambda one: not any(f" {name} " in one for name in param.opts))
    return lines[0] if lines else ""


def _choice(error: click.UsageError) -> str:
    """What is nearest where one of several words is wanted."""
    param = getattr(error, "param", None)
    given = re.search(r": '([^']*)' is not", error.format_message())
    if given is None or param is None or not isinstance(param.type, click.Choice):
        return ""
    hint = meant(given[1], [str(one) for one in param.type.choices])
    return f": {hint}" if hint else ""
