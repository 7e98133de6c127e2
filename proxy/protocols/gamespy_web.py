r"""GameSpy's web services (80/tcp; 443 with TLS taken off): SOAP, files, patches, news.

Each request and each response is a frame. A SOAP call is named by its own element (`LoginProfile`,
`LoginProfileResponse`), a page by its file (`vercheck`, answered by `vercheckReply`); elements are
fields below `body`. `SubmitReport` carries a binary report behind its XML: `application/bin`, NUL,
a head of 68 bytes, all big-endian, and the sections. Patch pages answer with `\key\value\` text
that has no `\final\`. Brigades has nothing of its own on the wire. Source: gamespy 12, 13.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import partial

from proxy.layouts import soap
from proxy.layouts.http import HttpDissector
from proxy.layouts.http_message import plain_body, read_message, soap_body
from proxy.layouts.http_places import Head, Slot
from proxy.message import WireError
from proxy.personal import GAMESPY
from proxy.protocol import Field, Kind, Protocol, Volatile
from recordings.model import Direction, Frame, Key, Transport

UP, DOWN = Direction.TO_SERVER, Direction.TO_CLIENT

REPORT_MARK = b"application/bin\0"
REPORT = (
    ("protocol", 4, "u32"),
    ("developer_version", 4, "u32"),
    ("checksum", 16, "hex"),
    ("status", 4, "u32"),
    ("flags", 4, "u32"),
    *((f"counts[{number}]", 2, "u16") for number in range(6)),
    *((f"lengths[{number}]", 4, "u32") for number in range(6)),
)
"""The head of a competition report: name, bytes, how it is read."""

LOGINS = ("LoginProfile", "LoginUniqueNick", "LoginRemoteAuth", "LoginPs3Cert")
AUTH = tuple(name + variant for name in LOGINS for variant in ("", "WithGameId"))
SAKE = (
    "CreateRecord",
    "UpdateRecord",
    "DeleteRecord",
    "SearchForRecords",
    "GetMyRecords",
    "GetSpecificRecords",
    "GetRandomRecords",
    "RateRecord",
    "GetRecordLimit",
    "GetRecordCount",
)
ATLAS = (
    "CheckProfileOnBanList",
    "CreateSession",
    "CreateMatchlessSession",
    "SetReportIntention",
    "SubmitReport",
)
PAGES = {
    "vercheck.asp": "vercheck",
    "motd.asp": "motd",
    "dlfileraw.asp": "dlfileraw",
    "upload.aspx": "upload",
    "download.aspx": "download",
}
"""File of a page -> kind of its request."""

_NAME = re.compile(r"[A-Za-z]\w*", re.ASCII)
_SECRETS = re.compile(rb"<(?:\w+:)?(loginTicket|proof|secretKey)>([^<>&]{1,512})</")
_KEY = re.compile(rb"\\([^\\]*)\\([^\\]*)")


def _kind(head: Head, body: bytes) -> str:
    call = _operation(body)
    if call is not None:
        return call
    if head.status and head.status < 200:
        return "Interim"
    page = PAGES.get(head.path.rpartition("/")[2].lower())
    if head.status:
        return f"{page}Reply" if page else "Response"
    return page or "Request"


def _operation(body: bytes) -> str | None:
    """The element of a SOAP call, None when this is none."""
    if not soap.looks_like_xml(body):
        return None
    try:
        call = soap.operation(soap.parse(body)[0])
    except WireError:
        return None
    return call.name if call and _NAME.fullmatch(call.name) else None


def _slots(head: Head, body: bytes) -> list[Slot]:
    if body.startswith(b"\\"):
        return list(_key_values(body)) or plain_body(head, body)
    slots = soap_body(head, body)
    if slots and slots[-1].path == "tail":
        tail = slots.pop()
        return [*slots, *_tail(body, tail)]
    return slots


def _key_values(body: bytes) -> Iterator[Slot]:
    """One place per key; none where the text has no such form."""
    found = list(_KEY.finditer(body))
    names = [match[1].decode("latin-1") for match in found]
    whole = b"".join(match[0] for match in found)
    if body.rstrip(b"\\\r\n\0") != whole.rstrip(b"\\\r\n\0") or len(set(names)) != len(names):
        return
    if all(map(_NAME.fullmatch, names)):
        for name, match in zip(names, found, strict=True):
            yield Slot(f"body.{name}", *match.span(2), "latin")


def _tail(body: bytes, tail: Slot) -> Iterator[Slot]:
    """The report behind the call, or the tail as it is."""
    start = body.find(REPORT_MARK, tail.start)
    at = start + len(REPORT_MARK)
    if start < 0 or len(body) - at < sum(size for _, size, _ in REPORT):
        yield tail
        return
    for name, size, codec in REPORT:
        yield Slot(f"report.{name}", at, at + size, codec)
        at += size
    if at < len(body):
        yield Slot("report.data", at, len(body), "hex")


class WebDissector(HttpDissector):
    """Learns the tickets and proofs that calls carry."""

    def frame(self, frame: Frame) -> None:
        for match in _SECRETS.finditer(frame.clear[:65536]):
            name = f"web.{match[1].decode()}"
            known = self.keys.find(name)
            if known is None or known.key != match[2]:
                self.learn(frame, Key(name, match[2]))


# -- the tables ------------------------------------------------------------------------------------

_LOGIN_FIELDS = {
    "body.version": "of the call",
    "body.partnercode": "whose accounts these are",
    "body.namespaceid": "in which space the unique nick is unique",
    "body.password": "RSA, PKCS#1 v1.5, hex",
}
_CERTIFICATE = {
    "length": "",
    "version": "",
    "partnercode": "",
    "namespaceid": "",
    "userid": "account",
    "profileid": "profile",
    "expiretime": "",
    "profilenick": "",
    "uniquenick": "",
    "cdkeyhash": "MD5",
    "peerkeymodulus": "hex",
    "peerkeyexponent": "hex",
    "serverdata": "128 bytes, hex",
    "signature": "128 bytes, hex: RSA over the MD5 of all the rest",
}
_FRESH = ("expiretime", "peerkeymodulus", "serverdata", "signature")
_SIGNED = "the signature covers it, and nobody can sign anew: it is served as it was recorded"
_SAKE_FIELDS = {
    "body.gameid": "the game's number",
    "body.secretKey": "the game's secret",
    "body.loginTicket": "`lt` of the presence server, 24 characters; later `certificate`, `proof`",
    "body.tableid": "name of the table",
    "body.values": "RecordField: name and typed value",
}
_REPORT_FIELDS = {
    "report.protocol": "",
    "report.developer_version": "",
    "report.checksum": "MD5",
    "report.status": "",
    "report.flags": "",
    "report.counts": "six numbers",
    "report.lengths": "of six sections",
    "report.data": "the sections",
}


def _doc(name: str, way: Direction, meaning: str, fields: dict[str, str], section: str) -> Kind:
    lines = tuple(Field(path, "text", what) for path, what in fields.items())
    return Kind(name, (way,), meaning, lines, f"gamespy {section}")


def _calls() -> Iterator[Kind]:
    for name in AUTH:
        result = f"body.{name}Result"
        answer = {f"{result}.certificate.{one}": what for one, what in _CERTIFICATE.items()}
        answer = {f"{result}.responseCode": "0: done", **answer, f"{result}.peerkeyprivate": "hex"}
        yield _doc(name, UP, "Logs a player in.", _LOGIN_FIELDS, "12")
        yield _doc(f"{name}Response", DOWN, "The certificate of the player.", answer, "12")
    for name in SAKE:
        yield _doc(name, UP, "A call of the record store (SAKE).", _SAKE_FIELDS, "12")
        yield _doc(f"{name}Response", DOWN, "Its answer.", {}, "12")
    for name in ATLAS:
        fields = _REPORT_FIELDS if name == "SubmitReport" else {}
        yield _doc(name, UP, "A call of the competitions (ATLAS).", fields, "12")
        yield _doc(f"{name}Response", DOWN, "Its answer.", {}, "12")


_VERCHECK = {
    "query.productid": "",
    "query.versionuniqueid": "",
    "query.distid": "",
    "query.gamename": "",
    "query.userid": "",
    "query.uniqueid": "",
}
_VERSION = {
    "body.newver": "1: there is a newer version",
    "body.lockout": "1: the old one may not play",
    "body.fpfileid": "number of the file",
    "body.newvername": "",
    "body.dlurl": "where it is",
}
KINDS = (
    *_calls(),
    _doc("Fault", DOWN, "A call went wrong.", {}, "12"),
    _doc(
        "upload",
        UP,
        "Stores a file (SAKE); the result is in the header Sake-File-Result.",
        {},
        "12",
    ),
    _doc("uploadReply", DOWN, "Its answer.", {"headers.Sake-File-Id": "of the file"}, "12"),
    _doc("download", UP, "Asks for a file (SAKE).", {}, "12"),
    _doc("downloadReply", DOWN, "The file.", {}, "12"),
    _doc("vercheck", UP, "Is there a newer version?", _VERCHECK, "13"),
    _doc("vercheckReply", DOWN, "Whether there is.", _VERSION, "13"),
    _doc("motd", UP, "Asks for the message of the day.", {}, "13"),
    _doc("motdReply", DOWN, "The message of the day.", {}, "13"),
    _doc("dlfileraw", UP, "Asks where a file can be loaded from.", {}, "13"),
    _doc("dlfilerawReply", DOWN, "A list of mirrors.", {}, "13"),
    _doc("Request", UP, "Any other request.", {}, "12"),
    _doc("Response", DOWN, "Any other response.", {}, "12"),
    _doc("Interim", DOWN, "The body may come (100 Continue).", {}, "12"),
)

PROTOCOLS = (
    Protocol(
        name="gamespy-web",
        title="GameSpy web services",
        transports=(Transport.TCP,),
        ports=(80,),
        begins=rb"(?:GET|POST) [^\r\n]*\r\n.*gamespy",
        make_dissector=WebDissector,
        view_frame=partial(read_message, kind=_kind, body=_slots),
        kinds=KINDS,
        volatile={
            "*.headers.Date": Volatile("clock", "HTTP date"),
            "*.body.certificate": Volatile("learned", "the login's certificate"),
            "*.body.loginTicket": Volatile("learned", "the presence server's lt"),
            "*.body.proof": Volatile("digest", "of the certificate's private key"),
            **{f"{name}.body.password": Volatile("fresh", "RSA padding") for name in AUTH},
            **{
                f"{name}Response.body.{name}Result.certificate.{one}": Volatile("learned", _SIGNED)
                for name in AUTH
                for one in _FRESH
            },
        },
        answers={
            **{name: (f"{name}Response", "Fault") for name in (*AUTH, *SAKE, *ATLAS)},
            **{page: (f"{page}Reply",) for page in PAGES.values()},
            "Request": ("Response",),
        },
        personal=GAMESPY,
        source="gamespy 12, 13",
    ),
)
