"""XOR with a short key that repeats: GameSpy's statistics and CD-key messages (gamespy 8, 11)."""

from __future__ import annotations

GSTATS = b"GameSpy3D"
CDKEY = b"gamespy"
GSTATS_CIPHER, CDKEY_CIPHER = "xor-GameSpy3D", "xor-gamespy"
"""What a frame says that it was deciphered with."""
CDKEY_MARK = 0x3B
"""The first byte of every CD-key datagram, also on a socket that it shares: a backslash."""


def xor(data: bytes, key: bytes) -> bytes:
    """Both ways; the key begins anew at the first byte."""
    size = len(data)
    stream = (key * (size // len(key) + 1))[:size]
    return (int.from_bytes(data, "big") ^ int.from_bytes(stream, "big")).to_bytes(size, "big")
