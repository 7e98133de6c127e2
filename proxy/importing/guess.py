"""Which protocol a captured flow speaks: by what the user says, the game, the port, first bytes."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import IntEnum
from functools import lru_cache

from proxy import catalog, registry
from proxy.keys import SessionKeys
from proxy.message import Opaque
from proxy.protocol import Protocol
from proxy.relay.api import Address
from recordings.model import Direction, Transport

RAW = {Transport.TCP: "raw-tcp", Transport.UDP: "raw-udp"}
MOST_TRIALS = 20_000
"""Flows whose first bytes are shown to every protocol; further ones are told by port alone."""


SYSTEM_PORTS = 1024
"""Ports below this are everybody's: a protocol must begin there as it says."""


class Fit(IntEnum):
    """Whether bytes are of a protocol."""

    NO = 0
    MAYBE = 1
    """They may be the beginning of a frame."""
    YES = 2


@dataclass(frozen=True, slots=True)
class Guess:
    """What a flow speaks, and which of its two ends is the server."""

    protocol: str
    server: int
    role: str = ""
    game: str | None = None


def fits(
    protocol: Protocol, transport: Transport, direction: Direction, data: bytes, at: int
) -> Fit:
    """Whether the first bytes of one side are frames of a protocol that can be read."""
    try:
        frames = protocol.dissector(SessionKeys(), transport).feed(direction, data, at)
        for frame in frames:
            own = registry.protocol(frame.protocol) if frame.protocol else protocol
            if frame.error is not None or isinstance(own.view(frame), Opaque):
                return Fit.NO
    except Exception:  # a fault of a protocol file: it is not the one
        return Fit.NO
    return Fit.YES if frames else Fit.MAYBE


@lru_cache(maxsize=1)
def _begins() -> list[tuple[Protocol, re.Pattern[bytes]]]:
    """The protocols that say how their flows begin."""
    return [
        (protocol, re.compile(protocol.begins, re.DOTALL))
        for protocol in registry.protocols().values()
        if protocol.begins
    ]


@lru_cache(maxsize=1)
def _ports() -> dict[tuple[Transport, int], list[Protocol]]:
    found: dict[tuple[Transport, int], list[Protocol]] = {}
    for protocol in registry.protocols().values():
        for transport in protocol.transports:
            for port in protocol.ports:
                found.setdefault((transport, port), []).append(protocol)
    return found


@lru_cache(maxsize=1)
def game_names() -> list[tuple[re.Pattern[str], str]]:
    """Patterns of host names -> the game that looks them up."""
    return [
        (re.compile(re.escape(name).replace(r"\*", "[^.]+")), game.name)
        for game in catalog.games()
        for name in game.names()
    ]


def game_of(name: str | None) -> str | None:
    """The game that looks up this host name, when there is only one."""
    if not name:
        return None
    found = {game for pattern, game in game_names() if pattern.fullmatch(name.lower())}
    return found.pop() if len(found) == 1 else None


@dataclass(slots=True)
class Guesser:
    """Guesses for the flows of one import."""

    said: Mapping[int, str] = field(default_factory=dict)
    """Port -> protocol, from `--as`."""
    game: catalog.Game | None = None
    names: dict[str, str] = field(default_factory=dict)
    """Numeric host -> the name that the capture gives it."""
    trials: int = 0

    def guess(
        self,
        transport: Transport,
        ends: tuple[Address, Address],
        sender: int,
        data: bytes,
        initiator: int | None,
    ) -> Guess:
        """What a flow speaks whose first bytes come from end `sender`.

        `initiator` is the end that is known to have opened it; then `data` begins the stream.
        """
        order = (1 - sender, sender) if initiator is None else (1 - initiator,)
        for server in order:
            name = self.said.get(ends[server][1])
            if name is not None and transport in registry.protocol(name).transports:
                return Guess(name, server, game=self._game(ends[server]))
        for candidate in self._likely(transport, ends, order, data):
            if self._holds(candidate, transport, sender, data, initiator):
                return candidate
        for server in order:
            found = self._by_bytes(transport, ends, server, sender, data)
            if found is not None:
                return found
        return Guess(RAW[transport], _server(ends, order))

    def _likely(
        self,
        transport: Transport,
        ends: tuple[Address, Address],
        order: tuple[int, ...],
        data: bytes,
    ) -> Iterator[Guess]:
        """By the services of the game, then by the usual ports of the protocols."""
        for server in order:
            game = self._game(ends[server])
            known = catalog.game(game) if game else self.game
            for service in known.services if known else ():
                if (service.transport, service.port) == (transport, ends[server][1]):
                    yield Guess(service.protocol, server, service.role, game)
        for server in order:
            port = ends[server][1]
            for protocol in _ports().get((transport, port), ()):
                if port < SYSTEM_PORTS and not re.match(protocol.begins, data, re.DOTALL):
                    continue
                yield Guess(protocol.name, server, game=self._game(ends[server]))

    def _holds(
        self, guess: Guess, transport: Transport, sender: int, data: bytes, initiator: int | None
    ) -> bool:
        """Whether the first bytes do not speak against it; in the middle of a stream they may."""
        if transport is Transport.TCP and initiator is None:
            return True
        return self._fit(guess.protocol, transport, guess.server, sender, data) > Fit.NO

    def _fit(
        self, protocol: str, transport: Transport, server: int, sender: int, data: bytes
    ) -> Fit:
        direction = Direction.TO_CLIENT if sender == server else Direction.TO_SERVER
        return fits(registry.protocol(protocol), transport, direction, data, 0)

    def _by_bytes(
        self,
        transport: Transport,
        ends: tuple[Address, Address],
        server: int,
        sender: int,
        data: bytes,
    ) -> Guess | None:
        if self.trials >= MOST_TRIALS:
            return None
        self.trials += 1
        for protocol, pattern in _begins():
            if (
                transport in protocol.transports
                and pattern.match(data)
                and self._fit(protocol.name, transport, server, sender, data) is Fit.YES
            ):
                return Guess(protocol.name, server, game=self._game(ends[server]))
        return None

    def _game(self, server: Address) -> str | None:
        """The game that the user names, else the one that looks up this server's name."""
        if self.game is not None:
            return self.game.name
        return game_of(self.names.get(server[0]))


def _server(ends: tuple[Address, Address], order: tuple[int, ...]) -> int:
    """Of an unknown protocol: who did not open it; else who has the lower port."""
    if len(order) == 1:
        return order[0]
    low = min(order, key=lambda end: (ends[end][1] >= 1024, ends[end][1] >= 32_768))
    return low
