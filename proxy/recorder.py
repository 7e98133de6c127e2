"""From flows to sessions: makes the tap of each new flow and says which sitting it belongs to.

A flow belongs to its parent's session when its listener was opened for this client; else to the
session that shares the protocol's session key, as soon as that key is seen; else to the newest
open session of that client address and game that has no open flow of this protocol and role; else
to a new one. A session ends five minutes after its last flow.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from proxy import registry
from proxy.flow import Flow, Store, Unread, Watch
from proxy.keys import FlowKeys, SessionKeys
from proxy.legs import Leg, Redirects
from proxy.mutation.engine import Mutations
from proxy.redirect import Redirect
from proxy.relay.api import Address, Listen, Opener, show_address
from proxy.rules import Rule, Swallow
from proxy.session import LINGER, Session, has_open
from proxy.tap import Tap
from recordings.errors import UserError
from recordings.model import Direction, Key, Origin

__all__ = ["LINGER", "Recorder", "Session", "Settings", "Tally", "has_open"]

MOST_SESSIONS = 8192
"""Sessions at once; beyond that, some that wait for another flow end early."""
TICK = 1_000_000
"""Microseconds between two looks at all sessions when flows open."""


@dataclass(frozen=True, slots=True)
class Settings:
    """What the user said of all sessions of a run."""

    game: str | None = None
    keys: tuple[Key, ...] = ()
    secrets: Mapping[str, str] = field(default_factory=dict)
    swallow: tuple[tuple[str, Direction], ...] = ()
    """Kinds of frames to keep from the other side, with their direction."""
    relay_peers: bool = False
    mutations: Mutations | None = None
    origin: Origin = Origin.RECORD


@dataclass(slots=True)
class Tally:
    """What was recorded."""

    sessions: int = 0
    flows: int = 0
    frames: int = 0
    bytes: int = 0
    errors: int = 0

    def add(self, tap: Tap) -> None:
        """Count a tap's frames in."""
        self.frames += tap.frames
        self.bytes += tap.bytes
        self.errors += tap.errors


