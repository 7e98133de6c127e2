"""Fuzz runs on Dask distributed: workers play many at once, and say which are suspicious.

Runs that are played at once against one server disturb each other: when it dies of one, all that
are under way fail. So workers only sort out the runs after which all was well. The others are
played again by whoever asked, one at a time and in their order, as without a cluster: what is
found, made small and recorded is then the same. A worker changes nothing but the server, so that
its task can be done again when it dies.

Workers have the same Understudy installed, reach the server under test by the same address, and
find the recording under the same path.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from proxy import registry
from proxy.cluster import RETRIES, workers
from proxy.relay.clock import now
from recordings.choosing import one_session, open_recording
from recordings.errors import UserError
from replay.fuzzing.changes import Changes
from replay.fuzzing.draft import Draft
from replay.fuzzing.obeying import Fuzzed
from replay.fuzzing.planning import Plan, Planner
from replay.fuzzing.servers import OURS, ServerCampaign
from replay.playback.loading import load
from replay.playback.player import Player
from replay.playback.scribe import Scribe
from replay.playback.script import read_script
from replay.playback.steps import Script
from replay.playback.wishes import Manner, Setting, changing
from replay.transport_fuzzing import LiveHouse

LARGEST = 25
"""Runs of one task."""
ROUNDS = 4
"""Tasks for each thread of the workers, so that all end at about the same time."""


@dataclass(slots=True)
class Sorted:
    """What became of some runs."""

    well: int = 0
    """Runs after which all was well."""
    suspects: list[int] = field(default_factory=list)
    gone: bool = False
    """The server did not come back."""


@dataclass(frozen=True, slots=True)
class Source:
    """Where a script is from, for who has to read it again."""

    file: Path
    session: int
    masks: tuple[str, ...] = ()
    settings: tuple[Setting, ...] = ()
    protocol_files: tuple[Path, ...] = ()


@dataclass(frozen=True, slots=True)
class Job:
    """What a worker must know: it puts everything together for itself."""

    address: str
    """Of the scheduler."""
    source: Source
    manner: Manner
    may_drop: bool = False
    patience: float = 10.0
    pid: str | None = None
    health: str | None = None

    def check(self) -> None:
        """Raises UserError for what cannot be watched from several machines."""
        if self.pid is not None and self.pid.isdigit():
            raise UserError(
                "with --cluster, --watch-pid takes a file that holds the number: a server that is "
                "started again has another one"
            )

    def screening(self) -> _Screening:
        """Everything put together, on a worker."""
        source, manner = self.source, self.manner
        for path in source.protocol_files:
            registry.add_file(path)
        with open_recording(source.file) as reader:
            row = one_session(reader, source.session)
            loaded = load(reader, row.id, manner.keys, manner.secrets)
        script = read_script(loaded, row, source.masks, cues=True)
        wish = changing(source.settings, 1)
        return _Screening(
            script,
            manner.seed,
            _Playhouse(manner, wish=wish, pid=self.pid, health=self.health),
            Draft(),
            may_drop=self.may_drop,
            patience=self.patience,
            wish=wish,
        )


class _Playhouse(LiveHouse):
    """Remembers whether the server hung up on what was changed."""

    hung_up = False

    def play(self, script: Script, scribe: Scribe, run: Fuzzed | None) -> Player:
        """See `LiveHouse.play`."""
        player = super().play(script, scribe, run)
        if run is not None:
            ends = (flow.ended for flow in player.flows.values())
            self.hung_up = any(end is not None and end not in OURS for end in ends)
        return player


@dataclass(slots=True)
class _Screening(ServerCampaign):
    """Runs beside those of others, of which the server may die at any moment."""

    house: _Playhouse

    def _drops_anyway(self, plan: Plan, changes: Changes) -> bool:
        """Nobody can know it here."""
        return False

    def sort(self, numbers: Sequence[int], goes_on: Callable[[], bool]) -> Sorted:
        """Play runs; ends early when the server is gone."""
        out, planner = Sorted(), Planner(self.script, self.seed)
        for number in numbers:
            if not goes_on():
                break
            plan = planner.plan(number)
            well, lives = self._try(plan)
            if lives and (not well or self.house.hung_up):  # perhaps it died of another's run
                well, lives = self._try(plan)
            if well:
                out.well += 1
                continue
            out.suspects.append(number)
            if not lives:
                out.gone = True
                break
        return out

    def _try(self, plan: Plan) -> tuple[bool, bool]:
        """Whether a run went well, but for the server's hanging up, and whether it is there."""
        missed = len(self.unreached)
        symptom = self.attempt(plan, plan.changes, None)
        if symptom is not None and symptom.sign.dead:
            return False, self._back(plan)
        return symptom is None and len(self.unreached) == missed, True


def play_part(job: Job, numbers: Sequence[int], seconds: float) -> Sorted:
    """The task: play some runs, as long as there is time. Runs on a worker."""
    until = now() + int(seconds * 1e6)
    return job.screening().sort(numbers, lambda: now() < until)


def sort_out(
    job: Job, numbers: Sequence[int], seconds: float, told: Callable[[int], None]
) -> Sorted:
    """Which of these runs are suspicious; `told` hears how many more were well.

    Raises UserError, also when the server is gone for good.
    """
    until = now() + int(seconds * 1e6)
    total = Sorted()
    with workers(job.address) as client:
        each = -(-len(numbers) // (ROUNDS * max(1, sum(client.nthreads().values()))))
        each = max(1, min(LARGEST, each))
        tasks = [
            client.submit(play_part, job, numbers[at : at + each], seconds, **_ONCE)
            for at in range(0, len(numbers), each)
        ]
        for task in tasks:
            try:
                part: Sorted = task.result(timeout=max(0.0, (until - now()) / 1e6))
            except TimeoutError:
                break  # what is done later counts no more
            total.well += part.well
            told(part.well)
            total.suspects += part.suspects
            if part.gone:
                raise UserError(_gone(job, part.suspects))
        client.cancel(tasks)
    return total


_ONCE = {"retries": RETRIES, "pure": False}


def _gone(job: Job, suspects: Sequence[int]) -> str:
    return (
        f"the server did not come back within {job.patience:g} s of run {suspects[-1]} and those "
        "that were played beside it: let something start it again when it dies, or leave out "
        "--cluster"
    )
