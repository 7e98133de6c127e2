"""The two ends of a measurement: echo servers, and clients that print one JSON object.

Run as a process of its own: python scripts/_load.py ROLE ARGUMENTS. Only the standard library.
Every loop is bounded by a number of seconds or of frames.
"""

from __future__ import annotations

import contextlib
import json
import select
import selectors
import socket
import sys
import time

HOST = "127.0.0.1"
BIG = 1 << 20


def ea_frame(size: int = 64) -> bytes:
    """An EA lobby frame of that many bytes: what the server's ping looks like."""
    body = b"REF=2026.11.21 10:00:00\nTIME="
    body += b"7" * (size - 12 - len(body) - 2) + b"\n\0"
    return b"~png" + bytes(4) + size.to_bytes(4, "big") + body


def kaillera_bundle(number: int, size: int = 64) -> bytes:
    """A bundle with one GameData message, `size` bytes in all."""
    data = bytes(size - 1 - 5 - 1 - 2)
    body = b"\x12\0" + len(data).to_bytes(2, "little") + data
    head = b"\1" + (number & 0xFFFF).to_bytes(2, "little")
    return head + len(body).to_bytes(2, "little") + body


def _tell_port(sock: socket.socket) -> None:
    print(sock.getsockname()[1], flush=True)


def echo_tcp() -> None:
    """Send everything back to whoever connects, until killed."""
    listener = socket.create_server((HOST, 0), backlog=256)
    _tell_port(listener)
    selector = selectors.DefaultSelector()
    selector.register(listener, selectors.EVENT_READ)
    while True:
        for key, _ in selector.select():
            if key.fileobj is listener:
                conn, _ = listener.accept()
                conn.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                selector.register(conn, selectors.EVENT_READ)
                continue
            conn = key.fileobj
            assert isinstance(conn, socket.socket)
            try:
                data = conn.recv(65536)
                if data:
                    conn.sendall(data)
                    continue
            except OSError:
                pass
            selector.unregister(conn)
            conn.close()


def echo_udp() -> None:
    """Send every datagram back, until killed."""
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 * BIG)
    sock.bind((HOST, 0))
    _tell_port(sock)
    while True:
        data, peer = sock.recvfrom(65536)
        sock.sendto(data, peer)


def sink_udp() -> None:
    """Swallow every datagram, until killed."""
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 * BIG)
    sock.bind((HOST, 0))
    _tell_port(sock)
    while True:
        sock.recv(65536)


def sink_tcp() -> None:
    """Swallow what comes; answer the end of the stream with the number of bytes, until killed."""
    listener = socket.create_server((HOST, 0))
    _tell_port(listener)
    buffer = bytearray(BIG)
    while True:
        conn, _ = listener.accept()
        total = 0
        while count := conn.recv_into(buffer):
            total += count
        conn.sendall(f"{total}\n".encode())
        conn.close()


def _summary(count: int, seconds: float, times: list[float]) -> None:
    times.sort()
    micro = [round(times[int(len(times) * q)] * 1e6, 1) for q in (0.5, 0.99)] if times else [0, 0]
    print(json.dumps({"rate": count / seconds, "p50": micro[0], "p99": micro[1], "count": count}))


def ping_tcp(port: int, connections: int, seconds: float) -> None:
    """Ping-pong of one frame per connection, all connections at once."""
    payload = ea_frame()
    selector = selectors.DefaultSelector()
    sent: dict[int, float] = {}
    for _ in range(connections):
        conn = socket.create_connection((HOST, port))
        conn.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        conn.sendall(payload)
        sent[conn.fileno()] = time.perf_counter()
        selector.register(conn, selectors.EVENT_READ, [conn, 0])
    count, times = 0, []
    begun = time.perf_counter()
    end = begun + seconds
    while (clock := time.perf_counter()) < end:
        for key, _ in selector.select(1):
            entry = key.data
            entry[1] += len(entry[0].recv(65536))
            if entry[1] < len(payload):
                continue
            entry[1] = 0
            clock = time.perf_counter()
            times.append(clock - sent[key.fd])
            count += 1
            sent[key.fd] = clock
            entry[0].sendall(payload)
    _summary(count, clock - begun, times)


def ping_udp(port: int, flows: int, seconds: float) -> None:
    """Ping-pong of one datagram per flow, all flows at once; a lost one is sent again."""
    bundles = [kaillera_bundle(number) for number in range(65536)]
    selector = selectors.DefaultSelector()
    sent: dict[int, float] = {}
    numbers: dict[socket.socket, int] = {}
    for _ in range(flows):
        sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        sock.connect((HOST, port))
        sock.send(bundles[0])
        sent[sock.fileno()] = time.perf_counter()
        selector.register(sock, selectors.EVENT_READ, sock)
        numbers[sock] = 0
    count, times = 0, []
    begun = time.perf_counter()
    end = begun + seconds
    while (clock := time.perf_counter()) < end:
        ready = selector.select(0.5)
        if not ready:
            for sock, number in numbers.items():
                sock.send(bundles[number])
        for key, _ in ready:
            key.data.recv(65536)
            clock = time.perf_counter()
            times.append(clock - sent[key.fd])
            count += 1
            number = numbers[key.data] = (numbers[key.data] + 1) & 0xFFFF
            sent[key.fd] = clock
            key.data.send(bundles[number])
    _summary(count, clock - begun, times)


