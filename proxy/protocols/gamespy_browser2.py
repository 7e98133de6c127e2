"""Server Browser, version 2 (28910/tcp): a game asks for the list of its servers.

Client to server, always in clear: u16 length (big-endian, itself included), type, body. Behind a
`SendMessage` come bytes for the game server that its length does not count: mostly the ten that
call for NatNeg; a game's own go as far as they came with it, for nothing says where they end.
Server to client: a clear prefix with the server's key (`ServerKey`), then one stream of EncTypeX:
the list, and behind it messages with a length and a type. The key of that stream is mixed from the
game's secret, the client's challenge and the server's key; without the secret it stays opaque.
Source: gamespy 6; the cipher is in proxy/ciphers/enctypex.py, the records in
proxy/layouts/serverlist.py.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Annotated, Any, ClassVar, Self

from proxy.ciphers import challenge as parity
from proxy.ciphers.enctypex import (
    CHALLENGE_LENGTH,
    FLAGS_MASK,
    KEY_MASK,
    CardCipher,
    Reader,
    mix_key,
    read_prefix,
)
from proxy.ciphers.gamespy_secrets import missing, secret_for
from proxy.dissector import StreamDissector
from proxy.keys import SessionKeys
from proxy.layouts.checks import OK, put_check
from proxy.layouts.codec import (
    U8,
    U16BE,
    U32BE,
    U32LE,
    Array,
    CString,
    Int,
    Ipv4,
    Magic,
    Padded,
    Rest,
    RestText,
    Struct,
    Table,
    Wire,
    describe,
)
from proxy.layouts.gamespy_marks import NATNEG
from proxy.layouts.serverlist import TYPES, Cursor, Layout, Short, read_keys, read_server
from proxy.layouts.serverlist_view import HEAD, ListReader, PushServer, ServerList
from proxy.message import Message, WireError
from proxy.personal import GAMESPY
from proxy.protocol import Announce, Field, Kind, Protocol, Volatile
from recordings.errors import UserError
from recordings.model import Direction, Frame, Json, Key, Span, Transport

UP, DOWN = Direction.TO_SERVER, Direction.TO_CLIENT

CIPHER = "enctypex"
HEADER = 3
"""Length and type."""
SEND_MESSAGE = 2
PUSH_SERVER = 2
PAYLOAD = 10
"""Bytes of a call for NatNeg: its magic and a cookie (u32, big-endian)."""
ONLY_ADDRESS = 2
"""Option of a list request: no list, only the client's own address."""
REFUSAL = b"Query Error"
NO_PORT = b"\xff\xff"
"""In the place of the default port: the text of an error follows."""

TABLE = Table("gamespy 6.2, 6.3")
Ip = Annotated[str, Ipv4()]


class Packet(Struct, frozen=True):
    """A message with its length and type in front, which are no fields."""

    uncounted: ClassVar[bool] = False
    """Whether the length counts the fixed part alone (`SendMessage`)."""

    @classmethod
    def decode(cls, data: bytes) -> Self:
        value, end = cls.read(data, HEADER, len(data))
        if end != len(data):
            raise WireError(f"{cls.kind}, byte {end}: {len(data) - end} bytes left over")
        return value

    def encode(self) -> bytes:
        body = super().encode()
        counted = 6 if self.uncounted else len(body)
        return (counted + HEADER).to_bytes(2, "big") + bytes((self.tag,)) + body

    def spans(self) -> list[Span]:
        return [Span(one.path, one.start + HEADER, one.end + HEADER) for one in super().spans()]


class ListRequest(Packet, frozen=True):
    """Asks for the servers of a game."""

    protocol: Annotated[U8, "1"]
    encoding: Annotated[U8, "3"]
    game_version: U32LE
    for_game: Annotated[CString, "whose servers"]
    from_game: Annotated[CString, "who asks: its secret keys the answer"]
    challenge: Annotated[str, Padded(CHALLENGE_LENGTH), "keeps the parity rule"]
    filter: Annotated[CString, "an SQL-like condition over the keys"]
    keys: Annotated[CString, "names with a backslash before each"]
    options: Annotated[
        U32BE,
        "1 keys of all servers, 2 no list, 4 pushes, 8 alternate source, 32 rooms, 64 no cache, "
        "128 limit",
    ]


class _Alternate(ListRequest, frozen=True):
    alternate_ip: Annotated[Ip, "when options have 8"]


