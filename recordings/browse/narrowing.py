"""A filter written from what is selected, to be changed before it is put in force."""

from __future__ import annotations

import re

from recordings.browse.filter_line import FilterLine
from recordings.browse.handling import Handling
from recordings.frame_report import Report
from recordings.model import Json

LONGEST = 200
"""Characters of a value that a filter is made of; for a longer one the field must be there."""
_PLAIN = re.compile(r"[\w.+*@-]+")
_INNER = "fields."


def written(report: Report, path: str | None, value: Json) -> str:
    """A filter for frames like this one: of its kind, and with that value of the field."""
    kind = f"~k {_quoted(report.frame.kind or report.shown.kind)}"
    if path is None:
        return kind
    inner = path.rpartition(_INNER)[2]
    term = f"~f {inner}"
    if isinstance(value, bool):
        term += f"={str(value).lower()}"
    elif isinstance(value, str | int) and len(str(value)) <= LONGEST:
        term += f"={_quoted(str(value))}"
    return term if _INNER in path else f"{kind} & {term}"


def _quoted(text: str) -> str:
    """As one word of a filter."""
    if _PLAIN.fullmatch(text):
        return text
    return '"' + text.replace('"', '\\"') + '"'


class Narrowing(Handling):
    """The action that writes a filter."""

    def action_like(self) -> None:
        """Write a filter for frames like the selected one into the filter's line."""
        report = self.inspector.report
        if report is None:
            return
        item = self.inspector.item if self.inspector.chosen else None
        line = self.query_one(FilterLine)
        line.value = written(report, item.path, item.value) if item else written(report, None, None)
        line.cursor_position = len(line.value)
        line.focus()
