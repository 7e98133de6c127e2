r"""How game servers make themselves known and are asked (27900/udp): QR1, QR2, availability.

The client of a flow is the game server, or the game that checks or browses; the server is the
master, or the game server that is asked, or a browser that asks the client. What a datagram is, its
first bytes tell:

    \                    QR1: `\key\value` text; a reply ends in `\queryid\N.M`, the last datagram
                         of several has `\final\` before that
    FE FD type key       QR2, to a game server
    type key             QR2, from a game server
    3B                   a CD-key message (XORed `\`), FD FC 1E 66 6A B2 NatNeg, FE FE gt2

`key` are four bytes that the game server (towards the master) or the asker chose; answers repeat
them. Types 09 serve twice: with the key 0 from the client it is the availability check, which the
master answers by flags in the place of the key; else it is a browser's query before the query.
Source: gamespy 1, 4, 5.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import Annotated, Any, ClassVar, TypeVar

from proxy.ciphers.gamespy_secrets import missing, secret_for
from proxy.ciphers.repeating import CDKEY, CDKEY_CIPHER, CDKEY_MARK, xor
from proxy.ciphers.validate import validate
from proxy.dissector import PEER_FAULTS, DatagramDissector
from proxy.keys import SessionKeys
from proxy.layouts.cdkey_watch import CdkeyWatch, decipher
from proxy.layouts.checks import compare, put_check, put_name, unknown
from proxy.layouts.codec import (
    I32BE,
    U8,
    U32BE,
    Bytes,
    CString,
    Int,
    Magic,
    Maybe,
    Rest,
    Struct,
    Table,
)
from proxy.layouts.gamespy_marks import GT2, NATNEG, QR2, owner
from proxy.layouts.keyvalue import lookup
from proxy.layouts.qr1 import QR1_KINDS, QUERIES, Qr1Message
from proxy.layouts.qr2 import Before, HexAddress, HexNumber, Ids, Texts
from proxy.layouts.qr2_keys import Grid, Pairs
from proxy.layouts.qr2_keys import Table as Rows
from proxy.message import Message, WireError
from proxy.personal import GAMESPY
from proxy.protocol import Announce, Protocol, Rhythm, Volatile
from recordings.model import Direction, Frame, Key, Transport

UP, DOWN = Direction.TO_SERVER, Direction.TO_CLIENT

NO_KEY = bytes(4)
REMEMBERED = 1024
"""Game servers and questions that one flow keeps in mind."""

TABLE = Table("gamespy 5")
S = TypeVar("S", bound=Struct)
Key4 = Annotated[bytes, Bytes(4), "chosen by the game server or the asker, repeated in answers"]
KeyIds = Annotated[tuple[int, ...] | None, Ids(), "names of the keys asked for, or all"]


SPLIT = b"splitnum\0"


class _FromGame(Struct, frozen=True):
    opcode: ClassVar = Magic(b"")
    key: Key4


class _ToGame(Struct, frozen=True):
    mark: ClassVar = Magic(QR2)
    opcode: ClassVar = Magic(b"")
    key: Key4


_CLASSES: dict[tuple[bool, int], list[type[Struct]]] = {}
"""Whether it goes to a game server, and the type -> layouts, the likeliest first."""


def packet(tag: int, *ways: Direction, kind: str | None = None) -> Callable[[type[S]], type[S]]:
    """Register a layout under its type; a second one of a kind is another form of it."""

    def register(cls: type[S]) -> type[S]:
        to_game = issubclass(cls, _ToGame)
        cls.opcode = Magic(bytes((tag,)))  # type: ignore[attr-defined]
        _CLASSES.setdefault((to_game, tag), []).append(cls)
        if kind is None:
            return TABLE.message((to_game, tag, cls.__name__), *ways)(cls)
        cls.kind = kind
        return cls

    return register


@packet(0)
class Query(_ToGame, frozen=True):
    """Asks a game server for keys of itself, its players, its teams."""

    server: KeyIds
    player: KeyIds
    team: KeyIds
    split: Annotated[int | None, Maybe(Int("B")), "1: the asker understands split replies"] = None


@packet(0, kind="Query")
class _ChallengedQuery(_ToGame, frozen=True):
    challenge: Annotated[I32BE, "the number that the game server gave in PrequeryReply"]
    server: KeyIds
    player: KeyIds
    team: KeyIds
    split: Annotated[int | None, Maybe(Int("B"))] = None


@packet(1, DOWN)
class Challenge(_ToGame, frozen=True):
    """The master asks for a proof that the game server is what it says."""

    random: Annotated[str, Before(14)]
    options: Annotated[int, HexNumber(2), "0x80: clients must ask by Prequery first"]
    ip: Annotated[str, HexAddress(), "of the game server, as the master sees it"]
    port: Annotated[int, HexNumber(4), "of the game server, as the master sees it"]
    end: ClassVar = Magic(b"\0")


@packet(1, kind="Challenge")
class _PlainChallenge(_ToGame, frozen=True):
    random: CString


@packet(1, UP)
class ChallengeResponse(_FromGame, frozen=True):
    """The proof."""

    response: Annotated[CString, "of the challenge, keyed by the game's secret"]


@packet(2)
class Echo(_ToGame, frozen=True):
    """Asks for the same bytes back; on a LAN, who is there."""

    data: Annotated[bytes, Rest(), "at most 32 bytes"]


@packet(5)
class EchoReply(_FromGame, frozen=True):
    """The same bytes."""

    data: Annotated[bytes, Rest()]


@packet(3, UP)
class Heartbeat(_FromGame, frozen=True):
    """The game server is there, and what it is: every 60 s, or when its state changes."""

    server: Annotated[
        tuple[tuple[str, str], ...],
        Pairs(),
        "localipN, localport, natneg, statechanged (3 first, 1 changed, 2 leaving), gamename, "
        "publicip, publicport, then the game's own",
    ]
    players: Annotated[Grid, Rows()]
    teams: Annotated[Grid, Rows()]
    tail: Annotated[bytes, Rest()] = b""


@packet(3, kind="Heartbeat")
class _ShortHeartbeat(_FromGame, frozen=True):
    server: Annotated[tuple[tuple[str, str], ...], Pairs()]
    tail: Annotated[bytes, Rest(), "one NUL when the game server leaves"]


@packet(4, DOWN)
class AddError(_ToGame, frozen=True):
    """The master refuses."""

    code: U8
    text: CString


@packet(6, kind="NatNegMessage")
class NatNegMessage(_ToGame, frozen=True):
    """A browser wants to meet this game server by NatNeg."""

    message_id: Annotated[bytes, Bytes(4), "repeated in the acknowledgement"]
    natneg: ClassVar = Magic(NATNEG)
    cookie: U32BE


TABLE.message((True, 6, "NatNegMessage"), DOWN)(NatNegMessage)


@packet(6, DOWN)
class ClientMessage(_ToGame, frozen=True):
    """A browser's message, passed on by the master."""

    message_id: Annotated[bytes, Bytes(4), "repeated in the acknowledgement"]
    data: Annotated[bytes, Rest()]


