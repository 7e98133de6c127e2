"""How a dissector says what it could check: `derived["checks"]`, and what codes are called.

A verdict is `ok`, `WRONG: has X, needs Y` or `unknown: why`.
"""

from __future__ import annotations

from recordings.model import Frame

OK = "ok"


def compare(has: bytes, needs: bytes) -> str:
    """The verdict over a value that could be computed."""
    if has == needs:
        return OK
    return f"WRONG: has {has.decode('latin-1')}, needs {needs.decode('latin-1')}"


def unknown(why: str) -> str:
    """The verdict over a value that could not."""
    return f"unknown: {why}"


def put_check(frame: Frame, field: str, verdict: str) -> None:
    """Note the verdict over a field of the frame."""
    _put(frame, "checks", field, verdict)


def put_name(frame: Frame, field: str, name: str | None) -> None:
    """Note what the code in a field is called, if it is called anything."""
    if name is not None:
        _put(frame, "names", field, name)


def _put(frame: Frame, table: str, field: str, text: str) -> None:
    frame.derived = frame.derived or {}
    frame.derived.setdefault(table, {})[field] = text
