"""Faults on flows, in driven time: what goes on when, what is recorded, in order and by seed."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from proxy import registry
from proxy.faults.line import FULL
from proxy.faults.sink import Faults
from proxy.faults.spec import read_fault
from proxy.flow import Flow
from proxy.keys import SessionKeys
from proxy.relay.api import Address, Listen, Sink
from proxy.rules import Rule, Swallow
from proxy.tap import Tap
from recordings.model import Action, Direction, Transport
from tests.toy import PLAIN, TOY, Clock, MemoryStore

UP, DOWN = Direction.TO_SERVER, Direction.TO_CLIENT
CLIENT, SERVER, LOCAL = ("192.0.2.7", 4000), ("192.0.2.9", 7), ("192.0.2.1", 7)


class World:
    """Driven time, a store, and flows whose bytes are kept with the time of their going on."""

    def __init__(self, *faults: str, protocol: Any = None, rules: tuple[Rule, ...] = ()) -> None:
        self.time = 100.0
        self.store = MemoryStore()
        self.timers: list[tuple[float, int, Callable[[], None]]] = []
        self.count = 0
        self.protocol = protocol or registry.protocol("raw-udp")
        self.rules = rules
        self.congested = False
        self.faults = Faults(self, lambda: self.time, [read_fault(text) for text in faults])

    def opened(
        self, listen: Listen, client: Address, server: Address | None, local: Address | None = None
    ) -> Sink:
        flow = Flow(1, 1, self.protocol, listen, client, server, LOCAL)
        return Tap(flow, SessionKeys(), self.store, now=Clock(), rules=self.rules)

    def flow(self, transport: Transport = Transport.UDP) -> One:
        listen = Listen(self.protocol.name, transport, *LOCAL, upstream=SERVER)
        return One(self, listen)

    def later(self, seconds: float, call: Callable[[], None]) -> None:
        self.count += 1
        heapq.heappush(self.timers, (self.time + seconds, self.count, call))

    def run(self, seconds: float) -> None:
        end = self.time + seconds
        while self.timers and self.timers[0][0] <= end:
            self.time, _, call = heapq.heappop(self.timers)
            call()
        self.time = end


class One:
    """One flow, as the relay treats it; its own pipe."""

    def __init__(self, world: World, listen: Listen) -> None:
        self.world = world
        self.listen = listen
        self.local = LOCAL
        self.went: list[tuple[Direction, float, bytes]] = []
        self.ends: list[tuple[Direction, float]] = []
        self.ended: tuple[str, bool, float] | None = None
        self.paused: list[bool] = []
        self.sink: Any = world.faults.opened(listen, CLIENT, SERVER, LOCAL)
        self.later = world.later
        self.sink.started(self)  # as the relay does

    def come(self, data: bytes, direction: Direction = UP) -> None:
        if self.sink.held(direction):
            for one in self.sink.through(direction, data):
                self.send(direction, one)
        else:
            self.send(direction, data)
            self.sink.seen(direction, data)

    def eof(self, direction: Direction = UP) -> None:
        for one in self.sink.ended(direction):
            self.send(direction, one)
        if not self.sink.lingers(direction):
            self.end(direction)

    def send(self, direction: Direction, data: bytes) -> None:
        self.went.append((direction, round(self.world.time - 100, 6), data))

    def end(self, direction: Direction) -> None:
        self.ends.append((direction, round(self.world.time - 100, 6)))

    def close(self, reason: str, *, reset: bool = False) -> None:
        self.ended = reason, reset, round(self.world.time - 100, 6)
        self.sink.closed(reason)

    def pause(self, direction: Direction) -> None:
        self.paused.append(True)

    def go_on(self, direction: Direction) -> None:
        self.paused.append(False)

    def data(self) -> list[bytes]:
        return [data for _, _, data in self.went]


def numbered(count: int) -> Iterator[bytes]:
    return (b"%d" % number for number in range(count))


def test_without_faults_nothing_is_held() -> None:
    flow = World().flow()
    assert not flow.sink.held(UP)
    flow.come(b"x")
    assert flow.data() == [b"x"]


def test_loss_is_seeded_and_recorded() -> None:
    went = []
    for seed in ("7", "7", "8"):
        world = World(f"loss:30%@c>s,seed={seed}")
        flow = world.flow()
        for data in numbered(200):
            flow.come(data)
            flow.come(data, DOWN)
        went.append([data for way, _, data in flow.went if way is UP])
        lost = [f.raw or b"" for f in world.store.frames if f.action is Action.DROPPED]
        assert sorted(went[-1] + lost) == sorted(numbered(200))
        assert sum(way is DOWN for way, _, _ in flow.went) == 200
        assert len(world.store.frames) == 400
        assert world.store.events == [("fault", "loss: dropped")] * len(lost)
    assert went[0] == went[1] != went[2]
    assert 40 <= 200 - len(went[0]) <= 80


def test_duplicates_are_frames_of_their_own() -> None:
    world = World("duplicate:100%")
    flow = world.flow()
    flow.come(b"x")
    assert flow.data() == [b"x", b"x"]
    first, second = world.store.frames
    assert (first.raw, first.action, first.sent) == (b"x", None, None)
    assert (second.raw, second.action, second.sent) == (None, Action.DUPLICATED, b"x")


def test_reordered_datagrams_go_behind_later_ones_or_after_a_second() -> None:
    world = World("reorder:100%@up,behind=2")
    flow = world.flow()
    flow.come(b"first")
    world.faults.set([])
    assert flow.sink.held(UP)  # what waits must not be overtaken for ever
    for data in (b"a", b"b", b"c"):
        flow.come(data)
    assert flow.data() == [b"a", b"b", b"first", b"c"]
    assert not flow.sink.held(UP)
    world.faults.set([read_fault("reorder:100%")])
    flow.come(b"alone")
    world.run(0.9)
    assert flow.data()[4:] == []
    world.run(0.2)
    assert flow.data()[4:] == [b"alone"]
    assert world.store.frames[0].action is Action.DELAYED


def test_corrupted_bytes_are_recorded_as_they_were_sent() -> None:
    world = World("corrupt:100%,bits=3")
    flow = world.flow()
    flow.come(bytes(100))
    flow.come(b"")
    (sent, empty), frames = flow.data(), world.store.frames
    assert sum(byte.bit_count() for byte in sent) in (1, 3)
    assert empty == b""
    assert (frames[0].raw, frames[0].sent, frames[0].action) == (bytes(100), sent, Action.CHANGED)


def test_latency_keeps_streams_in_order_and_datagrams_apart() -> None:
    for transport in Transport:
        world = World("latency:100ms,jitter=90ms,seed=3", protocol=PLAIN)
        flow = world.flow(transport)
        for data in (b"A B=1\n", b"C D=2\n", b"E F=3\n", b"G H=4\n"):
            flow.come(data)
            world.run(0.01)
        world.run(1)
        times = [at for _, at, _ in flow.went]
        assert times == sorted(times)
        assert times[0] > 0.005
        assert times[-1] < 0.24
        assert sorted(flow.data())[0] == b"A B=1\n"
        if transport is Transport.TCP:
            assert b"".join(flow.data()) == b"A B=1\nC D=2\nE F=3\nG H=4\n"
            assert {frame.action for frame in world.store.frames} == {Action.DELAYED}


def test_bandwidth_spaces_bytes_out_and_a_full_line_loses_datagrams() -> None:
    world = World("bandwidth:1kB/s", protocol=PLAIN)
    flow = world.flow(Transport.TCP)
    for _ in range(3):
        flow.come(b"A B=" + b"x" * 95 + b"\n")
    world.run(10)
    assert [at for _, at, _ in flow.went] == pytest.approx([0.1, 0.2, 0.3], abs=0.001)
    world = World("bandwidth:1kB/s")
    flow = world.flow()
    for _ in range(30):
        flow.come(bytes(100))
    world.run(10)
    assert len(flow.went) == 11
    assert sum(frame.action is Action.DROPPED for frame in world.store.frames) == 19


def test_a_stream_is_braked_while_too_much_waits() -> None:
    world = World("latency:1s")
    flow = world.flow(Transport.TCP)
    flow.come(bytes(FULL + 1))
    assert flow.paused == [True]
    world.run(2)
    assert flow.paused == [True, False]
    assert len(b"".join(flow.data())) == FULL + 1


def test_a_slicer_cuts_streams() -> None:
    world = World("slicer:10,size_variation=4,delay=1ms@up")
    flow = world.flow(Transport.TCP)
    flow.come(bytes(range(100)))
    world.run(1)
    assert b"".join(flow.data()) == bytes(range(100))
    assert all(6 <= len(piece) <= 14 for piece in flow.data()[:-1])
    assert flow.went[3][1] == pytest.approx(0.003, abs=0.0005)


def test_a_timeout_lets_nothing_through_and_closes() -> None:
    world = World("timeout:2s@down")
    flow = world.flow(Transport.TCP)
    flow.come(b"request")
    flow.come(b"answer", DOWN)
    world.run(1.9)
    assert flow.ended is None
    world.run(0.2)
    assert flow.ended == ("timeout: closed", False, 2.0)
    assert flow.data() == [b"request"]
    never = World("timeout:0").flow()
    never.come(b"x")
    never.world.run(100)
    assert (never.went, never.ended) == ([], None)


def test_taking_a_fault_away_takes_back_what_it_had_put_off() -> None:
    world = World("timeout:2s")
    flow = world.flow()
    world.faults.set([read_fault("loss:0")])
    world.run(5)
    flow.come(b"x")
    assert (flow.ended, flow.data()) == (None, [b"x"])


def test_a_reset_comes_with_the_next_bytes() -> None:
    world = World("reset_peer:500ms")
    flow = world.flow(Transport.TCP)
    world.run(10)
    assert flow.ended is None
    flow.come(b"x")
    world.run(1)
    assert flow.ended == ("reset_peer: closed", True, 10.5)
    assert flow.went == []


def test_a_limit_of_bytes() -> None:
    world = World("limit_data:10@up")
    flow = world.flow(Transport.TCP)
    flow.come(b"1234567")
    flow.come(b"890abc")
    world.run(0)
    assert b"".join(flow.data()) == b"1234567890"
    assert flow.ended == ("limit_data: closed", False, 0.0)
    datagrams = World("limit_data:10").flow()
    for data in (b"1234567", b"890abc", b"d"):
        datagrams.come(data)
    assert datagrams.data() == [b"1234567"]


def test_the_end_of_a_stream_waits_for_what_is_late_and_for_a_slow_close() -> None:
    world = World("latency:1s")
    flow = world.flow(Transport.TCP)
    flow.come(b"last words")
    flow.eof()
    assert flow.ends == []
    world.run(3)
    assert flow.went == [(UP, 1.0, b"last words")]
    assert flow.ends == [(UP, 1.0)]
    slow = World("slow_close:2s").flow(Transport.TCP)
    slow.come(b"x")
    slow.eof(UP)
    slow.world.run(3)
    assert (slow.data(), slow.ends) == ([b"x"], [(UP, 2.0)])


def test_faults_come_after_rules_of_the_flow() -> None:
    """A frame that a rule keeps back meets no fault; the others are delayed as they are sent."""
    world = World("latency:1s@up", protocol=TOY, rules=(Swallow("GONE", UP),))
    flow = world.flow(Transport.TCP)
    flow.come(b"GONE A=1\nHERE B=2\nHAL")
    flow.come(b"F C=3\n")
    world.run(2)
    assert flow.data() == [b"HERE B=2\n", b"HALF C=3\n"]
    actions = [frame.action for frame in world.store.frames]
    assert actions == [Action.DROPPED, Action.DELAYED, Action.DELAYED]


def test_probability_of_whole_flows_is_drawn_once_for_each() -> None:
    world = World("timeout:0,probability=50%,seed=1")
    through = []
    for _ in range(40):
        flow = world.flow()
        flow.come(b"a")
        flow.come(b"b")
        through.append(len(flow.went))
    assert set(through) == {0, 2}
    assert 10 <= through.count(0) <= 30
