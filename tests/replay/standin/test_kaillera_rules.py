"""The rules of Kaillera by hand: time passes as the test wants, and numbers are where it wants."""

from __future__ import annotations

import copy
import gc
import struct
import weakref
from collections.abc import Callable

import pytest

from proxy.message import Opaque
from proxy.protocols.kaillera import Chat, Drop, Info
from replay.servers._kaillera import Channel, Hall, tell_all
from replay.servers._kaillera_game import Inputs, delay_of
from tests.replay.rehearsal import Actor, Rehearsal
from tests.replay.standin.emulator import (
    ALIVE,
    CLOSE,
    DATA,
    DROP,
    GAME,
    GAME_CHAT,
    INFO,
    JOIN,
    QUIT,
    STATUS,
    Emulator,
    messages_of,
    z,
)


class Table:
    """Emulators at the rules, without a network between."""

    def __init__(self, **options: str) -> None:
        named = {f"kaillera.{name}": value for name, value in options.items()}
        self.rehearsal = Rehearsal(options=named)
        self.hall = self.rehearsal.world.shared(Hall)
        self.at: list[tuple[Emulator, Actor]] = []
        self.silent: set[str] = set()
        """Whose datagrams do not arrive."""

    def enter(self, name: str, lag: float = 0.0, **emulator: object) -> Emulator:
        """Log in, with a round trip of so many seconds."""
        made = Emulator(name, **emulator)  # type: ignore[arg-type]
        address = "192.0.2.7", 50_000 + len(self.at)
        actor = self.rehearsal.enter("kaillera", role="private 1", address=address)
        self.at.append((made, actor))
        made.log_in()
        while not made.all(INFO):
            self.rehearsal.passes(lag)
            self._round(made, actor)
        self.run()
        return made

    def _round(self, emulator: Emulator, actor: Actor) -> bool:
        """What one has to say, and what it is told; whether there was anything."""
        out, emulator.out = emulator.out, []
        told = actor.told()
        for data in [] if emulator.name in self.silent else out:
            told += actor.says(Opaque(data))
            assert actor.turn.known
        for message in told:
            emulator.received(message.encode())
        return bool(out or told)

    def run(self) -> None:
        """Until nobody has anything to say."""
        while sum(self._round(*one) for one in self.at):
            pass
        assert not any(kind == "defect" for kind, _ in self.rehearsal.notes)
        assert not any(kind == "defect" for _, actor in self.at for kind, _ in actor.notes)

    def room(self, owner: Emulator, *others: Emulator) -> int:
        owner.create()
        self.run()
        game = next(iter(reversed(self.hall.rooms)))
        for one in others:
            one.join(game)
            self.run()
        return game


def jump(table: Table, emulator: Emulator, number: int) -> None:
    """Both sides have counted up to a number."""
    user = next(one for one in table.hall.users if one.name == emulator.name)
    user.channel = Channel()
    user.channel.next_in = user.channel.next_out = number
    emulator.__post_init__()
    emulator.next_in = emulator.next_out = number


def test_a_game_goes_on_across_the_wrap_of_the_numbers() -> None:
    table = Table()
    alice, bob = table.enter("alice", frames=600), table.enter("bob", frames=600, connection=2)
    for one in (alice, bob):
        jump(table, one, 65_400)
    table.room(alice, bob)
    alice.start()
    table.run()
    assert len(alice.played) == len(bob.played) == 600
    assert alice.next_in < 1000
    assert alice.next_out < 1000
    begin = max(alice.lag, bob.lag)
    assert alice.played[begin:] == bob.played[begin:]


@pytest.mark.parametrize(
    ("ping", "connection", "delay"),
    [(0, 1, 1), (16, 1, 1), (17, 1, 2), (20, 1, 2), (100, 1, 7), (100, 3, 3), (100, 6, 2)],
)
def test_the_delay(ping: int, connection: int, delay: int) -> None:
    assert delay_of(ping, connection) == delay


@pytest.mark.parametrize("connections", [(1, 1), (1, 4), (3, 2)])
def test_those_who_are_far_away_see_the_same(connections: tuple[int, int]) -> None:
    table = Table()
    near = table.enter("near", connection=connections[0], frames=200)
    far = table.enter("far", lag=0.12, connection=connections[1], frames=200)
    table.room(near, far)
    near.start()
    table.run()
    assert far.seat[0] == 7 // connections[1] + 1
    assert len(near.played) == len(far.played) == 200
    begin = max(near.lag, far.lag)
    assert near.played[begin:] == far.played[begin:]
    assert near.played[begin] == b"\0\0", "the first input of both, though"
    assert near.played[begin + 1] == b"\1\1"


