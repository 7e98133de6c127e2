"""A game at GameSpy's web services, from the reference alone (gamespy 12, 13).

Nothing here comes from the product: HTTP and XML are those of the standard library.
"""

from __future__ import annotations

import http.client
import struct
import xml.etree.ElementTree as ET
from hashlib import md5
from urllib.parse import urlencode

from tests.running import PATIENCE

SAKE = "http://gamespy.net/sake"
STORAGE = "/SakeStorageServer/StorageServer.asmx"
COMPETITION = "/CompetitionService/CompetitionService.asmx"
AUTHORISE = "/AuthService/AuthService.asmx"
ENVELOPE = (
    '<?xml version="1.0" encoding="UTF-8"?><SOAP-ENV:Envelope '
    'xmlns:SOAP-ENV="http://schemas.xmlsoap.org/soap/envelope/" xmlns:ns1="{space}">'
    "<SOAP-ENV:Body><ns1:{name}>{inner}</ns1:{name}></SOAP-ENV:Body></SOAP-ENV:Envelope>"
)


def tag(name: str, value: object) -> str:
    text = str(value).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return f"<ns1:{name}>{text}</ns1:{name}>"


def listed(name: str, kind: str, values: list[object]) -> str:
    return f"<ns1:{name}>{''.join(tag(kind, one) for one in values)}</ns1:{name}>"


def local(element: ET.Element) -> str:
    return element.tag.rpartition("}")[2]


class Game:
    """One connection that is kept alive."""

    def __init__(self, port: int, ticket: str = "x" * 24, secret: str = "HA6zkS") -> None:
        self.http = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE)
        self.ticket, self.secret = ticket, secret
        self.who = tag("loginTicket", ticket)

    def page(
        self, path: str, body: bytes | None = None, kind: str = "text/xml", **query: object
    ) -> tuple[http.client.HTTPResponse, bytes]:
        headers = {"Host": "gmtest.sake.gamespy.com", "User-Agent": "GameSpyHTTP/1.0"}
        if body is not None:
            headers["Content-Type"] = kind
        target = f"{path}?{urlencode(query)}" if query else path
        self.http.request("GET" if body is None else "POST", target, body, headers)
        response = self.http.getresponse()
        return response, response.read()

    def calls(
        self, name: str, inner: str = "", *, path: str = STORAGE, tail: bytes = b""
    ) -> ET.Element:
        """A SOAP call; the element of the response, which must be named after it."""
        text = ENVELOPE.format(space=SAKE, name=name, inner=inner)
        response, body = self.page(path, text.encode() + tail)
        assert response.status == 200, body
        root = ET.fromstring(body)
        assert local(root) == "Envelope"
        (found,) = root[0]
        assert local(found) == f"{name}Response", "the client reports a parse error"
        return found

    def sake(self, name: str, inner: str = "", table: str = "scores") -> tuple[str, ET.Element]:
        """A call of the record store; its result."""
        head = tag("gameid", 0) + tag("secretKey", self.secret) + self.who
        found = self.calls(name, head + tag("tableid", table) + inner)
        assert local(found[0]) == f"{name}Result"
        return found[0].text or "", found

    def creates(self, table: str = "scores", **fields: tuple[str, object]) -> int:
        result, found = self.sake("CreateRecord", values(**fields), table)
        assert result == "Success"
        return int(child(found, "recordid"))

    def rows(
        self, name: str, *fields: str, more: str = "", table: str = "scores"
    ) -> list[list[str]]:
        """Records, with a typed value for each field that is asked for."""
        result, found = self.sake(name, more + listed("fields", "string", [*fields]), table)
        assert result == "Success", result
        rows = []
        for row in found[1]:
            assert local(row) == "ArrayOfRecordValue"
            assert len(row) == len(fields)
            rows.append([one[0][0].text or "" for one in row])
        return rows

    def uploads(self, data: bytes, pid: int = 1) -> http.client.HTTPResponse:
        mark = b"Qr4G823s23d---<<><><<<>--7d118e0536"
        body = b'--%b\r\nContent-Disposition: form-data; name="a"; filename="ghost.bin"\r\n' % mark
        body += b"Content-Type: application/octet-stream\r\n\r\n" + data
        body += b"\r\n--%b--\r\n" % mark
        kind = "multipart/form-data; boundary=" + mark.decode()
        return self.page("/SakeFileServer/upload.aspx", body, kind, gameid=0, pid=pid)[0]

    def close(self) -> None:
        self.http.close()


def child(element: ET.Element, name: str) -> str:
    (found,) = [one for one in element.iter() if local(one) == name]
    return found.text or ""


def values(**fields: tuple[str, object]) -> str:
    """Record fields: name -> type and value."""
    text = ""
    for name, (kind, value) in fields.items():
        typed = f"<ns1:{kind}>{tag('value', value)}</ns1:{kind}>"
        text += f"<ns1:RecordField>{tag('name', name)}<ns1:value>{typed}</ns1:value>"
        text += "</ns1:RecordField>"
    return f"<ns1:values>{text}</ns1:values>"


def report(*sections: bytes) -> bytes:
    """A match report: head of 68 bytes, all big-endian, then six sections."""
    data = b"".join(sections)
    lengths = [len(one) for one in sections] + [0] * (6 - len(sections))
    checksum = md5(data, usedforsecurity=False).digest()
    head = struct.pack(">II16sII6H6I", 1, 1, checksum, 0, 0, *([1] * 6), *lengths)
    assert len(head) == 68
    return b"application/bin\0" + head + data
