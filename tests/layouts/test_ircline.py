from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.layouts.ircline import IrcLine
from proxy.message import WireError


@pytest.mark.parametrize(
    ("raw", "prefix", "command", "params"),
    [
        (b"QUIT\r\n", None, "QUIT", ()),
        (b"PING :a b\n", None, "PING", ("a b",)),
        (b":s 302  :=+@x\r\n", "s", "302", ("", "=+@x")),
        (b"JOIN #a \r\n", None, "JOIN", ("#a", "")),
        (b"A  b : :c\r\n", None, "A", ("", "b", " :c")),
        (b"A :", None, "A", ("",)),
        (b"A b:c\r\n", None, "A", ("b:c",)),
    ],
)
def test_forms(raw: bytes, prefix: str | None, command: str, params: tuple[str, ...]) -> None:
    line = IrcLine.parse(raw)
    assert (line.prefix, line.command, line.params) == (prefix, command, params)
    assert line.encode() == raw
    assert line == IrcLine.parse(raw)
    assert hash(line) == hash(IrcLine.parse(raw))


@pytest.mark.parametrize(
    "raw", [b"", b"\r\n", b" A\r\n", b":\r\n", b":s\r\n", b":s  A\r\n", b"\xff\n"]
)
def test_what_is_no_line(raw: bytes) -> None:
    with pytest.raises(WireError, match=r"^byte \d+: no command$"):
        IrcLine.parse(raw)


@given(st.text(alphabet=": AB#\r\n\xe9", max_size=30))
def test_whatever_is_read_encodes_back(text: str) -> None:
    raw = text.encode("latin-1")
    try:
        line = IrcLine.parse(raw)
    except WireError:
        return
    assert line.encode() == raw
    for span in line.spans():
        assert raw[span.start : span.end].decode("latin-1") == line.get(span.path)
    for path in line.paths():
        assert line.set(path, line.get(path)) == line


def test_unnamed_parameters_are_in_a_list() -> None:
    line = IrcLine.parse(b":s X a :b c\r\n")
    assert line.fields() == {"prefix": "s", "more": ["a", "b c"]}
    assert line.get("more[1]") == "b c"
    assert line.set("more[0]", "z").encode() == b":s X z :b c\r\n"
    assert line.set("prefix", "t").encode() == b":t X a :b c\r\n"
    assert line.delete("more[1]").encode() == b":s X a\r\n"
    assert line.delete("more[0]").encode() == b":s X :b c\r\n"


@pytest.mark.parametrize(
    ("path", "value", "match"),
    [
        ("prefix", "a b", "holds no space"),
        ("more[0]", ":a", "only the last parameter"),
        ("more[1]", "a\nb", "no line end"),
        ("more[1]", None, "cannot be written"),
        ("more[1]", "\u20ac", "latin-1"),
    ],
)
def test_what_cannot_be_set(path: str, value: str | None, match: str) -> None:
    with pytest.raises(ValueError, match=match):
        IrcLine.parse(b":s X a b\r\n").set(path, value)


def test_a_parameter_that_needs_it_gets_a_colon() -> None:
    line = IrcLine.parse(b":s X a b\r\n")
    assert line.set("more[1]", ":)").encode() == b":s X a ::)\r\n"
    assert line.set("prefix", ":s").encode() == b"::s X a b\r\n"
