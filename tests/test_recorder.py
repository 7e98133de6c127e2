"""Sessions: which flows are one sitting of one client."""

from __future__ import annotations

import gc
import weakref

import pytest

from proxy import registry
from proxy.keys import secret_key
from proxy.recorder import LINGER, Recorder, Settings
from proxy.relay.api import Address
from proxy.tap import Tap
from recordings.model import Key
from tests.toy import DOWN, PLAIN, TOY, UP, Clock, MemoryOpener, MemoryStore, listen

ALICE, BOB = ("198.51.100.5", 1000), ("198.51.100.6", 1000)
SERVER = ("8.8.4.4", 7)
US = ("192.0.2.1", 7)


@pytest.fixture(autouse=True)
def toys(monkeypatch: pytest.MonkeyPatch) -> None:
    for one in (TOY, PLAIN):
        monkeypatch.setitem(registry._added, one.name, one)


class Evening:
    """A recorder, its store and its clock."""

    def __init__(self, **settings: object) -> None:
        self.store = MemoryStore()
        self.clock = Clock()
        self.recorder = Recorder(
            self.store,
            now=self.clock,
            settings=Settings(**settings),  # type: ignore[arg-type]
        )
        self.opener = MemoryOpener()
        self.recorder.use(self.opener)

    def open(self, client: Address = ALICE, protocol: str = "plain", **facts: object) -> Tap:
        return self.recorder.opened(listen(protocol, **facts), client, SERVER, US)

    def sessions(self) -> list[int]:
        return [flow["session_id"] for flow in self.store.flows.values()]


def test_a_flow_is_recorded_with_its_addresses() -> None:
    evening = Evening(game="g")
    evening.open(hostname="lobby.example.org").closed("reset")
    assert evening.store.flows == {
        1: {
            "session_id": 1,
            "protocol": "plain",
            "transport": "tcp",
            "client": "198.51.100.5:1000",
            "server": "8.8.4.4:7",
            "hostname": "lobby.example.org",
            "parent_frame_id": None,
            "opened_at": 1_000_000,
            "closed": (1_000_000, "reset"),
        }
    }
    assert evening.store.sessions[1]["game"] == "g"
    assert evening.store.sessions[1]["client"] == "198.51.100.5"


def test_clients_have_sessions_of_their_own() -> None:
    evening = Evening()
    evening.open(ALICE)
    evening.open(BOB)
    assert evening.sessions() == [1, 2]


def test_flows_of_other_protocols_and_roles_join() -> None:
    evening = Evening()
    for protocol, role in (("plain", ""), ("plain", "buddy"), ("raw-tcp", "")):
        evening.open(protocol=protocol, role=role)
    assert evening.sessions() == [1, 1, 1]


def test_a_second_flow_of_a_role_is_a_second_player_at_that_address() -> None:
    evening = Evening()
    evening.open()
    evening.open()
    assert evening.sessions() == [1, 2]


def test_a_flow_after_the_last_one_closed_is_the_same_sitting() -> None:
    evening = Evening()
    evening.open().closed("end")
    evening.clock.at += LINGER - 1
    evening.open()
    assert evening.sessions() == [1, 1]


def test_a_session_ends_five_minutes_after_its_last_flow() -> None:
    evening = Evening()
    first, second = evening.open(), evening.open(role="buddy")
    first.closed("end")
    evening.clock.at += LINGER
    evening.recorder.tick(evening.clock.at)
    assert not evening.store.sessions[1]["ended"]
    second.closed("end")
    evening.recorder.tick(evening.clock.at + LINGER - 1)
    assert not evening.store.sessions[1]["ended"]
    evening.clock.at += LINGER
    evening.open()
    assert evening.store.sessions[1]["ended"] is True
    assert evening.sessions() == [1, 1, 2]


def test_closing_ends_all_sessions() -> None:
    evening = Evening()
    evening.open(ALICE).closed("stopped")
    evening.open(BOB).closed("stopped")
    evening.recorder.close()
    assert [one["ended"] for one in evening.store.sessions.values()] == [True, True]


def test_a_leg_belongs_to_its_parents_session_and_frame() -> None:
    evening = Evening()
    other = evening.open(ALICE, "toy", role="other")
    evening.open(ALICE, "toy", role="other")  # a second player behind the same address
    first = evening.open(ALICE, "toy")
    assert first.flow.session == 2
    evening.recorder.redirects.legs.clear()  # type: ignore[union-attr]
    other.through(DOWN, b"OK\n")
    out = other.through(DOWN, b"DIR ADDR=203.0.114.5 PORT=10901\n")
    assert out == [b"DIR ADDR=192.0.2.1 PORT=40001\n"]
    leg = evening.recorder.opened(evening.opener.opened[0], ALICE, ("203.0.114.5", 10901))
    assert leg.flow.session == 1
    assert evening.store.flows[leg.flow.id]["parent_frame_id"] == 2
    assert leg.flow.local == ("192.0.2.1", 0)


def test_a_leg_whose_session_is_over_begins_a_new_one() -> None:
    evening = Evening()
    tap = evening.open(ALICE, "toy")
    tap.through(DOWN, b"DIR ADDR=203.0.114.5 PORT=10901\n")
    tap.closed("end")
    evening.clock.at += LINGER
    leg = evening.recorder.opened(evening.opener.opened[0], ALICE, ("203.0.114.5", 10901))
    assert leg.flow.session == 2


def test_keys_are_shared_within_a_session_and_not_beyond() -> None:
    evening = Evening(keys=(Key("rc4", b"k", "rc4", None, "given"),))
    evening.open(role="a").seen(DOWN, b"DIR SESS=77\n")
    same, other = evening.open(role="b"), evening.open(BOB)
    keys = [[(key.name, key.key) for key in tap.dissector.keys] for tap in (same, other)]
    assert keys == [[("rc4", b"k"), ("sess", b"77")], [("rc4", b"k")]]
    assert [(session, key.name) for session, key, _ in evening.store.keys] == [
        (1, "rc4"),
        (1, "sess"),
        (2, "rc4"),
    ]


