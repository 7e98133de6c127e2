"""The contract of rules, by the rules of a toy."""

from __future__ import annotations

from types import SimpleNamespace
from typing import NamedTuple

import pytest

from proxy.message import Message, Opaque
from replay.standin.rules import (
    OPAQUE,
    Acts,
    Close,
    Later,
    Note,
    Rules,
    Say,
    Unanswered,
    hears,
    rules_of,
)
from replay.standin.world import Client, World
from tests.replay.rehearsal import Rehearsal
from tests.toy import TOY, Line


class Guests:
    """What the rules of several protocols of a game share."""

    def __init__(self, world: World) -> None:
        self.names: list[str] = []


class Toys(Rules):
    protocol = "toy"
    beside = True
    options = {"greeting": "what everybody is told first"}

    def __init__(self, world: World) -> None:
        super().__init__(world)
        self.guests = world.shared(Guests)
        self.alarm: Later | None = None

    def opened(self, client: Client) -> Acts:
        yield Say(client, Line("HI", {"TEXT": self.option("greeting", "hello")}))

    @hears("LOGIN")
    def login(self, client: Client, message: Message) -> Acts:
        name = message.get("NAME")
        if not self.world.accepts(name, None):
            yield Say(client, Line("NO", {}))
            yield Close(client, "refused")
            return
        client.name, client.place = name, "the hall"
        self.guests.names.append(name)
        self.world.shelf("toy")[name] = {"seen": self.world.seconds}
        yield Say(client, Line("WELCOME", {"NUMBER": str(self.world.random.randrange(1000))}))
        yield Say(client, Line("NEWS", {}), after=2.0)
        for other in self.world.clients("toy"):
            if other is not client:
                yield Say(other, Line("CAME", {"NAME": name}))

    @hears("SET")
    def set(self, client: Client, message: Message) -> Acts:
        self.alarm = Later(5.0, lambda: [Say(client, Line("RING", {}))])
        yield self.alarm

    @hears("STOP")
    def stop(self, client: Client, message: Message) -> Acts:
        assert self.alarm
        self.alarm.cancel()
        return ()

    @hears("WHERE")
    def where(self, client: Client, message: Message) -> Acts:
        host, port = self.world.reach(client, "toy", "hall")
        yield Say(client, Line("DIR", {"ADDR": host, "PORT": str(port)}))

    @hears("FAIL")
    def fail(self, client: Client, message: Message) -> Acts:
        yield Say(client, Line("SURE", {}))
        raise KeyError("a defect")

    @hears("ODD")
    def odd(self, client: Client, message: Message) -> Acts:
        yield Unanswered(client, "nobody knows what it means")

    @hears(OPAQUE)
    def noise(self, client: Client, message: Message) -> Acts:
        yield Note("noise", "what was that", client)

    def closed(self, client: Client) -> Acts:
        for other in self.world.clients("toy"):
            yield Say(other, Line("WENT", {"NAME": client.name}))


@pytest.fixture
def play() -> Rehearsal:
    return Rehearsal(rules=Toys, protocol=TOY, options={"toy.greeting": "moin"})


def kinds(messages: list[Message]) -> list[str]:
    return [one.kind for one in messages]


def test_a_client_is_greeted_and_answered_and_others_hear_of_it(play: Rehearsal) -> None:
    alice = play.enter("toy")
    assert [one.encode() for one in alice.told()] == [b"HI TEXT=moin\n"]
    assert kinds(alice.says(Line("LOGIN", {"NAME": "alice"}))) == ["WELCOME"]
    bob = play.enter("toy")
    bob.says(Line("LOGIN", {"NAME": "bob"}))
    assert [one.encode() for one in alice.told()] == [b"CAME NAME=bob\n"]
    bob.leaves()
    assert [one.encode() for one in alice.told()] == [b"WENT NAME=bob\n"]
    assert not bob.client.open
    assert play.world.shared(Guests).names == ["alice", "bob"]


def test_what_is_said_later_comes_later(play: Rehearsal) -> None:
    alice = play.enter("toy")
    alice.says(Line("LOGIN", {"NAME": "alice"}))
    play.passes(1.9)
    assert alice.told() == []
    play.passes(0.2)
    assert kinds(alice.told()) == ["NEWS"]


def test_what_is_said_later_to_who_has_gone_is_dropped(play: Rehearsal) -> None:
    alice = play.enter("toy")
    alice.says(Line("LOGIN", {"NAME": "alice"}))
    alice.leaves()
    play.passes(5)
    assert alice.told() == []


@pytest.mark.parametrize(("stopped", "heard"), [(False, ["RING"]), (True, [])])
def test_a_timer_rings_unless_it_is_cancelled(
    play: Rehearsal, stopped: bool, heard: list[str]
) -> None:
    alice = play.enter("toy")
    alice.told()
    alice.says(Line("SET", {}))
    if stopped:
        alice.says(Line("STOP", {}))
    play.passes(6)
    assert kinds(alice.told()) == heard


