"""One frame: what it says, its bytes as they came, as they were deciphered, as they went on."""

from __future__ import annotations

import re
from collections.abc import Iterator

from recordings.frame_report import Report, as_json, make_report
from recordings.hexdump import Marks
from recordings.markup import Child, Markup, tag
from recordings.model import Direction, Frame, Json, Span
from recordings.reader import Reader
from recordings.text import ascii_text, crop, dump, flatten, local_time, size, span
from recordings.turns import SAID, Said, Turns, find_turns
from recordings.viewing import Viewer
from recordings.web.bytes_view import COLOURS, PAGE, Dump, Numbers, number_fields
from recordings.web.page import Answer, failure, listing, page

FIELDS = 1_000
"""Fields of one page."""
WORDS = 200
"""Characters of a name."""
VALUE = 2_000
"""Characters of one value."""
NEAR = 400
"""Frames of the flow around this one among which its request or answer is looked for."""

_NEAR = f"{SAID} WHERE flow_id = ? AND number BETWEEN ? AND ? ORDER BY number"
_NEXT = "SELECT id FROM frames WHERE flow_id = ? AND number > ? ORDER BY number LIMIT 1"
_BUNDLED = re.compile(r"^(messages\[\d+\])\.(?:fields\.)?")


def frame_page(reader: Reader, viewer: Viewer | None, frame_id: int, offset: int) -> Answer:
    """The frame of that id; its dumps begin with the byte `offset`."""
    frame = reader.frame(frame_id)
    if frame is None:
        return failure(404, f"There is no frame {frame_id} in {reader.path.name}.")
    report = make_report(reader, frame, viewer)
    sent_spans = report.sent.spans if report.sent else []
    numbers = number_fields(report.shown.spans, sent_spans)
    session = report.session
    return page(
        f"Frame {frame.id}: {report.shown.kind[:WORDS]}",
        _ways(reader, frame, viewer),
        _facts(report),
        tag("h2", "Message"),
        _fields(report, numbers, offset),
        _secrets(report),
        list(_dumps(report, numbers, offset)),
        crumbs=(
            (f"Session {session.id}", f"/session/{session.id}"),
            (f"Flow {frame.flow_id}", f"/session/{session.id}?flow={frame.flow_id}"),
        ),
        notice=reader.notice,
    )


def frame_json(reader: Reader, viewer: Viewer | None, frame_id: int) -> Answer:
    """The same for programs, nothing cropped."""
    frame = reader.frame(frame_id)
    if frame is None:
        return failure(404, f"There is no frame {frame_id} in {reader.path.name}.")
    text = dump(as_json(make_report(reader, frame, viewer)))
    return Answer(text.encode("utf-8", "backslashreplace"), "application/json")


def frame_bytes(reader: Reader, frame_id: int, which: str) -> Answer:
    """The bytes of one side (`raw`, `plain`, `sent`) as a file."""
    frame = reader.frame(frame_id)
    data = getattr(frame, which) if frame else None
    if data is None:
        return failure(404, f"Frame {frame_id} has no {which} bytes in {reader.path.name}.")
    name = f'attachment; filename="frame-{frame_id}-{which}.bin"'.encode()
    return Answer(data, "application/octet-stream", headers=((b"content-disposition", name),))


def _turns(reader: Reader, frame: Frame, viewer: Viewer | None) -> Turns:
    rows = reader.query(_NEAR, (frame.flow_id, frame.number - NEAR, frame.number + NEAR)).rows
    return find_turns(map(Said.of, rows), viewer)


def _ways(reader: Reader, frame: Frame, viewer: Viewer | None) -> Markup:
    """Links to what is around this frame; the script gives them keys."""
    turns = _turns(reader, frame, viewer)
    earlier = reader.frames(flow_id=frame.flow_id, before=frame.id, newest_first=True, limit=1)
    before = next(earlier, None)
    behind = list(reader.query(_NEXT, (frame.flow_id, frame.number)).rows)
    found = (
        ("p", "previous of the flow", before.id if before else None),
        ("n", "next of the flow", behind[0][0] if behind else None),
        ("a", "its answer", turns.answered_by.get(frame.id)),
        ("r", "its request", turns.answers.get(frame.id)),
    )
    links: list[Child] = [
        tag(
            "li",
            tag("a", text, href=f"/frame/{there}", data_key=key),
            f" (frame {there}, key ",
            tag("kbd", key),
            ")",
        )
        for key, text, there in found
        if there is not None
    ]
    if frame.id in turns.pushes:
        links.append(tag("li", "pushed: it answers nothing"))
    links.append(tag("li", tag("a", "JSON", href=f"/frame/{frame.id}.json")))
    return tag("ul", links, class_="ways")


