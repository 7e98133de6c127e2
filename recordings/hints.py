"""Why a filter may have found nothing: a word of it that the recording does not know."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

from recordings.filter_syntax import COMPARISON, Any, Every, Node, Not, Term, parse
from recordings.nearest import meant
from recordings.reader import Reader
from recordings.text import flatten, load, safe

LISTED = 12
"""Words that are listed where none is near."""
LOOKED = 5_000
"""Frames in which fields and their values are looked for."""
_NUMBERED = re.compile(r"\[\d+\]")
NOTHING = "No frame matches the filter"


@dataclass
class Words:
    """What a recording knows, with how often."""

    kinds: Counter[str] = field(default_factory=Counter)
    protocols: Counter[str] = field(default_factory=Counter)
    fields: Counter[str] = field(default_factory=Counter)
    """`NAME`; in `paths` it is `auth.NAME`."""
    paths: Counter[str] = field(default_factory=Counter)
    values: dict[str, Counter[str]] = field(default_factory=dict)
    """Field, in small letters -> its values."""

    def see(self, kind: str, path: str, value: object) -> None:
        """Learn a field of a message."""
        name = _NUMBERED.sub("[0]", path)
        self.fields[name] += 1
        self.paths[f"{kind}.{name}"] += 1
        for one in (name.lower(), f"{kind}.{name}".lower()):
            self.values.setdefault(one, Counter())[str(value)] += 1


def words_of(reader: Reader) -> Words:
    """The words of a recording; fields of its first frames only."""
    words = Words()
    kinds = "SELECT kind, count(*) FROM frames WHERE kind IS NOT NULL GROUP BY 1"
    words.kinds.update({str(kind): int(count) for kind, count in reader.query(kinds).rows})
    spoken = "SELECT protocol, sum(frames) FROM flows GROUP BY 1"
    spoken += f" UNION ALL SELECT protocol, 1 FROM (SELECT protocol FROM frames LIMIT {LOOKED})"
    for protocol, count in reader.query(spoken).rows:
        if protocol is not None:
            words.protocols[str(protocol)] += int(count or 0)
    sql = f"SELECT kind, fields FROM frames WHERE fields IS NOT NULL LIMIT {LOOKED}"
    for kind, text in reader.query(sql).rows:
        for inner, fields in _messages(str(kind), load(str(text))):
            if inner != kind:
                words.kinds[inner] += 1
            for path, value in flatten(fields):
                words.see(inner, path, value)
    return words


def _messages(kind: str, fields: object) -> Iterator[tuple[str, dict[str, object]]]:
    """A frame's message, or those of a bundle."""
    if not isinstance(fields, dict):
        return
    inner = fields.get("messages")
    if not isinstance(inner, list):
        yield kind, fields
        return
    for one in inner:
        if isinstance(one, dict) and isinstance(one.get("fields"), dict):
            yield str(one.get("kind")), one["fields"]


def nothing(reader: Reader, text: str) -> str:
    """A sentence for a filter that found nothing; raises UserError for a wrong one."""
    words = words_of(reader)
    for term in _terms(parse(text)):
        said = _SAYS[term.operator](term, words) if term.operator in _SAYS else ""
        if said:
            return f"{NOTHING}: {said}"
    return f"{NOTHING}."


def _terms(node: Node) -> Iterator[Term]:
    if isinstance(node, Term):
        yield node
    elif isinstance(node, Not):
        yield from _terms(node.node)
    else:
        assert isinstance(node, Every | Any)
        for one in node.nodes:
            yield from _terms(one)


def _unknown(what: str, operator: str, word: str, known: Counter[str]) -> str:
    """That a word is not known, and which may be meant."""
    often = [one for one, _ in known.most_common()]
    hint = meant(word, often, lambda one: f"~{operator} {safe(one)}")
    if not hint:
        listed = " ".join(safe(one) for one in often[:LISTED])
        more = " …" if len(often) > LISTED else ""
        hint = f"there are {listed}{more}" if often else "there is none"
    return f"no {what} {safe(word)} is known here; {hint}"


def _kind(term: Term, words: Words) -> str:
    if "*" in term.value or term.value in words.kinds:
        return ""
    return _unknown("kind", "k", term.value, words.kinds)


def _protocol(term: Term, words: Words) -> str:
    low = {one.lower() for one in words.protocols}
    if "*" in term.value or term.value.lower() in low:
        return ""
    return _unknown("protocol", "p", term.value, words.protocols)


def _field(term: Term, words: Words) -> str:
    found = COMPARISON.search(term.value)
    path = (term.value[: found.start()] if found else term.value).strip()
    name = _NUMBERED.sub("[0]", path)
    values = words.values.get(name.lower())
    if values is None:
        steps = [name.lower().split(".", skip)[-1] for skip in (0, 1, 2)]
        inner = any(f"{one}.".startswith(f"{step}.") for step in steps for one in words.values)
        if inner or any(one.startswith(f"{step}[") for step in steps for one in words.values):
            return ""
        return _unknown("field", "f", path, words.paths if "." in path else words.fields)
    if found is None or found[0] != "=":
        return ""
    wanted = term.value[found.end() :]
    often = [value for value, _ in values.most_common() if value != wanted]
    hint = meant(wanted, often, lambda one: f"~f {path}={safe(one)}")
    return f"{safe(path)} is never {safe(wanted)}; {hint}" if hint else ""


_SAYS = {"k": _kind, "p": _protocol, "f": _field}
"""Operator -> what there is to say about its word."""
