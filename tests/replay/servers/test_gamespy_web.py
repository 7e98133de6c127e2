"""The rules of GameSpy's web services by hand: bounds of what is kept, forms, values."""

from __future__ import annotations

import random

import pytest

from proxy.message import Message, Opaque
from proxy.protocols.gamespy_web import ATLAS, AUTH, SAKE
from replay.servers import _gs_web_vault
from replay.servers._gs_login import Tickets
from replay.servers._gs_web_values import fits
from replay.servers._gs_web_vault import File, Vault
from replay.servers.gamespy_web import multipart
from tests.replay.rehearsal import Actor, Rehearsal

TICKET = "t" * 24
CALL = (
    "<Envelope><Body><{0}><gameid>7</gameid><loginTicket>{1}</loginTicket><tableid>{2}</tableid>"
    "{3}</{0}></Body></Envelope>"
)
VALUE = (
    "<values><RecordField><name>n</name><value><{0}><value>{1}</value></{0}></value>"
    "</RecordField></values>"
)


class Web(Rehearsal):
    """Web services without sockets."""

    def comes(self) -> Actor:
        self.world.shared(Tickets)[TICKET] = 1001
        return self.enter("gamespy-web")

    @property
    def vault(self) -> Vault:
        return self.world.shared(Vault)


def asks(actor: Actor, body: str, head: str = "") -> Message:
    data = body.encode()
    first = f"POST /SakeStorageServer/StorageServer.asmx HTTP/1.1\r\nHost: x\r\n{head}"
    request = f"{first}Content-Length: {len(data)}\r\n\r\n".encode() + data
    (said,) = actor.says(Opaque(request))
    return said


def result(actor: Actor, name: str, inner: str = "", table: str = "scores") -> str:
    said = asks(actor, CALL.format(name, TICKET, table, inner))
    assert said.kind == f"{name}Response"
    return str(said.get(f"body.{name}Result"))


def test_records_have_bounds(monkeypatch: pytest.MonkeyPatch) -> None:
    web = Web(options={"gamespy-web.records": "3"})
    game = web.comes()
    one = VALUE.format("intValue", 1)
    assert [result(game, "CreateRecord", one) for _ in range(4)] == [*["Success"] * 3, _LIMIT]
    monkeypatch.setattr(_gs_web_vault, "MOST_TABLES", 2)
    assert result(game, "CreateRecord", one, "second") == "Success"
    assert result(game, "CreateRecord", one, "third") == _LIMIT
    monkeypatch.setattr(_gs_web_vault, "MOST_BYTES", web.vault._bytes + 10)
    assert result(game, "CreateRecord", one, "second") == _LIMIT
    longer = VALUE.format("intValue", 10**6).replace(">n<", ">another-name<")
    assert result(game, "UpdateRecord", "<recordid>1000</recordid>" + longer) == _LIMIT
    assert web.vault.store(File(7, 1, "f", b"x")) is None
    assert result(game, "DeleteRecord", "<recordid>1000</recordid>") == "Success"
    assert len(web.kept["gamespy-web"]) == 3
    assert result(game, "GetMyRecords", table="") == "TableNotFound"
    long = VALUE.format("asciiStringValue", "x" * 70_000)
    assert asks(game, CALL.format("CreateRecord", TICKET, "t", long)).kind == "Fault"


_LIMIT = "RecordLimitReached"


def test_a_flood_of_searches_is_told_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_gs_web_vault, "ROWS", 5000.0)
    web = Web()
    game = web.comes()
    for number in range(500):
        web.vault.create(7, "scores", number, {"n": ["intValue", str(number)]})
    told = [result(game, "GetRecordCount") for _ in range(12)]
    assert told[0] == "Success"
    assert told[-1] == "DatabaseUnavailable"
    web.passes(5)
    assert result(game, "GetRecordCount") == "Success"


def test_answers_and_orders_have_bounds() -> None:
    web = Web()
    game = web.comes()
    for number in range(30):
        web.vault.create(7, "scores", number, {"n": ["asciiStringValue", f"{number}" * 30_000]})
    fields = "<fields><string>n</string></fields>"
    said = asks(game, CALL.format("SearchForRecords", TICKET, "scores", fields)).encode()
    assert 10 < said.count(b"<RecordValue>") < 30
    assert len(said) < 1_200_000
    assert result(game, "SearchForRecords", f"<sort>{'n,' * 100}</sort>") == "SortInvalid"
    assert result(game, "SearchForRecords", "<sort>n desc, recordid ASC</sort>") == "Success"


def test_the_shelf_gives_everything_back() -> None:
    web = Web()
    game = web.comes()
    result(game, "CreateRecord", VALUE.format("intValue", 1))
    number = web.vault.store(File(7, 1, "ghost", b"\0\xff"))
    assert number is not None
    again = Web()
    again.kept = web.kept
    assert again.vault.file(number) == File(7, 1, "ghost", b"\0\xff")
    (record,) = again.vault.table(7, "scores").values()
    assert (record.ownerid, record.fields) == (1001, {"n": ["intValue", "1"]})
    other = again.vault.create(7, "scores", 1, {})
    assert other is not None
    assert other.recordid > max(number, record.recordid)


