"""The fewest changes that still do it."""

from __future__ import annotations

import pytest

from replay.fuzzing.minimising import fewest


def small(changes: str, guilty: str) -> tuple[str, int]:
    """What is left when all of `guilty` are needed, and how many tries it took."""
    steps = fewest(tuple(changes))
    tries = 0
    try:
        attempt = next(steps)
        while True:
            tries += 1
            attempt = steps.send(set(guilty) <= set(attempt))
    except StopIteration as stop:
        return "".join(stop.value), tries


@pytest.mark.parametrize(
    ("changes", "guilty", "left"),
    [
        ("abcd", "c", "c"),
        ("abcd", "bd", "bd"),
        ("abcd", "abcd", "abcd"),
        ("ab", "ab", "ab"),
        ("a", "a", "a"),
        ("abc", "z", "abc"),  # it does not happen again: all of them are kept
    ],
)
def test_what_is_left(changes: str, guilty: str, left: str) -> None:
    found, tries = small(changes, guilty)
    assert found == left
    assert tries <= 2 * len(changes)
