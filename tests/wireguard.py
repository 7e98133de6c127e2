"""A WireGuard client, as the published protocol says (wireguard.com/protocol): the initiator's
handshake and transport data, and a pump between a tun device and a socket.
"""

from __future__ import annotations

import contextlib
import hashlib
import hmac
import json
import os
import select
import socket
import struct
import threading
import time
from pathlib import Path
from types import TracebackType
from typing import Self

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305

from tests.netns import Host

CONSTRUCTION = b"Noise_IKpsk2_25519_ChaChaPoly_BLAKE2s"
IDENTIFIER = b"WireGuard v1 zx2c4 Jason@zx2c4.com"
TUNSETIFF, IFF_TUN_NO_PI = 0x400454CA, 0x1001


def _hash(data: bytes) -> bytes:
    return hashlib.blake2s(data).digest()


def _mac(key: bytes, data: bytes) -> bytes:
    return hashlib.blake2s(data, key=key, digest_size=16).digest()


def _kdf(key: bytes, data: bytes, count: int) -> list[bytes]:
    secret = hmac.new(key, data, "blake2s").digest()
    found, last = [], b""
    for number in range(1, count + 1):
        last = hmac.new(secret, last + bytes([number]), "blake2s").digest()
        found.append(last)
    return found


def _seal(key: bytes, counter: int, data: bytes, beside: bytes = b"") -> bytes:
    return ChaCha20Poly1305(key).encrypt(bytes(4) + struct.pack("<Q", counter), data, beside)


def _open(key: bytes, counter: int, data: bytes, beside: bytes = b"") -> bytes:
    return ChaCha20Poly1305(key).decrypt(bytes(4) + struct.pack("<Q", counter), data, beside)


class Tunnel:
    """One handshake's keys; sans-io."""

    def __init__(self, private: bytes, server: bytes) -> None:
        self._mine = X25519PrivateKey.from_private_bytes(private)
        self._server = X25519PublicKey.from_public_bytes(server)
        self._server_bytes = server
        self._fresh = X25519PrivateKey.generate()
        self._sent = 0
        self._theirs = 0

    def hello(self) -> bytes:
        """The first message."""
        fresh = self._fresh.public_key().public_bytes_raw()
        chain = _hash(CONSTRUCTION)
        digest = _hash(_hash(_hash(chain + IDENTIFIER) + self._server_bytes) + fresh)
        (chain,) = _kdf(chain, fresh, 1)
        chain, key = _kdf(chain, self._fresh.exchange(self._server), 2)
        static = _seal(key, 0, self._mine.public_key().public_bytes_raw(), digest)
        digest = _hash(digest + static)
        chain, key = _kdf(chain, self._mine.exchange(self._server), 2)
        seconds, nanos = divmod(time.time_ns(), 10**9)
        stamp = _seal(key, 0, struct.pack(">QI", 2**62 + 10 + seconds, nanos), digest)
        self._digest, self._chain = _hash(digest + stamp), chain
        message = b"\1\0\0\0" + struct.pack("<I", 7) + fresh + static + stamp
        return message + _mac(_hash(b"mac1----" + self._server_bytes), message) + bytes(16)

    def welcome(self, message: bytes) -> None:
        """The server's answer."""
        kind, self._theirs, ours, fresh, nothing = struct.unpack("<III32s16s", message[:60])
        assert (kind, ours) == (2, 7)
        their_fresh = X25519PublicKey.from_public_bytes(fresh)
        digest = _hash(self._digest + fresh)
        (chain,) = _kdf(self._chain, fresh, 1)
        (chain,) = _kdf(chain, self._fresh.exchange(their_fresh), 1)
        (chain,) = _kdf(chain, self._mine.exchange(their_fresh), 1)
        chain, more, key = _kdf(chain, bytes(32), 3)
        assert _open(key, 0, nothing, _hash(digest + more)) == b""
        self._up, self._down = _kdf(chain, b"", 2)

    def wrap(self, packet: bytes) -> bytes:
        """An IP packet for the server."""
        head = struct.pack("<IIQ", 4, self._theirs, self._sent)
        data = _seal(self._up, self._sent, packet + bytes(-len(packet) % 16))
        self._sent += 1
        return head + data

    def unwrap(self, message: bytes) -> bytes:
        """The IP packet of a message, empty for a keepalive or what is none."""
        if message[0] != 4:
            return b""
        _, _, counter = struct.unpack_from("<IIQ", message)
        packet = _open(self._down, counter, message[16:])
        return packet[: int.from_bytes(packet[2:4], "big")] if packet else b""


def keys(file: Path) -> tuple[bytes, bytes]:
    """The client's private and the server's public key, of mitmproxy's file."""
    import base64

    found = {name: base64.b64decode(key) for name, key in json.loads(file.read_text()).items()}
    server = X25519PrivateKey.from_private_bytes(found["server_key"]).public_key()
    return found["client_key"], server.public_bytes_raw()


class Client:
    """A tun device in a namespace whose packets go through a tunnel to a server."""

    def __init__(self, host: Host, server: tuple[str, int], private: bytes, public: bytes) -> None:
        self._host = host
        self._tunnel = Tunnel(private, public)
        self._sock = host.udp()
        self._sock.connect(server)
        self._sock.send(self._tunnel.hello())
        self._tunnel.welcome(self._sock.recv(2048))
        self._tun = host.inside(self._device)
        host.run("ip", "addr", "add", "10.0.0.1/32", "dev", "wg")
        host.run("ip", "link", "set", "wg", "up", "mtu", "1420")
        host.run("ip", "route", "replace", "default", "dev", "wg")
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._pump, daemon=True)

    @staticmethod
    def _device() -> int:
        import fcntl

        file = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
        fcntl.ioctl(file, TUNSETIFF, struct.pack("16sH22x", b"wg", IFF_TUN_NO_PI))
        return file

    def _pump(self) -> None:
        self._sock.setblocking(False)
        while not self._stop.is_set():
            waiting: list[int | socket.socket] = [self._tun, self._sock]
            for ready in select.select(waiting, [], [], 0.1)[0]:
                with contextlib.suppress(OSError):
                    if ready is self._sock:
                        packet = self._tunnel.unwrap(self._sock.recv(65536))
                        if packet:
                            os.write(self._tun, packet)
                    else:
                        packet = os.read(self._tun, 65536)
                        if packet[0] >> 4 == 4:
                            self._sock.send(self._tunnel.wrap(packet))

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stop.set()
        self._thread.join(5)
        os.close(self._tun)
        self._sock.close()