def test_connections_end_when_the_client_says_so() -> None:
    game = Web().comes()
    request = b"GET /motd/motd.asp HTTP/1.1\r\nHost: x\r\n\r\n"
    (said,) = game.says(Opaque(request))
    assert said.get("headers.Connection") == "keep-alive"
    assert game.closed is None
    (said,) = game.says(Opaque(request.replace(b"GET", b"HEAD")))
    assert said.encode().endswith(b"\r\n\r\n")
    (said,) = game.says(Opaque(request.replace(b"1.1", b"1.0")))
    assert said.get("headers.Connection") == "close"
    assert game.closed == "answered"


def test_only_other_versions_are_told_of_a_patch() -> None:
    options = {"patch": "http://192.0.2.1/a\\b.exe", "version": "1.1", "lockout": "yes"}
    web = Web(options={f"gamespy-web.{name}": text for name, text in options.items()})
    game = web.comes()
    page = "GET /motd/vercheck.asp?productid=1&versionuniqueid={} HTTP/1.1\r\nHost: x\r\n\r\n"
    bodies = [
        game.says(Opaque(page.format(version).encode()))[0].encode().partition(b"\r\n\r\n")[2]
        for version in ("1.0", "1.1")
    ]
    assert bodies == [
        b"\\newver\\1\\lockout\\1\\fpfileid\\1\\newvername\\\\dlurl\\http://192.0.2.1/ab.exe\\",
        b"\\newver\\0\\lockout\\0\\fpfileid\\0\\newvername\\\\dlurl\\\\",
    ]


def test_idle_connections_end() -> None:
    web = Web()
    game, other = web.comes(), web.comes()
    web.passes(200)
    game.says(Opaque(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"))
    web.passes(250)
    assert (game.closed, other.closed) == (None, "idle")
    web.passes(100)
    assert game.closed == "idle"


def test_a_login_without_accounts_is_told_who_is_unknown() -> None:
    web = Web(accounts={"kate": "x"}, options={"gamespy-web.login": "unsigned"})
    call = "<Envelope><Body><LoginProfile><email>a@b</email></LoginProfile></Body></Envelope>"
    said = asks(web.comes(), call)
    assert said.get("body.LoginProfileResult.responseCode") == "2"
    console = "<Envelope><Body><LoginPs3Cert/></Body></Envelope>"
    said = asks(web.comes(), console)
    assert said.get("body.LoginPs3CertResult.responseCode") == "7"


@pytest.mark.parametrize(
    ("kind", "good", "bad"),
    [
        ("byteValue", ("0", "255"), ("256", "-1", "", "1.5")),
        ("int64Value", ("-9223372036854775808",), ("9223372036854775808", "1" * 500)),
        ("floatValue", ("1", "-1.5", "1e3"), ("nan", "1" * 99, "")),
        ("booleanValue", ("true", "0"), ("yes",)),
        ("dateAndTimeValue", ("2008-01-31T12:00:00", "2008-01-31"), ("yesterday",)),
        ("binaryDataValue", ("", "AAE="), ("%%%",)),
        ("unicodeStringValue", ("", "any"), ()),
    ],
)
def test_values(kind: str, good: tuple[str, ...], bad: tuple[str, ...]) -> None:
    assert [fits(kind, one) for one in (*good, *bad)] == [True] * len(good) + [False] * len(bad)


def test_forms() -> None:
    kind = 'multipart/form-data; boundary="abc"'
    body = b'--abc\r\nContent-Disposition: x; filename="a.bin"\r\n\r\n\r\n-data-\r\n--abc--\r\n'
    assert multipart(body, kind) == ("a.bin", b"\r\n-data-")
    assert multipart(b"--abc\r\n\r\n\r\n--abc--", kind) == ("", b"")
    for broken in (b"", b"--abc\r\n", body[:-12], body.replace(b"abc", b"xyz")):
        assert multipart(broken, kind) is None
    assert multipart(body, "text/plain") is None


VALUES = ["0", "1000", "-1", "x", "", "scores", "n > 1", "n desc", "'", "&amp;", "&b;", "<a/>"]
VALUES += ["<![CDATA[x]]>", "<int>1000</int>", "<string>n</string>", "9" * 30, "<RecordField/>"]
VALUES += [VALUE.format("intValue", 4)[8:-9], VALUE.format("byteValue", "")[8:-9]]
TAGS = ["gameid", "secretKey", "recordid", "rating", "filter", "sort", "offset", "max", "fields"]
TAGS += ["surrounding", "targetfilter", "ownerids", "recordids", "values", "csid", "uniquenick"]


def test_no_call_is_a_defect() -> None:
    """Any call with any elements, some of them damaged, has an answer."""
    web, draw = Web(options={"gamespy-web.login": "unsigned"}), random.Random(7)
    game = web.comes()
    for _ in range(300):
        names = draw.choices(TAGS, k=draw.randrange(6))
        inner = "".join(f"<{name}>{draw.choice(VALUES)}</{name}>" for name in names)
        call = CALL.format(draw.choice((*AUTH, *SAKE, *SAKE, *ATLAS)), TICKET, "scores", inner)
        if draw.random() < 0.2:
            at = draw.randrange(len(call))
            call = call[:at] + draw.choice("<>&\0x") + call[at + 1 :]
        assert asks(game, call) is not None
        assert game.turn.unanswered is None
    assert [note for note in (*game.notes, *web.notes) if note[0] == "defect"] == []
