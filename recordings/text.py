"""How values are shown to a person: safe on a terminal, times, sizes, fields in one line."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from recordings.model import Json

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_SIZES = ("B", "KiB", "MiB", "GiB")
DEPTH_LIMIT = 50
"""Levels of JSON; what is deeper stays text."""
VALUE_LIMIT = 40
"""Characters of one value in a one-line summary."""


def safe(text: str) -> str:
    """Text without anything that a terminal obeys: control and formatting characters escaped."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def safe_lines(text: str) -> str:
    """The same for a text of several lines, of which only the line ends stay."""
    return "\n".join(map(safe, text.split("\n")))


def ascii_text(data: bytes) -> str:
    """Bytes as in the right half of a hexdump: what is not printable ASCII is a dot."""
    return "".join(chr(byte) if 32 <= byte < 127 else "." for byte in data)


def crop(text: str, limit: int) -> str:
    """At most `limit` characters, the last one an ellipsis if there was more."""
    return text if len(text) <= limit else text[: limit - 1] + "…"


def dump(value: Json) -> str:
    """JSON on one line that is safe on a terminal."""
    text = json.dumps(value, ensure_ascii=False)
    return text if text.isprintable() else json.dumps(value)


def load(text: str | None) -> Json:
    """JSON of the database; None for NULL or what is no JSON, the text itself when too deep."""
    try:
        value = None if text is None else json.loads(text)
    except ValueError:
        return None
    except RecursionError:
        return text
    return value if _shallow(value) else text


def _shallow(value: Json) -> bool:
    """Whether all that goes down into the value, level by level, ends soon."""
    level = [value]
    for _ in range(DEPTH_LIMIT):
        level = [
            item
            for one in level
            if isinstance(one, dict | list)
            for item in (one.values() if isinstance(one, dict) else one)
        ]
        if not level:
            return True
    return False


def local_time(at: int) -> str:
    """Microseconds as local ISO time with milliseconds, `2026-11-21 09:05:07.123`."""
    try:
        moment = (_EPOCH + timedelta(microseconds=at)).astimezone()
    except (OverflowError, ValueError, OSError):
        return f"{at} µs"
    return moment.isoformat(" ", "milliseconds")[:23]


def local_iso(text: str | None) -> str:
    """ISO 8601 UTC of the database as local time with seconds."""
    if not text:
        return ""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return safe(text)
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return moment.astimezone().isoformat(" ", "seconds")[:19]


def span(microseconds: int) -> str:
    """A duration, `0.012 s`, `4.2 s`, `3:07`, `2:03:04`."""
    seconds = abs(microseconds) / 1e6
    sign = "-" if microseconds < 0 else ""
    if seconds < 59.95:
        return f"{sign}{seconds:.3f} s" if seconds < 1 else f"{sign}{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    tail = f"{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"
    return f"{sign}{hours}:{tail}" if hours else sign + tail


def size(count: int) -> str:
    """Bytes, readable: `512 B`, `1.5 KiB`."""
    number, unit = float(count), 0
    while number >= 1000 and unit < len(_SIZES) - 1:
        number, unit = number / 1024, unit + 1
    return f"{number:.1f} {_SIZES[unit]}" if unit else f"{count} B"


def flatten(value: Json, path: str = "") -> Iterator[tuple[str, Json]]:
    """Every leaf of the fields with its path, `users[0].name`; an empty container is a leaf."""
    if isinstance(value, dict) and value:
        for name, item in value.items():
            yield from flatten(item, f"{path}.{name}" if path else name)
    elif isinstance(value, list) and value:
        for index, item in enumerate(value):
            yield from flatten(item, f"{path}[{index}]")
    elif path:
        yield path, value


def one_value(value: Json, limit: int = VALUE_LIMIT) -> str:
    """A value of a field in few characters: text as it is, containers as JSON."""
    if isinstance(value, str):
        shown = safe(value[: limit + 1])
        if not shown or " " in shown:
            shown = f'"{shown}"' if len(value) <= limit else f'"{shown}'
        return crop(shown, limit)
    if isinstance(value, list) and value and isinstance(value[0], dict | list):
        return f"[{len(value)}]"
    text = dump(value) if not isinstance(value, dict) else "{" + ",".join(_pairs(value)) + "}"
    return crop(safe(text), limit)


def _pairs(fields: dict[str, Json]) -> Iterator[str]:
    for name, value in fields.items():
        yield f"{safe(name[:VALUE_LIMIT])}={one_value(value)}"


def bundled(fields: Json, derived: Json = None) -> list[dict[str, Json]]:
    """The messages of a bundle that were not seen before, nothing for what is no bundle.

    `derived` says by number which are new; of a bundle that only repeats it is the newest one.
    """
    messages = fields.get("messages") if isinstance(fields, dict) else None
    if not isinstance(messages, list):
        return []
    found = [one for one in messages if isinstance(one, dict)]
    new = derived.get("new") if isinstance(derived, dict) else None
    if len(found) != len(messages) or not isinstance(new, list):
        return found if len(found) == len(messages) else []
    return [one for one in found if one.get("number") in new] or found[:1]


def summary(fields: Json, limit: int = 400, derived: Json = None) -> str:
    """Fields in one line: `NAME=alice PASS=secret`; a bundle's new messages one after the other."""
    if not isinstance(fields, dict):
        return ""
    messages = bundled(fields, derived)
    if messages:
        if len(messages) == 1:  # the frame's own kind names it
            return summary(messages[0].get("fields"), limit)
        parts: Iterator[str] = (
            f"{safe(str(m.get('kind', '?')))}({summary(m.get('fields'), limit)})" for m in messages
        )
    else:
        parts = _pairs(fields)
    out = ""
    for part in parts:
        out += f" {part}" if out else part
        if len(out) > limit:
            return crop(out, limit)
    return out
