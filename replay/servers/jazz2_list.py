"""The list servers of Jazz Jackrabbit 2 by rules: who registers is listed until he leaves.

Which of the five services a connection is for is told by its role or its port. Our own server is
listed first. Facts: the reference "jazz2", section 4.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from proxy.message import Message
from proxy.protocols.jazz2_list import (
    LimitUpdate,
    Line,
    ListHeader,
    Listing,
    ModeUpdate,
    NameUpdate,
    Ping,
    PlayersUpdate,
    PlusOnlyUpdate,
    PrivateUpdate,
    Server,
    ServerLine,
)
from recordings.model import Transport
from replay.servers._jazz2 import LIST_MODES, Game
from replay.standin.rules import OPAQUE, Act, Acts, Close, Later, Rules, Say, hears
from replay.standin.world import Client, World

PORTS = {
    10053: "binary list",
    10054: "registration",
    10055: "statistics",
    10057: "text list",
    10058: "message of the day",
}
MODES = {number: name for name, number in LIST_MODES.items()} | {3: "ctf"}
VERSIONS = {"21": "1.23", "24": "1.24"}
PING, SILENCE = 10.0, 60_000_000
"""Seconds between pings; microseconds without a word after which a server is not listed."""
MOST = 250
NAME = 32


@dataclass(eq=False, slots=True)
class Entry:
    """A server of the list."""

    host: str
    port: int
    name: str
    players: int
    limit: int
    mode: int
    private: bool
    version: str
    since: int
    """Microseconds."""
    heard: int = 0
    plus_only: bool = False


def clean(name: str) -> str:
    """A name that cannot break a line."""
    return "".join(char for char in name[:NAME] if char >= " ")


UPDATES: dict[type[Message], tuple[str, str, Callable[[Any], Any]]] = {
    PlayersUpdate: ("players", "players", int),
    ModeUpdate: ("mode", "mode", int),
    NameUpdate: ("name", "name", clean),
    LimitUpdate: ("limit", "limit", int),
    PrivateUpdate: ("private", "private", lambda value: bool(value & 1)),
    PlusOnlyUpdate: ("plus_only", "plus_only", lambda value: bool(value & 1)),
}
"""Update -> what it changes, where its value is, and how that is read."""


class Jazz2List(Rules):
    """All five services."""

    protocol = "jazz2-list"
    options = {
        "motd": "the message of the day",
        "own": "0: our own server is not listed",
    }

    def __init__(self, world: World) -> None:
        super().__init__(world)
        self.game = world.shared(Game)
        self.entries: dict[Client, Entry] = {}

    # the services that speak first

    def opened(self, client: Client) -> Acts:
        service = SERVICES.get(client.role) or SERVICES.get(PORTS.get(client.local[1], ""))
        if service is None:
            yield Later(PING, lambda: self._ping(client))
            return
        yield from service(self, client)
        yield Close(client, "told")

    def binary(self, client: Client) -> Iterator[Act]:
        yield Say(client, ListHeader())
        for one in self._listed(client):
            yield Say(client, Server(one.host, one.port, one.name))

    def text(self, client: Client) -> Iterator[Act]:
        now = self.world.now()
        for one in self._listed(client):
            yield Say(
                client,
                ServerLine(
                    host=one.host,
                    port=one.port,
                    origin="local",
                    access="private" if one.private else "public",
                    mode=MODES.get(one.mode, "unknown"),
                    version=VERSIONS.get(one.version, one.version),
                    uptime=(now - one.since) // 1_000_000,
                    players=one.players,
                    limit=one.limit,
                    name=one.name,
                ),
            )

    def motd(self, client: Client) -> Iterator[Act]:
        yield Say(client, Line(self.option("motd", "A stand-in by Understudy.") + "\r\n"))

    def statistics(self, client: Client) -> Iterator[Act]:
        found = self._listed(client)
        players = sum(one.players for one in found)
        yield Say(client, Line(f"{len(found)} servers, {players} players\r\n"))

    def _listed(self, client: Client) -> list[Entry]:
        return [*self._own(client), *self.entries.values()]

    def _own(self, client: Client) -> Iterator[Entry]:
        place = self.own_server(client, "jazz2", "control", Transport.TCP)
        if place is None:
            return
        game = self.game
        yield Entry(
            *(*place, clean(game.name), game.count, game.limit),
            *(LIST_MODES.get(game.mode, 1), bool(game.password), game.version.strip(), game.began),
        )

    # registration

    @hears("Listing")
    def register(self, client: Client, message: Listing) -> Acts:
        now = self.world.now()
        if len(self.entries) >= MOST or not message.port or ":" in client.address[0]:
            yield from self._refuse(client, "this list cannot take the server")
            return
        self.entries[client] = Entry(
            *(client.address[0], message.port, clean(message.name), message.players),
            *(message.limit, message.flags >> 1 & 0x1F, bool(message.flags & 1)),
            *(message.version.strip(), now, now),
        )
        client.name = clean(message.name)

    @hears(*(one.kind for one in UPDATES))
    def update(self, client: Client, message: Message) -> Acts:
        entry = self.entries.get(client)
        if entry is not None:
            entry.heard = self.world.now()
            name, path, read = UPDATES[type(message)]
            setattr(entry, name, read(message.get(path)))
        return ()

    @hears(OPAQUE)
    def noise(self, client: Client, message: Message) -> Acts:
        yield from self._refuse(client, "that is no registration")

    def _refuse(self, client: Client, why: str) -> Iterator[Act]:
        yield Say(client, Line(f"/!\\ {why} /!\\\r\n"))
        yield Close(client, why)

    def _ping(self, client: Client) -> Acts:
        entry = self.entries.get(client)
        if not client.open:
            return
        if entry is None or self.world.now() - entry.heard >= SILENCE:
            yield Close(client, "silent for too long")
            return
        yield Say(client, Ping())
        yield Later(PING, lambda: self._ping(client))

    def closed(self, client: Client) -> Acts:
        self.entries.pop(client, None)
        return ()


SERVICES: dict[str, Callable[[Any, Client], Iterator[Act]]] = {
    "binary list": Jazz2List.binary,
    "text list": Jazz2List.text,
    "message of the day": Jazz2List.motd,
    "statistics": Jazz2List.statistics,
}

RULES = Jazz2List
