"""Game servers and browsers of GameSpy from the reference alone (gamespy 5 and 6)."""

from __future__ import annotations

import base64
import socket
import struct
from typing import Any

from tests.running import PATIENCE, connect

SECRET = b"HA6zkS"


def answer(secret: bytes, challenge: bytes) -> bytes:
    """What a game server answers to the master's challenge (gamespy 5.3)."""
    s, y = list(range(256)), 0
    for i in range(256):
        y = (y + s[i] + secret[i % len(secret)]) % 256
        s[i], s[y] = s[y], s[i]
    x = y = 0
    out = bytearray()
    for c in challenge:
        x = (x + c + 1) % 256
        y = (y + s[x]) % 256
        s[x], s[y] = s[y], s[x]
        out.append(c ^ s[(s[x] + s[y]) % 256])
    return base64.b64encode(out + bytes(-len(out) % 3))


def mixed_key(secret: bytes, challenge: bytes, key: bytes) -> bytes:
    """The key of the cards (gamespy 6.4)."""
    mixed = bytearray(challenge)
    for i, byte in enumerate(key):
        mixed[i * secret[i % len(secret)] % 8] ^= mixed[i % 8] ^ byte
    return bytes(mixed)


class Cards:
    """The card cipher of enctypeX, decrypting (gamespy 6.4)."""

    def __init__(self, mixed: bytes) -> None:
        self.c = c = list(range(256))
        total = place = 0
        mask = 255
        for i in range(255, 0, -1):
            tries = 0
            while True:
                total = (c[total] + mixed[place]) & 255
                place += 1
                if place == len(mixed):
                    place, total = 0, (total + len(mixed)) & 255
                u = mask & total
                tries += 1
                if tries > 11:
                    u %= i
                if u <= i:
                    break
            c[i], c[u] = c[u], c[i]
            if not i & (i - 1):
                mask >>= 1
        self.rotor, self.ratchet, self.avalanche = c[1], c[3], c[5]
        self.plain, self.cipher = c[7], c[total]

    def decrypt(self, data: bytes) -> bytes:
        c, out = self.c, bytearray()
        for byte in data:
            self.ratchet = (self.ratchet + c[self.rotor]) & 255
            self.rotor = (self.rotor + 1) & 255
            t = c[self.cipher]
            c[self.cipher] = c[self.ratchet]
            c[self.ratchet] = c[self.plain]
            c[self.plain] = c[self.rotor]
            c[self.rotor] = t
            self.avalanche = (self.avalanche + c[t]) & 255
            one = c[(c[self.avalanche] + c[self.rotor]) & 255]
            two = c[c[(c[self.plain] + c[self.cipher] + c[self.ratchet]) & 255]]
            self.plain, self.cipher = byte ^ one ^ two, byte
            out.append(self.plain)
        return bytes(out)


def datagrams() -> socket.socket:
    found = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    found.bind(("127.0.0.1", 0))
    found.settimeout(PATIENCE)
    return found


class GameServer:
    """A game server that registers with the master by QR2."""

    def __init__(self, master: int, key: bytes = b"\x11\x22\x33\x44", **facts: object) -> None:
        self.master = ("127.0.0.1", master)
        self.key = key
        self.again = False
        """Whether the master may ask again."""
        self.socket = datagrams()
        self.port: int = self.socket.getsockname()[1]
        self.facts = {"hostname": "A server", "numplayers": 3, "mapname": "arena", **facts}

    def heartbeat(self, changed: int | None = 3, game: str = "gmtest") -> None:
        special: dict[str, object] = {"localip0": "127.0.0.1", "localport": self.port, "natneg": 1}
        if changed is not None:
            special["statechanged"] = changed
        pairs = {**special, "gamename": game, **(self.facts if changed != 2 else {})}
        body = b"".join(f"{key}\0{value}\0".encode() for key, value in pairs.items()) + b"\0"
        tail = b"\0" if changed == 2 else b"\0\1player_\0\0Bob\0\0\0\0"
        self.socket.sendto(b"\3" + self.key + body + tail, self.master)

    def hears(self, kind: int) -> bytes:
        """The next message of the master, which must carry the instance key."""
        data, _ = self.socket.recvfrom(2048)
        while data[2] != kind and data[2] in (1, 0x0A) and self.again:
            if data[2] == 1:  # a master may ask at every heartbeat: that is always answered
                self.socket.sendto(
                    b"\1" + self.key + answer(SECRET, data[7:-1]) + b"\0", self.master
                )
            data, _ = self.socket.recvfrom(2048)
        assert data[:3] == b"\xfe\xfd" + bytes((kind,)), data
        assert data[3:7] == self.key
        if kind == 6:
            self.socket.sendto(b"\7" + self.key + data[7:11], self.master)
        return data[7:]

    def register(self, secret: bytes = SECRET) -> bytes:
        self.heartbeat()
        challenge = self.hears(1)
        assert challenge[-1:] == b"\0"
        text = challenge[:-1]
        assert len(text) <= 64
        assert text[-14:] == b"007F000001%04X" % self.port
        self.socket.sendto(b"\1" + self.key + answer(secret, text) + b"\0", self.master)
        return text

    def close(self) -> None:
        self.socket.close()