class Recorder:
    """Makes a tap for every flow (see `proxy.relay.api.Sinks`)."""

    def __init__(
        self,
        store: Store,
        *,
        now: Callable[[], int],
        settings: Settings | None = None,
        watch: Watch | None = None,
        on_refused: Callable[[str], None] | None = None,
    ) -> None:
        self.settings = settings or Settings()
        self.redirects: Redirects | None = None
        self.unread: Unread | None = None  # takes datagrams that others may dissect
        self._store = store
        self._now = now
        self._watch = watch
        self._on_refused = on_refused
        self._sessions: list[Session] = []  # open ones, oldest first
        self._of_client: dict[str, list[Session]] = {}
        self._ticked = 0
        self._room = MOST_SESSIONS
        self._tally = Tally()

    def use(self, opener: Opener) -> Redirects:
        """Follow redirects with the relay that opens listeners."""
        self.redirects = Redirects(opener, relay_peers=self.settings.relay_peers)
        return self.redirects

    @property
    def congested(self) -> bool:
        """See `Sinks.congested`."""
        return self._store.congested

    def tally(self) -> Tally:
        """What was recorded until now."""
        total = Tally(**{name: getattr(self._tally, name) for name in Tally.__slots__})
        for session in self._sessions:
            for tap in session.taps:
                total.add(tap)
        return total

    def _write(self, call: Callable[..., int | None], *args: object, **named: object) -> int:
        """Give something to the store; 0 once it refuses: the game may go on without it."""
        try:
            return call(*args, **named) or 0
        except UserError as error:
            if self._on_refused:
                self._on_refused(str(error))
            return 0

    # Flows

    def opened(
        self,
        listen: Listen,
        client: Address,
        server: Address | None,
        local: Address | None = None,
    ) -> Tap:
        """See `Sinks.opened`."""
        at = self._now()
        if abs(at - self._ticked) >= TICK:
            self.tick(at)
        protocol = registry.protocol(listen.protocol)
        leg = self.redirects.legs.get(listen) if self.redirects else None
        session = self._session_of(listen, leg, client[0], at)
        flow_id = self._write(
            self._store.add_flow,
            session_id=session.id,
            protocol=protocol.name,
            transport=listen.transport,
            client=show_address(client),
            server=show_address(server) if server else None,
            hostname=listen.hostname,
            parent_frame_id=leg.parent if leg else listen.parent_frame,
            opened_at=at,
        )
        self._tally.flows += 1
        flow = Flow(
            flow_id, session.id, protocol, listen, client, server, local or _address(listen)
        )
        return self._tap(flow, session, leg)

    def _tap(self, flow: Flow, session: Session, leg: Leg | None) -> Tap:
        guessed = leg is None and flow.listen.session is None

        def learned(key: Key) -> None:
            if guessed and key.name in flow.protocol.session_keys:
                self._join(tap, keys, key)

        keys = FlowKeys(session.keys, learned)
        rules: list[Rule] = [Swallow(kind, way) for kind, way in self.settings.swallow]
        if self.redirects:
            rules.append(Redirect(flow, self.redirects, lambda kind, text: tap.note(kind, text)))
        if self.settings.mutations:
            rules += self.settings.mutations.of(flow, lambda *event: tap.note(*event))
        rules = [rule for rule in rules if any(rule.holds(way) for way in Direction)]
        tap = self.make_tap(flow, keys, rules)
        session.add(tap)
        session.flows += 1
        if leg:
            leg.flows += 1
        return tap

    def make_tap(self, flow: Flow, keys: SessionKeys, rules: list[Rule]) -> Tap:
        """The sink of a new flow; a stand-in makes one that answers."""
        return Tap(
            flow,
            keys,
            self._store,
            now=self._now,
            rules=rules,
            watch=self._watch,
            on_closed=self._closed,
            on_refused=self._on_refused,
            unread=self.unread,
        )

    def tap_of(self, flow_id: int) -> Tap | None:
        """The tap of an open flow."""
        taps = (tap for session in self._sessions for tap in session.taps)
        return next((tap for tap in taps if tap.flow.id == flow_id), None)

    def _closed(self, tap: Tap, reason: str) -> None:
        at = self._now()
        flow = tap.flow
        self._write(self._store.close_flow, flow.id, at, reason)
        self._tally.add(tap)
        leg = self.redirects.legs.get(flow.listen) if self.redirects else None
        if leg:
            leg.flows -= 1
        for session in self._of_client.get(flow.client[0], ()):
            if tap in session.taps:
                session.discard(tap)
                session.idle_since = at
        if self._watch:
            self._watch.event(flow, "closed", reason)

    # Sessions

    def tick(self, at: int) -> None:
        """End the sessions whose last flow ended five minutes ago."""
        self._ticked = at
        for session in [one for one in self._sessions if one.over(at)]:
            self._end(session)

    def close(self) -> None:
        """End all sessions; the flows are closed already."""
        for session in list(self._sessions):
            self._end(session)

    def _forget(self, session: Session) -> None:
        self._sessions.remove(session)
        theirs = self._of_client[session.client]
        theirs.remove(session)
        if not theirs:
            del self._of_client[session.client]

    def _end(self, session: Session) -> None:
        self._forget(session)
        self._write(self._store.end_session, session.id)

    def _session_of(self, listen: Listen, leg: Leg | None, client: str, at: int) -> Session:
        wanted = leg.session if leg else listen.session
        for session in [one for one in self._of_client.get(client, ()) if one.over(at)]:
            self._end(session)
        theirs = self._of_client.get(client, ())
        for session in reversed(theirs):
            if session.id == wanted:
                return session
        for session in reversed(theirs):
            if not has_open(session, listen):
                return session
        return self._new(client, at)

    def _make_room(self) -> None:
        """End the oldest sessions without open flows when crowds of clients come."""
        for session in [one for one in self._sessions if not one.taps][: MOST_SESSIONS // 2]:
            self._end(session)
        self._room = max(MOST_SESSIONS, len(self._sessions) + MOST_SESSIONS // 4)

    def _new(self, client: str, at: int) -> Session:
        if len(self._sessions) >= self._room:
            self._make_room()
        settings = self.settings
        session_id = self._write(
            self._store.add_session, game=settings.game, client=client, origin=settings.origin
        )
        session = Session(session_id, client, SessionKeys(settings.keys, settings.secrets))
        session.idle_since = at
        for key in settings.keys:
            self._write(self._store.add_key, session_id, key)
        self._sessions.append(session)
        self._of_client.setdefault(client, []).append(session)
        self._tally.sessions += 1
        return session

    def _join(self, tap: Tap, keys: FlowKeys, key: Key) -> None:
        """Move a flow to the one other session of this client that has the very same key."""
        flow = tap.flow
        theirs = self._of_client.get(flow.client[0], ())
        mine = next((one for one in theirs if tap in one.taps), None)
        if mine is None or _knows(mine.keys, key):
            return
        others = [
            session
            for session in theirs
            if session is not mine
            and not has_open(session, flow.listen)
            and _knows(session.keys, key)
        ]
        if len(others) != 1:
            return
        mine.discard(tap)
        mine.flows -= 1
        mine.idle_since = self._now()
        others[0].add(tap)
        others[0].flows += 1
        flow.session = others[0].id
        keys.follow(others[0].keys)
        self._write(self._store.move_flow, flow.id, flow.session)
        if not mine.flows:
            self._forget(mine)
            self._write(self._store.drop_session, mine.id)
            self._tally.sessions -= 1


def _knows(keys: Iterable[Key], key: Key) -> bool:
    return any((one.name, one.key) == (key.name, key.key) for one in keys)


def _address(listen: Listen) -> Address:
    return listen.host, listen.port
