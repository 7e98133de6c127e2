"""Times of a recording: Unix microseconds, and ISO 8601 UTC text."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def now() -> int:
    """Unix time in microseconds, for what the store itself has to say."""
    return time.time_ns() // 1000


def iso(at: int) -> str:
    """Unix microseconds as `2026-11-21T20:15:00.000000Z`."""
    moment = _EPOCH + timedelta(microseconds=at)
    return moment.strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def micros(text: str) -> int:
    """ISO 8601 text as Unix microseconds; raises ValueError."""
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return (moment - _EPOCH) // timedelta(microseconds=1)
