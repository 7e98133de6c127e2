"""Golden bytes of the web services: whole requests and responses (gamespy 12, 13)."""

from __future__ import annotations

from collections.abc import Iterator

from proxy.protocols.gamespy_web import ATLAS, AUTH, SAKE
from recordings.model import Direction, Json
from tests.protocols.harness import Vector

UP, DOWN = Direction.TO_SERVER, Direction.TO_CLIENT


def envelope(call: str, inside: str) -> bytes:
    """A SOAP call."""
    return (
        '<?xml version="1.0" encoding="UTF-8"?>'
        '<SOAP-ENV:Envelope xmlns:SOAP-ENV="http://schemas.xmlsoap.org/soap/envelope/" '
        f'xmlns:ns1="http://gamespy.net/x"><SOAP-ENV:Body><ns1:{call}>{inside}</ns1:{call}>'
        "</SOAP-ENV:Body></SOAP-ENV:Envelope>"
    ).encode()


def request(path: str, call: str, body: bytes) -> bytes:
    """The request that carries a call."""
    return (
        f"POST {path} HTTP/1.1\r\n"
        "Host: gmtest.auth.example\r\n"
        f'SOAPAction: "http://gamespy.net/x/{call}"\r\n'
        f"Content-Length: {len(body)}\r\n\r\n"
    ).encode() + body


def response(body: bytes, status: str = "200 OK", more: str = "") -> bytes:
    """A response with a length."""
    return f"HTTP/1.1 {status}\r\n{more}Content-Length: {len(body)}\r\n\r\n".encode() + body


def get(target: str) -> bytes:
    """A request without a body."""
    return f"GET {target} HTTP/1.1\r\nHost: motd.example\r\n\r\n".encode()


LOGIN = request(
    "/AuthService/AuthService.asmx",
    "LoginUniqueNick",
    envelope(
        "LoginUniqueNick",
        "<ns1:version>1</ns1:version>"
        "<ns1:partnercode>0</ns1:partnercode>"
        "<ns1:namespaceid>1</ns1:namespaceid>"
        "<ns1:uniquenick>a&amp;b</ns1:uniquenick>"
        "<ns1:password><ns1:Value>0a0b</ns1:Value></ns1:password>",
    ),
)
LOGIN_BODY: dict[str, Json] = {
    "version": "1",
    "partnercode": "0",
    "namespaceid": "1",
    "uniquenick": "a&b",
    "password": {"Value": "0a0b"},
}
CERTIFICATE = response(
    envelope(
        "LoginUniqueNickResponse",
        "<LoginUniqueNickResult><responseCode>0</responseCode>"
        "<certificate><length>303</length><profileid>17</profileid></certificate>"
        "<peerkeyprivate>ff</peerkeyprivate></LoginUniqueNickResult>",
    )
)
RECORD = request(
    "/SakeStorageServer/StorageServer.asmx",
    "CreateRecord",
    envelope(
        "CreateRecord",
        "<ns1:gameid>0</ns1:gameid>"
        "<ns1:secretKey>HA6zkS</ns1:secretKey>"
        "<ns1:loginTicket>AAAAAAAAAAAAAAAAAAAAAA__</ns1:loginTicket>"
        "<ns1:tableid>scores</ns1:tableid>"
        "<ns1:values>"
        "<ns1:RecordField><ns1:name>points</ns1:name>"
        "<ns1:value><ns1:intValue><ns1:value>7</ns1:value></ns1:intValue></ns1:value>"
        "</ns1:RecordField>"
        "<ns1:RecordField><ns1:name>won</ns1:name>"
        "<ns1:value><ns1:booleanValue><ns1:value>1</ns1:value></ns1:booleanValue></ns1:value>"
        "</ns1:RecordField>"
        "</ns1:values>",
    ),
)
REPORT = bytes.fromhex(
    "00000002"  # protocol
    "00000001"  # developer version
    "000102030405060708090a0b0c0d0e0f"  # MD5
    "00000003"  # status
    "00000004"  # flags
    "000100020003000400050006"  # six counts
    "00000007" "00000000" "00000000" "00000000" "00000000" "00000008"  # six lengths
    "aabb"  # sections
)  # fmt: skip
SUBMIT = request(
    "/CompetitionService/CompetitionService.asmx",
    "SubmitReport",
    envelope("SubmitReport", "<ns1:gameid>0</ns1:gameid>") + b"application/bin\0" + REPORT,
)
VERSION = b"\\newver\\1\\lockout\\0\\fpfileid\\17\\newvername\\1.1\\dlurl\\http://files.example/a\\"


