"""Frame filters judged in memory: the same language as `recordings.filters`, without SQL.

For frames that are in no recording yet: what passes a relay, what a playback is about to send. A
filter finds the very frames that its SQL would find once they are recorded.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import TypeAlias

import msgspec

from recordings import filter_fields as fields
from recordings.filter_fields import Comparison, Step
from recordings.filter_syntax import COMPARISON, Every, Node, Not, Term, fail, parse
from recordings.filter_syntax import Any as Either
from recordings.filter_values import found, lower, messages, search, test_of
from recordings.filters import compile_filter
from recordings.model import Direction, Frame, Json


@dataclass(slots=True)
class Subject:
    """A frame as a filter looks at it: with its message, and the facts of its flow."""

    frame: Frame
    kind: str | None
    protocol: str
    """The flow's; the frame's own is in the frame."""
    read: Callable[[], Json]
    """Gives the message's fields when they are asked for; None: it has none."""
    transport: str = ""
    client: str = ""
    server: str | None = None
    hostname: str | None = None
    session_id: int = 0
    _fields: Json = msgspec.UNSET

    @property
    def fields(self) -> Json:
        """The message's fields, read once."""
        if self._fields is msgspec.UNSET:
            self._fields = self.read()
        return self._fields

    @property
    def own_protocol(self) -> str:
        """The frame's own protocol, else the flow's."""
        return self.frame.protocol or self.protocol


Matcher: TypeAlias = Callable[[Subject], bool]


def compile_matcher(text: str, *, live: bool = False) -> Matcher:
    """A test for frames; raises UserError, which points at the column.

    A `live` filter cannot ask for numbers of sessions and frames: they are not known before.
    The test itself raises UserError for a regular expression that takes too long.
    """
    compile_filter(text)  # finds every fault and says it
    return _node(text, parse(text), live)


def terms(node: Node) -> Iterator[Term]:
    """The terms that every frame found must satisfy: those not below `|` or `!`."""
    if isinstance(node, Term):
        yield node
    elif isinstance(node, Every):
        for one in node.nodes:
            yield from terms(one)


def _node(text: str, node: Node, live: bool) -> Matcher:
    if isinstance(node, Term):
        if live and node.operator in ("s", "n"):
            cure = "use ~k, ~f, ~d, ~p or ~flow"
            fail(text, node.column, f"~{node.operator} asks for a number not known before: {cure}")
        return _TERMS[node.operator](node)
    if isinstance(node, Not):
        inner = _node(text, node.node, live)
        return lambda subject: not inner(subject)
    parts = [_node(text, one, live) for one in node.nodes]
    if isinstance(node, Either):
        return lambda subject: any(part(subject) for part in parts)
    return lambda subject: all(part(subject) for part in parts)


def _glob(pattern: str) -> re.Pattern[str]:
    parts = pattern.split("*")
    return re.compile(".*".join(map(re.escape, parts)), re.DOTALL)


@lru_cache(maxsize=512)
def kind_matches(pattern: str) -> Callable[[object], bool]:
    """A test for the name of a kind, `*` for anything; None is no kind."""
    if "*" not in pattern:
        return lambda kind: kind == pattern
    full = _glob(pattern).fullmatch
    return lambda kind: isinstance(kind, str) and full(kind) is not None


@lru_cache(maxsize=512)
def protocol_matches(pattern: str) -> Callable[[str], bool]:
    """A test for the name of a protocol, in any case, `*` for anything."""
    full = _glob(lower(pattern)).fullmatch
    return lambda name: full(lower(name)) is not None


# -- terms -----------------------------------------------------------------------------------------


def _kind(term: Term) -> Matcher:
    matches = kind_matches(term.value)

    def test(subject: Subject) -> bool:
        if matches(subject.kind):
            return True
        document = subject.fields
        if not isinstance(document, dict) or "messages" not in document:
            return False
        return any(matches(one.get("kind")) for one in messages(document))

    return test


def _field(term: Term) -> Matcher:
    mark = COMPARISON.search(term.value)
    path = (term.value[: mark.start()] if mark else term.value).strip()
    compare = test_of(Comparison(mark[0], term.value[mark.end() :]) if mark else Comparison())
    ways = [_way(*address, compare) for address in fields._addresses(path)]
    return lambda subject: any(way(subject) for way in ways)


def _way(
    protocol: str | None, kind: str | None, steps: list[Step], test: Callable[[Json], bool]
) -> Matcher:
    """One reading of a path: of any kind, or of the kind (and protocol) that it begins with."""
    speaks = protocol_matches(protocol) if protocol is not None else None
    named = kind_matches(kind) if kind is not None else None

    def way(subject: Subject) -> bool:
        document = subject.fields
        if speaks and not speaks(subject.own_protocol):
            return False
        if (named is None or named(subject.kind)) and found(document, steps, test):
            return True
        for one in messages(document):
            inner = one.get("fields")
            if not isinstance(inner, dict) or (named and not named(one.get("kind"))):
                continue
            if found(inner, steps, test):
                return True
        return named is None and found(subject.frame.derived, steps, test)

    return way


def _bytes(term: Term) -> Matcher:
    def test(subject: Subject) -> bool:
        frame = subject.frame
        given = (frame.plain, frame.raw, frame.sent)
        return search(term.value, next((one for one in given if one is not None), None))

    return test


def _range(term: Term) -> Matcher:
    first, dash, last = term.value.partition("-")
    low = int(first or 0)
    high = int(last or 1 << 62) if dash else low
    return lambda subject: low <= subject.frame.id <= high


def _direction(term: Term) -> Matcher:
    way = Direction.parse(term.value)
    return lambda subject: subject.frame.direction is way


def _protocol(term: Term) -> Matcher:
    matches = protocol_matches(term.value)
    return lambda subject: matches(subject.own_protocol)


_TERMS: dict[str, Callable[[Term], Matcher]] = {
    "k": _kind,
    "f": _field,
    "d": _direction,
    "p": _protocol,
    "b": _bytes,
    "s": lambda term: lambda subject: subject.session_id == int(term.value),
    "flow": lambda term: lambda subject: subject.frame.flow_id == int(term.value),
    "n": _range,
    "src": lambda term: lambda subject: search(term.value, subject.client),
    "dst": lambda term: (
        lambda subject: search(term.value, subject.server) or search(term.value, subject.hostname)
    ),
    "e": lambda term: lambda subject: subject.frame.error is not None,
    "changed": lambda term: lambda subject: subject.frame.action is not None,
    "tcp": lambda term: lambda subject: subject.transport == "tcp",
    "udp": lambda term: lambda subject: subject.transport == "udp",
    "all": lambda term: lambda subject: True,
}
"""What judges each operator of `recordings.filter_syntax.OPERATORS`."""
