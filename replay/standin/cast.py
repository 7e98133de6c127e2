"""The recorder of a stand-in: makes a performer for every flow, and is the house of the world."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from proxy.flow import Flow, Store
from proxy.keys import SessionKeys
from proxy.legs import Leg, Redirects
from proxy.recorder import Recorder, Session, has_open
from proxy.relay.api import Address, Listen, Opener, show_address
from proxy.rules import Rule
from proxy.tap import Tap
from recordings.errors import UserError
from recordings.model import Transport
from replay.adaptive.chance import Chance
from replay.adaptive.memory import Memory
from replay.standin.doors import Doors
from replay.standin.ghosts import ghosts_of, recast
from replay.standin.live import Upstream, upstream_memory
from replay.standin.performer import Performer
from replay.standin.pool import Pool
from replay.standin.role import Part
from replay.standin.stage import Stage
from replay.standin.tape import Tape
from replay.standin.world import Client, Sitting, World

MOST_HOSTS = 100_000
"""Addresses of clients that are remembered, so that none but a client is ever sent to."""


class Keeper(Store, Protocol):
    """A store that keeps state, too: `recordings.writer.Recording`."""

    def keep(self, session_id: int | None, protocol: str, key: str, value: str | None) -> None:
        """Write what a stand-in remembers; None forgets it."""
        ...


@dataclass(frozen=True, slots=True)
class Show:
    """What the user said of a stand-in."""

    pool: Pool | None = None
    """What was recorded, where there is a FILE."""
    ghosts: Pool | None = None
    """Whose recorded players are present."""
    mode: str = "none"
    """Record mode: none, once, new_episodes, all."""
    options: Mapping[str, str] = field(default_factory=dict)
    accounts: Mapping[str, str] | None = None
    seed: int | str = 0
    keep: bool = False
    """Whether state outlives the run."""
    kept: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    """Shelf -> key -> what an earlier run kept."""
    opened: Callable[[Cast], None] = lambda cast: None
    """Called in the run's loop, when it is about to listen."""


