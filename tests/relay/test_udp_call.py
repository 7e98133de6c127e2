"""A stand-in speaks first to a UDP client, from the listener that the client knows."""

from __future__ import annotations

import asyncio
import socket

from proxy.relay.api import Address, Listen, Pipe
from proxy.relay.engine import Engine
from proxy.relay.flow import Mute
from recordings.model import Direction, Transport


class Speaker(Mute):
    """Says something as soon as its flow is open."""

    def started(self, pipe: Pipe) -> None:
        pipe.send(Direction.TO_CLIENT, b"are you there")

    def takes_over(self, reason: str) -> bool:
        return False


class Speakers:
    congested = False

    def __init__(self) -> None:
        self.clients: list[Address] = []

    def opened(
        self,
        listen: Listen,
        client: Address,
        server: Address | None,
        local: Address | None = None,
    ) -> Speaker:
        self.clients.append(client)
        return Speaker()


async def call(client: Address, listen: Listen) -> tuple[Address, list[bool], Speakers]:
    sinks = Speakers()
    engine = Engine(sinks, offline=True)
    address = engine.open(listen)
    running = asyncio.create_task(engine.run())
    await asyncio.sleep(0)
    other = Listen("raw-udp", Transport.UDP, "127.0.0.1", 1)
    done = [engine.call(one, client) for one in (listen, listen, other)]
    engine.stop()
    await running
    return address, done, sinks


def test_a_client_is_spoken_to_first() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
        client.bind(("127.0.0.1", 0))
        client.settimeout(5)
        listen = Listen("raw-udp", Transport.UDP, "127.0.0.1", 0)
        address, done, sinks = asyncio.run(call(client.getsockname(), listen))
        data, peer = client.recvfrom(100)
        assert (data, peer) == (b"are you there", address)
    assert done == [True, True, False]
    assert sinks.clients == [client_address(sinks)], "one flow, however often it is called"


def client_address(sinks: Speakers) -> Address:
    return sinks.clients[0]
