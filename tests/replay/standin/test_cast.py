"""A stand-in's flows without sockets: a pipe, a clock by hand, a recording in lists."""

from __future__ import annotations

import gc
import heapq
import weakref
from collections.abc import Callable
from pathlib import Path

import pytest

from proxy.message import Opaque
from proxy.relay.api import Address, Listen
from recordings.errors import UserError
from recordings.model import Direction, Transport
from recordings.reader import Reader
from replay.servers.gamespy_presence import GamespyPresence
from replay.standin.cast import Cast, Show
from replay.standin.performer import Performer
from replay.standin.pool import Pool
from replay.standin.speech import SLOW_LIMIT
from tests.replay import clients
from tests.replay.standin.console import frame
from tests.toy import Clock, MemoryOpener, MemoryStore

UP, DOWN = Direction.TO_SERVER, Direction.TO_CLIENT


class Store(MemoryStore):
    """A recording that keeps state."""

    def keep(self, session_id: int | None, protocol: str, key: str, value: str | None) -> None:
        self.events.append(("kept", key))


class Pipe:
    """The client's end of a flow."""

    local: Address = ("192.0.2.1", 7)

    def __init__(self, listen: Listen, clock: Clock) -> None:
        self.listen = listen
        self._clock = clock
        self.sent: list[bytes] = []
        self.ended: str | None = None
        self.unread = 0
        self.braked: list[str] = []
        self._due: list[tuple[int, int, Callable[[], None]]] = []

    def send(self, direction: Direction, data: bytes) -> None:
        self.sent.append(data)

    def waiting(self, direction: Direction) -> int:
        return self.unread

    def end(self, direction: Direction) -> None:
        """Never asked."""

    def close(self, reason: str, *, reset: bool = False) -> None:
        self.ended = reason

    def pause(self, direction: Direction) -> None:
        self.braked.append("pause")

    def go_on(self, direction: Direction) -> None:
        self.braked.append("go on")

    def later(self, seconds: float, call: Callable[[], None]) -> None:
        heapq.heappush(self._due, (self._clock.at + int(seconds * 1e6), len(self._due), call))

    def passes(self, seconds: float) -> None:
        until = self._clock.at + int(seconds * 1e6)
        while self._due and self._due[0][0] <= until:
            self._clock.at, _, call = heapq.heappop(self._due)
            call()
        self._clock.at = until


class Run:
    """A cast and its flows."""

    def __init__(self, show: Show) -> None:
        self.store, self.clock = Store(), Clock(1_700_000_000_000_000)
        self.cast = Cast(show, self.store, now=self.clock)
        self.opener = MemoryOpener()
        self.cast.use(self.opener)

    def flow(
        self,
        protocol: str,
        *,
        port: int = 50_000,
        transport: Transport = Transport.TCP,
        **facts: str,
    ) -> tuple[Performer, Pipe]:
        listen = Listen(protocol, transport, "192.0.2.1", 7, **facts)  # type: ignore[arg-type]
        return self.at(listen, port)

    def at(self, listen: Listen, port: int = 50_000) -> tuple[Performer, Pipe]:
        tap = self.cast.opened(listen, ("192.0.2.9", port), None, ("192.0.2.1", 7))
        assert isinstance(tap, Performer)
        pipe = Pipe(listen, self.clock)
        tap.started(pipe)
        return tap, pipe

    def events(self, kind: str) -> list[str]:
        return [detail for name, detail in self.store.events if name == kind]


def pool(path: Path) -> Pool:
    with Reader.open(path) as reader:
        return Pool(reader, reader.sessions())


def test_what_differs_is_explained(tmp_path: Path) -> None:
    taped = clients.ea_evening(tmp_path / "tape.db")
    run = Run(Show(pool=pool(taped.path)))
    tap, _ = run.flow("ea-lobby")
    tap.seen(UP, frame("xyzz", "A=b"))
    assert run.events("unanswered") == ["xyzz c>s was never recorded"]
    assert run.cast.unanswered == 1
    for _ in range(5):
        tap.seen(UP, frame("xyzz", "A=b"))
    assert run.cast.unanswered == 6
    assert len(run.events("unanswered")) == 6, "each is recorded"


def test_a_guess_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where no rules are beside the recording, that know better."""
    monkeypatch.setattr(GamespyPresence, "beside", False)
    taped = clients.presence(tmp_path / "tape.db")
    run = Run(Show(pool=pool(taped.path)))
    tap, pipe = run.flow("gamespy-presence")
    assert pipe.sent[0].startswith(b"\\lc\\1\\"), "the server speaks first"
    tap.seen(
        UP, rb"\getprofile\\sesskey\1\profileid\5\id\77\odd\1\more\2\than\3\known\4\final" + b"\\"
    )
    told = run.events("guessed") + run.events("unanswered")
    assert told
    assert "getprofile" in told[0]


def test_minutes_of_waiting_are_kept_alive(tmp_path: Path) -> None:
    """By the protocol's own rhythm: no rules here, the recording has the ping."""
    taped = clients.ea_evening(tmp_path / "tape.db")
    run = Run(Show(pool=pool(taped.path)))
    tap, pipe = run.flow("ea-lobby", role="lobby")
    tap.seen(UP, frame("addr", "ADDR=192.0.2.100", "PORT=59750"))
    assert [one[:4] for one in pipe.sent] == [b"~png"], "the first one at once, as it was recorded"
    before = len(pipe.sent)
    for _ in range(30):
        pipe.passes(10.0)
        tap.seen(UP, frame("~png", "REF=x", "TIME=1"))
    pings = [one for one in pipe.sent[before:] if one[:4] == b"~png"]
    assert 12 <= len(pings) <= 15, "five minutes, one in 22 seconds"
    assert pipe.ended is None


