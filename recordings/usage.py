"""A command that was written wrongly, said in a sentence with a cure."""

from __future__ import annotations

import re
import shlex
from collections.abc import Sequence
from glob import glob
from pathlib import Path
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


def named_files(words: Sequence[str]) -> list[str]:
    """The command line with `*.db` as the names of files, where no shell has done that (Windows).

    Nothing else is touched: to click a filter that begins with `~k` is somebody's home.
    """
    out: list[str] = []
    for word in words:
        pattern = ("*" in word or "?" in word) and not word.startswith("-")
        out += (sorted(glob(word)) if pattern else []) or [word]
    return out


def misplaced(group: click.Group, words: Sequence[str]) -> str:
    """The sentence for a recording that stands behind what belongs behind it; else empty."""
    context = click.Context(group, info_name="understudy")
    command: click.Command = group
    rest = list(words)
    try:
        while isinstance(command, click.Group):
            named = command.get_command(context, rest[0])
            if named is None:
                return ""
            context = click.Context(named, context, rest.pop(0))
            command = named
        given, _, _ = command.make_parser(context).parse_args(list(rest))
    except (click.ClickException, IndexError):
        return ""
    places = [one for one in command.params if isinstance(one, click.Argument)]
    values = [given.get(one.name or "") for one in places]
    files, others = _texts(values[:1]), _texts(values[1:])
    found = [one for one in others if Path(one).is_file()]
    if not places or "FILE" not in _called(places[0]) or not files or not found:
        return ""
    if any(Path(one).is_file() for one in files):
        return ""
    wrong = [one for one in (*files, *others) if one != found[0]]
    right = shlex.join([found[0], *wrong])
    return f"{wrong[0]} is no file: FILE comes first, `{context.command_path} {right}`"


def _texts(values: Sequence[Any]) -> list[str]:
    """Those words of the command line among what a parser gives, which may be nested."""
    out: list[str] = []
    for value in values:
        out += [value] if isinstance(value, str) else []
        out += _texts(value) if isinstance(value, tuple | list) else []
    return out


def _called(param: click.Parameter) -> str:
    return param.make_metavar(click.Context(click.Command("")))


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
    example = _example(command, param)
    cure = f"; for instance: {example}" if example else f": see `{path} --help`"
    name = _called(param).rstrip(".")
    if isinstance(param, click.Option):
        return f"{max(param.opts, key=len)} {name} is missing{cure}"
    behind = command.params[command.params.index(param) + 1 :]
    others = [one for one in behind if isinstance(one, click.Argument) and one.required]
    if param.nargs == -1 and others:  # what was given may be either
        return f"{name} and {_called(others[0])} are both needed{cure}"
    return f"{name} is missing{cure}"


def _example(command: click.Command, param: click.Parameter) -> str:
    """The first example of the manual, with the option if that is what is missing."""
    lines = manual_examples(command)
    if isinstance(param, click.Option):
        lines.sort(key=lambda one: not any(f" {name} " in one for name in param.opts))
    return lines[0] if lines else ""


def manual_examples(command: click.Command) -> list[str]:
    """The examples of a manual, each in one line."""
    lines: list[str] = []
    for block, line in _EXAMPLE.findall(command.help or ""):
        text = re.sub(r"\\\n\s*", "", block) or line
        lines += [one.strip() for one in text.splitlines() if one.strip()]
    return lines


def _choice(error: click.UsageError) -> str:
    """What is nearest where one of several words is wanted."""
    param = getattr(error, "param", None)
    given = re.search(r": '([^']*)' is not", error.format_message())
    if given is None or param is None or not isinstance(param.type, click.Choice):
        return ""
    hint = meant(given[1], [str(one) for one in param.type.choices])
    return f": {hint}" if hint else ""
