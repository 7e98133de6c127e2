"""Filters judged in memory find the very frames that their SQL finds."""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import partial

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recordings.errors import UserError
from recordings.filter_match import Subject, compile_matcher, terms
from recordings.filter_syntax import OPERATORS, parse
from recordings.filters import compile_filter
from recordings.model import Direction, Frame
from recordings.reader import Reader, frame_of
from tests.recordings.sample import write_sample
from tests.recordings.test_filters import CASES


@pytest.fixture(scope="module")
def reader(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Reader]:
    path = write_sample(tmp_path_factory.mktemp("match") / "sample.db")
    with Reader.open(path) as opened:
        yield opened


@pytest.fixture(scope="module")
def subjects(reader: Reader) -> list[Subject]:
    flows = {flow.id: flow for flow in reader.flows()}
    made = []
    for row in reader.rows():
        frame, flow = frame_of(row), flows[row["flow_id"]]
        made.append(
            Subject(
                frame,
                frame.kind,
                flow.protocol,
                partial(json.loads, frame.fields or "null"),
                flow.transport,
                flow.client,
                flow.server,
                flow.hostname,
                flow.session_id,
            )
        )
    return made


def by_sql(reader: Reader, text: str) -> list[int]:
    where = compile_filter(text)
    return [row["id"] for row in reader.rows(where.sql, where.parameters)]


def in_memory(subjects: list[Subject], text: str) -> list[int]:
    matches = compile_matcher(text)
    return [one.frame.id for one in subjects if matches(one)]


@pytest.mark.parametrize(("text", "ids"), CASES, ids=[text for text, _ in CASES])
def test_an_expression_finds_these_frames(
    subjects: list[Subject], text: str, ids: list[int]
) -> None:
    assert in_memory(subjects, text) == ids


_OPERANDS = {
    "k": ["auth", "a*", "*", "Chat", "*Data", "[a]*", "Pong"],
    "f": [
        *("NAME", "name=alice", "NAME!=alice", "NAME~^A", "PORT>10000", "PORT=10901", "MAC="),
        *("auth.NAME", "ea-lobby.auth.NAME=alice", "EA-*.auth.NAME~.", "users[0].ping<=17"),
        *("users~bob", "messages~Chat", "messages[0].kind=Chat", "last=true", "last>0"),
        *("delay=1.5", "delay>=1", "none=null", "none!=x", "checks.MAC~wrong", "NAME[1]=x"),
        *("size=0x2", "users[9].name", "kaillera.ServerStatus.users[1].name=Carol", "long~AAA"),
    ],
    "d": ["up", "s>c"],
    "p": ["ea-*", "KAILLERA", "raw-tcp", "*"],
    "b": [r"\xff", "secret", "^$", "pong"],
    "s": ["1", "2", "3"],
    "flow": ["1", "4"],
    "n": ["1", "2-5", "-7", "11-"],
    "src": ["192", "^.2001"],
    "dst": ["203", "ea"],
}


def _quoted(word: str) -> str:
    return "'" + word.replace("'", "\\'") + "'"


def _filters() -> st.SearchStrategy[str]:
    term = st.one_of(
        *(
            st.sampled_from([f"~{name} {_quoted(one)}" for one in _OPERANDS[name]])
            if wanted
            else st.just(f"~{name}")
            for name, (wanted, _) in OPERATORS.items()
        )
    )
    return st.recursive(
        term,
        lambda inner: st.one_of(
            inner.map(lambda one: f"!({one})"),
            st.tuples(inner, st.sampled_from([" & ", " | ", " "]), inner).map(
                lambda parts: "(" + "".join(parts) + ")"
            ),
        ),
        max_leaves=4,
    )


def test_every_operator_is_drawn() -> None:
    assert {name for name, (wanted, _) in OPERATORS.items() if wanted} == set(_OPERANDS)


def test_any_filter_finds_what_its_sql_finds(reader: Reader, subjects: list[Subject]) -> None:
    @given(text=_filters())
    def check(text: str) -> None:
        assert in_memory(subjects, text) == by_sql(reader, text)

    check()


@pytest.mark.parametrize("text", ["~x", "~f", "~b '('", "~k", "~f PORT>x", "~n 5-2", ""])
def test_a_wrong_filter_is_refused_like_everywhere(text: str) -> None:
    with pytest.raises(UserError):
        compile_matcher(text)


@pytest.mark.parametrize("text", ["~s 1", "~k a & ~n 5"])
def test_numbers_that_come_with_recording_are_refused_live(text: str) -> None:
    with pytest.raises(UserError, match="not known before"):
        compile_matcher(text, live=True)


def test_an_expression_that_would_run_for_ever_is_stopped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("recordings.filter_values.SEARCH_SECONDS", 0.05)
    body = Frame(Direction.TO_SERVER, 0, b"a" * 40_000 + b"!")
    matches = compile_matcher("~b '^((a|a)+)+$'")
    with pytest.raises(UserError, match="took over"):
        matches(Subject(body, None, "raw-tcp", lambda: None))


def test_terms_that_must_hold() -> None:
    node = parse("~k a & (~d up ~p x) & !~e & (~k b | ~k c)")
    assert [(term.operator, term.value) for term in terms(node)] == [
        ("k", "a"),
        ("d", "up"),
        ("p", "x"),
    ]
