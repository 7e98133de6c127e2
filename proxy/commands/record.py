"""`understudy record`: stand between a game and its server, and write everything down."""

from __future__ import annotations

import importlib
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from typing import Any

import click

from proxy.commands._changes import rules_option, seed_option
from proxy.commands._faults import Keys
from proxy.commands._generic import generic_options
from proxy.commands._keys import keys_options, protocol_file_option
from proxy.commands._traffic import Traffic, traffic_options
from recordings.manual import Sectioned


@click.command(
    cls=Sectioned,
    sections={
        "What is recorded, and where to": "relay upstream game-name mode relay-peers write rotate",
        "How the game finds us": "listen-host dns dns-port dns-upstream lan",
        "How we find the server": "resolver hosts-file offline else",
        "What is enciphered": "key game-key keys-file swallow-tic",
        "Protocols of your own": "protocol-file frame cipher cipher-on key-from from-frame",
        "Interfering on purpose": "rules seed fault faults",
    },
)
@click.argument("game", required=False)
@click.option(
    "--relay",
    multiple=True,
    metavar="PROTOCOL:[HOST:]PORT=UPHOST:UPPORT",
    help="Relay a port to a server and record it as that protocol (see `understudy protocols`). "
    "Port 0 takes any free one and prints it; IPv6 goes in brackets. Beside a GAME, PROTOCOL:PORT "
    "replaces the port on which that protocol is listened for. Repeatable.",
)
@click.option(
    "--upstream",
    metavar="HOST[:PORT]",
    help="The server that the GAME's services are relayed to, instead of the game's own: a "
    "community server, or one on this network.",
)
@click.option(
    "--mode",
    multiple=True,
    metavar="MODE[@[HOST:]PORT]",
    help="Also take what comes by another way: transparent (Linux), wireguard, socks5 (TCP), or "
    "local:NAME (a program on this machine). The GAME or --relay says by the port of the server "
    "which protocol it is; it goes where it was going. Repeatable.",
)
@click.option(
    "--game-name",
    metavar="NAME",
    help="The game's name at its service, where host names hold it (GameSpy: gmtest, civ4).",
)
@click.option(
    "--dns",
    multiple=True,
    metavar="NAME[=ADDRESS]",
    help="Answer this name (or *.example.com) in our DNS, with the address at which the asking "
    "client reaches us unless one is given. A GAME brings its names. Repeatable.",
)
@click.option(
    "--dns-port",
    type=click.IntRange(0, 65535),
    metavar="PORT",
    help="Port of our DNS.  [default: 53]",
)
@click.option(
    "--dns-upstream",
    metavar="ADDRESS",
    help="Name server to pass every other name to; without one they are refused.",
)
@click.option(
    "--resolver",
    multiple=True,
    metavar="ADDRESS",
    help="Name server for the upstream's names. The hosts file and our own DNS are never asked, "
    "so that the proxy cannot connect to itself. Repeatable.",
)
@click.option(
    "--listen-host",
    default="127.0.0.1",
    show_default=True,
    metavar="ADDRESS",
    help="Address to listen on; 0.0.0.0 for every one of this machine, so that a console can come.",
)
@click.option(
    "-w",
    "--write",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="The recording; one that exists is appended to.  [default: GAME-DATE.understudy.db]",
)
@keys_options
@click.option(
    "--swallow-tic",
    is_flag=True,
    help="Keep EA's `@tic` from the server: the client then stays in clear.",
)
@click.option(
    "--relay-peers",
    is_flag=True,
    help="Relay the addresses of other players too, so that a race or match is recorded.",
)
@click.option(
    "--keep-relaying",
    is_flag=True,
    help="When the recording cannot be written any more, let the game go on unrecorded.",
)
@protocol_file_option
@click.option(
    "--else",
    "otherwise",
    type=click.Choice(["serve"]),
    help="When the server is absent or refuses, have the stand-in answer by the protocol's rules "
    "(see `understudy serve`).",
)
@generic_options
@rules_option
@seed_option
@traffic_options
@click.option("-q", "--quiet", is_flag=True, help="Print the listeners and the summary alone.")
def command(quiet: bool, otherwise: str | None, **asked: Any) -> None:
    """Record what a game and its server say to each other, by standing between them.

    The game must come to this machine instead of its server: point its DNS here (a GAME brings
    its names, --dns adds others), or enter this machine's address where the game lets you. From
    another machine or a console it needs --listen-host 0.0.0.0.

    One line per listener is printed, then `ready`; then a line for each frame, at most twenty a
    second. Nothing is changed on its way but addresses that a server announces: each gets a relay
    of its own first, so that the client stays with us (it is printed as `redirect`). A password or
    stream whose key passes by or is given is recorded deciphered, beside the bytes as they came.
    With --rules frames are changed on purpose (docs/mutations.md); the recording then has both what
    came and what was sent.

    Ctrl-C ends it. Everything that was forwarded is in FILE, which the other commands read:
    `understudy sessions FILE`, `understudy frames FILE`, `understudy replay FILE --to HOST`.

    Whoever can read FILE can read the passwords in it; `understudy redact` makes a copy to share.

    \b
    Example:
      understudy record nascar-thunder-2004 --upstream 203.0.113.9
      understudy record --relay kaillera:27888=203.0.113.9:27888 -w evening.understudy.db
      understudy record gamespy --game-name gmtest --upstream 203.0.113.9 \\
        --game-key gmtest=HA6zkS --listen-host 0.0.0.0
    """
    from proxy.commands._job import Job
    from proxy.commands._record import Asked, job_options
    from proxy.live import NOBODY, Live, terminal_columns
    from proxy.printing import Printer

    keys = not quiet and Keys.possible()
    options = job_options(Asked(traffic=Traffic.take(asked), changeable=keys, **asked))
    if otherwise:
        options = replace(options, recorder=_takeover(), absent=True)
    with Printer() as printer:
        live = None if quiet else Live(printer.say, columns=terminal_columns())
        job = Job(options, say=printer.say, warn=printer.warn, watch=live)
        with Keys(job.type_faults, live.hold) if live and keys else nullcontext():
            tally = job.run()
        if live:
            live.rest()
        printer.say(
            f"recorded {job.recording.path}: {_count(tally.sessions, 'session')}, "
            f"{_count(tally.flows, 'flow')}, {_count(tally.frames, 'frame')}, "
            f"{_count(tally.bytes, 'byte')}, {_count(tally.errors, 'error')}"
        )
        if not tally.flows:
            printer.warn(NOBODY)


def _takeover() -> Any:
    """The recorder whose stand-in takes over: the front door knows who it is."""
    module, name = click.get_current_context().meta["understudy.takeover"]
    return getattr(importlib.import_module(module), name)


def _count(number: int, what: str) -> str:
    return f"{number:,} {what}{'' if number == 1 else 's'}"
