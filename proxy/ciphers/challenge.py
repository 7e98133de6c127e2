"""GameSpy's challenges that carry a parity, and the answer to the one of gt2 (gamespy 6.2, 13).

Every byte after the first is odd or even by a rule over the bytes before it, so that a peer can
tell a challenge from noise. The Server Browser uses eight bytes, gt2 thirty-two.
"""

from __future__ import annotations

LOWEST, HIGHEST = 33, 126
MIDDLE = 79
RESPONSE_KEY = b"3b8dd8995f7c40a9a5c5b7dd5b481341"
RESPONSE_LENGTH = 32
FREE = (0, 13)
"""Bytes of a gt2 response that are random."""
_FACTOR = 17991


def _flips(first: int, before: int, place: int) -> int:
    """Whether the parity changes between the byte at `place - 1` and the next one."""
    return (before ^ place ^ first) & 1 ^ (first < MIDDLE) ^ (before < first)


def fits(challenge: bytes) -> bool:
    """Whether a challenge keeps the parity rule and the range of printable bytes."""
    if not challenge or not all(LOWEST <= byte <= HIGHEST for byte in challenge):
        return False
    odd = 0
    for place in range(1, len(challenge)):
        odd ^= _flips(challenge[0], challenge[place - 1], place)
        if challenge[place] & 1 != odd:
            return False
    return True


def fit(noise: bytes) -> bytes:
    """A valid challenge of the same length, as near to the given bytes as the rule allows."""
    span = HIGHEST - LOWEST  # the first byte may not be the highest
    made = bytearray(LOWEST + byte % span for byte in noise)
    odd = 0
    for place in range(1, len(made)):
        odd ^= _flips(made[0], made[place - 1], place)
        if made[place] & 1 != odd:
            made[place] += 1
    return bytes(made)


def response(challenge: bytes) -> bytes:
    """The answer to a gt2 challenge of 32 bytes; the bytes at `FREE` are zero.

    Raises ValueError for another length.
    """
    if len(challenge) != RESPONSE_LENGTH:
        raise ValueError("a gt2 challenge has 32 bytes")
    out = bytearray(RESPONSE_LENGTH)
    for i in range(RESPONSE_LENGTH):
        if i in FREE:
            continue
        here = challenge[i]
        before = here if i - 1 in FREE else challenge[i - 1]
        place = (i * here + RESPONSE_KEY[(i + here) % 32]) % 32
        mixed = challenge[place] ^ RESPONSE_KEY[i * _FACTOR * before % 32]
        out[i] = LOWEST + mixed % 93
    return bytes(out)


def answers(challenge: bytes, answer: bytes) -> bool:
    """Whether a gt2 response answers a challenge; the random bytes are not compared."""
    return len(answer) == RESPONSE_LENGTH and all(
        i in FREE or a == b
        for i, (a, b) in enumerate(zip(answer, response(challenge), strict=True))
    )
