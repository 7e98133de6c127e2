"""What a live session says in place of what the recording said, for all of its flows.

Where the live peer says `NAME=bob` and the recording said `NAME=alice`, `alice` means `bob` from
then on: in every field called NAME, in other fields when the value is distinctive, and within
longer values where it stands between separators. Short and ambiguous values (0, 1, empty) are taken
over between fields of one name only, and only where the protocol declares both volatile.
"""

from __future__ import annotations

import re
from collections import OrderedDict
from collections.abc import Iterable

from proxy.keys import SessionKeys
from proxy.relay.api import Address
from recordings.model import Json, Key
from replay.adaptive.fields import last_name

MOST = 4096
"""Values that are kept in mind, per field name and in all."""

_COARSE = re.compile(r"[^\s,;|/\\\"'=&?<>()]+")
_MIDDLE = re.compile(r"[\w.\-]+")
_FINE = re.compile(r"\w+")
"""What stands between separators, ever more of which count: a value is looked for in each."""
_LISTED = re.compile(r"[,;|\s]+")


def text_of(value: Json) -> str | None:
    """The text of a single value; None for what has none."""
    if isinstance(value, str):
        return value
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    return None


def distinctive(text: str) -> bool:
    """Whether a value is so particular that it means the same wherever it stands."""
    if text.lstrip("-").isdigit():
        return len(text.lstrip("-")) >= 5
    return len(text) >= 4 or (len(text) == 3 and text.isalpha())


def like(value: Json, text: str) -> Json:
    """A text as the type of a value."""
    if isinstance(value, int) and not isinstance(value, bool):
        try:
            return int(text)
        except ValueError:
            return value
    return text


class Memory:
    """Recorded value -> live value, live keys, recorded keys, endpoints. One per live session."""

    def __init__(self, keys: SessionKeys | None = None, recorded: Iterable[Key] = ()) -> None:
        self.keys = keys or SessionKeys()
        """Keys of the live session."""
        self.recorded: dict[str, set[bytes]] = {}
        """Keys of the recording by name."""
        for key in recorded:
            self.recorded.setdefault(key.name, set()).add(key.key)
        self.endpoints: dict[tuple[str, int], Address] = {}
        """Endpoint of the recording -> where that is in this session; host "": any host."""
        self.learned = 0
        """Values that differed from the recorded ones and were taken over."""
        self._named: dict[str, OrderedDict[str, str]] = {}
        self._short: dict[str, OrderedDict[str, str]] = {}
        self._anywhere: OrderedDict[str, str] = OrderedDict()
        self._sources: dict[str, str] = {}  # value -> the field that made it known anywhere
        self._ambiguous: set[str] = set()

    def learn(self, path: str, recorded: Json, live: Json, *, volatile: bool = False) -> None:
        """The peer, or we ourselves, said `live` where the recording has `recorded`."""
        was, now = text_of(recorded), text_of(live)
        if was is None or now is None or not was:
            return
        name = last_name(path)
        if was == now:
            if was in self._anywhere:  # so it does not mean the same everywhere
                _put(self._named.setdefault(name, OrderedDict()), was, now)
            return
        if volatile:
            _put(self._short.setdefault(name, OrderedDict()), was, now)
        if not distinctive(was) or not now:
            return
        self.learned += 1
        _put(self._named.setdefault(name, OrderedDict()), was, now)
        self._spread(name, was, now)
        inner, outer = _LISTED.split(was), _LISTED.split(now)
        if 1 < len(inner) == len(outer) <= 16:
            for one, other in zip(inner, outer, strict=True):
                if one != other and distinctive(one) and other:
                    self._spread(name, one, other)

    def _spread(self, name: str, was: str, now: str) -> None:
        """Make a value known beyond its own field, unless two fields disagree about it."""
        known = self._anywhere.get(was)
        if was in self._ambiguous or known == now:
            return
        if known is not None and known != now and self._sources.get(was) != name:
            self._ambiguous.add(was)  # two fields disagree
            del self._anywhere[was]
        else:
            _put(self._anywhere, was, now)
            self._sources[was] = name

    def expect(self, path: str, recorded: Json, *, volatile: bool = False, of: str = "") -> Json:
        """What a recorded value is called in this session; itself, when nothing else is known.

        `of` is a declared source, `KIND.PATH`, whose name counts as that of the field.
        """
        if not self._named and not self._short:
            return recorded
        was = text_of(recorded)
        if not was:
            return recorded
        names = [last_name(path)]
        if of:
            names.append(last_name(of.partition(".")[2]))
        tables = [self._named] + [self._short] * volatile
        for table in tables:
            for name in names:
                if name in table and was in table[name]:
                    return like(recorded, table[name][was])
        now = self._anywhere.get(was)
        if now is not None:
            return like(recorded, now)
        return self._within(was) if isinstance(recorded, str) else recorded

    def _within(self, text: str) -> str:
        """The text with every known value in it replaced that stands between separators."""
        if len(text) < 5 or not self._anywhere:
            return text
        return _COARSE.sub(self._coarse, text)

    def _coarse(self, match: re.Match[str]) -> str:
        return self._anywhere.get(match[0]) or _MIDDLE.sub(self._middle, match[0])

    def _middle(self, match: re.Match[str]) -> str:
        return self._anywhere.get(match[0]) or _FINE.sub(self._fine, match[0])

    def _fine(self, match: re.Match[str]) -> str:
        return self._anywhere.get(match[0], match[0])


def _put(table: OrderedDict[str, str], was: str, now: str) -> None:
    table[was] = now
    table.move_to_end(was)
    if len(table) > MOST:
        table.popitem(last=False)
