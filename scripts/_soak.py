"""Many short connections and UDP sessions through a recorder; what it has left open afterwards.

python scripts/_soak.py [COUNT]    (default 10,000 of each; Linux, since it looks into /proc)
"""

from __future__ import annotations

import socket
import sys
import tempfile
import time
from pathlib import Path

from _bench import server
from _contenders import Running, started

HOST = "127.0.0.1"


def facts(process: int) -> tuple[int, int, float]:
    """Open files, threads and resident megabytes of a process."""
    status = dict(
        line.split(":", 1) for line in Path(f"/proc/{process}/status").read_text().splitlines()
    )
    memory = int(status["VmRSS"].split()[0]) / 1000
    return len(list(Path(f"/proc/{process}/fd").iterdir())), int(status["Threads"]), memory


def connect(running: Running) -> None:
    with socket.create_connection((HOST, running.port), 10) as sock:
        sock.sendall(b"x" * 64)
        assert sock.recv(64)


def ask(running: Running) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.settimeout(10)
        sock.connect((HOST, running.port))
        sock.send(b"x" * 64)
        assert sock.recv(64)


def main() -> int:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 10_000
    failed = 0
    with tempfile.TemporaryDirectory() as name:
        for transport, once in (("tcp", connect), ("udp", ask)):
            with (
                server(f"echo_{transport}") as upstream,
                started("understudy", transport, upstream, Path(name)) as running,
            ):
                assert running.process is not None
                for _ in range(100):
                    once(running)
                time.sleep(2)
                before = facts(running.process.pid)
                begun = time.monotonic()
                for _ in range(count):
                    once(running)
                taken = time.monotonic() - begun
                time.sleep(3)
                after = facts(running.process.pid)
                print(
                    f"{transport}: {count} in {taken:.0f} s; files {before[0]} -> {after[0]}, "
                    f"threads {before[1]} -> {after[1]}, MB {before[2]:.0f} -> {after[2]:.0f}"
                )
                if transport == "tcp":  # a UDP session is kept for when its client comes back
                    failed += after[0] > before[0] + 5
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
