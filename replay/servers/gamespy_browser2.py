"""GameSpy's server browser 2 by rules: lists under enctypeX, pushes, messages (gamespy 6).

The secret is that of the game that asks; without it no list can be enciphered, and the client is
told so in clear (`Query Error`).
"""

from __future__ import annotations

import ipaddress
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import lru_cache, partial

from proxy.ciphers.gamespy_secrets import missing, secret_for
from proxy.layouts.gamespy_marks import NATNEG
from proxy.layouts.given import from_ip
from proxy.layouts.serverlist import HAS_KEYS, HAS_RULES, INLINE, STRING, Layout, Server, Value
from proxy.layouts.serverlist_view import PushServer, ServerList
from proxy.message import Message
from proxy.protocols import gamespy_browser2 as wire
from proxy.protocols import gamespy_query as qr2
from replay.servers._gs_filter import FilterError, Test, read_filter
from replay.servers._gs_hosts import Host, Hosts
from replay.servers._gs_people import value
from replay.standin.rules import OPAQUE, Act, Acts, Close, Note, Rules, Say, Unanswered, hears
from replay.standin.world import Client

NO_LIST, PUSHES, ROOMS, LIMIT = 2, 4, 32, 128
"""Options of a list request (gamespy 6.2)."""
UNSOLICITED, PRIVATE_IP, NEEDS_NATNEG, PORT, PRIVATE_PORT = 1, 2, 4, 0x10, 0x20
DEFAULT_PORT = 6500
MOST_KEYS = 100
MOST_POPULAR = 200
MOST_MESSAGE = 1024
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
    options = {"rooms": "group rooms of games with lobbies: NAME,NAME"}

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
        own = _ip(client.address[0])
        if options & NO_LIST:
            made = wire.Address(ip=client.address[0], port=DEFAULT_PORT)
            yield Say(client, made, cipher=wire.CIPHER)
            yield from self._watch(client, browser, message, options)
            return
        browser.names = _names(value(message, "keys", 4096))
        browser.game = value(message, "for_game")
        try:
            browser.test = read_filter(value(message, "filter", 5000))
        except FilterError as error:
            yield Note("filter", f"the filter is ignored: {error}", client)
            browser.test = read_filter("")
        if options & ROOMS:
            yield Say(client, self._rooms(own, browser.names), cipher=wire.CIPHER)
            return
        most = int(message.get("max_servers")) if options & LIMIT else None
        found = [one for one in self.hosts.of(browser.game) if browser.test(one.facts)][:most]
        browser.layout = _layout(browser.names, found)
        index = {text: at for at, text in enumerate(browser.layout.popular)}
        servers = tuple(_record(one, browser.names, index, client) for one in found)
        made_list = ServerList(own, DEFAULT_PORT, browser.layout, servers)
        yield Say(client, made_list, cipher=wire.CIPHER)
        yield from self._watch(client, browser, message, options)

    def _rooms(self, own: bytes, names: tuple[str, ...]) -> ServerList:
        """Group rooms: the address is the number of the room (gamespy 9)."""
        rooms = [one.strip() for one in self.option("rooms").split(",") if one.strip()]
        layout = Layout(tuple((STRING, name.encode("latin-1")) for name in names))
        servers = []
        for number, room in enumerate(rooms, 1):
            facts = {"hostname": room, "numwaiting": "0", "maxwaiting": "200", "numplayers": "0"}
            facts |= {"numservers": "0", "groupid": str(number)}
            values = tuple(facts.get(name, "").encode("latin-1", "replace") for name in names)
            servers.append(Server(HAS_KEYS, number.to_bytes(4, "big"), (), values))
        return ServerList(own, DEFAULT_PORT, layout, tuple(servers))

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
            record = _record(host, browser.names, {}, client)
            yield Say(client, PushServer(record, browser.layout), cipher=wire.CIPHER)
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
            record = _record(host, (), {}, client, whole=True)
            yield Say(client, PushServer(record, browser.layout), cipher=wire.CIPHER)

    @hears("SendMessage")
    def send_message(self, client: Client, message: Message) -> Acts:
        """Pass a message on to the hosting game: mostly the cookie that calls for NatNeg."""
        place = str(message.get("ip")), int(message.get("port"))
        host = self.hosts.find(place)
        data: bytes = message.get("payload")
        if host is None or not host.key or not host.client.open:
            yield Note("message", "there is no such server to pass a message on to", client)
            return
        ident = self.world.random.randbytes(4)
        if data.startswith(NATNEG) and len(data) == len(NATNEG) + 4:
            cookie = int.from_bytes(data[len(NATNEG) :], "big")
            made: Message = qr2.NatNegMessage(key=host.key, message_id=ident, cookie=cookie)
        else:
            made = qr2.ClientMessage(key=host.key, message_id=ident, data=data[:MOST_MESSAGE])
        yield Say(host.client, made)

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


def _names(text: str) -> tuple[str, ...]:
    return tuple(name for name in text.split("\\") if name)[:MOST_KEYS]


def _layout(names: tuple[str, ...], found: list[Host]) -> Layout:
    """The keys, and the values that stand in the list most often."""
    counted = Counter(host.facts.get(name, "")[:255] for host in found for name in names)
    popular = [text for text, count in counted.most_common(MOST_POPULAR) if count > 1]
    return Layout(
        tuple((STRING, name.encode("latin-1")) for name in names),
        tuple(text.encode("latin-1", "replace") for text in popular),
    )


def _record(
    host: Host,
    names: tuple[str, ...],
    popular: dict[bytes, int],
    client: Client,
    *,
    whole: bool = False,
) -> Server:
    """One server as a list has it (gamespy 6.3)."""
    flags, parts = PORT, [host.place[1].to_bytes(2, "big")]
    flags |= NEEDS_NATNEG if host.facts.get("natneg") == "1" else UNSOLICITED
    private = host.private
    if private is not None:
        flags |= PRIVATE_IP | PRIVATE_PORT
        parts += [from_ip(private[0]), private[1].to_bytes(2, "big")]
    values: list[Value] = []
    rules: list[tuple[bytes, bytes]] = []
    if whole:
        flags |= HAS_RULES
        for key, text in host.facts.items():
            if key:
                rules.append((_bytes(key), _bytes(text)))
    elif names:
        flags |= HAS_KEYS
        for name in names:
            said = _bytes(host.facts.get(name, "")[:255])
            values.append(popular.get(said, said))
    return Server(flags, _ip(host.place[0]), tuple(parts), tuple(values), tuple(rules))


def _bytes(text: str) -> bytes:
    return text.encode("latin-1", "replace").replace(b"\0", b"")


@lru_cache(maxsize=4096)
def _ip(address: str) -> bytes:
    found = ipaddress.ip_address(address)
    mapped = found.ipv4_mapped if isinstance(found, ipaddress.IPv6Address) else found
    return mapped.packed if mapped is not None else bytes(4)


assert MOST_POPULAR < INLINE
RULES = GamespyBrowser2
