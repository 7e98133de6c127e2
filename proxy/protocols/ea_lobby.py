"""The EA lobby of 2003 and later: directory, lobby and buddy legs (DirtySock over ProtoAries).

    kind     4 bytes   `@dir`, `+msg`, `AUTH`: four characters
    ident    4 bytes   0; `new0` in a news reply; an error code (`imst`); a tick in `~png`
    length   4 bytes   big-endian, the whole frame, these twelve bytes included
    body     the rest  TagField text, usually ended by one 00 byte

Replies carry the kind of their request and come in order; pushes (`+msg`) come between them. `PASS`
is the one enciphered field: `plain` holds it in clear, `Frame.cipher` says how it was enciphered,
`derived["wire"]["PASS"]` keeps its wire text. Later games encipher the whole stream after `@tic`.
Facts are from the reference for ea-lobby; a kind's `source` names the section.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Callable, Iterator
from typing import Any, Self

from proxy.ciphers import mask, rc4md5, ssc2
from proxy.ciphers.rc4 import Rc4, rc4
from proxy.dissector import StreamDissector
from proxy.keys import SessionKeys
from proxy.message import FieldError, Message, WireError
from proxy.protocol import Announce, Field, Kind, Protocol, Rhythm, Volatile
from proxy.tagfield import LINE, TagField
from proxy.tagvalues import address, binary
from recordings.model import Direction, Frame, Json, Key, Span, Transport

NAME = "ea-lobby"
UP, DOWN = Direction.TO_SERVER, Direction.TO_CLIENT
BOTH = (UP, DOWN)

HEADER = 12
FRAME_LIMIT = 1 << 20
"""Bytes; the largest genuine frame has 2,823, the newest emulators stop at 2 MiB (ea-lobby 1)."""

STREAM = rc4md5.NAME
_WORDS = struct.Struct(">II")

# -- messages (ea-lobby 1, 2) ----------------------------------------------------------------------


class Pieces:
    """A binary body: named pieces of fixed sizes, the last one takes the rest."""

    __slots__ = ("_layout", "_values")

    def __init__(self, layout: tuple[tuple[str, int], ...], body: bytes) -> None:
        self._layout = layout
        self._values: dict[str, bytes] = {}
        for name, size in layout:
            self._values[name] = body[:size] if size else body
            body = body[size:]

    def encode(self) -> bytes:
        """The body's bytes."""
        return b"".join(self._values.values())

    def fields(self) -> dict[str, str]:
        """The pieces as hex."""
        return {name: piece.hex() for name, piece in self._values.items()}

    def names(self) -> list[str]:
        """The names of the pieces."""
        return list(self._values)

    def get(self, path: str) -> str | None:
        """One piece as hex; None: no such piece."""
        return self.fields().get(path)

    def set(self, path: str, value: Any) -> Pieces:
        """A copy with one piece replaced, by bytes or hex; raises FieldError, ValueError."""
        if path not in self._values:
            raise FieldError("Pieces", path, self.names())
        piece = value if isinstance(value, bytes) else bytes.fromhex(str(value))
        copy = Pieces(self._layout, b"")
        copy._values = {**self._values, path: piece}
        return copy

    def delete(self, path: str) -> Pieces:
        """A copy with an empty piece; raises FieldError."""
        return self.set(path, b"")

    def spans(self, offset: int) -> list[Span]:
        """Where each piece lies."""
        spans = []
        for name, piece in self._values.items():
            spans.append(Span(name, offset, offset + len(piece)))
            offset += len(piece)
        return spans


def show_ident(ident: int) -> str:
    """The ident word as its four characters when they are printable, else as a number."""
    text = ident.to_bytes(4, "big").decode("latin-1")
    if text.isascii() and text.isprintable() and not text.startswith("0x"):
        return text
    return f"0x{ident:08x}"


def read_ident(value: Any) -> int:
    """The mirror of `show_ident`, which also takes numbers; raises ValueError."""
    text = str(value)
    if isinstance(value, str) and len(text) == 4 and text.isascii() and text[:2] != "0x":
        return int.from_bytes(text.encode("ascii"), "big")
    number = int(text, 0)
    if not 0 <= number < 1 << 32:
        raise ValueError(f"ident {text} does not fit into 32 bits")
    return number


