"""The rules at work: one `proxy.rules.Rule` per rule and flow, what they count per session.

The same seed gives the same bytes: what a rule draws follows from the seed, from the rule's own
and from how many frames of the session it has found before, and from nothing else.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import partial

from proxy import registry
from proxy.flow import Flow
from proxy.message import Message, Opaque
from proxy.mutation.actions import act
from proxy.mutation.chance import Chance
from proxy.mutation.occasion import Occasion
from proxy.mutation.rulefile import Rule, RuleSet
from proxy.protocol import Protocol
from proxy.relay.api import show_address
from proxy.rules import Verdict
from recordings.filter_match import Subject, kind_matches, protocol_matches
from recordings.filter_values import SlowSearch
from recordings.model import Direction, Frame, Json

EVENT = "mutation"
"""The kind of the event that notes a change."""

Note = Callable[[str, str, int | None], None]
"""Takes the kind and the detail of an event, and the frame that it is about."""


@dataclass(slots=True)
class Count:
    """What one rule did in one session, or in all."""

    found: int = 0
    """Frames that its filter found."""
    changed: int = 0


@dataclass(slots=True)
class Mutations:
    """All rules of a run, and what they did."""

    rules: RuleSet
    sessions: dict[int, list[Count]] = field(default_factory=dict)
    resting: set[int] = field(default_factory=set)
    """Places of rules that took too long once and are asked no more."""

    def of(self, flow: Flow, note: Note) -> list[Mutation]:
        """The rules for one flow: those that may find something in it."""
        return [
            Mutation(self, place, flow, note)
            for place, rule in enumerate(self.rules.rules)
            if _concerns(rule, flow.protocol)
        ]

    def count(self, session: int, place: int) -> Count:
        """What the rule at that place has counted in a session."""
        counts = self.sessions.get(session)
        if counts is None:
            counts = self.sessions[session] = [Count() for _ in self.rules.rules]
        return counts[place]

    def totals(self) -> list[Count]:
        """What each rule did in all sessions."""
        return [
            Count(
                sum(counts[place].found for counts in self.sessions.values()),
                sum(counts[place].changed for counts in self.sessions.values()),
            )
            for place in range(len(self.rules.rules))
        ]

    def check(self, seen: Iterable[str] = ()) -> None:
        """Refuse names of fields that turned out to exist nowhere; raises UserError.

        `seen` are the names that exist where the rules were at work, for a hint.
        """
        known = list(seen)
        for rule in self.rules.rules:
            for text, name in rule.given.doubtful.items():
                if text not in rule.given.used:
                    rule.given.unknown(name, known)


class Mutation:
    """One rule on one flow (see `proxy.rules.Rule`)."""

    def __init__(self, all_: Mutations, place: int, flow: Flow, note: Note) -> None:
        self._all = all_
        self._place = place
        self._rule = all_.rules.rules[place]
        self._flow = flow
        self._note = note
        self._done: list[str] = []
        self._client = show_address(flow.client)
        self._server = show_address(flow.server) if flow.server else None

    def holds(self, direction: Direction) -> bool:
        """See `Rule.holds`."""
        return direction in self._rule.directions

    def judge(self, frame: Frame, message: Message) -> Verdict:
        """See `Rule.judge`; raises UserError for what cannot be done."""
        flow = self._flow
        subject = Subject(
            frame,
            message.kind,
            flow.protocol.name,
            partial(_fields, message),
            flow.listen.transport,
            self._client,
            self._server,
            flow.listen.hostname,
            flow.session,
        )
        if self._place in self._all.resting:
            return message
        try:
            return self._judge(subject, message)
        except SlowSearch:
            self._all.resting.add(self._place)  # it would hold up every frame
            raise

    def _judge(self, subject: Subject, message: Message) -> Verdict:
        rule, frame = self._rule, subject.frame
        count = self._all.count(subject.session_id, self._place)
        if not self._applies(subject, count):
            return message
        chance = Chance(self._all.rules.seed, rule.seed, count.found)
        if rule.probability < 1 and not chance.happens(rule.probability):
            return message
        occasion = Occasion(frame, message, subject.own_protocol, chance)
        done = act(rule.act, occasion, rule.where)
        if done is None:
            return message
        count.changed += 1
        change, text = done
        self._done.append(f"{rule.title}: {text}")
        return change

    def _applies(self, subject: Subject, count: Count) -> bool:
        rule = self._rule
        if rule.count is not None and count.changed >= rule.count:
            return False
        try:
            if not rule.matches(subject):
                return False
        except SlowSearch as error:
            raise SlowSearch(f"{rule.where}: {error}") from error
        count.found += 1
        return count.found > rule.skip

    def recorded(self, frame: Frame) -> None:
        """See `Rule.recorded`: what was done to it is noted."""
        for text in self._done:
            self._note(EVENT, text, frame.id)
        self._done.clear()


def _fields(message: Message) -> Json:
    return None if isinstance(message, Opaque) else message.fields()


def _concerns(rule: Rule, protocol: Protocol) -> bool:
    """Whether a rule may find frames in a flow of that protocol, or of one that shares its port."""
    ports = set(protocol.ports)
    family = [protocol, *(p for p in registry.protocols().values() if ports & set(p.ports))]
    for term in rule.terms:
        if term.operator == "p" and not any(map(protocol_matches(term.value), _names(family))):
            return False
        if term.operator == "k" and not any(_may_have(one, term.value) for one in family):
            return False
    kinds = [place.kind for name in rule.given.fields for place in name.places]
    if kinds and None not in kinds:
        return any(_may_have(one, kind) for one in family for kind in kinds if kind)
    return True


def _names(protocols: list[Protocol]) -> list[str]:
    return [one.name for one in protocols]


def _may_have(protocol: Protocol, kind: str) -> bool:
    """Whether messages of a kind may be in a protocol: it declares it, or nobody does."""
    matches = kind_matches(kind)
    if any(matches(one.name) for one in protocol.kinds) or matches("Opaque"):
        return True
    return not any(matches(k.name) for p in registry.protocols().values() for k in p.kinds)
