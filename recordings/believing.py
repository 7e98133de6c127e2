"""Rows of a recording are believed only when their values are of the types that they are declared.

The tables are STRICT, but a file that somebody made to harm may say so and hold a text where a
number belongs: whoever shows a number would then pass the text on to the terminal.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from functools import cache
from operator import attrgetter
from typing import Any, get_args, get_type_hints

from recordings.errors import UserError

Types = Mapping[str, Collection[type]]
"""Column -> the types that a value of it may have; NoneType for NULL."""
_WORDS: dict[type, str] = {
    type(None): "nothing", str: "a text", bytes: "a BLOB", int: "a whole number", float: "a number",
}  # fmt: skip


class Distrusted(UserError):
    """A row that no recording holds."""


def refuse(table: str, column: str, what: str) -> Distrusted:
    """The sentence for a value that may not be there; `what` comes from us, not from the file."""
    return Distrusted(
        f"the recording has {what} in {table}.{column}, which Understudy does not write: "
        "take a copy that was not changed by another program"
    )


class Shapes:
    """Which values the rows of one table may have; rows of a known shape cost one look."""

    def __init__(self, table: str, types: Types) -> None:
        self._table = table
        self._types = dict(types)
        self._known: set[tuple[type, ...]] = set()

    def check(self, values: Iterable[Any]) -> None:
        """Raises Distrusted; the values are in the order of the columns."""
        shape = tuple(map(type, values))
        if shape in self._known:
            return
        for found, (column, allowed) in zip(shape, self._types.items(), strict=True):
            if found not in allowed:
                raise refuse(self._table, column, _WORDS.get(found, "a value"))
        self._known.add(shape)


@cache
def _of(row: type) -> tuple[Shapes, attrgetter[Any]]:
    hints = get_type_hints(row)
    types = {name: get_args(hint) or (hint,) for name, hint in hints.items()}
    table = f"{row.__name__.removesuffix('Row').lower()}s"
    return Shapes(table, types), attrgetter(*types)


class Believed:
    """A frozen dataclass whose values must be of the types that it declares."""

    __slots__ = ()

    def __post_init__(self) -> None:
        row: type = type(self)
        shapes, values = _of(row)
        shapes.check(values(self))
