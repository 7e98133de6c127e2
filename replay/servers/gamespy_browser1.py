"""GameSpy's server browser, version 1, by rules: lists under enctype 0, 1 and 2 (gamespy 7).

The server speaks first. What a game sends without the right proof of its secret is refused, when
the secret is known; enctype 2 needs the secret in any case, enctype 1 only our own challenge.
"""

from __future__ import annotations

import string
from collections.abc import Mapping
from dataclasses import dataclass

from proxy.ciphers.gamespy_secrets import missing, secret_for
from proxy.ciphers.validate import validate
from proxy.layouts.keyvalue import KeyValue
from proxy.layouts.qr2_keys import Grid
from proxy.message import Message
from proxy.protocols import gamespy_browser1 as wire
from replay.servers._gs_filter import FilterError, read_filter
from replay.servers._gs_hosts import Host, Hosts
from replay.servers._gs_people import number, value
from replay.servers._gs_rooms import OPTION, group_rooms
from replay.standin.rules import OPAQUE, Acts, Close, Note, Rules, Say, hears
from replay.standin.world import Client, World

COLUMNS = ("hostname", "mapname", "gametype", "numplayers", "maxplayers", "gamever", "password")
ROOM_COLUMNS = ("groupid", "hostname", "numplayers", "maxplayers", "numwaiting", "maxwaiting")


@dataclass(slots=True, eq=False)
class Asker:
    """One connection."""

    secure: str
    game: str = ""
    enctype: int = 0
    proved: bool = False


class Askers(dict[Client, Asker]):
    """All connections."""

    def __init__(self, world: World) -> None:
        super().__init__()


class GamespyBrowser1(Rules):
    """Lists the servers that have registered."""

    protocol = "gamespy-browser1"
    beside = True
    options = {"rooms": OPTION}

    def opened(self, client: Client) -> Acts:
        secure = "".join(self.world.random.choices(string.ascii_uppercase, k=wire.SECURE_LENGTH))
        self.world.shared(Askers)[client] = Asker(secure)
        yield Say(client, KeyValue.make(("basic", ""), ("secure", secure), tail=""))

    def closed(self, client: Client) -> Acts:
        self.world.shared(Askers).pop(client, None)
        return ()

    # beside a recording

    def claims(self, client: Client, message: Message) -> bool:
        """What is to be refused: a wrong proof is told only by who knows our challenge."""
        asker = self.world.shared(Askers).get(client)
        if asker is None or message.kind != "gamename":
            return False
        return self._judge(asker, message) is not None

    def told(self, client: Client, message: Message) -> Acts:
        asker = self.world.shared(Askers).get(client)
        if asker is not None and message.kind == "basic":
            asker.secure = value(message, "secure")
        return ()

    def revises(self, client: Client, message: Message) -> Message:
        """A recorded list, and behind it the servers that are here."""
        asker = self.world.shared(Askers).get(client)
        if asker is None or not isinstance(message, (wire.CompactList, wire.TextList)):
            return message
        found = self._found(asker, wire_request(client))
        if isinstance(message, wire.CompactList):
            known = {(one.ip, one.port) for one in message.servers}
            more = tuple(_endpoint(one) for one in found if one.place not in known)
            return wire.CompactList(servers=(*message.servers, *more))
        keys = message.servers.names
        if "ip" not in keys:
            return message  # of rooms
        at = keys.index("ip")
        known_rows = {row[at] for row in message.servers.rows}
        rows = (_row(one, keys) for one in found)
        fresh = tuple(row for row in rows if row[at] not in known_rows)
        return wire.TextList(servers=Grid(keys, (*message.servers.rows, *fresh)))

    @hears("gamename")
    def prove(self, client: Client, message: Message) -> Acts:
        asker = self.world.shared(Askers).get(client)
        if asker is None:
            return
        asker.game = value(message, "gamename")
        asker.enctype = number(value(message, "enctype"))
        wrong = self._judge(asker, message)
        asker.proved = wrong is None
        if wrong is not None:
            yield from self._refuse(client, wrong)

    def _judge(self, asker: Asker, message: Message) -> str | None:
        """Why a game is refused; None: it is not."""
        game, enctype = value(message, "gamename"), number(value(message, "enctype"))
        secret = secret_for(self.world.secrets, game)
        if enctype not in (0, *wire.CIPHERS):
            return "the cipher is unknown"
        if secret is None:
            return missing(game) if enctype == 2 else None
        needs = validate(secret, asker.secure.encode("latin-1"), enctype).decode("latin-1")
        return None if value(message, "validate") == needs else f"the proof for {game} is wrong"

    def _refuse(self, client: Client, why: str) -> Acts:
        yield Note("refused", why, client)
        text = why.replace("\\", "/")
        yield Say(client, KeyValue.make(("fatal", 1), ("error", text)))
        yield Close(client, why)

    @hears("list")
    def list_servers(self, client: Client, message: Message) -> Acts:
        asker = self.world.shared(Askers).get(client)
        if asker is None:  # it was refused, and its flow is over
            return
        if not asker.proved:
            yield from self._refuse(client, "the game must prove its secret first")
            return
        try:
            read_filter(value(message, "where", 5000))
        except FilterError as error:
            yield Note("filter", f"the filter is ignored: {error}", client)
        found = self._found(asker, message)
        kind = value(message, "list")
        if kind == "groups":
            game = value(message, "gamename") or asker.game
            made: Message = wire.TextList(servers=self._rooms(game))
        elif kind == wire.COMPACT:
            made = wire.CompactList(servers=tuple(map(_endpoint, found)))
        else:
            keys = ("ip", *COLUMNS)
            rows = tuple(_row(one, keys) for one in found)
            made = wire.TextList(servers=Grid(keys, rows))
        yield Say(client, made, cipher=wire.CIPHERS.get(asker.enctype))
        yield Close(client, "answered")

    def _found(self, asker: Asker, message: Message) -> list[Host]:
        """The servers that a request is about; a filter that is none finds all."""
        hosts = self.world.shared(Hosts).of(value(message, "gamename") or asker.game)
        try:
            test = read_filter(value(message, "where", 5000))
        except FilterError:
            return hosts
        return [one for one in hosts if test(one.facts)]

    def _rooms(self, game: str) -> Grid:
        rooms = (room.facts() for room in group_rooms(self.world, game))
        return Grid(ROOM_COLUMNS, tuple(_values(facts, ROOM_COLUMNS) for facts in rooms))

    @hears(OPAQUE)
    def unreadable(self, client: Client, message: Message) -> Acts:
        yield Close(client, "a request cannot be read")


def _row(host: Host, keys: tuple[str, ...]) -> tuple[str, ...]:
    return _values({**host.facts, "ip": f"{host.place[0]}:{host.place[1]}"}, keys)


def _values(facts: Mapping[str, str], keys: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(facts.get(name, "").replace("\\", "/") for name in keys)


def _endpoint(host: Host) -> wire.Endpoint:
    return wire.Endpoint(ip=host.place[0], port=host.place[1])


def wire_request(client: Client) -> KeyValue:
    """What the client said last."""
    return KeyValue.parse(client.frame.clear if client.frame else b"")


RULES = GamespyBrowser1
