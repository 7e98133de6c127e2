"""Frames that no rule cares for go on before they are looked at, and nothing else changes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy import registry
from proxy.flow import Flow
from proxy.message import OPAQUE, Message
from proxy.protocol import Protocol
from proxy.relay.api import Address, Listen
from proxy.rules import Change, Rule, Swallow, Verdict, chosen
from proxy.tap import Tap
from recordings.model import Action, Direction, Frame, Json, Transport
from tests.toy import DOWN, TOY, UP, Clock, MemoryStore, keys, listen

PEEKED = replace(TOY, peek=lambda direction, clear: clear[:4].decode("latin-1").strip())


class Wire:
    """A pipe that notes what is sent, and how much was recorded by then."""

    def __init__(self, store: MemoryStore, direct: bool) -> None:
        self.direct = direct
        self.listen: Listen = listen()
        self.local: Address = ("192.0.2.1", 7)
        self.out: list[bytes] = []
        self.recorded: list[int] = []
        self._store = store

    def send(self, direction: Direction, data: bytes) -> None:
        self.out.append(data)
        self.recorded.append(len(self._store.frames))

    def end(self, direction: Direction) -> None: ...

    def close(self, reason: str, *, reset: bool = False) -> None: ...

    def later(self, seconds: float, call: Callable[[], None]) -> None: ...


class Nosy:
    """A rule that says nothing of kinds: it looks at all."""

    def holds(self, direction: Direction) -> bool:
        return direction is DOWN

    def judge(self, frame: Frame, message: Message) -> Verdict:
        return message

    def recorded(self, frame: Frame) -> None: ...


def make(
    protocol: Protocol, rule: Rule, *, direct: bool = True, transport: Transport = Transport.TCP
) -> tuple[Tap, Wire, MemoryStore]:
    store = MemoryStore()
    leg = replace(listen(), transport=transport)
    flow = Flow(1, 1, protocol, leg, ("198.51.100.5", 9), ("203.0.113.9", 7), ("192.0.2.1", 7))
    tap = Tap(flow, keys(), store, now=Clock(), rules=[rule])
    wire = Wire(store, direct)
    tap.started(wire)
    return tap, wire, store


def test_what_no_rule_cares_for_is_sent_before_it_is_recorded() -> None:
    tap, wire, store = make(PEEKED, Swallow("TIC", DOWN))
    assert tap.through(DOWN, b"PING\nPONG\n") == []
    assert (wire.out, wire.recorded) == ([b"PING\nPONG\n"], [0])
    assert [frame.kind for frame in store.frames] == ["PING", "PONG"]
    assert tap.pending(DOWN) == 0
    assert tap.through(DOWN, b"TIC A=1\nA\n") == [b"A\n"]
    assert store.frames[2].action is Action.DROPPED


@pytest.mark.parametrize(
    ("protocol", "rule", "direct"),
    [
        (TOY, Swallow("TIC", DOWN), True),
        (PEEKED, Nosy(), True),
        (PEEKED, Swallow("TIC", DOWN), False),
    ],
    ids=["no peek", "a rule for all kinds", "something before the socket"],
)
def test_else_it_is_recorded_before_it_is_sent(
    protocol: Protocol, rule: Rule, direct: bool
) -> None:
    tap, wire, store = make(protocol, rule, direct=direct)
    assert tap.through(DOWN, b"PING\n") == [b"PING\n"]
    assert wire.out == []
    assert len(store.frames) == 1


@given(
    st.lists(st.sampled_from([b"PING\n", b"TIC A=1\n", b"A\n", b"!", b"~", b"LONG B=2\n"])),
    st.lists(st.integers(1, 9), min_size=1),
)
def test_the_peer_gets_the_same_either_way(lines: list[bytes], sizes: list[int]) -> None:
    stream = b"".join(lines)
    results = []
    for direct in (False, True):
        tap, wire, store = make(PEEKED, Swallow("TIC", DOWN), direct=direct)
        got, start, turn = bytearray(), 0, 0
        while start < len(stream):
            size = sizes[turn % len(sizes)]
            out = tap.through(DOWN, stream[start : start + size])
            got += b"".join(wire.out) + b"".join(out)
            wire.out.clear()
            start, turn = start + size, turn + 1
        got += b"".join(tap.ended(DOWN))
        results.append((bytes(got), [(f.raw, f.kind, f.error, f.action) for f in store.frames]))
    assert results[0] == results[1]
    assert b"".join(raw or b"" for raw, *_ in results[0][1]) == stream


def test_datagrams_go_on_by_their_first_bytes() -> None:
    protocol = registry.protocol("kaillera")
    tap, wire, store = make(protocol, Swallow("HELLOD00D", DOWN), transport=Transport.UDP)
    pong, dood = b"PONG\0", b"HELLOD00D3000\0"
    assert tap.through(DOWN, pong) == []
    assert (wire.out, wire.recorded) == ([pong], [0])
    assert tap.through(DOWN, dood) == []
    assert wire.out == [pong]
    assert [(f.kind, f.action) for f in store.frames] == [
        ("PONG", None),
        ("HELLOD00D", Action.DROPPED),
    ]


def test_rules_together_look_at_the_kinds_of_each() -> None:
    assert chosen([Swallow("A", UP), Swallow("B", DOWN)]) == frozenset("AB")
    assert chosen([]) == frozenset()
    assert chosen([Swallow("A", UP), Nosy()]) is None


@pytest.mark.parametrize("name", ["ea-lobby", "kaillera"])
def test_a_peek_names_every_kind_that_is_announced(name: str) -> None:
    """The golden frames: a look tells the kinds of `announces` and `swallow` from all others."""
    import importlib

    protocol = registry.protocol(name)
    vectors = importlib.import_module(f"tests.vectors.{name.replace('-', '_')}").VECTORS
    named = {one.kind for one in protocol.announces} | {kind for kind, _ in protocol.swallow}
    assert protocol.peek is not None
    looked = 0
    for vector in vectors:
        kind = vector.kind if vector.kind in named else None
        seen = protocol.peek(vector.direction, vector.plain or vector.raw)
        if vector.kind != OPAQUE:  # a rule leaves what cannot be viewed alone
            assert (seen if seen in named else None) == kind, vector.name
            looked += kind is not None
    assert looked


def _fails(*_: object) -> Any:
    raise ZeroDivisionError("a defect")


class _Speechless(Message):
    """A message of a protocol file that fails when it is asked what it says."""

    kind = "A"

    def __init__(self, clear: bytes) -> None:
        self.clear = clear

    def encode(self) -> bytes:
        return self.clear

    def fields(self) -> dict[str, Json]:
        raise ZeroDivisionError("a defect")


class _Told(Nosy):
    def recorded(self, frame: Frame) -> None:
        raise ZeroDivisionError("a defect")


class _Edits(Nosy):
    def judge(self, frame: Frame, message: Message) -> Verdict:
        return Change(message, wire=(_fails,))


class _Blind:
    """A live view that fails."""

    def frame(self, flow: Flow, frame: Frame, message: Message | None) -> None:
        raise ZeroDivisionError("a defect")

    def event(self, flow: Flow | None, kind: str, detail: str) -> None: ...


@pytest.mark.parametrize("transport", list(Transport))
@pytest.mark.parametrize(
    ("protocol", "rule"),
    [
        (replace(TOY, peek=_fails), Swallow("C", DOWN)),
        (replace(TOY, view_frame=lambda frame: _Speechless(frame.clear)), Nosy()),
        (TOY, _Told()),
        (TOY, _Edits()),
        (TOY, Nosy()),
    ],
    ids=["peek", "fields", "recorded", "wire edit", "live view"],
)
def test_nothing_that_fails_loses_or_repeats_a_byte(
    protocol: Protocol, rule: Rule, transport: Transport
) -> None:
    tap, wire, store = make(protocol, rule, transport=transport)
    tap._watch = _Blind() if type(rule) is Nosy else None
    chunks = [b"A B=1\n", b"D\nA ", b"B=2\n"]
    if transport is Transport.UDP:
        chunks = b"".join(chunks).splitlines(keepends=True)
    for chunk in chunks:
        wire.out += tap.through(DOWN, chunk)
    assert b"".join(wire.out) == b"".join(chunks)
    assert [frame.raw for frame in store.frames] == [b"A B=1\n", b"D\n", b"A B=2\n"]
    assert len(store.events) <= 1, "it is said once"
