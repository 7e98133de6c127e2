"""Where the server of a UDP listener is: its name is looked up while datagrams wait."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING

from proxy.relay.api import Address
from proxy.relay.datagrams import Peer
from proxy.relay.resolver import Resolver
from recordings.errors import UserError

if TYPE_CHECKING:
    from proxy.relay.udp_face import Face

MAX_WAITING = 256
"""Datagrams kept while the server's name is looked up."""

Found = Callable[["Face", Peer, bytes, Address | None, str | None], None]
"""Takes a datagram that waited, and the server, or None and the sentence why there is none."""


class Whereabouts:
    """The address of one server, and who waits for it."""

    def __init__(self, resolver: Resolver, upstream: Address | None, found: Found) -> None:
        self._resolver = resolver
        self._upstream = upstream
        self._found = found
        self._waiting: list[tuple[Face, Peer, bytes]] = []
        self._task: asyncio.Task[None] | None = None

    def now(self) -> Address | None:
        """The address, if nobody has to be asked for it."""
        return self._at(self._resolver.fresh)

    def last(self) -> Address | None:
        """The same, though it was found long ago."""
        return self._at(self._resolver.known)

    def _at(self, known: Callable[[str], str | None]) -> Address | None:
        if self._upstream is None:
            return None
        host = known(self._upstream[0])
        return None if host is None else (host, self._upstream[1])

    def doubt(self) -> None:
        """Nobody answers there: whoever comes next is to look the name up anew."""
        if self._upstream is not None:
            self._resolver.doubt(self._upstream[0])

    def wait(self, face: Face, peer: Peer, data: bytes) -> None:
        """Keep a client's datagram until the server is found."""
        if len(self._waiting) < MAX_WAITING:
            self._waiting.append((face, peer, data))
        self.look_up()

    def look_up(self) -> None:
        """Ask for the name, if nobody does already."""
        asks = self._task is not None and not self._task.done()  # it may be done at once
        if not asks and self._upstream is not None:
            self._task = asyncio.get_running_loop().create_task(self._resolve(self._upstream))

    async def _resolve(self, upstream: Address) -> None:
        refusal = server = None
        try:
            server = (await self._resolver.resolve(upstream[0]), upstream[1])
        except UserError as error:
            refusal = str(error)
        waiting, self._waiting = self._waiting, []
        for face, peer, data in waiting:
            self._found(face, peer, data, server, refusal)

    def close(self) -> None:
        """Nobody waits any more."""
        if self._task is not None:
            self._task.cancel()