def test_who_is_where_is_told_once(play: Rehearsal) -> None:
    alice = play.enter("toy")
    alice.says(Line("LOGIN", {"NAME": "alice"}))
    alice.says(Line("SET", {}))
    assert alice.notes == [("where", "alice is in the hall")]
    alice.leaves()
    assert alice.notes[1:] == [("where", "alice has left")]


def test_an_endpoint_of_ours_is_announced(play: Rehearsal) -> None:
    alice = play.enter("toy")
    alice.told()
    (told,) = alice.says(Line("WHERE", {}))
    assert told.get("ADDR") == "192.0.2.1"
    assert play.reached == [("toy", "hall")]


def test_a_handler_that_fails_harms_nobody(play: Rehearsal) -> None:
    alice = play.enter("toy")
    alice.told()
    assert kinds(alice.says(Line("FAIL", {}))) == ["SURE"]
    assert alice.notes == [("defect", "KeyError: 'a defect'")]
    assert alice.turn.unanswered == "the rules failed"
    assert kinds(alice.says(Line("LOGIN", {"NAME": "alice"}))) == ["WELCOME"]


def test_what_is_not_known_and_what_has_no_answer_are_told_apart(play: Rehearsal) -> None:
    alice = play.enter("toy")
    alice.says(Line("NEVER", {}))
    assert not alice.turn.known
    alice.says(Line("ODD", {}))
    assert alice.turn.known
    assert alice.turn.unanswered == "nobody knows what it means"
    play.stage.heard(alice.client, Opaque(b"\xff"))
    assert ("noise", "what was that") in alice.notes


def test_who_only_listens_says_nothing_to_the_client_but_to_others(play: Rehearsal) -> None:
    alice, bob = play.enter("toy"), play.enter("toy")
    alice.told(), bob.told()
    play.stage.heard(alice.client, Line("LOGIN", {"NAME": "alice"}), mute=True)
    assert alice.told() == []
    assert kinds(bob.told()) == ["CAME"]


def test_accounts_are_those_of_the_user() -> None:
    play = Rehearsal(rules=Toys, protocol=TOY, accounts={"alice": "secret"})
    alice = play.enter("toy")
    assert kinds(alice.says(Line("LOGIN", {"NAME": "alice"}))) == ["HI", "NO"]
    assert alice.closed == "refused"
    assert play.world.accepts("alice", "secret")
    assert not play.world.accepts("bob", "secret")


def test_the_same_seed_says_the_same() -> None:
    said = []
    for seed in (1, 1, 2):
        play = Rehearsal(rules=Toys, protocol=TOY, seed=seed)
        alice = play.enter("toy")
        alice.told()
        said.append([one.encode() for one in alice.says(Line("LOGIN", {"NAME": "alice"}))])
    assert said[0] == said[1] != said[2]


def test_state_is_kept(play: Rehearsal) -> None:
    play.enter("toy").says(Line("LOGIN", {"NAME": "alice"}))
    assert play.kept == {"toy": {"alice": '{"seen":1700000000}'}}
    again = Rehearsal(rules=Toys, protocol=TOY)
    again.kept = play.kept
    shelf = again.world.shelf("toy")
    assert dict(shelf) == {"alice": {"seen": 1_700_000_000}}
    del shelf["alice"]
    assert again.kept == {"toy": {}}


def test_two_handlers_for_one_kind_are_a_mistake() -> None:
    with pytest.raises(TypeError, match="LOGIN has two handlers"):

        class Twice(Rules):
            protocol = "toy"

            @hears("LOGIN")
            def one(self, client: Client, message: Message) -> Acts:
                return ()

            @hears("LOGIN")
            def two(self, client: Client, message: Message) -> Acts:
                return ()


def test_a_handler_for_everything_else() -> None:
    class All(Rules):
        protocol = "toy"

        @hears("*")
        def all(self, client: Client, message: Message) -> Acts:
            yield Say(client, Line("HM", {}))

    play = Rehearsal(rules=All, protocol=TOY)
    assert kinds(play.enter("toy").says(Line("WHATEVER", {}))) == ["HM"]
    assert All(play.world).handler(OPAQUE) is None


def test_a_protocol_without_rules_has_none() -> None:
    assert rules_of("raw-tcp") is None


def test_rules_of_an_installed_package_are_found_by_their_protocol(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    class Installed(Rules):
        protocol = "my-installed-game"

    class Point(NamedTuple):
        name: str

        def load(self) -> SimpleNamespace:
            return SimpleNamespace(RULES=Installed, __name__="package")

    points = [Point("another-game"), Point("my-installed-game")]
    monkeypatch.setattr("replay.standin.rules.entry_points", lambda group: points)
    rules_of.cache_clear()
    try:
        assert rules_of("my-installed-game") is Installed
        assert rules_of("a-third-game") is None
        with pytest.raises(TypeError, match="package holds the rules of 'my-installed-game'"):
            rules_of("another-game")
    finally:
        rules_of.cache_clear()
