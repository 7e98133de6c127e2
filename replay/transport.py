"""The sockets of playback: a part over TCP, as the client or as the server."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from proxy.relay.clock import now
from recordings.model import Frame
from replay.part import Part

READ_SIZE = 65536

Listener = Callable[[Frame], None]
"""Is told of every frame that a part hears."""


async def converse(
    part: Part,
    reader: asyncio.StreamReader,
    writer: asyncio.StreamWriter,
    heard: Listener | None = None,
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
            for frame in part.hear(data, now()):
                if heard is not None:
                    heard(frame)
    except ConnectionError:
        return
    finally:
        writer.close()


async def play_client(part: Part, host: str, port: int, heard: Listener | None = None) -> None:
    """Connect and play the client; raises OSError when nobody answers."""
    reader, writer = await asyncio.open_connection(host, port)
    await converse(part, reader, writer, heard)


async def play_server(make: Callable[[], Part], host: str, port: int = 0) -> asyncio.Server:
    """Listen and play the server's part to every client that comes, each from its beginning."""

    async def welcome(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await converse(make(), reader, writer)

    return await asyncio.start_server(welcome, host, port)
