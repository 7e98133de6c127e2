"""The report as JUnit XML, which CI servers show: a suite per protocol, a case per kind."""

from __future__ import annotations

from collections import defaultdict

from recordings.markup import Markup, tag
from recordings.model import Direction
from replay.diff.report import Entry, KindRow, Report, State, show_value

DETAILS = 50
"""Differences of one kind that are written out."""


def to_junit(report: Report) -> str:
    """The XML document."""
    by_kind: dict[tuple[str, str, Direction], list[Entry]] = defaultdict(list)
    for entry in report.differences:
        said = entry.said
        by_kind[said.protocol, said.kind, said.direction].append(entry)
    protocols: dict[str, list[KindRow]] = defaultdict(list)
    for row in report.kinds:
        protocols[row.protocol].append(row)
    suites = []
    for protocol, rows in protocols.items():
        cases = [_case(row, by_kind[row.protocol, row.kind, row.direction]) for row in rows]
        suites.append(
            tag(
                "testsuite",
                cases,
                name=f"{protocol}: {report.a} and {report.b}",
                tests=len(rows),
                failures=sum(row.differs for row in rows),
                errors=0,
                skipped=0,
            )
        )
    failed = sum(row.differs for row in report.kinds)
    body = tag(
        "testsuites", suites, name="understudy diff", tests=len(report.kinds), failures=failed
    )
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{body}\n'


def _case(row: KindRow, entries: list[Entry]) -> Markup:
    way = "to the server" if row.direction is Direction.TO_SERVER else "from the server"
    failure: Markup | None = None
    if row.differs:
        counts = [f"{row.counts[one]} {one.value}" for one in State if row.counts[one]]
        failure = tag("failure", _details(entries), message=", ".join(counts), type="difference")
    return tag("testcase", failure, classname=row.protocol, name=f"{row.kind} {way}")


def _details(entries: list[Entry]) -> list[Markup | str]:
    """Text of a failure; line breaks are ours, all else is escaped."""
    out: list[Markup | str] = []
    for entry in entries[:DETAILS]:
        a = f"frame {entry.a.frame} of a" if entry.a else "nothing in a"
        b = f"frame {entry.b.frame} of b" if entry.b else "nothing in b"
        out += [f"{entry.leg}, {a}, {b}: {entry.sentence()}", Markup("\n")]
        for change in entry.changes:
            out += [f"  {change.path}: {show_value(change.a)} -> {show_value(change.b)}"]
            out += [Markup("\n")]
    if len(entries) > DETAILS:
        out.append(f"and {len(entries) - DETAILS} more")
    return out
