"""`understudy replay`: play the client of a recorded session against a live server."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from proxy.commands._keys import keys_options, protocol_file_option
from recordings.choosing import file_argument, session_option
from recordings.errors import UserError
from recordings.manual import Sectioned
from replay.commands._fuzz_options import fuzz_options


@click.command(
    cls=Sectioned,
    sections={
        "What is played, and where to": "session to map write clients loop",
        "When": "timing speed deadline grace go-on",
        "What is said": "adapt set rules seed key game-key keys-file protocol-file",
        "Compared with the recording": "diff mask junit html",
        "A server under test": "fuzz runs run watch-pid health may-drop "
        "time-limit wait-back cluster",
    },
)
@file_argument
@session_option
@click.option(
    "--to",
    metavar="HOST[:PORT]",
    help="The live server: of the session's first flow, and of the others at their recorded "
    "ports. What the server announces itself (a lobby, a private port) is followed.",
)
@click.option(
    "--map",
    "maps",
    multiple=True,
    metavar="RECORDED=LIVE",
    help="Where one server of the recording is now. RECORDED is its HOST:PORT, HOST, :PORT, name, "
    "or protocol; LIVE is HOST[:PORT]. Wins over --to and over what is announced. Repeatable.",
)
@click.option(
    "--timing",
    type=click.Choice(["turns", "original", "fast"]),
    default="turns",
    show_default=True,
    help="turns: speak as soon as the server has answered as recorded. original: and not before "
    "the recorded time. fast: wait for keys and announced endpoints only.",
)
@click.option(
    "--speed",
    type=click.FloatRange(min=0, min_open=True),
    metavar="X",
    help="Original timing, X times as fast.",
)
@click.option(
    "--adapt/--verbatim",
    default=True,
    help="Renew what differs at every run (keys, proofs, ids, times), the default; or send the "
    "recorded bytes as they are.",
)
@click.option(
    "--set",
    "settings",
    multiple=True,
    metavar="KIND.FIELD=VALUE",
    help="Say something else in a field; {n} is the number of the client. What follows from it "
    "follows. Repeatable.",
)
@click.option(
    "--rules",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="TOML of rules that change what the client says (docs/mutations.md).",
)
@click.option(
    "--mask",
    "masks",
    multiple=True,
    metavar="KIND.FIELD",
    help="Do not compare this field of what the server says. Repeatable.",
)
@click.option(
    "--clients",
    type=click.IntRange(1, 10_000),
    default=1,
    metavar="N",
    help="So many clients at once; tell them apart by --set auth.NAME=player{n}.",
)
@click.option(
    "--loop", "loops", type=click.IntRange(min=1), default=1, metavar="N", help="Play it N times."
)
@click.option(
    "--deadline",
    type=click.FloatRange(min=0, min_open=True),
    metavar="SECONDS",
    help="How long an answer may take.  [default: 10; with --fuzz 2]",
)
@click.option(
    "--grace",
    type=click.FloatRange(min=0),
    metavar="SECONDS",
    help="How long to wait for what the server said by itself in the recording.  [default: 1; "
    "with --fuzz 0.2, which is also how long a changed message is given to do its work]",
)
@click.option("--go-on", is_flag=True, help="Go on when an answer never came.")
@click.option(
    "-w",
    "--write",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Where it is recorded again.  [default: GAME-DATE.understudy.db]",
)
@keys_options
@protocol_file_option
@click.option(
    "--seed",
    type=int,
    metavar="N",
    help="Fresh values (nonces, ids) and the draws of --rules follow from it: the same seed says "
    "the same.",
)
@click.option(
    "--diff",
    is_flag=True,
    help="Compare what was played with what was recorded, as `understudy diff` does.",
)
@click.option(
    "--junit",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="With --diff: write the comparison as JUnit XML too, which CI servers show.",
)
@click.option(
    "--html",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="With --diff: write the comparison as one web page too.",
)
@fuzz_options
@click.option(
    "--cluster",
    metavar="ADDRESS",
    help="With --fuzz: many runs at once on the workers of a Dask cluster (tcp://HOST:8786; "
    "docs/testing-a-server.md).",
)
@click.option(
    "--json",
    "as_json",
    is_flag=True,
    help="Print the verdicts (with --fuzz: the findings) as JSON, one a line.",
)
def command(file: Path, session: int | None, **asked: Any) -> None:
    """Play the client of a recorded session against a live server, and tell how it went.

    All flows of the session are played in their order: what the server announces (a lobby, a
    private port) is followed. What differs at every run is renewed: keys, challenges and proofs,
    ids, times, and every value that this server calls otherwise than the recorded one did. A turn
    ends when the answers that the recording had have come; when the server goes another way, the
    nearest recorded message and the fields that differ are shown.

    The session is recorded again; --diff compares both at once. Exit code: 0 when it was played to
    its end and every answer came (with --diff: and nothing differs), 1 when not; with --diff 2 when
    there is nothing that could be compared.

    With --fuzz it is played again and again, each time up to one message that is changed into
    something the server may not expect; then it is seen whether the server is still well. Exit
    code: 0 when it always is, 1 when there are findings. See docs/testing-a-server.md.

    \b
    Example:
      understudy replay evening.understudy.db --to 127.0.0.1
      understudy replay evening.understudy.db --to 127.0.0.1 --diff --junit report.xml
      understudy replay evening.understudy.db --to 127.0.0.1 --clients 50 \\
        --set auth.NAME=player{n}
      understudy replay evening.understudy.db --to 127.0.0.1 --fuzz --runs 200 --watch-pid 4711
    """
    from replay.commands._replay import run

    try:
        raise SystemExit(run(file, session, **asked))
    except UserError as error:
        if not (asked["diff"] or asked["junit"] or asked["html"]):
            raise
        click.echo(f"Error: {error}", err=True)
        raise SystemExit(2) from error  # as of diff(1): 1 is a difference
