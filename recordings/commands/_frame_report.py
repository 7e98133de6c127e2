"""One frame with all that belongs to it, as a report for a person and as one object."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING

from recordings.hexdump import SHOWN, Marks, hexdump, style_of
from recordings.listing import portable
from recordings.model import Direction, Frame, Json
from recordings.reader import Reader
from recordings.rows import EventRow, FlowRow, KeyRow, NoteRow, SessionRow
from recordings.text import ascii_text, crop, flatten, load, local_time, safe, size, span
from recordings.viewing import Shown, Viewer

if TYPE_CHECKING:
    from rich.text import Text

FIELDS_SHOWN = 100
VALUE_SHOWN = 300
_OPAQUE = "Opaque"


@dataclass(frozen=True, slots=True)
class Report:
    """A frame, how its protocol reads it now, and its surroundings."""

    frame: Frame
    shown: Shown
    sent: Shown | None
    """The forwarded bytes as a message, when they differ."""
    flow: FlowRow
    session: SessionRow
    before: Frame | None
    """The frame before it in its flow."""
    opened: list[FlowRow]
    """Flows that this frame led to."""
    gave: list[KeyRow]
    used: list[KeyRow]
    events: list[EventRow]
    notes: list[NoteRow]

    @property
    def checks(self) -> dict[str, str]:
        """The results of the checks that the dissector made, by field."""
        checks = (self.frame.derived or {}).get("checks")
        return {str(k): str(v) for k, v in checks.items()} if isinstance(checks, dict) else {}


def make_report(reader: Reader, frame: Frame, viewer: Viewer | None) -> Report:
    """Gather what belongs to a frame."""
    flow = next(one for one in reader.flows() if one.id == frame.flow_id)
    session = next(one for one in reader.sessions() if one.id == flow.session_id)
    keys = reader.keys(session.id)
    earlier = reader.frames(flow_id=flow.id, before=frame.id, newest_first=True, limit=1)
    sent = None
    if frame.sent is not None and frame.raw is not None:
        forwarded = replace(frame, raw=frame.sent, plain=None, sent=None, kind=None, fields=None)
        sent = _view(flow.protocol, forwarded, viewer)
    return Report(
        frame=frame,
        shown=_view(flow.protocol, frame, viewer),
        sent=sent,
        flow=flow,
        session=session,
        before=next(earlier, None),
        opened=[one for one in reader.flows() if one.parent_frame_id == frame.id],
        gave=[key for key in keys if key.frame_id == frame.id],
        used=[key for key in keys if frame.cipher and _serves(key, frame)],
        events=[event for event in reader.events(session.id) if event.frame_id == frame.id],
        notes=[note for note in reader.notes(session.id) if note.frame_id == frame.id],
    )


def _serves(key: KeyRow, frame: Frame) -> bool:
    """Whether a key may have deciphered the frame."""
    return (
        key.cipher == frame.cipher
        and key.flow_id in (None, frame.flow_id)
        and key.direction in (None, frame.direction)
        and (key.frame_id is None or key.frame_id <= frame.id)
    )


def _view(protocol: str, frame: Frame, viewer: Viewer | None) -> Shown:
    """The message now; as it was seen when recorded, if that is more."""
    now = viewer.view(frame.protocol or protocol, frame) if viewer else Shown(_OPAQUE, {})
    fields = load(frame.fields)
    if now.kind == _OPAQUE and frame.kind not in (None, _OPAQUE) and isinstance(fields, dict):
        return Shown(frame.kind or _OPAQUE, fields, frame.error)
    return now


def as_json(report: Report) -> dict[str, Json]:
    """The report as one object; bytes as hex."""
    frame = asdict(report.frame)
    del frame["keys"]
    frame["fields"] = load(report.frame.fields)

    def rows(found: list[KeyRow] | list[FlowRow] | list[EventRow] | list[NoteRow]) -> Json:
        return [portable(asdict(one)) for one in found]

    return {
        "frame": portable(frame),
        "view": asdict(report.shown),
        "sent_view": asdict(report.sent) if report.sent else None,
        "flow": asdict(report.flow),
        "session": asdict(report.session),
        "opened": rows(report.opened),
        "keys_given": rows(report.gave),
        "keys_used": rows(report.used),
        "events": rows(report.events),
        "notes": rows(report.notes),
    }


def lines(report: Report, everything: bool) -> Iterator[Text]:
    """The report, line by line, for rich's Console."""
    from rich.text import Text

    yield from _head(report)
    limit = None if everything else SHOWN
    frame = report.frame
    marks = Marks.of(report.shown.spans, len(frame.clear))
    yield Text()
    yield from _fields(report, marks, everything)
    if frame.raw is not None:
        yield Text(f"\nraw, {size(len(frame.raw))}", "bold")
        same_places = frame.plain is None or len(frame.plain) == len(frame.raw)
        yield from hexdump(frame.raw, marks if same_places else None, limit)
    if frame.plain is not None:
        yield Text(f"\nplain, deciphered, {size(len(frame.plain))}", "bold")
        yield from hexdump(frame.plain, marks, limit)
    if frame.sent is not None:
        yield from _sent(report, limit)
    yield from _secrets(report)


