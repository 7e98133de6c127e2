"""Bytes for a person: offset, hex, ASCII, and below each byte the letter of its field."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from string import ascii_letters
from typing import TYPE_CHECKING

from recordings.model import Span
from recordings.text import ascii_text

if TYPE_CHECKING:
    from rich.text import Text

ROW = 16
"""Bytes of one line."""
SHOWN = 1024
"""Bytes that are shown unless all are asked for."""
STYLES = ("cyan", "green", "yellow", "magenta", "bright_blue", "bright_red")


@dataclass(frozen=True, slots=True)
class Marks:
    """Which field, by letter, each byte belongs to; the innermost span wins."""

    letters: dict[str, str] = field(default_factory=dict)
    """Path -> letter."""
    owners: dict[int, str] = field(default_factory=dict)
    """Offset -> letter."""

    @classmethod
    def of(cls, spans: Iterable[Span], limit: int) -> Marks:
        """Marks for the first `limit` bytes; letters are used again after 52 fields."""
        ordered = sorted(spans, key=lambda one: (one.start, -one.end))
        marks = cls()
        for span in ordered:
            if span.start >= limit:
                continue
            letter = ascii_letters[len(marks.letters) % len(ascii_letters)]
            letter = marks.letters.setdefault(span.path, letter)
            for offset in range(max(0, span.start), min(span.end, limit)):
                marks.owners[offset] = letter
        return marks

    @classmethod
    def of_change(cls, before: bytes, after: bytes) -> Marks:
        """A `^` at what of `after` lies between the beginning and the end that both share."""
        start, most = 0, min(len(before), len(after))
        while start < most and before[start] == after[start]:
            start += 1
        end = 0
        while end < most - start and before[-1 - end] == after[-1 - end]:
            end += 1
        return cls(owners=dict.fromkeys(range(start, len(after) - end), "^"))


def style_of(letter: str) -> str:
    """The colour of a letter."""
    return STYLES[ascii_letters.find(letter) % len(STYLES)]


def hexdump(data: bytes, marks: Marks | None = None, limit: int | None = SHOWN) -> Iterator[Text]:
    """Lines for rich's Console; the last one says how much was left out."""
    from rich.text import Text

    shown = data if limit is None else data[:limit]
    owners = marks.owners if marks else {}
    for start in range(0, len(shown), ROW):
        row = shown[start : start + ROW]
        line = Text(f"  {start:04x}  ", "dim")
        line.append_text(_pairs([f"{byte:02x}" for byte in row], start, owners))
        line.append(" ")
        for offset, char in enumerate(ascii_text(row), start):
            owner = owners.get(offset)
            line.append(char, style_of(owner) if owner else "")
        yield line
        letters = [f"{owners.get(offset, '')} " for offset in range(start, start + len(row))]
        if any(letter.strip() for letter in letters):
            below = Text(" " * 8)
            below.append_text(_pairs(letters, start, owners))
            below.rstrip()
            yield below
    if len(data) > len(shown):
        yield Text(f"  … {len(data) - len(shown)} bytes more: --all shows them", "dim")


def _pairs(cells: Sequence[str], start: int, owners: dict[int, str]) -> Text:
    """Two characters a byte, a wider gap in the middle, padded to a whole line."""
    from rich.text import Text

    text = Text()
    for i, cell in enumerate(cells):
        owner = owners.get(start + i)
        text.append(f"{cell:2}", style_of(owner) if owner else "")
        text.append("  " if i == ROW // 2 - 1 else " ")
    text.append(" " * (3 * ROW + 1 - len(text)))
    return text
