r"""GameSpy's presence server (GPCM): login, profiles, buddies, messages; 29900/tcp.

Text messages `\command\value\key\value\...\final\`, several of them in one write are normal. The
server speaks first, `\lc\1\challenge\...`; the client proves its password, `login` (or makes an
account, `newuser`); the server proves that it knows it too, `lc` with value 2. Nothing is
enciphered, but passwords are obfuscated without a key and are shown in clear here.
Source: gamespy 1 and 2.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import ClassVar

from proxy.ciphers import gp_proof, passwordenc
from proxy.keys import SessionKeys
from proxy.layouts.checks import OK, compare, put_check, put_name, unknown
from proxy.layouts.gamespy_fields import HIDDEN, error_name, kind
from proxy.layouts.keyvalue import KeyValue, command, lookup
from proxy.layouts.keyvalue_stream import KeyValueDissector, Notice, passwords
from proxy.layouts.values import DecimalAddress, Separated, Value
from proxy.message import Message
from proxy.personal import GAMESPY
from proxy.protocol import Announce, Protocol, Rhythm, Volatile
from recordings.model import Direction, Frame, Json, Transport

UP, DOWN = Direction.TO_SERVER, Direction.TO_CLIENT

Make = Callable[[bytes, bytes, bytes, bytes], bytes]
"""Secret, user, challenge of client, of server -> proof."""

SIGNED = "|signed|"
SIGNATURE_LENGTH = 32
NO_PASSWORD = (
    "the password was not seen: give it as --key password=HEX "  # noqa: S105 - a sentence
    "(for a token, the partner's challenge)"
)

BUDDY_MESSAGES = {
    b"1": "message",
    b"2": "buddy request",
    b"3": "reply",
    b"4": "authorised",
    b"5": "UTM",
    b"6": "revoke",
    b"100": "status",
    b"101": "invite",
    b"102": "ping",
    b"103": "pong",
    b"104": "key request",
    b"105": "key reply",
    **{b"%d" % number: "file transfer" for number in range(200, 209)},
}
"""Types of `bm` (gamespy 2.4)."""


HOST_ORDER = DecimalAddress("big")
"""How the presence server spells addresses: 127.0.0.1 is 2130706433 (gamespy 2.4)."""


class BuddyText(Value):
    """`bm.msg`: a status `|s|1|ss|Playing`, an invitation `|p|1|l|here`, or a signed text."""

    pairs = Separated("|", start=("s", "p"))

    def read(self, text: str) -> Json | None:
        if text[:3] in ("|s|", "|p|"):
            shown = self.pairs.read(text)
            if isinstance(shown, dict) and "ip" in shown:
                shown["ip"] = HOST_ORDER.show(str(shown["ip"]))
            return shown
        words, mark, signature = text.rpartition(SIGNED)
        if not mark or len(signature) != SIGNATURE_LENGTH:
            return None
        return {"text": words, "signed": signature}

    def write(self, shown: Json) -> str:
        if isinstance(shown, Mapping) and shown.keys() == {"text", "signed"}:
            return f"{shown['text']}{SIGNED}{shown['signed']}"
        if isinstance(shown, Mapping) and str(shown.get("ip", "")).count(".") == 3:
            shown = {**shown, "ip": HOST_ORDER.write(shown["ip"])}
        return self.pairs.write(shown)

    def parts(self, text: str) -> list[tuple[str, int, int]]:
        if text[:3] in ("|s|", "|p|"):
            return self.pairs.parts(text)
        end = len(text) - SIGNATURE_LENGTH
        return [("text", 0, end - len(SIGNED)), ("signed", end, len(text))]

    def to_wire(self, value: Json) -> str:
        return value if isinstance(value, str) else self.write(value)


class Presence(KeyValue):
    """One message of the presence server or its client."""

    __slots__ = ()
    values: ClassVar[Mapping[str, Value]] = {
        **HIDDEN,
        "msg": BuddyText(),
        "bip": HOST_ORDER,
    }


def login_user(clear: bytes) -> bytes:
    """Whom a login's proofs name: a token as it is, a nick behind its partner (gamespy 2.2)."""
    token = lookup(clear, "authtoken") or lookup(clear, "lt")
    if token is not None:
        return token
    user = lookup(clear, "uniquenick") or lookup(clear, "user") or b""
    partner = lookup(clear, "partnerid") or b"0"
    return user if partner == b"0" else partner + b"@" + user


