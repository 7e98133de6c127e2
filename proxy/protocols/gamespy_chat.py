"""GameSpy's chat (Peerchat): IRC with two cipher streams and commands of its own; 6667/tcp.

The client says `CRYPT des 1 GAME`, the server answers 705 with a key for each direction; from the
next byte on both are enciphered, keyed by those and the game's secret. Without the secret nothing
more can be read. A client that never says CRYPT speaks in clear.
Source: gamespy 9.
"""

from __future__ import annotations

from collections.abc import Mapping
from hashlib import md5
from typing import ClassVar

from proxy.ciphers.gamespy_secrets import missing, secret_for
from proxy.ciphers.peerchat import PeerchatStream, decode_address, encode_address
from proxy.dissector import StreamDissector
from proxy.keys import SessionKeys
from proxy.layouts.checks import OK, compare, put_check, unknown
from proxy.layouts.ircline import IrcLine
from proxy.layouts.keyvalue_stream import passwords
from proxy.layouts.values import Separated, Value
from proxy.message import Message, WireError
from proxy.personal import GAMESPY
from proxy.protocol import Field, Kind, Protocol, Volatile
from recordings.model import Direction, Frame, Json, Key, Transport

UP, DOWN = Direction.TO_SERVER, Direction.TO_CLIENT
CIPHER = "peerchat"
KEY_LENGTH = 16
LATER = "enciphered: see the first such frame of this flow"


class UserName(Value):
    """`X<8 letters>X|<profile id>`: the letters are the player's address."""

    def read(self, text: str) -> Json | None:
        hidden, bar, profile = text.partition("|")
        if not bar or len(hidden) != 10 or hidden[0] != "X" or hidden[-1] != "X":
            return None
        return {"ip": decode_address(hidden[1:-1]), "profileid": profile}

    def write(self, shown: Json) -> str:
        if not isinstance(shown, Mapping):
            raise ValueError("needs ip and profileid")
        return f"X{encode_address(shown['ip'])}X|{shown['profileid']}"

    def parts(self, text: str) -> list[tuple[str, int, int]]:
        return [("ip", 1, 9), ("profileid", 11, len(text))]

    def to_wire(self, value: Json) -> str:
        return value if isinstance(value, str) else self.write(value)


