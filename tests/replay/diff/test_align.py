"""Two sequences side by side."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from replay.diff.align import SHORT, align


def pairs(one: str, other: str) -> list[tuple[int, int]]:
    """Letters: upper and lower case of a letter are one kind, said differently."""
    return align(
        [ord(c) for c in one],
        [ord(c) for c in other],
        one.lower(),
        other.lower(),
        lambda a, b: float(one[a] == other[b]) * 0.99,
    )


def shown(one: str, other: str) -> str:
    """The alignment in a line: `b-` only in one, `+x` only in the other, `a/A` different."""
    found = dict(pairs(one, other))
    out, at = [], 0
    for place, char in enumerate(one):
        if place not in found:
            out.append(f"{char}-")
            continue
        out += [f"+{c}" for c in other[at : found[place]]]
        at = found[place] + 1
        twin = other[found[place]]
        out.append(char if twin == char else f"{char}/{twin}")
    return " ".join(out + [f"+{c}" for c in other[at:]])


@pytest.mark.parametrize(
    ("one", "other", "wanted"),
    [
        ("", "", ""),
        ("abc", "abc", "a b c"),
        ("abc", "", "a- b- c-"),
        ("", "ab", "+a +b"),
        ("abc", "aBc", "a b/B c"),
        ("abcd", "abxcd", "a b +x c d"),
        ("abxcd", "abcd", "a b x- c d"),
        ("aaaa", "aaAaa", "a a +A a a"),
        ("aaaba", "aaaa", "a a a b- a"),
        ("abcde", "ABCDE", "a/A b/B c/C d/D e/E"),
        ("abc", "xyz", "a- b- c- +x +y +z"),
        ("aaxaa", "aaAyaa", "a a x- +A +y a a"),
    ],
)
def test_what_belongs_together(one: str, other: str, wanted: str) -> None:
    assert shown(one, other) == wanted


@given(st.text("abcABC", max_size=200), st.text("abcABC", max_size=200))
def test_pairs_rise_and_are_of_one_kind(one: str, other: str) -> None:
    found = pairs(one, other)
    assert found == sorted(found)
    assert len({a for a, _ in found}) == len(found) == len({b for _, b in found})
    assert [b for _, b in found] == sorted(b for _, b in found)
    assert all(one[a].lower() == other[b].lower() for a, b in found)


@given(st.text("abcdefgh", max_size=200), st.integers(0, 200), st.sampled_from("xyz"))
def test_an_insertion_is_the_only_difference(text: str, place: int, char: str) -> None:
    place %= len(text) + 1
    other = text[:place] + char + text[place:]
    found = pairs(text, other)
    assert len(found) == len(text)
    assert all(text[a] == other[b] for a, b in found)


@pytest.mark.parametrize("wanted", [((2, 2), (3, 3)), ((2, 2), (3, 4)), ((2, 3), (3, 4))])
def test_behind_what_is_the_same_the_likest_belong_together(
    wanted: tuple[tuple[int, int], ...],
) -> None:
    short, long = [1, 2, 10, 11], [1, 2, 20, 21, 22]
    found = align(short, long, "kkkk", "kkkkk", lambda a, b: 0.9 * ((a, b) in wanted))
    assert found == [(0, 0), (1, 1), *wanted]
    found = align(long, short, "kkkkk", "kkkk", lambda a, b: 0.9 * ((b, a) in wanted))
    assert [(b, a) for a, b in found] == [(0, 0), (1, 1), *wanted]


@pytest.mark.timeout(60)  # a second, or hours
def test_long_sequences_take_about_linear_time() -> None:
    same = [n % 50 for n in range(60_000)]
    spoilt = [mark + 1000 if n % 3 else mark for n, mark in enumerate(same)]
    shifted = same[:30_000] + [7] * SHORT + same[30_000:]
    for one, other in ((same, spoilt), (same, shifted), (same, list(reversed(same)))):
        kinds = [mark % 50 for mark in one], [mark % 50 for mark in other]
        assert align(one, other, *kinds, lambda a, b: 0.5)