class PresenceDissector(KeyValueDissector):
    """Learns challenges and passwords, checks both proofs."""

    def __init__(self, keys: SessionKeys) -> None:
        super().__init__(keys)
        self._server_challenge: bytes | None = None
        self._client_challenge = b""
        self._user: bytes | None = None
        self._by_ticket = False  # then the secret is the empty text, as a rule

    def _greeting(self, frame: Frame) -> None:
        clear = frame.clear
        if lookup(clear, "lc") == b"1":
            self._server_challenge = lookup(clear, "challenge")
            self.learn_text(frame, "gp.challenge.server", self._server_challenge)
            return
        self.learn_text(frame, "gp.sesskey", lookup(clear, "sesskey"))
        self.learn_text(frame, "gp.lt", lookup(clear, "lt"))
        has = lookup(clear, "proof")
        if has is not None:
            put_check(frame, "proof", self._verdict(has, gp_proof.proof))

    def _ticket(self, frame: Frame) -> None:
        self.learn_text(frame, "gp.lt", lookup(frame.clear, "lt"))

    def _login(self, frame: Frame) -> None:
        clear = frame.clear
        self._user = login_user(clear)
        self._by_ticket = lookup(clear, "lt") is not None
        self._client_challenge = lookup(clear, "challenge") or b""
        self.learn_text(frame, "gp.challenge.client", self._client_challenge)
        self.learn_text(frame, "gp.user", self._user)
        has = lookup(clear, "response")
        if has is not None:
            put_check(frame, "response", self._verdict(has, gp_proof.response))

    def _password(self, frame: Frame) -> None:
        wire = lookup(frame.clear, "passwordenc")
        if wire:
            self.learn_text(frame, "gp.password", passwordenc.decode(wire), "passwordenc")
        self._cdkey(frame)

    def _cdkey(self, frame: Frame) -> None:
        wire = lookup(frame.clear, "cdkeyenc")
        key = passwordenc.decode(wire) if wire else lookup(frame.clear, "cdkey")
        self.learn_text(frame, "gamespy.cdkey", key, "passwordenc" if wire else None)

    def _error(self, frame: Frame) -> None:
        put_name(frame, "err", error_name(lookup(frame.clear, "err")))

    def _buddy_message(self, frame: Frame) -> None:
        put_name(frame, "bm", BUDDY_MESSAGES.get(lookup(frame.clear, "bm") or b""))

    def _verdict(self, has: bytes, make: Make) -> str:
        """What a proof is worth, by the passwords that are known."""
        if self._server_challenge is None or self._user is None:
            return unknown("the server's challenge or the client's login was not seen")
        tried = [compare(has, needs) for needs in self._proofs(make)]
        if self._by_ticket and has == self._proof(make, b""):
            return OK
        if not tried:
            return unknown(NO_PASSWORD)
        if OK in tried:
            return OK
        return tried[0] if len(tried) == 1 else unknown("none of the passwords seen gives it")

    def _proofs(self, make: Make) -> list[bytes]:
        known = passwords(self.keys, "gp.password")
        return [self._proof(make, password) for password in known]

    def _proof(self, make: Make, password: bytes) -> bytes:
        server = self._server_challenge or b""
        return make(password, self._user or b"", self._client_challenge, server)

    def digest(self, direction: Direction, plain: bytes) -> bytes:
        """The frame with the proof in it made anew for this session; as it was, if it cannot be."""
        field, make = _DIGESTS.get((direction, command(plain)), ("", gp_proof.proof))
        if not field or lookup(plain, field) is None or self._server_challenge is None:
            return plain
        if direction is UP:
            self._user = login_user(plain)
            self._by_ticket = lookup(plain, "lt") is not None
            self._client_challenge = lookup(plain, "challenge") or b""
        proofs = self._proofs(make) or [self._proof(make, b"")] * self._by_ticket
        return Presence.parse(plain).set(field, proofs[0].decode()).encode() if proofs else plain

    notices: ClassVar[Mapping[tuple[Direction, bytes], Notice]] = {
        (DOWN, b"lc"): _greeting,
        (UP, b"login"): _login,
        (UP, b"newuser"): _password,
        (UP, b"updateui"): _password,
        (UP, b"registernick"): _cdkey,
        (UP, b"registercdkey"): _cdkey,
        (DOWN, b"lt"): _ticket,
        (DOWN, b"error"): _error,
        (DOWN, b"bm"): _buddy_message,
        (UP, b"bm"): _buddy_message,
    }


