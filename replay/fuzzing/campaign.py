"""Run after run: play to a message, change it, watch the server, make findings small.

Sans-io: `House` plays, watches and waits. A run that finds nothing leaves nothing in the recording.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

from proxy.flow import Store
from recordings.errors import UserError
from recordings.model import Json, Origin
from replay.fuzzing.changes import Changes, place_of, shown
from replay.fuzzing.cutting import last_said, probe, until
from replay.fuzzing.draft import Draft
from replay.fuzzing.minimising import fewest
from replay.fuzzing.obeying import Fuzzed, Wish
from replay.fuzzing.planning import Plan, Planner
from replay.fuzzing.signs import Sign, Symptom
from replay.playback.player import Player
from replay.playback.scribe import Scribe
from replay.playback.steps import Role, Script

EVENT = "finding"
"""The kind of the event that notes a finding."""
AGAIN = 0.1
"""Seconds between two looks whether a server is back."""
EARLIER = "an earlier run may have done it"
OURS = ("played to the end", "broken off")
"""Why a flow ends that the server did not end."""


class House(Protocol):
    """Who plays a script, and looks after the server."""

    def play(self, script: Script, scribe: Scribe, run: Fuzzed | None) -> Player:
        """Play a script to its end, in bounded time."""
        ...

    def process(self) -> str | None:
        """Why the server's process is gone; None: it is there, or nobody watches it."""
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
class Finding:
    """One run after which the server was not well."""

    plan: Plan
    symptom: Symptom
    fewest: Changes
    like: int | None = None
    """An earlier run with a finding at the same place; it was not made smaller then."""
    tries: int = 0
    """How often it was run again."""
    lives: bool = True
    """The server came back."""
    reached: bool = True
    """The message was said; else an earlier run may have done it."""
    session: int = 0
    """Of the recording."""

    @property
    def sentence(self) -> str:
        """What is in the event."""
        plan, line = self.plan, self.plan.line
        text = f"fuzz run {plan.run} of seed {plan.seed}: {self.symptom}"
        if not self.reached:
            return f"{text}; before anything was changed: {EARLIER}"
        text += f"; changed {plan.what}"
        if self.fewest != plan.changes:
            text += f"; enough is {line.kind}: {shown(self.fewest)}"
        return f"{text}; like run {self.like}" if self.like else text

    def to_json(self) -> dict[str, Json]:
        """The same for a program."""
        return {
            "run": self.plan.run,
            "seed": self.plan.seed,
            "sign": self.symptom.sign.value,
            "detail": self.symptom.detail,
            "kind": self.plan.line.kind,
            "frame": self.plan.line.frame.id,
            "changes": [str(one) for one in self.plan.changes],
            "fewest": [str(one) for one in self.fewest],
            "like": self.like,
            "reached": self.reached,
            "session": self.session,
        }


