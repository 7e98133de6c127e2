"""Run after run: play to a message, change it, watch the program under test, make findings small.

Sans-io: a `House` watches and waits. A run that finds nothing leaves nothing in the recording.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Protocol

from proxy.flow import Store
from replay.fuzzing.changes import Changes, place_of
from replay.fuzzing.draft import Draft
from replay.fuzzing.finding import Finding
from replay.fuzzing.minimising import fewest
from replay.fuzzing.planning import Plan, Planner
from replay.fuzzing.signs import Symptom
from replay.playback.steps import Script

AGAIN = 0.1
"""Seconds between two looks whether a program is back."""


class House(Protocol):
    """Who looks after the program under test."""

    def process(self) -> str | None:
        """Why its process is gone; None: it is there, or nobody watches it."""
        ...

    def health(self) -> str | None:
        """Why the health command says no; None: it does not."""
        ...

    def now(self) -> int:
        """Unix microseconds."""
        ...

    def wait(self, seconds: float) -> None:
        """Let time pass."""
        ...


@dataclass(slots=True)
class Campaign:
    """All runs of one seed against one program. See `servers` and `clients`."""

    script: Script
    seed: int | str
    house: House
    store: Store
    may_drop: bool = False
    """One that hangs up is no finding."""
    patience: float = 10.0
    """Seconds that a dead program has to come back."""
    findings: list[Finding] = field(default_factory=list)
    runs: int = 0
    unreached: list[str] = field(default_factory=list)
    """Why runs did not come to their message."""

    @property
    def noun(self) -> str:
        """What is under test."""
        raise NotImplementedError

    def begin(self) -> None:
        """Is it well before anything is changed? Raises UserError."""
        raise NotImplementedError

    def attempt(self, plan: Plan, changes: Changes, draft: Draft | None) -> Symptom | None:
        """Play with these changes; what was wrong then. `unreached` grows if it came to nothing."""
        raise NotImplementedError

    def symptom(self, plan: Plan) -> Symptom | None:
        """What is wrong with what is under test, as a clean visit shows."""
        raise NotImplementedError

    def go(
        self, numbers: Iterable[int], goes_on: Callable[[], bool], told: Callable[[], None]
    ) -> None:
        """Runs, in their order; ends early when it is gone for good."""
        planner = Planner(self.script, self.seed)
        for number in numbers:
            if not goes_on():
                return
            finding = self.run(planner.plan(number), goes_on)
            self.runs += 1
            told()
            if finding is not None and not finding.lives:
                return

    def run(self, plan: Plan, goes_on: Callable[[], bool] = lambda: True) -> Finding | None:
        """One run, recorded if something was found."""
        draft = Draft()
        missed = len(self.unreached)
        symptom = self.attempt(plan, plan.changes, draft)
        if symptom is None:
            return None
        finding = Finding(plan, symptom, plan.changes, self._like(plan, symptom))
        if len(self.unreached) > missed:
            finding.reached, finding.fewest, finding.like = False, (), None
        self.findings.append(finding)
        finding.lives = not symptom.sign.dead or self._back(plan)
        if finding.reached and finding.like is None:
            self._minimise(finding, goes_on)
        self.record(finding, draft)
        return finding

    def record(self, finding: Finding, draft: Draft) -> None:
        """Write down the session in which something was found, and what."""
        finding.record(self.store, draft, self.house.now())

    def _back(self, plan: Plan) -> bool:
        """Whether a program that was dead is there again, by whoever starts it."""
        until = self.house.now() + int(self.patience * 1e6)
        while True:
            symptom = self.symptom(plan)
            if symptom is None or not symptom.sign.dead:
                return True
            if self.house.now() >= until:
                return False
            self.house.wait(AGAIN)

    # -- making it small ---------------------------------------------------------------------------

    def _like(self, plan: Plan, symptom: Symptom) -> int | None:
        """An earlier finding that the same defect may have made."""
        mine = {place_of(one) for one in plan.changes}
        for other in self.findings:
            theirs = {place_of(one) for one in other.fewest}
            same = other.plan.line.kind == plan.line.kind and theirs <= mine
            if same and theirs and other.like is None and other.symptom.sign.like(symptom.sign):
                return other.plan.run
        return None

    def _minimise(self, finding: Finding, goes_on: Callable[[], bool]) -> None:
        steps = fewest(finding.plan.changes)
        try:
            attempt = next(steps)
            while finding.lives and goes_on():
                finding.tries += 1
                symptom = self.attempt(finding.plan, attempt, None)
                if symptom is not None and symptom.sign.dead:
                    finding.lives = self._back(finding.plan)
                again = symptom is not None and symptom.sign.like(finding.symptom.sign)
                attempt = steps.send(again)
        except StopIteration as stop:
            finding.fewest = stop.value
