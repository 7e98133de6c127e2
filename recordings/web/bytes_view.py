"""A hexdump whose bytes know their fields, and fields that know their bytes.

Every run of bytes of one innermost field is a link to that field's row, and back, so that both
ways also work by keyboard and without a script; the script lights both while one is pointed at.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from recordings.markup import Markup, tag
from recordings.model import Span
from recordings.text import ascii_text

ROW = 16
PAGE = 4096
"""Bytes of one page of a dump."""
COLOURS = 6


Numbers = dict[str, int]
"""Path of a field -> its number on the page, from 1."""


Owner = dict[int, tuple[int, ...]]
"""Offset -> numbers of the fields that hold it, the innermost first."""


def number_fields(*kinds_of_spans: Sequence[Span]) -> Numbers:
    """Number every field that holds bytes, in the order of the bytes."""
    numbers: Numbers = {}
    for spans in kinds_of_spans:
        for span in sorted(spans, key=lambda one: (one.start, -one.end)):
            numbers.setdefault(span.path, len(numbers) + 1)
    return numbers


def owners(spans: Sequence[Span], numbers: Numbers, start: int, end: int) -> Owner:
    """Which fields hold the bytes from `start` to `end`."""
    found: Owner = {}
    for span in sorted(spans, key=lambda one: (one.start, -one.end)):
        number = numbers[span.path]
        for offset in range(max(start, span.start), min(end, span.end)):
            found[offset] = (number, *found.get(offset, ()))
    return found


@dataclass(frozen=True, slots=True)
class Dump:
    """Bytes to show; `name` (raw, plain, sent) makes its ids unique."""

    name: str
    data: bytes
    spans: Sequence[Span]
    numbers: Numbers
    offset: int = 0

    def draw(self, href: str) -> Markup:
        """The page of the dump that `offset` lies in; `href` is the address of the frame."""
        start = self.offset - self.offset % PAGE if self.offset < len(self.data) else 0
        end = min(len(self.data), start + PAGE)
        owner = owners(self.spans, self.numbers, start, end)
        seen: set[int] = set()
        lines = [
            tag("div", self._line(at, min(end, at + ROW), owner, seen), class_="line")
            for at in range(start, end, ROW)
        ]
        dump = tag(
            "div", lines, class_="dump", tabindex=0, role="region", aria_label=f"{self.name} bytes"
        )
        return tag("div", dump, self._ways(start, end, href))

    def _line(self, start: int, end: int, owner: Owner, seen: set[int]) -> list[Markup]:
        hexes, texts = [], []
        for low, high, fields in _runs(start, end, owner):
            row = self.data[low:high]
            pairs = " ".join(f"{byte:02x}" for byte in row)
            inner = fields[0] if fields else 0
            first = bool(inner) and inner not in seen
            seen.add(inner)
            look = f"c{inner % COLOURS}" if inner else None
            marks = {"class_": look, "data_fields": " ".join(map(str, fields)) or None}
            if inner:
                hexes.append(
                    tag(
                        "a",
                        pairs,
                        href=f"#f{inner}",
                        id=f"{self.name}{inner}" if first else None,
                        tabindex=None if first else -1,
                        **marks,
                    )
                )
            else:
                hexes.append(tag("span", pairs))
            texts.append(tag("span", ascii_text(row), **marks))
        gap = " " * (3 * (ROW - (end - start)))
        return [
            tag("span", f"{start:06x}", class_="offset"),
            tag("span", _between(hexes), gap, class_="hex"),
            tag("span", texts, class_="text"),
        ]

    def _ways(self, start: int, end: int, href: str) -> Markup | None:
        if len(self.data) <= PAGE:
            return None
        ways = []
        for text, at in (("previous bytes", start - PAGE), ("next bytes", start + PAGE)):
            if 0 <= at < len(self.data):
                ways.append(tag("a", text, href=f"{href}?offset={at}#{self.name}"))
        said = f"bytes {start} to {end - 1} of {len(self.data)} "
        return tag("p", said, [[way, " "] for way in ways], class_="ways")


def _between(parts: Sequence[Markup]) -> list[Markup | str]:
    """Parts with blanks between them."""
    return [item for part in parts for item in (part, " ")][:-1]


def _runs(start: int, end: int, owner: Owner) -> Iterator[tuple[int, int, tuple[int, ...]]]:
    """Bytes of a line that have the same fields."""
    at = start
    while at < end:
        fields = owner.get(at, ())
        low = at
        while at < end and owner.get(at, ()) == fields:
            at += 1
        yield low, at, fields