def test_one_who_stops_in_netsync_is_left_behind() -> None:
    table = Table()
    alice, bob = table.enter("alice", frames=50), table.enter("bob")
    table.room(alice, bob)
    table.silent.add("bob")
    alice.start()
    table.run()
    assert not alice.played
    for _ in range(61):
        table.rehearsal.passes(1.0)
        table.run()
    assert alice.last(DROP) == z("bob") + b"\2"
    assert b"no answer" in alice.last(GAME_CHAT)
    assert len(alice.played) == 50


def test_a_stalled_game_is_helped_three_times_and_then_goes_on_without() -> None:
    table = Table()
    alice, bob = table.enter("alice", frames=50), table.enter("bob", frames=20)
    game = table.room(alice, bob)
    alice.start()
    table.run()
    assert len(bob.played) == 20
    (_, actor) = table.at[1]
    for second in range(1, 7):
        table.rehearsal.passes(1.0)
        told = actor.told()
        assert len(told) == (second % 2 == 0)
        assert all(one.encode()[0] == 5 for one in told), "the last five"
        table.run()
    assert not alice.all(DROP)
    table.rehearsal.passes(2.5)
    table.run()
    assert alice.last(DROP) == z("bob") + b"\2"
    assert len(alice.played) == 50
    for _ in range(9):
        table.rehearsal.passes(1.0)
    table.run()
    assert alice.last(GAME) == struct.pack("<BIBBB", 0, game, 0, 2, 8)


def test_the_silent_are_gone_after_two_minutes_and_keepalives_help() -> None:
    table = Table()
    alice, bob = table.enter("alice"), table.enter("bob")
    table.room(bob)
    for _ in range(5):
        table.rehearsal.passes(25.0)
        alice.say(ALIVE)
        table.run()
    assert alice.last(QUIT)[:4] == z("bob")
    assert alice.last(QUIT).endswith(z("Ping timeout"))
    assert bob.last(QUIT) == alice.last(QUIT)
    assert alice.all(CLOSE)
    assert [user.name for user in table.hall.users] == ["alice"]


def test_a_login_that_stops_is_forgotten() -> None:
    table = Table()
    table.enter("alice")
    late = table.rehearsal.enter("kaillera", role="private 2")
    half = Emulator("late")
    half.log_in()
    assert [one.kind for one in late.says(Opaque(half.out.pop()))] == ["ServerAck"]
    table.rehearsal.passes(4.0)
    assert late.told(), "a lost round is said again"
    table.rehearsal.passes(8.0)
    late.told()
    half.repeat()
    assert late.says(Opaque(half.out.pop())) != [], "so that it can begin anew"


def test_the_lists_leave_out_who_is_told_and_are_split() -> None:
    table = Table(motd="one|two", max_users="200")
    for number in range(60):
        table.enter(f"user number {number:03}")
    last = table.at[-1][0]
    assert len(last.all(STATUS)) > 1
    users = sum(struct.unpack("<I", body[1:5])[0] for body in last.all(STATUS))
    assert users == 59
    assert [body.split(b"\0")[1] for body in last.all(INFO)] == [b"one", b"two"]


def test_no_datagram_is_too_large() -> None:
    table = Table()
    size = 30_000
    big: Callable[[int], bytes] = lambda frame: bytes([frame & 255]) * size  # noqa: E731
    alice = table.enter("alice", frames=20, inputs=big)
    bob = table.enter("bob", frames=20, inputs=big)
    table.room(alice, bob)
    alice.start()
    table.run()
    assert len(alice.played) == 20
    assert alice.played[5:] == bob.played[5:]
    carol = table.enter("carol", frames=20, inputs=big)
    table.room(carol)
    carol.say(INFO + 0x40)  # a type that nobody knows
    table.run()


