"""A recorded server said again, byte for byte, to whoever plays along: the demo's other side."""

from __future__ import annotations

import asyncio

from proxy.keys import SessionKeys
from proxy.relay.api import Address
from proxy.relay.clock import now
from recordings.model import Direction
from replay.part import Part
from replay.script import Leg, readdressed

READ_SIZE = 65536


async def converse(part: Part, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
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
            part.hear(data, now())
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