def _facts(report: Report) -> Markup:
    frame, flow, session = report.frame, report.flow, report.session
    up = frame.direction is Direction.TO_SERVER
    server = flow.server or "no server: Understudy stood in"
    named = f"{server} ({flow.hostname})" if flow.hostname else server
    ends = f"{flow.client[:WORDS]} with {named[:WORDS]}"
    after = f", {span(frame.at - report.before.at)} after the one before" if report.before else ""
    facts: list[tuple[str, Child]] = [
        ("protocol", (frame.protocol or flow.protocol)[:WORDS]),
        ("direction", f"{frame.direction}, to the {'server' if up else 'client'}"),
        ("time", f"{local_time(frame.at)}, {span(frame.at - flow.opened_at)} into the flow{after}"),
        ("flow", f"{frame.number} of flow {flow.id}: {flow.transport} {ends}"),
        ("game", (session.game or "")[:WORDS]),
        ("cipher", (frame.cipher or "")[:WORDS]),
        ("on its way", frame.action),
    ]
    if flow.parent_frame_id:
        link = tag("a", f"frame {flow.parent_frame_id}", href=f"/frame/{flow.parent_frame_id}")
        facts.append(("led here by", link))
    for opened in report.opened:
        target = f"flow {opened.id}: {opened.protocol} {opened.server or 'Understudy'}"
        link = tag("a", target, href=f"/session/{opened.session_id}?flow={opened.id}")
        facts.append(("led to", link))
    facts += [("event", f"{one.kind}: {one.detail[:VALUE]}") for one in report.events]
    facts += [("note", one.text[:VALUE]) for one in report.notes]
    shown = [(tag("dt", name), tag("dd", said)) for name, said in facts if said]
    faults = dict.fromkeys(filter(None, (frame.error, report.shown.error)))
    problems = [tag("p", fault[:VALUE], class_="problem") for fault in faults]
    return tag("div", problems, tag("dl", shown, class_="facts"))


def _value(value: Json, frame: Frame) -> list[Child]:
    text = value if value and isinstance(value, str) else dump(value)
    if len(text) <= VALUE:
        return [text]
    whole = tag("a", f"{len(text):,} characters, whole as JSON", href=f"/frame/{frame.id}.json")
    return [crop(text, VALUE), " ", whole]


def _rows(report: Report) -> Iterator[tuple[str, Json]]:
    """Every leaf with its path; what has bytes, but no leaf, without a value."""
    paths = set()
    for path, value in flatten(report.shown.fields):
        paths.add(path)
        yield path, value
    for one in report.shown.spans:
        if one.path not in paths:
            paths.add(one.path)
            yield one.path, ...


def _fields(report: Report, numbers: Numbers, offset: int) -> Markup:
    rows = list(_rows(report))
    if not rows:
        said = ascii_text(report.frame.clear[:200])
        return tag("p", f"No fields. It begins: {said}" if said else "No fields, and no bytes.")
    spans = {one.path: one for one in reversed(report.shown.spans)}
    side = "raw" if report.frame.plain is None else "plain"
    if report.frame.raw is None and side == "raw":
        side = "sent"
    head = [tag("th", name, scope="col") for name in ("field", "value", "bytes", "check", "means")]
    body = [
        _field(report, path, value, spans.get(path), numbers, side, offset)
        for path, value in rows[:FIELDS]
    ]
    more = len(rows) - FIELDS
    text = f"{len(rows)} fields" + (f", {more} of them only in the JSON" if more > 0 else "")
    table = tag("table", tag("caption", text), tag("thead", tag("tr", head)), tag("tbody", body))
    return tag("div", table, class_="wide fields")


