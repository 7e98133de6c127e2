"""Tells list servers about a stand-in: the only connections that it opens without an --upstream.

Nothing here waits for a list, or stops because of one: a list that is silent, refuses, or floods
costs nobody a frame. What became of it is said when it changes.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from functools import partial

from proxy.relay.resolver import Resolver
from recordings.errors import UserError
from replay.standin.cast import Cast
from replay.standin.listed import Announcer, ListServer, show_list
from replay.standin.rules import rules_of

PATIENCE = 10.0
"""Seconds for a connection, and for the answer to a request."""
AGAIN = 60.0
"""Seconds after which a lasting connection that failed is tried again."""
MOST = 64 << 10
"""Bytes that a list may say between two words of ours."""
SILENCE = 1.0
"""Seconds without a refusal after which a list that says nothing is believed to list us."""
EVENT = "announce"


def lists_served(protocols: Sequence[str]) -> list[str]:
    """Of those protocols the ones that tell lists about themselves."""
    found = []
    for name in dict.fromkeys(protocols):
        rules = rules_of(name)
        if rules is not None and rules.announces:
            found.append(name)
    return found


def announcing(
    lists: Sequence[ListServer], protocols: Sequence[str], resolver: Resolver
) -> Callable[[Cast], None]:
    """What begins to announce a run, once its loop runs: see `Show.opened`."""
    tasks: set[asyncio.Task[None]] = set()

    def begin(cast: Cast) -> None:
        for name in protocols:
            for one in lists:
                task = asyncio.get_running_loop().create_task(_announce(cast, name, one, resolver))
                tasks.add(task)
                task.add_done_callback(tasks.discard)

    return begin


async def _announce(cast: Cast, protocol: str, one: ListServer, resolver: Resolver) -> None:
    await asyncio.sleep(0)  # the listeners are opened first
    rules = cast.stage.rules(protocol)
    port = cast.port_of(protocol)
    if rules is None or port is None:
        return
    announcer = rules.announcer(port, one.path)
    if announcer is None:
        return
    where = show_list(one, announcer.port)
    said: str | None = None

    def tell(now: str) -> None:
        nonlocal said
        if now != said:
            said = now
            cast.stage.on_note(None, EVENT, f"{where} {now}")

    while True:
        try:
            problem = await _once(announcer, one, resolver, partial(tell, "lists this server"))
        except (OSError, TimeoutError, UserError) as error:
            problem = str(error) or "no answer"
        if problem:
            tell(f"does not list this server: {problem}")
        await asyncio.sleep(AGAIN if announcer.lasting else announcer.every)


async def _once(
    announcer: Announcer, one: ListServer, resolver: Resolver, listed: Callable[[], None]
) -> str | None:
    """One connection; why it failed."""
    address = await resolver.resolve(one.host)
    async with asyncio.timeout(PATIENCE):
        reader, writer = await asyncio.open_connection(address, one.port or announcer.port)
    try:
        writer.write(announcer.begin(one.host))
        if announcer.lasting:
            return await _stay(announcer, reader, writer, listed)
        async with asyncio.timeout(PATIENCE):
            problem = announcer.heard(await _all(reader))
        if problem is None:
            listed()
        return problem
    finally:
        writer.close()


async def _all(reader: asyncio.StreamReader) -> bytes:
    data = b""
    while len(data) < MOST and (more := await reader.read(MOST)):
        data += more
    return data


async def _stay(
    announcer: Announcer,
    reader: asyncio.StreamReader,
    writer: asyncio.StreamWriter,
    listed: Callable[[], None],
) -> str:
    """Keep the connection and go on telling, until the list ends it."""
    loop = asyncio.get_running_loop()
    wait = min(SILENCE, announcer.every)
    while True:
        heard, until = 0, loop.time() + wait
        while (left := until - loop.time()) > 0:
            try:
                async with asyncio.timeout(left):
                    data = await reader.read(MOST)
            except TimeoutError:
                break
            heard += len(data)
            problem = announcer.heard(data)
            if problem or not data or heard > MOST:
                return problem or ("it ended the connection" if not data else "it says too much")
        listed()
        writer.write(announcer.go_on())
        wait = announcer.every


__all__ = ["announcing", "lists_served"]
