"""Every protocol over real sockets through the real command, with a client and a server of ours.

Each golden frame is said once, after what must come before it, by a client and a server that know
nothing but bytes. What the recording then holds is compared with what the vector says.
"""

from __future__ import annotations

import contextlib
import importlib
import json
import select
import socket
import time
from pathlib import Path

from proxy import registry
from recordings.model import Direction, Transport
from tests.protocols.harness import Vector
from tests.running import PATIENCE, Command, connect, rows

VECTORS = Path(__file__).parent / "vectors"
SETTLE = 0.5
"""Seconds after which a held part-frame has been forwarded as well (the relay waits 250 ms)."""
GREETING = b"\xff\xff\xff"
"""A datagram that opens a flow whose first golden frame is the server's; it fits no protocol."""

UP = Direction.TO_SERVER

ALONE = {"a login whose keys nobody saw", "enciphered with keys that nobody gave"}
"""Vectors about keys that are missing: here earlier flows of the session have given them."""


class TcpEnds:
    """A server, and a client for each flow, moved by the test."""

    def __init__(self, port: int = 0) -> None:
        self._listener = socket.create_server(("127.0.0.1", port))
        self._listener.settimeout(PATIENCE)
        self.port: int = self._listener.getsockname()[1]

    def close(self) -> None:
        self._listener.close()

    def play(self, port: int, lines: list[tuple[Direction, bytes]]) -> None:
        """Say the lines in order, each when the one before has arrived."""
        with connect(port) as client, self._listener.accept()[0] as server:
            for direction, data in lines:
                speaker, hearer = (client, server) if direction is UP else (server, client)
                speaker.sendall(data)
                self._arrived(hearer, len(data))

    def _arrived(self, hearer: socket.socket, size: int) -> None:
        """Wait for as many bytes; for fewer when they were rewritten on the way."""
        hearer.settimeout(PATIENCE)
        end = time.monotonic() + SETTLE
        while size > 0 and select.select([hearer], [], [], max(0.0, end - time.monotonic()))[0]:
            size -= len(hearer.recv(65536))


class UdpEnds:
    """The same for datagrams."""

    def __init__(self, port: int = 0) -> None:
        self._server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._server.bind(("127.0.0.1", port))
        self._server.settimeout(PATIENCE)
        self.port: int = self._server.getsockname()[1]
        # open to the end: a second client with the port of one before would be of its flow
        self._clients = contextlib.ExitStack()

    def close(self) -> None:
        self._server.close()
        self._clients.close()

    def play(self, port: int, lines: list[tuple[Direction, bytes]]) -> None:
        """Say the lines in order, each when the one before has arrived."""
        if lines[0][0] is not UP:
            lines = [(UP, GREETING), *lines]
        peer: tuple[str, int] | None = None
        client = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._clients.enter_context(client)
        client.settimeout(PATIENCE)
        client.connect(("127.0.0.1", port))
        for direction, data in lines:
            if direction is UP:
                client.send(data)
                _, peer = self._server.recvfrom(65536)
            else:
                assert peer
                self._server.sendto(data, peer)
                client.recv(65536)


ENDS: dict[Transport, type[TcpEnds] | type[UdpEnds]] = {
    Transport.TCP: TcpEnds,
    Transport.UDP: UdpEnds,
}


def golden() -> dict[str, list[Vector]]:
    """Of every protocol the vectors that need no keys but those that a user can give."""
    found: dict[str, list[Vector]] = {}
    for name in registry.protocols():
        stem = name.replace("-", "_")
        if (VECTORS / f"{stem}.py").exists():
            module = importlib.import_module(f"tests.vectors.{stem}")
            found[name] = [v for v in module.VECTORS if not v.keys and v.name not in ALONE]
    return found


def test_every_protocol_is_recorded_as_its_vectors_say(tmp_path: Path) -> None:
    vectors = golden()
    assert len(vectors) >= 16
    secrets = {
        f"{game}={secret}"
        for several in vectors.values()
        for vector in several
        for game, secret in vector.secrets.items()
    }
    words = [f"--game-key={pair}" for pair in sorted(secrets)]
    played: list[tuple[str, Vector]] = []
    file = tmp_path / "all.understudy.db"
    with contextlib.ExitStack() as stack:
        ends: dict[tuple[str, str], TcpEnds | UdpEnds] = {}
        for name in vectors:
            port = 0
            for transport in registry.protocol(name).transports:
                end = stack.enter_context(contextlib.closing(ENDS[transport](port)))
                port = end.port
                ends[name, transport] = end
            words.append(f"--relay={name}:0=127.0.0.1:{port}")
        command = stack.enter_context(Command(tmp_path, "record", "-q", "-w", str(file), *words))
        ports = command.ready()
        for name, several in vectors.items():
            for vector in several:
                transport = vector.transport or registry.protocol(name).transports[0]
                lines = [*vector.before, (vector.direction, vector.raw)]
                ends[name, transport].play(ports[name, transport], lines)
                played.append((name, vector))
        assert command.stop() == 0, command.said()
    compare(file, played)


def compare(file: Path, played: list[tuple[str, Vector]]) -> None:
    flows = rows(file, "SELECT id, protocol FROM flows ORDER BY id")
    assert [flow["protocol"] for flow in flows] == [name for name, _ in played]
    wrong = []
    for flow, (name, vector) in zip(flows, played, strict=True):
        frames = rows(file, "SELECT * FROM frames WHERE flow_id = ? ORDER BY number", flow["id"])
        said = b"".join(data for way, data in vector.before if way is vector.direction)
        same_way = [f for f in frames if f["direction"] == vector.direction]
        recorded = b"".join(f["raw"] for f in same_way).removeprefix(GREETING)
        assert recorded == said + vector.raw, f"{name}: {vector.name}: bytes are missing"
        last = same_way[-1]
        fields = json.loads(last["fields"] or "{}")
        if last["kind"] != vector.kind or (vector.fields is not None and fields != vector.fields):
            wrong.append(f"{name}: {vector.name}: {last['kind']} {fields} {last['error']}")
        elif vector.error and vector.error not in (last["error"] or ""):
            wrong.append(f"{name}: {vector.name}: its error is {last['error']!r}")
    assert not wrong, "\n".join(wrong)
