"""The mask stream of the EA lobby's `PASS=$hex`: a chain over the MASK text (ea-lobby 4.2).

Length is kept, there is neither a terminator nor anything random.
"""

from __future__ import annotations

DEFAULT = b"GS"
"""The key of a client whose `@dir` reply had no MASK, or an empty one."""


def encipher(key: bytes, password: bytes) -> bytes:
    """Password to cipher bytes; `key` is the literal MASK text, empty for `DEFAULT`."""
    key, last, out = key or DEFAULT, 0, bytearray()
    for index, plain in enumerate(password):
        mixed = plain ^ last
        last = (mixed << 3 & 0xFF | mixed >> 5) ^ key[index % len(key)]
        out.append(last)
    return bytes(out)


def decipher(key: bytes, data: bytes) -> bytes:
    """Cipher bytes to password: the mirror of `encipher`."""
    key, last, out = key or DEFAULT, 0, bytearray()
    for index, cipher in enumerate(data):
        mixed = cipher ^ key[index % len(key)]
        out.append((mixed >> 3 | mixed << 5 & 0xFF) ^ last)
        last = cipher
    return bytes(out)
