"""What the stand-in for GameSpy carries, over real sockets, recording on. Minutes, by hand.

    python scripts/_bench_gamespy.py [lists] [presence] [natneg]

lists     2,000 game servers that register and send heartbeats every 60 s; a filtered list of all
presence  200 players with 50 buddies each, who all change their status
natneg    1,000 pairs who negotiate at once

The clients are those of the tests, which know the reference alone. Their time is no part of what is
told as the server's: that is processor time of its two processes.
"""

from __future__ import annotations

import json
import os
import selectors
import socket
import statistics
import struct
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

HOME = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(HOME))

from tests.replay.standin.gamespy import Presence, find  # noqa: E402
from tests.replay.standin.gamespy_lists import SECRET, Browser, answer  # noqa: E402
from tests.replay.standin.test_serve_gamespy import OFF, RELAYS  # noqa: E402
from tests.running import Command  # noqa: E402

SERVERS, PLAYERS, BUDDIES, CHANGES, PAIRS = 2000, 200, 50, 4, 1000
LISTS = 30
LINUX = sys.platform == "linux"  # where all of 127.0.0.0/8 is this machine
KEYS = "\\hostname\\numplayers\\maxplayers\\mapname\\gametype"
WHERE = "numplayers >= 10 and gametype = 'ctf'"
MAGIC = b"\xfd\xfc\x1e\x66\x6a\xb2"
Facts = dict[str, Any]


class Meter:
    """Processor time and memory of the server's processes."""

    def __init__(self, command: Command) -> None:
        main = command.process.pid
        children = Path(f"/proc/{main}/task/{main}/children")
        scribes = children.read_text().split() if children.exists() else []
        self.pids = [main, *map(int, scribes)]
        self.begin = [self._used(pid) for pid in self.pids]

    @staticmethod
    def _used(pid: int) -> float:
        with suppress(OSError):
            fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
            return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
        return 0.0

    def waited(self) -> float:
        """Seconds that the server itself has stood ready and had no processor, since it began."""
        with suppress(OSError, ValueError):
            tasks = Path(f"/proc/{self.pids[0]}/task").iterdir()
            return sum(int((one / "schedstat").read_text().split()[1]) for one in tasks) / 1e9
        return 0.0

    def main(self) -> float:
        """Seconds that the server itself has run."""
        return self._used(self.pids[0]) - self.begin[0]

    def told(self) -> Facts:
        """Since it was made."""
        used = [self._used(pid) - since for pid, since in zip(self.pids, self.begin, strict=True)]
        facts: Facts = {"server cpu s": round(used[0], 2), "scribe cpu s": round(sum(used[1:]), 2)}
        with suppress(OSError, IndexError):
            status = Path(f"/proc/{self.pids[0]}/status").read_text()
            facts["server MiB"] = round(int(status.partition("VmRSS:")[2].split()[0]) / 1024)
        return facts


def datagrams(host: str = "127.0.0.1") -> socket.socket:
    """A UDP socket that does not wait."""
    one = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    one.bind((host, 0))
    one.setblocking(False)
    return one


def pump(
    selector: selectors.BaseSelector, hear: Callable[[Any, bytes], None], wait: float = 0.1
) -> bool:
    """Hear what has come; whether there was something within so many seconds."""
    ready = selector.select(wait)
    for key, _ in ready:
        with suppress(BlockingIOError):
            while data := key.fileobj.recv(65536):  # type: ignore[union-attr]
                hear(key.data, data)
    return bool(ready)


# Game servers and lists


