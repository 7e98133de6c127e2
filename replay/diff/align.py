"""Two sequences side by side, by marks (equal: the same was said) and by kinds.

Equal beginnings and ends come off first; then marks that are unique on both sides are anchors
(the longest run of them that rises on both sides, as in patience diff), and what lies between two
anchors is aligned in itself. What no mark holds together is paired by kind: one by one where the
kinds are the same, else short stretches by what has most in common, long ones by pairing the n-th
of a kind with the n-th. All of it is near linear for sequences that are nearly the same, and never
more than n log n for any.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Callable, Sequence

Pairs = list[tuple[int, int]]
"""Places on both sides that belong together, rising on both."""
Alike = Callable[[int, int], float]
"""How alike two messages of one kind are, 0 to 1."""

SHORT = 64
"""Stretches up to this length are aligned by the least number of changes."""


def align(
    marks_a: Sequence[int],
    marks_b: Sequence[int],
    kinds_a: Sequence[object],
    kinds_b: Sequence[object],
    alike: Alike,
) -> Pairs:
    """The pairs of two sequences; only messages of one kind are paired."""
    pairs: Pairs = []
    work = [(0, len(marks_a), 0, len(marks_b))]
    while work:
        low_a, high_a, low_b, high_b = work.pop()
        while low_a < high_a and low_b < high_b and marks_a[low_a] == marks_b[low_b]:
            pairs.append((low_a, low_b))
            low_a, low_b = low_a + 1, low_b + 1
        while low_a < high_a and low_b < high_b and marks_a[high_a - 1] == marks_b[high_b - 1]:
            high_a, high_b = high_a - 1, high_b - 1
            pairs.append((high_a, high_b))
        if low_a == high_a or low_b == high_b:
            continue
        anchors = _anchors(marks_a, marks_b, (low_a, high_a, low_b, high_b))
        if anchors:
            last_a, last_b = low_a, low_b
            for place_a, place_b in anchors:
                pairs.append((place_a, place_b))
                work.append((last_a, place_a, last_b, place_b))
                last_a, last_b = place_a + 1, place_b + 1
            work.append((last_a, high_a, last_b, high_b))
        elif kinds_a[low_a:high_a] == kinds_b[low_b:high_b]:
            pairs += zip(range(low_a, high_a), range(low_b, high_b), strict=True)
        elif high_a - low_a <= SHORT and high_b - low_b <= SHORT:
            pairs += _least((low_a, high_a, low_b, high_b), kinds_a, kinds_b, alike)
        else:
            pairs += _by_number((low_a, high_a, low_b, high_b), kinds_a, kinds_b)
    pairs.sort()
    return pairs


Stretch = tuple[int, int, int, int]


def _anchors(marks_a: Sequence[int], marks_b: Sequence[int], stretch: Stretch) -> Pairs:
    """Marks that are unique on both sides of a stretch, the longest run that rises on both."""
    low_a, high_a, low_b, high_b = stretch
    once_a = _unique(marks_a, low_a, high_a)
    if not once_a:
        return []
    once_b = _unique(marks_b, low_b, high_b)
    both = [(place, once_b[mark]) for mark, place in once_a.items() if mark in once_b]
    both.sort()
    return _rising(both)


def _unique(marks: Sequence[int], low: int, high: int) -> dict[int, int]:
    places: dict[int, int] = {}
    for place in range(low, high):
        mark = marks[place]
        places[mark] = -1 if mark in places else place
    return {mark: place for mark, place in places.items() if place >= 0}


def _rising(pairs: Pairs) -> Pairs:
    """The longest run of pairs, sorted by the first place, whose second places rise too."""
    ends: list[int] = []  # second place of the best run of each length
    chain: list[int] = []  # which pair that is
    before = [-1] * len(pairs)
    for number, (_, place) in enumerate(pairs):
        at = bisect_left(ends, place)
        if at == len(ends):
            ends.append(place)
            chain.append(number)
        else:
            ends[at], chain[at] = place, number
        before[number] = chain[at - 1] if at else -1
    run: Pairs = []
    number = chain[-1] if chain else -1
    while number >= 0:
        run.append(pairs[number])
        number = before[number]
    return run[::-1]


def _by_number(stretch: Stretch, kinds_a: Sequence[object], kinds_b: Sequence[object]) -> Pairs:
    """The n-th of a kind beside the n-th, as far as the order allows it."""
    low_a, high_a, low_b, high_b = stretch
    places: dict[object, list[int]] = defaultdict(list)
    for place in range(low_b, high_b):
        places[kinds_b[place]].append(place)
    taken: dict[object, int] = defaultdict(int)
    both: Pairs = []
    for place in range(low_a, high_a):
        kind = kinds_a[place]
        number = taken[kind]
        if number < len(places[kind]):
            both.append((place, places[kind][number]))
            taken[kind] = number + 1
    return _rising(both)


def _least(
    stretch: Stretch, kinds_a: Sequence[object], kinds_b: Sequence[object], alike: Alike
) -> Pairs:
    """The pairs of a short stretch that have most in common."""
    low_a, high_a, low_b, high_b = stretch
    count_a, count_b = high_a - low_a, high_b - low_b
    best = [[0.0] * (count_b + 1) for _ in range(count_a + 1)]
    for a in range(count_a - 1, -1, -1):
        kind, row, below = kinds_a[low_a + a], best[a], best[a + 1]
        for b in range(count_b - 1, -1, -1):
            value = below[b] if below[b] >= row[b + 1] else row[b + 1]
            if kind == kinds_b[low_b + b]:
                both = below[b + 1] + 1.0 + alike(low_a + a, low_b + b)
                value = both if both >= value else value
            row[b] = value
    pairs: Pairs = []
    a = b = 0
    while a < count_a and b < count_b:
        here = best[a][b]
        if kinds_a[low_a + a] == kinds_b[low_b + b] and here > max(best[a + 1][b], best[a][b + 1]):
            pairs.append((low_a + a, low_b + b))
            a, b = a + 1, b + 1
        elif here == best[a + 1][b]:
            a += 1
        else:
            b += 1
    return pairs