def test_a_flow_knows_the_secrets_of_games() -> None:
    evening = Evening(secrets={"gmtest": "HA6zkS"}, keys=(secret_key("other", "zZzZzZ"),))
    secrets = evening.open().dissector.keys.secrets
    assert secrets == {"gmtest": "HA6zkS", "other": "zZzZzZ"}


def two_players(evening: Evening) -> tuple[Tap, Tap]:
    """Two consoles behind one address asked the directory, one after the other."""
    first = evening.open()
    first.seen(DOWN, b"DIR SESS=77 PASS=a\n")
    second = evening.open()
    second.seen(DOWN, b"DIR SESS=88 PASS=b\n")
    first.closed("end")
    second.closed("end")
    return first, second


def test_a_flow_joins_the_session_whose_key_it_shows() -> None:
    evening = Evening()
    two_players(evening)
    guessed = evening.open(role="lobby")
    assert guessed.flow.session == 2  # the newest, for want of a key
    guessed.seen(UP, b"HELLO A=1\nAUTH SESS=77\n")
    assert guessed.flow.session == 1
    assert evening.store.flows[3]["session_id"] == 1
    assert guessed.dissector.keys.find("pass") == Key("pass", b"a")
    assert evening.store.keys[-1][0] == 1
    later = evening.open(role="lobby")
    assert later.flow.session == 2


def test_a_session_that_was_only_a_guess_is_dropped() -> None:
    evening = Evening()
    first, second = evening.open(), evening.open()
    first.seen(DOWN, b"DIR SESS=77\n")
    second.seen(DOWN, b"DIR SESS=88\n")
    evening.open(role="lobby")
    evening.open(role="lobby")
    third = evening.open(role="lobby")
    assert third.flow.session == 3
    first_lobby = next(tap for tap in evening.recorder._sessions[0].taps if tap is not first)
    first_lobby.closed("end")
    third.seen(UP, b"AUTH SESS=77\n")
    assert evening.sessions()[-1] == third.flow.session
    assert third.flow.session in (1, 2)
    assert evening.store.sessions[3]["ended"] == "dropped"
    assert evening.recorder.tally().sessions == 2


def test_a_key_that_two_sessions_have_tells_nothing() -> None:
    evening = Evening()
    taps = [evening.open() for _ in range(3)]
    for tap in taps[:2]:
        tap.dissector.keys.learn(Key("other", b"1"))
    for session in evening.recorder._sessions[:2]:
        session.keys.learn(Key("sess", b"0"))
    for tap in taps[:2]:
        tap.closed("end")
    taps[2].seen(UP, b"AUTH SESS=0\n")
    assert taps[2].flow.session == 3


def test_a_key_of_another_clients_session_moves_nobody() -> None:
    evening = Evening()
    evening.open(ALICE).seen(DOWN, b"DIR SESS=1\n")
    bob = evening.open(BOB, role="x")
    bob.seen(DOWN, b"DIR SESS=1\n")
    assert bob.flow.session == 2


def test_a_tally_counts_open_and_closed_flows() -> None:
    evening = Evening()
    evening.open().seen(UP, b"A\n")
    tap = evening.open(BOB)
    tap.seen(UP, b"123\n")
    tap.closed("end")
    tally = evening.recorder.tally()
    assert (tally.sessions, tally.flows, tally.frames, tally.bytes, tally.errors) == (2, 2, 2, 6, 1)


def test_tic_is_swallowed_when_asked() -> None:
    evening = Evening(swallow=(("TIC", UP),))
    tap = evening.open()
    assert tap.held(UP)
    assert tap.through(UP, b"TIC\nA\n") == [b"A\n"]


def test_congestion_is_the_stores() -> None:
    evening = Evening()
    assert not evening.recorder.congested
    evening.store.congested = True
    assert evening.recorder.congested


def test_redirects_are_followed_when_the_store_refuses() -> None:
    evening = Evening(keys=(Key("rc4", b"k", "rc4", None, "given"),))
    said: list[str] = []
    evening.recorder._on_refused = said.append
    evening.store.refuses = "the disk is full"
    tap = evening.open(ALICE, "toy")
    assert tap.through(DOWN, b"DIR ADDR=203.0.114.5 PORT=1\n") == [
        b"DIR ADDR=192.0.2.1 PORT=40001\n"
    ]
    leg = evening.recorder.opened(evening.opener.opened[0], ALICE, ("203.0.114.5", 1))
    leg.closed("end")
    tap.closed("end")
    assert set(said) == {"the disk is full"}


def test_crowds_of_clients_end_the_sessions_that_only_wait(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("proxy.recorder.MOST_SESSIONS", 8)
    evening = Evening()
    held = evening.open(client=("192.0.2.250", 1))
    for number in range(40):
        evening.open(client=(f"192.0.2.{number}", 1)).closed("closed")
    assert len(evening.recorder._sessions) <= 9
    assert any(held in one.taps for one in evening.recorder._sessions)
    assert evening.store.sessions[2]["ended"] is True


def test_a_flow_that_is_over_is_freed_at_once() -> None:
    evening = Evening()
    tap = evening.open(protocol="toy")
    tap.seen(UP, b"a part of a fra")
    flow = weakref.ref(tap)
    gc.disable()
    try:
        tap.closed("reset")
        tap.closed("once more")
        assert tap.flush(UP) == []
        del tap
        assert flow() is None
    finally:
        gc.enable()
    assert evening.store.flows[1]["closed"] is not None
