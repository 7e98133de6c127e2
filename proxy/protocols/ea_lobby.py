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
from collections.abc import Callable
from typing import Any, Self

from proxy.ciphers import ea_password, mask, rc4md5, ssc2
from proxy.ciphers.rc4 import Rc4
from proxy.dissector import StreamDissector
from proxy.keys import SessionKeys
from proxy.layouts.kindtable import kinds_of, volatile_of
from proxy.layouts.pieces import Pieces
from proxy.layouts.tagfield import LINE, TagField
from proxy.layouts.tagvalues import address
from proxy.message import FieldError, Message, WireError
from proxy.personal import LOBBY
from proxy.protocol import Announce, Protocol, Rhythm
from recordings.model import Direction, Frame, Json, Key, Span, Transport

NAME = "ea-lobby"
UP, DOWN = Direction.TO_SERVER, Direction.TO_CLIENT

HEADER = 12
FRAME_LIMIT = 1 << 20
"""Bytes; the largest genuine frame has 2,823, the newest emulators stop at 2 MiB (ea-lobby 1)."""

STREAM = rc4md5.NAME
_WORDS = struct.Struct(">II")

# -- messages (ea-lobby 1, 2) ----------------------------------------------------------------------


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
    try:
        return int.from_bytes(int(text, 0).to_bytes(4, "big"), "big")
    except (ValueError, OverflowError):
        raise ValueError(f"ident {text} is neither four characters nor 32 bits") from None


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
        if "ident" in fields:
            fields["IDENT"] = fields.pop("ident")  # found in any case; the word's name is taken
        return {"ident": show_ident(self.ident), **fields} if self.ident else fields

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


TIC_ANSWER = 84
"""Bytes of the body of an `@tic` reply that carries keys (ea-lobby 4.4)."""


def _tic(direction: Direction, body: bytes) -> TagField | Pieces:
    layout = (("client_key", 16), ("server_key", 16), ("ticket", 0))
    return Pieces(layout, body) if len(body) == TIC_ANSWER else TagField.lines(body)


def _news(direction: Direction, body: bytes) -> TagField | Pieces:
    """Keys, or text to be shown, or `host:port`."""
    return TagField.parse(body) if direction is UP or b"=" in body else TagField.lines(body)


_BODIES: dict[bytes, Callable[[Direction, bytes], TagField | Pieces]] = {
    b"@tic": _tic,
    b"?tic": lambda direction, body: Pieces((("ticket", 0),), body),
    b"news": _news,
}


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
    cut = _BODIES.get(word)
    body = clear[HEADER:]
    return LobbyMessage(kind, ident, cut(direction, body) if cut else TagField.parse(body))


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
        doubt = ", or the key is a wrong one" if direction in self._out else ""
        raise WireError(f"length, byte 8: {length} bytes is {limit}{doubt}")

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
        if body.get(field):  # SESS of the directory comes back as MASK, wrapped to 32 bit
            self.learn(frame, Key("sess", str(body.number(field)).encode()))

    def _session_key(self, frame: Frame) -> None:
        key = ea_password.announced(TagField.parse(frame.clear[HEADER:]).get("SKEY") or "")
        if key:
            self.learn(frame, key)

    def _login(self, frame: Frame) -> None:
        self._learn_session(frame, TagField.parse(frame.clear[HEADER:]), "MASK")
        self._password(frame)

    def _password(self, frame: Frame) -> None:
        message = read(frame.clear, frame.direction)
        value = message.body.get("PASS") or ""
        if not ea_password.enciphered(value):
            return
        opened = ea_password.open_password(value, self.keys)
        derived = frame.derived = frame.derived or {}
        derived.setdefault("checks", {})["PASS"] = opened.check
        if opened.cipher is None:
            return
        if opened.note:
            derived["notes"] = [f"PASS {opened.note}"]
        derived["wire"] = {"PASS": message.body.wire("PASS")}
        frame.plain = message.set("PASS", opened.password.decode("latin-1")).encode()
        frame.cipher = f"{frame.cipher},{opened.cipher}" if frame.cipher else opened.cipher
        if opened.cipher == "rc4":
            self.learn(frame, Key("skey", opened.key, "rc4", UP, "learned"))

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

    def seal(self, direction: Direction, plain: bytes, cipher: str | None = None) -> bytes:
        for name in (cipher or "").split(","):
            if name in ea_password.FORMS:
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
        wire = ea_password.lock_password(password, cipher, self.keys, self._encoder)
        return message.set("PASS", wire).encode()

    def forward(self, frame: Frame) -> bytes:
        stream, clear = self._out.get(frame.direction), frame.clear
        if stream is None or not (frame.cipher or "").startswith(STREAM):
            return frame.raw or b""
        if frame.error:
            return stream(clear)  # its MAC is wrong and stays so
        wire = (frame.derived or {}).get("wire")
        if wire:
            body = TagField.parse(clear[HEADER:]).set_wire("PASS", wire["PASS"]).encode()
            clear = clear[:8] + struct.pack(">I", HEADER + len(body)) + body
        return stream(rc4md5.add_mac(clear))


