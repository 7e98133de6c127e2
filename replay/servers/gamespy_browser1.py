"""GameSpy's server browser, version 1, by rules: lists under enctype 0, 1 and 2 (gamespy 7).

The server speaks first. What a game sends without the right proof of its secret is refused, when
the secret is known; enctype 2 needs the secret in any case, enctype 1 only our own challenge.
"""

from __future__ import annotations

import string
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
    options = {"rooms": "group rooms of games with lobbies: NAME,NAME"}

    def opened(self, client: Client) -> Acts:
        secure = "".join(self.world.random.choices(string.ascii_uppercase, k=wire.SECURE_LENGTH))
        self.world.shared(Askers)[client] = Asker(secure)
        yield Say(client, KeyValue.make(("basic", ""), ("secure", secure), tail=""))

    def closed(self, client: Client) -> Acts:
        self.world.shared(Askers).pop(client, None)
        return ()

    @hears("gamename")
    def prove(self, client: Client, message: Message) -> Acts:
        asker = self.world.shared(Askers).get(client)
        if asker is None:
            return
        asker.game = value(message, "gamename")
        asker.enctype = number(value(message, "enctype"))
        secret = secret_for(self.world.secrets, asker.game)
        if asker.enctype not in (0, *wire.CIPHERS):
            yield from self._refuse(client, "the cipher is unknown")
        elif secret is None and asker.enctype == 2:
            yield from self._refuse(client, missing(asker.game))
        elif secret is not None:
            needs = validate(secret, asker.secure.encode(), asker.enctype).decode("latin-1")
            asker.proved = value(message, "validate") == needs
            if not asker.proved:
                yield from self._refuse(client, f"the proof for {asker.game} is wrong")
        else:
            asker.proved = True

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
            test = read_filter(value(message, "where", 5000))
        except FilterError as error:
            yield Note("filter", f"the filter is ignored: {error}", client)
            test = read_filter("")
        hosts = self.world.shared(Hosts).of(value(message, "gamename") or asker.game)
        found = [one for one in hosts if test(one.facts)]
        kind = value(message, "list")
        if kind == "groups":
            made: Message = wire.TextList(servers=self._rooms())
        elif kind == wire.COMPACT:
            places = (wire.Endpoint(ip=one.place[0], port=one.place[1]) for one in found)
            made = wire.CompactList(servers=tuple(places))
        else:
            rows = tuple(_row(one) for one in found)
            made = wire.TextList(servers=Grid(("ip", *COLUMNS), rows))
        yield Say(client, made, cipher=wire.CIPHERS.get(asker.enctype))
        yield Close(client, "answered")

    def _rooms(self) -> Grid:
        names = [one.strip() for one in self.option("rooms").split(",") if one.strip()]
        rows = ((str(n), name, "0", "200", "0", "200") for n, name in enumerate(names, 1))
        return Grid(ROOM_COLUMNS, tuple(rows))

    @hears(OPAQUE)
    def unreadable(self, client: Client, message: Message) -> Acts:
        yield Close(client, "a request cannot be read")


def _row(host: Host) -> tuple[str, ...]:
    values = (host.facts.get(name, "").replace("\\", "/") for name in COLUMNS)
    return (f"{host.place[0]}:{host.place[1]}", *values)


RULES = GamespyBrowser1
