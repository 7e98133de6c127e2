"""One frame as a report for a person, line by line."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from recordings.frame_report import OPAQUE, Report
from recordings.hexdump import SHOWN, Marks, hexdump, style_of
from recordings.model import Direction, Json
from recordings.text import ascii_text, crop, dump, flatten, local_time, safe, size, span

if TYPE_CHECKING:
    from rich.text import Text

FIELDS_SHOWN = 100
VALUE_SHOWN = 300
_MESSAGE = re.compile(r"^messages\[\d+\]\.(?:fields\.)?")
"""What leads the path of a field of a bundle's message."""


def lines(report: Report, everything: bool) -> Iterator[Text]:
    """The report, line by line, for rich's Console."""
    from rich.text import Text

    yield from _head(report)
    limit = None if everything else SHOWN
    frame = report.frame
    marks = Marks.of(report.shown.spans, len(frame.clear) if everything else SHOWN)
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
    names = [_MESSAGE.sub("", path) for path, _ in wanted]
    wide = min(30, max((len(safe(name)) for name in names), default=0))
    message = ""
    for name, (path, value) in zip(names, wanted, strict=True):
        owner = path[: -len(name)].removesuffix("fields.")
        if owner != message:
            message = owner
            yield Text(f"  {safe(message.rstrip('.'))}", "dim")
        letter = marks.letters.get(path, "")
        style = style_of(letter) if letter else ""
        line = Text.assemble((f"  {letter:1} ", style), (f"{safe(name):{wide}}  ", "bold"))
        line.append(_value(value, everything), style)
        check = report.checks.get(path)
        if check:
            line.append(f"  {safe(check)}", "red" if check.startswith("WRONG") else "green")
        meaning = report.meaning(message.rstrip("."), name)
        if meaning:
            line.append(f"  {safe(meaning)}", "dim")
        yield line
    if len(leaves) > len(wanted):
        yield Text(f"    … {len(leaves) - len(wanted)} fields more: --all shows them", "dim")
    if not leaves:
        said = ascii_text(report.frame.clear[:64])
        yield Text(f"  no fields{': ' + said if report.shown.kind == OPAQUE else ''}", "dim")


def _value(value: Json, everything: bool) -> str:
    text = value if value and isinstance(value, str) else dump(value)
    return safe(text if everything else crop(text, VALUE_SHOWN))


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
