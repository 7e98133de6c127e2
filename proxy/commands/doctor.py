"""`understudy doctor`: is this machine ready, and what is to be typed into the console."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import click

from proxy.commands._machine import Finding


@click.command()
@click.argument("game", required=False)
@click.option(
    "--listen-host",
    default="0.0.0.0",  # noqa: S104  it only looks
    show_default=True,
    metavar="ADDRESS",
    help="Address that `record` will listen on.",
)
@click.option(
    "--dns-port",
    type=click.IntRange(0, 65535),
    default=53,
    show_default=True,
    metavar="PORT",
    help="Port of our DNS.",
)
@click.option(
    "--fix-rules",
    is_flag=True,
    help="Print the commands that lead a client's traffic here on Linux (for --mode transparent), "
    "and those that undo it. Nothing is run; `scripts/redirect` runs them after asking.",
)
@click.option(
    "--interface",
    metavar="NAME",
    help="Network card by which the client's traffic comes in, for --fix-rules.  [default: the one "
    "of the default route]",
)
@click.option(
    "--client", metavar="ADDRESS", help="Lead only this client's traffic here, for --fix-rules."
)
@click.option(
    "--port",
    "transparent_port",
    type=click.IntRange(1, 65535),
    default=8080,
    show_default=True,
    metavar="PORT",
    help="Port of `--mode transparent`, for --fix-rules.",
)
def command(
    game: str | None,
    listen_host: str,
    dns_port: int,
    fix_rules: bool,
    interface: str | None,
    client: str | None,
    transparent_port: int,
) -> None:
    """Look whether this machine is ready to stand between a game and its server.

    Each line says ok, or what to do; ? marks what could not be looked at. With a GAME its ports and
    names are looked at too. At the end stand the addresses to type into the console's or game's
    network settings. The exit code is 1 when something is left to do.

    \b
    Example:
      understudy doctor nascar-thunder-2004
      understudy doctor --fix-rules --client 192.168.1.50
    """
    if fix_rules:
        click.echo(_rules(interface, client, transparent_port))
        return
    left = 0
    for finding in _looks(game, listen_host, dns_port):
        left += finding.todo is not None
        cure = f"\n       -> {finding.todo}" if finding.todo else ""
        click.echo(f"{finding.mark:4} {finding.about}: {finding.text}{cure}")
    click.echo(_what_to_type(game))
    sys.exit(1 if left else 0)


def _looks(game: str | None, listen_host: str, dns_port: int) -> Iterator[Finding]:
    from proxy import catalog
    from proxy.commands import _machine as machine
    from recordings.model import Transport

    services = catalog.game(game).relayed if game else ()
    ports = [(one.transport, one.port, f"{one.protocol} of {game}") for one in services]
    if game is None or catalog.game(game).names(None):
        ports += [(transport, dns_port, "our DNS") for transport in Transport]
    yield from machine.versions()
    yield from machine.privileges([number for _, number, _ in ports])
    for transport, number, what in dict.fromkeys(ports):
        yield machine.port(transport, listen_host, number, what)
    yield machine.firewall()
    yield machine.echo()
    yield machine.clock()
    yield machine.disk(Path.cwd())
    names = [name for name in catalog.game(game).names(None) if "*" not in name] if game else []
    here = machine.addresses() or ["127.0.0.1"]
    if names:
        yield machine.dns(names[0], here[0], dns_port)


def _what_to_type(game: str | None) -> str:
    from proxy import catalog
    from proxy.commands import _machine as machine

    found = machine.addresses()
    if not found:
        return "this machine is on no network: connect it to the one that the console is on"
    lines = ["", f"Type into the console's network settings: primary DNS {found[0]}"]
    if len(found) > 1:
        lines.append(f"  or, on another network of this machine: {', '.join(found[1:])}")
    lines.append("  secondary DNS: 0.0.0.0 or none; address and gateway stay as they are")
    if game and not catalog.game(game).names(None):
        lines[1:] = [f"Type into the game, as the server's address: {found[0]}"]
    start = f"understudy record {game or 'GAME'} --upstream SERVER --listen-host 0.0.0.0"
    lines.append(f"Then start here: {start}")
    return "\n".join(lines)


def _rules(interface: str | None, client: str | None, port: int) -> str:
    from proxy import nft
    from proxy.commands._network import card
    from recordings.errors import UserError

    if sys.platform != "linux":
        raise UserError("nftables is Linux's: on this system take --mode wireguard, or our DNS")
    way = nft.Way(interface or card(), port, client)
    return "\n".join(
        (
            f"# As root: what comes by {way.interface} for others is led to port {port}.",
            nft.shown(nft.apply(way)),
            "# Make this machine the client's gateway, then:",
            f"#   understudy record GAME --mode transparent@{port} --listen-host 0.0.0.0",
            "# To undo it:",
            nft.shown(nft.undo()),
        )
    )
