"""Two lists of frames side by side: what is of the same kind stands in the same row."""

from __future__ import annotations

from collections.abc import Sequence

from recordings.browse.pages import Line

AHEAD = 60
"""Frames that are looked through on each side for the next one that fits."""

Pair = tuple[Line | None, Line | None]


def _key(line: Line) -> tuple[str, str, str | None]:
    return line.direction, line.protocol, line.kind


def align(left: Sequence[Line], right: Sequence[Line]) -> list[Pair]:
    """Every line once, in order; None where the other side has nothing that fits."""
    pairs: list[Pair] = []
    a = b = 0
    while a < len(left) and b < len(right):
        if _key(left[a]) == _key(right[b]):
            pairs.append((left[a], right[b]))
            a, b = a + 1, b + 1
            continue
        skip_left, skip_right = _nearest(left[a : a + AHEAD], right[b : b + AHEAD])
        pairs += [(one, None) for one in left[a : a + skip_left]]
        pairs += [(None, one) for one in right[b : b + skip_right]]
        a, b = a + skip_left, b + skip_right
    pairs += [(one, None) for one in left[a:]]
    pairs += [(None, one) for one in right[b:]]
    return pairs


def _nearest(left: Sequence[Line], right: Sequence[Line]) -> tuple[int, int]:
    """How many to skip on each side, together as few as can be, until two frames fit."""
    first: dict[tuple[str, str, str | None], int] = {}
    for index, line in enumerate(right):
        first.setdefault(_key(line), index)
    best = (len(left), len(right))
    for index, line in enumerate(left):
        other = first.get(_key(line))
        if other is not None and index + other < sum(best):
            best = (index, other)
    return best


def differs(pair: Pair) -> bool:
    """Whether the two sides of a row do not say the same."""
    one, other = pair
    if one is None or other is None:
        return True
    return (one.kind, one.fields, one.head, one.size) != (
        other.kind,
        other.fields,
        other.head,
        other.size,
    )
