"""Recordings that are made of something else: whole in the end, or not there."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from recordings import opening
from recordings.errors import UserError
from recordings.lock import is_held
from recordings.writer import Recording


def draft_of(path: Path) -> Path:
    """Under which name a recording is written until it is whole."""
    return path.with_name(f"{path.name}-part")


@contextmanager
def drafted(path: Path, **settings: Any) -> Iterator[Recording]:
    """A recording that gets its name when it is whole; raises UserError.

    One that exists is appended to; when that does not come to its end, what was added is taken
    back. `settings` are those of `Recording.open`.
    """
    path = path.resolve()
    if path.exists() and path.stat().st_size:
        with Recording.open(path, **settings) as recording:
            try:
                yield recording
            except BaseException:
                with suppress(UserError):
                    recording.undo()
                raise
        return
    draft = draft_of(path)
    if not is_held(draft):
        _remove(draft)
    recording = Recording.open(draft, **settings)
    try:
        with recording:
            yield recording
    except BaseException:
        _remove(draft)
        raise
    _publish(draft, path)


def _publish(draft: Path, path: Path) -> None:
    if path.exists() and path.stat().st_size:
        raise UserError(f"{path} has been made by somebody else meanwhile: this one is {draft}")
    try:
        if opening.leftover(draft):  # somebody reads it
            os.replace(f"{draft}-wal", f"{path}-wal")
        os.replace(draft, path)
    except OSError as error:
        raise UserError(f"{draft} cannot be renamed to {path} ({error.strerror})") from error


def _remove(draft: Path) -> None:
    for ending in ("", "-wal", "-shm", "-journal", "-lock", "-new", "-new-journal"):
        with suppress(OSError):
            Path(f"{draft}{ending}").unlink(missing_ok=True)