@dataclass(slots=True)
class Campaign:
    """All runs of one seed against one server."""

    script: Script
    seed: int
    house: House
    store: Store
    wish: Wish | None = None
    may_drop: bool = False
    """A server that hangs up is no finding."""
    patience: float = 10.0
    """Seconds that a dead server has to come back."""
    findings: list[Finding] = field(default_factory=list)
    runs: int = 0
    unreached: list[str] = field(default_factory=list)
    """Why runs did not come to their message."""
    _hangs_up: dict[int, bool] = field(default_factory=dict)

    def begin(self) -> None:
        """Is it well before anything is changed? Raises UserError."""
        first = self.script.steps[0].flow
        symptom = self._symptom(first) or self._symptom(first)  # it must bear being played again
        if symptom is not None:
            raise UserError(
                f"the server is not well before anything is changed ({symptom}): see that "
                "`understudy replay` without --fuzz plays the session to its end"
            )

    def go(self, numbers: range, goes_on: Callable[[], bool], told: Callable[[], None]) -> None:
        """Runs, in their order; ends early when the server is gone for good."""
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
        symptom = self._try(plan, plan.changes, draft)
        if symptom is None:
            return None
        finding = Finding(plan, symptom, plan.changes, self._like(plan, symptom))
        if len(self.unreached) > missed:
            finding.reached, finding.fewest, finding.like = False, (), None
        self.findings.append(finding)
        finding.lives = not symptom.sign.dead or self._back(plan.say.flow)
        if finding.reached and finding.like is None:
            self._minimise(finding, goes_on)
        finding.session = draft.write(self.store)
        note = finding.sentence
        at = self.house.now()
        where = {"session_id": finding.session, "frame_id": draft.changed}
        self.store.add_event(EVENT, note, at=at, **where)
        return finding

    # -- one run -----------------------------------------------------------------------------------

    def _try(self, plan: Plan, changes: Changes, draft: Draft | None) -> Symptom | None:
        """Play with these changes; what was wrong with the server then."""
        run = Fuzzed(plan, changes, self.wish)
        note = f"fuzz run {plan.run} of seed {plan.seed}, playback of session"
        scribe = self._scribe(f"{note} {self.script.session.id}", draft)
        player = self.house.play(until(self.script, plan.say, changes), scribe, run)
        if not run.said:
            self.unreached.append(f"run {plan.run}: {player.verdict.sentence()}")
        counts = run.said and run.intact and not self.may_drop
        dropped = self._dropped(player, plan) if counts else None
        if dropped is not None and self._drops_anyway(plan, changes):
            dropped = None
        symptom = self._symptom(plan.say.flow)
        return symptom or dropped

    def _scribe(self, note: str, draft: Draft | None) -> Scribe:
        session = self.script.session
        return Scribe(
            draft, game=session.game, client=session.client, origin=Origin.PLAYBACK, note=note
        )

    @staticmethod
    def _dropped(player: Player, plan: Plan) -> Symptom | None:
        flow = player.flows[plan.say.flow.row.id]
        if flow.ended is None or flow.ended in OURS:
            return None
        return Symptom(Sign.DROPPED, flow.ended)

    def _drops_anyway(self, plan: Plan, changes: Changes) -> bool:
        """Whether it hangs up there when nothing is changed, as many servers do when they part."""
        last = last_said(self.script, plan.say, changes)
        place = last.index
        if place not in self._hangs_up:
            run = Fuzzed(plan, ())
            script = until(self.script, last, ())
            player = self.house.play(script, self._scribe("", None), run)
            self._hangs_up[place] = run.said and self._dropped(player, plan) is not None
        return self._hangs_up[place]

    def _symptom(self, role: Role) -> Symptom | None:
        gone = self.house.process()
        if gone is not None:
            return Symptom(Sign.GONE, gone)
        player = self.house.play(probe(self.script, role), self._scribe("", None), None)
        verdict = player.verdict
        gone = self.house.process()  # it may take a moment to die
        if gone is not None:
            return Symptom(Sign.GONE, gone)
        if verdict.broke_off is not None:
            refused = "cannot be reached" in verdict.broke_off
            return Symptom(Sign.REFUSES if refused else Sign.SILENT, verdict.broke_off)
        if not verdict.same and not verdict.different and verdict.unheard:
            return Symptom(Sign.SILENT, "it says nothing in a clean replay")
        unwell = self.house.health()
        return None if unwell is None else Symptom(Sign.UNWELL, unwell)

    def _back(self, role: Role) -> bool:
        """Whether a server that was dead is there again, by whoever starts it."""
        until = self.house.now() + int(self.patience * 1e6)
        while True:
            symptom = self._symptom(role)
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
                symptom = self._try(finding.plan, attempt, None)
                if symptom is not None and symptom.sign.dead:
                    finding.lives = self._back(finding.plan.say.flow)
                again = symptom is not None and symptom.sign.like(finding.symptom.sign)
                attempt = steps.send(again)
        except StopIteration as stop:
            finding.fewest = stop.value