@packet(7, UP)
class ClientMessageAck(_FromGame, frozen=True):
    """The message has arrived."""

    message_id: Annotated[bytes, Bytes(4)]


@packet(8, UP)
class KeepAlive(_FromGame, frozen=True):
    """Keeps the way through the router open, every 20 s."""


@packet(8, DOWN)
class KeepAliveReply(_ToGame, frozen=True):
    """Ignored by game servers."""


@packet(9)
class Prequery(_ToGame, frozen=True):
    """Asks for the number that the next query must carry."""


class Available(Struct, frozen=True):
    """Whether the game's services are up; silence means yes."""

    mark: ClassVar = Magic(b"\xfe\xfd\x09")
    flags: Annotated[U32BE, "1: gone for good, 2: gone for now, 0: available"]


@packet(9)
class PrequeryReply(_FromGame, frozen=True):
    """The number, in decimal; 0: none is needed."""

    challenge: CString


class AvailableRequest(_FromGame, frozen=True):
    """Every game asks this before anything else."""

    opcode = Magic(b"\x09")
    gamename: CString


TABLE.message((True, 9, "Available"), DOWN)(Available)
TABLE.message((False, 9, "AvailableRequest"), UP)(AvailableRequest)


@packet(10, DOWN)
class Registered(_ToGame, frozen=True):
    """The master lists the game server."""


@packet(0)
class SplitReply(_FromGame, frozen=True):
    """One datagram of a reply in several."""

    word: ClassVar = Magic(SPLIT)
    number: Annotated[U8, "from 0; 0x80 added: the last one"]
    group: Annotated[U8, {0: "server", 1: "players", 2: "teams"}]
    texts: Annotated[tuple[str, ...], Texts(), "keys and values, as far as they fit"]