class Servers:
    """All game servers, in one thread."""

    def __init__(self, master: tuple[str, int], count: int) -> None:
        self.master = master
        self.selector = selectors.DefaultSelector()
        self.sockets: list[socket.socket] = []
        self.listed: set[int] = set()
        for number in range(count):
            here = f"127.0.1.{1 + number % 10}" if LINUX else "127.0.0.1"
            one = datagrams(here)
            self.sockets.append(one)
            self.selector.register(one, selectors.EVENT_READ, number)
        self.over = False

    def heartbeat(self, number: int, players: int, changed: int) -> None:
        """The facts of one of them."""
        facts = {"localip0": "192.168.0.9", "localport": 6500, "natneg": 1}
        facts |= {"statechanged": changed} if changed else {}
        facts |= {"gamename": "gmtest", "hostname": f"Server number {number:04d}"}
        facts |= {"numplayers": players, "maxplayers": 64, "mapname": f"map{number % 20:02d}"}
        facts |= {"gametype": "ctf", "gamever": "1.0"}
        body = b"".join(f"{key}\0{value}\0".encode() for key, value in facts.items())
        head = b"\3" + bytes((1, 1, 1 + number // 250, 1 + number % 250))  # none of them 0
        self.sockets[number].sendto(head + body + b"\0\0\0\0\0\0", self.master)

    def hear(self, number: int, data: bytes) -> None:
        """Answer the challenge, count who is listed."""
        if data[2] == 1:
            proof = answer(SECRET, data[7:-1])
            self.sockets[number].sendto(b"\1" + data[3:7] + proof + b"\0", self.master)
        elif data[2] == 0x0A:
            self.listed.add(number)

    def register(self) -> None:
        """Everybody; again, who was not heard."""
        for _ in range(10):
            missing = [one for one in range(len(self.sockets)) if one not in self.listed]
            for count, number in enumerate(missing):
                self.heartbeat(number, 10, 3)
                if count % 10 == 0:
                    pump(self.selector, self.hear, 0.002)
            while missing and pump(self.selector, self.hear):
                pass

    def go_on(self) -> None:
        """A heartbeat of each every 60 s, one in ten with another number of players."""
        turn = 0
        while not self.over:
            number = turn % len(self.sockets)
            players = 10 + (turn // 10) % 50 if turn % 10 == 0 else 10
            self.heartbeat(number, players, 1 if turn % 10 == 0 else 0)
            turn += 1
            time.sleep(60 / len(self.sockets))


def bench_lists(command: Command, ports: dict[str, int]) -> Facts:
    """Milliseconds from the request to the last byte, as the client sees it."""
    meter, begun = Meter(command), time.perf_counter()
    servers = Servers(("127.0.0.1", ports["query"]), SERVERS)
    servers.register()
    facts: Facts = {"servers listed": len(servers.listed)}
    facts["registered in s"] = round(time.perf_counter() - begun, 2)
    threading.Thread(target=servers.go_on, daemon=True).start()
    first = Browser(ports["browser2"])
    first.asks(KEYS, WHERE)
    facts["servers in the list"] = len(first.list())
    taken, stood, busy = [], [], Meter(command)
    for number in range(LISTS):
        servers.heartbeat(number, 11 + number, 1)  # so that no list is the one before
        time.sleep(0.05)
        one = Browser(ports["browser2"])
        one.CHALLENGE = b"%c" % (35 + number) + b'x"y#z$w'
        one.socket.settimeout(2.0)
        before, since = busy.waited(), time.perf_counter()
        one.asks(KEYS, WHERE)
        size, last = 0, since
        one.socket.settimeout(0.25)
        with suppress(TimeoutError):
            while chunk := one.socket.recv(1 << 18):
                size, last = size + len(chunk), time.perf_counter()
        taken.append((last - since) * 1000)
        stood.append((busy.waited() - before) * 1000)
        one.close()
    facts["bytes of a list"] = size
    facts["list ms, half"] = round(statistics.median(taken), 1)
    facts["list ms, worst"] = round(max(taken), 1)
    facts["of it without a processor, at most"] = round(statistics.median(stood), 1)
    facts["server cpu ms a list, heartbeats included"] = round(busy.main() * 1000 / LISTS, 1)
    servers.over = True
    return {**facts, **meter.told()}


# Presence


def bench_presence(command: Command, ports: dict[str, int]) -> Facts:
    """Every change of a status must reach every buddy."""
    meter, begun = Meter(command), time.perf_counter()
    players = []
    for number in range(PLAYERS):
        one = Presence(ports["presence"])
        one.newuser(f"player{number}", "secret")
        one.login("uniquenick", f"player{number}", "secret", revision=63 if number % 2 else 3)
        players.append(one)
    for number, one in enumerate(players):
        for step in range(1, BUDDIES // 2 + 1):
            other = players[(number + step) % PLAYERS]
            one.mine("addbuddy", "", "newprofileid", other.pid, "reason", "")
            request = other.next("bm")
            while find(request, "bm") != "2":
                request = other.next("bm")
            signature = str(find(request, "msg")).partition("|signed|")[2]
            other.mine("authadd", "", "fromprofileid", one.pid, "sig", signature,
                       "autoSync", "true")  # fmt: skip
    facts: Facts = {"players": PLAYERS, "made buddies in s": round(time.perf_counter() - begun, 1)}
    for one in players:
        one.asks("ka", "", reply="ka")
        time.sleep(0.002)
        one.kept.clear()
    begun, busy = time.perf_counter(), Meter(command)
    for change in range(CHANGES):
        for one in players:
            one.mine("status", 1 + change, "statstring", f"change {change}", "locstring", "")
    heard = 0
    for one in players:
        for _ in range(CHANGES * BUDDIES):
            found = one.heard.get(timeout=30)
            assert found is not None, "the server ended a connection"
            heard += found.startswith((b"\\bm\\100\\", b"\\bsi\\"))
    facts["told"], facts["lost"] = heard, PLAYERS * CHANGES * BUDDIES - heard
    facts["all told after s"] = round(time.perf_counter() - begun, 2)
    facts["server cpu us a status"] = round(busy.main() * 1e6 / heard)
    for one in players:
        one.close()
    return {**facts, **meter.told()}


# NatNeg


def bench_natneg(command: Command, ports: dict[str, int]) -> Facts:
    """Everybody has sent INIT before the first partner comes; each must be told of the other."""
    meter, begun = Meter(command), time.perf_counter()
    where = "127.0.0.1", ports["natneg"]
    selector = selectors.DefaultSelector()
    told: dict[tuple[int, int], tuple[str, int]] = {}
    known: dict[tuple[int, int], list[socket.socket]] = {}
    acks = 0

    def hear(who: tuple[int, int], data: bytes) -> None:
        nonlocal acks
        acks += data[7] == 1
        if data[7] == 5:
            ip, port, _, finished = struct.unpack(">4sHBB", data[12:20])
            assert not finished
            told[who] = socket.inet_ntoa(ip), port
            known[who][1].sendto(
                data[:7] + b"\6" + data[8:12] + bytes((1, who[1], *[0] * 7)), where
            )

    for index in (0, 1):
        for cookie in range(PAIRS):
            here = f"127.0.{2 + cookie % 200}.{1 + index}" if LINUX else "127.0.0.1"
            pair = known[cookie, index] = [datagrams(here), datagrams(here)]
            for port_type, one in enumerate(pair):
                selector.register(one, selectors.EVENT_READ, (cookie, index))
                body = struct.pack(">IBBB4sH", cookie + 1, port_type, index, 1, b"\n\0\0\1", 6500)
                one.sendto(MAGIC + b"\3\0" + body + b"gmtest\0", where)
            if cookie % 10 == 0:
                pump(selector, hear, 0)
    end = time.perf_counter() + 20
    while len(told) < 2 * PAIRS and time.perf_counter() < end:
        pump(selector, hear)
    facts: Facts = {"pairs": PAIRS, "told": len(told), "acknowledged": acks}
    facts["right"] = sum(
        told.get((cookie, index)) == known[cookie, 1 - index][0].getsockname()
        for cookie, index in known
    )
    facts["all told after s"] = round(time.perf_counter() - begun, 2)
    for pair in known.values():
        for one in pair:
            one.close()
    return {**facts, **meter.told()}


BENCHES = {"lists": bench_lists, "presence": bench_presence, "natneg": bench_natneg}


def main(names: list[str]) -> None:
    """Each against a server of its own."""
    with suppress(ImportError, ValueError, OSError):
        import resource

        most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    for name in names or BENCHES:
        with tempfile.TemporaryDirectory() as folder:
            game = ("gamespy", "--game-name", "gmtest", "--game-key", "gmtest=HA6zkS", "-q")
            with Command(Path(folder), "serve", *game, *RELAYS, *OFF, "-w", "x.db") as command:
                found = command.ready()
                ports = {one.removeprefix("gamespy-"): port for (one, _), port in found.items()}
                print(name, json.dumps(BENCHES[name](command, ports), indent=2), flush=True)
                command.stop()


if __name__ == "__main__":
    main(sys.argv[1:])
