"""Golden bytes of `kaillera-list`, written from the reference (kaillera 8)."""

from __future__ import annotations

from recordings.model import Direction
from tests.protocols.harness import Vector

UP, DOWN = Direction.TO_SERVER, Direction.TO_CLIENT

ASK = b"GET /raw_server_list2.php?version=0.9 HTTP/1.0\r\nHost: kaillera.example\r\n\r\n"
ASK_OLD = b"GET /raw_server_list.php HTTP/1.0\r\n\r\n"
ASK_WAITING = b"GET /raw_server_list2.php?wg=1&version=0.9 HTTP/1.0\r\n\r\n"
TOUCH = (
    b"GET /touch_server.php"  # method, page
    b"?servername=My%20place&port=27888&nbusers=3&maxconn=50&version=0.86"
    b"&nbgames=2&location=Here&ip=192.0.2.7&url= HTTP/1.0\r\n"  # query, version
    b"Kaillera-games: Punch|Boom|\r\n"  # what is played
    b"Kaillera-wgames: 7|Boom|ann|MAME|1/2|\r\n"  # what waits: id, rom, owner, emulator, players
    b"\r\n"
)


def answer(body: bytes) -> bytes:
    """A response: version, status, reason, header, empty line, body."""
    return b"HTTP/1.0 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body)


def shown(length: int) -> dict[str, object]:
    """Version, status, reason and header of a response."""
    return {
        "version": "HTTP/1.0",
        "status": 200,
        "reason": "OK",
        "headers": {"Content-Length": str(length)},
    }


LIST2 = (
    b"My place\n"  # name
    b"192.0.2.7:27888;3/50;2;0.86;Here\n"  # host, port, users, max_users, games, version, location
    b"Other\xe9\n"  # name, Latin-1
    b"two.example:27900;0/8;0;ESF 1.0;\n"  # the same with an empty location
)
LIST1 = b"192.0.2.7:27888;3/50;2;Here\r\n"  # host, port, users, max_users, games, location
WAITING = (
    b"Boom|MAME|ann|1/2|\n"  # a game that waits
    b"My place\n"  # name
    b"192.0.2.7:27888;3/50;2;0.86;Here\n"  # the server
)

VECTORS = (
    Vector(
        "ask for the list",
        UP,
        ASK,
        "GetServers",
        {
            "method": "GET",
            "path": "/raw_server_list2.php",
            "query": {"version": "0.9"},
            "version": "HTTP/1.0",
            "headers": {"Host": "kaillera.example"},
        },
    ),
    Vector(
        "list 2",
        DOWN,
        answer(LIST2),
        "Servers",
        shown(len(LIST2))
        | {
            "servers": [
                {
                    "name": "My place",
                    "host": "192.0.2.7",
                    "port": 27888,
                    "users": 3,
                    "max_users": 50,
                    "games": 2,
                    "version": "0.86",
                    "location": "Here",
                },
                {
                    "name": "Other\xe9",
                    "host": "two.example",
                    "port": 27900,
                    "users": 0,
                    "max_users": 8,
                    "games": 0,
                    "version": "ESF 1.0",
                    "location": "",
                },
            ]
        },
        before=((UP, ASK),),
    ),
    Vector(
        "list 1",
        DOWN,
        answer(LIST1),
        "Servers",
        shown(len(LIST1))
        | {
            "servers": [
                {
                    "host": "192.0.2.7",
                    "port": 27888,
                    "users": 3,
                    "max_users": 50,
                    "games": 2,
                    "location": "Here",
                }
            ]
        },
        before=((UP, ASK_OLD),),
    ),
    Vector(
        "list 2 with games that wait",
        DOWN,
        answer(WAITING),
        "Servers",
        shown(len(WAITING))
        | {
            "waiting": ["Boom|MAME|ann|1/2|"],
            "servers": [
                {
                    "name": "My place",
                    "host": "192.0.2.7",
                    "port": 27888,
                    "users": 3,
                    "max_users": 50,
                    "games": 2,
                    "version": "0.86",
                    "location": "Here",
                }
            ],
        },
        before=((UP, ASK_WAITING),),
    ),
    Vector("a list without servers", DOWN, answer(b""), "Servers", shown(0), before=((UP, ASK),)),
    Vector(
        "a server announces itself",
        UP,
        TOUCH,
        "Touch",
        {
            "method": "GET",
            "path": "/touch_server.php",
            "query": {
                "servername": "My place",
                "port": "27888",
                "nbusers": "3",
                "maxconn": "50",
                "version": "0.86",
                "nbgames": "2",
                "location": "Here",
                "ip": "192.0.2.7",
                "url": "",
            },
            "version": "HTTP/1.0",
            "headers": {
                "Kaillera-games": "Punch|Boom|",
                "Kaillera-wgames": "7|Boom|ann|MAME|1/2|",
            },
        },
    ),
    Vector(
        "a server is told that it is listed",
        DOWN,
        answer(b"ok"),
        "Touched",
        shown(2) | {"body": "ok"},
        before=((UP, TOUCH),),
    ),
    Vector(
        "another page",
        UP,
        b"GET /news.php HTTP/1.0\r\n\r\n",
        "Request",
        {"method": "GET", "path": "/news.php", "version": "HTTP/1.0"},
    ),
    Vector(
        "another answer",
        DOWN,
        answer(b"hi"),
        "Response",
        shown(2) | {"body": "hi"},
        before=((UP, b"GET /news.php HTTP/1.0\r\n\r\n"),),
    ),
)
