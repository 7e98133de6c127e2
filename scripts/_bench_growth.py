"""Measures whether memory grows with the number of frames of one flow."""

from __future__ import annotations

import itertools
import socket
import statistics
import time
from pathlib import Path

from _contenders import HOST, started
from _load import ea_frame

RATE = 60_000
"""Frames a second: what is to be recorded without loss. Where more comes than can be written, the
queue fills, and memory goes up and down with it by megabytes."""
WARM = 1_000_000
STEP, LOOKS = 300_000, 8
BLOCK = 100
GROWTH = f"bytes of memory per frame, after a million, at {RATE:,} frames/s"


def growth(upstream: int, folder: Path) -> float:
    """Bytes per frame: the median of the slopes between every two of eight looks."""
    looks: list[tuple[int, int]] = []
    block = ea_frame(64) * BLOCK
    with (
        started("understudy", "tcp", upstream, folder) as running,
        socket.create_connection((HOST, running.port)) as conn,
    ):
        begun, sent = time.perf_counter(), 0
        for goal in range(WARM, WARM + LOOKS * STEP, STEP):
            while sent < goal:
                conn.sendall(block)
                sent += BLOCK
                time.sleep(max(0.0, begun + sent / RATE - time.perf_counter()))
            looks.append((sent, running.memory()))
        conn.shutdown(socket.SHUT_WR)
        said = int(conn.makefile().readline())
        assert said == sent * 64, "bytes were lost"
    slopes = [(b[1] - a[1]) / (b[0] - a[0]) for a, b in itertools.combinations(looks, 2)]
    return round(statistics.median(slopes), 2)