class Browser:
    """A game that asks for a list and deciphers what comes."""

    CHALLENGE = b'!x"y#z$w'

    def __init__(self, port: int) -> None:
        self.socket = connect(port)
        self.cards: Cards | None = None
        self.clear = b""
        self.keys: list[str] = []
        self.popular: list[str] = []

    def asks(
        self, keys: str, where: str = "", options: int = 0, game: str = "gmtest", limit: int = 0
    ) -> None:
        body = b"\0\1\3" + struct.pack("<I", 0) + f"{game}\0{game}\0".encode() + self.CHALLENGE
        body += where.encode() + b"\0" + keys.encode() + b"\0" + struct.pack(">I", options)
        body += struct.pack(">I", limit) if options & 128 else b""
        self.socket.sendall(struct.pack(">H", len(body) + 2) + body)

    def _raw(self, size: int) -> bytes:
        data = b""
        while len(data) < size:
            chunk = self.socket.recv(size - len(data))
            assert chunk, "closed too soon"
            data += chunk
        return data

    def take(self, size: int) -> bytes:
        if self.cards is None:
            self._raw(self._raw(1)[0] ^ 0xEC)
            key = self._raw(self._raw(1)[0] ^ 0xEA)
            self.cards = Cards(mixed_key(SECRET, self.CHALLENGE, key))
        return self.cards.decrypt(self._raw(size))

    def string(self) -> str:
        text = b""
        while (byte := self.take(1)) != b"\0":
            text += byte
        return text.decode("latin-1")

    def head(self) -> tuple[str, int]:
        ip, port = struct.unpack(">4sH", self.take(6))
        return socket.inet_ntoa(ip), port

    def list(self) -> list[dict[str, Any]]:
        assert self.head()[0] == "127.0.0.1"
        self.keys = []
        for _ in range(self.take(1)[0]):
            assert self.take(1) == b"\0"
            self.keys.append(self.string())
        self.popular = [self.string() for _ in range(self.take(1)[0])]
        found = []
        while (one := self.server()) is not None:
            found.append(one)
        return found

    def server(self) -> dict[str, Any] | None:
        flags, ip = self.take(1)[0], self.take(4)
        if not flags and ip == b"\xff" * 4:
            return None
        one: dict[str, Any] = {"flags": flags, "ip": socket.inet_ntoa(ip)}
        one["port"] = int.from_bytes(self.take(2), "big") if flags & 0x10 else 6500
        if flags & 0x02:
            one["private"] = socket.inet_ntoa(self.take(4))
        if flags & 0x20:
            one["private_port"] = int.from_bytes(self.take(2), "big")
        if flags & 0x08:
            self.take(4)
        for key in self.keys if flags & 0x40 else ():
            at = self.take(1)[0]
            one[key] = self.string() if at == 0xFF else self.popular[at]
        while flags & 0x80 and (key := self.string()):
            one[key] = self.string()
        return one

    def pushed(self) -> tuple[int, Any]:
        """The next message behind the list: its type, and what it holds."""
        size, kind = struct.unpack(">HB", self.take(3))
        if kind == 2:
            return kind, self.server()
        body = self.take(size - 3)
        return kind, body

    def about(self, kind: int, port: int, payload: bytes = b"") -> None:
        where = socket.inet_aton("127.0.0.1") + struct.pack(">H", port)
        self.socket.sendall(struct.pack(">HB", 9, kind) + where + payload)

    def close(self) -> None:
        self.socket.close()
