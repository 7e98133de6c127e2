"""A client of Jazz Jackrabbit 2, from the reference alone (jazz2 2 and 3)."""

from __future__ import annotations

import socket
import struct

from tests.running import PATIENCE, connect, read_exactly

DISCONNECT, DETAILS, JOIN, SERVER, JOINED, LIST, START = 0x0D, 0x0E, 0x0F, 0x10, 0x11, 0x12, 0x13
DOWNLOAD, LOADED, CHAT = 0x15, 0x1A, 0x1B
FUR = bytes((0x18, 0x20, 0x28, 0x10))


def datagram(body: bytes) -> bytes:
    """The two sums, and what they are over."""
    one = two = 1
    for byte in body:
        one += byte
        two += one
    return bytes([one % 251, two % 251]) + body


def packet(tag: int, payload: bytes = b"", *, long: bool = False) -> bytes:
    if long:
        return b"\0" + struct.pack("<HB", len(payload) + 1, tag) + payload
    return bytes([len(payload) + 2, tag]) + payload


class Udp:
    """The datagrams of one client."""

    def __init__(self, port: int) -> None:
        self.server = "127.0.0.1", port
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.1", 0))
        self.socket.settimeout(PATIENCE)
        self.port: int = self.socket.getsockname()[1]

    def ask(self, body: bytes) -> bytes:
        """A datagram, and the answer without its sums."""
        self.send(body)
        return self.next()

    def send(self, body: bytes) -> None:
        self.socket.sendto(datagram(body), self.server)

    def next(self, wanted: int | None = None) -> bytes:
        """The next datagram (of an id), from its id on."""
        while True:
            data = self.socket.recv(1 << 16)
            assert data == datagram(data[2:]), "wrong sums"
            if wanted is None or data[2] == wanted:
                return data[2:]

    def close(self) -> None:
        self.socket.close()


class Rabbit:
    """One client: a connection and an endpoint for datagrams."""

    def __init__(self, port: int, name: str) -> None:
        self.name = name
        self.udp = Udp(port)
        self.tcp = connect(port)
        self.socket = self.player = -1
        self._waiting: list[tuple[int, bytes]] = []

    def send(self, tag: int, payload: bytes = b"", *, long: bool = False) -> None:
        self.tcp.sendall(packet(tag, payload, long=long))

    def next(self, tag: int) -> bytes:
        """The next packet of an id; others wait."""
        for one in self._waiting:
            if one[0] == tag:
                self._waiting.remove(one)
                return one[1]
        while True:
            got = self._read()
            assert got is not None, f"it ended before {tag:#x}: {self._waiting}"
            if got[0] == tag:
                return got[1]
            self._waiting.append(got)

    def _read(self) -> tuple[int, bytes] | None:
        head = read_exactly(self.tcp, 1)
        if not head:
            return None
        length = head[0] - 1
        if not head[0]:
            length = struct.unpack("<H", read_exactly(self.tcp, 2))[0]
        body = read_exactly(self.tcp, length)
        return body[0], body[1:]

    def ended(self) -> bool:
        """Whether the server ends the connection."""
        while self._read() is not None:
            pass
        return True

    def request(self, version: bytes = b"24  ", players: int = 1) -> None:
        self.send(JOIN, struct.pack("<H4sB", self.udp.port, version, players))

    def details(self) -> None:
        entry = bytes([self.player, 1]) + FUR + self.name.encode() + b"\0"
        self.send(DETAILS, b"\1" + entry)

    def join(self) -> list[tuple[int, int, str]]:
        """All the way in; socket, id and name of everybody who is there."""
        self.request()
        told = self.next(SERVER)
        self.socket, self.player = told[0], told[1]
        assert len(told) == 3 + told[2] + 10, "the details of the original game"
        self.details()
        listed = self.next(LIST)
        assert self.next(START) == b""
        self.send(LOADED)
        return entries(listed)

    def chat(self, text: str, *, long: bool = False) -> None:
        self.send(CHAT, bytes([self.socket, 0x20]) + text.encode("latin-1"), long=long)

    def close(self) -> None:
        self.tcp.close()
        self.udp.close()


def entries(listed: bytes) -> list[tuple[int, int, str]]:
    """Socket, id and name of each entry of a player list."""
    found, at = [], 1
    for _ in range(listed[0]):
        end = listed.index(0, at + 7)
        found.append((listed[at], listed[at + 1], listed[at + 7 : end].decode("latin-1")))
        at = end + 1
    assert at == len(listed)
    return found
