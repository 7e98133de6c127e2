"""SSC2, "simple stream cipher 2": the EA lobby's `PASS=~` under the session key (ea-lobby 4.3).

30 printable characters hold the password and an end mark; the rest is padding that depends on how
many passwords the process has enciphered before.
"""

from __future__ import annotations

import zlib
from functools import lru_cache

LENGTH = 30
"""Characters of an enciphered password, whatever the password's own length."""

_END = 127  # stands for the password's end and for every character that cannot be typed
_CRC = tuple(zlib.crc32(bytes([one]), 0xFFFFFFFF) ^ 0xFFFFFFFF for one in range(256))


def _crc_step(value: int, octet: int) -> int:
    return value >> 8 ^ _CRC[(value ^ octet) & 0xFF]


def _stir(table: list[int], key: bytes, rounds: int) -> None:
    """Swap the table's entries about, 256 steps a round."""
    mixed = 0
    size = len(key)
    for step in range(rounds * 256):
        at = step & 0xFF
        mixed = _crc_step(_crc_step(mixed, key[step % size]), table[at])
        other = mixed & 0xFF
        table[at], table[other] = table[other], table[at]


@lru_cache(maxsize=64)
def _schedule(key: bytes, rounds: int) -> tuple[int, ...]:
    """The table of a fresh key, kept: its 4,096 steps take two milliseconds."""
    table = list(range(256))
    _stir(table, key, rounds)
    return tuple(table)


class _Stream:
    """A key stream that feeds back on itself."""

    def __init__(self, key: bytes, rounds: int) -> None:
        self.table = list(_schedule(key, rounds))
        self._at = 0
        self._mixed = 0

    def next(self, octet: int) -> int:
        """One byte in, one byte out, the state moves on."""
        table = self.table
        self._mixed = _crc_step(self._mixed, table[self._at])
        self._at = self._at + 1 & 0xFF
        other = self._mixed & 0xFF
        here, there = table[self._at], table[other]
        table[self._at], table[other] = there, here
        return octet ^ table[here - there & 0xFF]


class Encoder:
    """Enciphers passwords like one process of the client: its padding goes on and on."""

    def __init__(self) -> None:
        self._padding = _Stream(b"hello world", 10)

    def encipher(self, key: bytes, password: bytes) -> bytes:
        """30 printable characters for a password; only its first 30 are kept.

        `key` is the session key of 16 bytes (any length but 0, else ValueError).
        """
        if not key:
            raise ValueError("an SSC2 key has at least one byte")
        _stir(self._padding.table, key, 16)
        _stir(self._padding.table, b"ru paranoid?", 1)
        stream, mixed, out = _Stream(key, 16), 0, bytearray()
        typed = password.split(b"\0")[0][:LENGTH] + b"\0"
        octet = 0
        for index in range(LENGTH):
            octet = typed[index] if index < len(typed) else 32 + (self._padding.next(octet) & 63)
            if not 32 <= octet <= 126:
                octet = _END
            mixed = stream.next(mixed)
            out.append(32 + (octet - 32 + mixed % 96) % 96)
        return bytes(out)


def decipher(key: bytes, data: bytes) -> tuple[bytes, bool]:
    """Password and whether its end mark was there (none fits behind 30 characters).

    Raises ValueError for bytes that this cipher never gives.
    """
    if not key:
        raise ValueError("an SSC2 key has at least one byte")
    if len(data) > LENGTH or any(not 32 <= octet <= 127 for octet in data):
        raise ValueError(f"is not {LENGTH} printable characters")
    stream, mixed, out = _Stream(key, 16), 0, bytearray()
    for octet in data:
        mixed = stream.next(mixed)
        plain = 32 + (octet - 32 - mixed % 96) % 96
        if plain == _END:
            return bytes(out), True
        out.append(plain)
    return bytes(out), False
