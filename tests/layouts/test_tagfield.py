from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.layouts.tagfield import TagField
from proxy.message import FieldError

BODY = b'PROD=NASCAR\nVERS="PS2/XXX-Jul  2 2003"\nLANG=en\n\0'


@pytest.mark.parametrize(
    ("body", "fields"),
    [
        (b"", {}),
        (b"\0", {}),
        (b"\n\0", {}),
        (b"A=1\nB=2\n\0", {"A": "1", "B": "2"}),  # a client
        (b"A=1\tB=2\0", {"A": "1", "B": "2"}),  # EA's own servers
        (b"A=1\r\nB=2\r\n", {"A": "1", "B": "2"}),
        (b"A=1 B=2 C=3\0", {"A": "1", "B": "2", "C": "3"}),  # a constant of the client
        (b"A=1\n  B=2\n", {"A": "1", "B": "2"}),
        (b"A=\nB=\n\0", {"A": "", "B": ""}),
        (b"A= 1\n\0", {"A": "1"}),  # one blank behind the sign is skipped
        (b"A=  1\n\0", {"A": " 1"}),
        (b"A=two words \nB=2\n", {"A": "two words ", "B": "2"}),
        (b'A="two words"\n', {"A": "two words"}),
        (b"A='it''s'\n", {"A": "it"}),
        (b'A="x B=2 y"\nC=3\n', {"A": "x B=2 y", "C": "3"}),  # one value, to its closing quote
        (b'free\nA="x B=2 y" C=3 D="z\n', {"line": "free", "A": "x B=2 y", "C": "3", "D": "z"}),
        (b'A="x B=2\nC=3\n', {"A": "x B=2", "C": "3"}),
        (b'A=x,"y z"\n', {"A": 'x,"y z"'}),
        (b"A=%3d%3D%25%%\n", {"A": "==%%"}),
        (b"A=%4\nB=100%\n", {"A": "%4", "B": "100%"}),
        (b"A:1\nB:two\n", {"A": "1", "B": "two"}),
        (b"T=2026-01-26 20:01:45\n", {"T": "2026-01-26 20:01:45"}),
        (b"T=hi bob: hello\n", {"T": "hi bob: hello"}),
        (b"A=1\nA=2\nB=3\nA=4\n", {"A": "1", "A[1]": "2", "B": "3", "A[2]": "4"}),
        (b"new0\nA=1\nmore\n", {"line": "new0", "A": "1", "line[1]": "more"}),
        (b"A=1\nB=\xe9\x80\n", {"A": "1", "B": "\xe9\x80"}),
        (b"A=1\0B=2\n", {"A": "1"}),  # nothing behind a 00 is read
    ],
)
def test_fields_and_back(body: bytes, fields: dict[str, str]) -> None:
    text = TagField.parse(body)
    assert text.fields() == fields
    assert list(text.fields()) == list(fields)
    assert text.encode() == body
    for name, value in fields.items():
        assert text.get(name) == value
        assert name in text


def test_only_lines() -> None:
    text = TagField.lines(b"Welcome: all\n100%% A=1\n\0")
    assert text.fields() == {"line": "Welcome: all", "line[1]": "100%% A=1"}
    assert text.encode() == b"Welcome: all\n100%% A=1\n\0"
    assert text.set("line", "203.0.113.7:1").encode() == b"203.0.113.7:1\n100%% A=1\n\0"


def test_keys_are_found_in_any_case_the_one_as_written_first() -> None:
    text = TagField.parse(b"Name=one\nNAME=two\n\0")
    assert (text.get("NAME"), text.get("Name"), text.get("name")) == ("two", "one", "one")
    assert text.get("name[1]") == "two"
    assert text.get("nothing") is None
    assert text.get("nothing", "else") == "else"
    assert "nothing" not in text


def test_a_change_rewrites_one_value_and_leaves_the_rest() -> None:
    text = TagField.parse(BODY)
    assert text.set("lang", "fr").encode() == BODY.replace(b"LANG=en", b"LANG=fr")
    changed = text.set("PROD", 'a=b:c%d "e" \xe9')
    assert changed.encode() == BODY.replace(b"NASCAR", b'"a%3db%3ac%25d %22e%22 %e9"')
    assert changed.get("PROD") == 'a=b:c%d "e" \xe9'
    assert text.encode() == BODY