class LobbyMessage(Message):
    """One frame: kind, ident word and body.

    Fields are the body's keys with their values as strings; `ident` comes first unless it is 0.
    """

    __slots__ = ("body", "ident", "kind")

    def __init__(self, kind: str, ident: int, body: TagField | Pieces) -> None:
        self.kind = kind
        self.ident = ident
        self.body = body

    def __eq__(self, other: object) -> bool:
        return isinstance(other, LobbyMessage) and other.encode() == self.encode()

    def __hash__(self) -> int:
        return hash(self.encode())

    def __repr__(self) -> str:
        return f"LobbyMessage({self.kind!r}, {self.ident:#x}, {self.body!r})"

    def encode(self) -> bytes:
        body = self.body.encode()
        head = self.kind.encode("latin-1")
        return head + _WORDS.pack(self.ident, HEADER + len(body)) + body

    def fields(self) -> dict[str, Json]:
        fields: dict[str, Json] = self.body.fields()
        if not self.ident:
            return fields
        return {"ident": show_ident(self.ident), **fields}

    def get(self, path: str) -> str:
        if path == "ident":
            return show_ident(self.ident) if self.ident else "0"
        value = self.body.get(path)
        if value is None:
            raise FieldError(self.kind, path, self.body.names())
        return value

    def _copy(self, ident: int, body: TagField | Pieces) -> Self:
        return type(self)(self.kind, ident, body)

    def set(self, path: str, value: Any) -> Self:
        if path == "ident":
            return self._copy(read_ident(value), self.body)
        return self._copy(self.ident, self.body.set(path, value))

    def delete(self, path: str) -> Self:
        if path == "ident":
            return self._copy(0, self.body)
        try:
            return self._copy(self.ident, self.body.delete(path))
        except FieldError:
            raise FieldError(self.kind, path, self.body.names()) from None

    def spans(self) -> list[Span]:
        spans = self.body.spans(HEADER)
        return [Span("ident", 4, 8), *spans] if self.ident else spans


_TIC_KEYS = (("client_key", 16), ("server_key", 16), ("ticket", 0))
_TICKET = (("ticket", 0),)
TIC_ANSWER = 84
"""Bytes of the body of an `@tic` reply that carries keys (ea-lobby 4.4)."""


def _body(kind: bytes, direction: Direction, body: bytes) -> TagField | Pieces:
    if kind == b"?tic":
        return Pieces(_TICKET, body)
    if kind == b"@tic":
        return Pieces(_TIC_KEYS, body) if len(body) == TIC_ANSWER else TagField.lines(body)
    if kind == b"news" and direction is DOWN and b"=" not in body:
        return TagField.lines(body)  # text to be shown, or `host:port`
    return TagField.parse(body)


_BINARY = frozenset((b"?tic", b"@tic", b"news"))


def read(clear: bytes, direction: Direction) -> LobbyMessage:
    """The message of a frame's clear bytes; raises WireError."""
    if len(clear) < HEADER:
        raise WireError(f"header, byte 0: needs {HEADER} bytes, {len(clear)} left")
    ident, length = _WORDS.unpack_from(clear, 4)
    if length != len(clear):
        raise WireError(f"length, byte 8: says {length} bytes, the frame has {len(clear)}")
    word = clear[:4]
    kind = _KIND_NAMES.get(word)
    if kind is None:
        kind = word.decode("latin-1")
        if not (kind.isascii() and kind.isprintable()):
            raise WireError(f"kind, byte 0: {word.hex()} is not four printable characters")
    body = clear[HEADER:]
    cut = _body(word, direction, body) if word in _BINARY else TagField.parse(body)
    return LobbyMessage(kind, ident, cut)


# -- the PASS field (ea-lobby 4.1 to 4.3) ----------------------------------------------------------


def _known(keys: SessionKeys, name: str, cipher: str) -> list[bytes]:
    """Keys of that name, and those that the user gave for the cipher, newest first."""
    fits = (k.key for k in keys if k.name == name or (k.source == "given" and k.cipher == cipher))
    return list(dict.fromkeys(reversed(list(fits))))


def _skey(key: bytes) -> bytes:
    """The session key as the client's buffer of 16 bytes holds it."""
    return key[:16].ljust(16, b"\0")


def _typed(password: bytes) -> bool:
    return all(32 <= octet <= 126 for octet in password)


