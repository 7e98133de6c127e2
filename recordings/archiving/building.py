"""Puts recordings into an archive, session by session.

A session is there when its file in `sessions` is; that one is written last. So a build that was
cut off leaves nothing that counts, and the next one writes the session anew. A session that has
grown since (its recording was still being written) is replaced.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import groupby
from pathlib import Path
from typing import Any

from recordings.archiving.columns import (
    FORMAT,
    TABLES,
    file_name,
    flow_rows,
    key_rows,
    session_row,
)
from recordings.errors import UserError
from recordings.exporting.parquet import (
    NONE,
    TableFile,
    batches,
    day_of,
    frame_row,
    load_arrow,
    path_of,
    safe_name,
    schema_of,
)
from recordings.lock import WriterLock
from recordings.reader import Reader
from recordings.rows import SessionRow
from recordings.times import micros

MARK = "_understudy.json"
"""Says that a folder is an archive; tools that read Parquet pass over such names."""
Files = dict[str, list[Path]]


@dataclass(slots=True)
class Built:
    """What became of a build."""

    sessions: int = 0
    known: int = 0
    """Sessions that were in the archive already."""
    frames: int = 0
    doubts: list[str] = field(default_factory=list)
    """Recordings that could not be read, a sentence each."""


def check_archive(folder: Path) -> None:
    """Refuse a folder that is no archive; raises UserError."""
    try:
        found = json.loads((folder / MARK).read_text("utf-8"))["format"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        if folder == Path():
            raise UserError(
                "this folder is no archive: name one before the SQL, or make one with "
                "`understudy archive build DIR FILES...`"
            ) from error
        raise UserError(
            f"{folder} is no archive: make one with `understudy archive build {folder} FILES...`"
        ) from error
    if not isinstance(found, int) or found > FORMAT:
        raise UserError(
            f"{folder} has format {found}, this Understudy reads up to {FORMAT}: update Understudy"
        )


def prepare(folder: Path) -> None:
    """Make an archive of a folder that is new or empty; raises UserError."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if (folder / MARK).exists():
            check_archive(folder)
            return
        if any(not path.name.startswith(".") for path in folder.iterdir()):
            raise UserError(f"{folder} holds other files: give a new folder, or an archive")
        (folder / MARK).write_text(json.dumps({"format": FORMAT}) + "\n", "utf-8")
    except OSError as error:
        raise UserError(
            f"{folder} cannot be written ({error.strerror}): see to the rights of the folder"
        ) from error


class Archive:
    """An archive that is written to; use it within `opened`."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._arrow = load_arrow()
        self._schemas = {table: schema_of(columns) for table, columns in TABLES.items()}
        self._files: Files = {}
        for table in TABLES:
            for path in (folder / table).rglob("*.parquet"):
                self._files.setdefault(path.stem, []).append(path)

    def add(self, path: Path, built: Built) -> None:
        """Write what of a recording is not there yet; raises UserError."""
        with Reader.open(path) as reader:
            for session in reader.sessions():
                if self._has(session):
                    built.known += 1
                    continue
                built.frames += self._write(reader, session)
                built.sessions += 1

    def _of(self, name: str) -> list[Path]:
        """The files of a session: of days that came twice there are several."""
        again = 2
        found = list(self._files.get(name, []))
        while more := self._files.get(f"{name}~{again}"):
            found += more
            again += 1
        return found

    def _has(self, session: SessionRow) -> bool:
        """Whether the session is there as it is now."""
        place = self._folder / "sessions"
        for path in self._of(file_name(session.uid)):
            if path.is_relative_to(place):
                try:
                    file = self._arrow.parquet.ParquetFile(path)
                    (row,) = file.read(["frames", "ended_at"]).to_pylist()
                except (OSError, ValueError):  # pyarrow's own errors are ValueErrors
                    return False
                ended = session.ended_at is None or row["ended_at"] is not None
                return bool(row["frames"] >= session.frames and ended)
        return False

    def _write(self, reader: Reader, session: SessionRow) -> int:
        """Write a session; returns how many frames it has."""
        name = file_name(session.uid)
        old = self._of(name)
        for path in sorted(old, key=lambda path: "sessions" not in path.parts):
            path.unlink(missing_ok=True)
        for path in old:
            self._files.pop(path.stem, None)
        frames = self._write_frames(reader, session, name)
        rest = {
            "flows": flow_rows(session, reader.flows(session.id)),
            "keys": key_rows(session, reader.keys(session.id)),
            "sessions": [session_row(session, frames, reader.path.name)],
        }
        day = day_of(micros(session.started_at))
        for table, rows in rest.items():
            if rows:
                with self._file(table, session, day, name, set()) as file:
                    file.add(rows)
        return frames

    def _write_frames(self, reader: Reader, session: SessionRow, name: str) -> int:
        flows = {flow.id: flow for flow in reader.flows(session.id)}
        done: set[Path] = set()
        count = 0
        frames = reader.frames(session_id=session.id)
        for day, found in groupby(frames, key=lambda frame: day_of(frame.at)):
            with self._file("frames", session, day, name, done) as file:
                for batch in batches(found):
                    file.add(frame_row(session, flows[frame.flow_id], frame) for frame in batch)
            count += file.rows
        return count

    def _file(
        self, table: str, session: SessionRow, day: str, name: str, done: set[Path]
    ) -> TableFile:
        place = self._folder / table / f"game={safe_name(session.game or NONE)}" / f"day={day}"
        place.mkdir(parents=True, exist_ok=True)
        path = path_of(place, name, done)
        self._files.setdefault(path.stem, []).append(path)
        return TableFile(path, self._schemas[table])


@contextmanager
def opened(folder: Path) -> Iterator[Archive]:
    """The archive, made when there is none, for one writer at a time; raises UserError."""
    load_arrow()
    prepare(folder)
    lock = WriterLock(folder / ".build")
    if not lock.take():
        raise UserError(f"{folder} is being written by another build: wait until that is done")
    try:
        yield Archive(folder)
    finally:
        lock.release()


def build(folder: Path, files: Sequence[Path], step: Any = lambda path: None) -> Built:
    """Put recordings into an archive; `step` is told each file that is done. Raises UserError."""
    built = Built()
    with opened(folder) as archive:
        for path in files:
            try:
                archive.add(path, built)
            except UserError as error:
                built.doubts.append(str(error))
            except ValueError as error:  # a time that is none, text that is no text
                built.doubts.append(f"{path} holds what an archive cannot ({error}): look into it")
            except OSError as error:
                raise UserError(
                    f"{folder} cannot be written any further ({error.strerror}): "
                    "see to the room on the disk and the rights of the folder"
                ) from error
            step(path)
    return built