class _Limited(ListRequest, frozen=True):
    max_servers: Annotated[U32BE, "when options have 128"]


class _Both(_Alternate, frozen=True):
    """Asks for the servers of a game."""

    max_servers: Annotated[U32BE, "when options have 128"]


_VARIANTS: dict[int, type[ListRequest]]
_VARIANTS = {0: ListRequest, 0x08: _Alternate, 0x80: _Limited, 0x88: _Both}
for _cls in _VARIANTS.values():
    _cls.tag, _cls.kind = 0, "ListRequest"


message = TABLE.message


@message(1, UP)
class ServerInfoRequest(Packet, frozen=True):
    """Asks for everything about one server."""

    ip: Ip
    port: U16BE


@message(SEND_MESSAGE, UP)
class SendMessage(Packet, frozen=True):
    """Has the server pass a message on to a game server."""

    uncounted = True
    ip: Ip
    port: U16BE
    payload: Annotated[bytes, Rest(), "not counted by the length; mostly a call for NatNeg"]


@message(3)
class KeepAlive(Packet, frozen=True):
    """The client sends it back, never enciphered."""


class _Unseen(Packet, frozen=True):
    body: Annotated[bytes, Rest()] = b""


@message(4, UP)
class MapLoopRequest(_Unseen, frozen=True):
    """Never seen on the wire."""


@message(5, UP)
class PlayerSearchRequest(_Unseen, frozen=True):
    """Never seen on the wire."""


@message(5, DOWN)
class MapLoop(_Unseen, frozen=True):
    """Never seen on the wire."""


@message(6, DOWN)
class PlayerSearch(_Unseen, frozen=True):
    """Never seen on the wire."""


class KeyType(Struct, frozen=True):
    """A key that every record has."""

    type: Annotated[U8, TYPES]
    name: CString


@message(1, DOWN)
class PushKeys(Packet, frozen=True):
    """The keys that pushed records have."""

    keys: Annotated[tuple[KeyType, ...], Array(KeyType, Int("B"))]


@message(4, DOWN)
class DeleteServer(Packet, frozen=True):
    """A server is gone."""

    ip: Ip
    port: U16BE


class Masked(Wire):
    """Bytes behind a length that is XORed with a constant."""

    def __init__(self, mask: int) -> None:
        self.mask, self.name = mask, f"bytes behind their length XOR {mask:02X}"

    def read(self, data: bytes, offset: int, end: int) -> tuple[Any, int]:
        start = offset + 1
        stop = start + (data[offset] ^ self.mask) if offset < end else end + 1
        if stop > end:
            raise WireError(f"ServerKey, byte {offset}: {end - offset} bytes left are too few")
        return data[start:stop], stop

    def write(self, value: Any) -> bytes:
        return bytes((len(value) ^ self.mask,)) + bytes(value)

    def parse(self, value: Any) -> Any:
        return bytes.fromhex(value) if isinstance(value, str) else bytes(value)

    def show(self, value: Any) -> Json:
        return value.hex()


class ServerKey(Struct, frozen=True):
    """The clear prefix of a reply: the server's part of the key."""

    flags: Annotated[bytes, Masked(FLAGS_MASK), "the first two bytes, big-endian; then filler"]
    key: Annotated[bytes, Masked(KEY_MASK)]


class Address(Struct, frozen=True):
    """The client's own address, where no list was asked for."""

    ip: Ip
    port: Annotated[U16BE, "default port of the game's queries"]


class QueryError(Struct, frozen=True):
    """A refusal in the place of a list."""

    ip: Ip
    port: ClassVar = Magic(NO_PORT)
    text: CString


class PlainError(Struct, frozen=True):
    """A refusal in clear, before the connection closes."""

    text: Annotated[str, RestText()]


def _view(frame: Frame) -> Message:
    data = frame.clear
    if frame.direction is UP:
        return _view_request(data)
    part = (frame.derived or {}).get("part")
    reader = _PARTS.get(part or "")
    if reader is None:
        raise WireError("browser: which part of the stream this is, is unknown")
    return reader(frame)


def _view_request(data: bytes) -> Message:
    if len(data) < HEADER:
        raise WireError(f"request, byte 0: needs {HEADER} bytes, {len(data)} left")
    if data[2]:
        cls = TABLE[UP].get(data[2])
        if cls is None:
            raise WireError(f"request.type, byte 2: no message has the type {data[2]}")
        return cls.decode(data)
    request, _ = ListRequest.read(data, HEADER, len(data))
    return _VARIANTS[request.options & 0x88].decode(data)


