"""The web services: golden bytes, records, reports, patches."""

from __future__ import annotations

from proxy.keys import SessionKeys
from proxy.message import Message
from proxy.protocols.gamespy_web import PROTOCOLS
from recordings.model import Direction, Frame
from tests.protocols.harness import ProtocolProperties
from tests.vectors.gamespy_web import (
    LOGIN,
    RECORD,
    REPORT,
    SUBMIT,
    VECTORS,
    VERSION,
    get,
    response,
)

UP, DOWN = Direction.TO_SERVER, Direction.TO_CLIENT
WEB = PROTOCOLS[0]


class TestWeb(ProtocolProperties):
    protocol = WEB
    vectors = VECTORS


def _view(raw: bytes, way: Direction = UP, asked: bytes = b"") -> Message:
    machine = WEB.dissector(SessionKeys())
    machine.feed(UP, asked, 1)
    (frame,) = machine.feed(way, raw, 2)
    return WEB.view(frame)


def test_a_record_has_its_fields_in_a_list() -> None:
    message = _view(RECORD)
    assert message.get("headers.SOAPAction") == '"http://gamespy.net/x/CreateRecord"'
    assert message.get("body.values") == {
        "RecordField": [
            {"name": "points", "value": {"intValue": {"value": "7"}}},
            {"name": "won", "value": {"booleanValue": {"value": "1"}}},
        ]
    }
    path = "body.values.RecordField[0].value.intValue.value"
    changed = message.set(path, "1000000")
    assert _view(changed.encode()).get(path) == "1000000"
    assert int(changed.get("headers.Content-Length")) == len(changed.encode()) - RECORD.index(b"<?")


def test_a_report_is_read_behind_its_call() -> None:
    message = _view(SUBMIT)
    assert message.get("report") == {
        "protocol": 2,
        "developer_version": 1,
        "checksum": "000102030405060708090a0b0c0d0e0f",
        "status": 3,
        "flags": 4,
        "counts": [1, 2, 3, 4, 5, 6],
        "lengths": [7, 0, 0, 0, 0, 8],
        "data": "aabb",
    }
    changed = message.set("report.status", 5).set("report.counts[5]", "0x10")
    assert changed.encode()[: -len(REPORT)] == SUBMIT[: -len(REPORT)]
    assert changed.get("report.counts") == [1, 2, 3, 4, 5, 16]


def test_a_report_that_is_cut_short_stays_as_it_is() -> None:
    body = SUBMIT[SUBMIT.index(b"<?xml") : -40]
    raw = b"POST / HTTP/1.0\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body)
    message = _view(raw)
    assert message.kind == "SubmitReport"
    assert bytes.fromhex(message.get("tail")).startswith(b"application/bin\0")


def test_what_a_patch_page_says() -> None:
    asked = get("/motd/vercheck.asp?productid=1&gamename=gmtest")
    message = _view(asked)
    assert message.get("query") == {"productid": "1", "gamename": "gmtest"}
    reply = _view(response(VERSION), DOWN, asked)
    assert reply.kind == "vercheckReply"
    assert reply.get("body") == {
        "newver": "1",
        "lockout": "0",
        "fpfileid": "17",
        "newvername": "1.1",
        "dlurl": "http://files.example/a",
    }
    changed = reply.set("body.newver", "0").set("body.dlurl", "http://127.0.0.1/")
    assert changed.encode().endswith(b"\\dlurl\\http://127.0.0.1/\\")


def test_keys_that_come_twice_leave_the_text_whole() -> None:
    reply = _view(response(b"\\a\\1\\a\\2"), DOWN, get("/dlfileraw.asp"))
    assert reply.get("body") == "\\a\\1\\a\\2"


def test_a_ticket_is_learned_once() -> None:
    machine = WEB.dissector(SessionKeys())
    frames = machine.feed(UP, RECORD * 2, 1)
    assert [len(frame.keys) for frame in frames] == [2, 0]


def test_a_password_can_be_replaced_in_place() -> None:
    message = _view(LOGIN).set("body.password.Value", "ffff")
    assert message.encode() == LOGIN.replace(b"0a0b", b"ffff")


def test_spans_of_a_report() -> None:
    frame = Frame(UP, 1, SUBMIT)
    (span,) = [one for one in WEB.spans(frame) if one.path == "report.status"]
    assert SUBMIT[span.start : span.end] == bytes.fromhex("00000003")
