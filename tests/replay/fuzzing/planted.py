"""A small lobby server, sound or with one defect planted in it, and an evening on it.

Frames as of the EA lobby (ea-lobby 1): kind, four bytes, length, NAME=VALUE lines. It answers every
frame by its kind, with an error where it makes no sense, and hangs up where the length makes none.
"""

from __future__ import annotations

import asyncio
import contextlib
import re
import struct
from collections.abc import Callable, Iterator
from pathlib import Path

from recordings.model import Direction, Frame
from recordings.reader import Reader
from tests.replay.clients import Taped
from tests.replay.taping import Taping

HEAD = struct.Struct(">4s4sI")
LONGEST = 1 << 17
TALK = (
    ("auxi", "TEXT=helmet\nCOLOUR=7\n"),
    ("rank", "NAME=driver48\nCOUNT=10\nSTART=0\n"),
    ("mesg", 'TEXT="evening all"\nPRIV=""\nF=1\n'),
    ("snap", "INDEX=3\nFIND=driver\nRANGE=20\n"),
)


def frame(kind: str | bytes, body: str = "") -> bytes:
    data = body.encode("latin-1") + b"\0" if body else b""
    name = kind if isinstance(kind, bytes) else kind.encode()
    return HEAD.pack(name, bytes(4), HEAD.size + len(data)) + data


class Sound:
    """A server that takes anything."""

    closing = False

    def __init__(self, world: World) -> None:
        self.world = world
        self._buffer = b""

    def opened(self) -> Iterator[bytes]:
        return iter(())

    def received(self, data: bytes) -> Iterator[bytes]:
        self._buffer += data
        while len(self._buffer) >= HEAD.size and not self.closing:
            kind, _, length = HEAD.unpack_from(self._buffer)
            if not HEAD.size <= length <= LONGEST or not kind.isalnum():
                self.misfit()
                self.closing = True
                return
            if len(self._buffer) < length:
                return
            body = self._buffer[HEAD.size : length].decode("latin-1")
            self._buffer = self._buffer[length:]
            self.world.seen.append((kind.decode(), body))
            self.look(kind.decode(), body)
            if not self.closing:
                yield frame(kind, "S=1\n")

    def misfit(self) -> None:
        """A length that cannot be, or no kind."""

    def look(self, kind: str, body: str) -> None:
        """What was said."""


class DiesOnLong(Sound):
    """Defect: the whole server dies on a value over 200 characters in `rank`."""

    def look(self, kind: str, body: str) -> None:
        if kind == "rank" and re.search(r"=[^\n]{201,}", body):
            self.world.die()
            self.closing = True


class HangsOnLength(Sound):
    """Defect: the whole server hangs on a length that cannot be."""

    def misfit(self) -> None:
        self.world.hang()


class DropsNegative(Sound):
    """Defect: hangs up on a negative number in COUNT."""

    def look(self, kind: str, body: str) -> None:
        if re.search(r"^COUNT=-\d", body, re.MULTILINE):
            self.closing = True


class World:
    """The process around the connections; something starts it again when it died."""

    def __init__(self, make: Callable[[World], Sound], *, away: float = 0.3) -> None:
        self.seen: list[tuple[str, str]] = []
        self.died = self.hung = 0
        self.port = 0
        self.away = away
        self._make = make
        self._links: set[asyncio.Transport] = set()
        self._server: asyncio.Server | None = None
        self._deaf = False

    async def serve(self) -> int:
        """Listen, again at the same port."""
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(
            lambda: _Link(self, self._make(self)), "127.0.0.1", self.port
        )
        self.port = int(self._server.sockets[0].getsockname()[1])
        return self.port

    def die(self) -> None:
        """Everything is gone at once, for a while."""
        self.died += 1
        assert self._server is not None
        self._server.close()
        for link in list(self._links):
            link.abort()
        loop = asyncio.get_running_loop()
        loop.call_later(self.away, lambda: loop.create_task(self.serve()))

    def hang(self) -> None:
        """Nobody gets an answer, for a while."""
        self.hung += 1
        self._deaf = True
        asyncio.get_running_loop().call_later(self.away, self.wake)

    def wake(self) -> None:
        self._deaf = False

    @property
    def deaf(self) -> bool:
        return self._deaf

    def came(self, link: asyncio.Transport) -> None:
        self._links.add(link)

    def went(self, link: asyncio.Transport) -> None:
        self._links.discard(link)

    def close(self) -> None:
        if self._server is not None:
            self._server.close()


class _Link(asyncio.Protocol):
    def __init__(self, world: World, service: Sound) -> None:
        self._world, self._service = world, service

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._world.came(transport)

    def connection_lost(self, exc: Exception | None) -> None:
        self._world.went(self._transport)

    def data_received(self, data: bytes) -> None:
        if self._world.deaf:
            return
        for said in self._service.received(data):
            if not self._world.deaf:
                self._transport.write(said)
        if self._service.closing and not self._world.deaf:
            self._transport.close()


@contextlib.contextmanager
def running(make: Callable[[World], Sound], *, away: float = 0.3) -> Iterator[World]:
    """A server in a thread of its own; its port is `world.port`."""
    import threading

    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    world = World(make, away=away)
    try:
        asyncio.run_coroutine_threadsafe(world.serve(), loop).result(10)
        yield world
    finally:
        asyncio.run_coroutine_threadsafe(_shut(world), loop).result(10)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(10)
        loop.close()


async def _shut(world: World) -> None:
    world.close()
    others = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
    for task in others:
        task.cancel()
    await asyncio.gather(*others, return_exceptions=True)


def evening(path: Path) -> Taped:
    """A client says everything once to a sound server."""
    with Taping(path) as tape:
        flow = tape.tcp("ea-lobby", 10600, Sound(World(Sound)))
        for kind, body in TALK:
            flow.say(frame(kind, body))
    return Taped(path)


def changed_frames(path: Path, session: int) -> list[Frame]:
    """The frames of a session that say something else than was meant."""
    with Reader.open(path) as reader:
        frames = list(reader.frames(session_id=session))
    return [one for one in frames if one.direction is Direction.TO_SERVER and one.action]
