"""The two streams of GameSpy's chat, and the names that hide addresses (gamespy 9)."""

from __future__ import annotations

import ipaddress

KEY_LENGTH = 16
ADDRESS_MASK = 0xC3801DC7
USER_DIGITS = "aFl4uOD9sfWq1vGp"


class PeerchatStream:
    """One direction, both ways: like RC4, but the table begins as 255 down to 0."""

    __slots__ = ("_state", "_x", "_y")

    def __init__(self, secret: bytes, challenge: bytes) -> None:
        """Key it by the game's secret and the 16 characters that reply 705 names."""
        if not secret or not challenge:
            raise ValueError("a stream of the chat needs a secret and a challenge")
        key = bytes(byte ^ secret[n % len(secret)] for n, byte in enumerate(challenge))
        state = list(range(255, -1, -1))
        y = 0
        for x in range(256):
            y = (y + key[x % len(key)] + state[x]) & 255
            state[x], state[y] = state[y], state[x]
        self._state, self._x, self._y = state, 0, 0

    def __call__(self, data: bytes) -> bytes:
        state, x, y = self._state, self._x, self._y
        out = bytearray()
        for byte in data:
            x = (x + 1) & 255
            a = state[x]
            y = (y + a) & 255
            b = state[y]
            state[x], state[y] = b, a
            out.append(byte ^ state[(a + b) & 255])
        self._x, self._y = x, y
        return bytes(out)


def _spell(number: int, digits: str) -> str:
    return "".join(digits[int(digit, 16)] for digit in f"{number & 0xFFFFFFFF:08x}")


def encode_address(host: str) -> str:
    """`216.40.74.237` -> the eight letters of a user name; raises ValueError for no IPv4."""
    packed = ipaddress.IPv4Address(host).packed
    return _spell(int.from_bytes(packed, "little") ^ ADDRESS_MASK, USER_DIGITS)


def decode_address(letters: str) -> str:
    """The mirror image; raises ValueError for letters that spell no address."""
    if len(letters) != 8:
        raise ValueError("an address has eight letters")
    number = int("".join(f"{USER_DIGITS.index(letter):x}" for letter in letters), 16)
    return str(ipaddress.IPv4Address((number ^ ADDRESS_MASK).to_bytes(4, "little")))