def test_who_does_not_read_is_dropped() -> None:
    run = Run(Show())
    tap, pipe = run.flow("ea-lobby", role="lobby")
    tap.seen(UP, frame("peek", "NAME=East"))
    assert pipe.sent
    pipe.unread = SLOW_LIMIT + 1
    tap.seen(UP, frame("peek", "NAME=East"))
    assert pipe.ended == "too slow"
    assert run.events("slow")


def test_the_announced_leg_belongs_to_the_same_session() -> None:
    run = Run(Show())
    flows = []
    for _ in range(2):  # two consoles at one address, one after the other
        directory, pipe = run.flow("ea-lobby", role="directory")
        directory.seen(UP, frame("@dir", "PROD=NASCAR-PS2-2004"))
        assert b"ADDR=192.0.2.1" in pipe.sent[0]
        directory.closed("client closed")
        flows.append(directory.flow.session)
    assert flows[0] != flows[1]
    (lobby,) = run.opener.opened
    first, second = run.at(lobby)[0], run.at(lobby)[0]
    assert [first.flow.session, second.flow.session] == flows
    parents = [one["parent_frame_id"] for one in run.store.flows.values()][-2:]
    kinds = [run.store.frames[parent - 1].kind for parent in parents]
    assert kinds == ["@dir", "@dir"]


def test_only_clients_are_called() -> None:
    run = Run(Show())
    with pytest.raises(UserError, match="nothing here listens"):
        run.cast.call(("192.0.2.9", 1), "raw-udp", "")
    assert run.cast.redirects
    listen = Listen("raw-udp", Transport.UDP, "192.0.2.1", 9)
    run.cast.redirects.own[Transport.UDP, 9] = listen
    with pytest.raises(UserError, match="is no client"):
        run.cast.call(("203.0.113.5", 1), "raw-udp", "")
    performer, _ = run.at(listen, 4000)
    assert run.cast.call(("192.0.2.9", 4000), "raw-udp", "") is performer.client
    with pytest.raises(UserError, match="cannot be reached"):
        run.cast.call(("192.0.2.9", 4001), "raw-udp", "")


def test_state_is_kept_when_asked_alone() -> None:
    for keep in (False, True):
        run = Run(Show(keep=keep))
        tap, _ = run.flow("ea-lobby", role="lobby")
        tap.seen(UP, frame("auth", "NAME=alice", "PASS=x"))
        assert bool(run.events("kept")) is keep


def test_who_comes_next_from_one_address_is_not_who_was_here(tmp_path: Path) -> None:
    taped = clients.ea_evening(tmp_path / "tape.db")
    run = Run(Show(pool=pool(taped.path)))
    for name in ("Somebody", "Turn4", "Another1"):
        tap, pipe = run.flow("ea-lobby", role="lobby")
        tap.seen(UP, frame("pers", f"PERS={name}"))
        whos = [one for one in pipe.sent if one[:4] == b"+who"]
        assert f"N={name}".encode() in whos[0], name
        tap.closed("client closed")
    assert len(run.store.sessions) == 1


def test_who_floods_is_made_to_wait() -> None:
    run = Run(Show())
    tap, pipe = run.flow("ea-lobby", role="lobby")
    tap.seen(UP, frame("peek", "NAME=East") * 2500)
    assert len(pipe.sent) == 1000
    assert pipe.braked == ["pause"]
    other, quiet = run.flow("ea-lobby", port=50_001, role="lobby")
    other.seen(UP, frame("peek", "NAME=East"))
    assert len(quiet.sent) == 1, "nobody waits for it"
    pipe.passes(1.0)
    assert 1900 <= len(pipe.sent) <= 2100
    pipe.passes(1.0)
    assert len(pipe.sent) == 2500, "and nothing is lost"
    assert pipe.braked == ["pause", "go on"]
    tap.seen(UP, frame("peek", "NAME=East") * 2500)
    tap.closed("client closed")
    before = len(pipe.sent)
    pipe.passes(5.0)
    assert len(pipe.sent) == before


def test_a_flow_that_is_over_is_freed_at_once() -> None:
    run = Run(Show())
    performer, pipe = run.flow("kaillera", transport=Transport.UDP, role="private 1")
    performer.seen(UP, b"\1\0\0\x0a\0\3alice\0x\0\1")  # UserInfo, number 0: the login begins
    assert pipe.sent
    run.flow("kaillera", transport=Transport.UDP, port=50_001)  # the newest one knows the time
    client = performer.client
    flow = weakref.ref(performer)
    gc.disable()
    try:
        performer.say(Opaque(b"last words"), None, False)
        performer.closed("idle")
        told = len(pipe.sent)
        performer.say(Opaque(b"too late"), None, False)
        client.port.close("too late", False)
        assert len(pipe.sent) == told
        assert pipe.ended is None
        del performer
        assert flow() is None
    finally:
        gc.enable()
    assert not client.open
    assert client.sitting.number == 1
    client.port.note("nobody", "takes it down")
    pipe.passes(200.0)
    assert not run.events("defect")
