"""Frame filters, `~k login ~f NAME=alice`, compiled to SQL with bound parameters.

The operators are the table `recordings.filter_syntax.OPERATORS`. The SQL speaks of the tables
`frames` and `flows`, joined by the reader, and needs the functions of `recordings.sql_functions`.
Names of fields and protocols match in any case, kinds and values as they are written, regular
expressions in any case (as in mitmproxy).
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field

from recordings import filter_fields as fields
from recordings.filter_fields import Comparison, Part, Value
from recordings.filter_syntax import COMPARISON, Any, Every, Node, Not, Term, fail, parse
from recordings.model import Direction
from recordings.sql_functions import as_number, compile_bytes_regex, compile_regex

CLEAR = "COALESCE(frames.plain, frames.raw, frames.sent)"


@dataclass(frozen=True, slots=True)
class Where:
    """A condition over `frames` and `flows`, and the values of its question marks."""

    sql: str
    parameters: list[Value] = field(default_factory=list)
    text: str = ""
    """The filter."""


def compile_filter(text: str) -> Where:
    """The condition of a filter; raises UserError, which points at the column."""
    sql, parameters = _node(text, parse(text))
    return Where(sql, parameters, text)


def _node(text: str, node: Node) -> Part:
    if isinstance(node, Term):
        sql, values = _TERMS[node.operator](text, node)
        return f"IFNULL({sql}, 0)", values
    if isinstance(node, Not):
        sql, values = _node(text, node.node)
        return f"NOT {sql}", values
    assert isinstance(node, Every | Any)
    parts = [_node(text, one) for one in node.nodes]
    joined = (" AND " if isinstance(node, Every) else " OR ").join(sql for sql, _ in parts)
    return f"({joined})", [value for _, values in parts for value in values]


def _kind(text: str, term: Term) -> Part:
    own, values = fields.kind_is("frames.kind", term.value)
    within, more = fields.kind_is(fields.MESSAGE_KIND, term.value)
    inside = fields.in_bundles(f"EXISTS (SELECT 1 FROM {fields.MESSAGES} WHERE {within})")
    sql = f"({own} OR {inside})"
    return sql, [*values, *more]


def _field(text: str, term: Term) -> Part:
    found = COMPARISON.search(term.value)
    path = (term.value[: found.start()] if found else term.value).strip()
    comparison = Comparison(found[0], term.value[found.end() :]) if found else Comparison()
    if not fields.PATH.fullmatch(path):
        cure = "write it like NAME or users[0].name"
        fail(text, term.value_column, f"{path[:60]!r} is no field: {cure}")
    if len(fields.steps_of(path)) > fields.PATH_LIMIT:
        fail(text, term.value_column, f"a path has {fields.PATH_LIMIT} steps at most: shorten it")
    if comparison.operator in fields.ORDER and as_number(comparison.value) is None:
        cure = f"compare text by ~f {path[:60]}=TEXT or ~f {path[:60]}~REGEX"
        fail(text, term.value_column, f"{comparison.operator} compares numbers: {cure}")
    if comparison.operator == fields.REGEX and found:
        _check(text, term, comparison.value, compile_regex, found.end())
    return fields.field_is(path, comparison)


def _check(
    text: str, term: Term, pattern: str, make: Callable[[str], object], shift: int = 0
) -> None:
    """Point at the place where a regular expression is wrong."""
    try:
        make(pattern)
    except (OverflowError, RecursionError, ValueError) as error:
        place = term.value_column + shift + (getattr(error, "pos", None) or 0)
        cure = r"to mean a special character itself put \ before it"
        fact = f"this is no regular expression ({error}): {cure}"
        fail(text, min(place, len(text) + 1), fact)


def _body(text: str, term: Term) -> Part:
    _check(text, term, term.value, compile_bytes_regex)
    return f"{CLEAR} REGEXP ?", [term.value]


def _client(text: str, term: Term) -> Part:
    _check(text, term, term.value, compile_regex)
    return "flows.client REGEXP ?", [term.value]


def _server(text: str, term: Term) -> Part:
    _check(text, term, term.value, compile_regex)
    sql = "(IFNULL(flows.server REGEXP ?, 0) OR IFNULL(flows.hostname REGEXP ?, 0))"
    return sql, [term.value, term.value]


def _direction(text: str, term: Term) -> Part:
    try:
        return "frames.direction = ?", [Direction.parse(term.value).value]
    except ValueError:
        cure = "use up (c>s, to the server) or down (s>c, to the client)"
        fail(text, term.value_column, f"{term.value[:40]!r} is no direction: {cure}")


def _whole(text: str, term: Term, what: str) -> Value:
    if not re.fullmatch(r"\d{1,15}", term.value, re.ASCII):
        cure = f"give one that `understudy {what}s` shows"
        fail(text, term.value_column, f"{term.value[:40]!r} is no number of a {what}: {cure}")
    return int(term.value)


def _range(text: str, term: Term) -> Part:
    found = re.fullmatch(r"(\d{0,15})(-?)(\d{0,15})", term.value, re.ASCII)
    if not found or not (found[1] or found[3]):
        cure = "write 120, 100-200, 100- or -200"
        fail(text, term.value_column, f"{term.value[:40]!r} is no range of frame ids: {cure}")
    first = int(found[1] or 0)
    last = int(found[3] or 1 << 62) if found[2] else first
    if last < first:
        fail(text, term.value_column, f"the range ends before it begins: write {last}-{first}")
    return "frames.id BETWEEN ? AND ?", [first, last]


def _fixed(sql: str) -> Callable[[str, Term], Part]:
    return lambda text, term: (sql, [])


_TERMS: dict[str, Callable[[str, Term], Part]] = {
    "k": _kind,
    "f": _field,
    "d": _direction,
    "p": lambda text, term: fields.protocol_is(term.value),
    "b": _body,
    "s": lambda text, term: ("flows.session_id = ?", [_whole(text, term, "session")]),
    "flow": lambda text, term: ("frames.flow_id = ?", [_whole(text, term, "flow")]),
    "n": _range,
    "src": _client,
    "dst": _server,
    "e": _fixed("frames.error IS NOT NULL"),
    "changed": _fixed("frames.action IS NOT NULL"),
    "tcp": _fixed("flows.transport = 'tcp'"),
    "udp": _fixed("flows.transport = 'udp'"),
    "all": _fixed("1"),
}