_LOOKS: dict[tuple[bytes, Direction], Callable[[LobbyDissector, Frame], None]] = {
    (b"@dir", DOWN): LobbyDissector._directory,
    (b"skey", DOWN): LobbyDissector._session_key,
    (b"auth", UP): LobbyDissector._login,
    **{(kind, UP): LobbyDissector._password for kind in (b"acct", b"edit", b"pass")},
    (b"@tic", DOWN): LobbyDissector._ticket_keys,
    (b"?tic", UP): LobbyDissector._ticket,
}

# -- kinds (ea-lobby 3, 8) -------------------------------------------------------------------------

_KINDS = kinds_of(
    """
> @dir | 3 | asks the directory for a lobby
  PROD string game, platform; VERS string build; LANG string language; SLUS string disc
< @dir | 3 | names the lobby, or says why there is none
  ADDR address host of the lobby; PORT number its port; SESS number session, wraps to 32 bit
  MASK string key of the mask stream, at most 63; DIRECT number if present ADDR, PORT are not read
  DOWN string why there is no lobby; LKEY string not read here
> addr | 3 | tells the client's own address, unasked; needs no reply
  ADDR address local address; PORT number local port of the directory connection
< addr | 3 | a reply that only emulators give
  STATUS number not read
> skey | 3 | asks for the session key
  SKEY binary always "Public Key"
< skey | 3 | gives the session key
  SKEY binary 16 bytes, of which a first one 00 (or no binary) selects the mask stream for PASS
> auth | 3 | logs in to an account
  NAME string account; PASS string password, enciphered; TOS number terms accepted
  MID binary network address of the console; HWFLAG number hardware; HWMASK number hardware
  PROD string game and platform; VERS string platform and build; LANG string language
  SLUS string serial number of the disc; MASK number SESS of @dir, with the mask stream only
< auth | 3 | the account
  NAME string account, at most 63; ADDR address client's address as seen; MAIL string mail address
  PERSONAS string comma list, at most 4 of 12 characters; SPAM string wishes mail; CPAT number
  TOS number terms accepted
> acct | 3 | makes an account
  NAME string account, at most 16; PASS string password, enciphered; MAIL string mail address
  BORN string date of birth; GEND string sex; SPAM string two letters; ALTS number other names
  MINAGE number lowest age; TOS number terms accepted; PMAIL string mail address of a parent
< acct | 3 | the account is made; ident dupl, inam, tooy, pmal: it is not
  NAME string account; PERSONAS string comma list; AGE number; OPTS string other names
> edit | 3 | changes an account
  NAME string account; MAIL string mail address; SPAM string wishes mail
  PASS string password, enciphered; CHNG string what changes
< edit | 3 | acknowledges a change of the account
> pass | 4.1 | changes the password
  PASS string password, enciphered
> cper | 3 | makes a persona
  PERS string persona; ALTS number how many other names to offer
< cper | 3 | the persona is made; ident dupl: it is not
  PERS string persona; NAME string account
> dper | 3 | deletes a persona
  PERS string persona
< dper | 3 | the persona is deleted
  PERS string persona; NAME string account
> pers | 3 | plays under a persona
  PERS string persona; MAC binary in later games; CDEV string in later games
< pers | 3 | the persona is taken; +who follows
  PERS string persona; LKEY string key for the buddy server, at most 63; LAST time last login
  IDLE number milliseconds of silence allowed, later games
> sele | 3 | selects which lists are pushed
  ROOMS number; USERS number; RANKS number; MESGS number; MYGAME number; GAMES number
  MESGTYPES flags
< sele | 3 | every list with its state
  MORE number; SLOTS number; ROOMS number; USERS number; USERSETS number; GAMES number
  MYGAME number; MESGS number; MESGTYPES flags; ASYNC number; STATS number; INGAME number
> user | 3 | looks up a persona's profile
  PERS string persona
< user | 3 | the profile
  PERS string persona; TITLE string
> onln | 3 | asks whether a persona is online
  PERS string persona
< onln | 3 | the whole user record; ident imst: not online
  I number user; N string name; M string account; F flags; A address; P number; S string; G number
> news | 1, 3 | asks for a text or a configuration
  NAME string 0: buddy server, 1: news, later client.cfg
< news | 1, 3, 7 | a text, or keys; ident is new0 plus NAME, for a numeric NAME
  BUDDY_URL string host of the buddy server; BUDDY_PORT number its port
  BUDDY_SERVER string the same in later games; BUDDYSERVERNAME string the same elsewhere
  GPS_REGIONS string hosts that later games measure, left alone; QOS_LOBBY string the same
  line string a line of free text, or `host:port` of the buddy server
> room | 3 | makes a room and enters it
  NAME string prefixed by its type; PASS string room's password, clear; DESC string description
  MAX number most users
< room | 3 | the room
  IDENT number room; NAME string; COUNT number users; FLAGS flags; HOST string; DESC string
  LIMIT number most users; LIDENT number room left; LCOUNT number users there
> move | 3 | enters a room
  NAME string room, empty to leave; PASS string room's password, clear
< move | 3 | the room entered
  IDENT number room; NAME string; COUNT number users; FLAGS flags; LIDENT number room left
  LCOUNT number users there
> peek | 3 | looks into a room
  NAME string room, at most 14
< peek | 3 | users of the room; +usr may follow
  COUNT number users
> snap | 3 | asks for rows of a ranking
  INDEX number ranking; CHAN number channel 4 to 7; START number first row; FIND string persona
  RANGE number rows
< snap | 3 | opens the channel; +snp follows
  CHAN number as asked; INDEX number as asked; START number as asked; RANGE number as asked
> mesg | 3, 6 | says something to a room or, with PRIV, to one persona
  PRIV string persona; TEXT string text, or a challenge: token, ACPT, DECL, BLOC; ATTR flags 3
< mesg | 3 | acknowledges what was said
> auxi | 3 | sets the auxiliary text, shown as X
  TEXT string
< auxi | 3 | echoes the auxiliary text
  TEXT string
> chal | 3, 6 | names the opponent after a challenge
  PERS string persona, * to withdraw; HOST number 1 hosts
< chal | 3, 6 | what to do
  MODE string play, chal (wait) or idle
> rank | 3, 6 | reports a result
  REPT string; AUTH string of +ses; WHEN time of +ses; NAME0 string; SET_TRACKID number
  SET_TRACK string; SET_NUMAI number; SET_AIDIFF number; SET_RACELEN number; SET_CAUTIONS number
  SET_DAMAGE number; SET_CONSUME number; SET_SETUPS number; SET_ASSISTS number; SET_RANKED number
< rank | 3 | acknowledges a result
> rept | 3 | reports a persona; no reply
  PERS string persona; PROD string game and platform; LANG string language
= ~png | 1, 3 | keepalive: the server asks, the client gives the same body back
  REF string opaque; TIME number milliseconds of the last round trip; SESS number session
> @tic | 4.4 | offers a stream cipher
  line string name of the cipher
< @tic | 4.4 | accepts the stream cipher
  client_key binary RC4 key, client to server; server_key binary RC4 key, server to client
  ticket binary to be shown to the lobby
> ?tic | 4.4 | the last clear frame before the stream cipher
  ticket binary from the directory
= hchk,rvup | 1 | later games, use unknown; an empty reply
= gsea | 1 | searches for games in later titles; CANCEL ends it, by an empty reply
= gjoi | 1 | enters a game in later titles; reply ident ugam
= gcre | 1 | makes a game in later titles; reply ident dupl, invp
= gsta | 1 | starts a game in later titles; reply ident nepl
< +who | 3 | yourself
  N string persona, at most 63; F flags; RI number room; RT number users there; R string its name
  RF flags of the room; I number user; A address; M string account; P number; S string; G number
< +usr | 3 | a user of your room; without N user I is gone
  I number user; N string persona, at most 31; A address; P string ping; F flags U marks yourself
  S string statistics; R number rank; X string auxiliary text; T number users in your room now
< +rom | 3 | a room; without N room I is gone
  I number room; N string name; H string description; F flags; A address; T number users
  L number most users; P number ping in milliseconds
< +pop | 3 | how many are in the rooms
  Z pop room id and users, in turn, until an id 0
< +msg | 3 | someone said something
  N string sender; T string text; F flags B broadcast, P private, none: the room
< +ses | 3, 5 | a race is arranged
  NAME string session; SELF string you; HOST string who hosts; OPPO string the other one
  P1 string parameter; P2 string parameter; P3 string parameter; P4 string parameter
  AUTH string comes back in the result; ADDR address the other's; FROM string the other's
  SEED number the same on both sides; WHEN time the same on both sides
< +rnk | 3 | a ranking list
  D number -2 clears; A number; N string; S string
< +snp | 3 | a row of a ranking, only after the snap reply
  R number rank; P number points; N string persona, at most 31; S string statistics
< +sst,+uss,+usm,+ust,+mgm,+gam,+fup,+agm | 3 | later games, use unknown
> AUTH | 8 | logs in to the buddy server
  PROD string game; VERS string build; PRES string resource; USER string persona/cso/product
  LKEY string of the pers reply; PASS string instead of an LKEY without $
< AUTH | 8 | accepts; any ident refuses
> PSET | 8 | sets your presence
  SHOW string DISC, CHAT, AWAY, XA, DND or PASS; STAT tagfield en and P; PROD string shown
< PSET | 8 | acknowledges a presence
> RGET | 8 | asks for a list
  LRSC string cso; LIST string B buddies, I ignored; PRES string Y with presence; ID number
< RGET | 8 | how many ROST follow
  ID number as asked; SIZE number entries
< ROST | 8 | an entry of a list
  ID number 1 buddies, 2 ignored; USER string persona; GROUP string
< PGET | 8 | a buddy's presence
  USER string persona; SHOW string as PSET; STAT tagfield as PSET; PROD string shown
> RADD | 8 | adds to a list
  LRSC string cso; ID number from 101 on; LIST string B, I; PRES string; USER string; GROUP string
< RADD | 8 | added; any ident takes it back
  ID number as asked; FUSR string the persona as it is written
> RDEL | 8 | takes off a list
  ID number; LIST string B or I; USER string persona
< RDEL | 8 | taken off
  ID number as asked
> PADD | 8 | wants the presence of a persona
  USER string persona
> PDEL | 8 | no longer wants it
  USER string persona
> SEND | 8 | sends a message to a buddy
  TYPE string C; USER string persona; BODY string below 64; SECS number keep that long
< SEND | 8 | acknowledges a message
< RECV | 8 | a message from a buddy
  USER string persona; BODY string at most 63; TYPE string must be C; TIME number
< ADMN | 8 | a notice of the operator
= PING | 8 | keepalive of the buddy leg: the server asks, the client gives it back
> DISC | 8 | leaves
""",
    "ea-lobby",
)
_KIND_NAMES = {kind.name.encode("latin-1"): kind.name for kind in _KINDS}