_KEYS = "names and values, each behind a backslash"
_COMMANDS: dict[str, tuple[tuple[Direction, ...], str, str]] = {
    "CRYPT": ((UP,), "asks for encipherment", "cipher version gamename"),
    "USRIP": ((UP,), "asks for the own address", ""),
    "USER": ((UP,), "who the player is", "user host server :realname"),
    "NICK": (tuple(Direction), "takes a nick", "nick"),
    "CDKEY": ((UP,), "proves a CD key", "key"),
    "LOGIN": ((UP,), "logs in by unique nick, or *, and MD5 of the password",
              "namespaceid uniquenick password :account"),
    "LOGINPREAUTH": ((UP,), "logs in by a partner's token", "token response"),
    "REGISTERNICK": ((UP,), "takes a unique nick", "namespaceid uniquenick cdkey"),
    "GETKEY": ((UP,), "asks for values of a user", "target cookie zero :keys"),
    "SETKEY": ((UP,), f"sets values of the own user: {_KEYS}", ":keys"),
    "GETCKEY": ((UP,), "asks for values of users in a channel",
                "channel target cookie zero :keys"),
    "SETCKEY": ((UP,), f"sets values of a user in a channel: {_KEYS}", "channel target :keys"),
    "GETCHANKEY": ((UP,), "asks for values of a channel", "channel cookie zero :keys"),
    "SETCHANKEY": ((UP,), f"sets values of a channel: {_KEYS}", "channel zero :keys"),
    "SETGROUP": ((UP,), "says which group room the player is in", "group"),
    "LISTLIMIT": ((UP,), "asks for some channels only", "limit filter"),
    "GETUDPRELAY": ((UP,), "asks for a relay", "target"),
    "UTM": (tuple(Direction), "a message of the game to a user or channel", "target :text"),
    "ATM": (tuple(Direction), "the same, from the channel's host", "target :text"),
    "JOIN": (tuple(Direction), "enters a channel", "channel key"),
    "PART": (tuple(Direction), "leaves a channel", "channel :reason"),
    "MODE": (tuple(Direction), "asks for modes, or changes them", "target modes limit"),
    "TOPIC": (tuple(Direction), "asks for a topic, or changes it", "channel :topic"),
    "NAMES": ((UP,), "asks who is in a channel", "channel"),
    "LIST": ((UP,), "asks for channels", "channel"),
    "WHO": ((UP,), "asks about users", "target"),
    "WHOIS": ((UP,), "asks about a user", "nick"),
    "KICK": (tuple(Direction), "throws a user out", "channel nick :reason"),
    "INVITE": (tuple(Direction), "invites a user", "nick channel"),
    "PRIVMSG": (tuple(Direction), "says something to a user or channel", "target :text"),
    "NOTICE": (tuple(Direction), "says something that needs no answer", "target :text"),
    "PING": (tuple(Direction), "is the other there", "token"),
    "PONG": (tuple(Direction), "yes", "server token"),
    "QUIT": (tuple(Direction), "ends the session", "reason"),
    "ERROR": ((DOWN,), "the server closes", "text"),
    "001": ((DOWN,), "welcome", "nick :text"),
    "002": ((DOWN,), "which server this is", "nick :text"),
    "003": ((DOWN,), "since when it runs", "nick :text"),
    "004": ((DOWN,), "what it can do", "nick server version usermodes channelmodes"),
    "302": ((DOWN,), "the own address, behind =+@", "nick :text"),
    "311": ((DOWN,), "a user", "nick target user host star :realname"),
    "315": ((DOWN,), "end of the users", "nick target :text"),
    "318": ((DOWN,), "end of what is known of a user", "nick target :text"),
    "321": ((DOWN,), "channels follow", "nick channel :text"),
    "322": ((DOWN,), "a channel and how many are in it", "nick channel users :topic"),
    "323": ((DOWN,), "end of the channels", "nick :text"),
    "324": ((DOWN,), "modes of a channel", "nick channel modes limit"),
    "331": ((DOWN,), "no topic", "nick channel :text"),
    "332": ((DOWN,), "the topic", "nick channel :topic"),
    "352": ((DOWN,), "a user, as WHO tells",
            "nick channel user host server target flags :realname"),
    "353": ((DOWN,), "who is in a channel", "nick type channel :nicks"),
    "366": ((DOWN,), "end of who is in it", "nick channel :text"),
    "372": ((DOWN,), "a line of the message of the day", "nick :text"),
    "375": ((DOWN,), "the message of the day", "nick :text"),
    "376": ((DOWN,), "end of it", "nick :text"),
    "401": ((DOWN,), "no such user", "nick target :text"),
    "403": ((DOWN,), "no such channel", "nick channel :text"),
    "433": ((DOWN,), "the nick is in use", "nick target :text"),
    "700": ((DOWN,), "values of a user", "nick target cookie :values"),
    "701": ((DOWN,), "end of them", "nick target cookie :text"),
    "702": ((DOWN,), "values of a user in a channel", "nick channel target cookie :values"),
    "703": ((DOWN,), "end of them", "nick channel cookie :text"),
    "704": ((DOWN,), "values of a channel", "nick channel cookie :values"),
    "705": ((DOWN,), "keys of both directions", "nick client_key server_key"),
    "706": ((DOWN,), "1: the CD key is good", "nick result :text"),
    "707": ((DOWN,), "the login is accepted", "nick userid profileid"),
    "708": ((DOWN,), "the login failed", "nick :text"),
    "709": ((DOWN,), "the login failed", "nick :text"),
    "710": ((DOWN,), "the login failed", "nick :text"),
    "711": ((DOWN,), "the login failed", "nick :text"),
    "712": ((DOWN,), "the login failed; or the relay", "nick :text"),
}  # fmt: skip
"""Kind -> who says it, what it means, its parameters; gamespy 9, and ordinary IRC."""

_MEANINGS = {
    "client_key": ("text", "16 characters: key of what the client says"),
    "server_key": ("text", "16 characters: key of what the server says"),
    "cookie": ("number", "the reply repeats it"),
    "gamename": ("text", "the game whose secret keys the streams"),
    "password": ("md5", "MD5 of the password"),
    "prefix": ("text", "nick!user@host of who says it, or the server"),
    "realname": ("text", "MD5 of the CD key"),
    "keys": ("text", _KEYS),
    "userid": ("number", "of the account; the source names nick and profile id alone"),
    "user": ("user", "hides the player's address and profile id"),
    "channel": ("text", "#GSP!GAME title room, #GPG!NUMBER group room, #GSP!GAME!M...M staging"),
}