def _call(name: str, path: str) -> Iterator[Vector]:
    """A call with one field, and its answer."""
    asked = request(path, name, envelope(name, "<ns1:gameid>7</ns1:gameid>"))
    answer = response(envelope(f"{name}Response", f"<{name}Result>Success</{name}Result>"))
    yield Vector(
        name,
        UP,
        asked,
        name,
        {
            "method": "POST",
            "path": path,
            "version": "HTTP/1.1",
            "headers": {
                "Host": "gmtest.auth.example",
                "SOAPAction": f'"http://gamespy.net/x/{name}"',
                "Content-Length": str(len(asked) - asked.index(b"<?xml")),
            },
            "body": {"gameid": "7"},
        },
    )
    yield Vector(f"{name}Response", DOWN, answer, f"{name}Response", before=((UP, asked),))


def _page(name: str, target: str, body: bytes) -> Iterator[Vector]:
    """A page and its answer."""
    yield Vector(name, UP, get(target), name)
    yield Vector(f"{name}Reply", DOWN, response(body), f"{name}Reply", before=((UP, get(target)),))


VECTORS = (
    Vector(
        "a login",
        UP,
        LOGIN,
        "LoginUniqueNick",
        {
            "method": "POST",
            "path": "/AuthService/AuthService.asmx",
            "version": "HTTP/1.1",
            "headers": {
                "Host": "gmtest.auth.example",
                "SOAPAction": '"http://gamespy.net/x/LoginUniqueNick"',
                "Content-Length": str(len(LOGIN) - LOGIN.index(b"<?xml")),
            },
            "body": LOGIN_BODY,
        },
        spans={"body.uniquenick": b"a&amp;b"},
    ),
    Vector("a certificate", DOWN, CERTIFICATE, "LoginUniqueNickResponse", before=((UP, LOGIN),)),
    Vector(
        "a record",
        UP,
        RECORD,
        "CreateRecord",
        learned={"web.secretKey": b"HA6zkS", "web.loginTicket": b"AAAAAAAAAAAAAAAAAAAAAA__"},
    ),
    Vector("a report", UP, SUBMIT, "SubmitReport"),
    *(one for name in AUTH for one in _call(name, "/AuthService/AuthService.asmx")),
    *(one for name in SAKE for one in _call(name, "/SakeStorageServer/StorageServer.asmx")),
    *(one for name in ATLAS for one in _call(name, "/CompetitionService/CompetitionService.asmx")),
    Vector(
        "a fault",
        DOWN,
        response(envelope("Fault", "<faultstring>no</faultstring>"), "500 Internal Server Error"),
        "Fault",
        before=((UP, LOGIN),),
    ),
    *_page(
        "vercheck",
        "/motd/vercheck.asp?productid=1&versionuniqueid=1.0&distid=0&gamename=gmtest",
        VERSION,
    ),
    *_page("motd", "/motd/motd.asp?productid=1", b"Hello\r\n"),
    *_page("dlfileraw", "/dlfileraw.asp?fileid=17", b"\\a\\1\\a\\2"),
    *_page("upload", "/SakeFileServer/upload.aspx?gameid=7", b""),
    *_page("download", "/SakeFileServer/download.aspx?fileid=17", b"\0\1"),
    Vector("another request", UP, get("/"), "Request"),
    Vector("another response", DOWN, response(b"<html></html>", "404 Not Found"), "Response"),
    Vector("go on", DOWN, b"HTTP/1.1 100 Continue\r\n\r\n", "Interim"),
    Vector("no HTTP", UP, b"\x16\x03\x01\x00", "Opaque", error="lost: HTTP: "),
)
