"""What fuzz runs against a client need of the world: its process, the relay's loop, and patience.

The relay serves on its own thread; the campaign waits on another one and asks it for everything.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Mapping
from concurrent.futures import Future
from concurrent.futures import TimeoutError as StillAtWork
from dataclasses import dataclass
from typing import TypeVar

from proxy.relay.clock import now
from recordings.errors import UserError
from replay.fuzzing.audience import Audience
from replay.fuzzing.clients import Visit
from replay.fuzzing.draft import Draft
from replay.fuzzing.finding import Finding
from replay.fuzzing.serving import Served
from replay.standin.cast import Keeper
from replay.standin.rounds import Rounds
from replay.transport_client import LAST_BYTES, Process, fate
from replay.transport_fuzzing import Watchman, split

T = TypeVar("T")
QUIET = 3.0
"""Seconds without a word after which a client that nobody started has played to its end."""
AFTER = 0.2
"""Seconds that a client is given behind what it said after a changed message."""
SILENCE = 2.0
"""Seconds that it may say nothing after a changed message where the rehearsal went on."""
LOOK = 0.2
"""Seconds between two looks whether the relay still serves."""


@dataclass(frozen=True)
class Habits:
    """What the user said of the client."""

    command: str | None = None
    """The command line that starts it for each run; None: it comes by itself."""
    sitting: float = 10.0
    """Seconds that it may take in a run."""
    may_exit: Collection[int] = ()
    """Exit codes that are no finding."""
    patience: float = 10.0
    """Seconds that it may take to come again by itself."""


class Bridge:
    """Calls on the relay's thread."""

    def __init__(self, soon: Callable[[Callable[[], None]], None]) -> None:
        self._soon = soon
        self.over = threading.Event()
        """The relay serves no more."""

    def do(self, call: Callable[[], T]) -> T:
        """Have it done, and wait; KeyboardInterrupt when the relay serves no more."""
        done: Future[T] = Future()

        def work() -> None:
            try:
                done.set_result(call())
            except Exception as error:
                done.set_exception(error)

        self._soon(work)
        while True:
            try:
                return done.result(LOOK)
            except StillAtWork:
                if self.over.is_set():
                    raise KeyboardInterrupt from None

    def wait(self, news: threading.Event, seconds: float) -> None:
        """Wait for news, so many seconds at most."""
        until = now() + int(seconds * 1e6)
        while not news.wait(max(0.0, min(LOOK, (until - now()) / 1e6))):
            if self.over.is_set():
                raise KeyboardInterrupt
            if now() >= until:
                return


