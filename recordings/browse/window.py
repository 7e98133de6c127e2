"""Which lines a list holds, which of them are on the screen, and which one is selected.

A few hundred neighbouring lines are held; `wants` says on which side more are needed. A move beyond
what is held is remembered and made when the lines have come.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from recordings.browse.pages import Line, Page

HELD = 1_200
"""Lines that are kept at most."""
AHEAD = 3
"""Screens that are read before they are needed."""


@dataclass(slots=True)
class Window:
    """Lines in order; `first`, `last`: there is nothing before, nothing behind them."""

    height: int = 1
    lines: list[Line] = field(default_factory=list)
    first: bool = True
    last: bool = True
    top: int = 0
    cursor: int = 0
    owed: int = 0
    """Lines that the cursor will move on when more have come."""

    @property
    def selected(self) -> Line | None:
        """The line of the cursor."""
        return self.lines[self.cursor] if self.cursor < len(self.lines) else None

    @property
    def wants(self) -> str | None:
        """`after` or `before`, where an edge is near and there is more behind it."""
        if not self.lines:
            return None
        spare = self.height * AHEAD
        if not self.last and len(self.lines) - self.top - self.height < spare:
            return "after"
        return "before" if not self.first and self.top < spare else None

    @property
    def _highest_top(self) -> int:
        return max(0, len(self.lines) - self.height)

    def replace(self, before: Page, after: Page) -> None:
        """Hold other lines; the first of `after` is selected."""
        self.lines = before.lines + after.lines
        self.first, self.last, self.owed = before.whole, after.whole, 0
        self.cursor = min(len(before.lines), max(0, len(self.lines) - 1))
        self.top = max(0, min(self.cursor - self.height // 3, self._highest_top))

    def append(self, page: Page) -> None:
        """Lines behind the last one."""
        self.last = page.whole
        self.lines += page.lines
        over = max(0, min(len(self.lines) - HELD, self.top - self.height))
        if over:
            self.lines = self.lines[over:]
            self.top, self.cursor = self.top - over, max(0, self.cursor - over)
            self.first = False
        self._settle()

    def prepend(self, page: Page) -> None:
        """Lines before the first one."""
        count = len(page.lines)
        self.first = page.whole
        self.lines = page.lines + self.lines
        self.top, self.cursor = self.top + count, self.cursor + count
        keep = max(HELD, self.top + 2 * self.height, self.cursor + 1)
        if len(self.lines) > keep:
            self.lines, self.last = self.lines[:keep], False
        self._settle()

    def _settle(self) -> None:
        owed, self.owed = self.owed, 0
        if owed:
            self.move(owed)

    def move(self, delta: int) -> None:
        """Move the cursor; what lies beyond the lines that are held is owed."""
        target = self.cursor + delta + self.owed
        over = max(0, target - (len(self.lines) - 1))
        under = min(0, target)
        self.owed = (0 if self.last else over) or (0 if self.first else under)
        self.select(target)

    def page(self, direction: int) -> None:
        """Turn a page forward (1) or back (-1)."""
        step = max(1, self.height - 1) * direction
        self.top = max(0, min(self.top + step, self._highest_top))
        self.move(step)

    def select(self, index: int) -> None:
        """Move the cursor to a line and that into sight."""
        self.cursor = max(0, min(index, len(self.lines) - 1))
        if self.cursor < self.top:
            self.top = self.cursor
        elif self.cursor >= self.top + self.height:
            self.top = self.cursor - self.height + 1

    def scroll(self, delta: int) -> None:
        """Move what is seen; the cursor stays on the screen."""
        self.top = max(0, min(self.top + delta, self._highest_top))
        self.cursor = max(self.top, min(self.cursor, self.top + self.height - 1))
        self.cursor = max(0, min(self.cursor, len(self.lines) - 1))

    def resize(self, height: int) -> None:
        """The screen has another height."""
        self.height = max(1, height)
        self.top = max(0, min(self.top, self._highest_top))
        self.select(self.cursor)