Opened = tuple[str, bytes, bytes, str]
"""Cipher, key, password in clear, and the check: `ok`, or `unknown:` with the doubt."""


def _open_ssc2(wire: bytes, keys: SessionKeys) -> Iterator[Opened]:
    for key in _known(keys, "skey", "ssc2"):
        password, ended = ssc2.decipher(_skey(key), wire)
        doubt = "unknown: no end mark, so it has 30 characters or the key is another one"
        yield "ssc2", key, password, "ok" if ended else doubt


def _open_mask(wire: bytes, keys: SessionKeys) -> Iterator[Opened]:
    for key in _known(keys, "mask", "mask"):
        yield "mask", key, mask.decipher(key, wire), "ok"


def _open_rc4(wire: bytes, keys: SessionKeys) -> Iterator[Opened]:
    for key in _known(keys, "skey", "rc4"):
        yield "rc4", key, rc4(key, wire), "ok"


def open_password(value: str, keys: SessionKeys) -> tuple[Opened | None, str]:
    """A PASS value to what it holds, else None and why; with what else it might be.

    `~` is SSC2 under the skey. `$` is the mask stream when a mask is known and the result can be
    typed, else plain RC4 under the skey when that can be typed, else unknown.
    """
    try:
        if value[0] == "~":
            wire = value[1:].encode("latin-1")
            found = sorted(_open_ssc2(wire, keys), key=lambda one: one[3] != "ok")
        else:
            wire = bytes.fromhex(value[1:])
            found = [*_open_mask(wire, keys), *_open_rc4(wire, keys)]
            found = [one for one in found if _typed(one[2])]
    except ValueError as error:
        return None, f"unknown: {error}"
    if found:
        others = dict.fromkeys(
            f"{one[0]} under another key or cipher fits too" for one in found[1:]
        )
        return found[0], "" if value[0] == "~" else ", ".join(others)
    seen = [k for k in ("skey", "mask") if keys.find(k)]
    fact = f"no known {' or '.join(seen)} gives typed text" if seen else "no skey or mask was seen"
    return None, f"unknown: {fact}"


# -- the dissector ---------------------------------------------------------------------------------


