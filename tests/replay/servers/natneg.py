"""A NAT negotiation server: the partner is elsewhere in every run (gamespy 10).

It looks whether a client says its own port, and repeats its own cookie, index and id.
"""

from __future__ import annotations

import random
import struct
from collections.abc import Callable, Iterator

MAGIC = bytes.fromhex("fdfc1e666ab2")
FILLER = bytes.fromhex("ffff6d16b57dea")
INIT, INITACK, CONNECT, CONNECT_ACK, REPORT, REPORT_ACK = 0, 1, 5, 6, 0x0D, 0x0E
ADDRESS_CHECK, ADDRESS_REPLY, PREINIT, PREINIT_ACK = 0x0A, 0x0B, 0x0F, 0x10
TYPE_AT = 7


def packet(kind: int, cookie: int, body: bytes, version: int = 4) -> bytes:
    return MAGIC + bytes((version, kind)) + struct.pack(">I", cookie) + body


def endpoint(address: tuple[str, int]) -> bytes:
    host, port = address
    return bytes(int(part) for part in host.split(".")) + struct.pack(">H", port)


class World:
    send: Callable[[bytes, tuple[str, int]], object]
    """Says something by itself; set by the stage."""

    def __init__(self, seed: int) -> None:
        self.draw = random.Random(seed)
        self.send = lambda data, peer: None
        self.problems: list[str] = []
        self.partner = f"203.0.113.{self.draw.randrange(1, 200)}", self.draw.randrange(1024, 65000)
        self.met = self.reported = 0


class Server:
    def __init__(self, world: World) -> None:
        self.world = world
        self._waited: set[int] = set()
        self._ports: dict[int, set[int]] = {}

    def received(self, data: bytes, peer: tuple[str, int]) -> Iterator[bytes]:
        if not data.startswith(MAGIC) or len(data) < 12:
            self.world.problems.append("no packet of ours")
            return
        kind, cookie, body = data[TYPE_AT], struct.unpack(">I", data[8:12])[0], data[12:]
        handler = {
            PREINIT: self._preinit,
            INIT: self._init,
            CONNECT_ACK: self._connected,
            ADDRESS_CHECK: self._address,
            REPORT: self._report,
        }[kind]
        yield from handler(cookie, body, peer)

    def _preinit(self, cookie: int, body: bytes, peer: tuple[str, int]) -> Iterator[bytes]:
        state = 2 if cookie in self._waited else 1
        self._waited.add(cookie)
        yield packet(PREINIT_ACK, cookie, body[:1] + bytes((state,)) + body[2:6])

    def _address(self, cookie: int, body: bytes, peer: tuple[str, int]) -> Iterator[bytes]:
        yield packet(ADDRESS_REPLY, cookie, body[:3] + endpoint(peer))

    def _init(self, cookie: int, body: bytes, peer: tuple[str, int]) -> Iterator[bytes]:
        kind, index = body[0], body[1]
        if body[3:9] != endpoint(peer):
            self.world.problems.append("it is not where it says that it is")
        yield packet(INITACK, cookie, body[:2] + FILLER)
        ports = self._ports.setdefault(cookie, set())
        ports.add(kind)
        if ports == {0, 1} and index == 0:
            yield packet(CONNECT, cookie, endpoint(self.world.partner) + b"\x42\x00")

    def _connected(self, cookie: int, body: bytes, peer: tuple[str, int]) -> Iterator[bytes]:
        if cookie not in self._ports:
            self.world.problems.append("nobody was told to connect")
        self.world.met += 1
        yield from ()

    def _report(self, cookie: int, body: bytes, peer: tuple[str, int]) -> Iterator[bytes]:
        self.world.reported += cookie in self._ports
        yield packet(REPORT_ACK, cookie, body[:9])