class ChatLine(IrcLine):
    """One line of the chat."""

    __slots__ = ()
    names: ClassVar[Mapping[str, tuple[str, ...]]] = {
        name: tuple(params.split()) for name, (_, _, params) in _COMMANDS.items()
    }
    values: ClassVar[Mapping[str, Value]] = {
        "USER.user": UserName(),
        "311.user": UserName(),
        "352.user": UserName(),
        **{f"{name}.keys": Separated("\\") for name in ("SETKEY", "SETCKEY", "SETCHANKEY")},
    }


def _issued(clear: bytes) -> tuple[bytes, bytes] | None:
    """The keys of client and server that a 705 names."""
    words = clear.rstrip(b"\r\n").split(b" ")
    if len(words) < 5 or words[1] != b"705":
        return None
    client, server = words[3], words[4][-KEY_LENGTH:]  # the last may stand behind a colon
    return (client, server) if client and server else None


class ChatDissector(StreamDissector):
    """Cuts lines, and deciphers both directions once 705 has come."""

    frame_limit = 1 << 16

    def __init__(self, keys: SessionKeys) -> None:
        super().__init__(keys)
        self._game: str | None = None
        self._keyed: tuple[bytes, bytes] | None = None
        self._out: dict[Direction, PeerchatStream] = {}
        self._next: PeerchatStream | None = None  # enciphers down, once 705 has been passed on
        self._dark: dict[Direction, str] = {}  # unreadable from here on, and why
        self._tried: set[Direction] = set()
        self._address: str | None = None

    # -- what comes in -----------------------------------------------------------------------------

    def frame_length(self, direction: Direction, buffer: bytes | bytearray, start: int) -> int:
        if direction in self._dark:
            return min(len(buffer) - start, self.frame_limit)
        end = self.find(direction, b"\n", buffer, start)
        return end and end - start

    def frame(self, frame: Frame) -> None:
        direction = frame.direction
        if frame.plain is not None:
            frame.cipher = CIPHER
            if direction not in self._tried:
                self._try(frame)
        if direction in self._dark:
            frame.plain = frame.cipher = None
            frame.error = self._dark[direction]
            self._dark = dict.fromkeys(self._dark, LATER)
            return
        self._notice(frame)
        keyed = _issued(frame.clear) if direction is DOWN and frame.plain is None else None
        if keyed and not self._keyed:
            self._start(frame, keyed)

    def _start(self, frame: Frame, keyed: tuple[bytes, bytes]) -> None:
        self._keyed = keyed
        client, server = keyed
        self.learn(frame, Key("peerchat.client", client, CIPHER, UP))
        self.learn(frame, Key("peerchat.server", server, CIPHER, DOWN))
        secret = secret_for(self.keys.secrets, self._game or "")
        if secret is None:
            why = (
                missing(self._game) if self._game else "the game was not named: CRYPT was not seen"
            )
            self._dark = dict.fromkeys(Direction, f"enciphered: {why}")
            return
        self.start_cipher(UP, PeerchatStream(secret, client))
        self.start_cipher(DOWN, PeerchatStream(secret, server))
        self._out[UP] = PeerchatStream(secret, client)
        self._next = PeerchatStream(secret, server)

    def _try(self, frame: Frame) -> None:
        """Whether the first line of a direction makes sense: a wrong secret would garble it."""
        self._tried.add(frame.direction)
        try:
            ChatLine.parse(frame.clear)
        except WireError:
            why = f"enciphered: the secret of game {self._game} is not the one used"
            self._dark[frame.direction] = why
            put_check(frame, "cipher", f"WRONG: {why}")
        else:
            put_check(frame, "cipher", OK)

    # -- what it says ------------------------------------------------------------------------------

    def _notice(self, frame: Frame) -> None:
        """Look at a line in clear, fed or sealed."""
        words = frame.clear.rstrip(b"\r\n").decode("latin-1").split(" ")
        if frame.direction is DOWN:
            if words[1:2] == ["302"] and "@" in words[-1]:
                self._address = words[-1].rpartition("@")[2]
            return
        if words[0] == "CRYPT" and len(words) > 3:
            self._game = words[3]
        elif words[0] == "USER" and len(words) > 1:
            self._check_user(frame, words[1])
        elif words[0] == "LOGIN" and len(words) > 3:
            self._check_login(frame, words[3].encode("latin-1"))

    def _check_user(self, frame: Frame, user: str) -> None:
        shown = UserName().show(user)
        if isinstance(shown, dict) and self._address is not None:
            has, needs = shown["ip"].encode(), self._address.encode("latin-1")
            put_check(frame, "user.ip", compare(has, needs))

    def _check_login(self, frame: Frame, has: bytes) -> None:
        known = passwords(self.keys, "gp.password")
        tried = [
            compare(has, md5(password, usedforsecurity=False).hexdigest().encode())
            for password in known
        ]
        if OK in tried or len(tried) == 1:
            put_check(frame, "password", OK if OK in tried else tried[0])
        else:
            why = "none of the passwords seen gives it" if tried else "the password was not seen"
            put_check(frame, "password", unknown(why))

    # -- what goes out -----------------------------------------------------------------------------

    def seal(self, direction: Direction, plain: bytes, cipher: str | None = None) -> bytes:
        self._notice(Frame(direction, 0, plain))
        if direction is DOWN and DOWN not in self._out:
            keyed = _issued(plain)
            if keyed:
                self._pass_on(keyed)
                return plain
        stream = self._out.get(direction)
        return stream(plain) if stream else plain

    def _pass_on(self, keyed: tuple[bytes, bytes]) -> None:
        """The client gets these keys: the server's own, or others that we gave it."""
        if keyed != self._keyed:
            secret = secret_for(self.keys.secrets, self._game or "")
            if secret is None:
                return
            self.start_cipher(UP, PeerchatStream(secret, keyed[0]))
            self._next = PeerchatStream(secret, keyed[1])
        if self._next is not None:
            self._out[DOWN], self._next = self._next, None

    def forward(self, frame: Frame) -> bytes:
        if frame.error is not None:
            return frame.raw or b""
        return self.seal(frame.direction, frame.clear, frame.cipher)

    def digest(self, direction: Direction, plain: bytes) -> bytes:
        """The line with the address that this session's server told, where it must name it."""
        if direction is not UP or not plain.startswith(b"USER ") or self._address is None:
            return plain
        line = ChatLine.parse(plain)
        try:
            return line.set("user.ip", self._address).encode()
        except (LookupError, ValueError):
            return plain