@packet(0, kind="QueryReply")
class _TableReply(_FromGame, frozen=True):
    server: Annotated[tuple[tuple[str, str], ...], Pairs()]
    players: Annotated[Grid, Rows()]
    teams: Annotated[Grid, Rows()]


@packet(0, kind="QueryReply")
class _KeysReply(_FromGame, frozen=True):
    server: Annotated[tuple[tuple[str, str], ...], Pairs()]
    texts: Annotated[tuple[str, ...], Texts()]


@packet(0)
class QueryReply(_FromGame, frozen=True):
    """The values asked for, in that order; where all keys were asked for, with their names."""

    texts: Annotated[tuple[str, ...], Texts(), "derived.names has the key of each"]


# -- views -----------------------------------------------------------------------------------------


def _view(frame: Frame) -> Message:
    data = frame.clear
    if data[:1] == b"\\":
        return Qr1Message.parse(data)
    return _view_qr2(frame, data)


def _view_qr2(frame: Frame, data: bytes) -> Message:
    to_game = data.startswith(QR2)
    place = len(QR2) if to_game else 0
    if len(data) < place + 5:
        raise WireError(f"QR2, byte {place}: needs 5 bytes, {len(data) - place} left")
    tag = data[place]
    classes = _CLASSES.get((to_game, tag))
    if classes is None:
        raise WireError(f"QR2.type, byte {place}: no message has the type {tag}")
    choose = _CHOICES.get((to_game, tag))
    return _first(choose(frame, classes) if choose else classes, data)


def _first(classes: list[type[Struct]], data: bytes) -> Message:
    """The first layout that fits; raises what the last one said."""
    for cls in classes[:-1]:
        with suppress(*PEER_FAULTS):
            message = cls.decode(data)
            if message.encode() == data:
                return message
    return classes[-1].decode(data)


def _available(frame: Frame, classes: list[type[Struct]]) -> list[type[Struct]]:
    flags = frame.direction is DOWN and frame.clear[3:6] == b"\0\0\0"  # a chosen key is not so
    return [Available] if flags else classes


def _availability(frame: Frame, classes: list[type[Struct]]) -> list[type[Struct]]:
    asks = frame.direction is UP and frame.clear[1:5] == NO_KEY
    return [AvailableRequest] if asks else classes


def _replies(frame: Frame, classes: list[type[Struct]]) -> list[type[Struct]]:
    """Values alone look like keys and values: only the query tells which they are."""
    asked = (frame.derived or {}).get("asked") or {}
    if frame.clear.startswith(SPLIT, 5):
        return classes if asked.get("server") == "all" else [SplitReply, QueryReply]
    if asked.get("server") != "all":
        return [QueryReply]
    return classes[1:] if frame.clear.endswith(b"\0") else classes[2:]  # tables end with a NUL


_CHOICES: dict[tuple[bool, int], Callable[[Frame, list[type[Struct]]], list[type[Struct]]]] = {
    (True, 9): _available,
    (False, 9): _availability,
    (False, 0): _replies,
}


# -- the dissector ---------------------------------------------------------------------------------


def _keep(table: dict[bytes, Any], key: bytes, value: Any) -> None:
    if key not in table and len(table) >= REMEMBERED:
        del table[next(iter(table))]
    table[key] = value


