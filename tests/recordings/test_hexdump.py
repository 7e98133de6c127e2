"""Hexdumps with the letters of fields."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from recordings.hexdump import Marks, hexdump
from recordings.model import Span


def lines(data: bytes, marks: Marks | None = None, limit: int | None = None) -> list[str]:
    return [line.plain for line in hexdump(data, marks, limit)]


def test_a_dump_has_offset_hex_and_ascii() -> None:
    assert lines(b"0123456789abcdef\x00\xff~") == [
        "  0000  30 31 32 33 34 35 36 37  38 39 61 62 63 64 65 66  0123456789abcdef",
        "  0010  00 ff 7e                                          ..~",
    ]


def test_letters_stand_below_the_bytes_of_a_field() -> None:
    marks = Marks.of([Span("NAME", 1, 3), Span("PASS", 9, 10)], 12)
    assert lines(b"abcdefghijkl", marks) == [
        "  0000  61 62 63 64 65 66 67 68  69 6a 6b 6c              abcdefghijkl",
        "           a  a                     b",
    ]
    assert marks.letters == {"NAME": "a", "PASS": "b"}


def test_the_innermost_span_wins() -> None:
    marks = Marks.of([Span("user.name", 1, 2), Span("user", 0, 4)], 4)
    assert [marks.owners[i] for i in range(4)] == ["a", "b", "a", "a"]


def test_letters_begin_again_after_52_fields() -> None:
    marks = Marks.of([Span(f"f{i}", i, i + 1) for i in range(60)], 60)
    assert marks.letters["f51"] == "Z"
    assert marks.letters["f52"] == "a"


def test_spans_beyond_the_bytes_do_no_harm() -> None:
    marks = Marks.of([Span("a", -5, 2), Span("b", 3, 1 << 60), Span("c", 100, 200)], 5)
    assert sorted(marks.owners) == [0, 1, 3, 4]


def test_what_was_changed_is_marked() -> None:
    marks = Marks.of_change(b"ADDR=203.0.113.9;", b"ADDR=127.0.0.1;")
    assert (min(marks.owners), max(marks.owners)) == (5, 13)
    assert Marks.of_change(b"same", b"same").owners == {}
    assert Marks.of_change(b"aa", b"aaa").owners == {2: "^"}


def test_a_long_frame_is_cut_and_says_so() -> None:
    shown = lines(bytes(100), limit=32)
    assert len(shown) == 3
    assert shown[-1] == "  … 68 bytes more: --all shows them"


@given(data=st.binary(max_size=100))
def test_a_dump_holds_every_byte(data: bytes) -> None:
    assert "".join(line[8:57] for line in lines(data)).replace(" ", "") == data.hex()