def _view_list(frame: Frame) -> Message:
    data = frame.clear
    reader = ListReader()
    length = reader.advance(data, 0)
    if length != len(data) or reader.layout is None:
        raise WireError(f"ServerList, byte {length}: the list ends elsewhere than its frame")
    port = int.from_bytes(data[4:HEAD], "big")
    return ServerList(data[:4], port, reader.layout, tuple(reader.servers))


def _view_push(frame: Frame) -> Message:
    data = frame.clear
    tag = data[2]
    if tag != PUSH_SERVER:
        cls = TABLE[DOWN].get(tag)
        if cls is None:
            raise WireError(f"push.type, byte 2: no message has the type {tag}")
        return cls.decode(data)
    layout = Layout.from_json((frame.derived or {}).get("layout"))
    cursor = Cursor(data, HEADER)
    try:
        server = read_server(cursor, layout)
    except Short:
        raise WireError(f"PushServer, byte {HEADER}: the record is cut off") from None
    if server is None or cursor.at != len(data):
        raise WireError(f"PushServer, byte {cursor.at}: the record ends elsewhere than its frame")
    return PushServer(server, layout)


_PARTS: dict[str, Callable[[Frame], Message]] = {
    "key": lambda frame: ServerKey.decode(frame.clear),
    "list": _view_list,
    "address": lambda frame: Address.decode(frame.clear),
    "error": lambda frame: QueryError.decode(frame.clear),
    "refusal": lambda frame: PlainError.decode(frame.clear),
    "push": _view_push,
}
"""What a frame of the server is, as the dissector noted it, and how that is read."""


