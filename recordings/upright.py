"""Rows on a terminal that is too narrow for their columns: a line for each value."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console

GAP = 2
"""Spaces between a name and its value."""


def print_upright(console: Console, names: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Print each row as lines of name and value, cropped, with an empty line between two rows."""
    from rich.text import Text

    width = max(map(len, names), default=0) + GAP
    for number, cells in enumerate(rows):
        if number:
            console.print()
        for name, cell in zip(names, cells, strict=True):
            line = Text.assemble((name.ljust(width), "bold"), cell)
            console.print(line, no_wrap=True, overflow="ellipsis", crop=True)
