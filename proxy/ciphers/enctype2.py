"""EncType 2, a cipher of the old server list, and the tree generator under it (gamespy 7).

The generator walks a binary tree of depth 16 from left to right; each leaf is one 32-bit word of
the key stream. Words are made sixteen at a time, and of the 64 bytes that they fill the last one is
thrown away.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice

from proxy.message import WireError

KEY_MASK = 0xEC
DEPTH = 16
WORDS = 16  # words made at a time
USED = 63  # of the 64 bytes that they fill
LIMIT = (1 << DEPTH) // WORDS * USED
"""Bytes of key stream that the tree has leaves for."""

_ALL = 0xFFFFFFFF
_State = tuple[int, int, int]


def _rol(value: int, bits: int) -> int:
    return (value << bits | value >> (32 - bits)) & _ALL


def _table(key: bytes) -> list[int]:
    table = [0] * 256
    for turn in range(4):
        table = [(word << 8 & _ALL) + i for i, word in enumerate(table)]
        place = turn
        for i in (*range(256), *range(256)):
            place = (place + key[i % len(key)] + table[i]) & 255
            table[i], table[place] = table[place], table[i]
    return [word ^ i for i, word in enumerate(table)]


def _down(x: int, y: int, z: int) -> _State:
    x = (x + z) & _ALL
    y = (y + x) & _ALL
    return (x + y) & _ALL, y, z


def _left(table: list[int], x: int, y: int, z: int) -> _State:
    y = _rol(y, 24)
    x ^= table[x & 255]
    y ^= table[y & 255]
    y = _rol(y, 24)
    x = _rol(x, 8)
    x ^= table[x & 255]
    y ^= table[y & 255]
    return _rol(x, 8), y, 2 * z


def _right(table: list[int], x: int, y: int, z: int) -> _State:
    x = _rol(x ^ _ALL, 24)
    x ^= table[x & 255]
    y ^= table[y & 255]
    x = _rol(x, 24)
    y = _rol(y, 8)
    x ^= table[x & 255]
    y ^= table[y & 255]
    return x, _rol(y, 8), 2 * z + 1


def _words(table: list[int]) -> Iterator[int]:
    state: _State = (0, 0, 1)
    forks: list[_State] = []
    while True:
        while state[2] < 1 << DEPTH:
            state = _down(*state)
            forks.append(state)
            state = _left(table, *state)
        yield state[0] ^ state[1]
        if not forks:
            return
        state = _right(table, *forks.pop())


class TreeStream:
    """The key stream of the tree generator; `apply` enciphers and deciphers alike."""

    def __init__(self, key: bytes) -> None:
        if not key:
            raise ValueError("the tree generator needs a key")
        self._words = _words(_table(key))
        self._left = b""

    def _more(self) -> bytes:
        block = b"".join(word.to_bytes(4, "little") for word in islice(self._words, WORDS))
        if not block:
            raise WireError(f"EncType2.stream, byte {LIMIT}: the key stream ends there")
        return block[:USED]

    def apply(self, data: bytes) -> bytes:
        """XOR the next bytes of the stream; raises WireError beyond `LIMIT` bytes in all."""
        blocks, have = [self._left], len(self._left)
        while have < len(data):
            blocks.append(self._more())
            have += len(blocks[-1])
        stream = b"".join(blocks)
        self._left = stream[len(data) :]
        size = len(data)
        mixed = int.from_bytes(data, "big") ^ int.from_bytes(stream[:size], "big")
        return mixed.to_bytes(size, "big")


def stream_key(secret: bytes, sent: bytes) -> bytes:
    """The generator's key: the bytes sent, the first of them XOR the secret (not cyclic)."""
    covered = min(len(secret), len(sent))
    return bytes(a ^ b for a, b in zip(sent, secret, strict=False)) + sent[covered:]


def key_length(data: bytes | bytearray) -> int:
    """How many key bytes follow the first byte."""
    return data[0] ^ KEY_MASK


def decrypt(secret: bytes, wire: bytes) -> bytes:
    """A whole list, clear; raises WireError when the key is missing or cut off."""
    end = 1 + key_length(wire) if wire else 0
    if not 2 <= end <= len(wire):
        raise WireError(f"EncType2.key, byte 0: needs {max(end, 2)} bytes, {len(wire)} there")
    return TreeStream(stream_key(secret, wire[1:end])).apply(wire[end:])


def encrypt(secret: bytes, sent_key: bytes, plain: bytes) -> bytes:
    """A whole list as it goes over the wire, with the key bytes that are sent before it."""
    stream = TreeStream(stream_key(secret, sent_key))
    return b"%c%b%b" % (len(sent_key) ^ KEY_MASK, sent_key, stream.apply(plain))
