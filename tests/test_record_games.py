"""Redirects of other games through the real command: Kaillera's private port, Jazz 2's UDP port."""

from __future__ import annotations

import contextlib
import re
import socket
import struct
import threading
from collections.abc import Iterator
from pathlib import Path

from tests.running import PATIENCE, Command, connect, read_exactly, rows

FILE = "r.understudy.db"
HELLO, ACCEPTED = b"HELLO0.83\0", b"HELLOD00D%d\0"  # kaillera 1
JOIN = bytes.fromhex(
    "09"  # length, itself included
    "0f"  # join request
    "30c7"  # UDP port of the client, little-endian
    "32312020"  # version 1.23
    "01"  # one player
)
HEARTBEAT = bytes.fromhex("b4a009000011223344")  # jazz2 2: checksum, 09, sequence, 0, cookie


def datagrams(port: int = 0) -> socket.socket:
    made = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    made.settimeout(PATIENCE)
    made.bind(("127.0.0.1", port))
    return made


def answering(main: socket.socket, private: socket.socket) -> None:
    """A Kaillera server: assigns the private port, sends everything there back in reverse."""

    def greet() -> None:
        with contextlib.suppress(OSError):
            while True:
                _, peer = main.recvfrom(2000)
                main.sendto(ACCEPTED % private.getsockname()[1], peer)

    def talk() -> None:
        with contextlib.suppress(OSError):
            while True:
                data, peer = private.recvfrom(2000)
                private.sendto(data[::-1], peer)

    for work in (greet, talk):
        threading.Thread(target=work, daemon=True).start()


def test_kailleras_private_port_is_relayed(tmp_path: Path) -> None:
    with datagrams() as main, datagrams() as private, datagrams() as first, datagrams() as second:
        answering(main, private)
        upstream = f"127.0.0.1:{main.getsockname()[1]}"
        arguments = ("record", "kaillera", "--upstream", upstream, "--relay", "kaillera:0")
        with Command(tmp_path, *arguments, "-w", FILE) as run:
            ours = run.ready()["kaillera", "udp"]
            ports = []
            for _ in range(2):  # the same endpoint again: the same relay
                first.sendto(HELLO, ("127.0.0.1", ours))
                answer, _ = first.recvfrom(100)
                told = re.fullmatch(rb"HELLOD00D(\d+)\0", answer)
                assert told
                ports.append(int(told[1]))
            assert ports[0] == ports[1] != private.getsockname()[1]
            second.sendto(b"abc", ("127.0.0.1", ports[0]))
            assert second.recvfrom(100) == (b"cba", ("127.0.0.1", ports[0]))
            assert run.stop() == 0
    flows = rows(
        tmp_path / FILE,
        """SELECT flows.session_id, flows.server, frames.kind FROM flows
           LEFT JOIN frames ON frames.id = parent_frame_id ORDER BY flows.id""",
    )
    assert [(row["session_id"], row["kind"]) for row in flows] == [(1, None), (1, "HELLOD00D")]
    changed = rows(tmp_path / FILE, "SELECT raw, sent FROM frames WHERE action = 'changed'")
    assert [row["sent"] for row in changed] == [ACCEPTED % ports[0]] * 2


@contextlib.contextmanager
def jazz_server() -> Iterator[tuple[int, list[int]]]:
    """TCP and UDP on one number: sends a heartbeat to the UDP port that a join names."""
    named: list[int] = []
    with socket.create_server(("127.0.0.1", 0)) as control:
        port = control.getsockname()[1]
        with datagrams(port) as game:

            def serve() -> None:
                with contextlib.suppress(OSError):
                    connection, peer = control.accept()
                    with connection:
                        join = read_exactly(connection, len(JOIN))
                        named.append(struct.unpack_from("<H", join, 2)[0])
                        game.sendto(HEARTBEAT, (peer[0], named[0]))
                        connection.recv(1)

            threading.Thread(target=serve, daemon=True).start()
            yield port, named


def test_the_udp_port_that_a_jazz_2_client_names_is_relayed(tmp_path: Path) -> None:
    with jazz_server() as (upstream, named), datagrams() as client:
        mine = client.getsockname()[1]
        arguments = ("record", "--relay", f"jazz2:0=127.0.0.1:{upstream}", "-w", FILE)
        with Command(tmp_path, *arguments) as run:
            ports = run.ready()
            assert ports["jazz2", "tcp"] == ports["jazz2", "udp"]
            with connect(ports["jazz2", "tcp"]) as control:
                control.sendall(JOIN[:2] + struct.pack("<H", mine) + JOIN[4:])
                told = client.recvfrom(100)
            assert told == (HEARTBEAT, ("127.0.0.1", ports["jazz2", "udp"]))
            assert run.stop() == 0
    assert named != [mine]
    flows = rows(tmp_path / FILE, "SELECT transport, session_id FROM flows ORDER BY id")
    assert [tuple(row) for row in flows] == [("tcp", 1), ("udp", 1)]
    (join,) = rows(tmp_path / FILE, "SELECT * FROM frames WHERE kind = 'JoinRequest'")
    assert struct.unpack_from("<H", join["raw"], 2)[0] == mine
    assert struct.unpack_from("<H", join["sent"], 2)[0] == named[0]
