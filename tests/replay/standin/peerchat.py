"""A player of GameSpy's chat from the reference alone (gamespy 9).

Nothing here comes from the product: the cipher, the names that hide addresses and the counts of
parameters are made and checked as a game's own code does it.
"""

from __future__ import annotations

import contextlib
import socket
from dataclasses import dataclass

from tests.running import connect

PARAMS = {
    **dict.fromkeys(["JOIN", "QUIT", "NICK", "ERROR", "302"], 1),
    **dict.fromkeys(["PRIVMSG", "NOTICE", "UTM", "ATM", "TOPIC", "INVITE", "PART", "001"], 2),
    **dict.fromkeys(["KICK", "315", "318", "319", "366", "368", "331", "332"], 3),
    **dict.fromkeys(["705", "706", "707", "401", "403", "404", "405", "433", "441", "442"], 3),
    **dict.fromkeys(["471", "473", "474", "475", "476", "482", "421"], 3),
    **dict.fromkeys(["322", "353", "700", "701", "703", "704"], 4),
    "702": 5,
    "311": 6,
    "352": 8,
}
"""Command -> how many parameters the makers' client insists on."""


class Stream:
    """One direction: keyed like RC4, but the table begins as 255 down to 0."""

    def __init__(self, secret: bytes, key: bytes) -> None:
        mixed = [byte ^ secret[at % len(secret)] for at, byte in enumerate(key)]
        self.table, y = list(range(255, -1, -1)), 0
        for i in range(256):
            y = (y + mixed[i % len(mixed)] + self.table[i]) % 256
            self.table[i], self.table[y] = self.table[y], self.table[i]
        self.x = self.y = 0

    def run(self, data: bytes) -> bytes:
        out, s = bytearray(), self.table
        for byte in data:
            self.x = (self.x + 1) % 256
            self.y = (self.y + s[self.x]) % 256
            s[self.x], s[self.y] = s[self.y], s[self.x]
            out.append(byte ^ s[(s[self.x] + s[self.y]) % 256])
        return bytes(out)


def spelled(address: str) -> str:
    """An address as the eight letters of a user name."""
    value = int.from_bytes(socket.inet_aton(address), "little") ^ 0xC3801DC7
    return "".join("aFl4uOD9sfWq1vGp"[int(digit, 16)] for digit in f"{value:08x}")


@dataclass(frozen=True)
class Said:
    """One line of the server."""

    prefix: str
    command: str
    params: tuple[str, ...]

    @property
    def nick(self) -> str:
        return self.prefix.partition("!")[0]

    @property
    def last(self) -> str:
        return self.params[-1]


def read(text: str) -> Said:
    prefix = ""
    if text.startswith(":"):
        prefix, _, text = text[1:].partition(" ")
    middle, colon, last = text.partition(" :")
    command, *params = middle.split()
    said = Said(prefix, command, (*params, *([last] if colon else [])))
    wanted = PARAMS.get(command)
    assert wanted in (None, len(said.params)), f"the makers' client would not take {said}"
    return said


