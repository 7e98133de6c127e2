"""Values that the second session has in place of the first one's: `alice` there is `bob` here.

The same idea as `replay.adaptive.memory`, for sessions that are over: a value is looked up, never
searched for, so that a comparison of sessions in which much differs takes no longer.
"""

from __future__ import annotations

import re
from typing import TypeVar

from recordings.model import Json
from replay.adaptive.fields import last_name
from replay.adaptive.memory import distinctive, text_of

MOST = 16_384
"""Values that are kept in mind."""
PARTS = 16
"""Words of one value that are looked at."""
MEANINGS = 8
"""What one of them may be called."""

Key = TypeVar("Key", str, tuple[str, str])

_WORDS = re.compile(r"[^\W_]+", re.ASCII)
_RUNS = re.compile(r"[\w.@:\-]+", re.ASCII)
"""Names, addresses, endpoints within longer texts."""


class Learned:
    """What of one session means what in the other."""

    def __init__(self) -> None:
        self._named: dict[tuple[str, str], set[str]] = {}
        self._anywhere: dict[str, set[str]] = {}

    def learn(self, path: str, was: Json, now: Json, *, volatile: bool = False) -> None:
        """The field said `was` in the first session and says `now` in the second."""
        old, new = text_of(was), text_of(now)
        if old is None or new is None or old == new or not old:
            return
        if volatile or distinctive(old):
            _put(self._named, (last_name(path), old), new)
        if distinctive(old) and new:
            _put(self._anywhere, old, new)
            self._learn_parts(old, new)

    def _learn_parts(self, old: str, new: str) -> None:
        """Of `Xp7sFva9X|42` also what stands between the separators."""
        ours = _WORDS.split(old)
        if 2 < len(ours) <= PARTS and ours == _WORDS.split(new):
            for one, other in zip(_WORDS.findall(old), _WORDS.findall(new), strict=True):
                if one != other and distinctive(one):
                    _put(self._anywhere, one, other)

    def same(self, path: str, was: Json, now: Json) -> bool:
        """Whether `now` is what `was` is called in the second session."""
        if not self._named or type(was) is not type(now):
            return False
        old, new = text_of(was), text_of(now)
        if old is None or new is None:
            return False
        if new in self._named.get((last_name(path), old), ()):
            return True
        if new in self._anywhere.get(old, ()):
            return True
        return isinstance(was, str) and len(old) > 3 and self._within(old, new)

    def _within(self, old: str, new: str) -> bool:
        """Whether the texts are the same but for known values between separators."""
        for pattern in (_RUNS, _WORDS):
            ours, theirs = pattern.split(old), pattern.split(new)
            if ours != theirs or len(ours) < 2:
                continue
            words = zip(pattern.findall(old), pattern.findall(new), strict=True)
            if all(one == other or other in self._anywhere.get(one, ()) for one, other in words):
                return True
        return False


def _put(table: dict[Key, set[str]], was: Key, now: str) -> None:
    known = table.get(was)
    if known is None and len(table) < MOST:
        table[was] = {now}
    elif known is not None and len(known) < MEANINGS:
        known.add(now)
