"""GameSpy's server browser 2 by rules: lists under enctypeX, pushes, messages (gamespy 6).

The secret is that of the game that asks; without it no list can be enciphered, and the client is
told so in clear (`Query Error`).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import partial

from proxy.ciphers.gamespy_secrets import missing, secret_for
from proxy.layouts.gamespy_marks import NATNEG
from proxy.layouts.serverlist import HAS_KEYS, STRING, Layout, Server
from proxy.layouts.serverlist_view import PushServer, ServerList
from proxy.message import Message
from proxy.protocols import gamespy_browser2 as wire
from proxy.protocols import gamespy_query as qr2
from replay.servers._gs_filter import FilterError, Test, read_filter
from replay.servers._gs_hosts import Host, Hosts
from replay.servers._gs_people import value
from replay.servers._gs_records import PORT, Lists, packed_ip, record, whole
from replay.servers._gs_rooms import OPTION, group_rooms
from replay.standin.rules import (
    OPAQUE,
    Act,
    Acts,
    Close,
    Later,
    Note,
    Rules,
    Say,
    Unanswered,
    hears,
)
from replay.standin.world import Client, UserError

NO_LIST, PUSHES, ROOMS, LIMIT = 2, 4, 32, 128
"""Options of a list request (gamespy 6.2)."""
DEFAULT_PORT = 6500
MOST_KEYS = 100
MOST_MESSAGE = 1024
TRIES, EVERY = 3, 1.0
"""How often a message to a game server is said at most, and after how many seconds again."""
KEY_LENGTH, FLAGS_LENGTH = 13, 5


@dataclass(slots=True, eq=False)
class Browser:
    """One connection."""

    game: str = ""
    keyed: bool = False
    names: tuple[str, ...] = ()
    test: Test = field(default=lambda facts: True)
    layout: Layout = field(default_factory=Layout)


class GamespyBrowser2(Rules):
    """Lists the servers that have registered."""

    protocol = "gamespy-browser2"
    beside = True
    options = {"rooms": OPTION}

    @property
    def hosts(self) -> Hosts:
        """The servers that have registered."""
        return self.world.shared(Hosts)

    def browser(self, client: Client) -> Browser:
        """What is known of a connection."""
        table = self.world.shared(Browsers)
        return table.setdefault(client, Browser()) if client.open else Browser()

    def closed(self, client: Client) -> Acts:
        self.hosts.watchers.pop(client, None)
        self.world.shared(Browsers).pop(client, None)
        return ()

    # beside a recording

    def claims(self, client: Client, message: Message) -> bool:
        """What needs a secret that is missing, and what is about servers that are here."""
        if message.kind == "ListRequest":
            return secret_for(self.world.secrets, value(message, "from_game")) is None
        if message.kind not in ("ServerInfoRequest", "SendMessage"):
            return False
        return self.hosts.find((str(message.get("ip")), int(message.get("port")))) is not None

    def revises(self, client: Client, message: Message) -> Message:
        """A recorded list, and behind it the servers that are here."""
        if not isinstance(message, ServerList) or client.frame is None:
            return message
        asked = client.protocol.view(client.frame)
        if asked.kind != "ListRequest" or int(asked.get("options")) & ROOMS:
            return message
        if any(kind != STRING for kind, _ in message.layout.keys):
            return message  # values of other types cannot be made of the texts that we have
        lists, layout = self.world.shared(Lists), message.layout
        found = lists.found(value(asked, "for_game"), _filter(asked)[0], _most(asked))
        index = {text: at for at, text in enumerate(layout.popular)}
        known = {(one.ip, one.parts[:1]) for one in message.servers if one.flags & PORT}
        more = [record(one, layout.names, index) for one in found]
        fresh = tuple(one for one in more if (one.ip, one.parts[:1]) not in known)
        return ServerList(message.ip, message.port, layout, (*message.servers, *fresh))

    def told(self, client: Client, message: Message) -> Acts:
        browser = self.browser(client)
        if isinstance(message, ServerList):
            browser.layout, browser.names = message.layout, message.layout.names
        elif message.kind == "PushKeys":
            keys = tuple((one.type, one.name.encode("latin-1")) for one in message.get("keys"))
            browser.layout = Layout(keys, browser.layout.popular)
            browser.names = browser.layout.names
        return ()

    @hears("ListRequest")
    def list_servers(self, client: Client, message: Message) -> Acts:
        browser = self.browser(client)
        asker = value(message, "from_game")
        if secret_for(self.world.secrets, asker) is None:
            why = missing(asker)
            yield Say(client, wire.PlainError(text=f"Query Error: {why}\0"))
            yield Unanswered(client, why)
            yield Close(client, why)
            return
        if not browser.keyed:
            browser.keyed = True
            chance = self.world.random
            flags = bytes(2) + chance.randbytes(FLAGS_LENGTH - 2)
            key = bytes(chance.randrange(1, 256) for _ in range(KEY_LENGTH))
            yield Say(client, wire.ServerKey(flags=flags, key=key))
        options = int(message.get("options"))
        own = packed_ip(client.address[0])
        if options & NO_LIST:
            made = wire.Address(ip=client.address[0], port=DEFAULT_PORT)
            yield Say(client, made, cipher=wire.CIPHER)
            yield from self._watch(client, browser, message, options)
            return
        browser.names = _names(value(message, "keys", 4096))
        browser.game = value(message, "for_game")
        browser.test, problem = _filter(message)
        if problem:
            yield Note("filter", f"the filter is ignored: {problem}", client)
        if options & ROOMS:
            yield Say(client, self._rooms(own, browser), cipher=wire.CIPHER)
            return
        lists, where = self.world.shared(Lists), value(message, "filter", 5000)
        browser.layout, servers = lists.of(
            browser.game, where, browser.test, browser.names, _most(message)
        )
        made_list = ServerList(own, DEFAULT_PORT, browser.layout, servers)
        yield Say(client, made_list, cipher=wire.CIPHER)
        yield from self._watch(client, browser, message, options)

    def _rooms(self, own: bytes, browser: Browser) -> ServerList:
        """Group rooms: the address is the number of the room (gamespy 9)."""
        names, servers = browser.names, []
        browser.layout = Layout(tuple((STRING, name.encode("latin-1")) for name in names))
        for room in group_rooms(self.world, browser.game):
            facts = room.facts()
            if browser.test(facts):
                values = tuple(facts.get(name, "").encode("latin-1", "replace") for name in names)
                servers.append(Server(HAS_KEYS, room.number.to_bytes(4, "big"), (), values))
        return ServerList(own, DEFAULT_PORT, browser.layout, tuple(servers))

    # pushes

    def _watch(
        self, client: Client, browser: Browser, message: Message, options: int
    ) -> Iterator[Act]:
        self.hosts.watchers.pop(client, None)
        if not options & PUSHES:
            return
        browser.game = value(message, "for_game")
        browser.names = _names(value(message, "keys", 4096))
        keys = tuple(wire.KeyType(type=STRING, name=name) for name in browser.names)
        browser.layout = Layout(
            tuple((STRING, name.encode("latin-1")) for name in browser.names),
            browser.layout.popular,
        )
        yield Say(client, wire.PushKeys(keys=keys), cipher=wire.CIPHER)
        self.hosts.watchers[client] = partial(self._pushed, client)

    def _pushed(self, client: Client, host: Host, there: bool) -> Iterator[Act]:
        browser = self.browser(client)
        if host.game != browser.game:
            return
        if there and browser.test(host.facts):
            yield Say(
                client,
                PushServer(record(host, browser.names, {}), browser.layout),
                cipher=wire.CIPHER,
            )
        elif not there:
            gone = wire.DeleteServer(ip=host.place[0], port=host.place[1])
            yield Say(client, gone, cipher=wire.CIPHER)

    # one server

    @hears("ServerInfoRequest")
    def server_info(self, client: Client, message: Message) -> Acts:
        browser = self.browser(client)
        place = str(message.get("ip")), int(message.get("port"))
        host = self.hosts.find(place)
        if not browser.keyed:
            yield Unanswered(client, "a list must be asked for first, which keys the answers")
        elif host is None or not host.listed:
            gone = wire.DeleteServer(ip=place[0], port=place[1])
            yield Say(client, gone, cipher=wire.CIPHER)
        else:
            yield Say(client, PushServer(whole(host), browser.layout), cipher=wire.CIPHER)

    @hears("SendMessage")
    def send_message(self, client: Client, message: Message) -> Acts:
        """Pass a message on to the hosting game: mostly the cookie that calls for NatNeg."""
        place = str(message.get("ip")), int(message.get("port"))
        host = self.hosts.find(place)
        data: bytes = message.get("payload")
        if host is None or not host.key:
            yield Note("message", "there is no such server to pass a message on to", client)
            return
        if not host.client.open:  # its flow made room for others
            try:
                host.client = self.world.call(host.place, "gamespy-query")
            except UserError as error:
                yield Note("message", f"it cannot be passed on: {error}", client)
                return
        ident = self.world.random.randbytes(4)
        if data.startswith(NATNEG) and len(data) == len(NATNEG) + 4:
            cookie = int.from_bytes(data[len(NATNEG) :], "big")
            made: Message = qr2.NatNegMessage(key=host.key, message_id=ident, cookie=cookie)
        else:
            made = qr2.ClientMessage(key=host.key, message_id=ident, data=data[:MOST_MESSAGE])
        self.hosts.unheard[ident] = host
        yield from self._pass_on(host, made, ident, TRIES)

    def _pass_on(self, host: Host, made: Message, ident: bytes, left: int) -> Iterator[Act]:
        """Say it until the game server acknowledges it, which knows the newest ten apart."""
        if left and ident in self.hosts.unheard:
            yield Say(host.client, made)
            yield Later(EVERY, lambda: self._pass_on(host, made, ident, left - 1))
        else:
            self.hosts.unheard.pop(ident, None)

    @hears("KeepAlive", "MapLoopRequest", "PlayerSearchRequest")
    def heard_only(self, client: Client, message: Message) -> Acts:
        """The client sends a keepalive back as it came; the others were never seen."""
        return ()

    @hears(OPAQUE)
    def unreadable(self, client: Client, message: Message) -> Acts:
        yield Close(client, "a request cannot be read")


class Browsers(dict[Client, Browser]):
    """All connections."""

    def __init__(self, world: object) -> None:
        super().__init__()


def _filter(message: Message) -> tuple[Test, str]:
    """The test of a request, and why its filter is ignored; empty: it is not."""
    try:
        return read_filter(value(message, "filter", 5000)), ""
    except FilterError as error:
        return read_filter(""), str(error)


def _most(message: Message) -> int | None:
    return int(message.get("max_servers")) if int(message.get("options")) & LIMIT else None


def _names(text: str) -> tuple[str, ...]:
    return tuple(name for name in text.split("\\") if name)[:MOST_KEYS]


RULES = GamespyBrowser2