# -- declarations (ea-lobby 6 to 9) ----------------------------------------------------------------

_HOST_PORT = re.compile(r"[A-Za-z0-9.\-]+:\d{1,5}")


def _is_host_port(message: Message) -> bool:
    return bool(_HOST_PORT.fullmatch(str(message.fields().get(LINE, ""))))


def _quad(field: str) -> Callable[[Message], bool]:
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
_UDP, _RACE = ("raw-udp", Transport.UDP), (3658, 1073)  # TW04's; NASCAR's constant (ea-lobby 5)
_RACERS = (("+ses", "ADDR", _RACE), ("+ses", "FROM", _RACE))
_PEERS = (*_RACERS, ("+usr", "A", ()), ("+who", "A", ()), ("+rom", "A", ()))

_ANNOUNCES = (
    Announce("@dir", DOWN, NAME, Transport.TCP, "ADDR", "PORT", role="lobby", drop=("DIRECT",)),
    *(Announce("news", DOWN, NAME, Transport.TCP, *at, role="buddy") for at in _BUDDY),
    Announce("news", DOWN, NAME, Transport.TCP, LINE, LINE, role="buddy", when=_is_host_port),
    *(
        Announce(kind, DOWN, *_UDP, at, when=_quad(at), peer=True, ports=p)
        for kind, at, p in _PEERS
    ),
    Announce("addr", UP, "raw-udp", Transport.UDP, "ADDR", "PORT", role="client", peer=True),
)