def test_nothing_is_kept_of_those_who_have_gone() -> None:
    table = Table()
    table.enter("host")
    kept: list[weakref.ref[object]] = []
    for number in range(6):
        left, right = (table.enter(f"{side} {number}", frames=20) for side in ("left", "right"))
        game = table.room(left, right)
        left.start()
        table.run()
        assert len(right.played) == 20
        room = table.hall.rooms[game]
        kept += [weakref.ref(seat.heard) for seat in room.seats.values()]
        kept += [weakref.ref(user.channel) for user in room.users]
        for one in (left, right):
            if number % 3 == 0:
                one.quit()
            elif number % 3 == 1:
                table.silent.add(one.name)
            else:
                one.drop()
        table.run()
        for _ in range(3):
            table.rehearsal.passes(42.0)
            table.at[0][0].say(ALIVE)
            table.run()
        del room, table.at[1:]
    assert [user.name for user in table.hall.sessions.values()] == ["host"]
    assert not table.hall.rooms
    gc.collect()
    assert len(kept) == 24
    assert not any(one() for one in kept)


def test_what_all_are_told_is_what_each_would_be_told() -> None:
    table = Table()
    for name in ("alice", "bob", "carol"):
        table.enter(name)
    users = table.hall.users
    jump(table, table.at[1][0], 65_535)
    for message in (Chat("bob", "hi"), Info("Server", ""), Drop("carol", 1)):
        twins = copy.deepcopy([user.channel for user in users])
        alone = [twin.say(message).encode() for twin in twins]
        assert [act.message.encode() for act in tell_all(users, message)] == alone


def test_a_lost_message_in_a_game_is_waited_for_and_in_the_lobby_given_up() -> None:
    channel = Channel()
    emulator = Emulator("x")
    for _ in range(8):
        emulator.say(ALIVE)
    seen = [messages_of(data) for data in emulator.out]
    from proxy.layouts.bundle import Numbered
    from proxy.protocols.kaillera import KeepAlive

    bundles = [tuple(Numbered(n, KeepAlive()) for n, _, _ in one) for one in seen]
    assert len(channel.take(bundles[0], skip=False)) == 1
    assert channel.take(bundles[7], skip=False) == []
    assert channel.next_in == 1
    assert len(channel.take(bundles[3], skip=False)) == 3
    assert len(channel.take(bundles[7], skip=True)) == 3
    assert channel.next_in == 8
    far = (Numbered(40_000, KeepAlive()),) * 3
    assert channel.take(far, skip=True) == []


def test_the_list_of_inputs_is_first_in_first_out() -> None:
    inputs = Inputs()
    for number in range(300):
        inputs.add(struct.pack("<H", number))
    assert inputs.find(struct.pack("<H", 43)) is None
    assert inputs.find(struct.pack("<H", 44)) == 0
    assert inputs.get(255) == struct.pack("<H", 299)
    assert inputs.size == 512
    inputs.add(struct.pack("<H", 299))
    assert inputs.get(254) == inputs.get(255)
    assert Inputs().get(0) is None


def test_a_second_hello_on_the_same_socket_begins_anew() -> None:
    table = Table(private_ports="0")
    watcher = table.enter("watcher")
    actor = table.rehearsal.enter("kaillera", role="main", address=("192.0.2.9", 4000))
    for _ in range(2):
        (answer,) = [one for one in actor.says(Opaque(b"HELLO0.83\0")) if one.kind == "HELLOD00D"]
        assert answer.get("port") == 7, "the main port itself"
        again = Emulator("again")
        again.log_in()
        told = actor.says(Opaque(again.out.pop()))
        while told:
            for one in told:
                again.received(one.encode())
            told = [answer for data in again.out for answer in actor.says(Opaque(data))]
            again.out.clear()
        assert again.all(INFO)
    table.run()
    assert len(watcher.all(QUIT)) == 1
    assert len(table.hall.users) == 2


def test_data_and_rooms_of_others_are_left_alone() -> None:
    table = Table()
    alice, eve = table.enter("alice"), table.enter("eve")
    game = table.room(alice)
    for tag, body in (
        (DATA, b"\0\1\0a"),
        (0x13, b"\0\0"),
        (0x14, b"\0\0"),
        (0x15, b"\0"),
        (0x0F, b"\0\1\0"),
        (0x11, b"\0\xff\xff\xff\xff"),
        (0x0B, b"\0\xff\xff"),
        (GAME_CHAT, z("") + z("psst")),
        (0x0C, struct.pack("<BIBIHB", 0, 999, 0, 0, 0xFFFF, 1)),
    ):
        eve.say(tag, body)
        table.run()
    assert table.hall.rooms[game].status == 0
    assert [one.name for one in table.hall.rooms[game].users] == ["alice"]
    assert not alice.all(GAME_CHAT)
    assert len(alice.all(JOIN)) == 1