def _field(
    report: Report,
    path: str,
    value: Json,
    at: Span | None,
    numbers: Numbers,
    side: str,
    offset: int,
) -> Markup:
    number = numbers.get(path)
    bundled = _BUNDLED.match(path)
    owner = bundled.group(1) if bundled else ""
    name = path[bundled.end() :] if bundled else path
    check = report.checks.get(path, "")
    where: Child = None
    if at is not None and number:
        where = _place(report, at, f"{side}{number}", offset)
    mark = tag("span", class_=f"swatch c{number % COLOURS}") if number else None
    return tag(
        "tr",
        tag("th", mark, path[:VALUE], scope="row"),
        tag("td", None if value is ... else _value(value, report.frame), class_="what"),
        tag("td", where, class_="number"),
        tag("td", check[:VALUE], class_="wrong" if check.startswith("WRONG") else "good"),
        tag("td", report.meaning(owner, name)),
        id=f"f{number}" if number else None,
        data_fields=number,
    )


def _place(report: Report, at: Span, mark: str, offset: int) -> Child:
    """A link to the bytes of a field, also where they are on another page of the dump."""
    if at.end <= at.start or at.start >= len(report.frame.clear):
        return "none"
    page_of = at.start - at.start % PAGE
    here = offset - offset % PAGE if offset < len(report.frame.clear) else 0
    href = f"#{mark}" if page_of == here else f"/frame/{report.frame.id}?offset={page_of}#{mark}"
    return tag("a", f"{at.start:x}-{at.end - 1:x}", href=href, title=f"{at.end - at.start} bytes")


def _secrets(report: Report) -> Markup | None:
    """Keys that the frame gave away or was deciphered with, and checks of no field of it."""
    leaves = {path for path, _ in _rows(report)}
    rows: list[tuple[Child, ...]] = [
        (word, key.name, key.cipher or "", key.key.hex(), ascii_text(key.key))
        for word, keys in (("gives away", report.gave), ("deciphered by", report.used))
        for key in keys
    ]
    rows += [
        ("check", name[:VALUE], "", said[:VALUE], "")
        for name, said in report.checks.items()
        if name not in leaves
    ]
    if not rows:
        return None
    columns = ("", "name", "cipher", "hex, or result", "text")
    return tag(
        "section", tag("h2", "Keys and checks"), listing(columns, rows, f"{len(rows)} in all")
    )


def _dumps(report: Report, numbers: Numbers, offset: int) -> Iterator[Markup]:
    frame = report.frame
    same = frame.plain is None or frame.raw is None or len(frame.plain) == len(frame.raw)
    spans = report.shown.spans
    sides: tuple[tuple[str, str, bytes | None, list[Span]], ...] = (
        ("plain", "Plain, deciphered", frame.plain, spans),
        ("raw", "Raw, as it came", frame.raw, spans if same else []),
        ("sent", "Sent, as it went on", frame.sent, _sent_spans(report)),
    )
    for name, title, data, marked in sides:
        if data is None:
            continue
        link = tag("a", f"{size(len(data))}, save", href=f"/frame/{frame.id}/{name}.bin")
        yield tag(
            "section",
            tag("h2", title, " ", tag("small", link)),
            _difference(report) if name == "sent" else None,
            Dump(name, data, marked, numbers, offset).draw(f"/frame/{frame.id}"),
            id=name,
        )


def _sent_spans(report: Report) -> list[Span]:
    if report.sent is not None:
        return report.sent.spans
    return report.shown.spans if report.frame.raw is None and report.frame.plain is None else []


def _difference(report: Report) -> Markup | None:
    """What was changed: the fields, else the bytes."""
    frame = report.frame
    if frame.raw is None or frame.sent is None:
        return None
    old = dict(flatten(report.shown.fields))
    new = dict(flatten(report.sent.fields)) if report.sent else {}
    rows = [
        (path, *(crop(str(side.get(path, "(not there)")), 200) for side in (old, new)))
        for path in dict.fromkeys([*old, *new])
        if old.get(path) != new.get(path)
    ]
    if rows:
        return listing(("field", "was", "is"), rows[:FIELDS], "What was changed")
    changed = Marks.of_change(frame.raw, frame.sent).owners
    if not changed:
        return None
    return tag("p", f"Bytes {min(changed):x} to {max(changed):x} (hex) differ from raw.")
