"""Frame filters judged in memory: the same language as `recordings.filters`, without SQL.

For frames that are in no recording yet: what passes a relay, what a playback is about to send. A
filter finds the very frames that its SQL would find once they are recorded.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, TypeAlias

import msgspec

from recordings import filter_fields as fields
from recordings.errors import UserError
from recordings.filter_fields import Comparison, Step
from recordings.filter_syntax import COMPARISON, Every, Node, Not, Term, fail, parse
from recordings.filter_syntax import Any as Either
from recordings.filters import compile_filter
from recordings.model import Direction, Frame, Json
from recordings.sql_functions import (
    SEARCH_LIMIT,
    SEARCH_SECONDS,
    as_number,
    compile_bytes_regex,
    compile_regex,
)


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


# -- texts -----------------------------------------------------------------------------------------


def _lower(text: str) -> str:
    """ASCII letters in lower case, as SQLite compares names in any case."""
    return text.lower() if text.isascii() else re.sub("[A-Z]+", lambda m: m[0].lower(), text)


def _glob(pattern: str) -> re.Pattern[str]:
    parts = pattern.split("*")
    return re.compile(".*".join(map(re.escape, parts)), re.DOTALL)


def kind_matches(pattern: str) -> Callable[[object], bool]:
    """A test for the name of a kind, `*` for anything; None is no kind."""
    if "*" not in pattern:
        return lambda kind: kind == pattern
    full = _glob(pattern).fullmatch
    return lambda kind: isinstance(kind, str) and full(kind) is not None


def protocol_matches(pattern: str) -> Callable[[str], bool]:
    """A test for the name of a protocol, in any case, `*` for anything."""
    full = _glob(_lower(pattern)).fullmatch
    return lambda name: full(_lower(name)) is not None


def search(pattern: str, value: object) -> bool:
    """Whether the expression is found in a value; raises UserError when it takes too long."""
    if value is None:
        return False
    try:
        if isinstance(value, bytes):
            data = value[:SEARCH_LIMIT]
            return compile_bytes_regex(pattern).search(data, timeout=SEARCH_SECONDS) is not None
        text = (value if isinstance(value, str) else str(value))[:SEARCH_LIMIT]
        return compile_regex(pattern).search(text, timeout=SEARCH_SECONDS) is not None
    except TimeoutError:
        raise UserError(
            f"the search for {pattern!r} took over {SEARCH_SECONDS:g} s on one value: "
            "use a simpler expression, without one repetition inside another"
        ) from None


# -- values of fields, as SQLite's json_each gives them --------------------------------------------


def _cell(value: Json) -> object:
    """A JSON value as a column holds it: containers as JSON text, true and false as 1 and 0."""
    if isinstance(value, dict | list):
        return msgspec.json.encode(value).decode()
    return int(value) if isinstance(value, bool) else value


def _text(value: Json) -> str:
    """A JSON value as text to compare with what the user wrote."""
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    if isinstance(value, float):
        text = f"{value:.15g}"
        mantissa, e, exponent = text.partition("e")
        return f"{mantissa}{'' if '.' in mantissa else '.0'}{e}{exponent}"
    return str(_cell(value))


def _same(value: Json, wanted: str) -> bool:
    if _text(value) == wanted:
        return True
    number = as_number(wanted)
    return number is not None and type(value) in (int, float) and value == number


_ORDERS: dict[str, Callable[[Any, Any], bool]] = {
    "<": lambda one, other: one < other,
    ">": lambda one, other: one > other,
    "<=": lambda one, other: one <= other,
    ">=": lambda one, other: one >= other,
}


def _test(comparison: Comparison) -> Callable[[Json], bool]:
    """The comparison with one value."""
    operator, wanted = comparison.operator, comparison.value
    if not operator:
        return lambda value: True
    if operator == fields.REGEX:
        return lambda value: search(wanted, _cell(value))
    if operator in _ORDERS:
        compare, limit = _ORDERS[operator], as_number(wanted)

        def ordered(value: Json) -> bool:
            number = as_number(_cell(value))  # type: ignore[arg-type]
            return number is not None and compare(number, limit)

        return ordered
    if operator == "!=":
        return lambda value: not _same(value, wanted)
    return lambda value: _same(value, wanted)


def _children(value: Json, step: Step) -> Iterator[Json]:
    """What one step leads to: names in any case."""
    if isinstance(step, int):
        if isinstance(value, list) and step < len(value):
            yield value[step]
    elif isinstance(value, dict):
        wanted = _lower(step)
        for name, item in value.items():
            if _lower(name) == wanted:
                yield item


def _found(value: Json, steps: list[Step], test: Callable[[Json], bool], at: int = 0) -> bool:
    """Whether a path leads to a value that passes the test."""
    if at == len(steps):
        return test(value)
    return any(_found(one, steps, test, at + 1) for one in _children(value, steps[at]))


def _messages(document: Json) -> list[dict[str, Json]]:
    """The messages of a bundle."""
    held = document.get("messages") if isinstance(document, dict) else None
    items = held.values() if isinstance(held, dict) else held if isinstance(held, list) else ()
    return [one for one in items if isinstance(one, dict)]


# -- terms -----------------------------------------------------------------------------------------


def _kind(term: Term) -> Matcher:
    matches = kind_matches(term.value)

    def test(subject: Subject) -> bool:
        if matches(subject.kind):
            return True
        document = subject.fields
        if not isinstance(document, dict) or "messages" not in document:
            return False
        return any(matches(one.get("kind")) for one in _messages(document))

    return test


def _field(term: Term) -> Matcher:
    found = COMPARISON.search(term.value)
    path = (term.value[: found.start()] if found else term.value).strip()
    compare = _test(Comparison(found[0], term.value[found.end() :]) if found else Comparison())
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
        if (named is None or named(subject.kind)) and _found(document, steps, test):
            return True
        for one in _messages(document):
            inner = one.get("fields")
            if not isinstance(inner, dict) or (named and not named(one.get("kind"))):
                continue
            if _found(inner, steps, test):
                return True
        return named is None and _found(subject.frame.derived, steps, test)

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