class Cast(Recorder):
    """Makes a performer for every flow."""

    def __init__(
        self, show: Show, store: Keeper, *, now: Callable[[], int], **recorder: object
    ) -> None:
        super().__init__(store, now=now, **recorder)  # type: ignore[arg-type]
        self.store = store
        self.show = show
        self.unanswered = 0
        self.gone: set[Address | None] = set()
        """Servers that the stand-in has taken over from: said once."""
        self.world = World(
            self,
            now=now,
            seed=show.seed,
            options=show.options,
            accounts=show.accounts,
            secrets=self.settings.secrets,
            recorded=show.pool is not None,
            recorded_keys=show.pool.named_keys() if show.pool else None,
        )
        self.stage = Stage(self.world, self._later, on_note=self._stage_note)
        self._sittings: dict[int, Sitting] = {}
        self._parts: dict[int, Part] = {}
        self._performers: dict[tuple[Listen, Address], Performer] = {}
        self.doors = Doors(now)
        self._hosts: dict[str, None] = {}
        self._timers: list[tuple[float, Callable[[], None]]] = []
        self._newest: Performer | None = None

    def use(self, opener: Opener) -> Redirects:
        """See `Recorder.use`."""
        self.doors.redirects = super().use(opener)
        self.show.opened(self)
        return self.doors.redirects

    def port_of(self, protocol: str) -> int | None:
        """Where clients look for a protocol by themselves; None: it is not served."""
        known = self.doors.redirects.own if self.doors.redirects else {}
        ports = [port for (_, port), one in known.items() if one.protocol == protocol]
        return next(iter(ports), None)

    # Flows

    def opened(
        self,
        listen: Listen,
        client: Address,
        server: Address | None,
        local: Address | None = None,
    ) -> Tap:
        """See `Sinks.opened`."""
        own, listen = listen, self.doors.came(listen, client[0])
        if len(self._hosts) < MOST_HOSTS:
            self._hosts[client[0]] = None
        tap = super().opened(listen, client, server, local)
        assert isinstance(tap, Performer)
        tap.key = own, client
        self._performers[tap.key] = tap
        return tap

    def performers(self) -> list[Performer]:
        """Those whose flows are open."""
        return list(self._performers.values())

    def make_tap(self, flow: Flow, keys: SessionKeys, rules: list[Rule]) -> Tap:
        """See `Recorder.make_tap`."""
        return Performer(
            self,
            flow,
            keys,
            now=self._now,
            rules=rules,
            watch=self._watch,
            on_closed=self._closed,
            on_refused=self._on_refused,
        )

    def began(self, performer: Performer) -> None:
        """A client is about to be played to: find out from what."""
        first, self._newest = self._newest is None, performer
        if first:
            self._enter_ghosts()
        timers, self._timers = self._timers, []
        for seconds, call in timers:
            self._later(seconds, call)
        pool, flow = self.show.pool, performer.flow
        if pool is None:
            return
        rules = self.stage.rules(flow.protocol.name)
        plays = rules is not None and rules.recasts
        if pool.speaks(flow.protocol.name, flow.listen.transport) and not plays:
            performer.tape = Tape(self, performer, pool, keepalive=rules is None)

    def _enter_ghosts(self) -> None:
        """Those who are asked for, and whoever a recording that rules play knows besides."""
        show = self.show
        others = recast(self.stage, show.pool) if show.pool is not None else []
        asked = ghosts_of(self.stage, show.ghosts) if show.ghosts is not None else []
        for ghost in (*others, *asked):
            ghost.enter()

    def beside(self, performer: Performer) -> Upstream | None:
        """The live server beside a recording, where the mode asks for both."""
        pool, flow = self.show.pool, performer.flow
        name, transport = flow.protocol.name, flow.listen.transport
        if pool is None or self.show.mode != "new_episodes" or not pool.speaks(name, transport):
            return None
        if pool.numbered(name, transport):
            return None  # two cannot number what they say to one client: the server does
        performer.tape = tape = Tape(self, performer, pool, keepalive=False)
        memory = upstream_memory(performer.dissector.keys)
        facts = self.sitting(flow.session).facts  # one memory for all legs of a client
        memory = facts.setdefault("upstream", memory)
        return Upstream(flow.protocol, transport, memory, pushed=tape.pushes)

    def _closed(self, tap: Tap, reason: str) -> None:
        super()._closed(tap, reason)
        assert isinstance(tap, Performer)
        self.doors.left(tap)
        if tap.key is not None and self._performers.get(tap.key) is tap:
            del self._performers[tap.key]

    def _later(self, seconds: float, call: Callable[[], None]) -> None:
        """Any pipe knows the time; before the first one timers wait."""
        if self._newest is not None and self._newest.pipe is not None:
            self._newest.pipe.later(seconds, call)
        else:
            self._timers.append((seconds, call))

    def _stage_note(self, client: Client | None, kind: str, detail: str) -> None:
        self._write(self._store.add_event, kind, detail, at=self._now())
        if self._watch:
            self._watch.event(None, kind, detail)

    # Sessions

    def sitting(self, session_id: int) -> Sitting:
        """What the flows of a session share."""
        found = self._sittings.get(session_id)
        if found is None:
            keys = next((one.keys for one in self._sessions if one.id == session_id), None)
            found = Sitting(session_id, keys or SessionKeys(secrets=self.settings.secrets))
            self._sittings[session_id] = found
        return found

    def part(self, session_id: int) -> Part:
        """Which recorded session a live one plays: the one that the fewest others play."""
        found = self._parts.get(session_id)
        if found is None:
            assert self.show.pool is not None
            played = [one.plays for one in self._parts.values()]
            sessions = [one.id for one in self.show.pool.sessions]
            found = self._parts[session_id] = Part(
                min(sessions, key=played.count),
                self.sitting(session_id).keys,
                self.show.pool,
                Chance(f"{self.show.seed}/{session_id}", self._now),
                self._others,
            )
        return found

    def _others(self, part: Part) -> list[Memory]:
        """What other live clients are called, that play another part of the same recording."""
        return [
            self._parts[one.id].own
            for one in self._sessions
            if one.taps and one.id in self._parts and self._parts[one.id].plays != part.plays
        ]

    def _session_of(self, listen: Listen, leg: Leg | None, client: str, at: int) -> Session:
        """Two consoles at one address are two sessions, though each goes to the directory anew."""
        if leg is None and listen.session is None:
            for session in reversed(self._sessions):
                busy = self.doors.busy(session.id, listen, open_flows=bool(session.taps), at=at)
                if session.client == client and not busy and not has_open(session, listen):
                    return session
            return self._new(client, at)
        return super()._session_of(listen, leg, client, at)

    def _end(self, session: Session) -> None:
        super()._end(session)
        self.doors.forget(session.id)
        self._sittings.pop(session.id, None)
        self._parts.pop(session.id, None)

    def close(self) -> None:
        """The run ends."""
        self.stage.end()
        super().close()

    # The house of the world (see `replay.standin.world.House`)

    def reach(
        self, client: Client, protocol: str, transport: Transport, role: str, private: bool
    ) -> Address:
        """See `World.reach`."""
        performer = client.port
        if not isinstance(performer, Performer):
            return client.local  # a ghost goes nowhere
        return self.doors.reach(performer, protocol, transport, role, private)

    def call(self, address: Address, protocol: str, role: str) -> Client:
        """See `World.call`."""
        found = self.doors.listener(protocol, Transport.UDP, role)
        if found is None:
            raise UserError(f"nothing here listens for {protocol} {role} over UDP".strip())
        if address[0] not in self._hosts:
            raise UserError(f"{show_address(address)} is no client: it has never sent anything")
        listen, _ = found
        performer = self._performers.get((listen, address))
        if performer is None:
            assert self.redirects is not None
            if not self.redirects.opener.call(listen, address):
                raise UserError(f"{show_address(address)} cannot be reached from here")
            performer = self._performers[listen, address]
        return performer.client

    def state(self, name: str) -> Mapping[str, str]:
        """See `House.state`."""
        return self.show.kept.get(name, {})

    def keep(self, name: str, key: str, value: str | None) -> None:
        """See `House.keep`."""
        if self.show.keep:
            self._write(self.store.keep, None, name, key, value)
