from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.layouts.pieces import Pieces
from proxy.message import FieldError
from recordings.model import Span

LAYOUT = (("key", 2), ("ticket", 0))


def test_pieces() -> None:
    body = Pieces(LAYOUT, b"\1\2abc")
    assert body.fields() == {"key": "0102", "ticket": "616263"}
    assert body.names() == ["key", "ticket"]
    assert (body.get("ticket"), body.wire("key"), body.get("none")) == ("616263", "0102", None)
    assert body.spans(12) == [Span("key", 12, 14), Span("ticket", 14, 17)]


def test_changes_make_copies() -> None:
    body = Pieces(LAYOUT, b"\1\2abc")
    assert body.set("key", "0304").encode() == b"\3\4abc"
    assert body.set("key", b"\5").encode() == b"\5abc"
    assert body.delete("ticket").encode() == b"\1\2"
    assert body.encode() == b"\1\2abc"


def test_what_cannot_be_set() -> None:
    body = Pieces(LAYOUT, b"\1\2abc")
    with pytest.raises(FieldError, match="has no field keys; did you mean key"):
        body.set("keys", "00")
    with pytest.raises(ValueError, match="non-hexadecimal"):
        body.set("key", "xyz")


@given(st.binary(max_size=8))
def test_any_body_encodes_back(body: bytes) -> None:
    assert Pieces(LAYOUT, body).encode() == body
