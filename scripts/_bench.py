"""The measurements behind scripts/bench."""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import platform
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
import timeit
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from _bench_browse import bench_browse
from _bench_formats import bench_formats
from _bench_growth import GROWTH, growth
from _bench_replay import bench_replay
from _bench_standin import bench_standin
from _bench_traffic import bench_traffic
from _bench_web import bench_web
from _contenders import available, started
from rich.console import Console
from rich.table import Table

HERE = Path(__file__).resolve().parent
HOME = HERE.parent
CASES = {
    "TCP 1 connection": ("tcp", "ping_tcp", 1),
    "TCP 50 connections": ("tcp", "ping_tcp", 50),
    "UDP 1 flow": ("udp", "ping_udp", 1),
    "UDP 50 flows": ("udp", "ping_udp", 50),
}
BASES = ("nginx", "haproxy", "socat")
"""Whose best median is the 1.00 of a case."""


def load(role: str, *arguments: object) -> dict[str, Any]:
    """Run a client of _load.py and read its result."""
    words = [sys.executable, str(HERE / "_load.py"), role, *map(str, arguments)]
    out = subprocess.run(words, capture_output=True, text=True, timeout=300, check=True).stdout
    result: dict[str, Any] = json.loads(out)
    return result


@contextlib.contextmanager
def server(role: str) -> Iterator[int]:
    """A server of _load.py; its port."""
    words = [sys.executable, str(HERE / "_load.py"), role]
    process = subprocess.Popen(words, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    try:
        yield int(process.stdout.readline())
    finally:
        process.kill()
        process.wait()


def median(results: list[dict[str, Any]]) -> dict[str, float]:
    """The median of every number of several rounds."""
    return {
        key: round(statistics.median(r[key] for r in results), 1)
        for key in results[0]
        if key != "count"
    }


def bench_relay(rounds: int, seconds: float, folder: Path) -> dict[str, Any]:
    """Round trips per second of every contender, the contenders of a round one after another."""
    results: dict[str, Any] = {}
    for case, (transport, role, width) in CASES.items():
        with server(f"echo_{transport}") as upstream:
            taken: dict[str, list[dict[str, Any]]] = {n: [] for n in available(transport)}
            for _ in range(rounds):
                for name, into in taken.items():
                    if name == "socat" and transport == "udp" and width > 1:
                        continue  # one process a flow: it does not finish
                    with started(name, transport, upstream, folder) as running:
                        into.append(load(role, running.port, width, seconds))
        results[case] = {name: median(into) for name, into in taken.items() if into}
        print(case, json.dumps(results[case]), file=sys.stderr, flush=True)
    with server("sink_tcp") as upstream:
        bulk: dict[str, list[dict[str, Any]]] = {n: [] for n in available("tcp")}
        for _ in range(rounds):
            for name, into in bulk.items():
                with started(name, "tcp", upstream, folder) as running:
                    into.append(load("bulk_tcp", running.port, 100, 1024))
    results["TCP bulk, 1 KiB frames"] = {
        n: {"rate": m["mb"]} for n, into in bulk.items() for m in [median(into)]
    }
    return results


def _recorded(file: Path) -> int:
    with contextlib.closing(sqlite3.connect(file)) as db:
        count: int = db.execute("SELECT count(*) FROM frames").fetchone()[0]
        return count


def bench_store(rounds: int, seconds: float, folder: Path) -> dict[str, Any]:
    """Frames a second that are decoded and recorded without losing one; latency; size; memory."""
    result: dict[str, Any] = {}
    rates, sizes = [], []
    with server("sink_tcp") as upstream:
        for _ in range(rounds):
            with started("understudy", "tcp", upstream, folder) as running:
                begun = time.monotonic()
                done = load("bulk_tcp", running.port, 20, 64)
            taken = time.monotonic() - begun  # until the last one is on the disk
            assert running.file is not None
            answered = 1
            kept = _recorded(running.file) - answered
            assert kept == done["count"], f"{done['count'] - kept} frames are not in the file"
            rates.append(kept / taken)
            sizes.append(running.file.stat().st_size / kept)
            running.file.unlink()
        result["EA frames/s over TCP, decoded and recorded"] = round(statistics.median(rates))
        result["bytes on disk per 64-byte frame"] = round(statistics.median(sizes))
        result[GROWTH] = growth(upstream, folder)
    result |= _latency(rounds, seconds, folder)
    result["datagrams/s over UDP without loss"] = _udp_without_loss(seconds, folder)
    return result


def _latency(rounds: int, seconds: float, folder: Path) -> dict[str, Any]:
    with server("echo_tcp") as upstream:
        taken: dict[str, list[dict[str, Any]]] = {"direct": [], "nginx": [], "understudy": []}
        names = [name for name in taken if name in available("tcp")]
        for _ in range(rounds):
            for name in names:
                with started(name, "tcp", upstream, folder) as running:
                    taken[name].append(load("paced_tcp", running.port, 10_000, seconds))
    medians = {name: median(taken[name]) for name in names}
    return {
        f"{name}: microseconds added at 10,000 frames/s, {point}": round(
            medians[name][point] - medians["direct"][point], 1
        )
        for name in names[1:]
        for point in ("p50", "p99")
    }


def _udp_without_loss(seconds: float, folder: Path) -> int:
    best = 0
    with server("sink_udp") as upstream:
        for rate in (10_000, 20_000, 25_000, 30_000, 40_000, 50_000, 60_000, 80_000):
            if _lost(rate, seconds, upstream, folder, "kaillera"):
                break
            best = rate
    return best


def _lost(rate: int, seconds: float, upstream: int, folder: Path, protocol: str) -> int:
    """Datagrams of a flood that are not in the recording."""
    with started("understudy", "udp", upstream, folder, protocol) as running:
        sent: int = load("flood_udp", running.port, rate, seconds, protocol)["count"]
    assert running.file is not None
    kept = _recorded(running.file)
    running.file.unlink()
    return sent - kept


def bench_protocols(rounds: int, seconds: float, folder: Path) -> dict[str, Any]:
    """What decoding costs: a Kaillera game in shares of a core, QR2 datagrams without loss."""
    result: dict[str, Any] = {}
    shares = []
    with server("echo_udp") as upstream:
        for _ in range(rounds):
            with started("understudy", "udp", upstream, folder) as running:
                load("game_udp", running.port, 2, 1.0)
                before = running.seconds()
                load("game_udp", running.port, 2, max(5.0, seconds))
                shares.append((running.seconds() - before) / max(5.0, seconds))
    result["percent of a core for a two-player Kaillera game"] = round(
        100 * statistics.median(shares), 2
    )
    with server("sink_udp") as upstream:
        query = "gamespy-query"
        lost = _lost(5_000, max(4.0, seconds), upstream, folder, query)
        result["QR2 heartbeats lost of 5,000 a second"] = lost
    return result


def bench_views(rounds: int, seconds: float, folder: Path) -> dict[str, Any]:
    """Microseconds of a view with its re-encode check; the slowest golden frame for its size."""
    sys.path.insert(0, str(HOME))
    import importlib

    from proxy import registry
    from proxy.keys import SessionKeys

    results: dict[str, Any] = {}
    for name, protocol in sorted(registry.protocols().items()):
        stem = name.replace("-", "_")
        if not (HOME / f"tests/vectors/{stem}.py").exists():
            continue
        times = []
        for vector in importlib.import_module(f"tests.vectors.{stem}").VECTORS:
            keys = SessionKeys(vector.keys, vector.secrets)
            machine = protocol.dissector(keys, vector.transport)
            for direction, data in (*vector.before, (vector.direction, vector.raw)):
                frames = machine.feed(direction, data, 0)
            frame = frames[-1]
            known = registry.protocol(frame.protocol) if frame.protocol else protocol
            if known.view(frame).kind != "Opaque":
                best = min(timeit.repeat(lambda f=frame, p=known: p.view(f), number=50, repeat=30))
                times.append((best / 50 * 1e6, len(frame.clear), vector.name))
        middle = statistics.median_low(times)
        slowest = max(times, key=lambda one: one[0] / max(64, one[1]))
        results[name] = (
            f"median {middle[0]:.1f} us at {middle[1]} bytes, "
            f"slowest {slowest[0]:.1f} us at {slowest[1]} ({slowest[2]})"
        )
    return results


def show(results: dict[str, Any]) -> None:
    """Print the tables."""
    console = Console(width=120)
    if "relay" in results:
        cases = results["relay"]
        table = Table(title="Round trips a second (bulk: MB/s), and the ratio to the best relay")
        table.add_column("")
        names = list(dict.fromkeys(name for row in cases.values() for name in row))
        for name in names:
            table.add_column(name, justify="right")
        for case, row in cases.items():
            best = max((row[n]["rate"] for n in BASES if n in row), default=0.0)
            cells = [
                f"{row[n]['rate']:,.0f}" + (f" ({row[n]['rate'] / best:.2f})" if best else "")
                if n in row
                else "-"
                for n in names
            ]
            table.add_row(case, *cells)
        console.print(table)
    for part in PARTS:
        if part in results and part != "relay":
            table = Table(title=part, show_header=False)
            for key, value in results[part].items():
                table.add_row(key, f"{value:,}" if isinstance(value, int | float) else str(value))
            console.print(table)


PARTS = {
    "relay": bench_relay,
    "store": bench_store,
    "protocols": bench_protocols,
    "views": bench_views,
    "traffic": bench_traffic,
    "formats": bench_formats,
    "browse": bench_browse,
    "web": bench_web,
    "standin": bench_standin,
    "replay": bench_replay,
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("parts", nargs="*", choices=[*PARTS, []], help="default: all")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=2.0)
    parser.add_argument("--json", type=Path, help="write the numbers here as well")
    args = parser.parse_args()
    results: dict[str, Any] = {
        "date": datetime.now(UTC).date().isoformat(),
        "machine": f"{os.cpu_count()} cores, {platform.system()}",
        "python": platform.python_version(),
    }
    with tempfile.TemporaryDirectory() as folder:
        for part in args.parts or PARTS:
            results[part] = PARTS[part](args.rounds, args.seconds, Path(folder))
    show(results)
    if args.json:
        args.json.write_text(json.dumps(results, indent=1) + "\n")


if __name__ == "__main__":
    main()