def _head(report: Report) -> Iterator[Text]:
    from rich.text import Text

    frame, flow, session = report.frame, report.flow, report.session
    protocol = frame.protocol or flow.protocol
    way = "to the server" if frame.direction is Direction.TO_SERVER else "to the client"
    yield Text.assemble(
        (f"frame {frame.id}", "bold"),
        f"  {safe(protocol)} ",
        (safe(report.shown.kind), "bold cyan"),
        f"  {frame.direction} ({way})",
    )
    when = f"  {local_time(frame.at)}, {span(frame.at - flow.opened_at)} into the flow"
    if report.before is not None:
        when += f", {span(frame.at - report.before.at)} after frame {report.before.id}"
    yield Text(when)
    server = safe(flow.server or "no server") + (
        f" ({safe(flow.hostname)})" if flow.hostname else ""
    )
    place = f"  number {frame.number} of flow {flow.id}, {safe(flow.transport)} {safe(flow.client)}"
    yield Text(f"{place} with {server}")
    game = f", {safe(session.game)}" if session.game else ""
    origin = f" led here by frame {flow.parent_frame_id}" if flow.parent_frame_id else ""
    yield Text(f"  session {session.id}{game}{origin}")
    if frame.cipher:
        yield Text(f"  enciphered by {safe(frame.cipher)}")
    if frame.action:
        yield Text(f"  {safe(frame.action)} on its way", "yellow")
    for one in report.opened:
        target = safe(one.server or "a stand-in")
        yield Text(f"  led to flow {one.id}: {safe(one.protocol)} {target}", "yellow")
    reasons = dict.fromkeys(filter(None, (frame.error, report.shown.error)))
    for reason in reasons:
        yield Text(f"  ! {safe(reason)}", "red")


def _fields(report: Report, marks: Marks, everything: bool) -> Iterator[Text]:
    from rich.text import Text

    leaves = list(flatten(report.shown.fields))
    wanted = leaves if everything else leaves[:FIELDS_SHOWN]
    wide = min(30, max((len(safe(path)) for path, _ in wanted), default=0))
    for path, value in wanted:
        letter = marks.letters.get(path, "")
        said = value if isinstance(value, str) else str(value) if value is not None else "null"
        said = safe(said if everything else crop(said, VALUE_SHOWN))
        meaning = report.shown.meanings.get(path.partition("[")[0], "")
        check = report.checks.get(path)
        line = Text(f"  {letter:1} ", style_of(letter) if letter else "")
        line.append(f"{safe(path):{wide}}  ", "bold")
        line.append(said, style_of(letter) if letter else "")
        if check:
            line.append(f"  {safe(check)}", "red" if check.startswith("WRONG") else "green")
        if meaning:
            line.append(f"  {safe(meaning)}", "dim")
        yield line
    if len(leaves) > len(wanted):
        yield Text(f"    … {len(leaves) - len(wanted)} fields more: --all shows them", "dim")
    if not leaves:
        said = ascii_text(report.frame.clear[:64])
        yield Text(f"  no fields{': ' + said if report.shown.kind == _OPAQUE else ''}", "dim")


def _sent(report: Report, limit: int | None) -> Iterator[Text]:
    from rich.text import Text

    frame = report.frame
    assert frame.sent is not None
    yield Text(f"\nsent instead, {size(len(frame.sent))}", "bold")
    if report.sent is not None:
        old, new = dict(flatten(report.shown.fields)), dict(flatten(report.sent.fields))
        for path in dict.fromkeys([*old, *new]):
            if old.get(path) != new.get(path):
                was, now = (
                    safe(crop(str(side.get(path, "(not there)")), 80)) for side in (old, new)
                )
                yield Text(f"  {safe(path)}: {was} -> {now}", "yellow")
    yield from hexdump(frame.sent, Marks.of_change(frame.raw or b"", frame.sent), limit)


def _secrets(report: Report) -> Iterator[Text]:
    from rich.text import Text

    facts: list[tuple[str, str]] = []
    for word, keys in (("gives away", report.gave), ("deciphered by", report.used)):
        for key in keys:
            cipher = f" for {safe(key.cipher)}" if key.cipher else ""
            text = ascii_text(key.key)
            hint = f" ({text})" if "." not in text and text else ""
            facts.append((f"key {safe(key.name)}{cipher}", f"{word} {key.key.hex()}{hint}"))
    leaves = dict(flatten(report.shown.fields))
    facts += [(f"check {safe(k)}", safe(v)) for k, v in report.checks.items() if k not in leaves]
    facts += [(f"event {safe(one.kind)}", safe(one.detail)) for one in report.events]
    facts += [("note", safe(one.text)) for one in report.notes]
    if facts:
        yield Text()
    for name, said in facts:
        yield Text.assemble("  ", (name, "bold"), f"  {said}")
