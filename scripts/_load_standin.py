"""The clients of `_bench_standin.py`, in a process of their own: Kaillera games, a lobby, JJ2.

python scripts/_load_standin.py ROLE PORT COUNT SECONDS    prints one JSON object
"""

from __future__ import annotations

import json
import select
import selectors
import socket
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

HOME = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(HOME))

from _hearing import Ears, Times, beats  # noqa: E402

from tests.replay.standin import emulator as kaillera  # noqa: E402
from tests.replay.standin.rabbit import datagram  # noqa: E402

RATE, ASKERS, TALK = 60, 20, 10
"""Frames a second; JJ2 clients; seconds between two lines of one user in a lobby."""


# Kaillera


class Pair:
    """Two players in a room, and when each frame was said by both and heard by each."""

    def __init__(self, port: int, number: int, taken: Times) -> None:
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
        self.said: list[int] = []
        """When each of the last frames was said, 20 seconds of them."""
        self.frame = 0
        self.wrong = 0
        """Datagrams that say something else than both have played."""
        self._taken = taken

    def start(self) -> None:
        """The game."""
        self.players[0].emulator.start()
        self._until(lambda: all(one.emulator.all(kaillera.READY) for one in self.players))

    def _until(self, done: Callable[[], bool]) -> None:
        kaillera.until(done, *self.players)

    def begin(self, ears: Ears) -> None:
        """Take what has come about others; from here on only input is heard."""
        for one in self.players:
            drain(one)
        self.base = [one.emulator.next_in for one in self.players]
        self.heard = [0, 0]
        for side, one in enumerate(self.players):
            ears.add(one.socket, partial(self.hear, side))

    def say(self) -> None:
        """One frame of both."""
        for one in self.players:
            data = b"\0\4\0" + self.frame.to_bytes(4, "little")
            one.emulator.say(kaillera.DATA, data)
            at = time.time_ns()
            one.socket.sendto(one.emulator.out.pop(), one.server)
        self.said.append(at)
        self.frame += 1
        del self.said[: -20 * RATE]

    def hear(self, side: int, data: bytes, came: int) -> None:
        """What has come for one of them."""
        heard = self.heard[side]
        number = int.from_bytes(data[1:3], "little")
        frame = heard + ((number - self.base[side] - heard + 0x8000 & 0xFFFF) - 0x8000)
        age = self.frame - frame
        if heard <= frame and 0 < age <= len(self.said):
            self.heard[side] = frame + 1
            self._taken.add(came - self.said[-age])
            row = frame.to_bytes(4, "little")
            self.wrong += data[6:17] != b"\0\x08\0" + row + row

    def close(self) -> None:
        """Leave."""
        for one in self.players:
            one.emulator.quit()
            one.step()
            one.close()


def drain(player: kaillera.Player) -> None:
    """Take what has come."""
    while select.select([player.socket], [], [], 0.005)[0]:
        player.step()


def games(port: int, count: int, seconds: float) -> dict[str, Any]:
    """Two players each; milliseconds from the input of both to each one's frame."""
    taken, ears = Times(), Ears()
    pairs = [Pair(port, number, taken) for number in range(count)]
    for pair in pairs:
        pair.start()
    for pair in pairs:
        pair.begin(ears)
    for number, due in beats(count, RATE, seconds):
        ears.until(due)
        pairs[number].say()
    ears.rest()
    for pair in pairs:
        pair.close()
    return {
        **taken.shown("ms added,"),
        "frames later than 5 ms": taken.over(5),
        "frames": sum(2 * pair.frame for pair in pairs),
        "frames lost": sum(2 * pair.frame - sum(pair.heard) for pair in pairs),
        "frames wrong": sum(pair.wrong for pair in pairs),
        **ears.shown(),
    }


def _is_here(one: kaillera.Emulator) -> bool:
    return bool(one.all(kaillera.INFO))


def lobby(port: int, count: int, seconds: float) -> dict[str, Any]:
    """Users of whom each writes a line now and then; milliseconds until each one has it."""
    taken, ears = Times(), Ears()
    said: list[int] = []
    heard = [0] * count
    users = []
    for number in range(count):
        one = kaillera.Player(kaillera.Emulator(f"user {number}"), port)
        kaillera.until(partial(_is_here, one.emulator), one)
        users.append(one)
    for number, one in enumerate(users):
        drain(one)
        base = one.emulator.next_in

        def hear(data: bytes, came: int, number: int = number, base: int = base) -> None:
            line = int.from_bytes(data[1:3], "little") - base & 0xFFFF
            if heard[number] <= line < len(said):
                heard[number] = line + 1
                taken.add(came - said[line])

        ears.add(one.socket, hear)
    for number, due in beats(count, 1 / TALK, seconds):
        ears.until(due)
        one = users[number]
        one.emulator.chat(f"line {len(said)}")
        said.append(time.time_ns())
        one.socket.sendto(one.emulator.out.pop(), one.server)
    ears.rest()
    for one in users:
        one.emulator.quit()
        one.step()
        one.close()
    return {
        **taken.shown("ms to each,"),
        "lines": len(said),
        "lines lost": count * len(said) - sum(heard),
        **ears.shown(),
    }


# Jazz Jackrabbit 2


def queries(port: int, count: int, seconds: float) -> dict[str, Any]:
    """So many queries a second of several askers; milliseconds to the answer."""
    asked = datagram(b"\x05\x01")
    taken, ears = Times(), Ears()
    socks = [kaillera.new_socket() for _ in range(ASKERS)]
    said: list[list[int]] = [[] for _ in socks]
    answered = 0

    def hear(waiting: list[int], data: bytes, came: int) -> None:
        nonlocal answered
        if waiting:  # they come in order
            answered += 1
            taken.add(came - waiting.pop(0))

    for sock, waiting in zip(socks, said, strict=True):
        sock.connect(("127.0.0.1", port))
        ears.add(sock, partial(hear, waiting))
    put = 0
    for number, due in beats(ASKERS, count / ASKERS, seconds):
        ears.until(due)
        said[number].append(time.time_ns())
        socks[number].send(asked)
        put += 1
    ears.rest()
    return {
        **taken.shown("ms to the answer,"),
        "asked": put,
        "lost": put - answered,
        **ears.shown(),
    }


def most(port: int, count: int, seconds: float) -> dict[str, Any]:
    """Queries a second that are answered when so many askers only wait for each answer."""
    asked = datagram(b"\x05\x01")
    selector = selectors.DefaultSelector()
    for asker in [kaillera.new_socket() for _ in range(count)]:
        asker.connect(("127.0.0.1", port))
        selector.register(asker, selectors.EVENT_READ)
        asker.send(asked)
    answered = 0
    begun = time.perf_counter()
    while time.perf_counter() - begun < seconds:
        for key, _ in selector.select(1.0):
            sock = key.fileobj
            assert isinstance(sock, socket.socket)
            sock.recv(2048)
            sock.send(asked)
            answered += 1
    return {"rate": round(answered / (time.perf_counter() - begun))}


ROLES = {"games": games, "lobby": lobby, "queries": queries, "most": most}

if __name__ == "__main__":
    role, where, number, length = sys.argv[1:]
    print(json.dumps(ROLES[role](int(where), int(number), float(length))))
