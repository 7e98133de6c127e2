"""The small XML reader: what it finds, and what it refuses."""

from __future__ import annotations

import pytest

from proxy.layouts import soap
from proxy.message import WireError


def _texts(body: bytes) -> dict[str, str]:
    root, _ = soap.parse(body)
    return {
        path: soap.unescape(body[one.start : one.end]) for path, one in soap.leaves(root, "root")
    }


def test_leaves_with_their_paths() -> None:
    body = b'<x:r a=">"><x:b>1</x:b><c><d>2</d><d/></c><!-- <e> --><f.g>3</f.g></x:r>'
    assert _texts(body) == {"root.b": "1", "root.c.d[0]": "2", "root.c.d[1]": "", "root.f_g": "3"}


def test_text_in_its_three_forms() -> None:
    body = b"<r><a>&lt;&#65;&#x42;&amp;</a><b>1<![CDATA[<&x;>]]>2</b></r>"
    assert _texts(body) == {"root.a": "<AB&", "root.b": "1<&x;>2"}
    assert soap.escape("<a & b>") == b"&lt;a &amp; b&gt;"


def test_the_reader_stops_behind_the_root() -> None:
    _, end = soap.parse(b"<a></a>\0\1binary<")
    assert end == 7


def test_the_call_of_an_envelope() -> None:
    root, _ = soap.parse(
        b"<e:Envelope><e:Header/><e:Body><Call><x>1</x></Call></e:Body></e:Envelope>"
    )
    call = soap.operation(root)
    assert call is not None
    assert call.name == "Call"
    assert soap.operation(call) is None


@pytest.mark.parametrize(
    ("body", "fact"),
    [
        (b"<a>", "byte 3: the root element never ends"),
        (b"<!DOCTYPE a><a/>", "byte 0: no tag that is allowed here"),
        (b"<a><b></a></b>", "byte 6: </a> closes nothing"),
        (b"</a>", "byte 0: </a> closes nothing"),
        (b"<a>" * (soap.DEPTH_LIMIT + 1), "more elements than the limit"),
        (b"<a>" + b"<b/>" * soap.ELEMENT_LIMIT, "more elements than the limit"),
    ],
)
def test_what_is_refused(body: bytes, fact: str) -> None:
    with pytest.raises(WireError, match=fact):
        soap.parse(body)


@pytest.mark.parametrize("content", [b"&x;", b"&", b"a & b", b"&#99999999;"])
def test_entities_that_are_refused(content: bytes) -> None:
    with pytest.raises(WireError, match="not predefined"):
        soap.unescape(content)


def test_what_looks_like_xml() -> None:
    assert soap.looks_like_xml(b"\xef\xbb\xbf\r\n <a/>")
    assert not soap.looks_like_xml(b"a < b")


@pytest.mark.parametrize(
    "body", [b"<" + b"a" * 200_000, b"<a " + b"'" * 199_999, b"<a>" + b"<!--" * 50_000]
)
def test_a_tag_that_never_ends_costs_one_pass(body: bytes) -> None:
    with pytest.raises(WireError):
        soap.parse(body)