_DIGESTS = {
    (UP, b"login"): ("response", gp_proof.response),
    (DOWN, b"lc"): ("proof", gp_proof.proof),
}
"""Message -> the field that is a proof, and how it is made."""


def _view(frame: Frame) -> Message:
    return Presence.parse(frame.clear)


_PROFILE = (
    "firstname lastname icquin homepage zipcode countrycode birthday sex pmask "
    "pic occ ind inc mar chc i1"
)

KINDS = (
    kind(
        "login",
        UP,
        "proves the password; names the account by exactly one of authtoken, uniquenick, user, lt",
        "challenge authtoken uniquenick user lt userid profileid partnerid response firewall port "
        "productid gamename namespaceid sdkrevision quiet id",
        "2.2",
    ),
    kind(
        "newuser",
        UP,
        "makes an account; a login follows on the same connection",
        "email nick passwordenc productid gamename namespaceid uniquenick cdkey cdkeyenc "
        "partnerid id",
        "2.3",
    ),
    kind("getprofile", UP, "asks for a profile", "sesskey profileid id", "2.3"),
    kind(
        "updatepro",
        UP,
        "changes the own profile",
        f"sesskey nick uniquenick {_PROFILE} partnerid",
        "2.3",
    ),
    kind(
        "updateui",
        UP,
        "changes the account, and tells about the machine",
        "sesskey email passwordenc cpubrandid cpuspeed memory videocard1string videocard1ram "
        "videocard2string videocard2ram osstring connectionid connectionspeed hasnetwork",
        "2.3",
    ),
    kind("status", UP, "sets the own status", "sesskey statstring locstring", "2.3"),
    kind(
        "statusinfo",
        UP,
        "sets the own status, new form",
        "state code sesskey hostIp hprivIp qport hport sessflags richStatus gameType gameVariant "
        "gameMapName",
        "2.3",
    ),
    kind(
        "bm",
        None,
        "a message to or from a buddy, of the type that the command's value names",
        "sesskey t f date msg",
        "2.3, 2.4",
    ),
    kind("addbuddy", UP, "asks to be a buddy", "sesskey newprofileid reason syncrequested", "2.3"),
    kind("authadd", UP, "lets the other be a buddy", "sesskey fromprofileid sig autoSync", "2.3"),
    kind("delbuddy", UP, "removes a buddy", "sesskey delprofileid", "2.3"),
    kind("revoke", UP, "takes the own authorisation back", "sesskey profileid", "2.3"),
    kind("addblock", UP, "blocks a player", "sesskey profileid", "2.3"),
    kind("removeblock", UP, "unblocks a player", "sesskey profileid", "2.3"),
    kind("inviteto", UP, "tells which products invitations are for", "sesskey products", "2.3"),
    kind("pinvite", UP, "invites a player", "sesskey profileid productid location", "2.3"),
    kind("newprofile", UP, "makes a profile", "sesskey nick replace oldnick id", "2.3"),
    kind("delprofile", UP, "deletes the own profile", "sesskey id", "2.3"),
    kind("registernick", UP, "takes a unique nick", "sesskey uniquenick cdkey partnerid id", "2.3"),
    kind("registercdkey", UP, "binds a CD key", "sesskey cdkeyenc gameid partnerid id", "2.3"),
    kind("quiet", UP, "sets which messages are not wanted", "sesskey", "2.3"),
    kind("ka", None, "keeps the connection alive", "", "2.3"),
    kind("logout", UP, "ends the session", "sesskey", "2.3"),
    kind(
        "lc",
        DOWN,
        "1: the server's challenge, first of all; 2: the login is accepted",
        "challenge sesskey proof userid profileid uniquenick lt id",
        "2.1",
    ),
    kind("nur", DOWN, "the account is made", "userid profileid pid id", "2.3"),
    kind("npr", DOWN, "the profile is made", "profileid id", "2.3"),
    kind("dpr", DOWN, "the profile is deleted", "id", "2.3"),
    kind("rn", DOWN, "the unique nick is taken", "id", "2.3"),
    kind("rc", DOWN, "the CD key is bound", "id", "2.3"),
    kind(
        "pi",
        DOWN,
        "a profile; profileid and sig are never absent",
        f"profileid nick userid email sig uniquenick pid lon lat loc aim o1 conn {_PROFILE} id",
        "2.4",
    ),
    kind(
        "bsi",
        DOWN,
        "a buddy's status, new form; no field may be absent",
        "state profile bip bport hostip hprivip qport hport sessflags rstatus gameType gameVnt "
        "gameMn product qmodeflags",
        "2.4",
    ),
    kind("bdy", DOWN, "the list of buddies; its value is their number", "list", "2.4"),
    kind("blk", DOWN, "the list of blocked players; its value is their number", "list", "2.4"),
    kind("lt", DOWN, "a new login ticket", "", "2.4"),
    kind("error", DOWN, "an operation failed", "err fatal errmsg id pid", "1"),
)


