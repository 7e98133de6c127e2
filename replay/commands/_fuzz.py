"""From the options of `understudy replay --fuzz` to a campaign, and what is printed about it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Self

import click
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from proxy.live import clean
from proxy.relay.clock import now
from recordings.errors import UserError
from recordings.text import crop
from recordings.writer import Recording
from replay.cluster_fuzzing import Job, Source, sort_out
from replay.fuzzing.campaign import Campaign
from replay.fuzzing.changes import shown
from replay.fuzzing.finding import EARLIER, Finding
from replay.fuzzing.obeying import Wish
from replay.fuzzing.servers import ServerCampaign
from replay.playback.steps import Script
from replay.playback.wishes import Manner
from replay.transport_fuzzing import LiveHouse

DEADLINE, GRACE = 2.0, 0.2
"""Seconds; shorter than in playback, since a run that finds nothing waits for the whole grace."""
NAMES = {"only": "--run", "as_json": "--json"}
"""Options that are not called as their value."""
WIDTH = 90
"""Characters of the changes in the table."""


@dataclass(frozen=True)
class FuzzWords:
    """What the user wrote of a fuzz run."""

    runs: int = 100
    only: int | None = None
    watch_pid: str | None = None
    health: str | None = None
    time_limit: float = 600.0
    wait_back: float = 10.0
    may_drop: bool = False
    cluster: str | None = None

    @classmethod
    def take(cls, words: dict[str, object]) -> Self:
        """Take these out of all options."""
        mine = {one.name: words.pop(one.name) for one in fields(cls) if one.name in words}
        return cls(**mine)  # type: ignore[arg-type]

    def check(self, fuzzing: bool) -> None:
        """Refuse what means nothing without --fuzz; raises UserError."""
        given = [one.name for one in fields(self) if getattr(self, one.name) != one.default]
        if given and not fuzzing:
            names = ", ".join(NAMES.get(one, f"--{one.replace('_', '-')}") for one in given)
            raise UserError(f"{names} {'go' if len(given) > 1 else 'goes'} with --fuzz: add it")


def fuzz(
    script: Script,
    manner: Manner,
    wish: Wish | None,
    path: Path,
    seed: int,
    asked: FuzzWords,
    as_json: bool,
    source: Source,
) -> int:
    """Do all runs; the exit code. Raises UserError."""
    if not script.says:
        raise UserError("the client says nothing in this session: there is nothing to change")
    job = _job(source, manner, asked)
    house = LiveHouse(manner, wish=wish, pid=asked.watch_pid, health=asked.health)
    numbers = range(asked.only, asked.only + 1) if asked.only else range(1, asked.runs + 1)
    with Recording.open(path) as store:
        campaign = ServerCampaign(
            script,
            seed,
            house,
            store,
            may_drop=asked.may_drop,
            patience=asked.wait_back,
            wish=wish,
        )
        stopped = go(campaign, numbers, asked, job)
    tell(campaign, len(numbers), path, as_json)
    if stopped and not as_json:
        click.echo(f"* {stopped}", err=True)
    return int(bool(campaign.findings) or campaign.runs == 0)


def _job(source: Source, manner: Manner, asked: FuzzWords) -> Job | None:
    """What is done on a cluster; None: nothing."""
    if asked.cluster is None:
        return None
    job = Job(
        asked.cluster,
        source,
        manner,
        may_drop=asked.may_drop,
        patience=asked.wait_back,
        pid=asked.watch_pid,
        health=asked.health,
    )
    job.check()
    return job


def go(campaign: Campaign, numbers: range, asked: FuzzWords, job: Job | None = None) -> str:
    """Run after run; why not all were made."""
    console = Console(stderr=True)
    bar = Progress(
        TextColumn("fuzzing"),
        BarColumn(),
        TextColumn("{task.completed:,} of {task.total:,} runs, found {task.fields[found]:,}"),
        TimeElapsedColumn(),
        console=console,
        disable=not console.is_terminal,
        transient=True,
        get_time=lambda: now() / 1e6,
    )
    task = bar.add_task("", total=len(numbers), found=0)
    until = now() + int(asked.time_limit * 1e6)

    def told() -> None:
        bar.update(task, advance=1, found=len(campaign.findings))

    def were_well(count: int) -> None:
        campaign.runs += count
        bar.update(task, advance=count)

    if not bar.disable:
        bar.start()
    try:
        campaign.begin()
        suspects: Sequence[int] = numbers
        if job is not None:
            suspects = sort_out(job, numbers, asked.time_limit, were_well).suspects
        campaign.go(suspects, lambda: now() < until, told)
    except KeyboardInterrupt:
        return f"interrupted after {campaign.runs:,} runs"
    finally:
        bar.stop()
    last = campaign.findings[-1] if campaign.findings else None
    if last is not None and not last.lives and campaign.runs < len(numbers):
        return (
            f"the {campaign.noun} did not come back within {asked.wait_back:g} s of run "
            f"{last.plan.run}: let something start it again when it dies, such as a loop in a shell"
        )
    if campaign.runs < len(numbers):
        return f"--time-limit {asked.time_limit:g} s was over after {campaign.runs:,} runs"
    alone = len(suspects) - len(campaign.findings) if job is not None else 0
    return f"{alone:,} runs were suspicious beside others only: they were well alone" * (alone > 0)


def tell(campaign: Campaign, asked: int, path: Path, as_json: bool) -> None:
    findings = campaign.findings
    if as_json:
        for one in findings:
            click.echo(json.dumps(one.to_json()))
        return
    for line in _table(findings, campaign.noun):
        click.echo(clean(line))
    if campaign.unreached:
        reason = clean(campaign.unreached[0])
        click.echo(f"* {len(campaign.unreached):,} runs did not come to their message: {reason}")
    if findings:
        click.echo(f"recorded {path}: session {', '.join(str(f.session) for f in findings[:10])}")
        again = findings[0].plan
        click.echo(f"repeat one: --fuzz --seed {again.seed} --run {again.run}")
    count = f"{len(findings):,} finding{'' if len(findings) == 1 else 's'}"
    click.echo(f"{campaign.runs:,} of {asked:,} runs of seed {campaign.seed}: {count}")


def _table(findings: list[Finding], noun: str) -> list[str]:
    """Columns: run, message, what was seen, the fewest changes that do it."""
    if not findings:
        return []
    rows = [("run", "frame", "message", f"the {noun}", "enough to do it")]
    for one in findings:
        line = one.plan.line
        what = crop(shown(one.fewest), WIDTH)
        if one.like is not None:
            what = f"like run {one.like}"
        elif not one.reached:
            what = f"nothing: {EARLIER}"
        seen = one.symptom.sign.value
        rows.append((str(one.plan.run), str(line.frame.id), line.kind, seen, what))
    widths = [max(len(row[at]) for row in rows) for at in range(len(rows[0]) - 1)]
    return [
        "  ".join([*(f"{row[at]:{widths[at]}}" for at in range(len(widths))), row[-1]])
        for row in rows
    ]
