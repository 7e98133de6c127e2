"""Times of a recording: Unix microseconds, and ISO 8601 UTC text."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta

from recordings.errors import UserError

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
FIRST = (datetime(1000, 1, 1, tzinfo=UTC) - _EPOCH) // _MICROSECOND
LAST = (datetime(9999, 12, 31, tzinfo=UTC) - _EPOCH) // _MICROSECOND


class NoTime(UserError, ValueError):
    """A text that should be a time."""


def now() -> int:
    """Unix time in microseconds, for what the store itself has to say."""
    return time.time_ns() // 1000


def iso(at: int) -> str:
    """Unix microseconds as `2026-11-21T20:15:00.000000Z`; the nearest that there is."""
    moment = _EPOCH + timedelta(microseconds=max(FIRST, min(at, LAST)))
    return moment.strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def micros(text: str) -> int:
    """ISO 8601 text as Unix microseconds; raises NoTime."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise NoTime(f"{text[:40]!r} is no time: write it as 2026-11-21T20:15:00Z") from error
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return (moment - _EPOCH) // _MICROSECOND
