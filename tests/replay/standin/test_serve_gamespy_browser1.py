"""GameSpy by rules: QR1, and the lists of browser 1 under enctype 0, 1, 2 (gamespy 4, 7)."""

from __future__ import annotations

import base64
import socket
import struct
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.replay.standin.gamespy_lists import SECRET, Cards, answer, datagrams
from tests.replay.standin.test_serve_gamespy import Services
from tests.running import connect, read_all

M = 0xFFFFFFFF
T1 = bytes.fromhex(
    "01bafab25100548075168e8e020836a52d050d165207b4228ce909d6b9260004"
    "0605001318c41e5b1d7674fc5051061600512800040a2978510001115216064a"
    "208401a21e16471632519ac4032a73e12d4f184b934c0f390a0004c0120c9a5e"
    "02b318b8070ccd2105c0a94143043c5275ec98801d08021d5884014e3b6a537a"
    "5556571e7fecb8ad00701f82d8fc978bf083fe0e7603be39297730e02bffb79e"
    "0104f8010ee853ff940cb2459e0ac706180164b0039801eb02b001b41249071f"
    "5f5e5da04f5ba05a5958cf5254d0b83402fc0e4229b8da00bab1f012fd23aeb6"
    "45a9bb06b8881424a90014cb2412aecc5756eefd0830d9fd8b3e0a8446fa77b8"
)


def rol(x: int, n: int) -> int:
    return (x << n | x >> (32 - n)) & M


def tree(key: bytes, size: int) -> bytes:
    """The keystream of enctype 2: 63 of each 64 bytes (gamespy 7)."""
    f = [0] * 256
    for j in range(4):
        f = [(one * 256 + i) & M for i, one in enumerate(f)]
        p = j
        for n in range(512):
            i = n & 255
            p = (p + key[i % len(key)] + f[i]) & 255
            f[i], f[p] = f[p], f[i]
    f = [one ^ i for i, one in enumerate(f)]

    def down(x: int, y: int, z: int) -> tuple[int, int, int]:
        x = (x + z) & M
        y = (y + x) & M
        return (x + y) & M, y, z

    def left(x: int, y: int, z: int) -> tuple[int, int, int]:
        y = rol(y, 24)
        x ^= f[x & 255]
        y ^= f[y & 255]
        y, x = rol(y, 24), rol(x, 8)
        x ^= f[x & 255]
        y ^= f[y & 255]
        return rol(x, 8), y, 2 * z

    def right(x: int, y: int, z: int) -> tuple[int, int, int]:
        x = rol(~x & M, 24)
        x ^= f[x & 255]
        y ^= f[y & 255]
        x, y = rol(x, 24), rol(y, 8)
        x ^= f[x & 255]
        y ^= f[y & 255]
        return x, rol(y, 8), 2 * z + 1

    def words() -> Iterator[int]:
        stack = [(0, 0, 1)]
        while stack:
            x, y, z = stack.pop()
            if z < 65536:
                x, y, z = down(x, y, z)
                stack.append(right(x, y, z))
                stack.append(left(x, y, z))
            else:
                yield x ^ y

    out, source = b"", words()
    while len(out) < size:
        out += b"".join(struct.pack("<I", next(source)) for _ in range(16))[:63]
    return out[:size]


def xor(data: bytes, stream: bytes) -> bytes:
    return bytes(a ^ b for a, b in zip(data, stream, strict=False))


