"""Measures import and export: a capture of 100 MB, 400,000 packets, with disturbed TCP streams.

`scripts/bench formats` runs it, and asks an archive of ten million frames too; by itself with the
word `archive` it does only that.

The capture is made here, with a known truth; the import runs in a process of its own, so that its
memory is its own.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from _bench_archive import bench_archive

HOME = Path(__file__).resolve().parent.parent
PACKETS = 400_000
PAYLOAD = 342
"""Bytes of the longest text in a message, by which the capture has its size."""

RUN = """
import json, sys, time
sys.path.insert(0, {home!r})
from click.testing import CliRunner
import understudy
begun = time.perf_counter()
done = CliRunner().invoke(understudy.cli, {words!r})
took = time.perf_counter() - begun
assert done.exit_code == 0, done.output
try:  # what getrusage says begins with the memory of the parent
    with open("/proc/self/status") as status:
        size = next(int(line.split()[1]) // 1024 for line in status if line.startswith("VmHWM"))
except OSError:
    size = 0
print(json.dumps([round(took, 2), size]))
"""


def command(*words: object) -> tuple[float, int]:
    """Seconds and MiB of one command."""
    code = RUN.format(home=str(HOME), words=[str(word) for word in words])
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=300, check=True
    )
    seconds, size = json.loads(done.stdout.splitlines()[-1])
    return seconds, size


def make_capture(path: Path) -> None:
    """The capture of an evening."""
    sys.path.insert(0, str(HOME))
    from tests.recordings.captures.making import ethernet, evening, pcap

    packets = evening(PACKETS, seed=3, size=PAYLOAD)
    path.write_bytes(pcap(((at, ethernet(data)) for at, data, _ in packets), link=1))


def bench_formats(rounds: int, seconds: float, folder: Path) -> dict[str, Any]:
    """Seconds and memory of import, and seconds of export per 100,000 frames."""
    capture, recording, out = folder / "big.pcap", folder / "big.db", folder / "big.pcapng"
    make_capture(capture)
    times, sizes, exports = [], [], []
    for _ in range(max(1, min(rounds, 3))):
        recording.unlink(missing_ok=True)
        taken, size = command("import", capture, "-w", recording)
        times.append(taken)
        sizes.append(size)
        exports.append(command("export", recording, "--pcapng", "-w", out)[0])
    sys.path.insert(0, str(HOME))
    from recordings.reader import Reader

    with Reader.open(recording) as reader:
        frames = sum(flow.frames for flow in reader.flows())
    return {
        "capture, MB": round(capture.stat().st_size / 1e6, 1),
        "packets": PACKETS,
        "frames": frames,
        "import with decoding, s (best)": min(times),
        "memory of the import, MiB": max(sizes),
        "export to pcapng, s per 100,000 frames (best)": round(min(exports) / frames * 100_000, 2),
        **bench_archive(rounds, folder),
    }


if __name__ == "__main__":
    begun = time.perf_counter()
    with tempfile.TemporaryDirectory() as place:
        only = sys.argv[1:] == ["archive"]
        found = bench_archive(3, Path(place)) if only else bench_formats(3, 0, Path(place))
        for name, value in found.items():
            print(f"{name:50}{value}")
    print(f"{'all of it, s':50}{time.perf_counter() - begun:.0f}")
