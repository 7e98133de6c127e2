"""A server under test: a recorded client is played against it, with one message changed."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol

from recordings.errors import UserError
from recordings.model import Origin
from replay.fuzzing.campaign import Campaign, House
from replay.fuzzing.changes import Changes
from replay.fuzzing.cutting import last_said, probe, until
from replay.fuzzing.draft import Draft
from replay.fuzzing.obeying import Fuzzed, Wish
from replay.fuzzing.planning import Plan
from replay.fuzzing.signs import Sign, Symptom
from replay.playback.player import Player
from replay.playback.scribe import Scribe
from replay.playback.steps import Role, Script

OURS = ("played to the end", "broken off")
"""Why a flow ends that the server did not end."""


class Playhouse(House, Protocol):
    """Who plays a script, and looks after the server."""

    def play(self, script: Script, scribe: Scribe, run: Fuzzed | None) -> Player:
        """Play a script to its end, in bounded time."""
        ...


@dataclass(slots=True)
class ServerCampaign(Campaign):
    """All runs of one seed against one server."""

    house: Playhouse
    wish: Wish | None = None
    _hangs_up: dict[int, bool] = field(default_factory=dict)

    @property
    def noun(self) -> str:
        """See `Campaign.noun`."""
        return "server"

    def begin(self) -> None:
        """See `Campaign.begin`."""
        first = self.script.steps[0].flow
        symptom = self._symptom(first) or self._symptom(first)  # it must bear being played again
        if symptom is not None:
            raise UserError(
                f"the server is not well before anything is changed ({symptom}): see that "
                "`understudy replay` without --fuzz plays the session to its end"
            )

    def symptom(self, plan: Plan) -> Symptom | None:
        """See `Campaign.symptom`."""
        return self._symptom(plan.say.flow)

    def attempt(self, plan: Plan, changes: Changes, draft: Draft | None) -> Symptom | None:
        """See `Campaign.attempt`."""
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
