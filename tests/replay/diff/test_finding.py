"""Two honest runs show no difference; one changed value is found, at its message and field.

The sessions hold every message of every protocol's golden bytes. In the second run every volatile
value is another one; then each value that is not declared volatile is changed in turn.
"""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from proxy import registry
from recordings.model import Frame, Json
from replay.adaptive.fields import leaves
from replay.diff.compare import compare
from replay.diff.said import Marks
from tests.replay.diff.sittings import Spoken, changed, other, spoken

ALL = list(spoken())
NAMES = [one.protocol.name for one in ALL]
FOUND = 0.95
"""Share of changes that must be found."""


def values(one: Spoken, frame: Frame, marks: Marks) -> Iterator[tuple[str, str, Json, bool]]:
    """Path in the frame, path in its message, value, and whether that is volatile."""
    masks = marks.of(frame.protocol or one.protocol.name)
    document = json.loads(frame.fields or "{}")
    messages = document.get("messages")
    if not isinstance(messages, list):
        for path, value in leaves(document):
            yield path, path, value, masks.rule(frame.kind or "", path) is not None
        return
    for number, message in enumerate(messages):
        if message["number"] not in (frame.derived or {}).get("new", [message["number"]]):
            continue  # said before
        for path, value in leaves(message["fields"]):
            where = f"messages[{number}].fields.{path}"
            yield where, path, value, masks.rule(message["kind"], path) is not None


def honest(one: Spoken, marks: Marks) -> list[Frame]:
    """The same session on another day: every volatile value is another one."""
    made = []
    for frame in one.frames:
        for where, _, value, volatile in values(one, frame, marks):
            if volatile:
                frame = changed(frame, where, other(value))
        made.append(frame)
    return made


def test_every_kind_of_every_protocol_is_there() -> None:
    heard = {
        (name, said.kind)
        for one in ALL
        for leg in one.sitting(one.frames, Marks()).legs
        for said in leg.said
        for name in [said.protocol]
    }
    declared = {
        (one.name, kind.name) for one in registry.protocols().values() for kind in one.kinds
    }
    missing = {kind for _, kind in declared - heard}
    assert len(declared & heard) > 0.97 * len(declared), sorted(missing)


@pytest.mark.parametrize("one", ALL, ids=NAMES)
def test_two_honest_runs_show_no_difference(one: Spoken) -> None:
    marks = Marks()
    first = one.sitting(one.frames, marks)
    report = compare(first, one.sitting(honest(one, marks), marks), marks)
    assert report.same, report.first and report.first.sentence()
    assert report.exit_code == 0
    print(f"{one.protocol.name}: {report.masked}")


@pytest.mark.parametrize("one", ALL, ids=NAMES)
def test_a_changed_value_is_found_at_its_message_and_field(one: Spoken) -> None:
    marks = Marks()
    first = one.sitting(one.frames, marks)
    run = honest(one, marks)
    tried, masked, missed = 0, 0, []
    for number, frame in enumerate(run):
        for where, path, value, volatile in values(one, frame, marks):
            tried += not volatile
            masked += volatile
            if volatile:
                continue
            spoilt = [*run[:number], changed(frame, where, other(value, 2)), *run[number + 1 :]]
            report = compare(first, one.sitting(spoilt, marks), marks)
            entry = report.first
            right = entry is not None and {
                said.frame for said in (entry.a, entry.b) if said is not None
            } == {frame.id}
            if not right or path not in [change.path for change in entry.changes]:  # type: ignore[union-attr]
                missed.append(
                    f"{frame.kind}.{path}={value} of frame {frame.id}: {entry and entry.sentence()}"
                )
    print(
        f"{one.protocol.name}: {tried - len(missed)} of {tried} changes found, "
        f"{masked} of {tried + masked} values masked ({masked / max(1, tried + masked):.1%})"
    )
    assert tried - len(missed) >= FOUND * tried, missed[:20]
