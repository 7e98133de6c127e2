"""From the conversations of a capture to a recording: each becomes a flow, by tap and recorder.

Flows are grouped into sessions by `proxy.recorder`, whose clock is the capture's. Conversations
that nobody described go into sessions of their own, unless they are with a server of a game: a
capture holds whatever else the machine did, and that must not join two evenings into one.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from proxy import catalog, registry
from proxy.flow import Store
from proxy.importing import names
from proxy.importing.announced import Announced, Expected
from proxy.importing.feeding import Feeding, adrift_at_start
from proxy.importing.guess import RAW, Guess, Guesser
from proxy.importing.hints import Hints
from proxy.importing.store import CaptureClock
from proxy.recorder import Recorder, Settings, Tally
from proxy.relay.api import Listen
from recordings.captures.conversation import Conversation, Side
from recordings.errors import UserError
from recordings.model import Origin, Transport

OTHER = " other"
"""The group of conversations that nobody described; no game has a name like that."""
MOST_EVENTS = 1000
"""Troubles with packets that become events; further ones are counted."""
MOST_SERVERS = 65_536


@dataclass(frozen=True, slots=True)
class Wishes:
    """What the user says of an import."""

    game: catalog.Game | None = None
    ports: Mapping[int, str] = field(default_factory=dict)
    """Port -> protocol."""
    settings: Settings = field(default_factory=Settings)
    """Keys and secrets."""
    known_only: bool = False
    """Leave out conversations of protocols that are not known."""


class Importer:
    """Hears of conversations (see `recordings.captures.conversation.Handler`)."""

    def __init__(self, store: Store, clock: CaptureClock, wishes: Wishes, hints: Hints) -> None:
        self.clock = clock
        self.left_out = 0
        """Conversations of unknown protocols that were not recorded."""
        self.troubles: dict[str, int] = {}
        """What was wrong with packets, and how often."""
        self._store = store
        self._wishes = wishes
        self._hints = hints
        self._guesser = Guesser(said=wishes.ports, game=wishes.game)
        self._announced = Announced()
        self._groups: dict[str | None, Recorder] = {}
        self._servers: dict[tuple[str, str], str | None] = {}
        """Client and server host of a known flow -> its group."""

    # What a capture tells

    def data(self, side: Side, data: bytes, at: int) -> None:
        """See `Handler.data`."""
        feeding = side.conversation.sink
        if feeding.__class__ is Feeding and feeding.later and at >= feeding.later[0]:
            feeding.closed("closed", feeding.clock.at)
            side.conversation.opened, feeding = at, None
        if feeding is None:
            feeding = side.conversation.sink = self._open(side, data) or _LEFT_OUT
        if feeding is not _LEFT_OUT:
            feeding.data(side.index, data, at)

    def gap(self, side: Side, size: int, at: int) -> None:
        """See `Handler.gap`."""
        feeding = self._feeding(side.conversation)
        if feeding:
            feeding.gap(side.index, size, at)
        elif side.conversation.sink is None:
            side.conversation.initiator = None  # what comes does not begin the stream

    def ended(self, side: Side, at: int) -> None:
        """See `Handler.ended`."""
        feeding = self._feeding(side.conversation)
        if feeding:
            feeding.ended(side.index, at)

    def closed(self, conversation: Conversation, reason: str, at: int) -> None:
        """See `Handler.closed`."""
        feeding = self._feeding(conversation)
        if feeding:
            feeding.closed(reason, at)
        elif conversation.sink is None and reason == "refused":
            self._refused(conversation, at)
        conversation.sink = _LEFT_OUT

    def trouble(self, fact: str, number: int, side: Side | None, at: int) -> None:
        """See `Handler.trouble`."""
        count = self.troubles.get(fact, 0)
        if count or len(self.troubles) < MOST_EVENTS:
            self.troubles[fact] = count + 1
        if count:
            return  # said once
        detail = f"packet {number}: {fact}"
        feeding = self._feeding(side.conversation) if side else None
        if feeding:
            feeding.note("truncated", detail, at)
        elif len(self.troubles) < MOST_EVENTS:
            self._store.add_event("malformed", detail, at=at)

    def note(self, conversation: Conversation, kind: str, detail: str, at: int) -> None:
        """Something is to be known of a conversation."""
        feeding = self._feeding(conversation)
        if feeding:
            feeding.note(kind, detail, at)

    def named(self, host: str, name: str) -> None:
        """The capture says what a host is called."""
        known = self._guesser.names
        if len(known) < MOST_SERVERS and _is_name(name):
            known[host] = name.rstrip(".").lower()

    def finish(self) -> Tally:
        """The sessions are over; what was recorded."""
        total = Tally()
        for recorder in self._groups.values():
            tally = recorder.tally()
            for name in Tally.__slots__:
                setattr(total, name, getattr(total, name) + getattr(tally, name))
            recorder.close()
        return total

    # Flows

    def _feeding(self, conversation: Conversation) -> Feeding | None:
        sink = conversation.sink
        return sink if isinstance(sink, Feeding) else None

    def _open(self, side: Side, data: bytes) -> Feeding | None:
        conversation = side.conversation
        transport = conversation.transport
        if transport is Transport.UDP and conversation.ends[side.index][1] == names.PORT:
            for host, name in names.answers(data).items():
                self.named(host, name)
        ends, at = conversation.ends, max(conversation.opened, conversation.last)
        hint = self._hints.find(transport, ends, at)
        expected, server = self._expected(conversation)
        if hint is not None:
            conversation.opened = min(conversation.opened, hint.opened)
            guess = hint.guess
        elif expected is None:
            guess = self._guesser.guess(transport, ends, side.index, data, conversation.initiator)
        else:
            guess = Guess(expected.protocol, server, expected.role)
        hostname = self._guesser.names.get(ends[guess.server][0])
        feeding = self._begin(
            conversation, guess, expected, hint.hostname if hint is not None else hostname
        )
        if feeding is not None and hint is not None and transport is Transport.UDP:
            feeding.later = hint.later
        return feeding

    def _expected(self, conversation: Conversation) -> tuple[Expected | None, int]:
        """What was announced of either end, and which end is the server then."""
        for end in (1, 0):
            found = self._announced.find(conversation.transport, conversation.ends[end])
            if found is not None:
                return found, end if found.by_server else 1 - end
        return None, 1

    def _begin(
        self,
        conversation: Conversation,
        guess: Guess,
        expected: Expected | None,
        hostname: str | None = None,
    ) -> Feeding | None:
        transport, at = conversation.transport, conversation.opened
        client, server = conversation.ends[1 - guess.server], conversation.ends[guess.server]
        known = guess.protocol not in RAW.values()
        if not known and self._wishes.known_only:
            self.left_out += 1
            return None
        group = self._group(guess, expected, (client[0], server[0]), known)
        recorder = self._recorder(group)
        self.clock.at = at
        listen = Listen(
            protocol=guess.protocol,
            transport=transport,
            host=server[0],
            port=server[1],
            upstream=server,
            role=guess.role if known else f"{client[1]} {server[0]} {server[1]}",
            hostname=hostname,
        )
        if expected is not None:
            same = expected.flow.client[0] == client[0]
            listen = replace(
                listen,
                parent_frame=expected.frame_id,
                session=expected.flow.session if same else None,
            )
        tap = recorder.opened(listen, client, server, server)
        if transport is Transport.UDP:
            conversation.idle = int(registry.protocol(guess.protocol).idle * 1_000_000)
        begun = conversation.initiator is not None
        adrift = adrift_at_start(transport, guess.protocol, begun)
        return Feeding(tap, guess.server, self.clock, adrift, group)

    def _refused(self, conversation: Conversation, at: int) -> None:
        """A connection that was refused matters when a game wanted it."""
        expected, server = self._expected(conversation)
        guess = self._guesser.guess(Transport.TCP, conversation.ends, 0, b"", 0)
        if expected is not None:
            guess = Guess(expected.protocol, server, expected.role)
        if guess.protocol in RAW.values():
            return
        feeding = self._begin(conversation, guess, expected)
        if feeding:
            feeding.note("refused", "the server refused the connection", at)
            feeding.closed("refused", at)

    def _group(
        self, guess: Guess, expected: Expected | None, hosts: tuple[str, str], known: bool
    ) -> str | None:
        """Which game's sessions a flow belongs to."""
        if expected is not None:
            told = self._servers.get((expected.flow.client[0], (expected.flow.server or ("",))[0]))
            group = told if told is not None else guess.game
        elif known:
            group = guess.game
        else:
            return self._servers.get(hosts, OTHER)
        if len(self._servers) < MOST_SERVERS:
            self._servers.setdefault(hosts, group)
        return group

    def _recorder(self, group: str | None) -> Recorder:
        recorder = self._groups.get(group)
        if recorder is None:
            settings = replace(
                self._wishes.settings,
                keys=(*self._wishes.settings.keys, *self._hints.keys),
                game=None if group == OTHER else group,
                origin=Origin.IMPORT,
            )
            recorder = self._groups[group] = Recorder(
                self._store,
                now=self.clock,
                settings=settings,
                watch=self._announced,
                on_refused=_stop,
            )
        return recorder


_LEFT_OUT = object()
"""The sink of a conversation that is not recorded, or is over."""


def _stop(reason: str) -> None:
    """The recording takes nothing any more: the import is over."""
    raise UserError(reason)


def _is_name(name: str) -> bool:
    return 0 < len(name) < 256 and all(c.isalnum() or c in "-._" for c in name)
