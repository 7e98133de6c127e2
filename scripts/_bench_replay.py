"""Measures playback and diff: frames a second, how late original timing is, 200 clients, big diffs.

`scripts/bench replay` runs it. The peer of playback is an echo server, so that every message is
answered by one of its kind at once.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
HOME = HERE.parent
FRAMES = 100_000
"""Of the long sessions, both directions together."""
START = 1_700_000_000_000_000
PACED, STEP = 4_000, 2_500
"""Frames of the session in original timing, and microseconds between two of them."""
CLIENTS, EACH = 200, 200
"""Clients at once, and frames of each."""

RUN = """
import sys
sys.path.insert(0, {home!r})
from click.testing import CliRunner
import understudy
done = CliRunner().invoke(understudy.cli, {words!r})
assert done.exit_code in {codes!r}, done.output
with open("/proc/self/status") as status:
    size = next(int(line.split()[1]) // 1024 for line in status if line.startswith("VmHWM"))
print(done.output)
print("took", size)
"""


def command(*words: object, codes: tuple[int, ...] = (0,)) -> tuple[list[str], int]:
    """What it printed, and its MiB at most."""
    code = RUN.format(home=str(HOME), words=[str(word) for word in words], codes=codes)
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=300, check=True
    )
    *lines, last = done.stdout.splitlines()
    return lines, int(last.split()[1])


def make(path: Path, frames: int, step: int = 10, protocol: str = "ea-lobby") -> None:
    """A session in which each message is answered by the very same one."""
    sys.path.insert(0, str(HOME))
    from recordings.model import Direction, Frame, Origin, Transport
    from recordings.writer import Recording

    with Recording.open(path) as recording:
        session = recording.add_session(game=None, client="192.0.2.7", origin=Origin.RECORD)
        flow = recording.add_flow(
            session_id=session,
            protocol=protocol,
            transport=Transport.TCP,
            client="192.0.2.7:50000",
            server="198.51.100.7:10600",
            opened_at=START,
        )
        for number in range(frames // 2):
            body = b'TEXT="evening %d"\nPRIV=""\nF=1\n\0' % number
            raw = b"mesg" + bytes(4) + (12 + len(body)).to_bytes(4, "big") + body
            for place, way in enumerate((Direction.TO_SERVER, Direction.TO_CLIENT)):
                at = START + (2 * number + place) * step
                frame = Frame(way, at, raw, kind="mesg")
                frame.fields = json.dumps({"TEXT": f"evening {number}", "PRIV": "", "F": "1"})
                recording.append(flow, frame)
        recording.close_flow(flow, START + frames * step, "client closed")
        recording.end_session(session)


@contextmanager
def echo() -> Iterator[str]:
    """Where an echo server listens."""
    words = [sys.executable, str(HERE / "_load.py"), "echo_tcp"]
    process = subprocess.Popen(words, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    try:
        yield f"127.0.0.1:{int(process.stdout.readline())}"
    finally:
        process.kill()
        process.wait()


def verdicts(lines: list[str]) -> list[dict[str, Any]]:
    """Those of `replay --json`."""
    found = [json.loads(line) for line in lines if line.startswith("{")]
    assert all(one["passed"] for one in found), found[0]["verdict"]
    return found


def bench_replay(rounds: int, seconds: float, folder: Path) -> dict[str, Any]:
    """Playback and diff as the command line does them."""
    results: dict[str, Any] = {}
    long, paced, short = (folder / f"{name}.db" for name in ("long", "paced", "short"))
    make(long, FRAMES)
    make(paced, PACED, STEP)
    make(short, EACH)
    with echo() as peer:
        rates = []
        for number in range(max(1, min(rounds, 3))):
            to: tuple[object, ...] = (
                "replay",
                long,
                "--to",
                peer,
                "-w",
                folder / f"again{number}.db",
            )
            lines, size = command(*to, "--json", "--timing", "fast")
            rates.append(FRAMES / verdicts(lines)[0]["seconds"])
        results["playback, fast, frames/s (said and heard)"] = round(max(rates))
        results["playback, fast, peak MiB"] = size
        to = ("replay", paced, "--to", peer, "-w", folder / "paced-again.db")
        lines, _ = command(*to, "--timing", "original")
        results[f"original, {1e6 / STEP:.0f} frames/s"] = next(
            line for line in lines if line.startswith("timing: ")
        ).removeprefix("timing: ")
        to = ("replay", short, "--to", peer, "-w", folder / "many.db")
        lines, size = command(*to, "--json", "--timing", "fast", "--clients", CLIENTS)
        found = verdicts(lines)
        slowest = max(one["seconds"] for one in found)
        results[f"{CLIENTS} clients at once, {EACH} frames each"] = (
            f"{len(found)} played to their end in {slowest:.1f} s, {size} MiB"
        )
    results["diff of two such sessions"] = _diff(long, folder / "again0.db")
    return results


def _diff(one: Path, other: Path) -> str:
    begun = time.perf_counter()
    lines, size = command("diff", one, other)
    took = time.perf_counter() - begun
    return f"{took:.1f} s, {size} MiB: {lines[-2] if not lines[-1] else lines[-1]}"