@pytest.mark.parametrize(
    ("body", "after"),
    [
        (b"A=1\nB=2\n\0", b"A=1\nB=2\nNEW=x\n\0"),
        (b"A=1\tB=2\0", b"A=1\tB=2\tNEW=x\0"),
        (b"A=1 B=2\0", b"A=1 B=2 NEW=x\0"),
        (b"A=1", b"A=1\nNEW=x"),
        (b"", b"NEW=x\n\0"),
        (b"\0", b"NEW=x\n\0"),
    ],
)
def test_a_new_key_follows_the_habit_of_the_body(body: bytes, after: bytes) -> None:
    assert TagField.parse(body).set("NEW", "x").encode() == after
    assert TagField.parse(after).delete("NEW").fields() == TagField.parse(body).fields()


def test_a_key_that_is_none_is_refused() -> None:
    text = TagField.parse(BODY)
    with pytest.raises(FieldError, match="has no field LANX; did you mean LANG"):
        text.delete("LANX")
    with pytest.raises(FieldError):
        text.set("two words", "x")
    with pytest.raises(FieldError):
        text.set("PROD[3]", "x")
    with pytest.raises(FieldError):
        text.set_wire("LANX", "x")


@pytest.mark.parametrize("key", ["PROD", "VERS", "LANG"])
def test_delete(key: str) -> None:
    text = TagField.parse(BODY).delete(key)
    left = {name: value for name, value in TagField.parse(BODY).fields().items() if name != key}
    assert text.fields() == left == TagField.parse(text.encode()).fields()


def test_nested() -> None:
    text = TagField.parse(b'SHOW=CHAT\nSTAT="en%3d%22is playing%22%0aP%3dmad4%0a"\n\0')
    assert text.nested("STAT").fields() == {"en": "is playing", "P": "mad4"}
    assert text.get("STAT.P") == "mad4"
    assert text.get("STAT.Q") is None
    changed = text.set("STAT.P", "nas4")
    assert changed.get("STAT.P") == "nas4"
    assert changed.encode() == text.encode().replace(b"mad4", b"nas4")
    assert text.set("STAT", {"en": "a b", "P": 1}).get("STAT") == 'en="a b"\nP=1\n'


def test_values_of_other_types() -> None:
    text = TagField.parse(b"A=1\n\0")
    assert text.set("A", 7).get("A") == "7"
    assert text.set("A", True).get("A") == "1"
    assert text.set("A", b"\x01\xff").get("A") == "$01ff"
    assert text.set("A", "\u20ac").get("A") == "\u20ac".encode().decode("latin-1")
    assert TagField.parse(b"A=2924700378\n").number("A") == -1370266918
    assert text.number("B") == 0


def test_bodies_compare_by_value() -> None:
    text = TagField.parse(BODY)
    assert text == TagField.parse(BODY).set("LANG", "en")
    assert text not in (text.set("LANG", "fr"), BODY)
    assert len({text, TagField.parse(BODY)}) == 1


def test_spans_lie_on_the_values() -> None:
    body = b'free\nA=1\nB="two words"\nA=%3d\n\0'
    spans = {
        span.path: body[span.start - 12 : span.end - 12] for span in TagField.parse(body).spans(12)
    }
    assert spans == {"line": b"free", "A": b"1", "B": b"two words", "A[1]": b"%3d"}


PIECES = st.one_of(
    st.binary(max_size=12),
    st.sampled_from([b"A=1", b"\n", b"\t", b" ", b'"', b"'", b"%3d", b"=", b":", b"\0", b"B=x y"]),
)


@given(st.lists(PIECES, max_size=20).map(b"".join))
def test_whatever_it_is_it_encodes_back(body: bytes) -> None:
    for text in (TagField.parse(body), TagField.lines(body)):
        assert text.encode() == body
        fields = text.fields()
        assert text.names() == list(fields)
        for name, value in fields.items():
            if "]" not in name:
                assert text.get(name) == value
        for span in text.spans():
            assert 0 <= span.start <= span.end <= len(body)


@given(
    st.text(st.characters(min_codepoint=1, max_codepoint=255)),
    st.sampled_from([b"A=1\nB=2\n\0", b"A=1\tB=2\0", b"B=2\nline\nA=1"]),
)
def test_a_value_that_was_set_is_read_again(value: str, body: bytes) -> None:
    text = TagField.parse(body).set("A", value)
    for one in (text, TagField.parse(text.encode())):
        assert one.get("A") == value
        assert one.get("B") == "2"


@pytest.mark.timeout(60)  # a tenth of a second, or for ever
def test_a_large_body_of_anything_is_cut_in_time() -> None:
    for piece in (b" ", b"\n", b"A=", b"=", b"A", b'A="', b" A", b"\n ", b"%", b"A:"):
        body = piece * ((1 << 18) // len(piece))
        text = TagField.parse(body)
        text.fields()
        assert text.encode() == body
