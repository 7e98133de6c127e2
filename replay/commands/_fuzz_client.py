"""From the options of `understudy serve --fuzz` to a campaign against a client."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial

from proxy.commands._job import Job, JobOptions
from proxy.relay.engine import Engine
from recordings.errors import UserError
from replay.commands._fuzz import FuzzWords, go, tell
from replay.commands._serve import Asked, job_options
from replay.fuzzing.clients import ClientCampaign
from replay.standin.cast import Cast, Show
from replay.standin.rounds import Rounds
from replay.transport_fuzzing import Watchman, split
from replay.transport_serving import Bridge, Guests, Habits

Echo = Callable[[str], None]


@dataclass(frozen=True)
class ClientWords(FuzzWords):
    """What the user wrote of a fuzz run against a client."""

    client: str | None = None
    sitting: float = 10.0
    may_exit: Sequence[int] = ()
    as_json: bool = False

    @property
    def habits(self) -> Habits:
        """What is said of the client."""
        return Habits(self.client, self.sitting, frozenset(self.may_exit), self.wait_back)


def fuzz_client(asked: Asked, words: ClientWords, *, say: Echo, warn: Echo) -> int:
    """Serve, and do all runs; the exit code. Raises UserError."""
    _check(asked)
    Watchman(words.watch_pid, words.health)  # says what is wrong with them, before anything is made
    if words.client is not None:
        split(words.client, "--client")
    options = _in_rounds(job_options(asked))
    quiet: Echo = (lambda line: None) if words.as_json else say
    works = _Works(asked, words, warn)

    def heard(line: str) -> None:
        if line == "ready":
            works.start()
        else:
            quiet(line)

    job = Job(options, say=heard, warn=warn)
    works.use(job)
    try:
        job.run()
    finally:
        works.finish()
    return works.told(options)


def _check(asked: Asked) -> None:
    """Refuse what a fuzz run cannot do; raises UserError."""
    not_with = {
        "--rules": asked.rules is not None,
        "--upstream": asked.upstream is not None,
        "--keep-state": asked.keep_state,
        "--fault and --faults": bool(asked.traffic.fault or asked.traffic.faults),
        "--rotate": asked.traffic.rotate is not None,
        "--announce": bool(asked.announce),
    }
    for names, given in not_with.items():
        if given:
            raise UserError(f"--fuzz goes its own way: leave out {names}")


def _in_rounds(options: JobOptions) -> JobOptions:
    """The same stand-in, which begins anew for each run."""
    made = options.recorder
    assert isinstance(made, partial)
    assert made.func is Cast
    show: Show = made.args[0]
    return replace(options, recorder=partial(Rounds, show))


class _Works:
    """The campaign beside the relay, on a thread of its own."""

    def __init__(self, asked: Asked, words: ClientWords, warn: Echo) -> None:
        self._words = words
        self._warn = warn
        self._seed: int | str = asked.seed or 0
        if isinstance(self._seed, str) and self._seed.isdecimal():
            self._seed = int(self._seed)
        self._numbers = range(1, words.runs + 1)
        if words.only:
            self._numbers = range(words.only, words.only + 1)
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._campaign: ClientCampaign | None = None
        self._stopped = ""
        self._error: BaseException | None = None

    def use(self, job: Job) -> None:
        """The job that serves; raises UserError."""
        words = self._words
        self._engine: Engine = job.engine
        self._bridge = Bridge(job.engine.soon)
        assert isinstance(job.recorder, Rounds)
        self._store = job.recording
        self._guests = Guests(
            job.recorder,
            self._bridge,
            job.recording,
            words.habits,
            pid=words.watch_pid,
            health=words.health,
        )

    def start(self) -> None:
        """The relay serves."""
        self._ports: dict[str, int] = {}
        for listen, address in self._engine.listeners():
            self._ports.setdefault("port", address[1])
            self._ports.setdefault(listen.protocol, address[1])
        self._thread.start()

    def finish(self) -> None:
        """The relay serves no more."""
        self._bridge.over.set()
        if self._thread.ident is not None:
            self._thread.join()

    def _run(self) -> None:
        try:
            self._work()
        except BaseException as error:  # told by the thread that waits for this one
            self._error = error
        finally:
            self._engine.stop()

    def _work(self) -> None:
        words = self._words
        if words.client is None:
            self._warn("ready: start the client, or let it come; it is told nothing unusual yet")
        rehearsal = self._guests.rehearse(self._ports, words.time_limit)
        self._campaign = ClientCampaign(
            rehearsal.script(),
            self._seed,
            self._guests,
            self._store,
            may_drop=words.may_drop,
            patience=words.wait_back,
            rehearsal=rehearsal,
        )
        self._stopped = go(self._campaign, self._numbers, words)

    def told(self, options: JobOptions) -> int:
        """Print what was found; the exit code. Raises what ended the campaign."""
        if self._error is not None and not isinstance(self._error, KeyboardInterrupt):
            raise self._error
        campaign = self._campaign
        if campaign is None:
            raise UserError("interrupted before the first run")
        tell(campaign, len(self._numbers), options.path, self._words.as_json)
        if self._stopped and not self._words.as_json:
            self._warn(self._stopped)
        return int(bool(campaign.findings) or campaign.runs == 0)