class LobbyDissector(StreamDissector):
    """Cuts the stream, opens PASS, and follows RC4+MD5-V2 where the keys are known."""

    frame_limit = FRAME_LIMIT

    def __init__(self, keys: SessionKeys) -> None:
        super().__init__(keys)
        self._encoder = ssc2.Encoder()
        self._out: dict[Direction, Rc4] = {}  # the key streams of what we send
        self._blind: set[Direction] = set()

    def frame_length(self, direction: Direction, buffer: bytes | bytearray, start: int) -> int:
        if direction in self._blind:
            raise WireError(
                f"enciphered by RC4+MD5-V2 from here on and the key is unknown; decode again with "
                f"--key {STREAM}@{'up' if direction is UP else 'down'}=HEX"
            )
        if len(buffer) - start < HEADER:
            return 0
        length: int = _WORDS.unpack_from(buffer, start + 4)[1]
        if HEADER <= length <= FRAME_LIMIT:
            return length
        limit = f"below the {HEADER} of the header" if length < HEADER else f"above {FRAME_LIMIT}"
        raise WireError(f"length, byte 8: {length} bytes is {limit}")

    def frame(self, frame: Frame) -> None:
        if frame.plain is not None:
            self._check_mac(frame)
            if frame.error:
                return
        look = _LOOKS.get((frame.clear[:4], frame.direction))
        if look:
            look(self, frame)

    def _check_mac(self, frame: Frame) -> None:
        frame.cipher = STREAM
        frame.plain, check = rc4md5.strip_mac(frame.clear)
        frame.derived = {"checks": {"MAC": check}}
        if check != "ok":
            frame.error = f"MAC {check}"

    def _directory(self, frame: Frame) -> None:
        body = TagField.parse(frame.clear[HEADER:])
        if not ("ADDR" in body or "DIRECT" in body or "SESS" in body):
            return  # the lobby is down: its reply has a text only
        text = (body.get("MASK") or "")[:63].encode("latin-1")
        self.learn(frame, Key("mask", text or mask.DEFAULT, "mask", UP))
        self._learn_session(frame, body, "SESS")

    def _learn_session(self, frame: Frame, body: TagField, field: str) -> None:
        if body.get(field):
            self.learn(frame, Key("sess", str(body.number(field)).encode()))

    def _session_key(self, frame: Frame) -> None:
        key = binary(TagField.parse(frame.clear[HEADER:]).get("SKEY") or "")
        if key:
            self.learn(frame, Key("skey", key, "ssc2", UP))

    def _login(self, frame: Frame) -> None:
        self._learn_session(frame, TagField.parse(frame.clear[HEADER:]), "MASK")
        self._password(frame)

    def _password(self, frame: Frame) -> None:
        message = read(frame.clear, frame.direction)
        body = message.body
        value = body.get("PASS")
        if not isinstance(body, TagField) or not value or value[0] not in "~$":
            return
        opened, doubt = open_password(value, self.keys)
        derived = frame.derived = frame.derived or {}
        checks = derived.setdefault("checks", {})
        if opened is None:
            checks["PASS"] = doubt
            return
        cipher, key, password, checks["PASS"] = opened
        if doubt:
            derived["notes"] = [f"PASS: {doubt}"]
        derived["wire"] = {"PASS": body.wire("PASS")}
        frame.plain = message.set("PASS", password.decode("latin-1")).encode()
        frame.cipher = f"{frame.cipher},{cipher}" if frame.cipher else cipher
        if cipher == "rc4":
            self.learn(frame, Key("skey", key, "rc4", UP, "learned"))

    def _ticket_keys(self, frame: Frame) -> None:
        body = frame.clear[HEADER:]
        if len(body) == TIC_ANSWER:
            self.learn(frame, Key(STREAM, body[:16], STREAM, UP))
            self.learn(frame, Key(STREAM, body[16:32], STREAM, DOWN))

    def _ticket(self, frame: Frame) -> None:
        """Behind this frame both directions are enciphered."""
        for direction in Direction:
            key = self.keys.given(STREAM, direction) or self.keys.find(STREAM, direction)
            if key is None:
                self._blind.add(direction)
            elif direction not in self._out:
                self._out[direction] = Rc4(key.key)
                self.start_cipher(direction, Rc4(key.key))

    # -- sending -----------------------------------------------------------------------------------

    def seal(self, direction: Direction, plain: bytes, cipher: str | None = None) -> bytes:
        for name in (cipher or "").split(","):
            if name in _FALLBACK:
                plain = self._lock(direction, plain, name)
        stream = self._out.get(direction)
        if stream is None or plain[:4] == b"?tic":
            return plain
        return stream(rc4md5.add_mac(plain))

    def _lock(self, direction: Direction, plain: bytes, cipher: str) -> bytes:
        """Encipher PASS like a client of this session, in the given form where its key is known."""
        try:
            message = read(plain, direction)
        except WireError:
            return plain  # spoilt on purpose
        value = message.body.get("PASS")
        if value is None:
            return plain
        password = value.encode("latin-1")
        skeys = _known(self.keys, "skey", cipher)
        masks = _known(self.keys, "mask", "mask")
        usable = {"mask": True, "rc4": bool(skeys), "ssc2": bool(skeys) and skeys[0][0] != 0}
        form = next(one for one in _FALLBACK[cipher] if usable[one])
        if form == "ssc2":
            wire = "~" + self._encoder.encipher(_skey(skeys[0]), password).decode("latin-1")
        elif form == "rc4":
            wire = "$" + rc4(skeys[0], password).hex()
        else:
            wire = "$" + mask.encipher(masks[0] if masks else b"", password).hex()
        return message.set("PASS", wire).encode()

    def forward(self, frame: Frame) -> bytes:
        stream = self._out.get(frame.direction)
        if stream is None or not (frame.cipher or "").startswith(STREAM):
            return frame.raw or b""
        if frame.error:
            return stream(frame.clear)  # its MAC is wrong and stays so
        clear = frame.clear
        wire = (frame.derived or {}).get("wire")
        if wire:
            message = read(clear, frame.direction)
            if isinstance(message.body, TagField):
                body = message.body.set_wire("PASS", wire["PASS"])
                clear = LobbyMessage(message.kind, message.ident, body).encode()
        return stream(rc4md5.add_mac(clear))


_FALLBACK = {"ssc2": ("ssc2", "mask"), "rc4": ("rc4", "mask"), "mask": ("mask",)}
"""Ciphers of PASS -> what a client falls back to when this session has no such key."""