_VOLATILE = """
    @dir  ADDR ours host; PORT ours port; SESS fresh; MASK key mask; LKEY fresh
    addr  ADDR ours host; PORT ours port
    skey  SKEY key skey
    auth  PASS key skey; MASK key sess; SESS fresh; ADDR learned
    acct,edit,pass       PASS key skey
    cper,dper,user,onln  PERS echo
    pers  PERS echo; LKEY fresh; LAST clock Y.M.D H:M:S
    news  ident digest new0 plus NAME of the request; BUDDY_URL ours host; BUDDY_PORT ours port
    news  BUDDY_SERVER ours host; BUDDYSERVERNAME ours host
    news  BUDDYPORT ours port; BUDDYSERVERPORT ours port
    room  IDENT counter; LIDENT learned; COUNT learned; LCOUNT learned; NAME echo
    move  IDENT learned; LIDENT learned; COUNT learned; LCOUNT learned; NAME echo
    snap  CHAN echo; INDEX echo; START echo; RANGE echo
    sele  ROOMS echo; USERS echo; MESGS echo; RANKS echo; GAMES echo; MYGAME echo
    auxi  TEXT echo
    ~png  ident clock ms; REF echo; TIME fresh; SESS learned
    +who  I learned; RI learned; RT learned; A learned
    +usr,+rom  I learned; A learned; T learned
    +pop  Z learned
    +ses  SEED fresh; WHEN clock s; AUTH fresh; ADDR learned; FROM learned
    rank  AUTH echo +ses.AUTH; WHEN echo +ses.WHEN
    AUTH  LKEY echo pers.LKEY; USER learned
    ROST  ID echo RGET.ID
    RGET,RADD,RDEL  ID echo
    RECV  TIME clock s
    *     TICK fresh; TOKEN fresh; MADDR fresh; _LUID fresh
"""

