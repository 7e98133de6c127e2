"""What the rules of GameSpy's web services share: a request as they see it, and answers to it.

HTTP is framed by h11 before a request comes here, XML read by `proxy.layouts.soap` (no document
type, no entity of its own, bounded in depth and count). A call whose text cannot be read is a
fault of the caller and is answered as one. Facts: gamespy 12, 13.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import partial
from typing import ClassVar

from proxy.layouts import soap
from proxy.layouts.http_message import HttpMessage
from proxy.layouts.http_places import body_chunks
from proxy.message import Message, Opaque, WireError
from replay.standin.rules import OPAQUE, Act, Acts, Close, Handler, Later, Rules, Say
from replay.standin.world import Client, World

MOST_XML = 1 << 20
"""Bytes of a call."""
LONGEST = 255
"""Characters of a value, unless it says otherwise."""
MOST_VALUES = 1000
"""Elements of one list."""
IDLE = 300
"""Seconds that a connection is kept without a request."""
XML = "text/xml; charset=utf-8"
ENVELOPE = (
    '<?xml version="1.0" encoding="utf-8"?>'
    '<soap:Envelope xmlns:soap="http://schemas.xmlsoap.org/soap/envelope/">'
    "<soap:Body>{}</soap:Body></soap:Envelope>"
)
REASONS = {
    200: "OK",
    400: "Bad Request",
    404: "Not Found",
    413: "Payload Too Large",
    500: "Internal Server Error",
}


class Ask:
    """One request."""

    def __init__(self, message: HttpMessage) -> None:
        self.kind = message.kind
        self._message = message
        raw, self.head = message.encode(), message.head
        self.body = b"".join(raw[start:end] for start, end in body_chunks(raw, self.head))

    @property
    def ends(self) -> bool:
        """Whether the connection ends with the answer."""
        said = self.head.header("Connection").lower()
        old = self.field("version") == "HTTP/1.0"
        return "close" in said or (old and "keep-alive" not in said)

    def field(self, path: str) -> str:
        """A field of the message; empty where there is none, the first of several."""
        try:
            found = self._message.get(path)
        except LookupError:
            return ""
        found = found[0] if isinstance(found, list) and found else found
        return str(found)[:LONGEST] if isinstance(found, str | int) else ""

    def query(self, name: str) -> str:
        """A parameter of the page."""
        return self.field(f"query.{name}")


class Call(Ask):
    """A SOAP call; raises WireError for one that cannot be read."""

    def __init__(self, message: HttpMessage) -> None:
        super().__init__(message)
        if len(self.body) > MOST_XML:
            raise WireError(f"a call has {MOST_XML} bytes at most")
        root, self.end = soap.parse(self.body)
        """`end`: where the XML ends and something else may follow."""
        found = soap.operation(root)
        if found is None:
            raise WireError("there is no call in it")
        self.element = found

    def find(self, *path: str) -> soap.Element | None:
        """An element below the call."""
        found: soap.Element | None = self.element
        for name in path:
            found = found.find(name) if found is not None else None
        return found

    def content(self, element: soap.Element, most: int = LONGEST) -> str:
        """What an element holds; raises WireError for more than `most` characters and no UTF-8."""
        data = self.body[element.start : element.end]
        if len(data) > 4 * most + 1024:
            raise WireError(f"{element.name} has {most} characters at most")
        try:
            text = soap.unescape(data)
        except UnicodeDecodeError as error:
            raise WireError(f"{element.name} is no UTF-8") from error
        if len(text) > most:
            raise WireError(f"{element.name} has {most} characters at most")
        return text

    def text(self, *path: str, most: int = LONGEST) -> str:
        """What an element below the call holds; empty where it is not there."""
        found = self.find(*path)
        return self.content(found, most).strip() if found is not None else ""

    def number(self, *path: str, default: int = 0) -> int:
        """The same as a whole number."""
        return whole(self.text(*path), default)

    def texts(self, *path: str) -> list[str]:
        """What the elements of a list hold."""
        found = self.find(*path)
        children = found.children[:MOST_VALUES] if found is not None else []
        return [self.content(one).strip() for one in children]


class WebBase(Rules):
    """Answers."""

    protocol = "gamespy-web"
    calls: ClassVar[frozenset[str]] = frozenset()
    """Kinds that are SOAP calls."""

    def __init__(self, world: World) -> None:
        super().__init__(world)
        self._heard: dict[Client, int] = {}

    def opened(self, client: Client) -> Acts:
        self._heard[client] = self.world.seconds
        yield Later(IDLE, partial(self._look, client))

    def closed(self, client: Client) -> Acts:
        self._heard.pop(client, None)
        return ()

    def _look(self, client: Client) -> Iterator[Act]:
        """End a connection by which nothing has come for long."""
        since = self._heard.get(client)
        if since is not None and client.open:
            left = since + IDLE - self.world.seconds
            yield Later(left, partial(self._look, client)) if left > 0 else Close(client, "idle")

    def handler(self, kind: str) -> Handler | None:
        found = super().handler(kind)
        return found if kind == OPAQUE else found and partial(self._gate, found)

    def _gate(self, found: Handler, client: Client, message: Message) -> Iterator[Act]:
        if not isinstance(message, HttpMessage):
            return
        if client.open:
            self._heard[client] = self.world.seconds
        try:
            ask = Call(message) if message.kind in self.calls else Ask(message)
            yield from list(found(client, ask))
        except WireError as error:
            yield from self.fault(client, Ask(message), str(error))

    def answer(
        self,
        client: Client,
        ask: Ask | None,
        body: bytes,
        *,
        kind: str = "text/plain",
        status: int = 200,
        more: Mapping[str, object] | None = None,
    ) -> Iterator[Act]:
        """One response; None: to what was no request."""
        ends = ask is None or ask.ends
        headers = {
            "Content-Type": kind,
            "Content-Length": len(body),
            **(more or {}),
            "Connection": "close" if ends else "keep-alive",
        }
        head = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        first = f"HTTP/1.1 {status} {REASONS[status]}\r\n{head}\r\n".encode("latin-1")
        silent = ask is not None and ask.head.method == "HEAD"
        yield Say(client, Opaque(first if silent else first + body))
        if ends:
            yield Close(client, "answered")

    def reply(self, client: Client, call: Ask, space: str, inner: str) -> Iterator[Act]:
        """The response of a SOAP call: its element is named after the request's."""
        name = f"{call.kind}Response"
        element = f'<{name} xmlns="{space}">{inner}</{name}>'
        yield from self.answer(client, call, ENVELOPE.format(element).encode(), kind=XML)

    def fault(self, client: Client, ask: Ask, why: str) -> Iterator[Act]:
        """A SOAP fault that says why."""
        inner = "<soap:Fault><faultcode>soap:Client</faultcode>" + tag("faultstring", why)
        body = ENVELOPE.format(inner + "</soap:Fault>").encode()
        yield from self.answer(client, ask, body, kind=XML, status=500)


def tag(name: str, value: object) -> str:
    """An element that holds a text."""
    return f"<{name}>{soap.escape(''.join(filter(_allowed, str(value)))).decode()}</{name}>"


def whole(text: str, default: int = 0) -> int:
    """A whole number of at most 64 bits, else the default."""
    digits = text.removeprefix("-")
    return int(text) if digits.isascii() and digits.isdigit() and len(digits) < 20 else default


def _allowed(char: str) -> bool:
    """Whether XML can hold a character at all."""
    return char >= " " or char in "\t\r\n"
