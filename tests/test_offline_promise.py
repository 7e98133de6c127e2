"""With `--offline` not one packet leaves by the network card toward the server: counted."""

from __future__ import annotations

import socket
import struct
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.netns import PROXY, SERVER, Net, echo, needs_netns, three_hosts
from tests.running import Command, rows

pytestmark = needs_netns()


@pytest.fixture
def net() -> Iterator[Net]:
    with three_hosts() as net:
        yield net


def _query(name: str) -> bytes:
    labels = b"".join(bytes([len(part)]) + part.encode() for part in name.split("."))
    return struct.pack("!6H", 7, 0x0100, 1, 0, 0, 0) + labels + b"\0" + struct.pack("!2H", 1, 1)


def _everything_a_client_does(net: Net, ports: dict[tuple[str, str], int]) -> list[bytes]:
    """A connection, datagrams, two questions of names, a connection by SOCKS; the answers."""
    answers = []
    with net.client.connect(PROXY, ports["raw-tcp", "tcp"]) as sock:
        sock.sendall(b"tcp")
        answers.append(_read(sock))
    with net.client.udp() as sock:
        sock.settimeout(1.0)
        for data in (b"one", b"two"):
            sock.sendto(data, (PROXY, ports["raw-udp", "udp"]))
            answers.append(_read(sock))
        for name in ("game.example", "elsewhere.example"):
            sock.sendto(_query(name), (PROXY, ports["dns", "udp"]))
            answers.append(_read(sock))
    with net.client.connect(PROXY, 1080) as sock:
        sock.sendall(b"\x05\x01\x00")
        assert sock.recv(2) == b"\x05\x00"
        sock.sendall(b"\x05\x01\x00\x01" + socket.inet_aton(SERVER) + struct.pack("!H", 7000))
        sock.recv(10)
        sock.sendall(b"socks")
        answers.append(_read(sock))
    return answers


def _read(sock: socket.socket) -> bytes:
    try:
        return sock.recv(65536)
    except (TimeoutError, ConnectionError):
        return b""


@pytest.mark.parametrize("offline", [True, False])
def test_nothing_leaves_but_to_the_client(net: Net, tmp_path: Path, offline: bool) -> None:
    tcp, udp = net.server.listen(SERVER, 7000), net.server.udp(SERVER, 7000)
    name_server = net.server.udp(SERVER, 53)
    for sock in (tcp, udp, name_server):
        echo(sock)
    arguments = [
        *("record", "-w", "file.understudy.db", "--listen-host", "0.0.0.0"),
        *("--relay", f"raw-tcp:0={SERVER}:7000", "--relay", f"raw-udp:0={SERVER}:7000"),
        *("--dns", "game.example", "--dns-port", "0", "--dns-upstream", SERVER),
        *("--resolver", SERVER, "--mode", "socks5"),
        *(["--offline"] if offline else []),
    ]
    before = net.proxy.packets("outside")
    with Command(tmp_path, *arguments, under=net.proxy.under) as command:
        answers = _everything_a_client_does(net, command.ready())
        assert command.stop() == 0, command.said()
    sent = net.proxy.packets("outside") - before
    for sock in (tcp, udp, name_server):
        sock.close()
    tcp_answer, one, two, ours, elsewhere, by_socks = answers
    assert ours.endswith(socket.inet_aton(PROXY))
    if not offline:  # the same run, to show that the count counts
        assert (tcp_answer, one, two, by_socks) == (b"TCP", b"ONE", b"TWO", b"SOCKS")
        assert sent > 8
        return
    assert sent == 0
    assert (tcp_answer, one, two, by_socks) == (b"", b"", b"", b"")
    assert elsewhere[3] & 0xF == 5  # REFUSED
    file = tmp_path / "file.understudy.db"
    said = [row["detail"] for row in rows(file, "SELECT detail FROM events WHERE kind = 'refused'")]
    assert len(said) >= 3
    assert all("--offline" in one or "offline" in one for one in said)
    assert [bytes(row["raw"]) for row in rows(file, "SELECT raw FROM frames")] == [b"one", b"two"]


def test_a_stand_in_speaks_to_nobody_else(net: Net, tmp_path: Path) -> None:
    """A recorded server is played: the client is answered, nothing leaves on the other side."""
    server = net.server.udp(SERVER, 27888)
    relay = ["--relay", f"kaillera:27888={SERVER}:27888", "--listen-host", "0.0.0.0"]
    with Command(
        tmp_path, "record", "-w", "was.understudy.db", *relay, under=net.proxy.under
    ) as command:
        command.ready()
        with net.client.udp() as sock:
            sock.sendto(b"PING\0", (PROXY, 27888))
            asked, peer = server.recvfrom(100)
            assert asked == b"PING\0"
            server.sendto(b"PONG\0", peer)
            assert sock.recv(100) == b"PONG\0"
        assert command.stop() == 0, command.said()
    server.close()
    arguments = ["serve", "was.understudy.db", "-w", "f.understudy.db", "--relay", "kaillera:27888"]
    arguments += ["--listen-host", "0.0.0.0", "--dns", "game.example", "--dns-port", "0"]
    before = net.proxy.packets("outside")
    with Command(tmp_path, *arguments, under=net.proxy.under) as command:
        dns = command.ready()["dns", "udp"]
        with net.client.udp() as sock:
            sock.sendto(b"PING\0", (PROXY, 27888))
            assert sock.recv(100) == b"PONG\0"
            sock.sendto(_query("elsewhere.example"), (PROXY, dns))
            assert sock.recv(100)[3] & 0xF == 5  # REFUSED
        assert command.stop() == 0, command.said()
    assert net.proxy.packets("outside") == before
