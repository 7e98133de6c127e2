from __future__ import annotations

import pytest

from proxy.layouts.values import DecimalAddress, Separated


@pytest.mark.parametrize(
    ("codec", "text", "shown"),
    [
        (Separated("|"), "|a|1|b|", {"a": "1", "b": ""}),
        (Separated("|"), "|a|1|b", "|a|1|b"),  # a name without a value
        (Separated("|"), "a|1", "a|1"),  # does not begin with the separator
        (Separated("|"), "|a|1|a|2", "|a|1|a|2"),  # a dict would lose the second
        (Separated("|"), "", ""),
        (Separated("|", start=("s",)), "|s|1", {"s": "1"}),
        (Separated("|", start=("s",)), "|a|1", "|a|1"),
        (Separated("\\", end="\0"), "\\a\\1\0", {"a": "1"}),
        (Separated("\\", end="\0"), "\\a\\1", "\\a\\1"),
        (DecimalAddress(), "16777343", "127.0.0.1"),
        (DecimalAddress(), "016777343", "016777343"),
        (DecimalAddress(), "4294967296", "4294967296"),
        (DecimalAddress(), "x", "x"),
        (DecimalAddress(), "", ""),
    ],
)
def test_shown_decoded_only_if_exact(codec: Separated, text: str, shown: object) -> None:
    assert codec.show(text) == shown


def test_parts_lie_where_the_text_has_them() -> None:
    text = "\\rank\\4\\clan\\ABC\0"
    parts = Separated("\\", end="\0").parts(text)
    assert [(name, text[start:end]) for name, start, end in parts] == [
        ("rank", "4"),
        ("clan", "ABC"),
    ]


def test_what_somebody_sets() -> None:
    codec = Separated("|")
    assert codec.to_wire("free") == "free"
    assert codec.to_wire({"a": 1}) == "|a|1"
    assert DecimalAddress().to_wire("127.0.0.1") == "16777343"
    with pytest.raises(ValueError, match="needs named parts"):
        codec.to_wire(3)
    with pytest.raises(ValueError, match="x"):
        DecimalAddress().to_wire("x")