def bulk_tcp(port: int, megabytes: int, size: int) -> None:
    """Push frames of `size` bytes one way as fast as they go, and wait until all have arrived."""
    block = ea_frame(size) * max(1, 65536 // size)
    blocks = megabytes * BIG // len(block)
    conn = socket.create_connection((HOST, port))
    begun = time.perf_counter()
    for _ in range(blocks):
        conn.sendall(block)
    conn.shutdown(socket.SHUT_WR)
    arrived = int(conn.makefile().readline())
    seconds = time.perf_counter() - begun
    frames = blocks * len(block) // size
    result = {"rate": frames / seconds, "mb": arrived / BIG / seconds, "count": frames}
    assert arrived == blocks * len(block), "bytes were lost"
    print(json.dumps(result))


def paced_tcp(port: int, rate: int, seconds: float) -> None:
    """`rate` frames a second, evenly spaced; the time that each takes to come back."""
    payload = ea_frame()
    conn = socket.create_connection((HOST, port))
    conn.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    conn.setblocking(False)
    total = int(rate * seconds)
    due: list[float] = []
    times: list[float] = []
    got = 0
    begun = time.perf_counter()
    while len(times) < total and time.perf_counter() < begun + seconds + 5:
        clock = time.perf_counter()
        if len(due) < total and clock >= begun + len(due) / rate:
            due.append(time.perf_counter())
            conn.send(payload)
            continue
        wait = begun + len(due) / rate - clock if len(due) < total else 1.0
        if select.select([conn], [], [], max(0.0, wait))[0]:
            got += len(conn.recv(65536))
            clock = time.perf_counter()
            times += [clock - at for at in due[len(times) : got // len(payload)]]
    _summary(len(times), time.perf_counter() - begun, times)


def qr2_heartbeat(number: int) -> bytes:
    """A heartbeat of a GameSpy server with its usual keys, 180 bytes."""
    pairs = {"localip0": "192.0.2.7", "localport": "6500", "natneg": "1", "gamename": "gmtest"}
    pairs |= {"hostname": f"server {number % 1000}", "mapname": "island", "numplayers": "3"}
    pairs |= {"maxplayers": "16", "gamemode": "openplaying", "gamever": "1.02"}
    keys = b"".join(f"{key}\0{value}\0".encode() for key, value in pairs.items())
    return b"\x03" + (number % 1000 + 1).to_bytes(4, "big") + keys + bytes(5)


DATAGRAMS = {"kaillera": kaillera_bundle, "gamespy-query": qr2_heartbeat}


def flood_udp(port: int, rate: int, seconds: float, protocol: str = "kaillera") -> None:
    """`rate` datagrams a second one way, in half a millisecond's portions."""
    make = DATAGRAMS[protocol]
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sock.connect((HOST, port))
    total, number = int(rate * seconds), 0
    datagrams = [make(number) for number in range(65536)]
    begun = time.perf_counter()
    while number < total:
        behind = int((time.perf_counter() - begun) * rate) - number
        for _ in range(min(behind, total - number)):
            sock.send(datagrams[number & 0xFFFF])
            number += 1
        time.sleep(0.0005)
    print(json.dumps({"count": number, "rate": number / (time.perf_counter() - begun)}))


def game_udp(port: int, players: int, seconds: float) -> None:
    """A Kaillera game: each player says 60 bundles a second and hears them back."""
    socks = []
    for _ in range(players):
        sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        sock.connect((HOST, port))
        sock.setblocking(False)
        socks.append(sock)
    begun = time.perf_counter()
    for tick in range(int(seconds * 60)):
        for sock in socks:
            sock.send(kaillera_bundle(tick))
            with contextlib.suppress(OSError):
                while sock.recv(65536):
                    pass
        time.sleep(max(0.0, begun + (tick + 1) / 60 - time.perf_counter()))
    print(json.dumps({"count": int(seconds * 60) * players, "rate": 60.0}))


ROLES = {
    role.__name__: role
    for role in (
        echo_tcp,
        echo_udp,
        sink_tcp,
        sink_udp,
        game_udp,
        ping_tcp,
        ping_udp,
        bulk_tcp,
        paced_tcp,
        flood_udp,
    )
}


def argument(word: str) -> int | float | str:
    """A number where it is one."""
    if word.replace(".", "").isdigit():
        return float(word) if "." in word else int(word)
    return word


if __name__ == "__main__":
    ROLES[sys.argv[1]](*map(argument, sys.argv[2:]))
