"""How values are shown to a person."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recordings import text
from recordings.model import Json
from tests.recordings.sample import HOSTILE

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=60),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=9), inner),
    max_leaves=12,
)


@pytest.fixture
def utc(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    if not hasattr(time, "tzset"):
        pytest.skip("this system cannot change the time zone of a process")
    with monkeypatch.context() as patch:
        patch.setenv("TZ", "XYZ-2")
        time.tzset()
        yield
    time.tzset()


@given(value=st.text())
def test_safe_text_holds_nothing_that_a_terminal_obeys(value: str) -> None:
    assert text.safe(value).isprintable()


def test_safe_text_says_what_it_was() -> None:
    assert text.safe("a\x1b[2J\n\x9b\u202e") == r"a\x1b[2J\n\x9b\u202e"
    assert text.safe("Jörg 日本 [red]") == "Jörg 日本 [red]"


@given(value=JSON)
def test_json_is_the_value_on_one_safe_line(value: Json) -> None:
    line = text.dump(value)
    assert line.isprintable()
    assert json.loads(line) == value


@given(value=JSON, limit=st.integers(5, 80))
def test_a_summary_is_short_and_safe(value: Json, limit: int) -> None:
    line = text.summary({"A": value, "B": 1}, limit)
    assert line.isprintable()
    assert len(line) <= limit


@pytest.mark.parametrize(
    ("fields", "line"),
    [
        ({"NAME": "alice", "PASS": "my secret", "TOS": ""}, 'NAME=alice PASS="my secret" TOS=""'),
        ({"n": 1, "x": None, "ok": True, "f": 0.5}, "n=1 x=null ok=true f=0.5"),
        ({"users": [{"a": 1}, {"a": 2}], "games": []}, "users=[2] games=[]"),
        ({"pair": {"a": 1, "b": "c"}, "l": [1, 2]}, "pair={a=1,b=c} l=[1, 2]"),
        ({"messages": [{"kind": "Chat", "fields": {"text": "hi"}}]}, "text=hi"),
        (
            {"messages": [{"kind": "A", "fields": {"x": 1}}, {"kind": "B", "fields": {}}]},
            "A(x=1) B()",
        ),
        ({"long": "x" * 50}, "long=" + "x" * 39 + "…"),
        ({}, ""),
        (None, ""),
        ([1], ""),
    ],
)
def test_a_summary(fields: Json, line: str) -> None:
    assert text.summary(fields) == line


@pytest.mark.parametrize(
    ("derived", "line"),
    [
        ({"new": [8], "seen": [7]}, "text=hi"),
        ({"new": [7, 8], "seen": []}, "Chat(text=hi) Quit(text=bye)"),
        ({"new": [], "seen": [7, 8]}, "text=hi"),
        ({"new": "odd"}, "Chat(text=hi) Quit(text=bye)"),
        (None, "Chat(text=hi) Quit(text=bye)"),
    ],
)
def test_of_a_bundle_what_is_repeated_is_not_shown_again(derived: Json, line: str) -> None:
    fields: Json = {
        "messages": [
            {"number": 8, "kind": "Chat", "fields": {"text": "hi"}},
            {"number": 7, "kind": "Quit", "fields": {"text": "bye"}},
        ]
    }
    assert text.summary(fields, derived=derived) == line


def test_every_leaf_has_a_path() -> None:
    fields = {"users": [{"name": "bob", "tags": []}], "n": 1, "o": {}}
    assert dict(text.flatten(fields)) == {
        "users[0].name": "bob", "users[0].tags": [], "n": 1, "o": {}
    }  # fmt: skip
    assert list(text.flatten({})) == []


@pytest.mark.usefixtures("utc")
def test_times_are_local() -> None:
    assert text.local_time(1_795_000_000_123_456) == "2026-11-18 13:06:40.123"
    assert text.local_iso("2026-11-18T11:06:40.123456Z") == "2026-11-18 13:06:40"
    assert text.local_iso("2026-11-18T11:06:40") == "2026-11-18 13:06:40"
    assert text.local_iso(None) == ""


def test_times_that_are_none_are_shown_as_they_are() -> None:
    assert text.local_time(1 << 62) == f"{1 << 62} µs"
    assert text.local_iso(HOSTILE) == text.safe(HOSTILE)


@pytest.mark.parametrize(
    ("microseconds", "shown"),
    [
        (0, "0.000 s"),
        (12_345, "0.012 s"),
        (4_200_000, "4.2 s"),
        (59_960_000, "1:00"),
        (187_000_000, "3:07"),
        (7_384_000_000, "2:03:04"),
        (-5_000_000, "-5.0 s"),
    ],
)
def test_durations(microseconds: int, shown: str) -> None:
    assert text.span(microseconds) == shown


@pytest.mark.parametrize(
    ("count", "shown"),
    [(0, "0 B"), (999, "999 B"), (1536, "1.5 KiB"), (5 << 20, "5.0 MiB"), (3 << 40, "3072.0 GiB")],
)
def test_sizes(count: int, shown: str) -> None:
    assert text.size(count) == shown


def test_bytes_as_ascii() -> None:
    assert text.ascii_text(b"a\x00~\x7f\xff\n") == "a.~..."


@pytest.mark.parametrize("value", [None, "", "{"])
def test_json_that_is_none_is_none(value: str | None) -> None:
    assert text.load(value) is None


@pytest.mark.parametrize("depth", [51, 900, 100_000])
def test_json_that_is_too_deep_stays_text(depth: int) -> None:
    deep = "[" * depth + "]" * depth
    assert text.load(deep) == deep
    assert text.load("[" * 49 + "1" + "]" * 49) != deep


def test_wide_json_is_not_deep() -> None:
    assert text.load(json.dumps({"a": list(range(100_000))})) == {"a": list(range(100_000))}
