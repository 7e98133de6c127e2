"""The columns in which `understudy frames` shows a frame."""

from __future__ import annotations

from collections.abc import Callable

from recordings.listing import Column, Row, is_terminal
from recordings.text import ascii_text, load, local_time, safe, size, summary

NAMES = (
    "id", "session_id", "flow_id", "number", "at", "direction", "protocol", "kind", "fields",
    "error", "action", "cipher", "derived", "raw", "plain", "sent",
)  # fmt: skip
"""The keys of a row, in the order in which the formats for programs give them."""

BYTES_SHOWN = 96
"""Bytes of an opaque frame that a listing shows."""
REASON_SHOWN = 200

_STYLES = {"c>s": "green", "s>c": "blue"}
_ARROWS = {"c>s": "c→s", "s>c": "c←s"}


def clear_bytes(row: Row) -> bytes:
    """The bytes to read: plain, else raw, else what was inserted."""
    for name in ("plain", "raw", "sent"):
        if row[name] is not None:
            return bytes(row[name])
    return b""


def wrong_checks(derived: str | None) -> list[str]:
    """The checks of a frame that failed, `PROOF: WRONG ...`."""
    if not derived or "WRONG" not in derived:
        return []
    known = load(derived)
    checks = known.get("checks") if isinstance(known, dict) else None
    if not isinstance(checks, dict):
        return []
    return [f"{name}: {said}" for name, said in checks.items() if str(said).startswith("WRONG")]


def what(row: Row) -> str:
    """What was done to the frame, what is wrong with it, its fields or else its bytes."""
    wrong = [safe(one[:REASON_SHOWN]) for one in wrong_checks(row["derived"])]
    said = summary(load(row["fields"]), derived=load(row["derived"]))
    if not said and row["kind"] in (None, "Opaque"):
        said = ascii_text(clear_bytes(row)[:BYTES_SHOWN])
    if row["error"]:
        said = f"{safe(row['error'][:REASON_SHOWN])}  {said}"
    mark = "! " if row["error"] or wrong else ""
    action = f"[{safe(row['action'])}]  " if row["action"] else ""
    return mark + action + "  ".join([said, *wrong] if said else wrong)


def _wrong(style: str) -> Callable[[Row], str]:
    return lambda row: "red" if row["error"] or wrong_checks(row["derived"]) else style


def frame_columns(mixed: bool, many: bool) -> list[Column]:
    """For a listing of several protocols (`mixed`), of several sessions (`many`)."""
    arrows = _ARROWS if is_terminal() else {}
    return [
        Column("id", lambda row: str(row["id"]), "bold", right=True),
        Column("time", lambda row: local_time(row["at"]), "dim", wide=120),
        Column("time", lambda row: local_time(row["at"])[11:], "dim", narrow=120),
        Column(
            "session",
            lambda row: str(row["session_id"]) if many else "",
            right=True,
            optional=True,
            wide=100,
        ),
        Column("flow", lambda row: str(row["flow_id"]), right=True),
        Column(
            "way",
            lambda row: arrows.get(row["direction"]) or str(row["direction"]),
            lambda row: _STYLES.get(row["direction"], ""),
        ),
        Column(
            "protocol",
            lambda row: safe(row["protocol"]) if mixed else "",
            "dim",
            optional=True,
            wide=100,
        ),
        Column("size", lambda row: size(len(clear_bytes(row))), "dim", right=True, wide=100),
        Column("kind", lambda row: safe(row["kind"] or "?"), _wrong("cyan")),
        Column("what", what, _wrong(""), spare=True),
    ]
