"""A client under test: a stand-in serves it, and says one message otherwise.

    rehearsal   a clean visit of the client: what the stand-in says in it is what runs change
    run         the same visit with one message changed; then it is seen how the client is

The client is started anew for each run, or comes again by itself.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol

from recordings.errors import UserError
from replay.fuzzing.audience import BY_CLIENT, Audience, nth
from replay.fuzzing.campaign import Campaign, House
from replay.fuzzing.changes import Changes
from replay.fuzzing.cutting import FOLLOWED
from replay.fuzzing.draft import Draft
from replay.fuzzing.finding import Finding
from replay.fuzzing.planning import Plan
from replay.fuzzing.serving import Served
from replay.fuzzing.signs import Sign, Symptom


@dataclass(slots=True)
class Visit:
    """One visit of the client."""

    audience: Audience
    came: bool = True
    """It said something."""
    fate: str | None = None
    """Why its process did not end as it should; None: it did, or nobody started it."""
    hangs: str | None = None
    """Why it is thought to hang."""


class Parlour(House, Protocol):
    """Who serves the client, and looks after it."""

    def visit(self, run: Served | None, draft: Draft) -> Visit:
        """One visit, in bounded time."""
        ...

    def returns(self) -> str | None:
        """Why the client does not come again by itself; None: it does, or it is started."""
        ...

    def write(self, finding: Finding, draft: Draft) -> None:
        """Write down what was found."""
        ...


@dataclass(slots=True)
class ClientCampaign(Campaign):
    """All runs of one seed against one client."""

    house: Parlour
    rehearsal: Audience = field(default_factory=Audience)

    @property
    def noun(self) -> str:
        """See `Campaign.noun`."""
        return "client"

    def begin(self) -> None:
        """See `Campaign.begin`."""
        symptom = self._after(self.house.visit(None, Draft()))
        if symptom is not None:
            raise UserError(
                f"the client is not well before anything is changed ({symptom}): see that it "
                "plays to its end with `understudy serve` without --fuzz, and again"
            )

    def attempt(self, plan: Plan, changes: Changes, draft: Draft | None) -> Symptom | None:
        """See `Campaign.attempt`."""
        run = Served(plan, nth(self.script, plan), changes)
        visit = self.house.visit(run, draft or Draft())
        if not run.said:
            why = "the client did not come" if not visit.came else "it went another way"
            self.unreached.append(f"run {plan.run}: {why}")
        symptom = self._after(visit, run)
        if symptom is None and run.said and not self.may_drop:
            symptom = self._dropped(visit, run)
        return symptom

    def symptom(self, plan: Plan) -> Symptom | None:
        """See `Campaign.symptom`."""
        gone = self.house.process()
        if gone is not None:
            return Symptom(Sign.GONE, gone)
        away = self.house.returns()
        if away is not None:
            return Symptom(Sign.SILENT, away)
        unwell = self.house.health()
        return None if unwell is None else Symptom(Sign.UNWELL, unwell)

    def record(self, finding: Finding, draft: Draft) -> None:
        """See `Campaign.record`."""
        self.house.write(finding, draft)

    def _after(self, visit: Visit, run: Served | None = None) -> Symptom | None:
        """How the client is after a visit."""
        if visit.fate is not None:
            return Symptom(Sign.GONE, visit.fate)
        if visit.hangs is not None and (run is None or _is_told(run)):
            return Symptom(Sign.SILENT, visit.hangs)
        if run is None:
            gone = self.house.process()
            return None if gone is None else Symptom(Sign.GONE, gone)
        return self.symptom(run.plan)

    def _dropped(self, visit: Visit, run: Served) -> Symptom | None:
        """It hung up on a message that was whole, where the rehearsal went on."""
        seen = visit.audience.changed
        if seen is None or seen.ended not in BY_CLIENT or not _is_told(run):
            return None
        if visit.audience.went_on(seen) or not self.rehearsal.goes_on(run.plan):
            return None
        return Symptom(Sign.DROPPED, seen.ended or "")


def _is_told(run: Served) -> bool:
    """Whether the client got what it waited for, in a form that it can read."""
    return run.intact and not any(one in FOLLOWED for one in run.changes)
