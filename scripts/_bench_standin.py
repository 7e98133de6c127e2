"""What a stand-in by rules can carry: Kaillera games at 60 frames a second, a lobby, JJ2 queries.

scripts/bench standin --seconds 1800    (half an hour of games; the rest takes a minute)

The clients are a process of their own (`_load_standin.py`), the recording goes on. How long the
server's processes waited for a processor is told as well: on a machine that does other things the
milliseconds are those of the others. `nice` is no cure there: Linux shares processors among
sessions first (`man 7 sched`, autogroup); as root, `echo -20 > /proc/self/autogroup` before is one.
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

HOME = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(HOME))

from tests.running import Command  # noqa: E402

GAMES, TALKERS, ASKED, ASKERS = 32, 200, 1000, 20
LOOK = 2.0
"""Seconds between two looks at the memory."""
SETTLE = 180.0
"""Seconds after which memory should not grow any more; a third of a shorter run."""
SHORT = 10.0
"""Seconds of what needs no long run."""


@contextmanager
def serving(folder: Path, game: str, protocol: str, *more: str) -> Iterator[tuple[Command, int]]:
    """The stand-in of a game, and its UDP port."""
    lists = "kaillera-list:0" if protocol == "kaillera" else "jazz2-list:0"
    file = folder / f"{protocol}.understudy.db"
    words = ("serve", game, "--relay", f"{protocol}:0", "--relay", lists, "-q", "-w", file.name)
    with Command(folder, *words, *more) as command:
        yield command, command.ready()[protocol, "udp"]
        command.stop()
    for one in folder.glob(f"{file.name}*"):  # half an hour is much
        one.unlink()


def load(role: str, *arguments: object) -> dict[str, Any]:
    """The clients, in a process of their own."""
    words = [sys.executable, str(HOME / "scripts/_load_standin.py"), role, *map(str, arguments)]
    out = subprocess.run(words, capture_output=True, text=True, timeout=7200, check=True).stdout
    found: dict[str, Any] = json.loads(out)
    return found


class Looker:
    """What the processes of a server take while something is played: `/proc`, so Linux only."""

    def __init__(self, command: Command) -> None:
        main = command.process.pid
        self._pids = {"server": main}
        with suppress(OSError, ValueError):
            children = Path(f"/proc/{main}/task/{main}/children").read_text().split()
            self._pids["scribe"] = int(children[0])
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._look, daemon=True)
        self._seen: dict[str, list[tuple[float, int]]] = {name: [] for name in self._pids}

    def __enter__(self) -> Looker:
        self._begun = time.monotonic()
        self._before = {name: times(pid) for name, pid in self._pids.items()}
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._over.set()
        self._thread.join()
        self._seconds = time.monotonic() - self._begun
        self._after = {name: times(pid) for name, pid in self._pids.items()}

    def _look(self) -> None:
        while not self._over.wait(LOOK):
            for name, pid in self._pids.items():
                self._seen[name].append((time.monotonic() - self._begun, memory(pid)))

    def shown(self) -> dict[str, Any]:
        """Percent of a core, memory and its growth."""
        result: dict[str, Any] = {}
        for name in self._pids:
            used, waited = (
                now - was for was, now in zip(self._before[name], self._after[name], strict=True)
            )
            result[f"{name}: % of a core"] = round(used / self._seconds * 100, 1)
            result[f"{name}: % of the time waiting for one"] = round(
                waited / self._seconds * 100, 1
            )
            points = self._seen[name]
            settled = [one for one in points if one[0] > min(SETTLE, self._seconds / 3)]
            if len(settled) > 3:
                result[f"{name}: MiB at the end"] = round(points[-1][1] / 1024, 1)
                result[f"{name}: KiB more a minute"] = round(slope(settled) * 60, 1)
        return result


def times(pid: int) -> tuple[float, float]:
    """Seconds that all threads of a process ran, and waited for a processor."""
    used = waited = 0.0
    with suppress(OSError, ValueError):
        for task in Path(f"/proc/{pid}/task").iterdir():
            ran, stood, _ = map(int, (task / "schedstat").read_text().split())
            used, waited = used + ran / 1e9, waited + stood / 1e9
    return used, waited


def memory(pid: int) -> int:
    """KiB that a process holds of its own, not of files; 0 where that cannot be told."""
    with suppress(OSError, IndexError):  # one that has ended holds nothing
        text = Path(f"/proc/{pid}/status").read_text()
        return int(text.partition("RssAnon:")[2].split()[0])
    return 0


def slope(points: list[tuple[float, int]]) -> float:
    """Growth a second, by least squares."""
    return statistics.linear_regression(*zip(*points, strict=True)).slope


def played(command: Command, role: str, *arguments: object) -> dict[str, Any]:
    """What the clients found and what the server took, meanwhile."""
    with Looker(command) as looker:
        found = load(role, *arguments)
    return {**found, **looker.shown()}


def bench_standin(rounds: int, seconds: float, folder: Path) -> dict[str, Any]:
    """Many games at once with recording on, for so many seconds; a lobby; queries."""
    result: dict[str, Any] = {}

    def add(title: str, found: dict[str, Any]) -> None:
        result.update({f"{title}: {name}": value for name, value in found.items()})

    short = min(max(5.0, seconds), SHORT)
    with serving(folder, "kaillera", "kaillera") as (command, port):
        load("games", port, GAMES, 1.0)
        found = played(command, "games", port, GAMES, max(5.0, seconds))
        add(f"{GAMES} Kaillera games", found)
    room = "--rule", f"kaillera.max_users={TALKERS}"
    with serving(folder, "kaillera", "kaillera", *room) as (command, port):
        add(f"{TALKERS} Kaillera users who chat", played(command, "lobby", port, TALKERS, short))
    with serving(folder, "jazz-jackrabbit-2", "jazz2") as (command, port):
        add(f"{ASKED} JJ2 queries a second", played(command, "queries", port, ASKED, short))
        rates = [load("most", port, ASKERS, min(seconds, SHORT))["rate"] for _ in range(rounds)]
        result["JJ2 queries answered a second, at most"] = statistics.median(rates)
    return result