class Guests(Watchman):
    """See `replay.fuzzing.clients.Parlour`."""

    def __init__(
        self,
        rounds: Rounds,
        bridge: Bridge,
        store: Keeper,
        habits: Habits,
        *,
        pid: str | None = None,
        health: str | None = None,
    ) -> None:
        """Raises UserError."""
        super().__init__(pid, health)
        self._rounds = rounds
        self._bridge = bridge
        self._store = store
        self._habits = habits
        self._words = split(habits.command, "--client") if habits.command is not None else None
        self._ports: Mapping[str, int] = {}
        self._code = 0
        """Exit code of the rehearsal."""
        self._ends = True
        """Whether it ends by itself when nothing is changed."""

    def rehearse(self, ports: Mapping[str, int], first: float) -> Audience:
        """The clean visit that all runs go by; it is recorded. Raises UserError.

        `ports`: names to replace in the command line, `first`: seconds to wait for a client that
        comes by itself.
        """
        self._ports = ports
        news, audience = self._open(None, self._store)
        try:
            if self._words is None:
                self._look_on(audience, news, None, first)
            else:
                code, last = self._watched(self._words, audience, news)
                self._ends, self._code = code is not None, code or 0
                if self._code < 0:
                    raise UserError(
                        f"the client is not well before anything is changed "
                        f"({fate(self._code, last)}): see that it plays to its end with "
                        "`understudy serve` without --fuzz"
                    )
        finally:
            self._bridge.do(self._rounds.end)
        if not audience.heard:
            raise UserError(
                "the client said nothing: see that it connects to a port that is listed above"
            )
        if not audience.script().steps:
            raise UserError("the stand-in said nothing to the client: there is nothing to change")
        return audience

    def visit(self, run: Served | None, draft: Draft) -> Visit:
        """See `Parlour.visit`."""
        news, audience = self._open(run, draft)
        try:
            if self._words is None:
                self._look_on(audience, news, run, self._habits.patience)
                return Visit(audience, came=audience.heard > 0)
            code, last = self._watched(self._words, audience, news)
        finally:
            self._bridge.do(self._rounds.end)
        visit = Visit(audience, came=audience.heard > 0)
        if code is None:
            if self._ends:
                visit.hangs = f"it did not end within {self._habits.sitting:g} s"
        elif not self._ends or (code != self._code and code not in self._habits.may_exit):
            visit.fate = fate(code, last)
        return visit

    def returns(self) -> str | None:
        """See `Parlour.returns`."""
        if self._words is not None:
            return None
        news, audience = self._open(None, Draft())
        try:
            until = now() + int(self._habits.patience * 1e6)
            while not audience.heard and now() < until:
                news.clear()
                self._bridge.wait(news, min(LOOK, (until - now()) / 1e6))
        finally:
            self._bridge.do(self._rounds.end)
        return None if audience.heard else f"it did not come for {self._habits.patience:g} s"

    def write(self, finding: Finding, draft: Draft) -> None:
        """See `Parlour.write`."""
        self._bridge.do(lambda: finding.record(self._store, draft, self.now()))

    def _open(self, run: Served | None, store: Keeper) -> tuple[threading.Event, Audience]:
        news = threading.Event()
        audience = Audience(news.set)
        self._bridge.do(lambda: self._rounds.begin(run, audience, store))
        return news, audience

    def _watched(
        self, words: list[str], audience: Audience, news: threading.Event
    ) -> tuple[int | None, str]:
        """Start the client and wait; its exit code, None if it had to be ended, its last words."""
        for name, port in self._ports.items():
            words = [word.replace(f"{{{name}}}", str(port)) for word in words]
        process = Process(words, news)
        try:
            until = now() + int(self._habits.sitting * 1e6)
            while process.code is None and now() < until:
                news.clear()
                if process.code is None:
                    self._bridge.wait(news, (until - now()) / 1e6)
            self._settle(audience, news)
            return process.code, process.last if process.code is not None else ""
        finally:
            process.kill()

    def _settle(self, audience: Audience, news: threading.Event) -> None:
        """The process has ended: its connections will in a moment."""
        until = now() + int(LAST_BYTES * 1e6)
        while audience.flows and not audience.left and now() < until:
            news.clear()
            self._bridge.wait(news, 0.02)

    def _look_on(
        self, audience: Audience, news: threading.Event, run: Served | None, first: float
    ) -> None:
        """Wait until a client that comes by itself has played as far as it matters."""
        start = now()
        began = last = heard = said_at = 0
        while True:
            news.clear()
            at = now()
            if not audience.heard:
                if at - start > first * 1e6:
                    return
                self._bridge.wait(news, LOOK)
                continue
            began = began or at
            if audience.frames != heard:
                heard, last = audience.frames, at
            if run is not None and run.said and not said_at:
                said_at = at
            seen = audience.changed
            if seen is not None and (seen.ended is not None or audience.went_on(seen)):
                self._bridge.wait(threading.Event(), AFTER)
                return
            quiet = (at - last) / 1e6 > (SILENCE if said_at else QUIET)
            if quiet or audience.left or at - began > self._habits.sitting * 1e6:
                return
            self._bridge.wait(news, LOOK)
