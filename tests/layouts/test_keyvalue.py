from __future__ import annotations

import timeit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.layouts.keyvalue import KeyValue, command, lookup
from proxy.message import FieldError, WireError
from recordings.model import Span

FINAL = b"\\final\\"


@pytest.mark.parametrize(
    ("raw", "fields"),
    [
        (rb"\ka\\final" + b"\\", {"ka": ""}),
        (rb"\ka" + FINAL, {"ka": None}),
        (rb"\lc\1\id\1" + FINAL, {"lc": "1", "id": "1"}),
        (rb"\a\1\b" + b"\\\r\n\xe9" + FINAL, {"a": "1", "b": "\r\n\xe9"}),
        (rb"\status" + b"\\", {"status": ""}),
        (rb"\basic\\secure\ABC", {"basic": "", "secure": "ABC"}),
        (
            rb"\validate\abc\final\\queryid\2.1",
            {"validate": "abc", "final": "", "queryid": "2.1"},
        ),
        (rb"\auth\\skey\1\reqproof\1" + b"\\", {"auth": "", "skey": "1", "reqproof": "1"}),
        (b"\\ka\\\0", {"ka": ""}),
        (rb"\ucount", {"ucount": None}),
        (rb"\pi\profileid\1\sig\2" + FINAL, {"pi": None, "profileid": "1", "sig": "2"}),
        (rb"\bsr\1\nick\a\bsrdone" + FINAL, {"bsr": "1", "nick": "a", "bsrdone": None}),
        (
            rb"\o\1\n\a\o\2\n\b\o\3" + FINAL,
            {"o": "1", "n": "a", "o[1]": "2", "n[1]": "b", "o[2]": "3"},
        ),
        (FINAL, {"final": ""}),
        (rb"\a\1\\2" + FINAL, {"a": "1", "": "2"}),
    ],
)
def test_forms(raw: bytes, fields: dict[str, str | None]) -> None:
    message = KeyValue.parse(raw)
    assert message.encode() == raw
    assert message.fields() == fields
    assert list(message.fields()) == list(fields)
    assert message.kind == next(iter(fields))
    for span in message.spans():
        if span.path:
            assert raw[span.start : span.end].decode("latin-1") == message.get(span.path)


@pytest.mark.parametrize("raw", [b"", b"ka", b"\\", b"\\\\final\\", b"\\\\x\\1\\final\\"])
def test_what_is_no_message(raw: bytes) -> None:
    with pytest.raises(WireError, match=r"^byte [01]: "):
        KeyValue.parse(raw)


@given(st.text(alphabet="\\ab\x00\x01l[1]. ", max_size=40).map(lambda text: f"\\a{text}"))
def test_whatever_is_read_encodes_back(text: str) -> None:
    raw = text.encode("latin-1")
    for data in (raw, raw + FINAL):
        try:
            message = KeyValue.parse(data)
        except WireError:
            continue
        assert message.encode() == data
        assert all(0 <= span.start <= span.end <= len(data) for span in message.spans())
        message.fields()


def test_pairs_are_set_added_and_deleted() -> None:
    message = KeyValue.parse(rb"\o\1\n\a\o\2\n\b" + FINAL)
    assert message.get("o[1]") == "2"
    assert message.get("o[0]") == "1"
    assert message.set("n[1]", "z").encode() == rb"\o\1\n\a\o\2\n\z" + FINAL
    assert message.set("new", 7).encode() == rb"\o\1\n\a\o\2\n\b\new\7" + FINAL
    assert message.set("n[2]", b"\xff").encode() == rb"\o\1\n\a\o\2\n\b\n" + b"\\\xff" + FINAL
    assert message.delete("n").encode() == rb"\o\1\o\2\n\b" + FINAL
    assert message.set("n", True).get("n") == "1"
    assert message == KeyValue.parse(message.encode())
    assert hash(message) == hash(KeyValue.parse(message.encode()))
    assert message != message.delete("n")


def test_a_bare_key_keeps_its_form_until_it_gets_a_value() -> None:
    message = KeyValue.parse(rb"\pi\a\1\b\2" + FINAL)
    assert message.pairs() == [("pi", None), ("a", "1"), ("b", "2")]
    assert message.set("pi", None) is message
    assert message.delete("a").encode() == rb"\pi\b\2" + FINAL
    assert message.set("a", "3").encode() == rb"\pi\a\3\b\2" + FINAL
    assert message.set("pi", "x").encode() == rb"\pi\x\a\1\b\2" + FINAL
    done = KeyValue.parse(rb"\bsr\1\nick\a\bsrdone" + FINAL)
    assert done.delete("nick").encode() == rb"\bsr\1\bsrdone" + FINAL
    assert done.delete("bsrdone").encode() == rb"\bsr\1\nick\a" + FINAL


@pytest.mark.parametrize(
    ("path", "value", "match"),
    [
        ("a", "back\\slash", "a value holds no backslash"),
        ("back\\slash", "x", "a key holds no backslash"),
        ("a", "\u20ac", "no Latin-1 character"),
        ("a", None, "cannot be written"),
        ("a", {"b": "c"}, "cannot be written"),
    ],
)
def test_what_cannot_be_set(path: str, value: object, match: str) -> None:
    with pytest.raises(ValueError, match=match):
        KeyValue.parse(rb"\a\1" + FINAL).set(path, value)


def test_what_is_not_there() -> None:
    message = KeyValue.parse(rb"\login\\nick\a" + FINAL)
    with pytest.raises(FieldError, match="did you mean nick"):
        message.get("nik")
    with pytest.raises(FieldError):
        message.set("nick[5]", "x")
    with pytest.raises(ValueError, match="is the command"):
        message.delete("login")


def test_make() -> None:
    message = KeyValue.make(("lc", 1), ("challenge", "ABC"), ("id", 1))
    assert message.encode() == rb"\lc\1\challenge\ABC\id\1" + FINAL
    assert KeyValue.make(("ka", ""), tail="").encode() == b"\\ka\\"
    records = KeyValue.make(("o", "1"), ("n", "a"), ("o", "2"), ("n", "b"))
    assert records.encode() == rb"\o\1\n\a\o\2\n\b" + FINAL


def test_lookup_finds_what_the_makers_reader_finds() -> None:
    raw = rb"\login\\user\id\id\7\last\x"
    assert lookup(raw, "user") == b"id"
    assert lookup(raw, "id") == b"id"  # the value `id` of `user` is taken for the key
    assert lookup(raw, "last") == b"x"
    assert lookup(raw, "none") is None
    assert (command(raw), command(b"x"), command(b"")) == (b"login", b"", b"")


def test_spans_of_values() -> None:
    message = KeyValue.parse(rb"\lc\1\id\22" + FINAL)
    assert message.spans() == [Span("lc", 4, 5), Span("id", 9, 11)]


def test_a_view_costs_less_than_thirty_microseconds() -> None:
    """A login of 233 bytes, read and encoded back; the best of some rounds."""
    raw = (
        rb"\login\\challenge\0123456789abcdef0123456789abcdef\user\ann@ann@example.net\partnerid\0"
        rb"\response\0123456789abcdef0123456789abcdef\firewall\1\port\0\productid\0\gamename\gmtest"
        rb"\namespaceid\0\sdkrevision\11\quiet\0\id\1"
    ) + FINAL
    best = min(timeit.repeat(lambda: KeyValue.parse(raw).encode() == raw, number=500, repeat=9))
    assert best / 500 < 30e-6
