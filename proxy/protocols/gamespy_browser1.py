r"""Server Browser, version 1, of the older engine (28900/tcp): the list of a game's servers.

The server speaks first: `\basic\\secure\ABCDEF`, which nothing ends but its six characters. The
client proves its secret and asks, usually in one segment:
`\gamename\..\validate\..\enctype\2\final\\queryid\1.1\` and `\list\cmp\gamename\..\final\`. The
server sends the list and closes. `cmp` is addresses of six bytes and `\final\`, `info2` and
`groups` are a table of text; either may be enciphered as a whole (enctype 1, 2): `plain` is then
the list alone. Source: gamespy 5.3, 7; the ciphers are proxy/ciphers/enctype1.py and enctype2.py.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import Annotated, Any, ClassVar

from proxy.ciphers import enctype1, enctype2
from proxy.ciphers.gamespy_secrets import missing, secret_for
from proxy.ciphers.validate import validate
from proxy.dissector import PEER_FAULTS, StreamDissector
from proxy.keys import SessionKeys
from proxy.layouts.checks import compare, put_check, unknown
from proxy.layouts.codec import U16BE, Array, Ipv4, Magic, Misfit, Struct, Table
from proxy.layouts.keyvalue import MARK, KeyValue, lookup
from proxy.layouts.layout import Steps
from proxy.layouts.qr2_keys import Grid
from proxy.layouts.qr2_keys import Table as Rows
from proxy.message import Message, WireError
from proxy.personal import GAMESPY
from proxy.protocol import Announce, Field, Kind, Protocol, Volatile
from recordings.errors import UserError
from recordings.model import Direction, Frame, Key, Transport

UP, DOWN = Direction.TO_SERVER, Direction.TO_CLIENT

SECURE = b"\\secure\\"
SECURE_LENGTH = 6
GREETING_LIMIT = 4096
REQUEST_LIMIT = 1 << 17
"""Bytes of a request, whose filter is a line: each chunk of it searches the whole of it."""
LOGIN = b"\\gamename\\"
QUERY_ID = b"\\queryid\\"
FATAL = b"\\fatal\\"
COMPACT = "cmp"
RECORD = 6
"""Bytes of an address in a `cmp` list."""
TREE_KEY = bytes(range(0x41, 0x4E))
"""The key that is sent before a list of enctype 2 when no server has shown us one."""
CIPHERS = {1: "enctype1", 2: "enctype2"}

TABLE = Table("gamespy 7")


class Endpoint(Struct, frozen=True):
    """Where a game server is asked (QR1)."""

    ip: Annotated[str, Ipv4()]
    port: U16BE


class _Listed(Array):
    """Items up to the mark that ends the list."""

    def read(self, data: bytes, offset: int, end: int) -> tuple[Any, int]:
        return self.items(data, offset, end - len(MARK), -1)


class FieldTable(Rows):
    """`\\fieldcount\\N`, the names of the columns, the values row by row."""

    name = "text: number of columns, their names, the values"

    def read(self, data: bytes, offset: int, end: int) -> tuple[Any, int]:
        stop = end - len(MARK)
        start, word, count, *tokens = data[offset:stop].decode("latin-1").split("\\")
        if start or word != "fieldcount":
            raise Misfit("", offset, "no \\fieldcount\\ begins the table")
        width = int(count)
        rest = tokens[width:]
        if not 0 < width <= len(tokens) or len(rest) % width:
            raise Misfit("", offset, f"{len(tokens)} texts make no table of {width} columns")
        return Grid(tuple(tokens[:width]), tuple(zip(*[iter(rest)] * width, strict=True))), stop

    def write(self, value: Any) -> bytes:
        texts = [*value.names, *(text for row in value.rows for text in row)]
        if any("\\" in text for text in texts):
            raise ValueError("a text holds a backslash, which would end it")
        return "\\".join(["", "fieldcount", str(len(value.names)), *texts]).encode("latin-1")

    def put(self, value: Any, steps: Steps, new: Any) -> Any:
        changed = super().put(value, steps, new)
        self.write(changed)
        return changed

    def parts(self, value: Any, path: str, start: int) -> Any:
        start += len(f"\\fieldcount\\{len(value.names)}") + sum(len(n) + 1 for n in value.names)
        names = self._names(value)
        for number, row in enumerate(value.rows):
            for name, text in zip(names, row, strict=True):
                yield f"{path}[{number}].{name}", start + 1, start + 1 + len(text)
                start += 1 + len(text)


@TABLE.message("cmp", DOWN, kind=COMPACT)
class CompactList(Struct, frozen=True):
    """The addresses of the servers."""

    servers: Annotated[tuple[Endpoint, ...], _Listed(Endpoint)]
    final: ClassVar = Magic(MARK)


@TABLE.message("fieldcount", DOWN, kind="fieldcount")
class TextList(Struct, frozen=True):
    """A table of the servers (`info2`) or of the rooms (`groups`)."""

    servers: Annotated[Grid, FieldTable(), "`ip` is address and port of a server"]
    final: ClassVar = Magic(MARK)


def _view(frame: Frame) -> Message:
    part = (frame.derived or {}).get("part")
    if part == "list":
        data = frame.clear
        return (TextList if data.startswith(b"\\fieldcount\\") else CompactList).decode(data)
    return KeyValue.parse(frame.clear)


class Browser1Dissector(StreamDissector):
    """Finds the ends that the streams do not mark, and deciphers the list."""

    def __init__(self, keys: SessionKeys) -> None:
        super().__init__(keys)
        self._greeted = False
        self._secure: bytes | None = None
        self._game: str | None = None
        self._enctype = 0
        self._asked: str | None = None  # which kind of list
        self._list = _ListEnd()
        self._sent_key = TREE_KEY

    def frame_length(self, direction: Direction, buffer: bytes | bytearray, start: int) -> int:
        if direction is UP:
            return _request_length(buffer, start)
        if not self._greeted:
            return _greeting_length(buffer, start)
        return self._reply_length(buffer, start)

    def _reply_length(self, buffer: bytes | bytearray, start: int) -> int:
        head = bytes(buffer[start : start + len(FATAL)])
        if self._asked is None and head[:1] != b"\\":
            raise WireError("the request was not seen, so that the cipher of the list is unknown")
        if self._asked is None or head == FATAL:
            self._list = _ListEnd(whole=True)
            return self._list.advance(buffer[start:], self._asked)
        if FATAL.startswith(head):
            return 0
        return self._LENGTHS[self._enctype](self, buffer, start)

    def _clear_length(self, buffer: bytes | bytearray, start: int) -> int:
        return self._list.advance(buffer[start:], self._asked)

    def _packet_length(self, buffer: bytes | bytearray, start: int) -> int:
        where = enctype1.layout(buffer[start : start + 6])
        return where.total if where else 0

    def _tree_length(self, buffer: bytes | bytearray, start: int) -> int:
        head = 1 + enctype2.key_length(buffer[start : start + 1])
        if head == 1:
            raise WireError("EncType2.key, byte 0: it is empty")
        if len(buffer) - start < head:
            return 0
        if self._list.stream is None:
            key = enctype2.stream_key(self._secret(), bytes(buffer[start + 1 : start + head]))
            self._list.stream = enctype2.TreeStream(key)
        clear = self._list.clear
        clear += self._list.stream.apply(bytes(buffer[start + head + len(clear) :]))
        try:
            end = self._list.advance(clear, self._asked)
        except WireError as error:
            hint = f"{error} (is the secret of game {self._game} the right one?)"
            raise WireError(hint) from None
        return end and head + end

    _LENGTHS: ClassVar[dict[int, Callable[..., int]]] = {
        0: _clear_length,
        1: _packet_length,
        2: _tree_length,
    }

    def _secret(self) -> bytes:
        secret = secret_for(self.keys.secrets, self._game or "")
        if secret is None:
            raise WireError(missing(self._game or ""))
        return secret

    # -- what each frame brings --

    def frame(self, frame: Frame) -> None:
        if frame.direction is DOWN and self._greeted:
            whole, self._list = self._list, _ListEnd()
            if self._asked is not None and not whole.whole:
                frame.derived = {"part": "list"}
                self._decipher(frame, whole)
            return
        self._notice(frame)

    def _decipher(self, frame: Frame, whole: _ListEnd) -> None:
        wire = frame.raw or b""
        if self._enctype == 1:
            if self._secure is None:
                raise WireError("the greeting was not seen, whose secure string is the key")
            frame.plain = enctype1.decrypt(self._secure, wire)
        elif self._enctype == 2:
            end = 1 + enctype2.key_length(wire)
            self._sent_key = wire[1:end]
            frame.plain = bytes(whole.clear[: len(wire) - end])
            self.learn(frame, Key("enctype2.key", self._sent_key, "enctype2", DOWN))
        frame.cipher = CIPHERS.get(self._enctype)

    def _notice(self, frame: Frame) -> None:
        data = frame.clear
        if frame.direction is DOWN:
            self._greeted = True
            secure = lookup(data, "secure")
            if secure:
                self._secure = secure
                self.learn(frame, Key("sbv1.secure", secure))
        elif data.startswith(LOGIN):
            self._login(frame, data)
        elif data.startswith(b"\\list\\"):
            self._asked = (lookup(data, "list") or b"").decode("latin-1")

    def _login(self, frame: Frame, data: bytes) -> None:
        self._game = (lookup(data, "gamename") or b"").decode("latin-1")
        enctype = lookup(data, "enctype") or b"0"
        if enctype not in (b"0", b"1", b"2"):
            raise WireError(f"enctype {enctype.decode('latin-1')} is unknown")
        self._enctype = int(enctype)
        answer = lookup(data, "validate")
        if answer is not None:
            put_check(frame, "validate", self._verdict(answer))

    def _verdict(self, answer: bytes) -> str:
        if self._secure is None:
            return unknown("the greeting was not seen")
        try:
            return compare(answer, validate(self._secret(), self._secure, self._enctype))
        except WireError as error:
            return unknown(str(error))

    def digest(self, direction: Direction, plain: bytes) -> bytes:
        """The proof of the game's secret made anew for this server's challenge."""
        if direction is DOWN or not plain.startswith(LOGIN) or self._secure is None:
            return plain
        game, enctype = lookup(plain, "gamename") or b"", lookup(plain, "enctype") or b"0"
        secret = secret_for(self.keys.secrets, game.decode("latin-1"))
        if secret is None or enctype not in (b"0", b"1", b"2") or not lookup(plain, "validate"):
            return plain
        made = validate(secret, self._secure, int(enctype))
        return KeyValue.parse(plain).set("validate", made.decode()).encode()

    def seal(self, direction: Direction, plain: bytes, cipher: str | None = None) -> bytes:
        if direction is DOWN and self._asked is not None and not plain.startswith(FATAL):
            cipher = CIPHERS.get(self._enctype)  # a list goes as this client has asked for it
        if cipher is None:
            greeted = self._greeted  # it has not gone by yet
            with suppress(*PEER_FAULTS):
                self._notice(Frame(direction, 0, plain))
            self._greeted = greeted
            return plain
        try:
            if cipher == CIPHERS[2]:
                return enctype2.encrypt(self._secret(), self._sent_key, plain)
            if self._secure is None:
                raise WireError("the greeting, whose secure string is the key, is missing")
            return enctype1.encrypt(self._secure, bytes(enctype1.HEADER), plain)
        except WireError as error:
            raise UserError(f"the list cannot be enciphered: {error}") from error


class _ListEnd:
    """Looks for the end of a list, without starting over."""

    def __init__(self, *, whole: bool = False) -> None:
        self.whole = whole  # a message of text, no list
        self.at = 0
        self.stream: enctype2.TreeStream | None = None
        self.clear = bytearray()

    def advance(self, data: bytes | bytearray, asked: str | None) -> int:
        """Length of the list that `data` begins with, 0: more bytes are needed."""
        if self.whole or asked != COMPACT:
            if data and data[0] != 0x5C:
                raise WireError("list, byte 0: a list of text begins with a backslash")
            found = data.find(MARK, max(0, self.at - len(MARK)))
            self.at = len(data)
            return found + len(MARK) if found >= 0 else 0
        while len(data) - self.at >= len(MARK):
            if data.startswith(MARK, self.at):
                return self.at + len(MARK)
            self.at += RECORD
        return 0


def _greeting_length(buffer: bytes | bytearray, start: int) -> int:
    if buffer[start] != 0x5C:
        raise WireError("greeting, byte 0: it begins with a backslash")
    secure, final = buffer.find(SECURE, start), buffer.find(MARK, start)
    if final >= 0 and not 0 <= secure < final:
        return final + len(MARK) - start
    if secure < 0:
        if len(buffer) - start > GREETING_LIMIT:
            raise WireError(f"greeting, byte {GREETING_LIMIT}: there is no \\secure\\ in it")
        return 0
    end = secure + len(SECURE) + SECURE_LENGTH
    return end - start if end <= len(buffer) else 0


def _request_length(buffer: bytes | bytearray, start: int) -> int:
    if buffer[start] != 0x5C:
        raise WireError("request, byte 0: it begins with a backslash")
    if len(buffer) - start > REQUEST_LIMIT and buffer.find(MARK, start, start + REQUEST_LIMIT) < 0:
        raise WireError(f"request, byte {REQUEST_LIMIT}: there is no end of it")
    final = buffer.find(MARK, start)
    if final < 0:
        return 0
    end = final + len(MARK)
    if not LOGIN.startswith(bytes(buffer[start : start + len(LOGIN)])):
        return end - start
    tail = bytes(buffer[end : end + len(QUERY_ID)])
    if tail != QUERY_ID:
        return 0 if QUERY_ID.startswith(tail) else end - start
    closing = buffer.find(b"\\", end + len(QUERY_ID))
    if closing < 0 and len(buffer) - start > REQUEST_LIMIT:
        return end - start
    return closing + 1 - start if closing >= 0 else 0


_MEANINGS = {
    "secure": ("text", "challenge, 6 characters"),
    "gamename": ("text", "the game; in the first message the one whose secret is proved"),
    "gamever": ("text", "version of the engine"),
    "location": ("number", "where the client is"),
    "validate": ("text", "answer to `secure`, keyed by the game's secret"),
    "enctype": ("number", "0, 1 or 2: how the list is to be enciphered"),
    "queryid": ("text", "number of the query, a dot, number of the message"),
    "list": ("text", "cmp: addresses; info2, groups: tables of text"),
    "where": ("text", "an SQL-like condition over the keys"),
    "error": ("text", "why, for people"),
}


def _kind(name: str, way: Direction, meaning: str, names: str = "") -> Kind:
    fields = tuple(Field(one, *_MEANINGS[one]) for one in names.split())
    return Kind(name, (way,), meaning, fields, "gamespy 7")


def _servers(kind: str, host: str, port: str, when: Callable[[Message], bool] | None) -> Announce:
    return Announce(
        kind=kind,
        direction=DOWN,
        protocol="gamespy-query",
        transport=Transport.UDP,
        host=host,
        port=port,
        each="servers",
        role="game server",
        when=when,
    )


def _has_addresses(message: Message) -> bool:
    return all("ip" in server for server in message.fields().get("servers", ()))


PROTOCOLS = (
    Protocol(
        name="gamespy-browser1",
        title="GameSpy server browser, version 1",
        transports=(Transport.TCP,),
        ports=(28900,),
        begins=rb"\\basic\\\\secure\\|\\gamename\\",
        make_dissector=Browser1Dissector,
        view_frame=_view,
        kinds=(
            _kind("basic", DOWN, "Asks for a proof of the game's secret.", "secure"),
            _kind(
                "gamename",
                UP,
                "The proof, and how the list is to be enciphered.",
                "gamename gamever location validate enctype queryid",
            ),
            _kind("list", UP, "Asks for the servers of a game.", "list gamename where"),
            _kind("fatal", DOWN, "The server refuses.", "error"),
            _kind("final", DOWN, "Some servers end the greeting so."),
            *TABLE.kinds(),
        ),
        announces=(
            _servers(COMPACT, "ip", "port", None),
            _servers("fieldcount", "ip", "ip", _has_addresses),
        ),
        volatile={
            "basic.secure": Volatile("fresh", "6 letters"),
            "gamename.validate": Volatile("digest", "the game's secret"),
        },
        answers={"list": (COMPACT, "fieldcount", "fatal")},
        keys={"basic.secure": "sbv1.secure"},
        personal=GAMESPY,
        source="gamespy 5.3, 7",
    ),
)
