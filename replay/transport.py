"""The sockets of playback: the legs of a session over TCP, as the clients or as the servers."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from proxy.keys import SessionKeys
from proxy.relay.api import Address
from proxy.relay.clock import now
from recordings.model import Direction, Frame
from replay.part import Part
from replay.script import Leg, announced_endpoint, readdressed

READ_SIZE = 65536

Heard = Callable[[Frame, Frame | None], None]
"""Is told of every frame that a part hears, and of the recorded one in its place."""


async def converse(
    part: Part,
    reader: asyncio.StreamReader,
    writer: asyncio.StreamWriter,
    heard: Heard | None = None,
) -> None:
    """Play a part until it is over or the other side closes."""
    try:
        while True:
            for frame in part.due():
                writer.write(frame.raw or b"")
            await writer.drain()
            if part.over:
                return
            data = await reader.read(READ_SIZE)
            if not data:
                return
            for live, recorded in part.hear(data, now()):
                if heard is not None:
                    heard(live, recorded)
    except ConnectionError:
        return
    finally:
        writer.close()


class Servers:
    """Plays the server's side of a session: a listener per leg, announced to who plays along."""

    def __init__(self, host: str = "127.0.0.1") -> None:
        self._host = host
        self._servers: list[asyncio.Server] = []
        self.addresses: dict[Address, Leg] = {}

    async def open(self, leg: Leg) -> Address:
        """Listen for a leg and all that it announces; where."""
        live = {frame: await self.open(child) for frame, child in leg.announced.items()}
        frames = list(readdressed(leg, live))

        async def welcome(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            part = Part(leg.protocol, frames, Direction.TO_CLIENT, SessionKeys())
            await converse(part, reader, writer)

        server = await asyncio.start_server(welcome, self._host, 0)
        self._servers.append(server)
        address: Address = server.sockets[0].getsockname()[:2]
        self.addresses[address] = leg
        return address

    def close(self) -> None:
        """Stop listening."""
        for server in self._servers:
            server.close()


async def play(leg: Leg, address: Address, told: Callable[[Leg, Address], None]) -> list[Part]:
    """Play the client's side of a leg, and of every leg that it announces, where it says."""
    part = Part(leg.protocol, leg.frames, Direction.TO_SERVER, SessionKeys())
    below: list[asyncio.Task[list[Part]]] = []

    def heard(live: Frame, recorded: Frame | None) -> None:
        child = leg.announced.get(recorded.id) if recorded else None
        if child is None:
            return
        endpoint = announced_endpoint(leg.protocol, live, address)
        if endpoint is not None:
            told(child, endpoint)
            below.append(asyncio.create_task(play(child, endpoint, told)))

    reader, writer = await asyncio.open_connection(*address)
    await converse(part, reader, writer, heard)
    parts = [part]
    for task in below:
        parts += await task
    return parts