class QueryDissector(DatagramDissector):
    """Tells the protocols on the port apart, checks proofs, and knows what replies answer."""

    def __init__(self, keys: SessionKeys) -> None:
        super().__init__(keys)
        self._players = CdkeyWatch(keys)
        self._games: dict[bytes, str] = {}  # by key; QR1's by the empty one
        self._challenges: dict[bytes, bytes] = {}
        self._asked: dict[bytes, dict[str, Any]] = {}

    def frame(self, frame: Frame) -> None:
        data = frame.clear
        if data[:1] == bytes((CDKEY_MARK,)):
            frame.protocol = "gamespy-cdkey"
            decipher(frame)
            for key in self._players.look(frame):
                self.learn(frame, key)
            return
        if data.startswith((NATNEG, GT2)):
            frame.protocol = owner(data)
        else:
            self._notice(frame)

    def _notice(self, frame: Frame) -> None:
        data = frame.clear
        if data[:1] == b"\\":
            self._qr1(frame)
            return
        to_game = data.startswith(QR2)
        place = len(QR2) if to_game else 0
        look = self._LOOKS.get((to_game, data[place : place + 1]))
        if look is not None:
            look(self, frame, data[place + 1 : place + 5], data[place + 5 :])

    def seal(self, direction: Direction, plain: bytes, cipher: str | None = None) -> bytes:
        frame = Frame(direction, 0, plain)
        with suppress(*PEER_FAULTS):
            if cipher == CDKEY_CIPHER:
                self._players.look(frame)
            else:
                self._notice(frame)
        return xor(plain, CDKEY) if cipher == CDKEY_CIPHER else plain

    def digest(self, direction: Direction, plain: bytes) -> bytes:
        """The proof of the game's secret made anew for this session's challenge."""
        if direction is DOWN:
            return plain
        if plain[:1] == b"\x01" and len(plain) >= 5:
            made, _ = self._proof(plain[1:5])
            return plain[:5] + made + b"\0" if made else plain
        if plain[:1] == b"\\" and lookup(plain, "validate"):
            made, _ = self._proof(b"")
            return (
                Qr1Message.parse(plain).set("validate", made.decode()).encode() if made else plain
            )
        return self._players.digest(direction, plain) if plain[:1] == b"\\" else plain

    # -- QR2 --

    def _heartbeat(self, frame: Frame, key: bytes, body: bytes) -> None:
        mark = body.find(b"\0gamename\0")
        if mark >= 0:
            game = body[mark + 10 : body.find(0, mark + 10)].decode("latin-1")
            _keep(self._games, key, game)
        if self.keys.find("qr2.instance") != (known := Key("qr2.instance", key)):
            self.learn(frame, known)

    def _challenge(self, frame: Frame, key: bytes, body: bytes) -> None:
        text = body.rstrip(b"\0")
        _keep(self._challenges, key, text)
        self.learn(frame, Key("qr2.challenge", text))

    def _response(self, frame: Frame, key: bytes, body: bytes) -> None:
        put_check(frame, "response", self._verdict(key, body.rstrip(b"\0")))

    def _verdict(self, key: bytes, answer: bytes) -> str:
        needs, why = self._proof(key)
        return compare(answer, needs) if needs else unknown(why)

    def _proof(self, key: bytes) -> tuple[bytes | None, str]:
        """What answers the challenge of a game server, or why that is not known."""
        challenge, game = self._challenges.get(key), self._games.get(key)
        if challenge is None:
            return None, "the challenge was not seen"
        if game is None:
            return None, "no heartbeat that names the game was seen"
        secret = secret_for(self.keys.secrets, game)
        if secret is None:
            return None, missing(game)
        return validate(secret, challenge), ""

    def _query(self, frame: Frame, key: bytes, body: bytes) -> None:
        query = _view_qr2(frame, frame.clear)
        shown = query.fields()
        asked = {group: shown[group] for group in ("server", "player", "team")}
        _keep(self._asked, key, asked)

    def _reply(self, frame: Frame, key: bytes, body: bytes) -> None:
        asked = self._asked.get(key)
        if asked is None or body.startswith(b"splitnum\0"):
            return
        frame.derived = {"asked": asked}
        if asked["server"] != "all":
            for number, name in enumerate(asked["server"]):
                put_name(frame, f"texts[{number}]", name)

    def _message(self, frame: Frame, key: bytes, body: bytes) -> None:
        if body[4:].startswith(NATNEG) and len(body) == 14:
            self.learn(frame, Key("natneg.cookie", body[10:]))

    _LOOKS: ClassVar[dict[tuple[bool, bytes], Callable[[Any, Frame, bytes, bytes], None]]] = {
        (False, b"\x03"): _heartbeat,
        (True, b"\x01"): _challenge,
        (False, b"\x01"): _response,
        (True, b"\x00"): _query,
        (False, b"\x00"): _reply,
        (True, b"\x06"): _message,
    }

    # -- QR1 --

    def _qr1(self, frame: Frame) -> None:
        data = frame.clear
        game, secure, answer = (lookup(data, name) for name in ("gamename", "secure", "validate"))
        if game:
            self._games[b""] = game.decode("latin-1")
        if secure:
            self._challenges[b""] = secure
            self.learn(frame, Key("qr1.secure", secure))
        if answer:
            put_check(frame, "validate", self._verdict(b"", answer))


# -- the tables ------------------------------------------------------------------------------------

KINDS = (*TABLE.kinds(), *QR1_KINDS)


