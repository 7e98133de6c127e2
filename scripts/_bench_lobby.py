"""A crowd in an EA lobby: consoles that write to each other and to their room, nothing lost.

    python scripts/_bench_lobby.py --clients 100 --seconds 10

Starts `understudy serve nascar-thunder-2004` with recording on. Every client sends so many private
messages a second to its neighbour, and all of them together so many room lines; some clients
misbehave meanwhile. Prints one line of JSON; exit code 1 when anything was lost.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import signal
import sqlite3
import struct
import sys
import tempfile
import time
from pathlib import Path

HOME = Path(__file__).resolve().parent.parent
HEADER = struct.Struct(">4s4sI")


def frame(kind: str, *items: str) -> bytes:
    """A request: a line for each item, then 00 (ea-lobby 1)."""
    body = "".join(f"{item}\n" for item in items).encode() + b"\0"
    return HEADER.pack(kind.encode(), bytes(4), 12 + len(body)) + body


class Player:
    """One console in the room."""

    def __init__(self, number: int) -> None:
        self.name = f"player{number}"
        self.sent = self.acked = self.private = self.room = 0
        self.delays: list[float] = []
        self._replies: dict[bytes, asyncio.Event] = {}
        self._task: asyncio.Task[None]

    async def enter(self, port: int) -> None:
        """Directory, lobby, room."""
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(frame("@dir", "PROD=NASCAR-PS2-2004"))
        _, _, length = HEADER.unpack(await reader.readexactly(12))
        body = await reader.readexactly(length - 12)
        writer.close()
        fields = dict(line.split(b"=", 1) for line in body.split(b"\n") if b"=" in line)
        self.reader, self.writer = await asyncio.open_connection("127.0.0.1", int(fields[b"PORT"]))
        self._task = asyncio.create_task(self._read())
        await self._ask("skey", "SKEY=$5075626c6963204b6579")
        await self._ask("auth", f"NAME={self.name}", "PASS=secret", "PROD=NASCAR-PS2-2004")
        await self._ask("pers", f"PERS={self.name}")
        await self._ask("sele", "ROOMS=1 USERS=1 RANKS=1 MESGS=1")
        await self._ask("move", "NAME=Crowd", "PASS=")

    async def _ask(self, kind: str, *items: str) -> None:
        event = self._replies[kind.encode()] = asyncio.Event()
        self.writer.write(frame(kind, *items))
        await asyncio.wait_for(event.wait(), 60)

    async def _read(self) -> None:
        while True:
            kind, ident, length = HEADER.unpack(await self.reader.readexactly(12))
            body = await self.reader.readexactly(length - 12)
            if kind == b"~png":
                self.writer.write(HEADER.pack(kind, ident, length) + body)
            elif kind == b"+msg":
                private = b"F=P" in body
                self.private += private
                self.room += not private
                mark = body.find(b"T=at")
                at = float(body[mark + 4 : body.index(b"\n", mark)])
                self.delays.append(time.perf_counter() - at)
            elif kind == b"mesg":
                assert ident == bytes(4), ident
                self.acked += 1
            elif kind in self._replies:
                assert ident == bytes(4), (kind, ident)
                self._replies[kind].set()

    def say(self, to: str = "") -> None:
        """A message to one user, or to the room."""
        self.sent += 1
        private = (f"PRIV={to}",) if to else ()
        self.writer.write(frame("mesg", *private, f"TEXT=at{time.perf_counter():.6f}", "ATTR=3"))

    async def leave(self) -> None:
        """Close."""
        self._task.cancel()
        self.writer.close()


async def misbehave(port: int, until: float) -> None:
    """Garbage, half-open connections, and one who floods and never reads."""
    _, deaf = await asyncio.open_connection("127.0.0.1", port)
    _, half = await asyncio.open_connection("127.0.0.1", port)
    half.write(b"auth\0\0\0\0\0\0\x0f\xff")
    while time.perf_counter() < until:
        try:
            deaf.write(frame("peek", "NAME=Crowd") * 20)
            _, noise = await asyncio.open_connection("127.0.0.1", port)
            noise.write(os.urandom(4096))
            noise.close()
        except OSError:
            pass
        await asyncio.sleep(0.1)
    for one in (deaf, half):
        one.transport.abort()


async def crowd(port: int, asked: argparse.Namespace) -> dict[str, object]:
    """The whole evening."""
    players = [Player(number) for number in range(asked.clients)]
    for player in players:
        await player.enter(port)
    start = time.perf_counter()
    until = start + asked.seconds
    bad = asyncio.create_task(misbehave(port, until))
    privates = rooms = ticks = 0
    while time.perf_counter() < until:
        for number, player in enumerate(players):  # spread over a tenth of a second
            player.say(players[(number + 1) % len(players)].name)
            if number % 10 == 9:
                await asyncio.sleep(
                    max(0.0, start + (ticks + number / asked.clients) / 10 - time.perf_counter())
                )
        privates += len(players)
        players[ticks % len(players)].say()
        rooms += 1
        ticks += 1
        await asyncio.sleep(max(0.0, start + ticks / 10 - time.perf_counter()))
    await bad
    deadline = time.perf_counter() + 20
    wanted = privates, rooms * len(players)
    while time.perf_counter() < deadline:
        got = sum(one.private for one in players), sum(one.room for one in players)
        if got == wanted and sum(one.acked for one in players) == privates + rooms:
            break
        await asyncio.sleep(0.05)
    delays = sorted(delay for one in players for delay in one.delays)
    for player in players:
        await player.leave()
    return {
        "clients": len(players),
        "private": privates,
        "private_lost": privates - sum(one.private for one in players),
        "room": rooms * len(players),
        "room_lost": rooms * len(players) - sum(one.room for one in players),
        "acks_lost": privates + rooms - sum(one.acked for one in players),
        "seconds": round(ticks / 10, 1),
        "p50_ms": round(1000 * delays[len(delays) // 2], 2),
        "p99_ms": round(1000 * delays[len(delays) * 99 // 100], 2),
    }


async def run(asked: argparse.Namespace) -> dict[str, object]:
    """Start the stand-in, play, stop it, and count what it recorded."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "crowd.understudy.db"
        words = ("serve", "nascar-thunder-2004", "--relay", "ea-lobby:0", "--dns-port", "0")
        command = await asyncio.create_subprocess_exec(
            *(sys.executable, str(HOME / "understudy.py"), *words),
            *("--rule", "ea-lobby.rooms=Crowd:255", "-q", "-w", str(file)),
            stdout=asyncio.subprocess.PIPE,
        )
        assert command.stdout
        port = 0
        while (line := (await command.stdout.readline()).decode().strip()) != "ready":
            if line.startswith("listening ea-lobby"):
                port = int(line.rpartition(":")[2])
            assert line, "it ended"
        began = time.perf_counter()
        told = await crowd(port, asked)
        told["with_entering"] = round(time.perf_counter() - began, 1)
        command.send_signal(signal.SIGINT)
        await command.communicate()
        connection = sqlite3.connect(file)
        sql = "SELECT count(*) FROM frames WHERE kind = '+msg'"
        told["recorded"] = connection.execute(sql).fetchone()[0]
        connection.close()
        return told


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--clients", type=int, default=100)
    parser.add_argument("--seconds", type=float, default=10.0)
    asked = parser.parse_args()
    told = asyncio.run(run(asked))
    print(json.dumps(told))
    lost = sum(int(str(told[name])) for name in ("private_lost", "room_lost", "acks_lost"))
    all_recorded = told["recorded"] == int(str(told["private"])) + int(str(told["room"]))
    sys.exit(1 if lost or not all_recorded else 0)


if __name__ == "__main__":
    main()
