"""What a stand-in by rules can carry: Kaillera games at 60 frames a second, JJ2 queries.

As a process of its own it is the clients: `_bench_standin.py games PORT GAMES SECONDS`.
"""

from __future__ import annotations

import json
import select
import selectors
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

HOME = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(HOME))

from tests.replay.standin import emulator as kaillera  # noqa: E402
from tests.replay.standin.rabbit import datagram  # noqa: E402
from tests.running import Command  # noqa: E402

GAMES, RATE, ASKERS = 32, 60, 20


class Pair:
    """Two players in a room, and when each frame was said by both and heard by each."""

    def __init__(self, port: int, number: int) -> None:
        self.players = [
            kaillera.Player(kaillera.Emulator(f"{number} {side}", caches=False), port)
            for side in ("left", "right")
        ]
        left, right = (one.emulator for one in self.players)
        self._until(lambda: bool(left.all(kaillera.INFO) and right.all(kaillera.INFO)))
        left.create(f"game {number}")
        self._until(lambda: bool(left.all(kaillera.JOIN)))
        right.join(int.from_bytes(left.all(kaillera.JOIN)[0][1:5], "little"))
        self._until(lambda: len(left.all(kaillera.JOIN)) == 2)
        self.said: list[float] = []
        self.taken: list[float] = []

    def start(self) -> None:
        """The game."""
        self.players[0].emulator.start()
        self._until(lambda: all(one.emulator.all(kaillera.READY) for one in self.players))

    def _until(self, done: Any) -> None:
        kaillera.until(done, *self.players)

    def begin(self) -> None:
        """Take what has come about others; from here on only input is heard."""
        for one in self.players:
            while select.select([one.socket], [], [], 0.005)[0]:
                one.step()
        self.base = [one.emulator.next_in for one in self.players]
        self.heard = [0, 0]

    def say(self) -> None:
        """One frame of both."""
        frame = len(self.said)
        for one in self.players:
            data = frame.to_bytes(4, "little")
            one.emulator.say(kaillera.DATA, b"\0\4\0" + data)
            one.socket.sendto(one.emulator.out.pop(), one.server)
        self.said.append(time.perf_counter())

    def hear(self, side: int) -> None:
        """What has come for one of them."""
        data = self.players[side].socket.recv(1 << 16)
        now = time.perf_counter()
        frame = int.from_bytes(data[1:3], "little") - self.base[side] & 0xFFFF
        if self.heard[side] <= frame < len(self.said):
            self.heard[side] = frame + 1
            self.taken.append(now - self.said[frame])


def games(port: int, count: int, seconds: float) -> dict[str, Any]:
    """Play; milliseconds from the input of both to each one's frame."""
    pairs = [Pair(port, number) for number in range(count)]
    for pair in pairs:
        pair.start()
    for pair in pairs:
        pair.begin()
    selector = selectors.DefaultSelector()
    for pair in pairs:
        for side, one in enumerate(pair.players):
            selector.register(one.socket, selectors.EVENT_READ, (pair, side))
    begun = time.perf_counter()
    for tick in range(int(seconds * RATE)):
        for number, pair in enumerate(pairs):  # spread over the frame, as games are
            due = begun + (tick + number / count) / RATE
            while True:
                wait = due - time.perf_counter()
                _hear(selector, max(wait, 0))
                if wait <= 0:
                    break
            pair.say()
    end = time.perf_counter() + 1
    while time.perf_counter() < end:
        _hear(selector, 0.05)
    for pair in pairs:
        for one in pair.players:
            one.emulator.quit()
            one.step()
            one.close()
    taken = sorted(one * 1000 for pair in pairs for one in pair.taken)
    wanted = sum(2 * len(pair.said) for pair in pairs)
    return {
        "p50": round(statistics.median(taken), 2),
        "p99": round(taken[int(len(taken) * 0.99)], 2),
        "worst": round(taken[-1], 2),
        "lost": wanted - sum(sum(pair.heard) for pair in pairs),
    }


def _hear(selector: selectors.BaseSelector, wait: float) -> None:
    for key, _ in selector.select(wait):
        pair, side = key.data
        pair.hear(side)


def queries(port: int, seconds: float) -> dict[str, Any]:
    """Queries a second that are answered, of several askers who wait for each answer."""
    asked = datagram(b"\x05\x01")
    selector = selectors.DefaultSelector()
    socks = [kaillera.new_socket() for _ in range(ASKERS)]
    for sock in socks:
        sock.connect(("127.0.0.1", port))
        selector.register(sock, selectors.EVENT_READ)
        sock.send(asked)
    count = 0
    begun = time.perf_counter()
    while time.perf_counter() - begun < seconds:
        for key, _ in selector.select(1.0):
            sock = next(one for one in socks if one is key.fileobj)
            sock.recv(2048)
            sock.send(asked)
            count += 1
    return {"rate": round(count / (time.perf_counter() - begun))}


@contextmanager
def serving(folder: Path, game: str, protocol: str, file: str) -> Iterator[tuple[Command, int]]:
    """The stand-in of a game, and its UDP port."""
    lists = "kaillera-list:0" if protocol == "kaillera" else "jazz2-list:0"
    words = ("serve", game, "--relay", f"{protocol}:0", "--relay", lists, "-q", "-w", file)
    with Command(folder, *words) as command:
        yield command, command.ready()[protocol, "udp"]
        command.stop()


def load(role: str, *arguments: object) -> dict[str, Any]:
    """The clients, in a process of their own."""
    words = [sys.executable, __file__, role, *map(str, arguments)]
    out = subprocess.run(words, capture_output=True, text=True, timeout=2400, check=True).stdout
    found: dict[str, Any] = json.loads(out)
    return found


def memory(command: Command) -> int:
    """KiB that the server holds; 0 where that cannot be told."""
    try:
        text = Path(f"/proc/{command.process.pid}/status").read_text()
    except OSError:
        return 0
    return int(text.partition("VmRSS:")[2].split()[0])


def bench_standin(rounds: int, seconds: float, folder: Path) -> dict[str, Any]:
    """Many games at once with recording on: milliseconds added, frames lost; queries a second."""
    result: dict[str, Any] = {}
    served = serving(folder, "kaillera", "kaillera", "games.understudy.db")
    with served as (command, port):
        load("games", port, GAMES, 1.0)
        before = memory(command)
        found = load("games", port, GAMES, max(5.0, seconds))
        for name, value in found.items():
            what = "frames lost" if name == "lost" else f"milliseconds added, {name}"
            result[f"{GAMES} Kaillera games: {what}"] = value
        result[f"{GAMES} Kaillera games: MiB of memory more"] = (memory(command) - before) >> 10
    with serving(folder, "jazz-jackrabbit-2", "jazz2", "jazz.understudy.db") as (_, port):
        rates = [load("queries", port, seconds)["rate"] for _ in range(rounds)]
        result["JJ2 queries answered a second"] = statistics.median(rates)
    return result


if __name__ == "__main__":
    role, where, *rest = sys.argv[1:]
    made = (
        games(int(where), int(rest[0]), float(rest[1]))
        if role == "games"
        else queries(int(where), float(rest[0]))
    )
    print(json.dumps(made))