_ANSWERED = (
    "@dir skey auth acct edit pass cper dper pers sele user onln news room move peek snap mesg "
    "auxi chal rank hchk rvup gsea gjoi gcre gsta AUTH PSET RGET RADD RDEL PADD PDEL SEND"
)
"""Kinds of requests; every reply is of the kind of its request (ea-lobby 1)."""

_KEYS = {"skey.SKEY": "skey", "@dir.MASK": "mask", "@dir.SESS": "sess", "auth.MASK": "sess"}
_KEYS |= {"@tic.client_key": STREAM, "@tic.server_key": STREAM}

PROTOCOLS = (
    Protocol(
        name=NAME,
        title="EA lobby: directory, lobby and buddy servers of EA's console and PC games, 2003 on",
        transports=(Transport.TCP,),
        ports=(10600, 10601, 10200, 10900, 10901, 10899, 11000, 11050, 13505, 20900, 21800, 30900),
        begins=rb"[@~?+&$A-Za-z0-9*]{4}.{4}\0[\0-\x0f]",
        make_dissector=LobbyDissector,
        view_frame=lambda frame: read(frame.clear, frame.direction),
        kinds=_KINDS,
        announces=_ANNOUNCES,
        volatile=volatile_of(_VOLATILE),
        answers={kind: (kind,) for kind in _ANSWERED.split()},
        rhythm=(Rhythm("~png", DOWN, 22.0), Rhythm("PING", DOWN, 22.0)),
        keys=_KEYS,
        personal=LOBBY,
        session_keys=("sess",),
        swallow=(("@tic", UP),),
        peek=lambda direction, clear: clear[:4].decode("latin-1"),
        source="ea-lobby 0 to 11",
    ),
)
