"""How a game proves its secret to a master server: `validate`, and the answer of QR2 (gamespy 5.3).

The challenge goes through a cipher that looks like RC4 but moves on by each byte of the text, and
is written as base64 whose padding is zero bytes, so that it never shows a `=`.
"""

from __future__ import annotations

import base64

from proxy.ciphers.enctype1 import T1


def scramble(secret: bytes, challenge: bytes) -> bytes:
    """The bytes before they are written as text; raises ValueError for an empty secret."""
    if not secret:
        raise ValueError("a game's secret cannot be empty")
    state = list(range(256))
    y = 0
    for x in range(256):
        y = (y + state[x] + secret[x % len(secret)]) & 255
        state[x], state[y] = state[y], state[x]
    x = y = 0
    out = bytearray()
    for byte in challenge:
        x = (x + byte + 1) & 255
        y = (y + state[x]) & 255
        state[x], state[y] = state[y], state[x]
        out.append(byte ^ state[(state[x] + state[y]) & 255])
    return bytes(out)


def _enctype0(data: bytes, secret: bytes) -> bytes:
    return data


def _enctype1(data: bytes, secret: bytes) -> bytes:
    return data.translate(T1)


def _enctype2(data: bytes, secret: bytes) -> bytes:
    return bytes(byte ^ secret[place % len(secret)] for place, byte in enumerate(data))


_VARIANTS = {0: (_enctype0, True), 1: (_enctype1, True), 2: (_enctype2, False)}
"""Enctype -> what it does to the bytes, and whether to the padding too."""


def validate(secret: bytes, challenge: bytes, enctype: int = 0) -> bytes:
    """The answer to `secure` or to a QR2 challenge; raises ValueError for an unknown enctype."""
    if enctype not in _VARIANTS:
        raise ValueError(f"enctype {enctype} is unknown: use 0, 1 or 2")
    change, padding_too = _VARIANTS[enctype]
    data = scramble(secret, challenge)
    padding = b"\0" * (-len(data) % 3)
    data = change(data + padding, secret) if padding_too else change(data, secret) + padding
    return base64.b64encode(data)
