"""What a run found: which changes do it, how it shows, and where it is recorded."""

from __future__ import annotations

from dataclasses import dataclass

from proxy.flow import Store
from recordings.model import Json
from replay.fuzzing.changes import Changes, shown
from replay.fuzzing.draft import Draft
from replay.fuzzing.planning import Plan
from replay.fuzzing.signs import Symptom

EVENT = "finding"
"""The kind of the event that notes a finding."""
EARLIER = "an earlier run may have done it"


@dataclass(slots=True)
class Finding:
    """One run after which the program under test was not well."""

    plan: Plan
    symptom: Symptom
    fewest: Changes
    like: int | None = None
    """An earlier run with a finding at the same place; it was not made smaller then."""
    tries: int = 0
    """How often it was run again."""
    lives: bool = True
    """The program came back."""
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

    def record(self, store: Store, draft: Draft, at: int) -> None:
        """Write down the session in which it was found, and what; at `at` microseconds."""
        self.session = draft.write(store)
        where = {"session_id": self.session, "frame_id": draft.changed}
        store.add_event(EVENT, self.sentence, at=at, **where)

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
