"""`FILE[:SESSION]`, and the comparison of two of them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from recordings.choosing import one_session, open_recording
from recordings.errors import UserError
from replay.diff.compare import compare
from replay.diff.report import Report
from replay.diff.said import Marks, Sitting, read_session


@dataclass(frozen=True, slots=True)
class Which:
    """One session of a recording; None: the only one that it holds."""

    path: Path
    session: int | None = None

    def __str__(self) -> str:
        return str(self.path) if self.session is None else f"{self.path}:{self.session}"


def read_which(text: str) -> Which:
    """Read `FILE` or `FILE:SESSION`; the colon of a drive (`C:\\\\x.db`) is part of FILE.

    Raises UserError for session 0.
    """
    path = Path(text)
    head, colon, tail = text.rpartition(":")
    if colon and head and tail.isascii() and tail.isdigit() and not path.exists():
        if int(tail) < 1:
            raise UserError(f"{text}: sessions count from 1, see `understudy sessions {head}`")
        return Which(Path(head), int(tail))
    return Which(path)


def open_session(which: Which, marks: Marks) -> Sitting:
    """Read one session; raises UserError."""
    with open_recording(which.path) as reader:
        try:
            row = one_session(reader, which.session)
        except UserError as error:
            raise UserError(str(error).replace("by --session N", f"as {which.path}:N")) from None
        name = f"{which.path.name}:{row.id}"
        return read_session(reader, row, marks, name)


def compare_files(one: Which, other: Which, masks: Iterable[str] = ()) -> Report:
    """Compare two recorded sessions; `masks` are `KIND.FIELD` not to compare. Raises UserError."""
    marks = Marks(check_masks(masks))
    return compare(open_session(one, marks), open_session(other, marks), marks)


def check_masks(masks: Iterable[str]) -> list[str]:
    """Refuse what is no `KIND.FIELD`; raises UserError."""
    given = list(masks)
    for text in given:
        kind, dot, path = text.partition(".")
        if not dot or not kind or not path or "=" in text:
            raise UserError(f"--mask {text}: write KIND.FIELD, such as news.line or *.TIME")
    return given