class Browser2Dissector(StreamDissector):
    """Follows the parts of the server's stream, and deciphers them behind the prefix."""

    def __init__(self, keys: SessionKeys) -> None:
        super().__init__(keys)
        self._game = ""
        self._challenge = b""
        self._waiting = 0  # list requests that no list has answered yet
        self._only_address = False
        self._stage = "key"
        self._part = ""
        self._problem = ""  # why the list cannot be deciphered
        self._own = b""  # the head of the first list, by which a second one is told
        self._reader = ListReader()
        self._layout = Layout()
        self._in: Reader | None = None
        self._out: CardCipher | None = None

    def frame_length(self, direction: Direction, buffer: bytes | bytearray, start: int) -> int:
        if direction is UP:
            return _request_length(buffer, start)
        return self._STAGES[self._stage](self, buffer, start)

    # -- the parts of the server's stream: each says what it is and how long --

    def _key_length(self, buffer: bytes | bytearray, start: int) -> int:
        head = bytes(buffer[start : start + len(REFUSAL)])
        if REFUSAL.startswith(head):
            self._part = "refusal"
            return max(0, buffer.find(0, start) + 1 - start)
        self._part = "key"
        found = read_prefix(buffer[start : start + 2 * 256])
        return found[1] if found else 0

    def _list_length(self, buffer: bytes | bytearray, start: int) -> int:
        if self._problem:
            raise WireError(self._problem)
        if len(buffer) - start < HEAD:
            return 0
        if buffer[start + 4 : start + HEAD] == NO_PORT:
            self._part = "error"
            return max(0, buffer.find(0, start + HEAD) + 1 - start)
        if self._only_address:
            self._part = "address"
            return HEAD
        self._part = "list"
        try:
            return self._reader.advance(buffer, start)
        except WireError as error:
            hint = f"{error} (is the secret of game {self._game} the right one?)"
            raise WireError(hint) from None

    def _push_length(self, buffer: bytes | bytearray, start: int) -> int:
        if self._waiting and self._own.startswith(head := bytes(buffer[start : start + HEAD])):
            return 0 if len(head) < HEAD else self._list_length(buffer, start)
        self._part = "push"
        return _length(buffer, start, TABLE[DOWN].keys() | {PUSH_SERVER})

    _STAGES: ClassVar[dict[str, Callable[..., int]]] = {
        "key": _key_length,
        "list": _list_length,
        "push": _push_length,
    }

    # -- what each frame brings --

    def frame(self, frame: Frame) -> None:
        if frame.direction is UP:
            if frame.clear[2] == 0:
                self._asked(frame)
            return
        frame.derived = {"part": self._part}
        if frame.plain is not None:
            frame.cipher = CIPHER
        arrived = self._ARRIVED.get(self._part)
        if arrived is not None:
            arrived(self, frame)

    def _asked(self, frame: Frame) -> None:
        request, _ = ListRequest.read(frame.clear, HEADER, len(frame.clear))
        challenge = request.challenge.encode("latin-1")
        fits = OK if parity.fits(challenge) else "WRONG: breaks the parity rule"
        put_check(frame, "challenge", fits)
        self._waiting += 1
        self._only_address = bool(request.options & ONLY_ADDRESS)
        if self._stage == "key":
            self._game, self._challenge = request.from_game, frame.clear[_challenge_of(request)]
            self.learn(frame, Key("enctypex.client", self._challenge, CIPHER, DOWN))

    def _key_arrived(self, frame: Frame) -> None:
        key = ServerKey.decode(frame.clear).key
        self.learn(frame, Key("enctypex.server", key, CIPHER, DOWN))
        self._stage = "list"
        try:
            self._in = Reader(self._cipher(key))
            self.start_cipher(DOWN, self._in.decrypt)
        except WireError as error:
            self._problem = str(error)

    def _list_arrived(self, frame: Frame) -> None:
        self._own = frame.clear[:HEAD]
        self._layout = self._reader.layout or self._layout
        self._reader = ListReader()
        self._ended(frame)

    def _ended(self, frame: Frame) -> None:
        self._waiting = max(0, self._waiting - 1)
        self._stage = "push"

    def _push_arrived(self, frame: Frame) -> None:
        if frame.clear[2] == PushKeys.tag:
            self._layout = Layout(read_keys(Cursor(frame.clear, HEADER)), self._layout.popular)
        elif frame.clear[2] == PUSH_SERVER:
            frame.derived = {"part": self._part, "layout": self._layout.to_json()}

    _ARRIVED: ClassVar[dict[str, Callable[[Browser2Dissector, Frame], None]]] = {
        "key": _key_arrived,
        "list": _list_arrived,
        "address": _ended,
        "error": _ended,
        "push": _push_arrived,
    }

    def _cipher(self, key: bytes) -> CardCipher:
        """The cipher of this session's stream; raises WireError, which says what is missing."""
        if not self._challenge:
            raise WireError("the list request was not seen, so that its challenge is unknown")
        secret = secret_for(self.keys.secrets, self._game)
        if secret is None:
            raise WireError(missing(self._game))
        return CardCipher(mix_key(secret, self._challenge, key))

    def finish(self, direction: Direction, at: int) -> list[Frame]:
        side = self._sides[direction]
        clear = bytes(side.buffer)
        part = ""
        if direction is DOWN and self._stage == "key" and clear.startswith(REFUSAL):
            part = "refusal"
        elif direction is DOWN and side.wire is not None and self._stage == "list":
            part = "address" if len(clear) == HEAD else ""
        if not part:
            return super().finish(direction, at)
        frame = self._take(side, direction, clear, at)
        side.buffer = bytearray()
        frame.derived = {"part": part}
        frame.cipher = CIPHER if frame.plain is not None else None
        return [frame]

    def seal(self, direction: Direction, plain: bytes, cipher: str | None = None) -> bytes:
        if direction is UP:
            return plain
        if cipher is None:
            found = read_prefix(plain)
            if found and found[1] == len(plain) and not plain.startswith(REFUSAL):
                self._out = self._cipher(found[0].key)
            return plain
        if self._out is None:
            raise UserError("a list cannot be enciphered before the server's key has been sent")
        return self._in.encrypted(self._out, plain) if self._in else self._out.encrypt(plain)

    def forward(self, frame: Frame) -> bytes:
        raw = frame.raw or b""
        if frame.direction is UP:
            return raw
        if frame.plain is None:
            if (frame.derived or {}).get("part") == "key" and not self._problem:
                self.seal(DOWN, raw)
            return raw
        return self.seal(DOWN, frame.plain, frame.cipher) if self._out else raw


def _challenge_of(request: ListRequest) -> slice:
    """Where the challenge stands: a NUL at its end would be lost in the text."""
    start = next(span.start for span in request.spans() if span.path == "challenge")
    return slice(start, start + CHALLENGE_LENGTH)


