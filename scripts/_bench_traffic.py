"""What the relay costs a game: added latency, many UDP flows at a game's pace, idle connections.

Run by itself it is a load: python scripts/_bench_traffic.py flows PORT FLOWS RATE SECONDS.
"""

from __future__ import annotations

import contextlib
import json
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

HOST = "127.0.0.1"
SIZE = 64
FLOWS, RATE = 500, 60
CONNECTIONS = 1000
CALM = 3.0
"""Seconds after which a process has settled."""


def flows(port: int, count: int, rate: int, seconds: int) -> None:
    """`count` sockets that each send `rate` datagrams a second, spread evenly over time."""
    socks = []
    for _ in range(count):
        sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        sock.connect((HOST, port))
        socks.append(sock)
    for sock in socks:  # each flow is opened first: a game says hello before it plays
        sock.send(bytes(SIZE))
        time.sleep(0.002)
    total = count * rate * seconds
    begun = time.perf_counter()
    number = 0
    while number < total:
        due = min(int((time.perf_counter() - begun) * count * rate), total)
        for turn in range(number, due):
            socks[turn % count].send(bytes(SIZE))
        number = due
        time.sleep(0.0005)
    taken = time.perf_counter() - begun
    print(json.dumps({"count": total + count, "rate": total / taken}))


class Sink:
    """Counts datagrams."""

    def __init__(self) -> None:
        self.count = 0
        self.sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 16 << 20)
        self.sock.bind((HOST, 0))
        self.port: int = self.sock.getsockname()[1]
        threading.Thread(target=self._run, daemon=True).start()

    def _run(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                self.sock.recv(2048)
                self.count += 1

    def settle(self) -> int:
        """The count once nothing more comes."""
        before = -1
        while before != self.count:
            before = self.count
            time.sleep(0.5)
        return before


def _memory(process: int) -> int:
    """Resident bytes of a process and its children."""
    total = 0
    with contextlib.suppress(OSError):
        for line in Path(f"/proc/{process}/status").read_text().splitlines():
            if line.startswith("VmRSS:"):
                total += int(line.split()[1]) * 1024
        for task in Path(f"/proc/{process}/task").iterdir():
            total += sum(map(_memory, map(int, (task / "children").read_text().split())))
    return total


def _latency(transport: str, rounds: int, seconds: float, folder: Path) -> dict[str, Any]:
    """Microseconds that a round trip takes longer than without a relay, medians of the rounds."""
    from _bench import load, median, server
    from _contenders import available, started

    taken: dict[str, list[dict[str, Any]]] = {}
    with server(f"echo_{transport}") as upstream:
        for _ in range(rounds):
            for name in ("direct", "nginx", "understudy"):
                if name in available(transport):
                    with started(name, transport, upstream, folder) as running:
                        result = load(f"ping_{transport}", running.port, 1, seconds)
                    taken.setdefault(name, []).append(result)
    p50 = {name: median(results)["p50"] for name, results in taken.items()}
    added = {name: round(p50[name] - p50["direct"], 1) for name in p50 if name != "direct"}
    result = {f"{transport} direct p50, us": p50["direct"]}
    result |= {f"{transport} added by {name}, us": value for name, value in added.items()}
    if added.get("nginx"):
        result[f"{transport} added, ratio to nginx"] = round(
            added["understudy"] / added["nginx"], 2
        )
    return result


def _many_flows(folder: Path) -> dict[str, Any]:
    from _contenders import started

    sink = Sink()
    with started("understudy", "udp", sink.port, folder) as running:
        words = [sys.executable, __file__, "flows", running.port, FLOWS, RATE, 5]
        out = subprocess.run(
            [str(word) for word in words], capture_output=True, text=True, timeout=120, check=True
        ).stdout
        arrived = sink.settle()
        sent = json.loads(out)
    recorded = _count(running.file)
    sink.sock.close()
    return {
        f"UDP, {FLOWS} flows at {RATE}/s: sent": sent["count"],
        "arrived": arrived,
        "recorded": recorded,
        "datagrams a second": round(sent["rate"]),
    }


def _count(file: Path | None) -> int:
    import sqlite3

    with contextlib.closing(sqlite3.connect(file or ":memory:")) as db:
        count: int = db.execute("SELECT count(*) FROM frames").fetchone()[0]
        return count


def _idle_connections(folder: Path) -> dict[str, Any]:
    from _bench import server
    from _contenders import started

    with server("echo_tcp") as upstream, started("understudy", "tcp", upstream, folder) as running:
        assert running.process is not None
        with socket.create_connection((HOST, running.port)) as sock:
            sock.sendall(b"x")  # everything is loaded by now
            sock.recv(1)
        time.sleep(CALM)
        before = _memory(running.process.pid)
        with contextlib.ExitStack() as stack:
            for _ in range(CONNECTIONS):
                stack.enter_context(socket.create_connection((HOST, running.port)))
            time.sleep(CALM)
            after = _memory(running.process.pid)
    return {f"{CONNECTIONS} idle TCP connections, MB": round((after - before) / 1e6, 1)}


def bench_traffic(rounds: int, seconds: float, folder: Path) -> dict[str, Any]:
    """Latency in one run with nginx, 500 UDP flows, 1,000 idle connections."""
    result = {}
    for transport in ("tcp", "udp"):
        result |= _latency(transport, rounds, seconds, folder)
    return result | _many_flows(folder) | _idle_connections(folder)


if __name__ == "__main__":
    if sys.argv[1:2] == ["flows"]:
        flows(*map(int, sys.argv[2:]))
    else:
        import tempfile

        with tempfile.TemporaryDirectory() as name:
            print(json.dumps(bench_traffic(3, 1.0, Path(name)), indent=1))