_LOOKS: dict[tuple[bytes, Direction], Callable[[LobbyDissector, Frame], None]] = {
    (b"@dir", DOWN): LobbyDissector._directory,
    (b"skey", DOWN): LobbyDissector._session_key,
    (b"auth", UP): LobbyDissector._login,
    (b"acct", UP): LobbyDissector._password,
    (b"edit", UP): LobbyDissector._password,
    (b"pass", UP): LobbyDissector._password,
    (b"@tic", DOWN): LobbyDissector._ticket_keys,
    (b"?tic", UP): LobbyDissector._ticket,
}

# -- kinds (ea-lobby 3, 8) -------------------------------------------------------------------------


def _kind(name: str, way: Direction, source: str, meaning: str, fields: str = "") -> Kind:
    """A kind; each line of `fields` is: name, type, meaning."""
    lines = (line.split(None, 2) for line in fields.strip().splitlines())
    table = tuple(Field(*(line if len(line) == 3 else [*line, ""])) for line in lines)
    return Kind(name, (way,), meaning, table, f"ea-lobby {source}")


_KINDS_TABLE = (
    _kind(
        "@dir",
        UP,
        "3",
        "asks the directory for a lobby",
        """
        PROD string game and platform
        VERS string platform and build
        LANG string language
        SLUS string serial number of the disc
        """,
    ),
    _kind(
        "@dir",
        DOWN,
        "3",
        "names the lobby",
        """
        ADDR address the lobby's host
        PORT number the lobby's port
        SESS number session, wrapped to 32 bit by the client
        MASK string key of the mask stream, 63 characters at most
        DIRECT number if present, ADDR and PORT are not read
        DOWN string why there is no lobby
        """,
    ),
)

_KIND_NAMES = {kind.name.encode("latin-1"): kind.name for kind in _KINDS_TABLE}


# -- declarations (ea-lobby 6 to 9) ----------------------------------------------------------------

_HOST_PORT = re.compile(r"[A-Za-z0-9.\-]+:\d{1,5}")


def _is_host_port(message: Message) -> bool:
    return bool(_HOST_PORT.fullmatch(str(message.fields().get(LINE, ""))))


def _is_address(field: str) -> Callable[[Message], bool]:
    """Whether a field of the message is a dotted quad (`FROM` may be a name)."""

    def check(message: Message) -> bool:
        text = str(message.fields().get(field, ""))
        return text.count(".") == 3 and bool(address(text))

    return check


_BUDDY = (
    ("BUDDY_URL", "BUDDY_PORT"),
    ("BUDDY_SERVER", "BUDDY_PORT"),
    ("BUDDYSERVERNAME", "BUDDYPORT"),
    ("BUDDYSERVERNAME", "BUDDYSERVERPORT"),
)
_PEERS = (("+ses", "ADDR"), ("+ses", "FROM"), ("+usr", "A"), ("+who", "A"), ("+rom", "A"))

_ANNOUNCES = (
    Announce("@dir", DOWN, NAME, Transport.TCP, "ADDR", "PORT", role="lobby", drop=("DIRECT",)),
    *(
        Announce("news", DOWN, NAME, Transport.TCP, host, port, role="buddy")
        for host, port in _BUDDY
    ),
    Announce("news", DOWN, NAME, Transport.TCP, LINE, LINE, role="buddy", when=_is_host_port),
    *(
        Announce(kind, DOWN, "raw-udp", Transport.UDP, path, when=_is_address(path), peer=True)
        for kind, path in _PEERS
    ),
    Announce("addr", UP, "raw-udp", Transport.UDP, "ADDR", "PORT", role="client", peer=True),
)


def _make(keys: SessionKeys) -> LobbyDissector:
    return LobbyDissector(keys)


def _view(frame: Frame) -> Message:
    return read(frame.clear, frame.direction)


PROTOCOLS = (
    Protocol(
        name=NAME,
        title="EA lobby: directory, lobby and buddy servers of EA's console and PC games, 2003 on",
        transports=(Transport.TCP,),
        ports=(10600, 10601, 10901),
        make_dissector=_make,
        view_frame=_view,
        kinds=_KINDS_TABLE,
        announces=_ANNOUNCES,
        session_keys=("sess",),
        source="ea-lobby",
    ),
)