def open_list(enctype: int, data: bytes, secure: bytes, secret: bytes = SECRET) -> bytes:
    """The list in clear, as a client of that cipher reads it."""
    if enctype == 0:
        return data
    if enctype == 2:
        size = data[0] ^ 0xEC
        key, body = data[1 : 1 + size], data[1 + size :]
        covered = min(size, len(secret))
        return xor(body, tree(xor(key, secret) + key[covered:], len(body)))
    assert struct.unpack(">I", data[:4])[0] == len(data)
    behind, before = ((data[4] ^ 62) - 20) & 255, ((data[5] ^ 205) - 5) & 255
    body = data[40 + before : len(data) - behind]
    size = len(body)
    head = max(0, size // 4 - 5)
    body = Cards(secure).decrypt(body[:head]) + body[head:]
    head = max(0, size // 2 - 17)
    body = xor(body[:head], tree(data[36:40], head)) + body[head:]
    key = data[19:35].translate(T1)
    s, y = list(range(255, -1, -1)), 0
    for i in range(256):
        y = (y + key[i % 16] + s[i]) & 255
        s[i], s[y] = s[y], s[i]
    x = y = 0
    out = bytearray()
    for byte in body:
        x = (x + 1) & 255
        y = (y + s[x]) & 255
        s[x], s[y] = s[y], s[x]
        out.append(byte ^ s[(s[x] + s[y]) & 255])
    return bytes(out)


def validate(enctype: int, secure: bytes, secret: bytes = SECRET) -> bytes:
    """`validate` (gamespy 5.3): T1 or the secret over the bytes before they become text."""

    raw = base64.b64decode(answer(secret, secure))[: len(secure)]
    raw += bytes(-len(raw) % 3)
    if enctype == 1:
        raw = raw.translate(T1)
    elif enctype == 2:
        raw = xor(raw, secret * 9)
    return base64.b64encode(raw)


class Qr1Server:
    """A game server of QR1."""

    def __init__(self, services: Services, **facts: object) -> None:
        self.socket = datagrams()
        services.games.append(self.socket)  # type: ignore[arg-type]
        self.port: int = self.socket.getsockname()[1]
        self.master = "127.0.0.1", services.ports["query"]
        self.says(f"\\heartbeat\\{self.port}\\gamename\\gmtest")
        secure = self.socket.recv(256)
        assert secure.startswith(b"\\secure\\")
        assert self.socket.recv(256) == b"\\status\\"
        proof = answer(SECRET, secure.split(b"\\")[2]).decode()
        self.says(f"\\validate\\{proof}\\final\\\\queryid\\1.1")
        told = "".join(f"\\{key}\\{one}" for key, one in facts.items())
        self.says(f"\\gamename\\gmtest{told}\\final\\\\queryid\\2.1")

    def says(self, text: str) -> None:
        self.socket.sendto(text.encode(), self.master)


def ask(
    services: Services, enctype: int, kind: str, where: str = "", secret: bytes = SECRET
) -> bytes:
    """One list, in clear."""
    with connect(services.ports["browser1"]) as connection:
        greeting = connection.recv(256)
        assert greeting.startswith(b"\\basic\\\\secure\\")
        secure = greeting.split(b"\\")[4]
        assert len(secure) == 6
        proof = validate(enctype, secure, secret).decode()
        text = f"\\gamename\\gmtest\\gamever\\2\\location\\0\\validate\\{proof}"
        text += f"\\enctype\\{enctype}" if enctype else ""
        text += f"\\final\\\\queryid\\1.1\\\\list\\{kind}\\gamename\\gmtest"
        text += f"\\where\\{where}" if where else ""
        connection.sendall((text + "\\final\\").encode())
        data = read_all(connection)
    return data if data.startswith(b"\\fatal\\") else open_list(enctype, data, secure)


@pytest.fixture
def services(tmp_path: Path) -> Iterator[Services]:
    services = Services(tmp_path, "--rule", "gamespy-browser1.rooms=East,West")
    yield services
    services.close()


def test_lists_under_every_cipher(services: Services) -> None:
    servers = [
        Qr1Server(services, hostname=f"Host {n}", numplayers=n, maxplayers=8) for n in range(12)
    ]
    here = socket.inet_aton("127.0.0.1")
    expected = b"".join(here + struct.pack(">H", one.port) for one in servers) + b"\\final\\"
    for enctype in (0, 1, 2):
        assert ask(services, enctype, "cmp") == expected, enctype
        rows = ask(services, enctype, "info2", "numplayers > 9").decode().split("\\")
        assert rows[:4] == ["", "fieldcount", "8", "ip"], enctype
        assert rows[11:13] == [f"127.0.0.1:{servers[10].port}", "Host 10"]
        assert rows[19:21] == [f"127.0.0.1:{servers[11].port}", "Host 11"]
        groups = ask(services, enctype, "groups")
        assert b"\\1\\East\\" in groups
        assert groups.endswith(b"\\final\\")
    servers[0].says(f"\\heartbeat\\{servers[0].port}\\gamename\\gmtest\\statechanged\\2")
    servers[1].says(f"\\heartbeat\\{servers[1].port}\\gamename\\gmtest")
    assert servers[1].socket.recv(256) == b"\\status\\", "the master has read both"
    assert ask(services, 0, "cmp") == expected[6:]
    services.end()


def test_a_wrong_proof_is_refused(services: Services) -> None:
    for enctype in (0, 1, 2):
        assert ask(services, enctype, "cmp", secret=b"wrong!").startswith(b"\\fatal\\1\\error\\")
    services.end()