def _view(frame: Frame) -> Message:
    return ChatLine.parse(frame.clear)


def _kind(name: str, ways: tuple[Direction, ...], meaning: str, params: str) -> Kind:
    fields = tuple(
        Field(param, *_MEANINGS.get(param, ("text", "")))
        for param in params.replace(":", "").split()
    )
    return Kind(name, ways, meaning, fields, "gamespy 9")


KINDS = tuple(_kind(name, *line) for name, line in _COMMANDS.items())

_LOGIN_ENDS = ("707", "708", "709", "710", "711", "712")

PROTOCOLS = (
    Protocol(
        name="gamespy-chat",
        title="GameSpy chat (Peerchat)",
        transports=(Transport.TCP,),
        ports=(6667,),
        begins=rb"CRYPT des 1 |USRIP\r?\n",
        make_dissector=ChatDissector,
        view_frame=_view,
        kinds=KINDS,
        volatile={
            "705.client_key": Volatile("fresh", "16 characters"),
            "705.server_key": Volatile("fresh", "16 characters"),
            "302.text": Volatile("learned", "the client's address as the server sees it"),
            "USER.user": Volatile("digest", "peerchat"),
            **{
                f"{kind}.prefix": Volatile("learned", "holds that player's address")
                for kind in ("JOIN", "PART", "QUIT", "NICK", "PRIVMSG", "NOTICE", "UTM", "ATM")
            },
            "GETKEY.cookie": Volatile("counter"),
            "GETCKEY.cookie": Volatile("counter"),
            "GETCHANKEY.cookie": Volatile("counter"),
            "700.cookie": Volatile("echo", "GETKEY.cookie"),
            "701.cookie": Volatile("echo", "GETKEY.cookie"),
            "702.cookie": Volatile("echo", "GETCKEY.cookie"),
            "703.cookie": Volatile("echo", "GETCKEY.cookie"),
            "704.cookie": Volatile("echo", "GETCHANKEY.cookie"),
            "PONG.token": Volatile("echo", "PING.token"),
        },
        answers={
            "CRYPT": ("705",),
            "USRIP": ("302",),
            "NICK": ("376", "433"),
            "CDKEY": ("706",),
            "LOGIN": _LOGIN_ENDS,
            "LOGINPREAUTH": _LOGIN_ENDS,
            "JOIN": ("366", "403"),
            "NAMES": ("366",),
            "LIST": ("323",),
            "WHO": ("315",),
            "WHOIS": ("318", "401"),
            "GETKEY": ("701",),
            "GETCKEY": ("703",),
            "GETCHANKEY": ("704",),
            "GETUDPRELAY": ("712",),
            "PING": ("PONG",),
        },
        keys={"705.client_key": "peerchat.client", "705.server_key": "peerchat.server"},
        personal=GAMESPY,
        source="gamespy 9",
    ),
)
