"""The hashes of GameSpy's statistics servers (gamespy 8)."""

from __future__ import annotations

from hashlib import md5

from proxy.ciphers.repeating import GSTATS, xor

HASH_FACTOR = 0x9CCF9319
CONNECTION_MASK = 0x38F371E6
_MARK = b"\\challenge\\"


def seen_challenge(wire: bytes) -> bytes:
    r"""The challenge of a greeting as the client takes it, from the greeting's wire bytes.

    The client deciphers all of it, the clear `\final\` too: when the challenge is the last key,
    seven garbled bytes become part of it. Empty if there is none.
    """
    clear = xor(wire, GSTATS)
    start = clear.find(_MARK)
    if start < 0:
        return b""
    start += len(_MARK)
    end = clear.find(b"\\", start)
    return clear[start:] if end < 0 else clear[start:end]


def challenge_hash(challenge: bytes) -> int:
    """A multiplicative hash over signed characters, as a signed 32-bit number."""
    value = 0
    for byte in challenge:
        value = (value * HASH_FACTOR + (byte - 256 if byte > 127 else byte)) & 0xFFFFFFFF
    return value - (1 << 32) if value >> 31 else value


def auth_response(challenge: bytes, secret: bytes) -> bytes:
    """`auth.response`."""
    text = str(challenge_hash(challenge)).encode() + secret
    return md5(text, usedforsecurity=False).hexdigest().encode()


def connection_challenge(connection: int) -> bytes:
    """Eight characters that stand for a connection id in the players' responses."""
    digits = f"{(connection ^ CONNECTION_MASK) & 0xFFFFFFFF:08x}".encode()
    return bytes(digit + 17 + place for place, digit in enumerate(digits))


def player_response(password: bytes, connection: int) -> bytes:
    """`authp.resp`: over the password, or the partner's challenge of a token."""
    text = password + connection_challenge(connection)
    return md5(text, usedforsecurity=False).hexdigest().encode()


def connection_id(sesskey: bytes) -> int:
    """The connection id that a client makes of `lc.sesskey`: read as a number of 32 bits."""
    return int(sesskey or b"0") & 0xFFFFFFFF
