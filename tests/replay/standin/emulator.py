"""An emulator with Kaillera, from the reference alone (kaillera 1 to 5): bytes in, bytes out.

`Emulator` is sans-io: `received` takes a datagram, `out` holds what is to be sent. It repeats its
last three messages, waits as many frames for the network as a client does, and keeps what it plays.
`Player` puts it on sockets.
"""

from __future__ import annotations

import select
import socket
import struct
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from tests.running import PATIENCE

QUIT, JOINED, LOGIN, STATUS, ACK, CLIENT_ACK = 1, 2, 3, 4, 5, 6
CHAT, GAME_CHAT, ALIVE, CREATE, QUIT_GAME, JOIN = 7, 8, 9, 10, 11, 12
PLAYERS, GAME, KICK, CLOSE = 13, 14, 15, 16
START, DATA, CACHED, DROP, READY, REJECTED, INFO = 0x11, 0x12, 0x13, 0x14, 0x15, 0x16, 0x17
ROUNDS = struct.pack("<4I", 0, 1, 2, 3)


def z(text: str) -> bytes:
    return text.encode("latin-1") + b"\0"


def datagram(*messages: tuple[int, int, bytes]) -> bytes:
    """Number, type and body of each message, newest first."""
    return bytes([len(messages)]) + b"".join(
        struct.pack("<HHB", number, len(body) + 1, tag) + body for number, tag, body in messages
    )


def messages_of(data: bytes) -> list[tuple[int, int, bytes]]:
    """Number, type and body of each message of a datagram."""
    found, at = [], 1
    for _ in range(data[0]):
        number, length, tag = struct.unpack_from("<HHB", data, at)
        found.append((number, tag, data[at + 5 : at + 4 + length]))
        assert len(found[-1][2]) == length - 1
        at += 4 + length
    assert at == len(data)
    numbers = [one[0] for one in found]
    assert numbers == [numbers[0] - n & 0xFFFF for n in range(len(numbers))], "newest first"
    return found


@dataclass
class Emulator:
    """One user."""

    name: str
    connection: int = 1
    inputs: Callable[[int], bytes] = lambda frame: bytes([frame & 0xFF])
    """The buttons of each frame."""
    caches: bool = True
    """Whether repeated input is sent as a slot."""
    out: list[bytes] = field(default_factory=list)
    heard: list[tuple[int, bytes]] = field(default_factory=list)
    """Type and body of every message but input, in order."""
    played: list[bytes] = field(default_factory=list)
    """What each emulated frame was played with; empty: no input yet."""
    next_in: int = 0
    next_out: int = 0
    frames: int = 0
    """Play so many."""
    slots_told: int = 0
    slots_said: int = 0
    seat: tuple[int, int, int] = (0, 0, 0)
    """Delay, own number, players."""

    def __post_init__(self) -> None:
        self._sent: list[bytes] = []
        self._ready = False

    # talking

    def say(self, tag: int, body: bytes = b"\0") -> None:
        """A message, with the two before it."""
        head = struct.pack("<HHB", self.next_out, len(body) + 1, tag)
        self._sent = [head + body, *self._sent[:4]]
        self.next_out = self.next_out + 1 & 0xFFFF
        self.repeat(3)

    def repeat(self, count: int = 5) -> None:
        """The last messages once more."""
        if self._sent:
            self.out.append(bytes([min(count, len(self._sent))]) + b"".join(self._sent[:count]))

    def log_in(self) -> None:
        self.say(LOGIN, z(self.name) + z("understudy test") + bytes([self.connection]))

    def create(self, rom: str = "a game") -> None:
        self.say(CREATE, z("") + z(rom) + z("") + b"\xff" * 4)

    def join(self, game: int) -> None:
        self.say(JOIN, struct.pack("<BIBIHB", 0, game, 0, 0, 0xFFFF, self.connection))

    def chat(self, text: str, tag: int = CHAT) -> None:
        self.say(tag, z("") + z(text))

    def start(self) -> None:
        self.say(START, b"\0" + struct.pack("<HBB", 0xFFFF, 255, 255))

    def drop(self) -> None:
        self.say(DROP, b"\0\0")

    def quit_game(self) -> None:
        self.say(QUIT_GAME, b"\0\xff\xff")

    def kick(self, user: int) -> None:
        self.say(KICK, struct.pack("<BH", 0, user))

    def quit(self, words: str = "bye") -> None:
        self.say(QUIT, b"\0\xff\xff" + z(words))

    # listening

    def received(self, data: bytes) -> None:
        """A datagram of the server."""
        for number, tag, body in reversed(messages_of(data)):
            if number == self.next_in:
                self.next_in = number + 1 & 0xFFFF
                self._take(tag, body)

    def _take(self, tag: int, body: bytes) -> None:
        if tag not in (DATA, CACHED):
            self.heard.append((tag, body))
        if tag == ACK:
            assert body == b"\0" + ROUNDS
            self.say(CLIENT_ACK, b"\0" + ROUNDS)
        elif tag == START:
            self.seat = struct.unpack("<HBB", body[1:])
            self._begin()
            self.say(READY)
        elif tag == READY:
            self._ready = True
            self.play()
        elif tag == DATA:
            size = struct.unpack("<H", body[1:3])[0]
            data = body[3:]
            assert len(data) == size
            if len(self._cache_in) == 256:
                del self._cache_in[0]
            self._cache_in.append(data)
            self._network(data)
        elif tag == CACHED:
            self.slots_told += 1
            self._network(self._cache_in[body[1]])

    # playing

    def _begin(self) -> None:
        self._cache_in: list[bytes] = []
        self._cache_out: list[bytes] = []
        self._rows: list[bytes] = []
        self._packet = b""
        self._collected = 0
        self.played = []
        self._ready = False

    @property
    def lag(self) -> int:
        """Frames without the network at the start."""
        return (self.seat[0] + 1) * self.connection - 1

    def _network(self, data: bytes) -> None:
        size, rest = divmod(len(data), self.connection)
        assert not rest
        self._rows += [data[at * size : (at + 1) * size] for at in range(self.connection)]
        self.play()

    def play(self) -> None:
        """Emulate until the network is needed."""
        while self._ready and len(self.played) < self.frames:
            frame = len(self.played)
            if self._collected == frame:
                self._collected += 1
                self._packet += self.inputs(frame)
                if self._collected % self.connection == 0:
                    packet, self._packet = self._packet, b""
                    self._send(packet)
            if frame < self.lag:
                self.played.append(b"")
            elif self._rows:
                self.played.append(self._rows.pop(0))
            else:
                return

    def _send(self, packet: bytes) -> None:
        if self.caches and packet in self._cache_out:
            self.slots_said += 1
            self.say(CACHED, bytes([0, self._cache_out.index(packet)]))
            return
        if len(self._cache_out) == 256:
            del self._cache_out[0]
        self._cache_out.append(packet)
        self.say(DATA, struct.pack("<BH", 0, len(packet)) + packet)

    # what was heard

    def last(self, tag: int) -> bytes:
        """The body of the newest message of a type."""
        return next(body for one, body in reversed(self.heard) if one == tag)

    def all(self, tag: int) -> list[bytes]:
        """The bodies of all messages of a type."""
        return [body for one, body in self.heard if one == tag]