def _announce(kind: str, host: str | None, port: str) -> Announce:
    return Announce(
        kind=kind,
        direction=UP,
        protocol="gamespy-query",
        transport=Transport.UDP,
        host=host,
        port=port,
        role="game server",
        when=lambda message: port in message.fields() or "server" in message.fields(),
        peer=True,
    )


ANSWERS = {
    "Heartbeat": ("Challenge",),
    "Challenge": ("ChallengeResponse",),
    "ChallengeResponse": ("Registered", "AddError"),
    "KeepAlive": ("KeepAliveReply",),
    "ClientMessage": ("ClientMessageAck",),
    "NatNegMessage": ("ClientMessageAck",),
    "Prequery": ("PrequeryReply",),
    "Query": ("QueryReply", "SplitReply"),
    "Echo": ("EchoReply",),
}
"""Of QR2: every answer repeats the key of what it answers."""

PROTOCOLS = (
    Protocol(
        name="gamespy-query",
        title="GameSpy game servers: query and reporting, availability",
        transports=(Transport.UDP,),
        ports=(27900,),
        begins=rb"\\(?:heartbeat\\|(?:basic|info|rules|players|status)\\\Z)"
        rb"|\xfe\xfd[\0-\x0b].{4}|\x03.{4}[a-z0-9]+\0|\x09\0{4}[a-z0-9]+\0\Z",
        make_dissector=QueryDissector,
        view_frame=_view,
        kinds=KINDS,
        announces=(
            _announce("heartbeat", None, "heartbeat"),
            _announce("Heartbeat", "server.localip0", "server.localport"),
            _announce("Heartbeat", "server.publicip", "server.publicport"),
        ),
        volatile={
            "Heartbeat.key": Volatile("fresh", "four bytes, none of them zero"),
            "Heartbeat.server.localip0": Volatile("ours", "host"),
            "Heartbeat.server.localport": Volatile("ours", "port"),
            "Heartbeat.server.publicip": Volatile("learned", "Challenge.ip"),
            "Heartbeat.server.publicport": Volatile("learned", "Challenge.port"),
            "Heartbeat.server.statechanged": Volatile("counter", "3 first, then 1"),
            "Challenge.random": Volatile("fresh", "letters and digits"),
            "Challenge.ip": Volatile("learned", "the game server's address"),
            "Challenge.port": Volatile("learned", "the game server's port"),
            "ChallengeResponse.response": Volatile("digest", "the game's secret"),
            "ClientMessage.message_id": Volatile("fresh"),
            "NatNegMessage.message_id": Volatile("fresh"),
            "NatNegMessage.cookie": Volatile("learned", "the browser's SendMessage"),
            "ClientMessageAck.message_id": Volatile("echo", "ClientMessage.message_id"),
            "Query.challenge": Volatile("learned", "PrequeryReply.challenge"),
            "PrequeryReply.challenge": Volatile("fresh", "decimal number"),
            "EchoReply.data": Volatile("echo", "Echo.data"),
            **{f"{kind}.key": Volatile("fresh") for kind in ("Query", "Prequery", "Echo")},
            **{
                f"{kind}.key": Volatile("learned", "Heartbeat.key")
                for kind in ("KeepAlive", "ClientMessage", "NatNegMessage")
            },
            **{
                f"{answer}.key": Volatile("echo", f"{asked}.key")
                for asked, answers in ANSWERS.items()
                for answer in answers
            },
            "secure.secure": Volatile("fresh", "6 letters"),
            "validate.validate": Volatile("digest", "the game's secret"),
            "reply.validate": Volatile("digest", "the game's secret"),
            "*.queryid": Volatile("counter"),
        },
        answers={
            "AvailableRequest": ("Available",),
            **ANSWERS,
            "heartbeat": ("secure", "status", "info", "basic"),
            "secure": ("validate",),
            **dict.fromkeys(QUERIES, ("reply",)),
        },
        rhythm=(
            Rhythm("Heartbeat", UP, 60.0),
            Rhythm("KeepAlive", UP, 20.0),
            Rhythm("heartbeat", UP, 300.0),
        ),
        keys={
            "Heartbeat.key": "qr2.instance",
            "Challenge.random": "qr2.challenge",
            "NatNegMessage.cookie": "natneg.cookie",
            "secure.secure": "qr1.secure",
        },
        idle=900.0,
        peers=True,
        personal=GAMESPY,
        source="gamespy 1, 4, 5",
    ),
)
