"""The report as one web page that needs nothing else: no network, no other file."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from recordings.markup import Child, Markup, tag, trusted
from recordings.model import Direction
from recordings.text import crop
from replay.diff.page_style import SCRIPT, STYLE
from replay.diff.report import Entry, KindRow, Report, State, show_said, show_value
from replay.diff.said import Said

LISTED = 500
"""Differences that are on the page."""
WIDE = 400
"""Characters of one message."""
POLICY = "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'"


def to_page(report: Report) -> str:
    """The HTML document."""
    title = "no difference" if report.same else f"{_differing(report):,} differences"
    head = tag(
        "head",
        tag("meta", charset="utf-8"),
        tag("meta", name="viewport", content="width=device-width, initial-scale=1"),
        Markup(f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">'),
        tag("title", f"{title}: {report.a} and {report.b}"),
        tag("style", trusted(STYLE)),
    )
    body = tag("body", tag("main", _parts(report)), tag("script", trusted(SCRIPT)))
    return f"<!doctype html>\n{tag('html', head, body, lang='en')}\n"


def _differing(report: Report) -> int:
    return sum(count for state, count in report.counts.items() if state.differs)


def _parts(report: Report) -> Iterable[Child]:
    yield tag("h1", "Two sessions side by side")
    yield tag("div", tag("span", "a ", tag("b", report.a)), tag("span", "b ", tag("b", report.b)),
              class_="sides")  # fmt: skip
    yield _verdict(report)
    if report.first is not None:
        yield from _first(report, report.first)
    yield from _differences(report)
    if report.answers:
        yield tag("h2", "How requests were answered")
        yield tag("div", _answers(report), class_="card")
    yield tag("h2", "Messages by kind")
    yield tag("div", _kinds(report), class_="card")
    yield tag("h2", "Flows")
    yield tag("div", _legs(report), class_="card")
    masked = report.masked
    yield tag(
        "footer",
        tag("p", f"{masked}. Masked is what differs at every run, as the protocol declares it; "
            "keepalives may differ in number."),
    )  # fmt: skip


def _verdict(report: Report) -> Markup:
    counts = report.counts
    total = max(1, sum(counts.values()))
    states = [state for state in State if counts[state]]
    bar = [
        tag("i", class_=f"s-{one.value}", style=f"width:{100 * counts[one] / total:.3f}%")
        for one in states
    ]
    legend = [
        tag("span", tag("i", class_=f"s-{one.value}"), f"{counts[one]:,} {one.value}")
        for one in states
    ]
    words = f"No difference in {total:,} messages"
    if not report.same:
        words = f"{_differing(report):,} of {total:,} messages differ"
    return tag(
        "div",
        tag("div", tag("span", class_="dot"), words, class_="verdict"),
        tag("div", bar, class_="bar"),
        tag("div", legend, class_="legend"),
        [tag("p", notice, class_="note") for notice in report.notices],
        class_="card ok" if report.same else "card",
    )


def _first(report: Report, first: Entry) -> Iterable[Child]:
    yield tag("h2", "First difference")
    cells: list[Child] = [tag("div", "a", class_="head"), tag("div", "b", class_="head")]
    for entry in report.context:
        here = " here" if entry is first else ""
        cells.append(_said(entry.a, entry, "minus", here))
        cells.append(_said(entry.b, entry, "plus", here))
    yield tag(
        "div",
        tag("p", tag("b", first.leg), " ", _frames(first), ": ", first.sentence()),
        tag("div", cells, class_="talk"),
        _fields(first),
        class_="card",
    )


def _said(said: Said | None, entry: Entry, side: str, here: str) -> Markup:
    if said is None:
        return tag("div", class_=f"said none{here}")
    way = "c>s" if said.direction is Direction.TO_SERVER else "s>c"
    look = side if entry.state.differs else "quiet"
    return tag("div", tag("span", way, class_="way"), crop(show_said(said), WIDE),
               class_=f"said {look}{here}")  # fmt: skip


def _frames(entry: Entry) -> Markup:
    a = f"frame {entry.a.frame}" if entry.a else "nothing"
    b = f"frame {entry.b.frame}" if entry.b else "nothing"
    return tag("span", f"{a} | {b}", class_="frames")


def _fields(entry: Entry) -> Child:
    if not entry.changes:
        return None
    rows = [
        tag(
            "tr",
            tag("td", change.path),
            tag("td", tag("code", show_value(change.a)), class_="a"),
            tag("td", tag("code", show_value(change.b)), class_="b"),
        )
        for change in entry.changes
    ]
    return tag("table", rows, class_="fields")


def _table(head: Sequence[str], rows: Iterable[Sequence[Child]]) -> Markup:
    return tag(
        "table",
        tag("tr", [tag("th", name) for name in head]),
        [tag("tr", row) for row in rows],
    )


def _number(count: int, look: str = "") -> Markup:
    return tag("td", f"{count:,}" if count else "·", class_=look if count else "zero")


def _kind(kind: str, what: str) -> Markup:
    return tag("td", tag("code", kind), " ", tag("span", what, class_="frames"))


def _answers(report: Report) -> Markup:
    head = ("request", "asked", "answered", "differently", "never", "extra", "not asked")
    rows = [
        [
            _kind(row.kind, row.protocol),
            _number(row.asked),
            _number(row.answered, "good"),
            *(_number(n, "bad") for n in (row.differently, row.never, row.extra, row.not_asked)),
        ]
        for row in sorted(report.answers, key=lambda row: not row.differs)
    ]
    return _table(head, rows)


def _kinds(report: Report) -> Iterable[Child]:
    """Kinds that differ; the others folded away."""
    differing = [row for row in report.kinds if row.differs]
    same = [row for row in report.kinds if not row.differs]
    if differing:
        yield _kind_table(differing)
    if same:
        title = f"{len(same)} kinds without a difference"
        yield tag("details", tag("summary", title), _kind_table(same), open=not differing)


def _kind_table(kinds: Sequence[KindRow]) -> Markup:
    rows = [
        [
            tag(
                "td", tag("code", row.kind), " ", tag("span", row.direction.value, class_="frames")
            ),
            *(
                _number(
                    row.counts[one],
                    "bad" if one.differs else "good" if one is State.SAME else "",
                )
                for one in State
            ),
        ]
        for row in kinds
    ]
    return _table(("kind", *(state.value for state in State)), rows)


def _differences(report: Report) -> Iterable[Child]:
    entries = report.differences
    if not entries:
        return
    yield tag("h2", f"All differences ({_differing(report):,})")
    more = _differing(report) - min(len(entries), LISTED)
    yield tag(
        "div",
        tag("input", type="search", placeholder="Find a kind, a field, a value"),
        [_difference(entry) for entry in entries[:LISTED]],
        tag("p", f"and {more:,} more: see --json", class_="note") if more else None,
        class_="card",
    )


def _difference(entry: Entry) -> Markup:
    said = [
        tag("div", crop(show_said(one), WIDE), class_=f"said {look}")
        for one, look in ((entry.a, "minus"), (entry.b, "plus"))
        if one is not None
    ]
    return tag(
        "details",
        tag(
            "summary",
            tag("span", entry.state.value, class_=f"tag s-{entry.state.value}"),
            tag("span", entry.sentence(), class_="what"),
            tag("span", entry.leg, class_="frames"),
            _frames(entry),
        ),
        said,
        _fields(entry),
        class_="one",
    )


def _legs(report: Report) -> Markup:
    rows = [
        [
            tag("td", leg.label),
            tag("td", tag("code", leg.frame_a or "none")),
            tag("td", tag("code", leg.frame_b or "none")),
            _number(leg.counts[State.SAME], "good"),
            _number(sum(n for one, n in leg.counts.items() if one.differs), "bad"),
        ]
        for leg in report.legs
    ]
    return _table(("flow", "a", "b", "same", "differing"), rows)
