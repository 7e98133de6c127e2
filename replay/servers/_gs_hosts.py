"""The game servers that have registered, shared by the query and browser services (gamespy 4 to 7).

A game server is known by the address from which it speaks and by its query port. What it does not
renew is forgotten after some time; who watches a game's list is told of every change.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache

from replay.standin.rules import Act
from replay.standin.world import Client, World

Place = tuple[str, int]
"""Address and query port."""
EXPIRES = 180
"""Seconds without a heartbeat or keepalive of QR2 after which a server is gone."""
EXPIRES_QR1 = 900
"""The same of QR1, whose heartbeat comes every five minutes."""
MOST = 20_000
MOST_OF_A_HOST = 2_000
"""A flood from one address does not fill the list."""
MOST_WAITING = 4_096
"""Servers that have not answered the challenge yet; the oldest makes room."""


@dataclass(slots=True, eq=False)
class Host:
    """One game server."""

    game: str
    place: Place
    client: Client
    key: bytes = b""
    """The instance key of QR2; empty for QR1."""
    facts: Mapping[str, str] = field(default_factory=dict)
    listed: bool = False
    """It has answered the challenge."""
    seen: int = 0
    """Unix time in seconds of the last sign of life."""
    challenge: str = ""
    packed: dict[tuple[str, ...], tuple[bytes, ...]] = field(default_factory=dict)
    """Names of keys -> the values as lists have them; forgotten when the facts change."""

    @property
    def private(self) -> Place | None:
        """Its own address within its network, as it says."""
        return _inside(
            self.facts.get("localip0", ""), self.facts.get("localport", ""), self.place[1]
        )


@lru_cache(maxsize=8192)
def _inside(address: str, port: str, public: int) -> Place | None:
    parts = address.split(".")
    if len(parts) != 4 or not all(one.isascii() and one.isdigit() for one in parts):
        return None
    if any(int(one[:4]) > 255 for one in parts):
        return None
    number = int(port) if port.isascii() and port.isdigit() and len(port) < 6 else 0
    return ".".join(parts), number if 0 < number < 65536 else public


Watcher = Callable[[Host, bool], Iterator[Act]]
"""Is told of a server that is new or has changed, or (False) that is gone."""


class Hosts:
    """Every game server of the run: those that are listed, and those that have yet to answer.

    Whoever has not answered the challenge makes room for the next one, so that a flood under false
    addresses neither fills the lists nor keeps anybody out of them.
    """

    def __init__(self, world: World) -> None:
        self.world = world
        self._hosts: dict[Place, Host] = {}
        self._waiting: dict[Place, Host] = {}
        self._games: dict[str, dict[Place, Host]] = {}
        """Game -> its listed servers, in the order in which they came."""
        self._of: dict[str, int] = {}
        self._told: dict[Place, Mapping[str, str]] = {}
        """What watchers were told last."""
        self._qr1: dict[Client, dict[Place, Host]] = {}
        self.watchers: dict[Client, Watcher] = {}
        self.unheard: dict[bytes, Host] = {}
        """Ids of messages to game servers that have not been acknowledged."""
        self.version = 0
        """Counts whatever changes a list."""

    def find(self, place: Place) -> Host | None:
        """The server at a place."""
        return self._hosts.get(place) or self._waiting.get(place)

    def at(self, client: Client) -> list[Host]:
        """The servers of QR1 that speak from a client's address, whatever their query port."""
        found = self.find(client.address)
        if found is not None:
            return [] if found.key else [found]
        return list(self._qr1.get(client, {}).values())

    def room(self, place: Place) -> bool:
        """Whether another server may be listed at that address."""
        return len(self._hosts) < MOST and self._of.get(place[0], 0) < MOST_OF_A_HOST

    def put(self, host: Host) -> Iterator[Act]:
        """A server is new or has changed."""
        if not host.key:
            self._qr1.setdefault(host.client, {})[host.place] = host
        if not host.listed:
            self._waiting[host.place] = host
            while len(self._waiting) > MOST_WAITING:
                self._forget(next(iter(self._waiting.values())))
            return
        self._waiting.pop(host.place, None)
        if host.place not in self._hosts:
            self._of[host.place[0]] = self._of.get(host.place[0], 0) + 1
            self._hosts[host.place] = host
            self._games.setdefault(host.game, {})[host.place] = host
        if self._told.get(host.place) != host.facts:
            self._told[host.place] = host.facts
            self.version += 1
            host.packed.clear()
            yield from self._tell(host, True)

    def drop(self, host: Host) -> Iterator[Act]:
        """A server is gone."""
        self._forget(host)
        if self._hosts.get(host.place) is host:
            del self._hosts[host.place]
            self._told.pop(host.place, None)
            self._of[host.place[0]] -= 1
            if not self._of[host.place[0]]:
                del self._of[host.place[0]]
            games = self._games[host.game]
            del games[host.place]
            if not games:
                del self._games[host.game]
            self.version += 1
            yield from self._tell(host, False)

    def moved(self, host: Host, client: Client) -> None:
        """A server of QR1 speaks from another port of its own now."""
        mine = self._qr1.get(host.client, {})
        if host.client is not client and mine.pop(host.place, None) is not None and not mine:
            del self._qr1[host.client]
        host.client = client

    def _forget(self, host: Host) -> None:
        if self._waiting.get(host.place) is host:
            del self._waiting[host.place]
        mine = self._qr1.get(host.client, {})
        if mine.get(host.place) is host:
            del mine[host.place]
            if not mine:
                del self._qr1[host.client]

    def _tell(self, host: Host, there: bool) -> Iterator[Act]:
        for watcher in list(self.watchers.values()):
            yield from watcher(host, there)

    def expired(self) -> Iterator[Act]:
        """Forget whoever was silent for too long."""
        now = self.world.seconds
        for host in [*self._hosts.values(), *self._waiting.values()]:
            if now - host.seen > (EXPIRES if host.key else EXPIRES_QR1):
                yield from self.drop(host)

    def of(self, game: str) -> list[Host]:
        """The listed servers of a game."""
        return list(self._games.get(game, {}).values())
