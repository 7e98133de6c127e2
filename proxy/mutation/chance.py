"""Numbers that look random and follow from a seed: the same ones on every machine and version.

Splitmix64 (Steele, Lea, Flood: Fast splittable pseudorandom number generators, 2014), begun from a
hash of whatever names the occasion, so that no rule's draws move those of another.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import TypeVar

T = TypeVar("T")

_MASK = (1 << 64) - 1


class Chance:
    """One stream of numbers."""

    def __init__(self, *seed: object) -> None:
        text = "\0".join(map(str, seed)).encode("utf-8", "surrogatepass")
        self._state = int.from_bytes(hashlib.blake2b(text, digest_size=8).digest(), "big")

    def bits(self) -> int:
        """A number below 2**64."""
        self._state = (self._state + 0x9E3779B97F4A7C15) & _MASK
        value = self._state
        value = ((value ^ (value >> 30)) * 0xBF58476D1CE4E5B9) & _MASK
        value = ((value ^ (value >> 27)) * 0x94D049BB133111EB) & _MASK
        return value ^ (value >> 31)

    def below(self, limit: int) -> int:
        """A number from 0 up to, not including, `limit`."""
        return (self.bits() * limit) >> 64

    def happens(self, probability: float) -> bool:
        """Whether something of that probability happens now."""
        return self.bits() < probability * 2.0**64

    def pick(self, items: Sequence[T]) -> T:
        """One of the items."""
        return items[self.below(len(items))]

    def shuffled(self, items: Sequence[T]) -> list[T]:
        """All items in another order."""
        left = list(items)
        return [left.pop(self.below(len(left))) for _ in range(len(left))]

    def bytes(self, count: int) -> bytes:
        """That many bytes."""
        return b"".join(self.bits().to_bytes(8, "big") for _ in range(count // 8 + 1))[:count]
