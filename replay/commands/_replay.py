"""From the options of `understudy replay` to players, and what is printed about them."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import click
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from proxy import registry
from proxy.commands._changes import tell_rules
from proxy.commands._keys import read_keys
from proxy.live import clean
from proxy.mutation.engine import Mutations
from proxy.mutation.rulefile import read_rules
from proxy.relay.clock import now
from recordings.choosing import one_session, open_recording
from recordings.errors import UserError
from recordings.model import Origin
from recordings.writer import Recording
from replay.cluster_fuzzing import Source
from replay.commands._diff import show
from replay.commands._fuzz import DEADLINE, GRACE, FuzzWords, fuzz
from replay.diff.opening import Which, compare_files
from replay.playback.loading import load
from replay.playback.player import Player
from replay.playback.scribe import Scribe
from replay.playback.script import read_script
from replay.playback.steps import Script
from replay.playback.verdict import Verdict
from replay.playback.wishes import (
    ORIGINAL,
    Manner,
    Setting,
    changing,
    read_places,
    read_setting,
)
from replay.transport_playback import play_all

SHOWN = 10
"""Clients whose verdicts are printed one by one."""


@dataclass(frozen=True)
class Asked:
    """What the user wrote, as click hands it over."""

    to: str | None = None
    maps: Sequence[str] = ()
    timing: str = "turns"
    speed: float | None = None
    adapt: bool = True
    settings: Sequence[str] = ()
    masks: Sequence[str] = ()
    clients: int = 1
    loops: int = 1
    deadline: float | None = None
    grace: float | None = None
    go_on: bool = False
    write: Path | None = None
    key: Sequence[str] = ()
    game_key: Sequence[str] = ()
    keys_file: Path | None = None
    protocol_file: Sequence[Path] = ()
    seed: int | None = None
    rules: Path | None = None
    as_json: bool = False
    diff: bool = False
    junit: Path | None = None
    html: Path | None = None
    fuzz: bool = False
    fuzzing: FuzzWords = field(default_factory=FuzzWords)


def run(file: Path, session: int | None, **words: object) -> int:
    """Everything that the command does; the exit code. Raises UserError."""
    asked = Asked(fuzzing=FuzzWords.take(words), **words)  # type: ignore[arg-type]
    asked.fuzzing.check(asked.fuzz)
    if asked.fuzz:
        _check_fuzz(asked)
    differs = asked.diff or asked.junit is not None or asked.html is not None
    if differs and asked.clients * asked.loops > 1:
        raise UserError("--diff compares one session: leave out --clients and --loop")
    for path in asked.protocol_file:
        registry.add_file(path)
    manner = _manner(asked)
    with open_recording(file) as reader:
        row = one_session(reader, session)
        loaded = load(reader, row.id, manner.keys, manner.secrets)
    script = read_script(loaded, row, asked.masks, cues=asked.adapt)
    settings = [read_setting(text, script) for text in asked.settings]
    for notice in script.notices:
        click.echo(f"* {notice}", err=True)
    mutations = _mutations(asked)
    path = asked.write or _default_path(script)
    if asked.fuzz:
        wish = changing(settings, 1)
        files = tuple(path.absolute() for path in asked.protocol_file)
        source = Source(file.absolute(), row.id, tuple(asked.masks), tuple(settings), files)
        seed, as_json = asked.seed or 0, asked.as_json
        return fuzz(script, manner, wish, path, seed, asked.fuzzing, as_json, source)
    with Recording.open(path) as store:
        players = _play(script, manner, settings, mutations, asked, store)
    if mutations is not None:
        tell_rules(mutations)
    failed = _tell(players, path, asked, "" if differs else f"{file}:{script.session.id}")
    if not differs or not players:
        return failed
    if players[0].verdict.silent:
        return 2  # as of diff(1): trouble, which was said above
    again = Which(path, players[0].verdict.session)
    report = compare_files(Which(file, script.session.id), again, asked.masks)
    show(report, as_json=asked.as_json, junit=asked.junit, html=asked.html)
    return max(failed, report.exit_code)


def _check_fuzz(asked: Asked) -> None:
    """Refuse what a fuzz run cannot do; raises UserError."""
    not_with = {
        "--verbatim": not asked.adapt,
        "--rules": asked.rules is not None,
        "--clients and --loop": asked.clients * asked.loops > 1,
        "--timing and --speed": asked.timing != "turns" or asked.speed is not None,
        "--go-on": asked.go_on,
        "--diff": asked.diff or asked.junit is not None or asked.html is not None,
    }
    for names, given in not_with.items():
        if given:
            raise UserError(f"--fuzz goes its own way: leave out {names}")


def _manner(asked: Asked) -> Manner:
    keys, secrets = read_keys(asked.keys_file, asked.key, asked.game_key)
    patience = DEADLINE if asked.fuzz else 10.0
    moment = GRACE if asked.fuzz else 1.0
    return Manner(
        places=read_places(asked.to, asked.maps),
        timing=ORIGINAL if asked.speed is not None else asked.timing,
        speed=asked.speed or 1.0,
        verbatim=not asked.adapt,
        deadline=int((patience if asked.deadline is None else asked.deadline) * 1e6),
        grace=int((moment if asked.grace is None else asked.grace) * 1e6),
        keys=tuple(keys),
        secrets=secrets,
        seed=asked.seed or 0,
        go_on=asked.go_on,
    )


def _default_path(script: Script) -> Path:
    name = script.session.game or script.roles[0].row.protocol
    return Path(f"{name}-playback-{datetime.now(UTC):%Y-%m-%d}.understudy.db")


def _mutations(asked: Asked) -> Mutations | None:
    if asked.rules is None:
        return None
    if not asked.adapt:
        raise UserError("--rules change messages and --verbatim sends bytes: leave one of them out")
    return Mutations(read_rules(asked.rules, seed=asked.seed))


def _play(
    script: Script,
    manner: Manner,
    settings: list[Setting],
    mutations: Mutations | None,
    asked: Asked,
    store: Recording,
) -> list[Player]:
    source = f"playback of session {script.session.id} ({script.session.uid})"

    def make(client: int, loop: int) -> Player:
        number = client + (loop - 1) * asked.clients
        note = source if asked.clients * asked.loops == 1 else f"{source}, client {number}"
        scribe = Scribe(
            store,
            game=script.session.game,
            client=script.session.client,
            origin=Origin.PLAYBACK,
            note=note,
        )
        change = changing(settings, number)
        return Player(
            script, manner, scribe, now, change=change, mutations=mutations, number=number
        )

    with _Bar(script.says * asked.clients * asked.loops) as bar:
        try:
            return asyncio.run(
                play_all(
                    make, clients=asked.clients, loops=asked.loops, store=store, watch=bar.watch
                )
            )
        except KeyboardInterrupt:
            bar.stop()
            for player in bar.players:
                player.interrupt()
            return bar.players


class _Bar:
    """The progress bar: on stderr, and only on a terminal."""

    def __init__(self, total: int) -> None:
        console = Console(stderr=True)
        self.players: list[Player] = []
        self._progress = Progress(
            TextColumn("playing"),
            BarColumn(),
            TextColumn("{task.completed:,} of {task.total:,} frames"),
            TimeElapsedColumn(),
            console=console,
            disable=not console.is_terminal,
            transient=True,
            get_time=lambda: now() / 1e6,
        )
        self._task = self._progress.add_task("", total=total)

    def watch(self, player: Player) -> None:
        """Count one more player."""
        self.players.append(player)
        if not self._progress.disable:
            player.told = self._tell

    def _tell(self, said: int) -> None:
        self._progress.update(self._task, advance=said)

    def stop(self) -> None:
        """Show it no more."""
        self._progress.stop()

    def __enter__(self) -> _Bar:
        if not self._progress.disable:
            self._progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._progress.stop()


def _tell(players: list[Player], path: Path, asked: Asked, original: str) -> int:
    """How it went; `original` is what it can be compared with."""
    verdicts = [player.verdict for player in players]
    failed = sum(not one.passed for one in verdicts)
    if asked.as_json:
        for one in verdicts:
            click.echo(json.dumps(one.to_json()))
        return int(failed > 0 or not verdicts)
    if len(verdicts) == 1:
        for line in verdicts[0].details():
            click.echo(clean(line))
    else:
        _tell_many(verdicts)
    if asked.timing == ORIGINAL or asked.speed is not None:
        _tell_lateness(verdicts)
    click.echo(f"recorded {path}: session {', '.join(str(v.session) for v in verdicts[:SHOWN])}")
    first = verdicts[0] if verdicts else None
    if original and first and first.said and (not first.passed or first.different):
        click.echo(f"compare: understudy diff {original} {path}:{first.session}")
    if len(verdicts) == 1:
        click.echo(f"{clean(verdicts[0].sentence())} ({verdicts[0].seconds:.2f} s)")
    else:
        said = sum(one.said for one in verdicts)
        click.echo(
            f"{len(verdicts) - failed:,} of {len(verdicts):,} sessions were played to their end; "
            f"{said:,} frames said"
        )
    return int(failed > 0 or not verdicts)


def _tell_many(verdicts: list[Verdict]) -> None:
    for number, one in enumerate(verdicts[:SHOWN], 1):
        click.echo(f"client {number}: {clean(one.sentence())} ({one.seconds:.2f} s)")
    if len(verdicts) > SHOWN:
        click.echo(f"... {len(verdicts) - SHOWN:,} more")
    reasons = [one.sentence() for one in verdicts[SHOWN:] if not one.passed]
    for reason in list(dict.fromkeys(reasons))[:SHOWN]:
        click.echo(f"also: {clean(reason)}")


def _tell_lateness(verdicts: list[Verdict]) -> None:
    late = sorted(micros for one in verdicts for micros in one.late)
    if late:
        high = late[min(len(late) - 1, int(len(late) * 0.99))]
        click.echo(f"timing: median {late[len(late) // 2] / 1e3:.2f} ms late, p99 {high / 1e3:.2f}")
