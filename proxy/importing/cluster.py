"""An import on Dask distributed: captures of different evenings are tasks.

Captures that touch in time are read as one, by one task: a connection, a session or an
announcement may go on from one to the next. `APART` is longer than a connection or session lives
without a packet. Only what a capture says of names and of announced endpoints would reach further
in one process: a task knows it of its own captures. A task makes a recording of its own and hands
it back as bytes; it changes nothing else, so that it can be run again when its worker dies. The
recordings are put together in order of time.

Workers have the same Understudy installed and find the captures under the same paths.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import zstandard

from proxy.cluster import RETRIES, workers
from proxy.importing.asked import wishes_of
from proxy.importing.files import Report, import_files, is_capture
from proxy.importing.store import QUEUE
from proxy.recorder import Tally
from recordings.captures.compressed import Source
from recordings.captures.conversation import IDLE
from recordings.captures.packet import Packet
from recordings.captures.reading import read_packets
from recordings.merging import append_recording
from recordings.model import Key
from recordings.reader import Reader
from recordings.writer import Recording

APART = max(IDLE.values())
"""Microseconds of silence after which nothing of a capture goes on in the next one."""
LARGEST = 1 << 31
"""Bytes of a recording that a task may hand back."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What the user asked for: each task puts it together for itself."""

    game: str | None
    as_: tuple[str, ...]
    known_only: bool
    keys: Sequence[Key]
    secrets: Mapping[str, str]
    protocol_files: tuple[Path, ...]


@dataclass(frozen=True, slots=True)
class Part:
    """What a task hands back."""

    recording: bytes
    """Packed by zstd."""
    report: Report


def times(path: Path) -> tuple[int, int] | None:
    """When the first and the last packet of a capture are; None: it is none, or has none."""
    if not is_capture(path):
        return None
    first = last = None
    with Source.open(path) as source:
        for one in read_packets(source):
            if isinstance(one, Packet):
                first = one.at if first is None else min(first, one.at)
                last = one.at if last is None else max(last, one.at)
    return None if first is None or last is None else (first, last)


def groups_of(
    paths: Sequence[Path], found: Sequence[tuple[int, int] | None]
) -> list[tuple[Path, ...]]:
    """Which files are read as one: captures by time, then every other file by itself."""
    captures = sorted((span, number) for number, span in enumerate(found) if span is not None)
    groups: list[list[Path]] = []
    end = 0
    for (first, last), number in captures:
        if groups and first - end <= APART:
            groups[-1].append(paths[number])
        else:
            groups.append([paths[number]])
        end = max(end, last)
    others = [[path] for path, span in zip(paths, found, strict=True) if span is None]
    return [tuple(group) for group in groups + others]


def import_part(paths: tuple[Path, ...], asked: Asked) -> Part:
    """The task: a recording of some files. Runs on a worker."""
    wishes = wishes_of(
        asked.game, asked.as_, asked.known_only, asked.keys, asked.secrets, asked.protocol_files
    )
    with tempfile.TemporaryDirectory(prefix="understudy-") as folder:
        out = Path(folder, "part.understudy.db")
        with Recording.open(out, queue_limit=QUEUE) as recording:
            report = import_files(paths, recording, wishes, lambda size: None)
            recording.flush()
            report.tally.errors += recording.errors
        return Part(zstandard.compress(out.read_bytes()), report)


def import_on_cluster(
    address: str,
    paths: Sequence[Path],
    recording: Recording,
    asked: Asked,
    step: Callable[[int], None],
) -> Report:
    """Read files into a recording, on the workers of a cluster; raises UserError."""
    total = Report()
    paths = [path.absolute() for path in paths]
    with workers(address) as client:
        spans = client.gather(client.map(times, paths, retries=RETRIES, pure=False))
        groups = groups_of(paths, spans)
        tasks = [
            client.submit(import_part, group, asked, retries=RETRIES, pure=False)
            for group in groups
        ]
        for group, task in zip(groups, tasks, strict=True):
            part = task.result()
            task.release()
            _merge(part, recording)
            _add(total, part.report)
            step(sum(path.stat().st_size for path in group if path.is_file()))
    return total


def _merge(part: Part, recording: Recording) -> None:
    with tempfile.TemporaryDirectory(prefix="understudy-") as folder:
        path = Path(folder, "part.understudy.db")
        unpacked = zstandard.ZstdDecompressor().decompress(part.recording, max_output_size=LARGEST)
        path.write_bytes(unpacked)
        with Reader.open(path) as reader:
            append_recording(reader, recording)


def _add(total: Report, one: Report) -> None:
    for name in Tally.__slots__:
        setattr(total.tally, name, getattr(total.tally, name) + getattr(one.tally, name))
    total.packets += one.packets
    total.other += one.other
    total.left_out += one.left_out
    total.doubts += one.doubts
