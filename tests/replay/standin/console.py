"""A console of the EA lobby, from the captures' bytes and the reference alone (ea-lobby 1 to 8).

It goes only where it is told, deciphers and enciphers by itself, and fails when it is not answered.
"""

from __future__ import annotations

import contextlib
import queue
import re
import socket
import struct
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from tests.reference import captures
from tests.running import PATIENCE, connect, read_exactly

ZERO = bytes(4)


@dataclass(frozen=True)
class Frame:
    """One frame as a client reads it."""

    kind: str
    ident: bytes
    body: bytes

    def __getitem__(self, name: str) -> str:
        value = self.get(name)
        assert value is not None, f"{self.kind} has no {name}: {self.body!r}"
        return value

    def get(self, name: str) -> str | None:
        """A value as the client's reader finds it (ea-lobby 2)."""
        found = re.search(rf"(?:^|(?<=[\x00-\x20])){name}=([^\x00-\x1f]*)".encode(), self.body)
        if not found:
            return None
        text = found[1].decode("latin-1")
        if text[:1] in ('"', "'"):
            text = text[1:].partition(text[0])[0]
        return re.sub("%(%|[0-9a-fA-F]{2})", _unescaped, text)


def _unescaped(match: re.Match[str]) -> str:
    return "%" if match[1] == "%" else chr(int(match[1], 16))


def captured(name: str) -> bytes:
    """A frame that a retail console sent."""
    found = [one["hex"] for one in captures("ea-lobby")["frames"] if one["name"] == name]
    assert found, name
    return bytes.fromhex(found[0])


def frame(kind: str, *items: str) -> bytes:
    """A request as a client writes it: a line for each item, then 00."""
    body = "".join(f"{item}\n" for item in items).encode("latin-1") + b"\0"
    return kind.encode() + ZERO + struct.pack(">I", 12 + len(body)) + body


def crc_step(value: int, octet: int) -> int:
    """One step of the reflected CRC-32 (ea-lobby 4.3)."""
    value ^= octet
    for _ in range(8):
        value = value >> 1 ^ (0xEDB88320 if value & 1 else 0)
    return value


def enciphered(key: bytes, password: str) -> str:
    """A password for `PASS`: SSC2 under the session key; the padding is nobody's business."""
    table = [crc_step(one, 0) for one in range(256)]

    def step(value: int, octet: int) -> int:
        return value >> 8 ^ table[(value ^ octet) & 255]

    box, j = list(range(256)), 0
    for t in range(16 * 256):
        j = step(j, key[t % 16])
        j = step(j, box[t % 256])
        box[t % 256], box[j & 255] = box[j & 255], box[t % 256]
    i = c = k = 0
    out = []
    plain = [*password.encode(), *([127] * 30)]
    for u in plain[:30]:
        c = step(c, box[i])
        i = i + 1 & 255
        a, d = box[i], box[c & 255]
        box[i], box[c & 255] = d, a
        k ^= box[a - d & 255]
        out.append(32 + (64 + u + k % 96) % 96)
    return "~" + "".join(f"%{one:02x}" if one in b'="%:\x7f' else chr(one) for one in out)


class Leg:
    """One connection; what is pushed waits until somebody asks for it."""

    def __init__(self, host: str, port: int) -> None:
        self.socket = connect(port, host)
        self._pushed: list[Frame] = []
        self._queue: queue.Queue[Frame | None] = queue.Queue()
        self.pings = 0
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def _read(self) -> None:
        with contextlib.suppress(OSError):
            self.socket.settimeout(None)
            while len(head := read_exactly(self.socket, 12)) == 12:
                kind, ident, length = head[:4], head[4:8], struct.unpack(">I", head[8:])[0]
                body = read_exactly(self.socket, length - 12)
                if kind in (b"~png", b"PING"):  # as the console does: the same body back
                    self.pings += 1
                    self.socket.sendall(kind + bytes((0, 0, 0, 0x11)) + head[8:] + body)
                    continue
                self._queue.put(Frame(kind.decode("latin-1"), ident, body))
        self._queue.put(None)

    def send(self, data: bytes) -> None:
        self.socket.sendall(data)

    def next(self, kind: str, fits: Callable[[Frame], bool] = lambda one: True) -> Frame:
        """The next frame of a kind that fits; others wait."""
        for one in self._pushed:
            if one.kind == kind and fits(one):
                self._pushed.remove(one)
                return one
        while True:
            try:
                found = self._queue.get(timeout=PATIENCE)
            except queue.Empty:
                raise AssertionError(f"no {kind} comes; there is {self._pushed}") from None
            assert found is not None, f"the server closed before {kind}: {self._pushed}"
            if found.kind == kind and fits(found):
                return found
            self._pushed.append(found)

    def ask(self, kind: str, *items: str) -> Frame:
        """A request, and the reply, which carries its kind."""
        self.send(frame(kind, *items))
        return self.next(kind)

    def order(self) -> Iterator[str]:
        """Kinds of what has come and nobody has asked for."""
        with contextlib.suppress(queue.Empty):
            while (found := self._queue.get_nowait()) is not None:
                self._pushed.append(found)
        return (one.kind for one in self._pushed)

    def forget(self) -> None:
        """Drop what has come until now."""
        list(self.order())
        self._pushed.clear()

    def ended(self) -> bool:
        """Whether the server ends the connection now."""
        while True:
            if self._queue.get(timeout=PATIENCE) is None:
                return True

    def close(self) -> None:
        with contextlib.suppress(OSError):
            self.socket.shutdown(socket.SHUT_RDWR)
        self.socket.close()
        self._thread.join(PATIENCE)


