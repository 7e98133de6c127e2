"""Framing of HTTP, and messages edited in place."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.keys import SessionKeys
from proxy.layouts.http import FRAME_LIMIT, HttpDissector
from proxy.layouts.http_message import HttpMessage, plain_body, read_message, soap_body
from proxy.layouts.http_places import CODECS, Head
from proxy.message import FieldError, WireError
from recordings.model import Direction, Frame

UP, DOWN = Direction.TO_SERVER, Direction.TO_CLIENT

GET = (
    b"GET /raw_server_list2.php?version=0.9&wg=1&wg=2 HTTP/1.0\r\n"
    b"Host:  lists.example\r\nCookie: a\r\nCookie: b\r\n\r\n"
)
CALL = (
    b'<?xml version="1.0"?><s:Envelope xmlns:s="urn:s"><s:Body><ns1:Login xmlns:ns1="urn:g">'
    b"<ns1:gameid>1&amp;2</ns1:gameid><ns1:cert><ns1:length>3</ns1:length></ns1:cert>"
    b"<ns1:f>x</ns1:f><ns1:f>y</ns1:f><ns1:none/></ns1:Login></s:Body></s:Envelope>"
)
POST = (
    b'POST /AuthService.asmx HTTP/1.1\r\nHost: auth.example\r\nSOAPAction: "urn:g/Login"\r\n'
    b"Content-Length: %d\r\n\r\n%b" % (len(CALL), CALL)
)
PLAIN = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nX-Note: hi \r\n\r\nhello"
CHUNKED = (
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    b"3\r\nhel\r\n2;note\r\nlo\r\n0\r\nX-Sum: 1\r\n\r\n"
)
CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"
CLOSED = b"HTTP/1.0 200 OK\r\n\r\nuntil the end"


def _kind(head: Head, body: bytes) -> str:
    return head.method or f"Reply{head.status}"


def _view(frame: Frame) -> HttpMessage:
    return read_message(frame, _kind, soap_body)


def _only(raw: bytes, direction: Direction = UP) -> HttpMessage:
    (frame,) = HttpDissector(SessionKeys()).feed(direction, raw, 1)
    assert frame.error is None
    return _view(frame)


class TestFraming:
    def test_pipelined_requests_and_their_responses(self) -> None:
        machine = HttpDissector(SessionKeys())
        frames = machine.feed(UP, GET + POST + b"HEAD /x HTTP/1.0\r\n\r\n", 7)
        assert [frame.raw for frame in frames] == [GET, POST, b"HEAD /x HTTP/1.0\r\n\r\n"]
        bare = b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n"  # the answer to HEAD has no body
        frames = machine.feed(DOWN, PLAIN + CONTINUE + CHUNKED + bare, 8)
        assert [frame.raw for frame in frames] == [PLAIN, CONTINUE, CHUNKED, bare]
        targets = [(frame.derived or {})["request"]["target"] for frame in frames]
        assert targets[1:] == ["/AuthService.asmx"] * 2 + ["/x"]
        assert [frame.at for frame in frames] == [8] * 4

    @pytest.mark.parametrize("raw", [GET, POST, PLAIN, CHUNKED, CONTINUE + PLAIN])
    def test_every_split(self, raw: bytes) -> None:
        way = DOWN if raw.startswith(b"HTTP") else UP
        whole = [frame.raw for frame in HttpDissector(SessionKeys()).feed(way, raw, 1)]
        assert b"".join(one or b"" for one in whole) == raw
        for at in range(1, len(raw)):
            machine = HttpDissector(SessionKeys())
            frames = machine.feed(way, raw[:at], 1)
            assert machine.pending(way) == at - sum(len(frame.raw or b"") for frame in frames)
            frames += machine.feed(way, raw[at:], 1)
            assert [frame.raw for frame in frames] == whole
            assert machine.pending(way) == 0

    def test_a_response_may_end_with_its_connection(self) -> None:
        machine = HttpDissector(SessionKeys())
        machine.feed(UP, GET, 1)
        assert machine.feed(DOWN, CLOSED, 2) == []
        assert machine.pending(DOWN) == len(CLOSED)
        (frame,) = machine.finish(DOWN, 3)
        assert (frame.raw, frame.error, frame.at) == (CLOSED, None, 3)
        assert _view(frame).get("body") == "until the end"
        assert machine.finish(DOWN, 4) == []

    def test_a_message_that_is_cut_off(self) -> None:
        machine = HttpDissector(SessionKeys())
        machine.feed(DOWN, PLAIN[:-1], 1)
        (frame,) = machine.finish(DOWN, 2)
        assert frame.raw == PLAIN[:-1]
        assert frame.error == f"cut off: the stream ended {len(PLAIN) - 1} bytes in"
        machine.feed(UP, b"GE", 1)
        (frame,) = machine.finish(UP, 2)
        assert (frame.raw, frame.error) == (b"GE", "cut off: the stream ended 2 bytes in")

    @pytest.mark.parametrize(
        "junk", [b"\x16\x03\x01\x02", b"what is this\r\n\r\n", b"GET / \r\n\r\n"]
    )
    def test_garbage_loses_its_direction_only(self, junk: bytes) -> None:
        machine = HttpDissector(SessionKeys())
        (frame,) = machine.feed(UP, junk, 1)
        assert frame.raw == junk
        assert (frame.error or "").startswith("lost: HTTP: ")
        (frame,) = machine.feed(UP, GET, 2)
        assert (frame.raw, (frame.error or "")[:5]) == (GET, "lost:")
        (frame,) = machine.feed(DOWN, PLAIN, 3)
        assert frame.error is None

    def test_garbage_behind_a_good_message(self) -> None:
        frames = HttpDissector(SessionKeys()).feed(UP, GET + b"\0\0", 1)
        assert [frame.raw for frame in frames] == [GET, b"\0\0"]
        assert [frame.error is None for frame in frames] == [True, False]

    def test_an_endless_message_is_given_up(self) -> None:
        machine = HttpDissector(SessionKeys())
        machine.feed(UP, b"POST / HTTP/1.0\r\nContent-Length: 99999999\r\n\r\n", 1)
        (frame,) = machine.feed(UP, bytes(FRAME_LIMIT), 2)
        assert "longer than the limit" in (frame.error or "")
        assert machine.pending(UP) == 0

    @given(st.data())
    def test_nothing_raises_and_no_byte_is_lost(self, data: Any) -> None:
        machine = HttpDissector(SessionKeys())
        pieces = st.sampled_from([GET, POST, PLAIN, CHUNKED, CONTINUE, CLOSED])
        for way in Direction:
            sent = b"".join(data.draw(st.lists(pieces | st.binary(max_size=9), max_size=4)))
            cuts = data.draw(st.lists(st.integers(0, len(sent)), max_size=5).map(sorted))
            frames = []
            for a, b in zip([0, *cuts], [*cuts, len(sent)], strict=True):
                frames += machine.feed(way, sent[a:b], 1)
            frames += machine.finish(way, 2)
            assert b"".join(frame.raw or b"" for frame in frames) == sent
            for frame in frames:
                if frame.error is None:
                    assert _view(frame).encode() == frame.raw


class TestMessage:
    def test_request(self) -> None:
        message = _only(GET)
        assert message.encode() == GET
        assert message.fields() == {
            "method": "GET",
            "path": "/raw_server_list2.php",
            "query": {"version": "0.9", "wg": ["1", "2"]},
            "version": "HTTP/1.0",
            "headers": {"Host": "lists.example", "Cookie": ["a", "b"]},
        }
        assert message.get("query.wg[1]") == "2"
        assert message.get("headers.Cookie") == ["a", "b"]

    def test_response(self) -> None:
        message = _only(PLAIN, DOWN)
        assert message.fields() == {
            "version": "HTTP/1.1",
            "status": 200,
            "reason": "OK",
            "headers": {"Content-Length": "5", "X-Note": "hi"},
            "body": "hello",
        }

    def test_soap(self) -> None:
        message = _only(POST)
        assert message.get("headers.SOAPAction") == '"urn:g/Login"'
        assert message.fields()["body"] == {
            "gameid": "1&2",
            "cert": {"length": "3"},
            "f": ["x", "y"],
        }

    @pytest.mark.parametrize("raw", [GET, POST, PLAIN, CHUNKED])
    def test_spans_cover_their_values(self, raw: bytes) -> None:
        message = _only(raw, DOWN if raw.startswith(b"HTTP") else UP)
        spans = message.spans()
        for span in spans:
            covered = raw[span.start : span.end].replace(b"&amp;", b"&").decode()
            assert covered == str(message.get(span.path)), span
        assert len(spans) == len({span.path for span in spans})
        assert ("body" in {span.path for span in spans}) is (raw == PLAIN)

    def test_setting_a_field_of_the_body_renews_the_length(self) -> None:
        message = _only(POST).set("body.gameid", "<12345>")
        assert message.get("body.gameid") == "<12345>"
        assert b"<ns1:gameid>&lt;12345&gt;</ns1:gameid>" in message.encode()
        assert message.get("headers.Content-Length") == str(len(CALL) + 6)
        assert _only(message.encode()) == message

    def test_setting_a_chunked_body_makes_one_chunk(self) -> None:
        message = _only(CHUNKED, DOWN).set("body", "good morning, all")
        assert message.encode().endswith(
            b"\r\n\r\n11\r\ngood morning, all\r\n0\r\nX-Sum: 1\r\n\r\n"
        )
        assert _only(message.encode(), DOWN).get("body") == "good morning, all"

    def test_parameters_and_headers(self) -> None:
        message = _only(GET).set("query.version", "a b&c").set("headers.Host", "other.example")
        assert message.encode().startswith(b"GET /raw_server_list2.php?version=a+b%26c&wg=1&wg=2 ")
        assert b"Host:  other.example\r\n" in message.encode()
        added = message.set("headers.X-New", "1")
        assert added.encode().endswith(b"Cookie: b\r\nX-New: 1\r\n\r\n")
        assert added.delete("headers.X-New") == message
        assert message.set("path", "/x").get("query.version") == "a b&c"

    def test_what_is_not_there(self) -> None:
        message = _only(POST)
        with pytest.raises(FieldError, match=r"did you mean body\.gameid"):
            message.set("body.gameidd", "1")
        with pytest.raises(FieldError):
            message.delete("body.gameid")
        with pytest.raises(FieldError):
            message.get("body.cert.width")

    def test_a_value_that_breaks_the_message_is_refused(self) -> None:
        with pytest.raises(ValueError, match="breaks the message"):
            _only(GET).set("version", "1 2 3\r\nx")

    @pytest.mark.parametrize(
        "body",
        [
            b'<!DOCTYPE a [<!ENTITY b SYSTEM "file:///x">]><a>&b;</a>',
            b"<a>&b;</a>",
            b"<a><b></a>",
            b"<a>" * 40,
            b"<a>\xff</a>",
            b"</a>",
        ],
    )
    def test_xml_that_is_refused_is_a_body_in_one_piece(self, body: bytes) -> None:
        raw = b"POST / HTTP/1.0\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body)
        message = _only(raw)
        assert message.fields()["body"] in (body.decode("latin-1"), body.hex())
        assert message.encode() == raw

    def test_binary_body_is_hex(self) -> None:
        raw = b"POST / HTTP/1.0\r\nContent-Length: 3\r\n\r\n\0\xff\1"
        message = _only(raw)
        assert message.get("body") == "00ff01"
        assert message.set("body", "00ff0102").encode().endswith(b"Length: 4\r\n\r\n\0\xff\1\2")

    def test_a_query_of_another_form_is_one_field(self) -> None:
        raw = b"GET /a?just+this HTTP/1.0\r\n\r\n"
        message = _only(raw)
        assert message.get("query") == "just+this"

    def test_bytes_that_are_no_message(self) -> None:
        for raw in (
            b"",
            b"GET",
            b"GET / HTTP/1.0\r\nno colon\r\n\r\n",
            b"GET / HTTP/1.0\r\na: b\r\n",
        ):
            with pytest.raises(WireError):
                read_message(Frame(UP, 1, raw), _kind, plain_body)


def test_a_header_of_blanks_costs_one_pass() -> None:
    raw = b"GET / HTTP/1.0\r\nA: x" + b" " * 15_000 + b"y\r\nB:   \r\n\r\n"
    message = _only(raw)
    assert len(message.get("headers.A")) == 15_002
    assert message.get("headers.B") == ""
    assert message.set("headers.B", "z").encode().endswith(b"B:   z\r\n\r\n")


def test_a_subclass_that_dislikes_a_frame_makes_it_opaque() -> None:
    class Picky(HttpDissector):
        def frame(self, frame: Frame) -> None:
            raise WireError("not this one")

    frames = Picky(SessionKeys()).feed(UP, GET * 2, 1)
    assert [(frame.raw, frame.error) for frame in frames] == [(GET, "not this one")] * 2


def test_a_header_that_goes_on_in_the_next_line() -> None:
    message = _only(b"GET / HTTP/1.0\r\nA: one\r\n two\r\n\r\n")
    assert message.get("headers.A") == "one\r\n two"


def test_messages_are_compared_by_their_bytes() -> None:
    assert len({_only(GET), _only(GET), _only(POST)}) == 2
    assert repr(_only(GET)).startswith("HttpMessage(GET, b'GET ")


@pytest.mark.parametrize("value", [-1, 65536])
def test_a_number_that_does_not_fit(value: int) -> None:
    with pytest.raises(ValueError, match="does not fit in 2 bytes"):
        CODECS["u16"][1](value)


@pytest.mark.parametrize("body", [b"5\r\nabc\r\n0\r\n\r\n", b"5", b"x\r\n"])
def test_chunks_that_are_none(body: bytes) -> None:
    raw = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + body
    with pytest.raises(ValueError, match=r"HTTP\.body|invalid literal"):
        read_message(Frame(DOWN, 1, raw), _kind, plain_body)