def _length(buffer: bytes | bytearray, start: int, types: Collection[Any]) -> int:
    if len(buffer) - start < HEADER:
        return 0
    length, tag = int.from_bytes(buffer[start : start + 2], "big"), buffer[start + 2]
    if length < HEADER or tag not in types:
        raise WireError(f"length {length} and type {tag} begin no message")
    return length


def _request_length(buffer: bytes | bytearray, start: int) -> int:
    length = _length(buffer, start, TABLE[UP].keys() | {0})
    if not length or buffer[start + 2] != SEND_MESSAGE:
        return length
    after = start + length
    tail = bytes(buffer[after : after + len(NATNEG)])
    if NATNEG.startswith(tail):
        return length + PAYLOAD if len(tail) == len(NATNEG) else 0
    try:  # a game's own payload has no length: it ends with what came, or at a request
        return length if _length(buffer, after, TABLE[UP].keys() | {0}) else 0
    except WireError:
        return len(buffer) - start


def _kind(cls: type[Message], meaning: str, *fields: tuple[str, str, str]) -> Kind:
    return Kind(cls.kind, (DOWN,), meaning, tuple(Field(*one) for one in fields), "gamespy 6.3")


_RECORD = (
    ("flags", "u8", "1 takes UDP from anyone, 4 needs NatNeg; the others say what follows"),
    ("ip", "IPv4 address", ""),
    ("port", "u16be", "of its queries; without it the default port"),
    ("private_ip", "IPv4 address", "behind its router; follows `ip` when that is set"),
    ("private_port", "u16be", "behind its router; follows `port` when that is set"),
    ("icmp_ip", "IPv4 address", "to be pinged"),
    ("keys", "a value for each key of the list", ""),
    ("rules", "names and values", "everything that is known of the server"),
)
_KINDS = (
    describe(_Both, (UP,), "gamespy 6.2"),
    *TABLE.kinds(),
    describe(ServerKey, (DOWN,), "gamespy 6.3"),
    describe(Address, (DOWN,), "gamespy 6.3"),
    describe(QueryError, (DOWN,), "gamespy 6.3"),
    describe(PlainError, (DOWN,), "gamespy 6.3"),
    _kind(
        ServerList,
        "The servers that fit.",
        ("ip", "IPv4 address", "the client's own, as the server sees it"),
        ("port", "u16be", "default port of the game's queries"),
        ("keys", "list of type and name", "what every record holds"),
        ("popular", "list of text, NUL", "values that records name by one byte"),
        *((f"servers[].{name}", wire, meaning) for name, wire, meaning in _RECORD),
    ),
    _kind(PushServer, "A server that is new, has changed or was asked for.", *_RECORD),
)


def _game_server(kind: str, each: str | None = None, way: Direction = DOWN) -> Announce:
    role = "game server"
    return Announce(kind, way, "gamespy-query", Transport.UDP, "ip", "port", each, role)


PROTOCOLS = (
    Protocol(
        name="gamespy-browser2",
        title="GameSpy server browser, version 2",
        transports=(Transport.TCP,),
        ports=(28910,),
        begins=rb"..\0\x01\x03",
        make_dissector=Browser2Dissector,
        view_frame=_view,
        kinds=_KINDS,
        announces=(_game_server("ServerList", "servers"), _game_server("PushServer")),
        refers=(
            _game_server("ServerInfoRequest", way=UP),
            _game_server("SendMessage", way=UP),
        ),
        volatile={
            "ListRequest.challenge": Volatile("fresh", "keeps the parity rule"),
            "ServerKey.key": Volatile("fresh"),
            "ServerKey.flags": Volatile("fresh", "the filler behind the two flags"),
            "ServerList.ip": Volatile("learned", "the client's address"),
            "Address.ip": Volatile("learned", "the client's address"),
            "SendMessage.payload": Volatile("fresh", "a cookie"),
            **{
                f"{place}.{name}": Volatile("learned", "where that server is")
                for place in ("ServerList.servers[]", "PushServer", "DeleteServer")
                for name in ("ip", "port", "private_ip", "private_port", "icmp_ip")
            },
        },
        answers={
            "ListRequest": ("ServerList", "Address", "QueryError", "PlainError"),
            "ServerInfoRequest": ("PushServer", "DeleteServer"),
            "KeepAlive": ("KeepAlive",),
        },
        keys={"ListRequest.challenge": "enctypex.client", "ServerKey.key": "enctypex.server"},
        personal=GAMESPY,
        source="gamespy 6",
    ),
)
