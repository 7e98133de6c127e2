"""What the browser offers and makes of frames: completion, rows side by side, copies."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

pytest.importorskip("textual", reason="the extra tui is not installed")

from recordings.browse.align import align, differs
from recordings.browse.completion import Vocabulary, complete
from recordings.browse.copying import as_hex, as_object, as_vector, file_name
from recordings.browse.detail import gather
from recordings.browse.pages import Line
from recordings.filters import compile_filter
from recordings.frame_report import Report
from recordings.reader import Reader
from recordings.viewing import LazyViewer
from tests.recordings.sample import write_sample

VIEWER = LazyViewer("proxy.viewer", "VIEWER")


def line(kind: str, direction: str = "c>s", fields: object = None, number: int = 1) -> Line:
    text = None if fields is None else json.dumps(fields)
    return Line(
        number, number, 1, 1, 0, direction, kind, text, None, None, "ea-lobby", None, b"", 0
    )


@pytest.fixture
def vocabulary() -> Vocabulary:
    known = Vocabulary()
    known.know("ea-lobby", ["auth", "+msg", "quit"], ["NAME", "PASS"])
    users = [{"name": "bob"}, {"name": "eve"}]
    bundle = {"messages": [{"kind": "Status", "fields": {"users": users}}]}
    known.see([line("auth", fields={"NAME": "a"}), line("a b"), line("Bundle", fields=bundle)])
    return known


@pytest.mark.parametrize(
    ("text", "offers"),
    [
        ("~k a", ["~k 'a b'", "~k auth", "~k Status"]),
        ("~k AUT", ["~k auth"]),
        ("!(~d up | ~k q", ["!(~d up | ~k quit"]),
        ("~f na", ["~f NAME", "~f users[0].name"]),
        ("~f NAME=al", []),
        ("~p ", ["~p ea-lobby"]),
        ("~d ", ["~d up", "~d down"]),
        ("~ch", ["~changed"]),
        ("~f", ["~f ", "~flow "]),
        ("auth", []),
        ("", []),
    ],
)
def test_completion(vocabulary: Vocabulary, text: str, offers: list[str]) -> None:
    assert complete(text, vocabulary) == offers
    for offer in offers:
        if not offer.endswith(" ") and "(" not in offer:
            compile_filter(offer)


def test_hostile_words_are_not_offered() -> None:
    vocabulary = Vocabulary()
    vocabulary.see([line("evil\x1b[2J", fields={"a\nb": 1}), line("x", fields="no object")])
    assert complete("~k ", vocabulary) == ["~k x"]
    assert complete("~f ", vocabulary) == []


def test_sessions_side_by_side() -> None:
    left = [line(kind, number=n) for n, kind in enumerate(["a", "b", "c", "d", "e"], 1)]
    right = [line(kind, number=n) for n, kind in enumerate(["a", "c", "x", "d", "e", "f"], 1)]
    pairs = align(left, right)
    assert [(one and one.kind, other and other.kind) for one, other in pairs] == [
        ("a", "a"), ("b", None), ("c", "c"), (None, "x"), ("d", "d"), ("e", "e"), (None, "f"),
    ]  # fmt: skip
    assert not differs((left[0], right[0]))
    assert differs((left[0], None))
    assert differs((line("a", fields={"x": 1}), line("a", fields={"x": 2})))
    assert align(left, []) == [(one, None) for one in left]


@pytest.fixture
def login(tmp_path: Path) -> Report:
    with Reader.open(write_sample(tmp_path / "sample.db")) as reader:
        report = gather(reader, 4, VIEWER)
        assert gather(reader, 99, VIEWER) is None
    assert report is not None
    return report


def test_what_belongs_to_a_frame(login: Report) -> None:
    assert login.shown.fields == {"NAME": "alice", "PASS": "secret", "MAC": ""}
    assert [key.name for key in login.used] == ["skey"]
    assert [note.text for note in login.notes] == ["the first login"]
    assert login.checks["PASS"] == "ok"


def test_copies(login: Report) -> None:
    assert bytes.fromhex(as_hex(login)) == login.frame.raw
    assert json.loads(as_object(login))["frame"]["plain"] == (login.frame.plain or b"").hex()
    assert file_name(login, "json") == "frame-4-auth.json"


def test_a_vector_is_python_that_says_the_same(login: Report) -> None:
    from recordings.model import Direction

    made: list[tuple[object, ...]] = []

    def vector(*args: object, **named: object) -> None:
        made.append((*args, named))

    exec(as_vector(login), {"Vector": vector, "Direction": Direction})
    name, direction, raw, kind, fields, named = made[0]
    assert name == "auth, frame 4 of a recording"
    assert (direction, raw, kind) == (login.frame.direction, login.frame.raw, "auth")
    assert fields == login.shown.fields
    assert isinstance(named, dict)
    assert named["plain"] == login.frame.plain
    assert "# PASS secret" in as_vector(login)