class Player:
    """An emulator on sockets: one for the main port, another for the private one."""

    def __init__(
        self,
        emulator: Emulator,
        port: int,
        *,
        single: bool = False,
        retry: float = 0.02,
    ) -> None:
        """`single` stays on the main port."""
        self.emulator, self._retry = emulator, retry
        self.lose: Callable[[bytes], bool] = lambda data: False
        """Which datagrams do not arrive, of either side."""
        self._main = new_socket()
        self._main.sendto(b"PING\0", ("127.0.0.1", port))
        assert self._main.recv(100) == b"PONG\0"
        self._main.sendto(b"HELLO0.83\0", ("127.0.0.1", port))
        answer = self._main.recv(100)
        assert answer.startswith(b"HELLOD00D"), answer
        self.private = int(answer[9:-1])
        self.socket = self._main if single else new_socket()
        self.server = "127.0.0.1", port if single else self.private
        self._quiet = time.monotonic()
        emulator.log_in()

    def step(self, wait: float = 0.0) -> None:
        """Send what is to be sent, take what has come."""
        out, self.emulator.out = self.emulator.out, []
        for data in out:
            if not self.lose(data):
                self.socket.sendto(data, self.server)
        if select.select([self.socket], [], [], wait)[0]:
            data = self.socket.recv(1 << 16)
            if not self.lose(data):
                self._quiet = time.monotonic()
                self.emulator.received(data)
        elif time.monotonic() - self._quiet > self._retry and self.emulator.frames:
            self._quiet = time.monotonic()
            self.emulator.repeat()

    def close(self) -> None:
        self._main.close()
        self.socket.close()


def new_socket() -> socket.socket:
    made = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    made.bind(("127.0.0.1", 0))
    made.settimeout(PATIENCE)
    return made


def until(done: Callable[[], bool], *players: Player) -> None:
    """Let everybody play until something is so."""
    deadline = time.monotonic() + PATIENCE
    while not done():
        assert time.monotonic() < deadline, [one.emulator.heard[-5:] for one in players]
        for one in players:
            one.step(0.001)
