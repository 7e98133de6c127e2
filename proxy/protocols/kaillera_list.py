"""The master list of Kaillera servers, over HTTP.

Clients ask `GET /raw_server_list2.php?version=0.9`. The answer has two lines per server:

    name
    host:port;users/max;games;version;location

and that of the older `raw_server_list.php` lacks the version. What stands before the first server
(`wg=1` asks for it) are games that wait for players. Servers announce themselves by
`GET /touch_server.php?servername=…` or `/touch_list.php?serverName=…`, with their games in headers:

    Kaillera-games: rom|rom|
    Kaillera-wgames: id|rom|owner|emulator|players|
    Waiting-games: rom|owner|emulator|players|

`derived` holds those as lists. Facts: the reference "kaillera", section 8.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import partial

from proxy.layouts.http import HttpDissector
from proxy.layouts.http_message import plain_body, read_message
from proxy.layouts.http_places import Head, Slot, read_head
from proxy.personal import personal_of
from proxy.protocol import Announce, Field, Kind, Protocol, Volatile
from recordings.model import Direction, Frame, Json, Transport

UP, DOWN = Direction.TO_SERVER, Direction.TO_CLIENT
SOURCE = "kaillera 8"

PAGES = {
    "raw_server_list.php": "GetServers",
    "raw_server_list2.php": "GetServers",
    "server_list.php": "GetServers",
    "touch_server.php": "Touch",
    "touch_list.php": "Touch",
}
"""Last part of the path -> kind of the request."""
REPLIES = {"GetServers": "Servers", "Touch": "Touched"}
"""Kind of a request -> kind of its response."""

SERVER = re.compile(
    rb"(?P<host>[^;\s]+):(?P<port>\d{1,5});(?P<users>\d+)/(?P<max_users>\d+);(?P<games>\d+)"
    rb"(?:;(?P<version>[^;\r\n]*))?;(?P<location>[^;\r\n]*)$"
)
NUMBERS = {"port", "users", "max_users", "games"}


def kind_of(head: Head, body: bytes) -> str:
    """By the page that is asked for; a list is a list whatever was asked."""
    page = PAGES.get(head.target.partition("?")[0].rpartition("/")[2])
    if head.method:
        return page or "Request"
    if page is None and any(SERVER.match(line.strip()) for line in body.splitlines()):
        return "Servers"
    return REPLIES.get(page or "", "Response")


def _lines(body: bytes) -> Iterator[tuple[int, bytes]]:
    """Where each line begins, and the line without its end."""
    start = 0
    for line in body.splitlines(keepends=True):
        yield start, line.rstrip(b"\r\n")
        start += len(line)


def places(head: Head, body: bytes) -> list[Slot]:
    """`servers[n].…` for a list, and `waiting[n]` for each line before it."""
    if kind_of(head, body) != "Servers":
        return plain_body(head, body)
    servers: list[Slot] = []
    before: list[tuple[int, bytes]] = []
    waiting: list[tuple[int, bytes]] = []
    count = 0
    for start, line in _lines(body):
        match = SERVER.match(line)
        if match is None:
            before.append((start, line))
            continue
        path = f"servers[{count}]"
        name = before.pop() if before else None
        if name is not None:
            servers.append(Slot(f"{path}.name", name[0], name[0] + len(name[1])))
        for field in match.groupdict():
            if match[field] is not None:
                first, last = match.span(field)
                codec = "number" if field in NUMBERS else "latin"
                servers.append(Slot(f"{path}.{field}", start + first, start + last, codec))
        waiting += before
        before = []
        count += 1
    lines = [(at, line) for at, line in (*waiting, *before) if line]
    extra = [Slot(f"waiting[{n}]", at, at + len(line)) for n, (at, line) in enumerate(lines)]
    return sorted((*extra, *servers), key=lambda slot: slot.start)


# -- announcements of servers ----------------------------------------------------------------------

GAMES = {
    "Kaillera-games": ("playing", ("rom",)),
    "Kaillera-wgames": ("waiting", ("id", "rom", "owner", "emulator", "players")),
    "Waiting-games": ("waiting", ("rom", "owner", "emulator", "players")),
}
"""Header -> name in `derived`, and the fields of each game in it."""


def games(head: Head) -> dict[str, Json]:
    """The games that a server tells of in its headers."""
    found: dict[str, Json] = {}
    for header, (name, fields) in GAMES.items():
        parts = head.header(header).split("|")
        if len(parts) > 1:
            rows = [parts[at : at + len(fields)] for at in range(0, len(parts) - 1, len(fields))]
            found[name] = [dict(zip(fields, row, strict=False)) for row in rows]
    return found


class ListDissector(HttpDissector):
    """HTTP, and what servers say in headers."""

    def frame(self, frame: Frame) -> None:
        if frame.direction is UP:
            told = games(read_head(frame.clear, "")[1])
            if told:
                frame.derived = (frame.derived or {}) | told


# -- declarations ----------------------------------------------------------------------------------

REQUEST = (
    Field("method", "text", "GET"),
    Field("path", "text", "page that is asked for"),
    Field("query", "percent-encoded", "parameters by name"),
    Field("version", "text", "of HTTP"),
    Field("headers", "text", "headers by name"),
)
RESPONSE = (
    Field("version", "text", "of HTTP"),
    Field("status", "decimal", "200 is well"),
    Field("reason", "text"),
    Field("headers", "text", "headers by name"),
)
BODY = Field("body", "text", "everything else")
SERVERS = (
    Field("waiting[]", "text", "games that wait for players, before the servers"),
    Field("servers[].name", "text", "name of the server"),
    Field("servers[].host", "text", "where it is"),
    Field("servers[].port", "decimal", "its main port"),
    Field("servers[].users", "decimal", "users who are there"),
    Field("servers[].max_users", "decimal", "users it takes"),
    Field("servers[].games", "decimal", "games that are open"),
    Field("servers[].version", "text", "of the server; list 2 only"),
    Field("servers[].location", "text", "where in the world"),
)

PROTOCOLS = (
    Protocol(
        name="kaillera-list",
        title="Kaillera: the list of servers",
        transports=(Transport.TCP,),
        ports=(80,),
        begins=rb"GET [^ ]*/raw_server_list2?\.php",
        make_dissector=ListDissector,
        view_frame=partial(read_message, kind=kind_of, body=places),
        kinds=(
            Kind("GetServers", (UP,), "Asks for the list of servers.", REQUEST, SOURCE),
            Kind("Servers", (DOWN,), "The list of servers.", (*RESPONSE, *SERVERS), SOURCE),
            Kind("Touch", (UP,), "A server announces itself.", REQUEST, SOURCE),
            Kind("Touched", (DOWN,), "The answer to a server.", (*RESPONSE, BODY), SOURCE),
            Kind("Request", (UP,), "Any other request.", (*REQUEST, BODY), SOURCE),
            Kind("Response", (DOWN,), "Any other response.", (*RESPONSE, BODY), SOURCE),
        ),
        announces=(
            Announce(
                "Servers",
                DOWN,
                "kaillera",
                Transport.UDP,
                host="host",
                port="port",
                each="servers",
                role="server",
            ),
        ),
        volatile={
            "Servers.servers": Volatile("fresh"),
            "Servers.waiting": Volatile("fresh"),
            "*.headers.Date": Volatile("clock", "HTTP date"),
            "Touch.query.ip": Volatile("ours", "host"),
            "Touch.query.ipAddress": Volatile("ours", "host"),
            "Touch.query.port": Volatile("ours", "port"),
            "Touch.query.nbusers": Volatile("fresh"),
            "Touch.query.numUsers": Volatile("fresh"),
            "Touch.query.nbgames": Volatile("fresh"),
            "Touch.query.numGames": Volatile("fresh"),
        },
        answers={
            "GetServers": ("Servers", "Response"),
            "Touch": ("Touched",),
            "Request": ("Response",),
        },
        personal=personal_of("address: *.servers.host *.query.ip *.query.ipAddress"),
        source=SOURCE,
    ),
)
