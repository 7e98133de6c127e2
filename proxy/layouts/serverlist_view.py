"""The messages of a Server Browser that hold records: the list, and a single record (gamespy 6.3).

Unlike the other messages their layout depends on what came before (keys, popular values), and one
list may hold thousands of records, so that changing one must not cost a copy of them all.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar, Self

from proxy.layouts.given import from_ip, text_bytes, to_ip, unsigned
from proxy.layouts.serverlist import (
    END,
    TYPES,
    Cursor,
    Layout,
    Server,
    Short,
    read_layout,
    read_server,
)
from proxy.message import FieldError, Message, split_path
from recordings.model import Json, Span

HEAD = 6
"""Bytes of the client's own address and the default port, with which a list begins."""
PUSH_HEADER = 3
"""Bytes of length and type before a single record."""


class ServerList(Message):
    """The list. A server without a port of its own has the default one."""

    __slots__ = ("ip", "layout", "port", "servers")
    kind = "ServerList"

    def __init__(self, ip: bytes, port: int, layout: Layout, servers: tuple[Server, ...]) -> None:
        self.ip, self.port, self.layout, self.servers = ip, port, layout, servers

    def __eq__(self, other: object) -> bool:
        return isinstance(other, ServerList) and other.encode() == self.encode()

    def __hash__(self) -> int:
        return hash(self.encode())

    def __repr__(self) -> str:
        return f"ServerList({self.fields()!r})"

    def encode(self) -> bytes:
        head = self.ip + self.port.to_bytes(2, "big") + self.layout.encode()
        return head + b"".join(one.encode(self.layout) for one in self.servers) + END

    def fields(self) -> dict[str, Json]:
        return {
            "ip": to_ip(self.ip),
            "port": self.port,
            "keys": [
                {"type": TYPES[kind], "name": name.decode("latin-1")}
                for kind, name in self.layout.keys
            ],
            "popular": [value.decode("latin-1") for value in self.layout.popular],
            "servers": [one.show(self.layout) for one in self.servers],
        }

    def get(self, path: str) -> Any:
        steps = split_path(path)
        try:
            if len(steps) > 1 and steps[0] == "servers":
                node: Any = self.servers[int(steps[1])].show(self.layout)
                if steps[2:] == ("port",):
                    return node.get("port", self.port)
                steps = steps[2:]
            else:
                node = self.fields()
            for step in steps:
                node = node[step]
        except (LookupError, TypeError, ValueError):
            raise self._unknown(path) from None
        return node

    def set(self, path: str, value: Any) -> Self:
        steps = split_path(path)
        try:
            changed: Self = self._SETTERS[steps[0]](self, steps, value)
            return changed
        except (LookupError, TypeError):
            raise self._unknown(path) from None

    def _with(self, **changes: Any) -> Self:
        parts = {name: getattr(self, name) for name in self.__slots__}
        return type(self)(**{**parts, **changes})

    def _set_own(self, steps: tuple[str | int, ...], value: Any) -> Self:
        if len(steps) > 1:
            raise LookupError(steps[1])
        if steps[0] == "ip":
            return self._with(ip=from_ip(value))
        return self._with(port=unsigned(value, 2))

    def _set_layout(self, steps: tuple[str | int, ...], value: Any) -> Self:
        group, at = steps[0], _place(steps[1])
        keys, popular = list(self.layout.keys), list(self.layout.popular)
        if group == "popular":
            popular[at] = text_bytes(value)
        elif steps[2] == "name":
            keys[at] = (keys[at][0], text_bytes(value))
        elif value != TYPES[keys[at][0]]:
            raise ValueError(f"{value!r}: the type of a key says how every record is laid out")
        return self._with(layout=Layout(tuple(keys), tuple(popular)))

    def _set_server(self, steps: tuple[str | int, ...], value: Any) -> Self:
        at = _place(steps[1])
        changed = self.servers[at].set(self.layout, steps[2:], value)
        return self._with(servers=(*self.servers[:at], changed, *self.servers[at + 1 :]))

    _SETTERS: ClassVar[dict[Any, Callable[..., Any]]] = {
        "ip": _set_own,
        "port": _set_own,
        "keys": _set_layout,
        "popular": _set_layout,
        "servers": _set_server,
    }

    def delete(self, path: str) -> Self:
        steps = split_path(path)
        at = steps[1] if len(steps) == 2 and steps[0] == "servers" else None
        if not isinstance(at, int) or at >= len(self.servers):
            raise self._unknown(path)
        return self._with(servers=(*self.servers[:at], *self.servers[at + 1 :]))

    def _unknown(self, path: str) -> FieldError:
        return FieldError(self.kind, path, [span.path for span in self.spans()])

    def spans(self) -> list[Span]:
        spans = [Span("ip", 0, 4), Span("port", 4, 6)]
        at = HEAD + len(self.layout.encode())
        for number, server in enumerate(self.servers):
            for name, piece in server.pieces(self.layout):
                if name:
                    spans.append(Span(f"servers[{number}].{name}", at, at + len(piece)))
                at += len(piece)
        return spans


def _place(step: str | int) -> int:
    if not isinstance(step, int):
        raise LookupError(step)
    return step


class PushServer(Message):
    """One record: a new server, a changed one, or the answer to `ServerInfoRequest`."""

    __slots__ = ("layout", "server")
    kind = "PushServer"

    def __init__(self, server: Server, layout: Layout) -> None:
        self.server, self.layout = server, layout

    def encode(self) -> bytes:
        body = self.server.encode(self.layout)
        return (len(body) + PUSH_HEADER).to_bytes(2, "big") + b"\2" + body

    def fields(self) -> dict[str, Json]:
        return self.server.show(self.layout)

    def get(self, path: str) -> Any:
        node: Any = self.fields()
        try:
            for step in split_path(path):
                node = node[step]
        except (LookupError, TypeError):
            raise FieldError(self.kind, path, [span.path for span in self.spans()]) from None
        return node

    def set(self, path: str, value: Any) -> Self:
        try:
            changed = self.server.set(self.layout, split_path(path), value)
        except (LookupError, TypeError):
            raise FieldError(self.kind, path, [span.path for span in self.spans()]) from None
        return type(self)(changed, self.layout)

    def spans(self) -> list[Span]:
        spans, at = [], PUSH_HEADER
        for name, piece in self.server.pieces(self.layout):
            if name:
                spans.append(Span(name, at, at + len(piece)))
            at += len(piece)
        return spans


class ListReader:
    """Reads a list as it comes in, without starting over."""

    def __init__(self) -> None:
        self.at = HEAD
        self.layout: Layout | None = None
        self.servers: list[Server] = []

    def advance(self, data: bytes | bytearray, start: int) -> int:
        """Length of the whole list that begins at `start`, 0: more bytes are needed."""
        cursor = Cursor(data, start + self.at)
        try:
            if self.layout is None:
                self.layout = read_layout(cursor)
                self.at = cursor.at - start
            while (server := read_server(cursor, self.layout)) is not None:
                self.servers.append(server)
                self.at = cursor.at - start
        except Short:
            return 0
        return cursor.at - start