class Chatter:
    """Somebody in the chat; with a nick it comes in at once."""

    def __init__(
        self,
        port: int,
        nick: str = "",
        *,
        game: str | None = "gmtest",
        secret: bytes = b"HA6zkS",
        pid: int = 42,
    ) -> None:
        self.socket = connect(port)
        self.nick, self.pid, self.address = nick, pid, ""
        self.kept: list[Said] = []
        self._buffer = b""
        self._up: Stream | None = None
        self._down: Stream | None = None
        if game is not None:
            self.says(f"CRYPT des 1 {game}")
            data = b""
            while b"\n" not in data and (chunk := self.socket.recv(4096)):
                data += chunk
            assert data.endswith(b"\r\n"), "what follows 705 would be taken for clear text"
            said = read(data.decode("latin-1").rstrip("\r\n"))
            if said.command != "705":
                self.kept.append(said)
                return
            first, second = said.params[1:]
            assert (len(first), len(second)) == (16, 16)
            assert first != second
            self._up = Stream(secret, first.encode())
            self._down = Stream(secret, second.encode())
        if nick:
            self.come_in()

    def come_in(self) -> None:
        self.whoami()
        self.says(f"NICK {self.nick}")
        welcome = self.hears("001")
        self.nick = welcome.params[0]
        assert self.hears("376").params[0] == self.nick
        self.kept.clear()

    def whoami(self) -> None:
        self.address = self.asks("USRIP", "302").last.partition("@")[2]
        user = f"X{spelled(self.address)}X|{self.pid}"
        self.says(f"USER {user} 127.0.0.1 peerchat.gamespy.com :d41d8cd98f00b204e9800998ecf8427e")

    # the wire

    def says(self, *lines: str, end: str = "\r\n") -> None:
        self.sends("".join(line + end for line in lines).encode("latin-1"))

    def sends(self, data: bytes) -> None:
        self.socket.sendall(self._up.run(data) if self._up else data)

    def _next(self) -> Said | None:
        while b"\n" not in self._buffer:
            data = b""
            with contextlib.suppress(ConnectionError):
                data = self.socket.recv(65536)
            if not data:
                return None
            self._buffer += self._down.run(data) if self._down else data
        line, _, self._buffer = self._buffer.partition(b"\n")
        return read(line.decode("latin-1").rstrip("\r"))

    def hears(self, command: str, **wanted: str) -> Said:
        """The next line of a command, from `nick`; others are kept for later."""
        for number, one in enumerate(self.kept):
            if one.command == command and wanted.get("nick", one.nick) == one.nick:
                return self.kept.pop(number)
        while True:
            said = self._next()
            assert said is not None, f"closed before {command}; there was {self.kept}"
            if said.command == command and wanted.get("nick", said.nick) == said.nick:
                return said
            self.kept.append(said)

    def asks(self, line: str, reply: str) -> Said:
        self.says(line)
        return self.hears(reply)

    def all_until(self, line: str, *commands: str) -> list[Said]:
        """Say something; everything up to a line of one of these commands."""
        self.says(line)
        found: list[Said] = []
        while not found or found[-1].command not in commands:
            said = self._next()
            assert said is not None, f"closed before {commands}; there was {found}"
            found.append(said)
        return found

    def quiet(self) -> list[Said]:
        """What has come by now: a ping is answered behind it."""
        found = [*self.kept, *self.all_until("PING :now", "PONG")[:-1]]
        self.kept.clear()
        return found

    def ended(self) -> list[Said]:
        """Everything up to the server's end of the connection."""
        found, self.kept = self.kept, []
        while (said := self._next()) is not None:
            found.append(said)
        return found

    # what games do

    def joins(self, room: str, key: str = "") -> list[str]:
        """Enter a room as the makers' client does; the names in it."""
        said = self.all_until(f"JOIN {room} {key}", "366", "403", "405", *_BARRED)
        assert said[-1].command == "366", said
        (mine,) = [one for one in said if (one.command, one.nick) == ("JOIN", self.nick)]
        assert mine.last.lower() == room.lower()
        assert self.asks(f"MODE {room}", "324").params[2][0] in "+-"
        names = [one.last for one in said if one.command == "353"]
        return " ".join(names).split()

    def barred(self, room: str, key: str = "") -> str:
        """The numeric by which a room is refused."""
        return self.all_until(f"JOIN {room} {key}", "366", "403", "405", *_BARRED)[-1].command

    def leaves(self) -> None:
        """Quit, and wait for the end of the connection."""
        with contextlib.suppress(OSError):
            self.says("QUIT :bye")
            self.ended()
        self.close()

    def close(self) -> None:
        with contextlib.suppress(OSError):
            self.socket.shutdown(socket.SHUT_RDWR)
        self.socket.close()


_BARRED = ("471", "473", "474", "475", "476", "263")
