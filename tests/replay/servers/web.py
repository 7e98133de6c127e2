"""GameSpy's web services: the record store takes the ticket of this run's login alone (gamespy 12).

Certificates are signed anew at every login: other keys, other times.
"""

from __future__ import annotations

import random
import re
import time
from collections.abc import Iterator
from urllib.parse import parse_qs

ENVELOPE = (
    '<?xml version="1.0" encoding="utf-8"?>'
    '<soap:Envelope xmlns:soap="http://schemas.xmlsoap.org/soap/envelope/"><soap:Body>'
    "{inner}</soap:Body></soap:Envelope>"
)
SPACE = ' xmlns="http://gamespy.net/sake"'


class World:
    def __init__(self, seed: int, tickets: set[str] | None = None) -> None:
        self.draw = random.Random(seed)
        self.problems: list[str] = []
        self.tickets = tickets if tickets is not None else set()
        """Those that the presence server has given."""
        self.certificates: set[str] = set()
        self.records = 0

    def digits(self, count: int) -> str:
        return f"{self.draw.getrandbits(4 * count):0{count}x}"


class Web:
    closing = False

    def __init__(self, world: World) -> None:
        self.world = world
        self._buffer = b""

    def opened(self) -> Iterator[bytes]:
        return iter(())

    def received(self, data: bytes) -> Iterator[bytes]:
        self._buffer += data
        while (end := self._buffer.find(b"\r\n\r\n")) >= 0:
            head = self._buffer[:end].decode("latin-1")
            length = re.search(r"(?im)^content-length: (\d+)", head)
            whole = end + 4 + (int(length[1]) if length else 0)
            if len(self._buffer) < whole:
                return
            body, self._buffer = self._buffer[end + 4 : whole], self._buffer[whole:]
            yield self._page(head.split("\r\n")[0].split(" ")[1], body.decode())

    def _page(self, path: str, body: str) -> bytes:
        if "vercheck.asp" in path:
            wanted = parse_qs(path.partition("?")[2]).get("gamename")
            if wanted != ["gmtest"]:
                self.world.problems.append("a version of no game")
            return self._answer(
                "\\newver\\0\\lockout\\0\\fpfileid\\0\\newvername\\\\dlurl\\", "text"
            )
        call = re.search(r"<[\w-]+:Body><(?:\w+:)?(\w+)", body)
        name = call[1] if call else ""
        handler = {"LoginUniqueNick": self._login, "SearchForRecords": self._search}.get(name)
        inner = handler(name, body) if handler else ""
        if not handler:
            self.world.problems.append(f"unknown call {name!r}")
        return self._answer(ENVELOPE.format(inner=inner), "text/xml")

    def _answer(self, body: str, kind: str) -> bytes:
        when = time.gmtime(self.world.draw.getrandbits(30))
        at = time.strftime("%a, %d %b %Y %H:%M:%S GMT", when)
        data = body.encode()
        head = f"HTTP/1.1 200 OK\r\nDate: {at}\r\nContent-Type: {kind}\r\n"
        return f"{head}Content-Length: {len(data)}\r\n\r\n".encode() + data

    def _login(self, name: str, body: str) -> str:
        world = self.world
        if len(_of(body, "password")) != 256:
            world.problems.append("a password that is not enciphered")
        certificate = {
            "length": 303,
            "version": 1,
            "partnercode": 0,
            "namespaceid": 1,
            "userid": 1001,
            "profileid": 2001,
            "expiretime": world.draw.getrandbits(30),
            "profilenick": "racer",
            "uniquenick": "racer",
            "cdkeyhash": "0" * 32,
            "peerkeymodulus": world.digits(128),
            "peerkeyexponent": "010001",
            "serverdata": world.digits(256),
            "signature": world.digits(256),
        }
        world.certificates.add(str(certificate["serverdata"]))
        text = "".join(f"<{key}>{value}</{key}>" for key, value in certificate.items())
        result = f"<responseCode>0</responseCode><certificate>{text}</certificate>"
        return f"<{name}Response{SPACE}><{name}Result>{result}</{name}Result></{name}Response>"

    def _search(self, name: str, body: str) -> str:
        result = "Success"
        if _of(body, "loginTicket") not in self.world.tickets:
            self.world.problems.append("an unknown ticket")
            result = "LoginTicketInvalid"
        else:
            self.world.records += 1
        text = f"<{name}Result>{result}</{name}Result><values />"
        return f"<{name}Response{SPACE}>{text}</{name}Response>"


def _of(body: str, name: str) -> str:
    found = re.search(rf"<(?:\w+:)?{name}>([^<]*)<", body)
    return found[1] if found else ""
