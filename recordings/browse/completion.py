"""What may follow in a filter: operators, kinds, fields, protocols, sessions, flows."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field

from recordings.browse.pages import Line
from recordings.filter_syntax import OPERATORS
from recordings.text import flatten, load

FIELDS_LEARNED = 60
"""Fields of one frame that are remembered."""
KNOWN = 5_000
"""Words of a sort that are remembered at most."""

_LAST = re.compile(r"(?:^|[\s!(&|])(~\w*|~\w+\s+[^\s()]*)$")
_NUMBERED = re.compile(r"\[\d+\]")


@dataclass
class Vocabulary:
    """The words of a recording, the most frequent first; learned from what has been seen."""

    kinds: dict[str, int] = field(default_factory=dict)
    fields: dict[str, int] = field(default_factory=dict)
    protocols: dict[str, int] = field(default_factory=dict)
    hinted: str = ""
    """The filter about whose words something was said."""

    def see(self, lines: Iterable[Line]) -> None:
        """Learn the words of some frames."""
        for line in lines:
            if line.kind is not None:
                _count(self.kinds, line.kind)
            _count(self.protocols, line.protocol)
            known = load(line.fields)
            messages = known.get("messages") if isinstance(known, dict) else None
            for one in messages if isinstance(messages, list) else [{"fields": known}]:
                if not isinstance(one, dict):
                    continue
                if isinstance(one.get("kind"), str):
                    _count(self.kinds, one["kind"])
                for path, _ in list(_leaves(one.get("fields")))[:FIELDS_LEARNED]:
                    _count(self.fields, _NUMBERED.sub("[0]", path))

    def know(self, protocol: str, kinds: Iterable[str], fields: Iterable[str]) -> None:
        """Learn the words that a protocol declares."""
        self.protocols.setdefault(protocol, 0)
        for kind in kinds:
            self.kinds.setdefault(kind, 0)
        for name in fields:
            self.fields.setdefault(name, 0)

    def words(self, operator: str) -> list[str]:
        """What may stand behind an operator, the most frequent first."""
        known = {"k": self.kinds, "f": self.fields, "p": self.protocols}.get(operator)
        if known is not None:
            return sorted(known, key=lambda word: (-known[word], word))
        return ["up", "down"] if operator == "d" else []


def _leaves(fields: object) -> Iterable[tuple[str, object]]:
    return flatten(fields) if isinstance(fields, dict) else ()


def _count(counts: dict[str, int], word: str) -> None:
    if word in counts or len(counts) < KNOWN:
        counts[word] = counts.get(word, 0) + 1


def _written(word: str) -> str:
    """A word as an operand, quoted where it must be."""
    if re.search(r"[\s()'\"|&]", word) or not word:
        return "'" + word.replace("'", "\\'") + "'"
    return word


def complete(text: str, vocabulary: Vocabulary, limit: int = 20) -> list[str]:
    """Whole filters that begin as this one does, the likeliest first."""
    found = _LAST.search(text)
    if found is None:
        return []
    begun = found[1]
    before = text[: len(text) - len(begun)]
    operator, space, part = begun[1:].partition(" ")
    if not space:
        names = [name for name in OPERATORS if name.startswith(operator.lower())]
        return [f"{before}~{name}{' ' if OPERATORS[name][0] else ''}" for name in names][:limit]
    part = part.lstrip()
    if re.search(r"[=<>~]", part):
        return []
    words = [word for word in vocabulary.words(operator.lower()) if word.isprintable()]
    starting = [word for word in words if word.lower().startswith(part.lower())]
    inside = [word for word in words if part and part.lower() in word.lower()]
    offered = dict.fromkeys([*starting, *inside])
    return [f"{before}~{operator} {_written(word)}" for word in offered if word != part][:limit]
