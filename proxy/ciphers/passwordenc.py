"""How GameSpy hides passwords and CD keys in `passwordenc`, `passenc`, `cdkeyenc` (gamespy 2.5).

The bytes are XORed with a fixed keystream and written as base64 with `[`, `]`, `_` for `+`, `/`,
`=`. There is no key: whoever sees the message can read it.
"""

from __future__ import annotations

import base64
import binascii

SEED = 0x79707367
"""`gspy`, as a number."""
FACTOR = 16807
MODULUS = 0x7FFFFFFF

_TO_WIRE = bytes.maketrans(b"+/=", b"[]_")
_FROM_WIRE = bytes.maketrans(b"[]_", b"+/=")

LONGEST = 1024
"""Bytes; no account has a longer password, and a peer may send anything."""


def _step(state: int) -> int:
    """The next state: times 16807 modulo 2^31 - 1, by halves, as the makers' code wraps it."""
    low = FACTOR * (state & 0xFFFF)
    high = FACTOR * (state >> 16)
    low += (high & 0x7FFF) << 16
    if low > MODULUS:
        low = (low & MODULUS) + 1
    low += high >> 15
    if low > MODULUS:
        low = (low & MODULUS) + 1
    return low


def _mask(data: bytes) -> bytes:
    if len(data) > LONGEST:
        raise ValueError(f"a password has {LONGEST} bytes at most")
    state = SEED & MODULUS
    out = bytearray()
    for byte in data:
        state = _step(state)
        out.append(byte ^ state % 255)
    return bytes(out)


def encode(clear: bytes) -> bytes:
    """The text on the wire; raises ValueError if it is too long."""
    return base64.b64encode(_mask(clear)).translate(_TO_WIRE)


def decode(wire: bytes) -> bytes:
    """The clear bytes; raises ValueError if the text is not of this form."""
    try:
        return _mask(base64.b64decode(wire.translate(_FROM_WIRE), validate=True))
    except binascii.Error as error:
        raise ValueError(f"no obfuscated password: {error}") from None
