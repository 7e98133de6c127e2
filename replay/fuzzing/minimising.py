"""The fewest changes that still do it. Sans-io: gives what to try, is told whether it did.

steps = fewest(changes); attempt = next(steps); attempt = steps.send(True) ...
"""

from __future__ import annotations

from collections.abc import Generator
from typing import TypeVar

T = TypeVar("T")


def fewest(changes: tuple[T, ...]) -> Generator[tuple[T, ...], bool, tuple[T, ...]]:
    """Each change alone first, since one is mostly enough; then without each in turn.

    What it returns was tried, or is all of them. None of it takes more tries than twice the number
    of changes.
    """
    if len(changes) < 2:
        return changes
    for one in changes:
        if (yield (one,)):
            return (one,)
    kept = changes
    for one in changes:
        less = tuple(other for other in kept if other is not one)
        if len(less) > 1 and (yield less):
            kept = less
    return kept
