"""What somebody may have meant: the known words that are nearest to one that is not known."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable

LIKENESS = 0.6
"""Share of the letters that must be the same."""
NEARLY = 0.15
"""What is this much less like than the best is not what was meant."""


def nearest(word: str, known: Iterable[str], most: int = 3) -> list[str]:
    """The same in another case; else what begins with it, what holds it, what is spelt like it."""
    words = list(dict.fromkeys(known))
    low = word.lower()
    same = [one for one in words if one.lower() == low]
    if same or not low:
        return same[:most]
    beginning = [one for one in words if one.lower().startswith(low)]
    inside = [one for one in words if len(low) > 2 and low in one.lower()]

    def order(one: str) -> tuple[float, float]:
        return -likeness[one], -difflib.SequenceMatcher(None, word, one).ratio()

    likeness = {
        one: difflib.SequenceMatcher(None, low, one.lower()).ratio() for one in words if one
    }
    least = max(LIKENESS, max(likeness.values(), default=0) - NEARLY)
    alike = sorted((one for one in likeness if likeness[one] >= least), key=order)
    return list(dict.fromkeys([*beginning, *inside, *alike]))[:most]


def meant(word: str, known: Iterable[str], show: Callable[[str], str] = str) -> str:
    """`did you mean A, B or C?`; empty where nothing is near."""
    near = [show(one) for one in nearest(word, known)]
    if not near:
        return ""
    listed = f"{', '.join(near[:-1])} or {near[-1]}" if near[1:] else near[0]
    return f"did you mean {listed}?"
