"""Ids that one server gives otherwise than another: 783245 here is 637350 there, wherever it comes.

Not declared by a protocol, but seen in the sessions: a number, an address or a token that stands in
messages of two kinds at least, and that is another one in all of them, always the same other one.
A value that is so once only is a difference.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from recordings.model import Json
from replay.diff.report import Entry, FieldChange, State

_ID = re.compile(
    r"\d{5,}"  # a number of five digits or more
    r"|\d{1,3}(?:\.\d{1,3}){3}(?::\d+)?"  # an address
    r"|(?=[^0-9]*[0-9])(?=[^A-Za-z]*[A-Za-z])[$]?[0-9A-Za-z]{8,}",  # a token of letters and digits
    re.ASCII,
)


def _text(value: object) -> str | None:
    """The text of an id; None for what is none."""
    if isinstance(value, bool) or not isinstance(value, int | str):
        return None
    text = str(value)
    return text if len(text) <= 128 and _ID.fullmatch(text) else None


def _renamed(change: FieldChange) -> tuple[str, str] | None:
    old, new = _text(change.a), _text(change.b)
    if old is None or new is None or type(change.a) is not type(change.b):
        return None
    return old, new


def forgive_renamed(entries: Iterable[Entry]) -> int:
    """Take the changes away that are such a renaming; how many they were."""
    both = [entry for entry in entries if entry.a is not None and entry.b is not None]
    pairs = _consistent(both)
    if not pairs:
        return 0
    forgiven = 0
    for entry in both:
        if entry.state is not State.DIFFERENT:
            continue
        left = tuple(one for one in entry.changes if _renamed(one) not in pairs)
        forgiven += len(entry.changes) - len(left)
        entry.changes = left
        if not left:
            entry.state = State.SAME
    return forgiven


def _consistent(both: list[Entry]) -> set[tuple[str, str]]:
    """Old and new of every id that is always the other one, in messages of two kinds."""
    new_of: dict[str, set[str]] = {}
    old_of: dict[str, set[str]] = {}
    for entry in both:
        for change in entry.changes:
            renamed = _renamed(change)
            if renamed is not None:
                new_of.setdefault(renamed[0], set()).add(renamed[1])
                old_of.setdefault(renamed[1], set()).add(renamed[0])
    pairs = {
        old: next(iter(new))
        for old, new in new_of.items()
        if len(new) == 1 and len(old_of[next(iter(new))]) == 1
    }
    if not pairs:
        return set()
    kinds: dict[str, set[tuple[str, str]]] = {old: set() for old in pairs}
    for entry in both:
        for was, now in _values(entry):
            if was in pairs and was == now:
                kinds[was] = set()
                del pairs[was]  # it is called the same elsewhere
            elif was in pairs and now == pairs[was]:
                kinds[was].add((entry.said.kind, entry.said.direction))
    return {(old, new) for old, new in pairs.items() if len(kinds[old]) > 1}


def _values(entry: Entry) -> Iterator[tuple[str, str]]:
    """Every id of a message beside what stands in its place."""
    assert entry.a is not None
    assert entry.b is not None
    if entry.a.text == entry.b.text and entry.a.mark == entry.b.mark:
        for _, value in entry.a.leaves():
            text = _text(value)
            if text is not None:
                yield text, text
        return
    theirs: dict[str, Json] = dict(entry.b.leaves())
    for path, value in entry.a.leaves():
        old, new = _text(value), _text(theirs.get(path))
        if old is not None and new is not None:
            yield old, new
