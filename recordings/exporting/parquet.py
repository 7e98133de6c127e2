"""A recording as Parquet, one row a frame, partitioned by game and day.

    DIR/game=nascar-thunder-2004/day=2026-11-21/SESSION-UID.parquet

The folder reads as one table in DuckDB, pandas, Dask and Spark. Exporting a session again replaces
its file. Needs pyarrow (`pip install 'understudy[archive]'`).
"""

from __future__ import annotations

import importlib
import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from itertools import groupby
from pathlib import Path
from typing import Any

from recordings.errors import UserError
from recordings.exporting.choice import Choice
from recordings.model import Frame
from recordings.reader import Reader
from recordings.rows import FlowRow, SessionRow

BATCH = 10_000
"""Frames that are written together."""
NONE = "unknown"
"""The partition of sessions whose game is not known."""

COLUMNS: dict[str, str] = {
    "session_uid": "string",
    "session_id": "int64",
    "flow_id": "int64",
    "frame_id": "int64",
    "number": "int64",
    "at": "timestamp",
    "direction": "string",
    "protocol": "string",
    "transport": "string",
    "client": "string",
    "server": "string",
    "hostname": "string",
    "kind": "string",
    "fields": "string",
    "raw": "binary",
    "plain": "binary",
    "sent": "binary",
    "action": "string",
    "cipher": "string",
    "error": "string",
}
"""Column -> its type; `at` is UTC, in microseconds."""


def _arrow() -> Any:
    try:
        importlib.import_module("pyarrow.parquet")
        return importlib.import_module("pyarrow")
    except ImportError:
        raise UserError(
            "Parquet needs pyarrow: install it with pip install 'understudy[archive]'"
        ) from None


def export_parquet(
    reader: Reader, choice: Choice, folder: Path, step: Callable[[int], None]
) -> int:
    """Write the frames into a folder; returns how many."""
    arrow = _arrow()
    schema = _schema(arrow)
    count = 0
    for session in reader.sessions():
        if choice.session_id not in (None, session.id):
            continue
        flows = {flow.id: flow for flow in reader.flows(session.id)}
        frames = reader.frames(choice.where, choice.params, session_id=session.id)
        done: set[Path] = set()
        for day, found in groupby(frames, key=lambda frame: _day(frame.at)):
            place = folder / f"game={_safe(session.game or NONE)}" / f"day={day}"
            place.mkdir(parents=True, exist_ok=True)
            path = _path(place, session, done)
            with _replacing(arrow, path, schema) as writer:
                for batch in _batches(found):
                    rows = [_row(session, flows[frame.flow_id], frame) for frame in batch]
                    writer.write_table(arrow.Table.from_pylist(rows, schema=schema))
                    count += len(rows)
                    step(len(rows))
    return count


def _path(place: Path, session: SessionRow, done: set[Path]) -> Path:
    """The session's file; a clock that goes back over midnight makes a second one."""
    path, again = place / f"{_safe(session.uid)}.parquet", 1
    while path in done:
        again += 1
        path = place / f"{_safe(session.uid)}-{again}.parquet"
    done.add(path)
    return path


class _replacing:
    """A Parquet writer whose file takes its place only when it is whole."""

    def __init__(self, arrow: Any, path: Path, schema: Any) -> None:
        self._path = path
        self._part = path.with_suffix(".part")
        self._writer = arrow.parquet.ParquetWriter(self._part, schema, compression="zstd")

    def __enter__(self) -> Any:
        return self._writer

    def __exit__(self, kind: type[BaseException] | None, *rest: object) -> None:
        self._writer.close()
        if kind is None:
            self._part.replace(self._path)
        else:
            self._part.unlink(missing_ok=True)


def _schema(arrow: Any) -> Any:
    types = {
        "string": arrow.string(),
        "int64": arrow.int64(),
        "binary": arrow.binary(),
        "timestamp": arrow.timestamp("us", tz="UTC"),
    }
    return arrow.schema([(name, types[kind]) for name, kind in COLUMNS.items()])


def _batches(frames: Iterator[Frame]) -> Iterator[list[Frame]]:
    batch: list[Frame] = []
    for frame in frames:
        batch.append(frame)
        if len(batch) == BATCH:
            yield batch
            batch = []
    if batch:
        yield batch


def _row(session: SessionRow, flow: FlowRow, frame: Frame) -> dict[str, Any]:
    return {
        "session_uid": session.uid,
        "session_id": session.id,
        "flow_id": flow.id,
        "frame_id": frame.id,
        "number": frame.number,
        "at": frame.at,
        "direction": frame.direction.value,
        "protocol": frame.protocol or flow.protocol,
        "transport": flow.transport,
        "client": flow.client,
        "server": flow.server,
        "hostname": flow.hostname,
        "kind": frame.kind,
        "fields": frame.fields,
        "raw": frame.raw,
        "plain": frame.plain,
        "sent": frame.sent,
        "action": frame.action and frame.action.value,
        "cipher": frame.cipher,
        "error": frame.error,
    }


def _day(at: int) -> str:
    try:
        return datetime.fromtimestamp(at // 1_000_000, UTC).strftime("%Y-%m-%d")
    except (OverflowError, ValueError, OSError):
        return "0000-00-00"


def _safe(text: str) -> str:
    """A name for a folder, wherever the recording came from."""
    return re.sub(r"[^A-Za-z0-9._-]", "_", text)[:80].lstrip(".") or NONE
