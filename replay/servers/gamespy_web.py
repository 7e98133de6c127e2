r"""GameSpy's web services by rules: news, patches, records, files, competitions (gamespy 12, 13).

See `_gs_web` for requests and answers, `_gs_web_vault` for what is kept, `_gs_web_sake` for
records, `_gs_web_atlas` for competitions and logins; here are the pages and the files. Beside a
recording the rules answer what it does not know, and what is about records that were made here.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import ClassVar

from proxy.layouts.http_message import HttpMessage
from proxy.message import Message, WireError
from proxy.protocols.gamespy_web import ATLAS, AUTH, SAKE
from replay.servers._gs_web import Ask, Call, whole
from replay.servers._gs_web_atlas import AtlasRules
from replay.servers._gs_web_vault import File
from replay.standin.rules import OPAQUE, Act, Acts, hears
from replay.standin.world import Client

RESULT, NUMBER = "Sake-File-Result", "Sake-File-Id"
STORED, PARAMETER_MISSING, FILE_MISSING, TOO_LARGE, SERVER_FAILED = 0, 3, 4, 5, 6
"""`Sake-File-Result`."""
MOST_FILE = 1 << 20
BINARY = "application/octet-stream"
_BOUNDARY = re.compile(r'boundary="?([^";,]{1,200})', re.IGNORECASE)
_FILENAME = re.compile(rb'filename="([^"\r\n]{0,255})"', re.IGNORECASE)


class GamespyWeb(AtlasRules):
    """All pages and calls."""

    beside = True
    calls = frozenset((*AUTH, *SAKE, *ATLAS))
    options: ClassVar[Mapping[str, str]] = {
        "motd": "the message of the day, with | between lines",
        "patch": "address of a newer version: every other one is told of it",
        "version": "the version that needs no patch (`versionuniqueid`)",
        "patch_name": "what the newer version is called",
        "lockout": "yes: an older version may not play",
        "records": "records that a player may have in one table (100)",
        "login": "unsigned: log in games that do not check the certificate's signature",
    }

    def claims(self, client: Client, message: Message) -> bool:
        """What is stored here, and what asks for that: a recorded answer knows nothing of it."""
        if not isinstance(message, HttpMessage):
            return False
        if message.kind == "download":
            return self.vault.file(whole(Ask(message).query("fileid"), -1)) is not None
        if message.kind not in SAKE:
            return message.kind == "upload"
        try:
            return self._stored_here(Call(message))
        except WireError:
            return False

    def _stored_here(self, call: Call) -> bool:
        table = self.vault.table(call.number("gameid"), call.text("tableid"))
        named = [call.text("recordid"), *call.texts("recordids")]
        numbers = [whole(one) for one in named if one]
        if numbers:
            return any(one in table for one in numbers)
        return call.kind == "CreateRecord" or bool(table)

    # patches and news

    @hears("vercheck")
    def check_version(self, client: Client, ask: Ask) -> Acts:
        address = _value(self.option("patch"))
        new = bool(address) and ask.query("versionuniqueid") != self.option("version")
        pairs = {
            "newver": int(new),
            "lockout": int(new and self.option("lockout") == "yes"),
            "fpfileid": int(new),
            "newvername": _value(self.option("patch_name")) if new else "",
            "dlurl": address if new else "",
        }
        text = "".join(f"\\{name}\\{value}" for name, value in pairs.items()) + "\\"
        return self.answer(client, ask, text.encode("latin-1", "replace"))

    @hears("motd")
    def news(self, client: Client, ask: Ask) -> Acts:
        text = self.option("motd", "Welcome").replace("|", "\r\n")
        return self.answer(client, ask, text.encode())

    @hears("dlfileraw")
    def mirrors(self, client: Client, ask: Ask) -> Acts:
        """Description, size, and a line for each mirror: name, tab, address."""
        address = _value(self.option("patch"))
        name = _value(self.option("patch_name")) or "Patch"
        lines = [name, "0", f"Mirror\t{address}"] if address else ["No file", "0"]
        return self.answer(client, ask, "\r\n".join([*lines, ""]).encode("latin-1", "replace"))

    # files

    @hears("upload")
    def upload(self, client: Client, ask: Ask) -> Acts:
        pid, game = whole(ask.query("pid"), -1), whole(ask.query("gameid"), -1)
        found = multipart(ask.body, ask.head.header("Content-Type"))
        if pid < 0 or game < 0 or found is None:
            return self._filed(client, ask, PARAMETER_MISSING)
        name, data = found
        if len(data) > MOST_FILE:
            return self._filed(client, ask, TOO_LARGE)
        number = self.vault.store(File(game, pid, name, data))
        if number is None:
            return self._filed(client, ask, SERVER_FAILED)
        return self._filed(client, ask, STORED, more={NUMBER: number})

    @hears("download")
    def download(self, client: Client, ask: Ask) -> Acts:
        number = whole(ask.query("fileid"), -1)
        if number < 0:
            return self._filed(client, ask, PARAMETER_MISSING)
        found = self.vault.file(number)
        if found is None:
            return self._filed(client, ask, FILE_MISSING)
        return self._filed(client, ask, STORED, found.data)

    def _filed(
        self,
        client: Client,
        ask: Ask,
        result: int,
        data: bytes = b"",
        more: Mapping[str, object] | None = None,
    ) -> Iterator[Act]:
        headers = {RESULT: result, **(more or {})}
        return self.answer(client, ask, data, kind=BINARY, more=headers)

    # anything else

    @hears("Request")
    def page(self, client: Client, ask: Ask) -> Acts:
        if ask.head.path.lower().endswith(".asmx") and ask.body:
            return self.fault(client, ask, "there is no call in it that can be read")
        return self.answer(client, ask, b"There is no such page here.\n", status=404)

    @hears("*")
    def unknown(self, client: Client, ask: Ask) -> Acts:
        """A call of a service that is not here, as a SOAP fault."""
        return self.fault(client, ask, f"{ask.kind} is not a call of this server")

    @hears(OPAQUE)
    def unreadable(self, client: Client, message: Message) -> Acts:
        why = (client.frame.error or "") if client.frame else ""
        long = "limit" in why
        text = b"That is too long.\n" if long else b"That is no request.\n"
        return self.answer(client, None, text, status=413 if long else 400)


def multipart(body: bytes, kind: str) -> tuple[str, bytes] | None:
    """Name and bytes of the first file in a form; None: there is none."""
    boundary = _BOUNDARY.search(kind)
    if boundary is None:
        return None
    mark = b"--" + boundary[1].strip().encode("latin-1")
    start = body.find(mark)
    begins = body.find(b"\r\n\r\n", start) + 4
    ends = body.find(b"\r\n" + mark, begins - 2)
    if start < 0 or begins < 4 or ends < 0:
        return None
    name = _FILENAME.search(body, start, begins)
    return (name[1].decode("latin-1") if name else ""), body[begins : max(begins, ends)]


def _value(text: str) -> str:
    """A value that cannot break the text that it stands in."""
    return "".join(char for char in text[:1000] if char >= " " and char != "\\")


RULES = GamespyWeb
