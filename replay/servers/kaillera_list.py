"""The list of Kaillera servers by rules: our own, and those that announced themselves here.

Both forms of the list, by the page that is asked for; `wg=1` puts the games that wait for players
first. A server is forgotten ten minutes after it announced itself last. Facts: kaillera 8.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import parse_qsl

from proxy.layouts.http_message import HttpMessage
from proxy.message import Message, Opaque
from recordings.model import Json, Transport
from replay.servers._kaillera import WAITING, Hall, Room
from replay.standin.rules import OPAQUE, Act, Acts, Close, Rules, Say, hears
from replay.standin.world import Client, World

FORGET = 600_000_000
"""Microseconds."""
MOST_SERVERS, MOST_GAMES, TEXT = 500, 50, 127
LIST_WITHOUT_VERSION = "raw_server_list.php"


@dataclass(slots=True)
class Listed:
    """A server of the list."""

    name: str
    host: str
    port: int
    users: int
    limit: int
    games: int
    version: str
    location: str
    waiting: tuple[tuple[str, ...], ...] = ()
    """Fields of each game that waits for players."""
    at: int = 0
    """When it announced itself."""

    def lines(self, version: bool) -> str:
        """Its two lines."""
        last = f"{self.version};{self.location}" if version else self.location
        counts = f"{self.users}/{self.limit};{self.games}"
        return f"{self.name}\n{self.host}:{self.port};{counts};{last}\n"


class KailleraList(Rules):
    """A list server."""

    protocol = "kaillera-list"
    options = {
        "name": "what our own server is called in the list",
        "location": "where it says it is",
        "own": "0: our own server is not listed",
    }

    def __init__(self, world: World) -> None:
        super().__init__(world)
        self.hall = world.shared(Hall)
        self.listed: dict[tuple[str, int], Listed] = {}

    @hears("GetServers")
    def servers(self, client: Client, message: Message) -> Acts:
        path = str(value(message, "path"))
        version = not path.endswith(LIST_WITHOUT_VERSION)
        now = self.world.now()
        self.listed = {k: one for k, one in self.listed.items() if now - one.at < FORGET}
        servers = [*self._own(client), *self.listed.values()]
        text = ""
        if value(message, "query.wg") == "1":
            for one in servers:
                for game in one.waiting:
                    fields = (*game, f"{one.host}:{one.port}", one.name, one.location)
                    text += "|".join(fields) + "\n"
        text += "".join(one.lines(version) for one in servers)
        yield from reply(client, 200, text)

    def _own(self, client: Client) -> Iterator[Listed]:
        place = self.own_server(client, "kaillera", "main", Transport.UDP)
        if place is None:
            return
        rooms = self.hall.rooms.values()
        waiting = tuple(
            (str(r.id), clean(r.rom), clean(r.owner.name), clean(r.emulator), room_size(r))
            for r in rooms
            if r.status == WAITING
        )
        limit = self.hall.option("max_users", "100")
        yield Listed(
            clean(self.option("name", "Understudy")),
            *place,
            len(self.hall.users),
            int(limit) if limit.isascii() and limit.isdigit() else 100,
            len(rooms),
            "0.86",
            clean(self.option("location", "here")),
            waiting,
        )

    @hears("Touch")
    def touch(self, client: Client, message: Message) -> Acts:
        query = asked(message)

        def text(*names: str) -> str:
            return clean(next((query[name] for name in names if query.get(name)), ""))

        def number(*names: str) -> int:
            digits = text(*names)
            return min(int(digits), 65535) if digits.isascii() and digits.isdigit() else 0

        host = text("ip", "ipAddress") or client.address[0]
        port = number("port")
        if not port or (len(self.listed) >= MOST_SERVERS and (host, port) not in self.listed):
            yield from reply(client, 400, "no port, or too many servers\n")
            return
        told = ((client.frame and client.frame.derived) or {}).get("waiting") or []
        self.listed[host, port] = Listed(
            text("servername", "serverName") or f"{host}:{port}",
            host,
            port,
            number("nbusers", "numUsers"),
            number("maxconn", "maxUsers"),
            number("nbgames", "numGames"),
            text("version"),
            text("location"),
            tuple(tuple(clean(str(one)) for one in game.values()) for game in told[:MOST_GAMES]),
            self.world.now(),
        )
        yield from reply(client, 200, "OK\n")

    @hears("Request")
    def page(self, client: Client, message: Message) -> Acts:
        if value(message, "path") == "/":
            yield from reply(client, 200, "A list of Kaillera servers: /raw_server_list2.php\n")
        else:
            yield from reply(client, 404, "There is no such page.\n")

    @hears(OPAQUE)
    def noise(self, client: Client, message: Message) -> Acts:
        yield from reply(client, 400, "That is no request.\n")


def room_size(room: Room) -> str:
    """`players/limit`."""
    return f"{len(room.users)}/{room.limit}"


def clean(text: str) -> str:
    """A value that cannot break a line of the list."""
    return "".join(char for char in text[:TEXT] if char >= " " and char not in ";|")


def value(message: Message, path: str) -> Json:
    """A field, None where there is none."""
    try:
        found: Json = message.get(path) if isinstance(message, HttpMessage) else None
    except LookupError:
        return None
    return found[0] if isinstance(found, list) and found else found


def asked(message: Message) -> dict[str, str]:
    """The values of a request; their bytes are kept, of whatever code page they are."""
    target = message.encode().split(b"\r\n", 1)[0].split(b" ")[1].decode("latin-1")
    try:
        pairs = parse_qsl(target.partition("?")[2], encoding="latin-1", max_num_fields=64)
    except ValueError:
        return {}  # more than anybody needs
    return dict(reversed(pairs))


REASONS = {200: "OK", 400: "Bad Request", 404: "Not Found"}


def reply(client: Client, status: int, text: str) -> Iterator[Act]:
    """A page, and the end of the connection."""
    body = text.encode("latin-1", "replace")
    head = (
        f"HTTP/1.0 {status} {REASONS[status]}\r\nContent-Type: text/plain\r\n"
        f"Content-Length: {len(body)}\r\nConnection: close\r\n\r\n"
    )
    yield Say(client, Opaque(head.encode() + body))
    yield Close(client, "answered")


RULES = KailleraList
