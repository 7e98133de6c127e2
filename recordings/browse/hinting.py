"""Says once why a filter of the browser finds nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from recordings.hints import nothing

if TYPE_CHECKING:
    from recordings.browse.stage import Stage


def hint(stage: Stage) -> None:
    """Tell the user about the words of the filter in force, if the list has stayed empty."""
    where = stage.where
    if where is None or stage.frames.window.lines or stage.vocabulary.hinted == where.text:
        return
    stage.vocabulary.hinted = text = where.text
    stage.desk.ask(
        "hint", lambda reader, ticket: nothing(reader, text), stage.complain, stage.complain
    )
