"""The filter's line: the language of `understudy frames`, with completion."""

from __future__ import annotations

from typing import ClassVar

from textual.binding import Binding
from textual.suggester import Suggester
from textual.widgets import Input

from recordings.browse.completion import Vocabulary, complete

OFFERED = 8
"""Words that are offered at once."""


class _Suggester(Suggester):
    def __init__(self, vocabulary: Vocabulary) -> None:
        super().__init__(use_cache=False, case_sensitive=True)
        self._vocabulary = vocabulary

    async def get_suggestion(self, value: str) -> str | None:
        offers = (one for one in complete(value, self._vocabulary) if one.startswith(value))
        return next(offers, None)


class FilterLine(Input):
    """Tab completes; the screen shows what else would fit."""

    BINDINGS: ClassVar = [Binding("tab", "complete", "complete", key_display="Tab")]

    def __init__(self, vocabulary: Vocabulary, *, value: str, id: str) -> None:
        super().__init__(
            value,
            placeholder="filter: ~k KIND  ~f FIELD=VALUE  ~d up  ~b REGEX  ~e  (Tab completes)",
            suggester=_Suggester(vocabulary),
            id=id,
            select_on_focus=False,
        )
        self._vocabulary = vocabulary

    def offers(self) -> list[str]:
        """The last words of what would fit here."""
        found = complete(self.value, self._vocabulary, OFFERED)
        return [one.rpartition(" ")[2] or one.strip() for one in found]

    def action_complete(self) -> None:
        """Take the likeliest."""
        found = complete(self.value, self._vocabulary, 1)
        if found:
            self.value = found[0]
            self.cursor_position = len(self.value)
        elif not self.value:
            self.screen.focus_next()
