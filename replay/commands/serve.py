"""`understudy serve`: be the server, from a recording, from the protocol's rules, or both."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from proxy.commands._changes import rules_option, tell_rules
from proxy.commands._keys import keys_options, protocol_file_option
from proxy.commands._traffic import Traffic, traffic_options
from recordings.manual import Sectioned
from replay.commands._fuzz_options import client_fuzz_options

MODES = ("none", "once", "new_episodes", "all")
ANSWERED = ("nobody came", "everything answered")


@click.command(
    cls=Sectioned,
    sections={
        "What is answered": "session record-mode upstream ghosts write rotate",
        "How the game finds us": "relay listen-host dns dns-port announce lan",
        "How the server behaves": "accounts rule keep-state game-name seed",
        "What is enciphered": "key game-key keys-file protocol-file",
        "How we find --upstream": "resolver hosts-file offline",
        "Interfering on purpose": "rules fault faults",
        "A client under test": "fuzz client runs run watch-pid health may-drop "
        "may-exit sitting time-limit wait-back",
    },
)
@click.argument("source", metavar="(FILE|GAME)")
@click.option(
    "--session",
    type=click.IntRange(min=1),
    metavar="N",
    help="Answer from this session of FILE only.  [default: all are one pool of answers]",
)
@click.option(
    "--relay",
    multiple=True,
    metavar="PROTOCOL:[HOST:]PORT[=UPHOST:UPPORT]",
    help="Listen for a protocol on this port instead of its usual one; 0 takes any free one and "
    "prints it. Repeatable.",
)
@click.option(
    "--record-mode",
    type=click.Choice(MODES),
    help="Who answers. none: FILE, then rules. new_episodes: FILE for the kinds that it knows, "
    "then the live server, then rules. once: FILE if it exists, else the live server. all: the "
    "live server, always.  [default: new_episodes with --upstream, else none]",
)
@click.option(
    "--upstream",
    metavar="HOST[:PORT]",
    help="A live server, for what is not recorded yet. Without one no packet leaves but to the "
    "clients.",
)
@click.option(
    "--ghosts",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Let the recorded players of FILE be present: they are seen, played with, and do what "
    "they did.",
)
@click.option(
    "--announce",
    multiple=True,
    metavar="HOST[:PORT][/PAGE]",
    help="Tell this list of servers about ours, again and again (Kaillera: touch_server.php unless "
    "a page is given; Jazz Jackrabbit 2: port 10054). Repeatable.  [default: nobody is told]",
)
@click.option(
    "--accounts",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help='TOML of NAME = "PASSWORD": who may come in.  [default: everybody]',
)
@click.option(
    "--rule",
    multiple=True,
    metavar="PROTOCOL.NAME=VALUE",
    help="Set an option of a protocol's rules: ea-lobby.rooms=East,West. Repeatable; a wrong name "
    "lists those that there are.",
)
@click.option(
    "--keep-state",
    is_flag=True,
    help="Keep accounts, friends and the like in the recording that is written, and begin with "
    "those that it holds.",
)
@click.option(
    "--seed",
    metavar="TEXT",
    help="What all chance begins with, so that a run can be repeated.  [default: 0; a number also "
    "takes the place of the seed in --rules]",
)
@click.option(
    "--game-name",
    metavar="NAME",
    help="The game's name at its service, where host names hold it (GameSpy: gmtest, civ4).",
)
@keys_options
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
    "--resolver",
    multiple=True,
    metavar="ADDRESS",
    help="Name server for the name of --upstream. Repeatable.",
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
    help="Where everything is recorded again; one that exists is appended to.  "
    "[default: GAME-stand-in-DATE.understudy.db]",
)
@protocol_file_option
@rules_option
@traffic_options
@client_fuzz_options
@click.option("-q", "--quiet", is_flag=True, help="Print the listeners and the summary alone.")
def command(quiet: bool, **asked: Any) -> None:
    """Serve a game whose server is gone: from a recording, by the protocol's rules, or by both.

    With a FILE each message is answered as the recorded server did, in the client's own names,
    addresses and keys, and by rules where the recording has nothing; FILE is only read, and several
    sessions in it are one pool of answers. With a GAME (see `understudy games`) the rules of its
    protocols alone are the server, for any number of clients at once.

    The game must come to this machine: point its DNS here, or enter this machine's address where
    the game lets you. From another machine or a console it needs --listen-host 0.0.0.0.

    One line per listener is printed, then `ready`; then who is where, what is said, and at once
    what could not be answered and what is nearest to it in the recording. Ctrl-C ends it.
    Everything is recorded again; `understudy stats FILE --unanswered` lists what is still missing.

    Without --upstream and --announce nothing is sent to anybody but the clients. See
    docs/stand-in.md.

    --rules changes what the stand-in says (docs/mutations.md). With --fuzz a client is under test:
    it is served again and again, each time with one message changed into something that it may not
    expect. Exit code: 0 when it always bears that, 1 when there are findings. See
    docs/testing-a-client.md.

    \b
    Example:
      understudy serve nascar-thunder-2004 --listen-host 0.0.0.0
      understudy serve evening.understudy.db -w again.understudy.db
      understudy serve evening.understudy.db --upstream 203.0.113.9
      understudy serve evening.understudy.db --fuzz --runs 200 \\
        --client "./my-game --server 127.0.0.1:{port}"
    """
    from proxy.commands._job import Job
    from proxy.live import NOBODY, Live, terminal_columns
    from proxy.printing import Printer
    from replay.commands._fuzz_client import ClientWords, fuzz_client
    from replay.commands._serve import Asked, job_options

    fuzzing, words = asked.pop("fuzz"), ClientWords.take(asked)
    words.check(fuzzing)
    if fuzzing:
        served = Asked(traffic=Traffic.take(asked), **asked)
        raise SystemExit(fuzz_client(served, words, say=_echo, warn=_warn))
    options = job_options(Asked(traffic=Traffic.take(asked), **asked))
    with Printer() as printer:
        live = None if quiet else Live(printer.say, columns=terminal_columns())
        job = Job(options, say=printer.say, warn=printer.warn, watch=live)
        tally = job.run()
        if live:
            live.rest()
    if options.settings.mutations is not None:
        tell_rules(options.settings.mutations)
    unanswered = getattr(job.recorder, "unanswered", 0)
    _echo(
        f"recorded {job.recording.path}: {_count(tally.sessions, 'session')}, "
        f"{_count(tally.flows, 'flow')}, {_count(tally.frames, 'frame')}, "
        + (f"{unanswered:,} unanswered" if unanswered else ANSWERED[tally.flows > 0])
    )
    if not tally.flows:
        _warn(NOBODY)


def _count(number: int, what: str) -> str:
    return f"{number:,} {what}{'' if number == 1 else 's'}"


def _echo(line: str) -> None:
    try:
        click.echo(line)  # flushes
    except OSError:
        return  # nobody reads it any more; the game goes on


def _warn(line: str) -> None:
    click.echo(f"understudy: {line}", err=True)
