"""`understudy protocols`: what can be dissected, and which messages each protocol has."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import click

from proxy import registry
from proxy.protocol import Protocol
from recordings.listing import Column, Row, listing_options, print_rows

COLUMNS = (
    Column("protocol", lambda row: row["protocol"], "bold"),
    Column("title", lambda row: row["title"], spare=True),
    Column("transports", lambda row: " ".join(row["transports"])),
    Column("ports", lambda row: " ".join(map(str, row["ports"]))),
    Column("kinds", lambda row: str(row["kinds"]), right=True),
    Column("source", lambda row: row["source"], wide=110, optional=True),
)
KIND_COLUMNS = (
    Column("kind", lambda row: row["kind"], "bold"),
    Column("direction", lambda row: " ".join(row["directions"])),
    Column("meaning", lambda row: row["meaning"], spare=True),
    Column("fields", lambda row: " ".join(field["name"] for field in row["fields"]), wide=80),
    Column("source", lambda row: row["source"], wide=120, optional=True),
)


def _rows() -> Iterator[Row]:
    for one in sorted(registry.protocols().values(), key=lambda one: one.name):
        row: dict[str, Any] = {
            "protocol": one.name,
            "title": one.title,
            "transports": [transport.value for transport in one.transports],
            "ports": list(one.ports),
            "kinds": len(one.kinds),
            "source": one.source,
        }
        yield row


def _kinds(protocol: Protocol) -> Iterator[Row]:
    for kind in protocol.kinds:
        row: dict[str, Any] = {
            "kind": kind.name,
            "directions": [way.value for way in kind.directions],
            "meaning": kind.meaning,
            "fields": [
                {"name": field.name, "type": field.type, "meaning": field.meaning}
                for field in kind.fields
            ],
            "source": kind.source,
        }
        yield row


@click.command()
@click.argument("protocol", required=False)
@listing_options
def command(protocol: str | None, output: str) -> None:
    """List the protocols that are understood, or the messages of one of them.

    Example: understudy protocols

    Example: understudy protocols ea-lobby

    PROTOCOL is the name that `--relay PROTOCOL:PORT=HOST:PORT` takes. Whatever is none of them is
    recorded as `raw-tcp` or `raw-udp`.
    """
    if protocol is None:
        print_rows(_rows(), COLUMNS, output)
    else:
        print_rows(_kinds(registry.protocol(protocol)), KIND_COLUMNS, output)
