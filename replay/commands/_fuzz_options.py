"""The options of `understudy replay --fuzz`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import click

_OPTIONS = (
    click.option(
        "--fuzz",
        is_flag=True,
        help="Change one message in each run, and watch whether the server is still well.",
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
        help="With --fuzz: the server's process, or a file that holds its number.",
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
        help="With --fuzz: a connection that the server drops is no finding. Without it one is, if "
        "the message was whole and the server does not hang up there anyway.",
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
        help="With --fuzz: how long whatever starts your server again may take after it died.",
    ),
)


def fuzz_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add them to a command."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command
