"""Values of fields as a filter compares them in memory: as SQLite's `json_each` gives them."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Iterator
from typing import Any

import msgspec

from recordings import filter_fields as fields
from recordings.errors import UserError
from recordings.filter_fields import Comparison, Step
from recordings.model import Json
from recordings.sql_functions import (
    SEARCH_LIMIT,
    SEARCH_SECONDS,
    as_number,
    compile_bytes_regex,
    compile_regex,
)


def lower(text: str) -> str:
    """ASCII letters in lower case, as SQLite compares names in any case."""
    return text.lower() if text.isascii() else re.sub("[A-Z]+", lambda m: m[0].lower(), text)


class SlowSearch(UserError):
    """A regular expression that takes too long."""


def search(pattern: str, value: object) -> bool:
    """Whether the expression is found in a value; raises SlowSearch when it takes too long."""
    if value is None:
        return False
    try:
        if isinstance(value, bytes):
            data = value[:SEARCH_LIMIT]
            return compile_bytes_regex(pattern).search(data, timeout=SEARCH_SECONDS) is not None
        text = (value if isinstance(value, str) else str(value))[:SEARCH_LIMIT]
        return compile_regex(pattern).search(text, timeout=SEARCH_SECONDS) is not None
    except TimeoutError:
        raise SlowSearch(
            f"the search for {pattern!r} took over {SEARCH_SECONDS:g} s on one value: "
            "use a simpler expression, without one repetition inside another"
        ) from None


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
    "<": operator.lt,
    ">": operator.gt,
    "<=": operator.le,
    ">=": operator.ge,
}


def test_of(comparison: Comparison) -> Callable[[Json], bool]:
    """The comparison with one value."""
    sign, wanted = comparison.operator, comparison.value
    if not sign:
        return lambda value: True
    if sign == fields.REGEX:
        return lambda value: search(wanted, _cell(value))
    if sign in _ORDERS:
        compare, limit = _ORDERS[sign], as_number(wanted)

        def ordered(value: Json) -> bool:
            number = as_number(_cell(value))  # type: ignore[arg-type]
            return number is not None and compare(number, limit)

        return ordered
    if sign == "!=":
        return lambda value: not _same(value, wanted)
    return lambda value: _same(value, wanted)


def _children(value: Json, step: Step) -> Iterator[Json]:
    """What one step leads to: names in any case."""
    if isinstance(step, int):
        if isinstance(value, list) and step < len(value):
            yield value[step]
    elif isinstance(value, dict):
        wanted = lower(step)
        for name, item in value.items():
            if lower(name) == wanted:
                yield item


def found(value: Json, steps: list[Step], test: Callable[[Json], bool], at: int = 0) -> bool:
    """Whether a path leads to a value that passes the test."""
    if at == len(steps):
        return test(value)
    return any(found(one, steps, test, at + 1) for one in _children(value, steps[at]))


def messages(document: Json) -> list[dict[str, Json]]:
    """The messages of a bundle."""
    held = document.get("messages") if isinstance(document, dict) else None
    items = held.values() if isinstance(held, dict) else held if isinstance(held, list) else ()
    return [one for one in items if isinstance(one, dict)]
