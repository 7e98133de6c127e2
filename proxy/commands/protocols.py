"""`understudy protocols`: what can be dissected, and which messages each protocol has."""

from __future__ import annotations

from collections.abc import Iterator

import click

from proxy import registry
from proxy.protocol import Protocol
from recordings.listing import Column, Output, Row, listing_options, print_rows

PORTS = 2
"""Ports that a narrow terminal shows."""


def _few(ports: str) -> str:
    """The first ports, and how many more there are."""
    words = ports.split()
    more = f" +{len(words) - PORTS}" if len(words) > PORTS else ""
    return " ".join(words[:PORTS]) + more


NAMES = ("protocol", "title", "transports", "ports", "kinds", "source")
COLUMNS = (
    Column("protocol", lambda row: row["protocol"], "bold"),
    Column("title", lambda row: row["title"], spare=True),
    Column("over", lambda row: row["transports"]),
    Column("ports", lambda row: row["ports"], wide=110),
    Column("ports", lambda row: _few(row["ports"]), narrow=110),
    Column("kinds", lambda row: str(row["kinds"]), right=True),
    Column("source", lambda row: row["source"], wide=110, optional=True),
)
KIND_NAMES = ("kind", "directions", "meaning", "fields", "source")
KIND_COLUMNS = (
    Column("kind", lambda row: row["kind"], "bold"),
    Column("direction", lambda row: row["directions"]),
    Column("meaning", lambda row: row["meaning"], spare=True),
    Column("fields", lambda row: row["fields"], spare=True, wide=80),
    Column("source", lambda row: row["source"], wide=120, optional=True),
)


def _rows() -> Iterator[Row]:
    for one in sorted(registry.protocols().values(), key=lambda one: one.name):
        transports = " ".join(transport.value for transport in one.transports)
        ports = " ".join(map(str, one.ports))
        values = (one.name, one.title, transports, ports, len(one.kinds), one.source)
        yield dict(zip(NAMES, values, strict=True))


def _kinds(protocol: Protocol) -> Iterator[Row]:
    for kind in protocol.kinds:
        ways = " ".join(way.value for way in kind.directions)
        fields = " ".join(field.name for field in kind.fields)
        values = (kind.name, ways, kind.meaning, fields, kind.source)
        yield dict(zip(KIND_NAMES, values, strict=True))


@click.command("protocols")
@click.argument("protocol", required=False)
@listing_options
def command(protocol: str | None, output: Output) -> None:
    """List the protocols that are understood, or the messages of one of them.

    PROTOCOL is the name that `--relay PROTOCOL:PORT=HOST:PORT` takes. Whatever is none of them is
    recorded as `raw-tcp` or `raw-udp`.

    \b
    Example:
      understudy protocols
      understudy protocols ea-lobby
    """
    if protocol is None:
        print_rows(_rows(), COLUMNS, NAMES, output)
    else:
        print_rows(_kinds(registry.protocol(protocol)), KIND_COLUMNS, KIND_NAMES, output)
