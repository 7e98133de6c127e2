"""`understudy import`: make a recording of what others captured."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from proxy.commands._keys import keys_options, protocol_file_option, read_keys

if TYPE_CHECKING:
    from proxy.importing.files import Report

LARGE = 4 << 20
"""Bytes of captures from which on a second process is worth its start."""


@click.command("import")
@click.argument(
    "files", nargs=-1, required=True, type=click.Path(path_type=Path), metavar="FILE..."
)
@click.option(
    "-w",
    "--write",
    type=click.Path(path_type=Path),
    metavar="OUT",
    help="The recording; one that exists is appended to.  [default: FILE.understudy.db]",
)
@click.option(
    "--game",
    metavar="GAME",
    help="The game that was played (see `understudy games`); its ports tell what is spoken. "
    "Without it the names of servers in the capture tell, where it holds DNS.",
)
@click.option(
    "--as",
    "as_",
    multiple=True,
    metavar="PORT=PROTOCOL",
    help="What is spoken at a server's port (see `understudy protocols`). Repeatable.",
)
@click.option(
    "--known-only",
    is_flag=True,
    help="Leave out what speaks none of the protocols that Understudy knows.",
)
@keys_options
@protocol_file_option
@click.option(
    "--cluster",
    metavar="ADDRESS",
    help="Read on the workers of a Dask cluster, captures of different evenings at once "
    "(tcp://HOST:8786; docs/formats.md).",
)
@click.option("-q", "--quiet", is_flag=True, help="Print nothing but what could not be read.")
def command(
    files: tuple[Path, ...],
    write: Path | None,
    game: str | None,
    as_: tuple[str, ...],
    known_only: bool,
    key: tuple[str, ...],
    game_key: tuple[str, ...],
    keys_file: Path | None,
    protocol_file: tuple[Path, ...],
    cluster: str | None,
    quiet: bool,
) -> None:
    """Import captures of other tools, so that they can be read, replayed and stood in for.

    FILE is a pcap or pcapng capture (Wireshark, tcpdump, a router), a file of flows that mitmproxy
    saved, or JSON lines that `understudy export --jsonl` wrote; gzip and zstd are unpacked.

    What is spoken is found out by the game, by what servers announced, by port and by the first
    bytes; --as says it. What nobody knows is recorded as it came, in sessions of its own. Holes of
    a capture are marked by an event `gap`. Whatever of a damaged file can be read is kept.

    \b
    Example:
      understudy import old-evening.pcapng -w evening.understudy.db
      understudy import part1.pcap.gz part2.pcap.gz --game nascar-thunder-2004
      understudy import lan.pcap --as 12345=kaillera --known-only
    """
    from proxy.annotate import PLACE
    from proxy.importing.asked import wishes_of
    from proxy.importing.files import import_files
    from proxy.importing.progress import Progress
    from proxy.importing.store import QUEUE
    from recordings.drafting import drafted

    keys, secrets = read_keys(keys_file, key, game_key)
    wishes = wishes_of(game, as_, known_only, keys, secrets, protocol_file)
    out = write or default_path(files[0])
    size = sum(file.stat().st_size for file in files if file.is_file())
    large = size > LARGE and not cluster  # then another process writes and says what frames mean
    place = PLACE if large else None
    with drafted(out, queue_limit=QUEUE, scribe=large, annotator=place) as recording:
        if recording.recovered:
            click.echo(recording.recovered, err=True)
        with Progress(f"import {files[0].name}", size) as progress:
            if cluster:
                from proxy.importing.cluster import Asked, import_on_cluster

                asked = Asked(game, as_, known_only, keys, secrets, protocol_file)
                report = import_on_cluster(cluster, files, recording, asked, progress.advance)
            else:
                report = import_files(files, recording, wishes, progress.advance)
        recording.flush()
        report.tally.errors += recording.errors
    _tell(report, out, quiet)


def default_path(first: Path) -> Path:
    """`evening.pcap.gz` -> `evening.understudy.db` in the working folder."""
    return Path(f"{first.name.split('.')[0] or first.name}.understudy.db")


def _count(number: int, what: str) -> str:
    return f"{number:,} {what}{'' if number == 1 else 's'}"


def _tell(report: Report, out: Path, quiet: bool) -> None:
    """Say what was imported, and what could not be read."""
    for doubt in report.doubts:
        click.echo(f"understudy: {doubt}", err=True)
    if not quiet:
        tally = report.tally
        rest = f", {_count(report.left_out, 'unknown flow')} left out" if report.left_out else ""
        click.echo(
            f"imported {out}: {_count(tally.sessions, 'session')}, {_count(tally.flows, 'flow')}, "
            f"{_count(tally.frames, 'frame')}, {_count(tally.errors, 'error')}{rest}"
        )
        if tally.errors:
            click.echo(f"look at the errors: understudy frames {out} '~e'")
