"""Whatever file the user has, read into a recording.

A file is told by its first bytes: pcap, pcapng, mitmproxy's flows, our own JSON lines; each may be
packed by gzip or zstd. Captures are read in order of their first packets, as one: a connection may
go on in the next file.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from proxy.importing.hints import Hints
from proxy.importing.importer import Importer, Wishes
from proxy.importing.store import CaptureClock, CaptureStore
from proxy.recorder import Tally
from recordings.captures.compressed import Damaged, Source
from recordings.captures.flows import Flows
from recordings.captures.packet import Packet, Remark
from recordings.captures.pcapng_writer import ENTERPRISE, WORD
from recordings.captures.reading import FORMATS, first_bytes, read_packets
from recordings.captures.secrets import secrets_text
from recordings.errors import UserError
from recordings.samples import load_sample
from recordings.writer import Recording

KINDS = "a pcap or pcapng capture, flows of mitmproxy, or JSON lines of `understudy export --jsonl`"
MOST_REMARKS = 10_000
"""Comments and secrets of one file that are kept."""
LONGEST = 16_384
"""Characters of a remark that are kept."""
SECRETS = 1 << 20
"""Bytes of the secrets of one block that are kept."""
LONGEST_LINE = 256 << 20

Step = Callable[[int], None]
"""Takes how many bytes of the files have been read since it was called last."""


@dataclass(slots=True)
class Report:
    """What became of an import."""

    tally: Tally = field(default_factory=Tally)
    packets: int = 0
    other: int = 0
    """Packets that carry neither TCP nor UDP."""
    left_out: int = 0
    doubts: list[str] = field(default_factory=list)
    """What could not be read, a sentence each."""


@dataclass(slots=True)
class _Capture:
    path: Path
    begins: int


def import_files(paths: Sequence[Path], recording: Recording, wishes: Wishes, step: Step) -> Report:
    """Read files into a recording; raises UserError for one that is of no known kind."""
    report = Report()
    captures: list[_Capture] = []
    others: list[tuple[Path, bytes]] = []
    for path in paths:
        with Source.open(path) as source:
            head = first_bytes(source)
            if head in FORMATS:
                captures.append(_Capture(path, _begins(path)))
            else:
                others.append((path, head))
    for path, head in others:
        _kind(path, head)  # every file is known before the first is read
    captures.sort(key=lambda one: one.begins)
    if captures:
        _Captures(recording, wishes, report, step).read([one.path for one in captures])
    for path, head in others:
        _kind(path, head)(path, recording, wishes, report, step)
    return report


def is_capture(path: Path) -> bool:
    """Whether a file is a capture of packets; raises UserError for one of no known kind."""
    with Source.open(path) as source:
        head = first_bytes(source)
    if head not in FORMATS:
        _kind(path, head)
        return False
    return True


def _begins(path: Path) -> int:
    with Source.open(path) as source:
        return next((one.at for one in read_packets(source) if isinstance(one, Packet)), 0)


Reading = Callable[[Path, Recording, Wishes, Report, Step], None]


def _kind(path: Path, head: bytes) -> Reading:
    if head[:1] in (b"{", b"#"):
        return _read_lines
    if head[:1].isdigit():  # netstrings: mitmproxy's flows
        return _read_flows
    raise UserError(f"{path} is none of what can be read: give {KINDS}")


class _Captures:
    """Reads captures as one."""

    def __init__(self, recording: Recording, wishes: Wishes, report: Report, step: Step) -> None:
        self._recording = recording
        self._report = report
        self._step = step
        self._hints = Hints()
        clock = CaptureClock()
        self._clock = clock
        self._importer = Importer(CaptureStore(recording, clock), clock, wishes, self._hints)
        self._flows = Flows(self._importer)

    def read(self, paths: Sequence[Path]) -> None:
        report, importer, flows = self._report, self._importer, self._flows
        for path in paths:
            self._read_one(path)
        flows.finish()
        report.tally = importer.finish()
        report.packets, report.other = flows.packets, flows.other
        report.left_out = importer.left_out
        for fact, count in importer.troubles.items():
            if count > 1:
                report.doubts.append(f"{count:,} packets: {fact}")

    def _read_one(self, path: Path) -> None:
        before, taken = self._flows.packets, 0
        remarks = 0
        with Source.open(path) as source:
            feed = self._flows.feed
            for one in read_packets(source):
                if one.__class__ is Packet:
                    feed(one)
                    if one.number & 1023 == 0:
                        self._step(source.position - taken)
                        taken = source.position
                    if one[5]:
                        self._comments(one)
                elif remarks < MOST_REMARKS:
                    remarks += 1
                    self._remark(one, path)  # type: ignore[arg-type]
            self._step(source.position - taken)
        count = self._flows.packets - before
        self._recording.add_event("import", f"{path.name}: {count:,} packets", at=self._clock.at)

    def _comments(self, packet: Packet) -> None:
        """What somebody wrote on a packet; ours say only what the packet says."""
        if self._hints.ours:
            return
        for comment in packet.comments:
            detail = f"packet {packet.number}: {comment[:LONGEST]}"
            self._recording.add_event("comment", detail, at=packet.at)

    def _remark(self, remark: Remark, path: Path) -> None:
        at = self._clock.at
        if remark.kind == "name":
            self._importer.named(remark.data.decode("ascii"), remark.text)
        elif remark.kind == "custom":
            if remark.text == str(ENTERPRISE) and remark.data.startswith(WORD):
                self._hints.read(remark.data[len(WORD) :])
        elif remark.kind == "decryption-secrets":
            self._recording.add_event(
                remark.kind, secrets_text(remark.text, remark.data[:SECRETS]), at=at
            )
        else:
            text = f"{path.name}: {remark.text[:LONGEST]}"
            self._recording.add_event(remark.kind, text, at=at)
            if remark.kind == "damaged":
                self._report.doubts.append(text)


def _read_lines(
    path: Path, recording: Recording, wishes: Wishes, report: Report, step: Step
) -> None:
    """Our own JSON lines: the very recording that was exported."""
    tally = report.tally

    def counted() -> Iterator[str]:
        for line in _lines(path, report, step):
            row = json.loads(line).get("row") if line.startswith('{"row"') else None
            tally.sessions += row == "session"
            tally.flows += row == "flow"
            tally.frames += row == "frame"
            yield line

    try:
        load_sample(counted(), recording)
    except UserError as error:
        report.doubts.append(f"{path.name}: {str(error).removeprefix('sample, ')}")
    except (ValueError, RecursionError) as error:
        report.doubts.append(f"{path.name}: a line is no JSON ({error})")


def _lines(path: Path, report: Report, step: Step) -> Iterator[str]:
    """The lines of a file; one that breaks off gives what came before."""
    parts: list[bytes] = []  # of a line that is not whole yet
    size = taken = 0
    with Source.open(path) as source:
        try:
            while data := source.read(1 << 20):
                step(source.position - taken)
                taken = source.position
                first, *more = data.split(b"\n")
                parts.append(first)
                size += len(first)
                if size > LONGEST_LINE:
                    raise Damaged(f"a line has more than {LONGEST_LINE:,} bytes")
                if more:
                    yield b"".join(parts).decode("utf-8", "replace")
                    for line in more[:-1]:
                        yield line.decode("utf-8", "replace")
                    parts, size = more[-1:], len(more[-1])
        except Damaged as error:
            report.doubts.append(f"{path.name}: {error}")
            return
    if size:
        yield b"".join(parts).decode("utf-8", "replace")


def _read_flows(
    path: Path, recording: Recording, wishes: Wishes, report: Report, step: Step
) -> None:
    """Flows of mitmproxy, which is imported only now."""
    from proxy.importing.flowfiles import read_flows

    clock = CaptureClock()
    importer = Importer(CaptureStore(recording, clock), clock, wishes, Hints())
    doubts: Iterable[str] = read_flows(path, importer, step)
    report.doubts += [f"{path.name}: {doubt}" for doubt in doubts]
    tally = importer.finish()
    for name in Tally.__slots__:
        setattr(report.tally, name, getattr(report.tally, name) + getattr(tally, name))
    report.left_out += importer.left_out
