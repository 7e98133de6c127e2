"""Options about the traffic itself, for every command that listens."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, TypeVar

import click

from proxy import options
from proxy.commands._faults import FaultDesk
from proxy.faults.spec import KINDS, read_fault
from recordings.rotation import Rotating, read_limit
from recordings.writer import Recording

Command = TypeVar("Command", bound=Callable[..., Any])


@dataclass(frozen=True, slots=True)
class Traffic:
    """What these options say."""

    offline: bool = False
    hosts_file: Path | None = None
    fault: Sequence[str] = ()
    faults: Path | None = None
    lan: bool = False
    rotate: str | None = None

    @classmethod
    def take(cls, asked: dict[str, Any]) -> Traffic:
        """Take them out of what click hands over."""
        return cls(**{one.name: asked.pop(one.name) for one in fields(cls) if one.name in asked})

    def hosts(self) -> dict[str, str]:
        """Names whose address the user gave; UserError."""
        return options.read_hosts_file(self.hosts_file) if self.hosts_file else {}

    def recording(self, path: Path, **settings: Any) -> Recording | Rotating:
        """The recording of the run; UserError."""
        limit = read_limit(self.rotate) if self.rotate else None
        first = Recording.open(path, **settings)
        return Rotating(first, limit, settings) if limit else first

    def desk(self, tell: Callable[[str, str], None]) -> FaultDesk:
        """The faults that the run begins with; UserError."""
        return FaultDesk([read_fault(text) for text in self.fault], self.faults, tell)


_OPTIONS = (
    click.option(
        "--offline",
        is_flag=True,
        help="Connect and send to nobody but the clients: no server, no name server.",
    ),
    click.option(
        "--hosts-file",
        type=click.Path(path_type=Path),
        metavar="FILE",
        help="Lines of ADDRESS NAME..., as in /etc/hosts: addresses of servers that are asked of "
        "no name server.",
    ),
    click.option(
        "--fault",
        multiple=True,
        metavar="FAULT",
        help="Disturb what goes on: loss:5%@c>s,seed=7 or latency:100ms,jitter=20ms. There are "
        f"{', '.join(KINDS)}; `on=PROTOCOL` restricts one. Repeatable; f at the terminal changes "
        "them.",
    ),
    click.option(
        "--faults",
        type=click.Path(path_type=Path),
        metavar="FILE",
        help="Faults, one a line; the file may be edited meanwhile.",
    ),
    click.option(
        "--lan",
        is_flag=True,
        help="Carry LAN broadcasts: what a client broadcasts to a UDP port of ours goes to the "
        "server and to the other networks of this machine too; who answers is relayed. Needs "
        "--listen-host 0.0.0.0.",
    ),
    click.option(
        "--rotate",
        metavar="SIZE|TIME",
        help="Go on in a new file when this one is so big or old: 100MB, 24h. What is open goes "
        "along; no frame is lost.",
    ),
)


def traffic_options(command: Command) -> Command:
    """Give a command these options."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command
