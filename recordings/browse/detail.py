"""The selected frame: what belongs to it, read by short queries, as lines to choose from."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import islice
from typing import Any

from rich.text import Text

from recordings.browse.frame_line import ARROWS
from recordings.browse.pages import Line
from recordings.filters import Where
from recordings.frame_report import OPAQUE, Report, shown_of
from recordings.model import Frame, Json
from recordings.reader import Reader
from recordings.rows import FLOWS, EventRow, FlowRow, KeyRow, NoteRow, SessionRow
from recordings.text import crop, dump, flatten, local_time, safe, size, span
from recordings.viewing import Viewer

ROWS = 50
"""Keys, events, notes and further flows of one frame that are shown."""
FIELDS = 2_000
VALUE = 400
"""Characters of a value in its line; all of it is shown when it is chosen."""
ANSWER_REACH = 100_000
"""Frames of a flow that are looked through for an answer."""


@dataclass(frozen=True, slots=True)
class Item:
    """A line of the message."""

    text: Text
    path: str | None = None
    """The field that it shows."""
    value: Json = None
    frame_id: int | None = None
    """The frame that it leads to."""
    flow_id: int | None = None


def gather(reader: Reader, frame_id: int, viewer: Viewer | None) -> Report | None:
    """A frame with what belongs to it; None: there is no such frame."""
    frame = reader.frame(frame_id)
    if frame is None:
        return None
    flow = FlowRow(*reader.select(f"{FLOWS} WHERE flows.id = ?", (frame.flow_id,))[0])
    names = "id, uid, started_at, ended_at, game, client, origin, note, 0, 0, 0, 0"
    rows = reader.select(f"SELECT {names} FROM sessions WHERE id = ?", (flow.session_id,))
    session = SessionRow(*rows[0])

    def some(row: type, table: str, where: str, *values: Any) -> list[Any]:
        columns = ", ".join(row.__dataclass_fields__)  # type: ignore[attr-defined]
        sql = f"SELECT {columns} FROM {table} WHERE {where} ORDER BY id LIMIT {ROWS}"
        return [row(*one) for one in reader.select(sql, values)]

    here = (session.id, frame.id)
    used = "session_id = ? AND cipher = ? AND ifnull(frame_id, 0) <= ? AND ifnull(flow_id, ?) = ?"
    opened = f"{FLOWS} WHERE session_id = ? AND parent_frame_id = ? LIMIT {ROWS}"
    return Report(
        frame=frame,
        shown=shown_of(flow.protocol, frame, viewer),
        sent=_sent(flow.protocol, frame, viewer),
        flow=flow,
        session=session,
        before=None,
        opened=[FlowRow(*one) for one in reader.select(opened, here)],
        gave=some(KeyRow, "keys", "session_id = ? AND frame_id = ?", *here),
        used=some(
            KeyRow, "keys", used, session.id, frame.cipher, frame.id, frame.flow_id, frame.flow_id
        )
        if frame.cipher
        else [],
        events=some(EventRow, "events", "session_id = ? AND frame_id = ?", *here),
        notes=some(NoteRow, "notes", "frame_id = ?", frame.id),
    )


def _sent(protocol: str, frame: Frame, viewer: Viewer | None) -> Any:
    if frame.sent is None or frame.raw is None:
        return None
    forwarded = replace(frame, raw=frame.sent, plain=None, sent=None, kind=None, fields=None)
    return shown_of(protocol, forwarded, viewer)


def items(report: Report, colour: Callable[[str], str]) -> list[Item]:
    """The lines of a frame; `colour` of a field is that of its bytes."""
    return [*_head(report), *_fields(report, colour), *_around(report)]


def _head(report: Report) -> Iterator[Item]:
    frame, flow = report.frame, report.flow
    for reason in dict.fromkeys(filter(None, (frame.error, report.shown.error))):
        yield Item(Text(f"! {safe(reason[:VALUE])}", "bold red"), value=reason)
    if frame.action:
        yield Item(Text(f"{safe(frame.action)} on its way", "yellow"))
    if flow.parent_frame_id and frame.number == 1:
        text = Text(f"led here by frame {flow.parent_frame_id}", "yellow")
        yield Item(text, frame_id=flow.parent_frame_id)


def title(report: Report) -> Text:
    """The frame in one line."""
    frame, flow = report.frame, report.flow
    arrow, _ = ARROWS.get(frame.direction, ("?", ""))
    text = Text.assemble(
        (f"frame {frame.id} {arrow}", "bold"),
        (f" {safe(report.shown.kind[:60])}", "bold"),
        f"  {safe((frame.protocol or flow.protocol)[:40])}",
        f"  {size(len(frame.clear))}",
        f"  {local_time(frame.at)[11:]}",
        f"  #{frame.number} of flow {flow.id}, {span(frame.at - flow.opened_at)} in",
    )
    if frame.cipher:
        text.append(f"  {safe(frame.cipher[:40])}", "italic")
    return text


def _fields(report: Report, colour: Callable[[str], str]) -> Iterator[Item]:
    leaves = list(islice(flatten(report.shown.fields), FIELDS + 1))
    wide = min(22, max((len(safe(_short(path)[:40])) for path, _ in leaves[:FIELDS]), default=0))
    for path, value in leaves[:FIELDS]:
        text = Text.assemble((f"{safe(_short(path)[:80]):{wide}}", "bold"), " ")
        shown = value if value and isinstance(value, str) else dump(value)
        text.append(safe(crop(shown, VALUE)), colour(path))
        check = report.checks.get(path)
        if check:
            wrong = check.startswith("WRONG")
            text.append(f"  {safe(check[:VALUE])}", "bold red" if wrong else "green")
        meaning = report.shown.meanings.get(path.partition("[")[0], "")
        if meaning:
            text.append(f"  {safe(meaning)}", "dim")
        yield Item(text, path, value)
    if len(leaves) > FIELDS:
        yield Item(Text(f"… more than {FIELDS} fields: `understudy show --all`", "dim"))
    if not leaves:
        why = "what it says is not known" if report.shown.kind == OPAQUE else "no fields"
        yield Item(Text(why, "dim"))


def _short(path: str) -> str:
    return path.replace("messages[0].fields.", "", 1).replace(".fields.", ".")


def _around(report: Report) -> Iterator[Item]:
    leaves = {path for path, _ in flatten(report.shown.fields)}
    for name, said in report.checks.items():
        if name not in leaves:
            style = "bold red" if said.startswith("WRONG") else "green"
            yield Item(Text(f"check {safe(name[:60])}: {safe(said[:VALUE])}", style), value=said)
    if report.sent is not None:
        old, new = dict(flatten(report.shown.fields)), dict(flatten(report.sent.fields))
        for path in islice((p for p in {**old, **new} if old.get(p) != new.get(p)), ROWS):
            now = crop(safe(str(new.get(path, "(not there)"))), 80)
            yield Item(Text(f"sent {safe(path[:60])}: {now}", "yellow"), path)
    for flow in report.opened:
        place = f"{safe(flow.protocol[:30])} {safe((flow.server or 'a stand-in')[:60])}"
        yield Item(Text(f"led to flow {flow.id}: {place}", "yellow"), flow_id=flow.id)
    for word, keys in (("gives", report.gave), ("by", report.used)):
        for key in keys:
            cipher = f" ({safe(key.cipher[:30])})" if key.cipher else ""
            text = f"{word} key {safe(key.name[:40])}{cipher} {key.key[:32].hex()}"
            yield Item(Text(text, "magenta"), value=key.key.hex(), frame_id=key.frame_id)
    for event in report.events:
        said = f"{safe(event.kind[:40])}: {safe(event.detail[:VALUE])}"
        yield Item(Text(said, "yellow"), value=event.detail)
    for note in report.notes:
        yield Item(Text(f"* {safe(note.text[:VALUE])}", "bold yellow"), value=note.text)


def noted(reader: Reader) -> set[int]:
    """Ids of the frames that have a note."""
    sql = "SELECT DISTINCT frame_id FROM notes WHERE frame_id IS NOT NULL LIMIT 100000"
    return {row[0] for row in reader.select(sql)}


@dataclass(frozen=True, slots=True)
class Counterpart:
    """The frame on the other end of an exchange."""

    frame_id: int | None
    declared: bool
    """Whether the protocol says that they belong together."""


def counterpart(reader: Reader, line: Line, answers: Mapping[str, tuple[str, ...]]) -> Counterpart:
    """The answer of a request, or the request of an answer.

    Where the protocol declares none for the kind it is the next (or last) frame of the other side.
    """
    if line.upward:
        kinds = set(answers.get(line.kind or "", ()))
    else:
        kinds = {asked for asked, ends in answers.items() if line.kind in ends}
    where, values = "", list[Any]()
    if kinds:
        where = f"AND kind IN ({', '.join('?' * len(kinds))})"
        values = sorted(kinds)
    low, high, order = (
        (line.number + 1, line.number + ANSWER_REACH, "")
        if line.upward
        else (line.number - ANSWER_REACH, line.number - 1, "DESC")
    )
    sql = (
        "SELECT id FROM frames WHERE flow_id = ? AND number BETWEEN ? AND ? AND direction != ?"
        f" {where} ORDER BY number {order} LIMIT 1"
    )
    rows = reader.select(sql, [line.flow_id, low, high, line.direction, *values])
    return Counterpart(rows[0][0] if rows else None, bool(kinds))


def noted_only() -> Where:
    """Frames that have a note."""
    return Where("frames.id IN (SELECT frame_id FROM notes)")
