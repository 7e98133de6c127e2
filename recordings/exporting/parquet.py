"""A recording as Parquet, one row a frame, partitioned by game and day.

    DIR/game=nascar-thunder-2004/day=2026-11-21/SESSION-UID.parquet

The folder reads as one table in DuckDB, pandas, Dask and Spark. Exporting a session again replaces
its file. Needs pyarrow (`pip install 'understudy[archive]'`).
"""

from __future__ import annotations

import importlib
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import UTC, datetime
from itertools import groupby
from pathlib import Path
from typing import Any, Self

from recordings.errors import UserError
from recordings.exporting.choice import Choice
from recordings.extras import how_to_install
from recordings.model import Frame
from recordings.reader import Reader
from recordings.rows import FlowRow, SessionRow
from recordings.text import dump

BATCH = 10_000
"""Frames that become rows together."""
GROUP, GROUP_BYTES = 122_880, 64 << 20
"""Rows and bytes of a row group; readers share out their work by these."""
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
    "derived": "string",
}
"""Column -> its type; `at` is UTC, in microseconds."""


def load_arrow() -> Any:
    """pyarrow; raises UserError when it is not installed."""
    try:
        importlib.import_module("pyarrow.parquet")
        return importlib.import_module("pyarrow")
    except ImportError:
        raise UserError(
            f"Parquet needs pyarrow: install it with {how_to_install('archive')}"
        ) from None


def export_parquet(
    reader: Reader, choice: Choice, folder: Path, step: Callable[[int], None]
) -> int:
    """Write the frames into a folder; returns how many."""
    schema = schema_of(COLUMNS)
    count = 0
    for session in reader.sessions():
        if choice.session_id not in (None, session.id):
            continue
        flows = {flow.id: flow for flow in reader.flows(session.id)}
        frames = reader.frames(choice.where, choice.params, session_id=session.id)
        done: set[Path] = set()
        for day, found in groupby(frames, key=lambda frame: day_of(frame.at)):
            place = folder / f"game={safe_name(session.game or NONE)}" / f"day={day}"
            place.mkdir(parents=True, exist_ok=True)
            path = path_of(place, safe_name(session.uid), done)
            with TableFile(path, schema) as file:
                for batch in batches(found):
                    file.add(frame_row(session, flows[frame.flow_id], frame) for frame in batch)
                    count += len(batch)
                    step(len(batch))
    return count


def path_of(place: Path, name: str, done: set[Path]) -> Path:
    """The session's file; a clock that goes back over midnight makes a second one."""
    path, again = place / f"{name}.parquet", 1
    while path in done:
        again += 1
        path = place / f"{name}~{again}.parquet"
    done.add(path)
    return path


class TableFile:
    """A Parquet file that is written row by row, and takes its place only when it is whole."""

    def __init__(self, path: Path, schema: Any) -> None:
        self._arrow = load_arrow()
        self._schema = schema
        self._path = path
        self._part = path.with_name(f".{path.stem}.part")  # no tool takes hidden files for data
        self._writer = self._arrow.parquet.ParquetWriter(self._part, schema, compression="zstd")
        self._tables: list[Any] = []
        self.rows = 0

    def add(self, rows: Iterable[dict[str, Any]]) -> None:
        """Rows by the names of the columns."""
        table = self._arrow.Table.from_pylist(list(rows), schema=self._schema)
        self._tables.append(table)
        self.rows += table.num_rows
        if (
            sum(one.num_rows for one in self._tables) >= GROUP
            or sum(one.nbytes for one in self._tables) >= GROUP_BYTES
        ):
            self._write()

    def _write(self) -> None:
        if self._tables:
            self._writer.write_table(self._arrow.concat_tables(self._tables), row_group_size=GROUP)
            self._tables = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, *rest: object) -> None:
        try:
            if kind is None:
                self._write()
        finally:
            self._writer.close()
        if kind is None:
            self._part.replace(self._path)
        else:
            self._part.unlink(missing_ok=True)


def schema_of(columns: Mapping[str, str]) -> Any:
    """The schema of such columns (see `COLUMNS`); raises UserError without pyarrow."""
    arrow = load_arrow()
    types = {
        "string": arrow.string(),
        "int64": arrow.int64(),
        "binary": arrow.binary(),
        "timestamp": arrow.timestamp("us", tz="UTC"),
    }
    return arrow.schema([(name, types[kind]) for name, kind in columns.items()])


def batches(frames: Iterator[Frame]) -> Iterator[list[Frame]]:
    """Frames by the thousand."""
    batch: list[Frame] = []
    for frame in frames:
        batch.append(frame)
        if len(batch) == BATCH:
            yield batch
            batch = []
    if batch:
        yield batch


def frame_row(session: SessionRow, flow: FlowRow, frame: Frame) -> dict[str, Any]:
    """A row of `COLUMNS`."""
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
        "derived": None if frame.derived is None else dump(frame.derived),
    }


def day_of(at: int) -> str:
    """The day of a time in Unix microseconds, UTC, as `2026-11-21`."""
    try:
        return datetime.fromtimestamp(at // 1_000_000, UTC).strftime("%Y-%m-%d")
    except (OverflowError, ValueError, OSError):
        return "0000-00-00"


def safe_name(text: str) -> str:
    """A name for a folder, wherever the recording came from."""
    return re.sub(r"[^A-Za-z0-9._-]", "_", text)[:80].lstrip(".") or NONE
