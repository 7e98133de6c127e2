"""The `~f` of a frame filter as SQL: JSON walked by `json_each`, names of fields in any case.

A field is looked for in three places: the frame's own fields, the fields of every message of a
bundle (`fields.messages`, a list of objects with `kind` and `fields`), and what the dissector
derived.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from recordings.sql_functions import as_number

Value = str | int | float | bytes
Step = str | int
Part = tuple[str, list[Value]]
"""Some SQL and the values of its question marks, in order."""

PROTOCOL = "COALESCE(frames.protocol, flows.protocol)"
MESSAGES = "json_each(frames.fields, '$.messages') m"
MESSAGE_KIND = "CASE m.type WHEN 'object' THEN json_extract(m.value, '$.kind') END"
_MESSAGE_FIELDS = (  # a text is no JSON: to walk it would be an error
    "CASE m.type WHEN 'object' THEN CASE json_type(m.value, '$.fields') "
    "WHEN 'object' THEN json_extract(m.value, '$.fields') END END"
)
_DERIVED = "CASE WHEN json_valid(frames.derived) THEN frames.derived END"

PATH = re.compile(r"[^.\[\]]+(?:\[\d{1,9}\])*(?:\.[^.\[\]]+(?:\[\d{1,9}\])*)*", re.ASCII)
PATH_LIMIT = 12
"""Steps of a path."""
_STEP = re.compile(r"([^.\[\]]+)|\[(\d+)\]")

_VERBATIM = re.compile(r"[A-Za-z_][A-Za-z0-9_ -]*", re.ASCII)
"""Texts that JSON writes as they are, and that are no number."""

REGEX = "~"
ORDER = ("<", ">", "<=", ">=")


@dataclass(frozen=True, slots=True)
class Comparison:
    """`= alice`; the operator "" asks only whether the field is there."""

    operator: str = ""
    value: str = ""

    def sql(self, step: str) -> Part:
        """The comparison with the row of `json_each` that is named `step`."""
        if not self.operator:
            return "1", []
        if self.operator == REGEX:
            return f"{step}.value REGEXP ?", [self.value]
        number = as_number(self.value)
        if self.operator in ORDER and number is not None:
            return f"as_number({step}.value) {self.operator} ?", [number]
        text = (
            f"CASE WHEN {step}.type IN ('true', 'false', 'null') THEN {step}.type "
            f"ELSE CAST({step}.value AS TEXT) END"
        )
        same, values = f"{text} = ?", [self.value, *([] if number is None else [number])]
        if number is not None:  # 0x10 and 16.0 find the number 16
            same += f" OR ({step}.type IN ('integer', 'real') AND {step}.value = ?)"
        return f"{'NOT ' if self.operator == '!=' else ''}({same})", list(values)


def steps_of(path: str) -> list[Step]:
    """`users[0].name` -> ["users", 0, "name"]."""
    return [m[1] if m[1] is not None else int(m[2]) for m in _STEP.finditer(path)]


def kind_is(column: str, kind: str) -> Part:
    """Kinds differ by case (EA's `auth` and `AUTH`); `*` stands for anything."""
    if "*" not in kind:
        return f"{column} = ?", [kind]
    return f"{column} GLOB ?", [re.sub(r"([\[?])", r"[\1]", kind)]


def protocol_is(protocol: str) -> Part:
    """The frame's own protocol, else the flow's; in any case, `*` stands for anything."""
    pattern = re.sub(r"([%_\\])", r"\\\1", protocol).replace("*", "%")
    return f"{PROTOCOL} LIKE ? ESCAPE '\\'", [pattern]


def in_bundles(sql: str) -> str:
    """A condition on the messages of a bundle; of frames that are none the JSON is not read."""
    return f"CASE WHEN instr(frames.fields, '\"messages\"') THEN {sql} ELSE 0 END"


def _walk(document: str, steps: list[Step]) -> Part:
    """FROM and WHERE that go down a JSON document, one `json_each` per step."""
    froms = [f"json_each({document}) s0"]
    froms += [  # a text is no JSON: only containers are gone into
        f"json_each(CASE WHEN s{i}.type IN ('object', 'array') THEN s{i}.value END) s{i + 1}"
        for i in range(len(steps) - 1)
    ]
    keys = " AND ".join(f"s{i}.key = ? COLLATE NOCASE" for i in range(len(steps)))
    return f"{', '.join(froms)} WHERE {keys}", list(steps)


def _exists(document: str, steps: list[Step], comparison: Comparison) -> Part:
    walk, values = _walk(document, steps)
    compared, more = comparison.sql(f"s{len(steps) - 1}")
    return f"EXISTS (SELECT 1 FROM {walk} AND {compared})", [*values, *more]


def _within(steps: list[Step], comparison: Comparison, kind: str | None) -> Part:
    """The same for any message (of that kind) of a bundle."""
    found, values = _exists(_MESSAGE_FIELDS, steps, comparison)
    named, names = ("1", []) if kind is None else kind_is(MESSAGE_KIND, kind)
    sql = in_bundles(f"EXISTS (SELECT 1 FROM {MESSAGES} WHERE {named} AND {found})")
    return sql, [*names, *values]


def _all(parts: list[Part]) -> Part:
    joined = " AND ".join(sql for sql, _ in parts)
    return f"({joined})", [value for _, values in parts for value in values]


def _addresses(path: str) -> Iterator[tuple[str | None, str | None, list[Step]]]:
    """Protocol, kind and path that a written path may mean."""
    steps = steps_of(path)
    yield None, None, steps
    if len(steps) == 1:
        return
    yield None, None, [path]  # a key that is spelled so: a repeated KEY[1]
    heads = path.split(".")
    for count in (1, 2):
        rest = steps_of(".".join(heads[count:]))
        if rest and "[" not in "".join(heads[:count]):
            yield heads[0] if count == 2 else None, heads[count - 1], rest


def field_is(path: str, comparison: Comparison) -> Part:
    """Frames with a field `[[PROTOCOL.]KIND.]PATH` that compares so."""
    ways: list[Part] = []
    for protocol, kind, steps in _addresses(path):
        guard = [protocol_is(protocol)] if protocol is not None else []
        own = _exists("frames.fields", steps, comparison)
        within = _within(steps, comparison, kind)
        if kind is None:
            ways += [own, within, _exists(_DERIVED, steps, comparison)]
        else:
            ways.append(_all([*guard, kind_is("frames.kind", kind), own]))
            ways.append(_all([*guard, within]))
    joined = " OR ".join(sql for sql, _ in ways)
    values = [value for _, found in ways for value in found]
    if comparison.operator == "=" and _VERBATIM.fullmatch(comparison.value):
        # JSON that has such a value has these characters: looking for them first costs less
        near = "IFNULL(instr(frames.fields, ?), 0) OR IFNULL(instr(frames.derived, ?), 0)"
        sql = f"CASE WHEN {near} THEN ({joined}) ELSE 0 END"  # AND would look at both sides
        return sql, [comparison.value, comparison.value, *values]
    return f"({joined})", values
