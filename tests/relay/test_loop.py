"""The short way of datagrams through the event loop: nothing else waits for it."""

from __future__ import annotations

import asyncio
import socket
import sys
from collections.abc import Iterator

import pytest

from proxy.relay.loop import Loop
from tests.relay.harness import LOOPBACK, on_loop

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the short way takes epoll")


class Pair:
    """A socket that is read by the short way, and one that sends to it."""

    def __init__(self) -> None:
        self.here = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.there = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.here.bind((LOOPBACK, 0))
        self.here.setblocking(False)
        self.there.connect(self.here.getsockname())

    def loop(self) -> Loop:
        loop = asyncio.get_running_loop()
        assert isinstance(loop, Loop)
        return loop


@pytest.fixture
def pair() -> Iterator[Pair]:
    pair = Pair()
    yield pair
    pair.here.close()
    pair.there.close()


@on_loop
async def test_timers_and_calls_do_not_wait_for_datagrams(pair: Pair) -> None:
    loop = pair.loop()
    seen: list[str] = []
    done = loop.create_future()

    def read() -> None:
        pair.here.recv(100)
        pair.there.send(b"there is always another one")
        if len(seen) < 3:
            seen.append("read")
            if len(seen) == 1:
                loop.call_soon(seen.append, "soon")
                loop.call_later(0.0, seen.append, "later")

    loop.attach(pair.here.fileno(), read)
    loop.call_later(0.05, done.set_result, "in time")
    pair.there.send(b"first")
    begun = loop.time()
    assert await done == "in time"
    assert loop.time() - begun < 5
    loop.detach(pair.here.fileno())
    assert seen[0] == "read"
    assert {"soon", "later"} <= set(seen)


@on_loop
async def test_other_sockets_do_not_wait_for_datagrams(pair: Pair) -> None:
    loop = pair.loop()
    reader, writer = socket.socketpair()
    with reader, writer:
        reader.setblocking(False)

        def read() -> None:
            pair.here.recv(100)
            pair.there.send(b"there is always another one")
            if not sent:
                sent.append(writer.send(b"hello"))

        sent: list[int] = []
        loop.attach(pair.here.fileno(), read)
        pair.there.send(b"first")
        assert await loop.sock_recv(reader, 100) == b"hello"
        loop.detach(pair.here.fileno())


@on_loop
async def test_a_reader_that_fails_ends_nothing(pair: Pair) -> None:
    loop = pair.loop()
    told: list[str] = []
    loop.set_exception_handler(lambda _, said: told.append(str(said["exception"])))
    done = loop.create_future()

    def read() -> None:
        if pair.here.recv(100) == b"bad":
            raise RuntimeError("a defect")
        done.set_result(None)

    loop.attach(pair.here.fileno(), read)
    pair.there.send(b"bad")
    pair.there.send(b"good")
    await done
    assert told == ["a defect"]
    loop.detach(pair.here.fileno())
    loop.detach(pair.here.fileno())  # nothing happens
    pair.there.send(b"unheard")
    await asyncio.sleep(0)
    assert pair.here.recv(100) == b"unheard"
