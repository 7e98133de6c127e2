"""`understudy export`: write a recording in the formats of other tools."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from recordings.viewing import Viewer


@click.command("export")
@click.argument("file", required=False, type=click.Path(path_type=Path), metavar="[FILE]")
@click.argument("filter_", metavar="[FILTER]", nargs=-1)
@click.option("--pcapng", is_flag=True, help="A capture for Wireshark; `import` reads it again.")
@click.option(
    "--jsonl", is_flag=True, help="JSON lines with all that is recorded; `import` reads it again."
)
@click.option("--sql", is_flag=True, help="SQL statements that make the recording anew.")
@click.option(
    "--parquet",
    is_flag=False,
    flag_value="",
    metavar="[DIR]",
    help="Parquet files below DIR (or -w OUT), one row a frame, by game and day (needs the extra "
    "`archive`).",
)
@click.option(
    "--python-vectors",
    is_flag=True,
    help="Golden bytes for the tests of a protocol: one frame of each kind.",
)
@click.option("--svg", is_flag=True, help="A picture: the sequence diagram of a session.")
@click.option("--html", is_flag=True, help="The sequence diagram and its table as one web page.")
@click.option(
    "--wireshark-lua",
    metavar="PROTOCOL",
    help="A Wireshark dissector of a protocol (no FILE); lay it into Wireshark's plugins folder.",
)
@click.option(
    "--mitmproxy-addon",
    is_flag=True,
    help="A script for `mitmproxy -s` that shows our messages (no FILE).",
)
@click.option(
    "--session",
    type=click.IntRange(min=1),
    metavar="N",
    help="Take this session only; `understudy sessions FILE` lists them.",
)
@click.option("--deciphered", is_flag=True, help="pcapng: the bytes after deciphering.")
@click.option(
    "--forwarded",
    is_flag=True,
    help="pcapng: what was sent on, with what we changed and inserted, without what we dropped.",
)
@click.option(
    "--synthetic",
    is_flag=True,
    help="pcapng: made-up addresses instead of the recorded ones.",
)
@click.option("--no-comments", is_flag=True, help="pcapng: packets without what they say.")
@click.option(
    "--each",
    type=click.IntRange(min=1),
    default=1,
    show_default=True,
    metavar="N",
    help="--python-vectors: frames of each kind and direction.",
)
@click.option(
    "-w",
    "--write",
    type=click.Path(path_type=Path, allow_dash=True),
    metavar="OUT",
    help="The file to write, - for standard output.  [default: named after FILE or PROTOCOL]",
)
@click.pass_obj
def command(viewer: Viewer | None, /, **asked: Any) -> None:
    """Export a recording: to Wireshark, JSON, SQL, Parquet, Python, or as a picture.

    Choose one format. A FILTER takes some frames only (see `understudy frames --help`); --jsonl and
    --sql write whole sessions.

    A capture holds the recorded addresses, a handshake for every TCP flow, and what each frame says
    as the comment of its packet. Keys and flows stand in it too, for `understudy import`: whoever
    gets the file can read what was enciphered. `understudy redact` makes a copy to share.

    \b
    Example:
      understudy export evening.understudy.db --pcapng
      understudy export evening.understudy.db '~p ea-lobby' --pcapng --deciphered -w lobby.pcapng
      understudy export evening.understudy.db --jsonl -w - | jq .kind
      understudy export evening.understudy.db --parquet archive/
      understudy export evening.understudy.db --session 1 --svg -w evening.svg
      understudy export --wireshark-lua kaillera
    """
    from proxy.exporting.asked import Asked, run

    run(Asked(**asked), viewer)
