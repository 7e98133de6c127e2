"""Looking at a large recording: how long a person waits for a listing, a search, a page.

The recording is made by the store itself, from frames of the EA lobby: half of them chat, a kind
that is one in a thousand, a field value that twenty frames have. Before each measurement the file
is dropped from the system's cache, where the system can do that (Linux).
"""

from __future__ import annotations

import contextlib
import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

HOME = Path(__file__).resolve().parent.parent
SIZE = int(os.environ.get("BENCH_BROWSE_FRAMES", "5000000"))
"""Frames of the recording."""
KEPT = os.environ.get("BENCH_BROWSE_FILE")
"""A recording of an earlier run to use again."""
SESSIONS = 50
AT = 1_795_000_000_000_000
GAP = 2_000
"""Microseconds between two frames."""


def _body(kind: str, fields: dict[str, str]) -> bytes:
    text = "".join(f"{name}={value}\n" for name, value in fields.items()).encode() + b"\0"
    return kind.encode() + bytes(4) + (12 + len(text)).to_bytes(4, "big") + text


def _said(number: int, size: int) -> tuple[str, bool, dict[str, str]]:
    """Kind, whether the client says it, and fields of the frame of that number."""
    name = f"player{number * 7919 % 997}"
    if number % (size // 20) == 7:
        return "+usr", False, {"I": str(number % 1000), "N": "needle", "F": "H"}
    if number % 1000 == 999:
        return "news", False, {"NAME": "quickmsgs", "TOS": "1"}
    if number % 2:
        return "+msg", False, {"N": name, "T": f"good race number {number}", "F": "C"}
    if number % 4:
        return "+pop", False, {"Z": f"{number % 40}/{number % 13}"}
    if number % 8:
        return "mesg", True, {"TEXT": f"message {number} of {name}", "ATTR": "N3"}
    return "mesg", False, {"S": str(number)}


def make(path: Path, size: int) -> None:
    """Write a recording of that many frames."""
    sys.path.insert(0, str(HOME))
    from recordings.model import Direction, Frame, Origin, Transport
    from recordings.writer import Recording

    flows = []
    with Recording.open(path) as recording:
        each = size // SESSIONS
        for number in range(size):
            if number % each == 0 and number // each < SESSIONS:
                client = f"192.0.2.{2 + number // each}"
                at = AT + number * GAP
                session = recording.add_session(
                    game="nascar-thunder-2004", client=client, origin=Origin.RECORD, at=at
                )
                flows = [
                    recording.add_flow(
                        session_id=session,
                        protocol="ea-lobby",
                        transport=Transport.TCP,
                        client=f"{client}:{port}",
                        server=f"203.0.113.9:{port % 100 + 10900}",
                        parent_frame_id=number if port > 50_000 and number else None,
                        opened_at=at,
                    )
                    for port in (50_000, 50_001, 50_002)
                ]
            kind, up, fields = _said(number, size)
            direction = Direction.TO_SERVER if up else Direction.TO_CLIENT
            frame = Frame(direction, AT + number * GAP, _body(kind, fields))
            frame.kind, frame.fields = kind, json.dumps(fields)
            recording.append(flows[number % 7 % 3], frame)
            while recording.congested:
                time.sleep(0.01)


def forget(path: Path) -> None:
    """Drop a file from the system's cache, where that can be done."""
    if hasattr(os, "posix_fadvise"):
        with path.open("rb") as file:
            os.fsync(file.fileno())
            os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def took(rounds: int, files: list[Path], work: Callable[[], object]) -> float:
    """Median seconds of some work on files that are not in the cache."""
    times = []
    for _ in range(rounds):
        for file in files:
            forget(file)
        began = time.perf_counter()
        work()
        times.append(time.perf_counter() - began)
    return round(statistics.median(times), 3)


def _command(*words: object) -> Callable[[], object]:
    line = [sys.executable, "-m", "understudy", *map(str, words)]
    return lambda: subprocess.run(
        line, cwd=HOME, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )


@contextlib.contextmanager
def _file(folder: Path) -> Iterator[Path]:
    path = Path(KEPT) if KEPT else folder / "large.db"
    if not path.exists():
        make(path, SIZE)
    yield path
    if not KEPT:
        for one in folder.glob("large.db*"):
            one.unlink()


CASES: dict[str, tuple[str, ...]] = {
    "sessions": ("sessions", "FILE"),
    "flows": ("flows", "FILE"),
    "frames, first page of a session": ("frames", "FILE", "--session", "25", "--limit", "50"),
    "filter on a common kind": ("frames", "FILE", "~k +msg", "--limit", "50"),
    "filter on a kind that 1 in 1,000 frames has": ("frames", "FILE", "~k news", "--limit", "50"),
    "filter on a common field": ("frames", "FILE", "~f N=player500", "--limit", "50"),
    "filter on a field that 20 frames have": ("frames", "FILE", "~f N=needle", "--limit", "50"),
}


PAGE_DOWN, END = b"\x1b[6~", b"\x1b[F"
HEIGHT = 24


class Terminal:
    """A browser on a terminal of 80 by 24 (Unix only)."""

    def __init__(self, path: Path) -> None:
        import pty

        self._pid, self._fd = pty.fork()
        if self._pid == 0:
            os.environ |= {"TERM": "xterm-256color", "COLUMNS": "80", "LINES": str(HEIGHT)}
            os.chdir(HOME)
            os.execv(sys.executable, [sys.executable, "-m", "understudy", "browse", str(path)])

    def until(self, mark: bytes, seconds: float = 60) -> float:
        """Read what it draws until that has come; seconds that it took."""
        import select

        began, seen = time.perf_counter(), b""
        while mark not in seen:
            left = seconds - (time.perf_counter() - began)
            ready, _, _ = select.select([self._fd], [], [], max(0, left))
            if not ready:
                raise TimeoutError(f"{mark!r} did not come within {seconds} s")
            seen = seen[-4096:] + os.read(self._fd, 1 << 16)
        return time.perf_counter() - began

    def press(self, key: bytes, mark: bytes) -> float:
        """Press a key; seconds until that is on the screen."""
        os.write(self._fd, key)
        return self.until(mark)

    def close(self) -> None:
        """Quit."""
        os.write(self._fd, b"q")
        os.waitpid(self._pid, 0)
        os.close(self._fd)


def _terminal(path: Path, rounds: int) -> dict[str, float]:
    """Seconds until the first frames are seen, and for turning a page."""
    starts, pages = [], []
    for _ in range(rounds):
        forget(path)
        browser = Terminal(path)
        starts.append(browser.until(b"frame 1, 0%"))
        step = (HEIGHT - 4) // 2 - 1
        for number in range(1, 31):
            mark = b"frame %s," % f"{1 + number * step:,}".encode()
            pages.append(browser.press(PAGE_DOWN, mark))
        browser.press(END, b", 100%")
        browser.close()
    return {
        "terminal browser, until the first frames are seen": round(statistics.median(starts), 3),
        "terminal browser, page down": round(statistics.median(pages), 4),
        "terminal browser, the slowest page down": round(max(pages), 4),
    }


def bench_browse(rounds: int, seconds: float, folder: Path) -> dict[str, Any]:
    """Seconds of whole processes and of the terminal browser, the file not in the cache."""
    results: dict[str, Any] = {}
    with _file(folder) as path:
        results["MiB of the recording"] = path.stat().st_size >> 20
        for case, words in CASES.items():
            line = [str(path) if word == "FILE" else word for word in words]
            few = 1 if "20 frames" in case else rounds
            results[case] = took(few, [path], _command(*line))
            print(case, results[case], file=sys.stderr, flush=True)
        results["making the index of the search"] = took(
            1, [path], _command("search", path, "needle", "--limit", "50", "--rebuild")
        )
        index = path.with_name(f"{path.name}-search")
        results["MiB of the index"] = index.stat().st_size >> 20
        search = _command("search", path, "needle", "--limit", "50")
        results["full-text search"] = took(rounds, [path, index], search)
        common = _command("search", path, "good race", "--limit", "50")
        results["full-text search of common words"] = took(rounds, [path, index], common)
        if os.name == "posix":
            results |= _terminal(path, rounds)
    return results
