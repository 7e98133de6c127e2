"""The options of `understudy replay --fuzz` and `understudy serve --fuzz`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import click

Option = Callable[[Callable[..., Any]], Callable[..., Any]]


def _options(noun: str) -> tuple[Option, ...]:
    """The options that both have; `noun` is what is under test."""
    return (
        click.option(
            "--fuzz",
            is_flag=True,
            help=f"Change one message in each run, and watch whether the {noun} is still well.",
        ),
        click.option(
            "--runs",
            type=click.IntRange(1, 1_000_000),
            default=100,
            show_default=True,
            metavar="N",
            help="With --fuzz: how many runs. They follow from --seed.",
        ),
        click.option(
            "--run",
            "only",
            type=click.IntRange(min=1),
            metavar="K",
            help="With --fuzz: this run alone, as it was.",
        ),
        click.option(
            "--watch-pid",
            metavar="PID|FILE",
            help=f"With --fuzz: the {noun}'s process, or a file that holds its number.",
        ),
        click.option(
            "--health",
            metavar="CMD",
            help="With --fuzz: a command that is run after each run, without a shell; an exit code "
            "other than 0 is a finding.",
        ),
        click.option(
            "--may-drop",
            is_flag=True,
            help=f"With --fuzz: a connection that the {noun} drops is no finding. Without it one "
            f"is, if the message was whole and the {noun} does not hang up there anyway.",
        ),
        click.option(
            "--time-limit",
            type=click.FloatRange(min=0, min_open=True),
            default=600.0,
            show_default=True,
            metavar="SECONDS",
            help="With --fuzz: begin no further run after so long.",
        ),
        click.option(
            "--wait-back",
            type=click.FloatRange(min=0),
            default=10.0,
            show_default=True,
            metavar="SECONDS",
            help=f"With --fuzz: how long whatever starts your {noun} again may take after it died.",
        ),
    )


_CLIENT_OPTIONS = (
    *_options("client"),
    click.option(
        "--client",
        metavar="CMD",
        help="With --fuzz: start the client by this command for each run, without a shell; {port} "
        "in it is our first port, {PROTOCOL} that of a protocol. Its exit code, or the signal that "
        "ended it, is a finding when it is another than that of a clean run.",
    ),
    click.option(
        "--sitting",
        type=click.FloatRange(min=0, min_open=True),
        default=10.0,
        show_default=True,
        metavar="SECONDS",
        help="With --fuzz: how long the client may play in a run; then it is ended. A finding, if "
        "it ends by itself in a clean run.",
    ),
    click.option(
        "--may-exit",
        type=int,
        multiple=True,
        metavar="CODE",
        help="With --fuzz: an exit code of the client that is no finding. Repeatable.",
    ),
    click.option(
        "--json",
        "as_json",
        is_flag=True,
        help="With --fuzz: print the findings as JSON, one a line, and nothing else.",
    ),
)


def fuzz_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add those about a server under test."""
    for option in reversed(_options("server")):
        command = option(command)
    return command


def client_fuzz_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add those about a client under test."""
    for option in reversed(_CLIENT_OPTIONS):
        command = option(command)
    return command
