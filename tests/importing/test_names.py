"""Names out of DNS answers."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from proxy.importing.names import answers
from tests.importing.making import dns_answer

ANSWER = dns_answer("lobby.example.com", "203.0.113.9")[28:]


def test_an_answer_names_its_addresses() -> None:
    assert answers(ANSWER) == {"203.0.113.9": "lobby.example.com"}


def test_questions_and_circles_name_nothing() -> None:
    assert answers(ANSWER[:2] + b"\1\0" + ANSWER[4:]) == {}
    assert answers(ANSWER[:12] + b"\xc0\x0c" + ANSWER[12:]) == {}


@given(st.data())
def test_nothing_raises(data: st.DataObject) -> None:
    answer = bytearray(ANSWER)
    for place in data.draw(st.lists(st.integers(0, len(answer) - 1), max_size=6)):
        answer[place] = data.draw(st.integers(0, 255))
    found = answers(bytes(answer[: data.draw(st.integers(0, len(answer)))]))
    assert len(found) <= 64
