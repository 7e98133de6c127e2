"""The responses by which a CD key is proved without being shown (gamespy 11).

72 characters: MD5 of the key, a random number as eight hex digits, MD5 over key, number and
challenge. Only who has the key can check the last part.
"""

from __future__ import annotations

from hashlib import md5

LENGTH = 72
MODULUS = 65535


def _hex(data: bytes) -> bytes:
    return md5(data, usedforsecurity=False).hexdigest().encode()


def response(key: bytes, challenge: bytes, random: int) -> bytes:
    """What proves the key when the player joins."""
    number = str(random % MODULUS).encode()
    return _hex(key) + b"%08x" % random + _hex(key + number + challenge)


def again(key: bytes, challenge: bytes, random: int) -> bytes:
    """What proves it when the key server asks again (`ison`)."""
    number = str(random % MODULUS).encode()
    return _hex(key) + b"%08x" % random + _hex(challenge + number + key)


def parts(answer: bytes) -> tuple[bytes, int, bytes]:
    """Hash of the key, random number, proof; raises ValueError for another shape."""
    if len(answer) != LENGTH:
        raise ValueError(f"a response has {LENGTH} characters, this has {len(answer)}")
    return answer[:32], int(answer[32:40], 16), answer[40:]