class Console:
    """A PlayStation 2 with NASCAR Thunder 2004."""

    def __init__(self, name: str, directory: int, *, password: str = "abcd") -> None:
        captures("ea-lobby")  # where there are none the test is skipped, before anything is open
        self.name = name
        self.password = password
        self.directory = directory
        self.lobby: Leg
        self.buddy: Leg | None = None
        self.id = ""

    def find(self) -> tuple[str, int]:
        """Ask the directory, which the client leaves at once."""
        leg = Leg("127.0.0.1", self.directory)
        leg.send(captured("nascar @dir request"))
        answer = leg.next("@dir")
        assert answer.ident == ZERO
        assert answer.get("DIRECT") is None, "the client would not follow"
        self.session = int(answer["SESS"])
        leg.close()
        return answer["ADDR"], int(answer["PORT"])

    def log_in(self, where: tuple[str, int] | None = None) -> Frame:
        """From the directory to the persona; the reply to `auth`."""
        self.lobby = Leg(*(where or self.find()))
        self.lobby.send(captured("nascar addr"))
        self.lobby.send(captured('nascar skey request: literal "Public Key"'))
        key = bytes.fromhex(self.lobby.next("skey")["SKEY"].removeprefix("$"))
        assert len(key) == 16
        assert key[0], "the client would fall back on the mask stream"
        reply = self.lobby.ask(
            "auth",
            *(f"NAME={self.name}", "TOS=1", f'PASS="{enciphered(key, self.password)}"'),
            *("MID=$00041f82bee6", "HWFLAG=4", "HWMASK=65828", "PROD=NASCAR-PS2-2004"),
            *('VERS="PS2/XXX-Jul  2 2003"', "LANG=en", "SLUS=BASLUS-20824"),
        )
        return reply

    def enter(self, where: tuple[str, int] | None = None) -> None:
        """All the way into the lobby, with the lists subscribed and the buddy leg open."""
        reply = self.log_in(where)
        assert reply.ident == ZERO, reply
        personas = self.lobby.ask("pers", f"PERS={self.name}")
        assert personas["PERS"] == self.name
        self.ticket = personas["LKEY"]
        assert self.lobby.next("+who")["N"] == self.name
        self.lobby.send(captured("nascar sele, space separated constant, no newline"))
        self.lobby.next("sele")
        self.lobby.send(captured("nascar sele RANKS=50 (newline form)"))
        self.lobby.next("sele")
        self.lobby.send(captured("nascar news NAME=0"))
        news = self.lobby.next("news")
        assert news.ident == b"new0"
        self.befriend(news["BUDDY_URL"], int(news["BUDDY_PORT"]))

    def befriend(self, host: str, port: int) -> None:
        """The buddy leg as the console opens it."""
        self.buddy = buddy = Leg(host, port)
        user = f"USER={self.name}/cso/nascar-ps2-2004"
        reply = buddy.ask(
            "AUTH", "PROD=NASCAR", "VERS=XXX", "PRES=NASCAR2004", user, f"LKEY={self.ticket}"
        )
        assert reply.ident == ZERO
        buddy.send(captured("buddy PSET: quoted, doubly escaped"))
        buddy.next("PSET")
        buddy.send(captured("buddy RGET list B") + captured("buddy RGET list I"))
        for number in ("1", "2"):
            found = buddy.next("RGET")
            assert found["ID"] == number
            for _ in range(int(found["SIZE"])):
                assert buddy.next("ROST")["ID"] == number

    def move(self, room: str) -> Frame:
        """Enter a room; what the lobby says of oneself."""
        if room == "East":
            self.lobby.send(captured("nascar move join"))
        else:
            self.lobby.send(frame("move", f"NAME={room}", "PASS="))
        reply = self.lobby.next("move")
        assert reply.ident == ZERO, reply
        who = self.lobby.next("+who", lambda one: one["R"] == reply["NAME"])
        assert who["RI"] == reply["IDENT"]
        assert who["RT"] == reply["COUNT"]
        return who

    def sees(self, name: str) -> Frame:
        """Another user, or oneself, in the room."""
        return self.lobby.next("+usr", lambda one: one.get("N") == name)

    def says_to(self, name: str, text: str) -> Frame:
        """A message to one user; the empty acknowledgement."""
        reply = self.lobby.ask("mesg", f"PRIV={name}", f"TEXT={text}", "ATTR=3")
        assert reply.body in (b"", b"\0")
        return reply

    def hears(self, name: str) -> str:
        """What a user says to this one alone."""
        said = self.lobby.next("+msg", lambda one: one["N"] == name)
        assert said["F"] == "P3"
        return said["T"]

    def close(self) -> None:
        for leg in (self.lobby, self.buddy):
            if leg is not None:
                leg.close()


def challenge(one: Console, other: Console, token: str = "w893m_a017l_g") -> tuple[Frame, Frame]:
    """The complete challenge between two that see each other; the `+ses` of both."""
    assert one.lobby.ask("user", f"PERS={other.name}")["TITLE"]
    assert one.lobby.ask("auxi", f"TEXT={token}")["TEXT"] == token
    one.says_to(other.name, token)
    assert other.hears(one.name) == token
    found = other.lobby.ask("snap", "INDEX=0", "CHAN=4", f"FIND={one.name}", "RANGE=1")
    assert found["CHAN"] == "4"
    other.says_to(one.name, "ACPT")
    assert one.hears(other.name) == "ACPT"
    one.lobby.send(frame("chal", f"PERS={other.name}", "HOST=1"))
    other.lobby.send(frame("chal", f"PERS={one.name}", "HOST=0"))
    modes = {one.lobby.next("chal")["MODE"], other.lobby.next("chal")["MODE"]}
    assert modes == {"chal", "play"}
    return one.lobby.next("+ses"), other.lobby.next("+ses")