def _buddy(kind: str, host: str, port: str) -> Announce:
    """Where a buddy is, to be talked to without the server (gamespy 2.6, 14)."""
    return Announce(
        kind=kind,
        direction=DOWN,
        protocol="gamespy-gt2",
        transport=Transport.UDP,
        host=host,
        port=port,
        role="buddy",
        peer=True,
    )


PROTOCOLS = (
    Protocol(
        name="gamespy-presence",
        title="GameSpy presence (GPCM)",
        transports=(Transport.TCP,),
        ports=(29900,),
        begins=rb"\\lc\\1\\|\\login\\",
        make_dissector=PresenceDissector,
        view_frame=_view,
        kinds=KINDS,
        announces=(
            _buddy("bm", "msg.ip", "msg.p"),
            _buddy("bsi", "bip", "bport"),
        ),
        volatile={
            "lc.challenge": Volatile("fresh", "10 upper-case letters"),
            "lc.sesskey": Volatile("fresh", "number"),
            "lc.proof": Volatile("digest", "gp_proof"),
            "lc.lt": Volatile("fresh", "24 characters"),
            "lc.id": Volatile("echo", "login.id"),
            "lt.lt": Volatile("fresh", "24 characters"),
            "login.challenge": Volatile("fresh", "32 letters and digits"),
            "login.response": Volatile("digest", "gp_proof"),
            "login.port": Volatile("ours", "port"),
            "nur.id": Volatile("echo", "newuser.id"),
            "pi.id": Volatile("echo", "getprofile.id"),
            "nur.userid": Volatile("fresh", "number"),
            "nur.profileid": Volatile("fresh", "number"),
            "pi.profileid": Volatile("echo", "getprofile.profileid"),
            "pi.userid": Volatile("learned", "an id of the server's own"),
            "pi.sig": Volatile("fresh", "32 hex digits"),
            "npr.id": Volatile("echo", "newprofile.id"),
            "dpr.id": Volatile("echo", "delprofile.id"),
            "rn.id": Volatile("echo", "registernick.id"),
            "rc.id": Volatile("echo", "registercdkey.id"),
            "error.id": Volatile("echo", "*.id"),
            "bm.date": Volatile("clock", "s"),
            "*.sesskey": Volatile("key", "gp.sesskey"),
        },
        answers={
            "login": ("lc", "error"),
            "newuser": ("nur", "error"),
            "getprofile": ("pi", "error"),
            "newprofile": ("npr", "error"),
            "delprofile": ("dpr", "error"),
            "registernick": ("rn", "error"),
            "registercdkey": ("rc", "error"),
        },
        rhythm=(Rhythm("ka", UP, 120.0),),
        keys={
            "lc.challenge": "gp.challenge.server",
            "lc.sesskey": "gp.sesskey",
            "lc.lt": "gp.lt",
            "lt.lt": "gp.lt",
            "login.challenge": "gp.challenge.client",
            "newuser.passwordenc": "gp.password",
            "newuser.cdkeyenc": "gamespy.cdkey",
            "registercdkey.cdkeyenc": "gamespy.cdkey",
            "updateui.passwordenc": "gp.password",
        },
        session_keys=("gp.sesskey",),
        personal=GAMESPY,
        source="gamespy 1, 2",
    ),
)
